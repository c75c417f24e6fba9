"""Workbooks as people keep them: merged headers, cells with errors, old kinds, dates and text in one column."""

import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from ingest_kit import STILL

from flows.errors import ContractBroken
from flows.ingest.connect.cells import CELL_ERROR, mark_errors
from flows.ingest.connect.files import read_records
from flows.ingest.connect.folder import find_files
from flows.ingest.describe.source import FilesSource
from flows.ingest.judging.mapping import Mapper
from flows.ingest.judging.moments import Style
from flows.ingest.judging.readings import (
    read_booleans,
    read_dates,
    read_instants,
    read_integers,
    read_months,
    read_text,
)

Read = Callable[..., list[dict[str, Any]]]

OLD_WORKBOOK = Path(__file__).parent / "workbooks" / "sanctions.xls"
CSV = 'files: "*.csv"\nformat: csv'
XLSX = 'files: "*.xlsx"\nformat: xlsx'

Merges = list[tuple[int, int, int, int, str]]


def write_workbook(path: Path, rows: list[list[Any]], merges: Merges | None = None) -> None:
    """A workbook with `rows`; a merge is its first row and column, its last row and column, and its text."""
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as workbook:
        workbook.add_worksheet("说明").write(0, 0, "empty")
        sheet = workbook.add_worksheet("名单")
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(number, column, cell)
                elif cell is not None:
                    sheet.write(number, column, cell)
        for *cells, text in merges or []:
            sheet.merge_range(*cells, text)


def test_merged_headers_are_joined(read: Read, drop: Path) -> None:
    rows: list[list[Any]] = [["工号", None, None, "备注"], [None, "应开", "实开", None], ["S1", 4, 3, "好"]]
    write_workbook(drop / "a.xlsx", rows, [(0, 1, 0, 2, "组织生活")])
    assert read(f"{XLSX}\nsheet: 名单\nheader_rows: 2") == [
        {"工号": "S1", "组织生活/应开": 4.0, "组织生活/实开": 3.0, "备注": "好"}
    ]


# Columns: a number over three rows; two meetings under one heading, each with two figures; a remark over three rows
# and two columns, which is one column's header; a figure whose heading stands alone in the last row.
TALL_HEADER: list[list[Any]] = [
    ["工号", "组织生活", None, None, None, "备注", None, None],
    [None, "支部会", None, "党课", None, None, None, None],
    [None, "应开", "实开", "应开", "实开", None, None, "年份"],
]
TALL_MERGES: Merges = [
    (0, 0, 2, 0, "工号"),
    (0, 1, 0, 4, "组织生活"),
    (1, 1, 1, 2, "支部会"),
    (1, 3, 1, 4, "党课"),
    (0, 5, 2, 6, "备注"),
]


def test_headers_merged_downwards_and_across_are_joined_by_what_the_workbook_says(read: Read, drop: Path) -> None:
    write_workbook(drop / "a.xlsx", [*TALL_HEADER, ["S1", 4, 3, 2, 1, "好", None, 2024]], TALL_MERGES)
    assert read(f"{XLSX}\nsheet: 名单\nheader_rows: 3") == [
        {
            "工号": "S1",
            "组织生活/支部会/应开": 4.0,
            "组织生活/支部会/实开": 3.0,
            "组织生活/党课/应开": 2.0,
            "组织生活/党课/实开": 1.0,
            "备注": "好",
            "年份": 2024.0,
        }
    ]


def test_a_header_row_that_is_all_merged_from_above_is_one(read: Read, drop: Path) -> None:
    rows: list[list[Any]] = [["名单"], ["工号", "种类"], [None, None], ["S1", "a"]]
    write_workbook(drop / "a.xlsx", rows, [(1, 0, 2, 0, "工号"), (1, 1, 2, 1, "种类")])
    assert read(f"{XLSX}\nsheet: 名单\nskip_rows: 1\nheader_rows: 2") == [{"工号": "S1", "种类": "a"}]


def test_cells_merged_below_the_header_are_left_as_they_are(read: Read, drop: Path) -> None:
    rows: list[list[Any]] = [["街道", "工号"], ["北关", "S1"], [None, "S2"]]
    write_workbook(drop / "a.xlsx", rows, [(1, 0, 2, 0, "北关")])
    assert read(f"{XLSX}\nsheet: 名单") == [{"街道": "北关", "工号": "S1"}, {"街道": None, "工号": "S2"}]


