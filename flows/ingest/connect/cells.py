"""Error cells of workbooks (#N/A, #DIV/0!): the reader of workbooks gives them as empty, and empty would be nothing.

They are found in the workbook's own XML (ECMA-376, 18.3.1.4: a cell whose type is `e`), or in its old records.
"""

import io
import re
import zipfile
import zlib
from typing import Any
from xml.parsers import expat

from flows.ingest.connect.old_cells import Place, find_old_errors
from flows.ingest.connect.texts import Unreadable
from flows.xlsx_parts import (
    PLACE,
    UNPACKED_BYTES_MAX,
    WORKBOOK_PART,
    map_parts,
    measure_unpacked,
    name_sheet_part,
    number_column,
    visit_elements,
)

ROWS_MAX, COLUMNS_MAX = 1 << 20, 1 << 14
CELLS_MAX = 50_000_000
"""The reader of workbooks holds every cell of the rectangle in which anything stands, empty ones too."""

_MAY_HOLD_ERRORS = re.compile(rb"\bt\s*=\s*[\"']e[\"']")
_MAY_BE_LARGE = re.compile(rb"r\s*=\s*[\"'](?:[A-Z]{2}|[A-Z]*[0-9]{7})")
"""Beyond column Z or row 999,999; looking at each cell takes as long as reading them."""
_ROW = re.compile(rb"<(?:\w+:)?row\s(?:[^>]*?\s)?r\s*=\s*[\"']([0-9]+)[\"']")
_CELL = re.compile(rb"<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*[\"']([A-Z]+)([0-9]+)[\"'][^>]*(?<!/)>")
"""A cell that holds something; what is only formatted is written `<c .../>`, and the reader leaves it out."""


class CellError:
    """Stands in a record for a cell that holds an error: it is there, and no column can read it."""

    def __str__(self) -> str:
        return "#ERROR"

    __repr__ = __str__


CELL_ERROR = CellError()
ERROR_TEXTS = frozenset({"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})
"""What a spreadsheet writes for such cells when it exports text."""


def mark_text_errors(row: list[Any]) -> list[Any]:
    """The row with `CELL_ERROR` in place of the texts of errors."""
    if ERROR_TEXTS.isdisjoint(row):
        return row
    return [CELL_ERROR if type(cell) is str and cell in ERROR_TEXTS else cell for cell in row]


def mark_errors(rows: list[list[Any]], content: bytes, sheet: str) -> bool:
    """Put `CELL_ERROR` where the workbook's sheet holds an error; `rows` begin at its first cell.

    False if the workbook is of another kind than .xlsx or .xls, so that its errors cannot be told from empty cells.
    Raises `ValueError` if it is an .xlsx, but not as it should be.
    """
    places = find_old_errors(content, sheet)
    if places is None:
        places = _find_new_errors(content, sheet)
    for row, column in places or []:
        rows.extend([] for _ in range(row - len(rows) + 1))
        rows[row].extend("" for _ in range(column - len(rows[row]) + 1))
        rows[row][column] = CELL_ERROR
    return places is not None


def check_extent(content: bytes, sheet: str) -> None:
    """Raise `Unreadable` for an .xlsx that would not fit in memory: a few bytes may stand for milliards of cells."""
    xml = _read_sheet(content, sheet)
    if xml is None:
        return
    if not _MAY_BE_LARGE.search(xml):
        return
    columns, rows = set(), set()
    for cell in _CELL.finditer(xml):
        columns.add(cell[1])
        rows.add(cell[2])
    row_count = max(map(int, rows), default=0)
    column_count = 1 + max((number_column(letters.decode()) for letters in columns), default=0)
    last_row = max((int(row[1]) for row in _ROW.finditer(xml)), default=0)
    is_no_sheet = max(row_count, last_row) > ROWS_MAX or column_count > COLUMNS_MAX
    if is_no_sheet or row_count * column_count > CELLS_MAX:
        raise Unreadable(
            f"its sheet reaches to row {max(row_count, last_row)}, column {column_count}: more than {CELLS_MAX} "
            "cells, or than a sheet can have. Delete what stands far below or beside the table"
        )


def _find_new_errors(content: bytes, sheet: str) -> list[Place] | None:
    """The places of error cells of an .xlsx, as `find_old_errors` gives them; nothing if it is none."""
    xml = _read_sheet(content, sheet)
    if xml is None:
        return None
    try:
        return _find_errors(xml) if _MAY_HOLD_ERRORS.search(xml) else []
    except expat.ExpatError as error:
        raise ValueError(f"the workbook's parts cannot be read ({type(error).__name__})") from None


def _read_sheet(content: bytes, sheet: str) -> bytes | None:
    """The XML of an .xlsx's sheet; nothing if it is none. Raises `Unreadable` if it is packed beyond measure."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if measure_unpacked(archive) > UNPACKED_BYTES_MAX:
                raise Unreadable(f"it unpacks to more than {UNPACKED_BYTES_MAX >> 20} MB: ask for it in parts")
            if WORKBOOK_PART not in map_parts(archive):
                return None
            return archive.read(name_sheet_part(archive, sheet))
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, KeyError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"the workbook's parts cannot be read ({type(error).__name__})") from None


def _find_errors(xml: bytes) -> list[Place]:
    """Row and column, counted from 0, of each error cell. Cells without a reference follow the one before."""
    found: list[Place] = []
    row, column = -1, -1

    def note(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column
        if name == "row":
            row, column = int(attributes["r"]) - 1 if "r" in attributes else row + 1, -1
        elif name == "c":
            place = PLACE.fullmatch(attributes.get("r", ""))
            row, column = (int(place[2]) - 1, number_column(place[1])) if place else (row, column + 1)
            if attributes.get("t") == "e":
                found.append((row, column))

    visit_elements(xml, note)
    return found
