"""An .xlsx as the archive of XML that it is: told from what only bears the name, its sheets found and surveyed.

Sheets are never taken apart into a tree: only the places of what matters are noted, so that a city's workbook can be
gone through in little memory, and copied with everything else in it as it was (ECMA-376, part 1, §18.3).
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from flows.errors import DecisionRefused, UsageError
from flows.xlsx_parts import (
    PLACE,
    UNPACKED_BYTES_MAX,
    WORKBOOK_PART,
    map_parts,
    measure_unpacked,
    name_sheet_part,
    number_column,
)

CHUNK_BYTES = 1 << 20

_OLD_WORKBOOK = bytes.fromhex("D0CF11E0A1B11AE1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, expat.ExpatError, KeyError, ValueError, NotImplementedError, RuntimeError,
    EOFError,
)  # fmt: skip


@dataclass
class RowPlace:
    """Where a cell can be put into a row: in place of that of `column`, from `start` to `end`, or else at `end`."""

    start: int
    end: int
    column: int = -1
    """Which cell stands there, from 0; -1 for none."""
    style: str = ""


@dataclass
class SheetPlaces:
    """What a sheet's XML holds where; offsets in bytes, rows counted from 1, columns from 0."""

    rows: dict[int, RowPlace] = field(default_factory=dict)
    prefix: str = ""
    """The name space's prefix that every element has, with its colon."""
    last_row: int = 0
    last_column: int = -1
    """The last column of any cell, a merely formatted one too."""
    filled_row: int = 0
    filled_column: int = -1
    errors: set[tuple[int, int]] = field(default_factory=set)
    """Row and column of each cell that holds an error, such as #N/A."""
    dimension: tuple[int, int] | None = None
    columns_end: int | None = None
    """Where the element of the columns' widths ends, if there is one, and the last column that it describes."""
    described_column: int = -1


def refuse_foreign(name: str, content: bytes) -> None:
    """Raise `UsageError`, which says what the file is and what to do, if it is no .xlsx."""
    if not content:
        raise UsageError(f"{name} is empty (0 bytes): its copy broke off. Copy or save it again.")
    if content.startswith(_OLD_WORKBOOK):
        if _ENCRYPTED in content:
            raise UsageError(f"{name} is protected with a password. Save it without one and import it again.")
        raise UsageError(f"{name} is an old workbook (.xls). Save it as .xlsx and import it again.")
    if not zipfile.is_zipfile(io.BytesIO(content)):
        is_text = b"\0" not in content[:4096]
        what = "is text, such as a CSV, under a workbook's name" if is_text else "is damaged, or no workbook"
        raise UsageError(f"{name} {what}. Fill in what fivestar review export wrote, and save it as .xlsx.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names, unpacked = map_parts(archive), measure_unpacked(archive)
    except _DAMAGED as error:
        raise _describe_damage(name) from error
    if WORKBOOK_PART not in names:
        kinds = {"content.xml": "an OpenDocument file (.ods)", "xl/workbook.bin": "a binary workbook (.xlsb)"}
        kind = next((kind for part, kind in kinds.items() if part in names), "an archive, but no workbook")
        raise UsageError(f"{name} is {kind}. Save it as .xlsx and import it again.")
    if unpacked > UNPACKED_BYTES_MAX:
        raise UsageError(
            f"{name} unpacks to more than {UNPACKED_BYTES_MAX} bytes. Fill in what fivestar review export wrote."
        )


def find_sheet_part(name: str, content: bytes, sheet: str) -> str:
    """The archive's part that holds the sheet of that name. Raises `UsageError` if the archive is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return name_sheet_part(archive, sheet)
    except _DAMAGED as error:
        raise _describe_damage(name) from error


def survey_sheet(name: str, content: bytes, part: str, column: int | None = None) -> SheetPlaces:
    """The places of the sheet's XML: of each row the cell of `column`, or where it would stand; else the last cell.

    Raises `UsageError` if the sheet cannot be read, `DecisionRefused` if it is written in a way nobody writes it.
    """
    surveyor = _Surveyor(column)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(part) as stream:
            for chunk in _read_chunks(stream):
                if chunk.startswith(_UTF_16):
                    raise DecisionRefused(f"{name} holds a sheet in UTF-16. Open it in Excel and save it anew.")
                surveyor.parse(chunk)
            surveyor.parse(b"", is_last=True)
    except _DAMAGED as error:
        raise _describe_damage(name) from error
    return surveyor.places


class _Surveyor:
    """Goes through a sheet's XML once and notes the places."""

    def __init__(self, column: int | None) -> None:
        self.places = SheetPlaces()
        self._column = column
        self._row, self._cell, self._at = 0, -1, 0
        self._style = ""
        self._place: RowPlace | None = None
        self._dimension_at: int | None = None
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def parse(self, chunk: bytes, *, is_last: bool = False) -> None:
        self._parser.Parse(chunk, is_last)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        prefix, _, name = tag.rpartition(":")
        places, at = self.places, self._parser.CurrentByteIndex
        if self._dimension_at is not None:
            places.dimension, self._dimension_at = (self._dimension_at, at), None
        if name == "c":
            self._start_cell(attributes, at)
        elif name in {"v", "is"}:
            places.filled_row = max(places.filled_row, self._row)
            places.filled_column = max(places.filled_column, self._cell)
        elif name == "row":
            self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
            self._cell, self._place = -1, None
            places.last_row = max(places.last_row, self._row)
        elif name == "worksheet":
            places.prefix = f"{prefix}:" if prefix else ""
        elif name == "dimension":
            self._dimension_at = at
        elif name == "col":
            places.described_column = max(places.described_column, int(attributes.get("max", 0)) - 1)

    def _start_cell(self, attributes: dict[str, str], at: int) -> None:
        self._close_cell(at)
        place = PLACE.fullmatch(attributes.get("r", ""))
        self._cell = number_column(place[1]) if place else self._cell + 1
        self._at, self._style = at, attributes.get("s", "")
        self.places.last_column = max(self.places.last_column, self._cell)
        if attributes.get("t") == "e":
            self.places.errors.add((self._row, self._cell))
        if self._column is not None and self._place is None and self._cell > self._column:
            self._place = RowPlace(at, at)

    def _close_cell(self, at: int) -> None:
        if self._cell == self._column and self._cell >= 0:
            self._place = RowPlace(self._at, at, self._cell, self._style)

    def _end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "row" and self._cell >= 0:
            at = self._parser.CurrentByteIndex
            self._close_cell(at)
            if self._place is None:
                self._place = RowPlace(self._at, at, self._cell, self._style)
            self.places.rows[self._row] = self._place
        elif name == "cols":
            self.places.columns_end = self._parser.CurrentByteIndex

    def _refuse_doctype(self, *_: object) -> None:
        raise DecisionRefused("The workbook's XML declares a document type, as no spreadsheet does. Save it anew.")


def _read_chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _describe_damage(name: str) -> UsageError:
    return UsageError(f"{name} is damaged, or its copy broke off. Copy it again, or save it anew in Excel.")