def test_in_text_a_header_covers_no_more_than_the_one_above_it(read: Read, drop: Path) -> None:
    lines = [",".join(cell or "" for cell in row[:6]) for row in TALL_HEADER]
    drop.joinpath("a.csv").write_text("\n".join([*lines, "S1,4,3,2,1,好"]) + "\n", encoding="utf-8")
    assert read(f"{CSV}\nheader_rows: 3") == [
        {
            "工号": "S1",
            "组织生活/支部会/应开": "4",
            "组织生活/支部会/实开": "3",
            "组织生活/党课/应开": "2",
            "组织生活/党课/实开": "1",
            "备注": "好",
        }
    ]


def test_cells_of_a_workbook_are_dates_numbers_or_text(read: Read, drop: Path) -> None:
    rows: list[list[Any]] = [["工号", "日期"], ["001", datetime(2024, 3, 1)], [2, "2024/3/1"], [3, None]]
    write_workbook(drop / "a.xlsx", rows)
    assert read(f"{XLSX}\nsheet: 1") == [
        {"工号": "001", "日期": date(2024, 3, 1)},
        {"工号": 2.0, "日期": "2024/3/1"},
        {"工号": 3.0, "日期": None},
    ]


def write_errors(path: Path, sheet: str = "名单 & <1>") -> None:
    """A workbook whose third part holds rows with errors, and one of nothing else."""
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_chartsheet("图")
        workbook.add_worksheet("说明").write_formula(0, 0, "=NA()", None, "#N/A")
        target = workbook.add_worksheet(sheet)
        target.write_row(0, 0, ["工号", "种类", "日期"])
        target.write_row(1, 0, ["S1", "demerit"])
        target.write_formula(1, 2, "=NA()", None, "#N/A")
        target.write_formula(2, 0, "=1/0", None, "#DIV/0!")
        target.write_row(3, 0, ["S3", "demerit", "2024-03-01"])


@pytest.mark.parametrize("sheet", ['"名单 & <1>"', "2"])
def test_an_error_in_a_cell_is_an_error_not_nothing(read: Read, drop: Path, sheet: str) -> None:
    write_errors(drop / "a.xlsx")
    assert read(f"{XLSX}\nsheet: {sheet}") == [
        {"工号": "S1", "种类": "demerit", "日期": CELL_ERROR},
        {"工号": CELL_ERROR, "种类": None, "日期": None},
        {"工号": "S3", "种类": "demerit", "日期": "2024-03-01"},
    ]


def test_an_error_where_a_column_is_mapped_rejects_the_row(
    make_files_source: Callable[[str], FilesSource], read: Read, drop: Path
) -> None:
    write_errors(drop / "a.xlsx")
    records = read(f"{XLSX}\nsheet: 2")
    source = make_files_source(f"{XLSX}\ncodes: {{kind: {{demerit: demerit}}}}")
    mapped = Mapper(source, source.resources["sanctions"], "sheets, sanctions").map_records(records, 0)
    assert {reason: mask.tolist() for reason, mask in mapped.reasons.items()} == {
        "unreadable:staff_id": [False, True, False],
        "unreadable:effective_on": [True, False, False],
    }
    coded = [{"工号": "S1", "种类": CELL_ERROR, "日期": None}]
    mapped = Mapper(source, source.resources["sanctions"], "sheets, sanctions").map_records(coded, 0)
    assert list(mapped.reasons) == ["unreadable:kind"]


def test_no_kind_of_column_reads_an_error() -> None:
    style = Style(UTC, counts_days=True)
    for read_column in (read_text, read_integers, read_booleans):
        assert read_column([CELL_ERROR]).unreadable.tolist() == [True]
    for read_moments in (read_dates, read_instants, read_months):
        assert read_moments([CELL_ERROR], style).unreadable.tolist() == [True]


def test_a_workbook_whose_errors_cannot_be_seen_is_known_as_such(drop: Path) -> None:
    write_workbook(drop / "a.xlsx", [["工号"]])
    with zipfile.ZipFile(drop / "b.xlsx", "w") as archive:
        archive.writestr("content.xml", "")
    rows: list[list[Any]] = [["x"]]
    assert not mark_errors(rows, (drop / "b.xlsx").read_bytes(), "名单")
    assert not mark_errors(rows, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "名单")
    assert mark_errors(rows, (drop / "a.xlsx").read_bytes(), "名单")
    assert rows == [["x"]]


