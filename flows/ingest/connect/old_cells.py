"""Error cells of workbooks of the old kind (.xls, BIFF8), found in the file's own records.

[MS-CFB] says how the file holds streams, [MS-XLS] how a stream holds records: 2.4.24 BoolErr, 2.4.127 Formula.
"""

import struct
from collections.abc import Iterator
from itertools import islice

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
STREAM = "Workbook"
"""The stream of BIFF8; older kinds have another."""

_SECTORS_MAX = 0xFFFFFFFA
"""Sector numbers from here on are marks, not sectors."""
_HEADER_FAT_COUNT = 109
_STREAM_ENTRY, _ROOT_ENTRY = 2, 5
_BOF, _EOF, _SHEET, _FORMULA, _BOOL_OR_ERROR = 0x0809, 0x000A, 0x0085, 0x0006, 0x0205
_ERROR_RESULT = 2

Place = tuple[int, int]


def find_old_errors(content: bytes, sheet: str) -> list[Place] | None:
    """Row and column, counted from 0, of each error cell of the sheet; nothing if it is of another kind."""
    if not content.startswith(SIGNATURE):
        return None
    try:
        stream = _CompoundFile(content).read_stream(STREAM)
        start = None if stream is None else _find_sheet(stream, sheet)
        return None if stream is None or start is None else list(_list_errors(stream, start))
    except (struct.error, IndexError, ValueError):
        return None


class _CompoundFile:
    """A file of streams, each a chain of sectors."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        shift, mini_shift = struct.unpack_from("<HH", content, 30)
        self._sector_bytes, self._mini_bytes = 1 << shift, 1 << mini_shift
        directory, _, cutoff, mini_fat, _, difat, _ = struct.unpack_from("<7I", content, 48)
        self._cutoff_bytes = cutoff
        self._fat = self._read_numbers(self._list_fat_sectors(difat))
        self._mini_fat = self._read_numbers(self._follow(mini_fat, self._fat))
        entries = self._join(self._follow(directory, self._fat))
        self._entries = [entries[at : at + 128] for at in range(0, len(entries), 128)]

    def read_stream(self, name: str) -> bytes | None:
        """The stream's content; nothing if there is none of that name."""
        for entry in self._entries:
            if entry[66] == _STREAM_ENTRY and self._read_name(entry) == name:
                start, size = struct.unpack_from("<II", entry, 116)
                if size >= self._cutoff_bytes:
                    return self._join(self._follow(start, self._fat))[:size]
                return self._join_mini(start)[:size]
        return None

    def _read_name(self, entry: bytes) -> str:
        [byte_count] = struct.unpack_from("<H", entry, 64)
        return entry[: max(0, byte_count - 2)].decode("utf-16-le")

    def _list_fat_sectors(self, difat: int) -> list[int]:
        sectors = list(struct.unpack_from(f"<{_HEADER_FAT_COUNT}I", self._content, 76))
        for _ in range(len(self._content) // self._sector_bytes):
            if difat >= _SECTORS_MAX:
                break
            *more, difat = self._read_numbers([difat])
            sectors += more
        return [sector for sector in sectors if sector < _SECTORS_MAX]

    def _read_numbers(self, sectors: list[int]) -> list[int]:
        content = self._join(sectors)
        return list(struct.unpack(f"<{len(content) // 4}I", content))

    def _follow(self, sector: int, table: list[int]) -> list[int]:
        chain: list[int] = []
        while sector < _SECTORS_MAX and len(chain) <= len(table):
            chain.append(sector)
            sector = table[sector]
        return chain

    def _join(self, sectors: list[int]) -> bytes:
        size = self._sector_bytes
        return b"".join(self._content[(sector + 1) * size : (sector + 2) * size] for sector in sectors)

    def _join_mini(self, sector: int) -> bytes:
        root = next((entry for entry in self._entries if entry[66] == _ROOT_ENTRY), b"")
        [start] = struct.unpack_from("<I", root, 116)
        whole, size = self._join(self._follow(start, self._fat)), self._mini_bytes
        return b"".join(whole[it * size : (it + 1) * size] for it in self._follow(sector, self._mini_fat))


def _list_records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(stream):
        kind, byte_count = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + byte_count]
        at += 4 + byte_count


def _find_sheet(stream: bytes, sheet: str) -> int | None:
    """Where the records of the sheet of that name begin."""
    for kind, record in _list_records(stream, 0):
        if kind == _EOF:
            break
        if kind == _SHEET:
            start, _, count, is_wide = struct.unpack_from("<IHBB", record)
            text = record[8 : 8 + 2 * count] if is_wide & 1 else record[8 : 8 + count]
            if text.decode("utf-16-le" if is_wide & 1 else "latin-1") == sheet:
                return int(start)
    return None


def _list_errors(stream: bytes, start: int) -> Iterator[Place]:
    """The error cells of the sheet whose records begin at `start`; charts within it have records of their own."""
    depth = 1
    for kind, record in islice(_list_records(stream, start), 1, None):
        depth += (kind == _BOF) - (kind == _EOF)
        if depth == 0:
            return
        if depth > 1:
            continue
        is_result = kind == _FORMULA and record[12:14] == b"\xff\xff" and record[6] == _ERROR_RESULT
        if is_result or (kind == _BOOL_OR_ERROR and record[7]):
            yield struct.unpack_from("<HH", record)
