"""Error cells of workbooks of the old kind, wherever the file keeps its streams."""

import struct
from pathlib import Path

import pytest

from flows.ingest.connect.old_cells import SIGNATURE, STREAM, find_old_errors

OLD_WORKBOOK = Path(__file__).parent / "workbooks" / "sanctions.xls"
SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
BOF, EOF, SHEET, FORMULA, BOOL_OR_ERROR = 0x0809, 0x000A, 0x0085, 0x0006, 0x0205


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def formula(row: int, column: int, result: bytes) -> bytes:
    return record(FORMULA, struct.pack("<HHH", row, column, 0) + result + bytes(8))


def write_stream(sheets: dict[str, list[bytes]]) -> bytes:
    """The stream of a workbook with these sheets, long enough to lie in sectors of its own."""
    names = [(name, name.encode("utf-16-le")) for name in sheets]
    bodies = [record(BOF) + b"".join(records) + record(EOF) for records in sheets.values()]
    at = 2 * len(record(BOF)) + sum(len(record(SHEET, bytes(8) + wide)) for _, wide in names)
    heads = []
    for (name, wide), body in zip(names, bodies, strict=True):
        heads.append(record(SHEET, struct.pack("<IHBB", at, 0, len(name), 1) + wide))
        at += len(body)
    whole = record(BOF) + b"".join(heads) + record(EOF) + b"".join(bodies)
    return whole.ljust(9 * SECTOR, b"\0")


def write_file(stream: bytes, name: str = STREAM) -> bytes:
    """A compound file of one stream: the table of sectors, the directory, then the stream's sectors backwards."""
    count = len(stream) // SECTOR
    table = [FAT, END, END, *range(2, count + 1)]
    pieces = [stream[at : at + SECTOR] for at in range(0, len(stream), SECTOR)]
    header = SIGNATURE + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, END, 0, END, 0) + struct.pack("<109I", 0, *[FREE] * 108)
    entries = b"".join(
        [describe_entry("Root Entry", 5, END, 0), describe_entry(name, 2, count + 1, len(stream)), bytes(256)]
    )
    fat = struct.pack("<128I", *table, *[FREE] * (128 - len(table)))
    return b"".join([header, fat, entries, *reversed(pieces)])


def describe_entry(name: str, kind: int, start: int, size: int) -> bytes:
    wide = name.encode("utf-16-le") + b"\0\0"
    return (
        wide.ljust(64, b"\0") + struct.pack("<HBB", len(wide), kind, 1) + bytes(48) + struct.pack("<IQ", start, size)
    )


NOT_AVAILABLE = bytes([2, 0, 42, 0, 0, 0, 0xFF, 0xFF])
TEXT = bytes([0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
TRUE = bytes([1, 0, 1, 0, 0, 0, 0xFF, 0xFF])
NUMBER = struct.pack("<d", 2.0)
CHART = [record(BOF), formula(9, 9, NOT_AVAILABLE), record(EOF)]
ERROR_CELL = record(BOOL_OR_ERROR, struct.pack("<HHHBB", 7, 1, 0, 42, 1))
TRUTH_CELL = record(BOOL_OR_ERROR, struct.pack("<HHHBB", 8, 1, 0, 1, 0))
SHEETS = {
    "说明": [formula(0, 0, NOT_AVAILABLE)],
    "名单": [
        formula(1, 2, NOT_AVAILABLE),
        formula(2, 2, TEXT),
        formula(3, 2, TRUE),
        formula(4, 2, NUMBER),
        *CHART,
        ERROR_CELL,
        TRUTH_CELL,
        formula(300, 16, NOT_AVAILABLE),
    ],
    "空": [],
}


@pytest.mark.parametrize(
    ("sheet", "places"), [("说明", [(0, 0)]), ("名单", [(1, 2), (7, 1), (300, 16)]), ("空", []), ("别的", None)]
)
def test_errors_are_those_of_the_sheet_and_of_no_chart_in_it(
    sheet: str, places: list[tuple[int, int]] | None
) -> None:
    assert find_old_errors(write_file(write_stream(SHEETS)), sheet) == places


def test_a_small_workbook_lies_in_small_sectors() -> None:
    assert find_old_errors(OLD_WORKBOOK.read_bytes(), "名单") == [(5, 2)]
    assert find_old_errors(OLD_WORKBOOK.read_bytes(), "说明") == []


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04",
        SIGNATURE,
        SIGNATURE + bytes(600),
        write_file(write_stream(SHEETS), "Book"),
        write_file(write_stream(SHEETS))[: 2 * SECTOR],
    ],
)
def test_of_another_kind_of_file_nothing_is_known(content: bytes) -> None:
    assert find_old_errors(content, "名单") is None
