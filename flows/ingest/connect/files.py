"""Spreadsheets and exports in a folder, as records: one mapping of header to cell for each row."""

import csv
import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from flows.errors import ContractBroken, SourceUnavailable
from flows.ingest.connect.cells import mark_errors, mark_text_errors
from flows.ingest.connect.connector import Connector, Delivery
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.headers import tidy_header
from flows.ingest.describe.records import Record, Window
from flows.ingest.describe.source import FileResource, FilesSource

RECORDS_AT_ONCE = 10_000
ENCODINGS = ("utf-8-sig", "utf-8", "gb18030")
"""Tried in this order: real exports hold characters that GBK lacks (pitfalls.md)."""

Warn = Callable[[str], None]


class FilesConnector(Connector):
    """Reads one kind of file in a folder; a window doesn't narrow it (interfaces.md)."""

    def __init__(self, source: FilesSource, resource: FileResource, name: str, timing: Timing) -> None:
        super().__init__()
        self._source = source
        self._resource = resource
        self._name = name
        self._timing = timing

    def list_deliveries(self, window: Window) -> Iterator[Delivery]:  # noqa: ARG002 -- see the class
        for file in find_files(self._source, self._resource):
            request = {"file": file.name, "sha256": file.content_sha256}
            yield Delivery(file.name, request, read_records(file, self._resource, self._name, self.warnings.append))


@dataclass(frozen=True)
class SourceFile:
    """A file found; `name` is its path within the source's folder and names its slot."""

    path: Path
    name: str
    content_sha256: str


def find_files(source: FilesSource, resource: FileResource) -> list[SourceFile]:
    """The files that `resource.files` matches, in the order of their names.

    Raises `SourceUnavailable` if the folder is not there. Excel's lock files are passed over.
    """
    folder = source.config_folder / source.resolve("connection.path", source.connection.path)
    if not folder.is_dir():
        raise SourceUnavailable(
            f"{source.platform}: the folder {source.connection.path} is not there. "
            "Mount it, or correct connection.path."
        )
    paths = [path for path in folder.glob(resource.files) if path.is_file() and not path.name.startswith("~$")]
    named = sorted((path.relative_to(folder).as_posix(), path) for path in paths)
    try:
        return [SourceFile(path, name, _digest(path)) for name, path in named]
    except OSError as error:
        raise SourceUnavailable(
            f"{source.platform}: a file cannot be read ({error.strerror}). Check its rights."
        ) from None


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_records(
    file: SourceFile, resource: FileResource, name: str, warn: Warn = lambda _: None
) -> Iterator[list[Record]]:
    """The file's records, some thousands at a time. Raises `ContractBroken` naming the file if it can't be read.

    Empty rows are passed over. Cells are text, numbers, dates, errors or nothing, as the file holds them. `warn` is
    handed what may have been lost.
    """
    try:
        yield from _batch(
            _READERS[resource.format](file.path, resource, lambda text: warn(f"{name}: {file.name}: {text}"))
        )
    except (CalamineError, csv.Error, pa.ArrowException, ValueError, OSError, LookupError) as error:
        reason = str(error).splitlines()[0] if isinstance(error, _Unreadable) else type(error).__name__
        raise ContractBroken(
            f"{name}: {file.name} cannot be read as {resource.format} ({reason}). Ask for the file again, or correct "
            "format, sheet, skip_rows or header_rows."
        ) from None


class _Unreadable(ValueError):
    """What is wrong with a file, in words that hold nothing of its rows."""


def _batch(records: Iterable[Record]) -> Iterator[list[Record]]:
    source = iter(records)
    while chunk := list(islice(source, RECORDS_AT_ONCE)):
        yield chunk


def _decode(path: Path, encoding: str) -> str:
    content = path.read_bytes()
    for name in ENCODINGS if encoding == "auto" else (encoding,):
        try:
            return content.decode(name)
        except UnicodeDecodeError:
            continue
        except LookupError:
            raise _Unreadable(f"unknown encoding {name}") from None
    raise _Unreadable(f"it is not text in {encoding if encoding != 'auto' else ' or '.join(ENCODINGS)}")


