"""The parts of an .xlsx: which part of the archive holds which sheet, and what its XML's elements say.

Whoever opens a workbook of somebody else's needs it: ingest's connectors, and HR's way back. Names are taken as any
program writes them: `XL\\WorkBook.xml` is `xl/workbook.xml` (ECMA-376, part 2, §6.3).
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from posixpath import join, normpath
from xml.parsers import expat

WORKBOOK_PART = "xl/workbook.xml"
RELATIONS_PART = "xl/_rels/workbook.xml.rels"
UNPACKED_BYTES_MAX = 1 << 30
"""What unpacks to more is no workbook that somebody keeps, but a trap."""
PLACE = re.compile(r"([A-Z]+)([0-9]+)")
"""A cell's reference: its column's letters and its row's number."""


def map_parts(archive: zipfile.ZipFile) -> Mapping[str, str]:
    """The archive's parts by their names in small letters and with `/`, as it names them itself."""
    return {name.replace("\\", "/").lower(): name for name in archive.namelist()}


def measure_unpacked(archive: zipfile.ZipFile) -> int:
    """How many bytes the archive says that it unpacks to."""
    return sum(part.file_size for part in archive.infolist())


def name_sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part that holds the sheet of that name, as the archive names it.

    Raises `KeyError` if there is none, `expat.ExpatError` if what should say so is no XML, and what `zipfile` raises
    for a damaged archive.
    """
    parts = map_parts(archive)
    workbook, relations = (archive.read(parts[part]) for part in (WORKBOOK_PART, RELATIONS_PART))
    keys = {attributes["name"]: _pick(attributes, "id") for attributes in _list_elements(workbook, "sheet")}
    targets = {attributes["Id"]: attributes["Target"] for attributes in _list_elements(relations, "Relationship")}
    target = targets[keys[sheet]].replace("\\", "/")
    path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
    return parts[path.lower()]


def visit_elements(xml: bytes, visit: Callable[[str, dict[str, str]], None]) -> None:
    """Call `visit` with the name, without its prefix, and the attributes of each element, in the order of the text.

    Raises `expat.ExpatError` if it is no XML.
    """
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: visit(tag.rpartition(":")[2], attributes)
    parser.Parse(xml, True)


@cache
def number_column(letters: str) -> int:
    """The column of those letters, from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _list_elements(xml: bytes, wanted: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []

    def visit(name: str, attributes: dict[str, str]) -> None:
        if name == wanted:
            found.append(attributes)

    visit_elements(xml, visit)
    return found


def _pick(attributes: dict[str, str], name: str) -> str:
    """The attribute with a prefix, whatever the prefix is."""
    return next((value for key, value in attributes.items() if key.endswith(f":{name}")), "")
