"""Error cells of workbooks (#N/A, #DIV/0!): the reader of workbooks gives them as empty, and empty would be nothing.

They are found in the workbook's own XML (ECMA-376, 18.3.1.4: a cell whose type is `e`), or in its old records.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from posixpath import join, normpath
from typing import Any
from xml.parsers import expat

from flows.ingest.connect.old_cells import Place, find_old_errors

WORKBOOK_PART = "xl/workbook.xml"
RELATIONS_PART = "xl/_rels/workbook.xml.rels"
_MAY_HOLD_ERRORS = re.compile(rb"\bt\s*=\s*[\"']e[\"']")
_PLACE = re.compile(r"([A-Z]+)([0-9]+)")


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


def _find_new_errors(content: bytes, sheet: str) -> list[Place] | None:
    """The places of error cells of an .xlsx, as `find_old_errors` gives them; nothing if it is none."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
            if WORKBOOK_PART not in parts:
                return None
            workbook, relations = (archive.read(parts[name]) for name in (WORKBOOK_PART, RELATIONS_PART))
            xml = archive.read(parts[_name_part(workbook, relations, sheet).lower()])
            return _find_errors(xml) if _MAY_HOLD_ERRORS.search(xml) else []
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, KeyError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"the workbook's parts cannot be read ({type(error).__name__})") from None


def _name_part(workbook: bytes, relations: bytes, sheet: str) -> str:
    """The name of the part that holds the sheet of that name."""
    keys = {attributes["name"]: _pick(attributes, "id") for attributes in _list_elements(workbook, "sheet")}
    targets = {attributes["Id"]: attributes["Target"] for attributes in _list_elements(relations, "Relationship")}
    target = targets[keys[sheet]].replace("\\", "/")
    return target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))


def _pick(attributes: dict[str, str], name: str) -> str:
    """The attribute with a prefix, whatever the prefix is."""
    return next((value for key, value in attributes.items() if key.endswith(f":{name}")), "")


def _list_elements(xml: bytes, name: str) -> list[dict[str, str]]:
    """The attributes of each element of that name, whatever its prefix."""
    found: list[dict[str, str]] = []

    def note(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == name:
            found.append(attributes)

    _parse(xml, note)
    return found


def _find_errors(xml: bytes) -> list[Place]:
    """Row and column, counted from 0, of each error cell. Cells without a reference follow the one before."""
    found: list[Place] = []
    row, column = -1, -1

    def note(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column
        name = tag.rpartition(":")[2]
        if name == "row":
            row, column = int(attributes["r"]) - 1 if "r" in attributes else row + 1, -1
        elif name == "c":
            place = _PLACE.fullmatch(attributes.get("r", ""))
            row, column = (int(place[2]) - 1, _count_column(place[1])) if place else (row, column + 1)
            if attributes.get("t") == "e":
                found.append((row, column))

    _parse(xml, note)
    return found


def _count_column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _parse(xml: bytes, note: Callable[[str, dict[str, str]], None]) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = note
    parser.Parse(xml, True)
