"""Files larger than the memory: read in pieces, from the first byte to the last."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_kit import Pauses
from platform_server import CARD

from flows.errors import ContractBroken
from flows.ingest.connect import files, texts
from flows.ingest.connect.folder import find_files
from flows.ingest.describe.source import FilesSource, Source


@pytest.fixture
def read_counts(make_source: Callable[[str], Source]) -> Callable[[str], list[int]]:
    """How many records each piece of the one file of that format holds; the pieces themselves are let go."""

    def run(form: str) -> list[int]:
        source = make_source(f"""
platform: sheets
title: Sheets
{CARD}
connection: {{kind: files, path: drop}}
resources:
  titles:
    table: annual_titles
    files: "*.{form}"
    format: {form}
    fields: {{community_code: a, rating_year: a, stars: a, pay_year: a}}
""")
        assert isinstance(source, FilesSource)
        resource = source.resources["titles"]
        [file], _ = find_files(source, resource, Pauses().timing)
        return [len(records) for records in files.read_records(file, resource, "sheets, titles")]

    return run


def write_large(file: Path, form: str, byte_count: int) -> int:
    """A file of so many bytes, of rows with one long cell; how many rows they are."""
    cell = "执法" * 1000
    row = f"{cell}\n" if form == "csv" else f'{{"a": "{cell}"}}\n'
    count = byte_count // len(row.encode())
    with file.open("w", encoding="utf-8") as stream:
        stream.write("a\n" if form == "csv" else "")
        for _ in range(count):
            stream.write(row)
    return count


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_no_more_of_a_file_is_held_than_a_piece(
    read_counts: Callable[[str], list[int]], drop: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 24 MB of rows, of which 60 are handed over at a time: 60 cells of 2,000 characters take 240 KB.
    monkeypatch.setattr(files, "RECORDS_AT_ONCE", 60)
    count = write_large(drop / f"a.{form}", form, 24_000_000)
    tracemalloc.start()
    try:
        counts = read_counts(form)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (sum(counts), max(counts)) == (count, 60)
    assert peak_bytes < 8_000_000


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_characters_that_lie_across_two_pieces_are_read(
    read_counts: Callable[[str], list[int]], drop: Path, encoding: str, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "CHUNK_BYTES", cut)
    (drop / "a.csv").write_bytes("a\n执法㛃𠮷\n综合\n".encode(encoding))
    assert read_counts("csv") == [2]


def test_a_file_whose_last_byte_is_of_another_encoding_is_not_taken_for_the_first_that_fits_its_beginning(
    read_counts: Callable[[str], list[int]], drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "CHUNK_BYTES", 16)
    (drop / "a.csv").write_bytes(b"a\n" + b"x\n" * 40 + "执法\n".encode("gb18030"))
    assert read_counts("csv") == [41]
    (drop / "a.csv").write_bytes(b"a\n" + b"x\n" * 40 + b"\xff\n")
    with pytest.raises(ContractBroken, match="it is not text in utf-8-sig or utf-8 or gb18030"):
        read_counts("csv")


def test_a_line_that_never_ends_is_refused(
    read_counts: Callable[[str], list[int]], drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LINE_CHARACTERS_MAX", 20)
    (drop / "a.jsonl").write_text('{"a": 1}\n{"a": "12345678"}\n', encoding="utf-8")
    assert read_counts("jsonl") == [2]
    (drop / "a.jsonl").write_text('{"a": 1}\n{"a": "1234567890123"}\n', encoding="utf-8")
    with pytest.raises(ContractBroken, match="line 2 is longer than 20 characters"):
        read_counts("jsonl")
