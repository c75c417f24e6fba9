"""Files as people keep them: encodings, preambles, headers and footnotes, JSON and Parquet, and what is refused."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingest_kit import STILL

from flows.errors import ContractBroken, SourceUnavailable
from flows.ingest.connect.cells import CELL_ERROR
from flows.ingest.connect.files import read_records
from flows.ingest.connect.folder import find_files
from flows.ingest.describe.source import FilesSource

Read = Callable[..., list[dict[str, Any]]]

CSV = 'files: "*.csv"\nformat: csv'
XLSX = 'files: "*.xlsx"\nformat: xlsx'


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_text_is_read_in_the_encodings_that_offices_use(read: Read, drop: Path, encoding: str) -> None:
    # 㛃 and 𠮷 are in GB18030 but not in GBK.
    drop.joinpath("a.csv").write_bytes("工号,种类\nS1,㛃𠮷\n".encode(encoding))
    assert read(CSV) == [{"工号": "S1", "种类": "㛃𠮷"}]


def test_a_stated_encoding_is_the_only_one_tried(read: Read, drop: Path) -> None:
    drop.joinpath("a.csv").write_bytes("工号\n执法\n".encode("gb18030"))
    with pytest.raises(ContractBroken, match=r"a\.csv cannot be read as csv \(it is not text in utf-8\)"):
        read(f"{CSV}\nencoding: utf-8")


def test_files_are_read_in_the_order_of_their_names(read: Read, drop: Path) -> None:
    for name in ("b.csv", "a.csv", "c.txt", "~$d.csv"):
        drop.joinpath(name).write_text(f"工号\n{name}\n", encoding="utf-8")
    assert [record["工号"] for record in read(CSV)] == ["a.csv", "b.csv"]


def test_preamble_empty_rows_and_footnote_are_passed_over(read: Read, drop: Path) -> None:
    text = "处分名单\n填报说明\n\n工号,种类\nS1,a\n,\nS2,b\n注：以上,\n不算,x\n"
    drop.joinpath("a.csv").write_text(text, encoding="utf-8")
    assert read(f"{CSV}\nskip_rows: 2\nfooter: {{starts_with: 注}}") == [
        {"工号": "S1", "种类": "a"},
        {"工号": "S2", "种类": "b"},
    ]


@pytest.mark.parametrize(
    ("below", "told"),
    [
        ("注：以上,\n,\n", []),
        ("注：以上,完\n制表人,\n,一\n", []),
        (
            "注：以上,\n制表人,\n,\nS3,c\n",
            [
                (
                    "sheets, sanctions: a.csv: 2 rows below the first that starts with 注 were dropped, and some "
                    "look like data. Let the footer start with something that no row does, or move them above it."
                )
            ],
        ),
    ],
)
def test_rows_below_a_footer_that_look_like_data_are_told_of(
    make_files_source: Callable[[str], FilesSource], drop: Path, below: str, told: list[str]
) -> None:
    drop.joinpath("a.csv").write_text(f"工号,种类\nS1,a\n{below}", encoding="utf-8")
    source = make_files_source(f"{CSV}\nfooter: {{starts_with: 注}}")
    resource = source.resources["sanctions"]
    warnings: list[str] = []
    [file], _ = find_files(source, resource, STILL)
    assert list(read_records(file, resource, "sheets, sanctions", warnings.append)) == [[{"工号": "S1", "种类": "a"}]]
    assert warnings == told


def test_a_footer_of_so_many_rows_is_dropped(read: Read, drop: Path) -> None:
    drop.joinpath("a.csv").write_text("工号\nS1\nS2\n合计\n制表人\n", encoding="utf-8")
    assert read(f"{CSV}\nfooter: {{rows: 2}}") == [{"工号": "S1"}, {"工号": "S2"}]


def test_quoted_cells_may_hold_commas_and_line_breaks(read: Read, drop: Path) -> None:
    drop.joinpath("a.csv").write_text('"工\n号",Issued  On\n"a,b\nc",x\n', encoding="utf-8")
    assert read(CSV) == [{"工号": "a,b\nc", "Issued On": "x"}]


def test_an_error_exported_as_text_is_an_error(read: Read, drop: Path) -> None:
    drop.joinpath("a.csv").write_text("工号,种类\n#N/A,#号\n", encoding="utf-8")
    assert read(CSV) == [{"工号": CELL_ERROR, "种类": "#号"}]


def test_lines_of_json_are_read(read: Read, drop: Path) -> None:
    drop.joinpath("a.jsonl").write_text('{"工号": {"a": 1}}\n\n{"工号": null}\n', encoding="utf-8")
    assert read('files: "*.jsonl"\nformat: jsonl') == [{"工号": {"a": 1}}, {"工号": None}]


def test_parquet_is_read(read: Read, drop: Path) -> None:
    pq.write_table(pa.table({"工号": ["S1"], "日期": [date(2024, 3, 1)]}), drop / "a.parquet")
    assert read('files: "*.parquet"\nformat: parquet') == [{"工号": "S1", "日期": date(2024, 3, 1)}]


@pytest.mark.parametrize(
    ("file", "lines", "message"),
    [
        (("a.xlsx", b"not a workbook"), XLSX, r"a\.xlsx cannot be read as xlsx"),
        (("a.csv", b"\n,\n"), CSV, "there is no header row"),
        (("a.csv", b""), CSV, "it is empty, 0 bytes: a copy that broke off"),
        (("a.csv", b"a,a\n1,2\n"), CSV, "columns 1, 2 share a header with another"),
        (("a.csv", b'a\n"1'), CSV, "line 2: unexpected end of data"),
        (("a.csv", b"a\n\x001"), CSV, "it holds zero bytes: it was copied broken, or is no text"),
        (("a.csv", "工号\n执法".encode()[:-1]), CSV, "it ends within a character, so its copy broke off"),
        (("a.xlsx", b""), XLSX, r"a\.xlsx cannot be read as xlsx \(it is empty, 0 bytes"),
        (("a.csv", b"a\n1,2\n"), CSV, "row 2 has more cells than the header"),
        (("a.csv", b"a\n1\n"), f"{CSV}\nencoding: klingon", "unknown encoding klingon"),
        (("a.jsonl", b"{}\n[1]\n"), 'files: "*.jsonl"\nformat: jsonl', "line 2 is not an object"),
        (("a.jsonl", b"{"), 'files: "*.jsonl"\nformat: jsonl', "line 1 is not JSON"),
        (("a.parquet", b"PAR1"), 'files: "*.parquet"\nformat: parquet', r"a\.parquet cannot be read as parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    read: Read, drop: Path, file: tuple[str, bytes], lines: str, message: str
) -> None:
    drop.joinpath(file[0]).write_bytes(file[1])
    with pytest.raises(ContractBroken, match=message):
        read(lines)


def test_a_folder_that_is_not_there_is_unavailable(read: Read, drop: Path) -> None:
    drop.rmdir()
    with pytest.raises(SourceUnavailable, match="the folder drop is not there"):
        read(CSV)
