"""Spreadsheets and exports in a folder, as records: one mapping of header to cell for each row."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from flows.errors import ContractBroken
from flows.ingest.connect.cells import check_extent, mark_errors, mark_text_errors
from flows.ingest.connect.connector import Connector, Delivery, RecordsChanged
from flows.ingest.connect.folder import SourceFile, find_files, read_stamp
from flows.ingest.connect.rest import Timing
from flows.ingest.connect.sheets import Warn, fill_merged_headers, tabulate
from flows.ingest.connect.texts import Unreadable, open_text
from flows.ingest.describe.records import Record, Window
from flows.ingest.describe.source import FileResource, FilesSource

RECORDS_AT_ONCE = 10_000
LINE_CHARACTERS_MAX = 1 << 24
"""A longer line is no record but a whole document, and would not fit in memory for ever."""


class FilesConnector(Connector):
    """Reads one kind of file in a folder; a window doesn't narrow it (interfaces.md)."""

    def __init__(self, source: FilesSource, resource: FileResource, name: str, timing: Timing) -> None:
        super().__init__()
        self._source = source
        self._resource = resource
        self._name = name
        self._timing = timing

    def list_deliveries(self, window: Window) -> Iterator[Delivery]:  # noqa: ARG002 -- see the class
        files, left = find_files(self._source, self._resource, self._timing)
        self.left += left
        for file in files:
            request = {"file": file.name, "sha256": file.content_sha256}
            yield Delivery(file.name, request, self._read_unchanged(file))

    def _read_unchanged(self, file: SourceFile) -> Iterator[list[Record]]:
        """The file's records. Raises `RecordsChanged` if it is not, at the end, what was hashed at the beginning."""
        try:
            yield from read_records(file, self._resource, self._name, self.warnings.append)
        except ContractBroken:
            self._check_unchanged(file)
            raise
        self._check_unchanged(file)

    def _check_unchanged(self, file: SourceFile) -> None:
        if read_stamp(file.path) != file.stamp:
            raise RecordsChanged(f"{self._name}: {file.name} changed while it was read. Pull again.", slot=file.name)


def read_records(
    file: SourceFile, resource: FileResource, name: str, warn: Warn = lambda _: None
) -> Iterator[list[Record]]:
    """The file's records, some thousands at a time. Raises `ContractBroken` naming the file if it can't be read.

    Empty rows are passed over. Cells are text, numbers, dates, errors or nothing, as the file holds them. `warn` is
    handed what may have been lost. A workbook is read whole; of other files no more is held than what is handed over.
    """
    try:
        yield from _batch(_open(file, resource, lambda text: warn(f"{name}: {file.name}: {text}")))
    except (CalamineError, csv.Error, pa.ArrowException, ValueError, OverflowError, OSError, LookupError) as error:
        reason = str(error).splitlines()[0] if isinstance(error, Unreadable) else type(error).__name__
        raise ContractBroken(
            f"{name}: {file.name} cannot be read as {resource.format} ({reason}). Ask for the file again, or correct "
            "format, sheet, skip_rows or header_rows."
        ) from None


def _open(file: SourceFile, resource: FileResource, warn: Warn) -> Iterable[Record]:
    if file.stamp.byte_count == 0 and resource.format == "jsonl":
        warn("is empty (0 bytes): no records, or a copy that broke off.")
    elif file.stamp.byte_count == 0:
        raise Unreadable("it is empty, 0 bytes: a copy that broke off, or a name without a file")
    return _READERS[resource.format](file.path, resource, warn)


def _batch(records: Iterable[Record]) -> Iterator[list[Record]]:
    source = iter(records)
    while chunk := list(islice(source, RECORDS_AT_ONCE)):
        yield chunk


def _read_csv(path: Path, resource: FileResource, warn: Warn) -> Iterator[Record]:
    with open_text(path, resource.encoding) as stream:
        rows = csv.reader(stream, strict=True)
        try:
            yield from tabulate(map(mark_text_errors, rows), resource, warn)
        except csv.Error as error:
            raise Unreadable(f"line {rows.line_num}: {error}") from None


def _read_workbook(path: Path, resource: FileResource, warn: Warn) -> Iterator[Record]:
    # By its content, for many an .xls is an .xlsx; a path would be judged by its ending.
    content = path.read_bytes()
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise Unreadable("it is a web page or XML under a workbook's name: save it as .xlsx")
    try:
        sheet = _open_sheet(content, resource.sheet)
        rows, merges = sheet.to_python(skip_empty_area=False), sheet.merged_cell_ranges or ()
    except BaseException as error:
        # The reader panics over some cut-off workbooks, and a panic is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable("it is damaged, or its copy broke off") from None
    if not mark_errors(rows, content, sheet.name):
        warn("is neither .xlsx nor .xls, so errors such as #N/A are read as empty. Ask for an .xlsx.")
    knows_merges = fill_merged_headers(rows, merges, resource)
    return tabulate(map(mark_text_errors, rows), resource, warn, knows_merges=knows_merges)


def _open_sheet(content: bytes, wanted: str | int) -> CalamineSheet:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    names = workbook.sheet_names
    if isinstance(wanted, str) and wanted not in names:
        raise Unreadable(f"no sheet {wanted!r}, but {', '.join(names)}")
    if isinstance(wanted, int) and wanted >= len(names):
        raise Unreadable(f"no sheet number {wanted}, only {len(names)} counted from 0")
    name = wanted if isinstance(wanted, str) else names[wanted]
    check_extent(content, name)
    return workbook.get_sheet_by_name(name)


def _read_jsonl(path: Path, resource: FileResource, _: Warn) -> Iterator[Record]:
    with open_text(path, resource.encoding) as stream:
        number = 0
        while line := stream.readline(LINE_CHARACTERS_MAX):
            number += 1
            if len(line) == LINE_CHARACTERS_MAX:
                raise Unreadable(f"line {number} is longer than {LINE_CHARACTERS_MAX} characters")
            if not line.strip():
                continue
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                raise Unreadable(f"line {number} is not JSON") from None
            if not isinstance(record, dict):
                raise Unreadable(f"line {number} is not an object")
            yield record


def _read_parquet(path: Path, _: FileResource, __: Warn) -> Iterator[Record]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if len(set(names)) < len(names):
            raise Unreadable("a column stands more than once")
        for batch in file.iter_batches(RECORDS_AT_ONCE):
            yield from batch.to_pylist()


_READERS = {
    "csv": _read_csv,
    "xlsx": _read_workbook,
    "xls": _read_workbook,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
}