def test_a_workbook_named_xls_is_read_by_its_content(read: Read, drop: Path) -> None:
    write_workbook(drop / "a.xls", [["工号"], ["S1"]])
    assert read('files: "*.xls"\nformat: xlsx\nsheet: 名单') == [{"工号": "S1"}]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsx"])
@pytest.mark.parametrize("form", ["xls", "xlsx"])
def test_a_workbook_of_the_old_kind_is_read_whatever_it_is_called(
    make_files_source: Callable[[str], FilesSource], drop: Path, name: str, form: str
) -> None:
    (drop / name).write_bytes(OLD_WORKBOOK.read_bytes())
    lines = f'files: "{name}"\nformat: {form}\nsheet: 名单\nskip_rows: 1\nheader_rows: 2\nfooter: {{starts_with: 注}}'
    source = make_files_source(lines)
    resource = source.resources["sanctions"]
    warnings: list[str] = []
    [file], _ = find_files(source, resource, STILL)
    [records] = read_records(file, resource, "sheets, sanctions", warnings.append)
    assert records == [
        {"工号": "001", "处分/种类": "警告", "处分/日期": date(2024, 3, 1), "备注": None},
        {"工号": 2, "处分/种类": "记过", "处分/日期": "2024/3/2", "备注": "日期是文本"},
        {"工号": 3, "处分/种类": "记大过", "处分/日期": CELL_ERROR, "备注": None},
    ]
    assert warnings == []


def test_an_old_workbook_that_is_cut_off_is_refused_or_whole_but_never_read_in_part(read: Read, drop: Path) -> None:
    lines = 'files: "*.xls"\nformat: xls\nsheet: 名单\nskip_rows: 1\nheader_rows: 2\nfooter: {starts_with: 注}'
    content = OLD_WORKBOOK.read_bytes()
    drop.joinpath("a.xls").write_bytes(content)
    whole = read(lines)
    refused_count = 0
    for cut in range(0, len(content), 61):
        drop.joinpath("a.xls").write_bytes(content[:cut])
        try:
            assert read(lines) == whole
        except ContractBroken as error:
            assert "a.xls cannot be read as xls" in str(error)
            refused_count += 1
    # The last sectors hold no more of the sheet.
    assert refused_count > 90


@pytest.mark.parametrize("form", ["xlsx", "xls"])
def test_dates_and_text_in_one_column_are_read_as_the_same_days(
    make_files_source: Callable[[str], FilesSource], drop: Path, form: str
) -> None:
    days: list[Any] = [
        datetime(2024, 3, 1),
        "2024/3/1",
        "2024年3月1日",
        "20240301",
        45352,
        " 2024-03-01 ",
        "三月",
        None,
    ]
    write_workbook(drop / "a.xlsx", [["工号", "种类", "日期"], *([n, "demerit", day] for n, day in enumerate(days))])
    source = make_files_source(f'files: "a.*"\nformat: {form}\nsheet: 1')
    resource = source.resources["sanctions"]
    [file], _ = find_files(source, resource, STILL)
    [records] = read_records(file, resource, "sheets, sanctions")
    mapped = Mapper(source, resource, "sheets, sanctions").map_records(records, 0)
    # 45352 days after 1899-12-30 is 2024-03-01.
    assert mapped.rows.column("effective_on").to_pylist() == [*[date(2024, 3, 1)] * 6, None, None]
    assert mapped.reasons["unreadable:effective_on"].tolist() == [False] * 6 + [True, False]


def test_a_web_page_called_a_workbook_is_told_as_one(read: Read, drop: Path) -> None:
    drop.joinpath("a.xls").write_bytes(b"\xef\xbb\xbf\r\n<html><table><tr><td>S1</td></tr></table></html>")
    with pytest.raises(ContractBroken, match=r"it is a web page or XML under a workbook's name: save it as \.xlsx"):
        read('files: "*.xls"\nformat: xls')


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(read: Read, drop: Path) -> None:
    write_workbook(drop / "a.xlsx", [["工号"]])
    with pytest.raises(ContractBroken, match="no sheet '名册', but 说明, 名单"):
        read(f"{XLSX}\nsheet: 名册")
    with pytest.raises(ContractBroken, match="no sheet number 2, only 2"):
        read(f"{XLSX}\nsheet: 2")