def _read_csv(path: Path, resource: FileResource, warn: Warn) -> Iterator[Record]:
    rows = csv.reader(io.StringIO(_decode(path, resource.encoding), newline=""), strict=True)
    return _tabulate(map(mark_text_errors, rows), resource, warn)


def _read_xlsx(path: Path, resource: FileResource, warn: Warn) -> Iterator[Record]:
    # By its content, for many an .xls is an .xlsx; a path would be judged by its ending.
    content = path.read_bytes()
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    names = workbook.sheet_names
    if isinstance(resource.sheet, str) and resource.sheet not in names:
        raise _Unreadable(f"no sheet {resource.sheet!r}, but {', '.join(names)}")
    if isinstance(resource.sheet, int) and resource.sheet >= len(names):
        raise _Unreadable(f"no sheet number {resource.sheet}, only {len(names)} counted from 0")
    name = resource.sheet if isinstance(resource.sheet, str) else names[resource.sheet]
    rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    if not mark_errors(rows, content, name):
        warn("is an old workbook, whose errors such as #N/A are read as empty. Ask for an .xlsx.")
    return _tabulate(map(mark_text_errors, rows), resource, warn)


def _read_jsonl(path: Path, resource: FileResource, _: Warn) -> Iterator[Record]:
    for number, line in enumerate(_decode(path, resource.encoding).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise _Unreadable(f"line {number} is not JSON") from None
        if not isinstance(record, dict):
            raise _Unreadable(f"line {number} is not an object")
        yield record


def _read_parquet(path: Path, _: FileResource, __: Warn) -> Iterator[Record]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(RECORDS_AT_ONCE):
            yield from batch.to_pylist()


_READERS = {"csv": _read_csv, "xlsx": _read_xlsx, "jsonl": _read_jsonl, "parquet": _read_parquet}


def _tabulate(rows: Iterable[list[Any]], resource: FileResource, warn: Warn) -> Iterator[Record]:
    """Records of a table with a preamble, one or more header rows and perhaps a footer."""
    body = (row for row in islice(rows, resource.skip_rows, None) if not _is_empty(row))
    top = list(islice(body, resource.header_rows))
    if len(top) < resource.header_rows:
        raise _Unreadable("there is no header row")
    header = _join_headers(top)
    for row in _drop_footer(body, resource, warn):
        cells = [None if cell == "" else cell for cell in row]
        if any(cell is not None for cell in cells[len(header) :]):
            raise _Unreadable("a row has more cells than the header")
        cells += [None] * (len(header) - len(cells))
        yield {name: cell for name, cell in zip(header, cells, strict=False) if name}


def _is_empty(row: list[Any]) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)


def _join_headers(rows: list[list[Any]]) -> list[str]:
    """One name a column. In rows above the last a merged header stands once and covers the empty cells after it."""
    width = max(len(row) for row in rows)
    names: list[list[str]] = [[] for _ in range(width)]
    for number, row in enumerate(rows):
        covering = ""
        for column in range(width):
            text = tidy_header(row[column]) if column < len(row) and row[column] is not None else ""
            covering = text or (covering if number < len(rows) - 1 else "")
            if covering and covering not in names[column][-1:]:
                names[column].append(covering)
    header = ["/".join(parts) for parts in names]
    while header and not header[-1]:
        header.pop()
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise _Unreadable(f"the header {', '.join(twice)} stands more than once")
    return header


def _drop_footer(rows: Iterator[list[Any]], resource: FileResource, warn: Warn) -> Iterator[list[Any]]:
    """The rows above the footer; `warn` is told if what stands below its first row looks like more of them."""
    footer = resource.footer
    held: deque[list[Any]] = deque()
    for row in rows:
        if (
            footer is not None
            and footer.starts_with is not None
            and _write_cell(row[0]).startswith(footer.starts_with)
        ):
            below = list(rows)
            if any(sum(_write_cell(cell) != "" for cell in dropped) > 1 for dropped in below):
                warn(
                    f"{len(below)} rows below the first that starts with {footer.starts_with} were dropped, and some "
                    "look like data. Let the footer start with something that no row does, or move them above it."
                )
            return
        held.append(row)
        if footer is None or footer.rows is None or len(held) > footer.rows:
            yield held.popleft()


def _write_cell(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
