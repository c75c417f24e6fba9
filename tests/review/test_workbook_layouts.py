"""Workbooks as HR's programs and hands leave them: understood where they can be, else refused with what to do."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter
from workbook_kit import SHEET, Desk, Rows, open_desk, put, read_column, read_rows, rework, save_rows

from flows.errors import DecisionRefused, UsageError
from flows.review.intake.cells import read_day, read_number, read_title, says

OLD_WORKBOOK = Path(__file__).parents[1] / "ingest" / "workbooks" / "sanctions.xls"
FILLED = {"K1": ("同意", "核对无误"), "K4": ("驳回", "")}
TAKEN = {"K1": "approved", "K4": "rejected"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def move_columns(rows: Rows) -> Rows:
    """校验码 and 决定 first, the rest in the opposite order."""
    return [[row[-2], row[2], *reversed([*row[:2], *row[3:-2], row[-1]])] for row in rows]


def put_lines_above(rows: Rows) -> Rows:
    return [["关于审定的说明"], [], ["请于 10 日前填好", "", "决定"], *rows]


def retype_headings(rows: Rows) -> Rows:
    header = [f" {title} ".replace("（", "(").replace("）", ")").replace("决定", "决 定") for title in rows[0]]
    return [header, *rows[1:]]


def sort_and_delete(rows: Rows) -> Rows:
    return [rows[0], *(row for row in reversed(rows[1:]) if row[0] in {"K1", "K4", "K5"})]


def add_columns(rows: Rows) -> Rows:
    return [["备注", *row[:3], "初审", *row[3:]] for row in rows]


def drop_columns(rows: Rows) -> Rows:
    """Only what is needed is left, and what was only shown is gone."""
    keep = [rows[0].index(title) for title in ("员工编号", "决定", "意见", "决定时间", "校验码")]
    return [[row[at] for at in keep] for row in rows]


def leave_blank_lines(rows: Rows) -> Rows:
    return [line for row in rows for line in (row, [])]


def turn_dates_to_text(rows: Rows) -> Rows:
    return [
        [f"{cell.year}年{cell.month}月{cell.day}日" if isinstance(cell, date) else cell for cell in row]
        for row in rows
    ]


def turn_dates_to_numbers(rows: Rows) -> Rows:
    # 1 April 2024 is day 45,383 of a workbook.
    return [[45383 if isinstance(cell, date) else cell for cell in row] for row in rows]


def turn_numbers_to_text(rows: Rows) -> Rows:
    return [[f"{cell:,.2f} " if isinstance(cell, float) else cell for cell in row] for row in rows]


@pytest.mark.parametrize(
    "change",
    [
        move_columns, put_lines_above, retype_headings, sort_and_delete, add_columns, drop_columns,
        leave_blank_lines, turn_dates_to_text, turn_dates_to_numbers, turn_numbers_to_text,
    ],
)  # fmt: skip
def test_what_was_moved_or_retyped_is_understood(desk: Desk, change: Callable[[Rows], Rows]) -> None:
    report = desk.take(rework(desk.fill_in(FILLED), change))
    assert [line.english for line in report.refused] == []
    assert desk.list_verdicts() == TAKEN


def test_a_sheet_under_another_name_with_a_hidden_column_is_understood(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    save_rows(file, read_rows(file), sheet="三月审定", hide="C:D")
    desk.take(file)
    assert desk.list_verdicts() == TAKEN


def test_merged_places_and_dates_count_for_every_line(desk: Desk) -> None:
    file = desk.fill_in({"K2": ("驳回", "学历不符"), "K5": ("驳回", "不符")})
    rows = read_rows(file)
    # Both in 南京巷社区, rows 2 and 3: the lower cell of a merge is empty.
    at = rows[0].index("社区")
    assert rows[1][at] == rows[2][at] == "南京巷社区"
    column = "ABCDEFGHIJ"[at]
    rows[2][at] = ""
    save_rows(file, rows, merge=f"{column}2:{column}3")
    report = desk.take(file)
    assert [line.english for line in report.refused] == []
    assert desk.list_verdicts() == {"K2": "rejected", "K5": "rejected"}


def test_the_copy_of_another_programs_workbook_gets_a_column_of_findings(desk: Desk) -> None:
    file = rework(desk.fill_in(FILLED), lambda rows: [row[:-1] for row in rows])
    report = desk.take(file)
    before, after = read_rows(file), read_rows(report.file)
    assert [row[:-1] for row in after] == before
    assert after[0][-1] == "核对结果"
    assert read_column(report.file, "核对结果") == {
        **dict.fromkeys(("K2", "K3", "K5"), ""), "K1": "已采纳：同意", "K4": "已采纳：驳回",
    }  # fmt: skip


def test_the_copy_leaves_everything_else_of_the_workbook_as_it_was(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    report = desk.take(file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(report.file) as new:
        assert old.namelist() == new.namelist()
        differing = [name for name in old.namelist() if old.read(name) != new.read(name)]
        sheet = new.read(differing[0]).decode()
    assert differing == ["xl/worksheets/sheet2.xml"]
    assert "<sheetProtection" in sheet
    assert "<dataValidation " in sheet
    # The cell keeps its look, which colours it by its first word.
    assert sheet.count("已采纳：") == 2 + sheet.count('=LEFT($AC2,3)="已采纳"')


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty \\(0 bytes\\)"),
        ("员工编号,决定\nK1,同意\n".encode(), "is text, such as a CSV, under a workbook's name"),
        (OLD_WORKBOOK.read_bytes(), "is an old workbook \\(.xls\\). Save it as .xlsx"),
        (OLD_WORKBOOK.read_bytes()[:512] + "EncryptedPackage".encode("utf-16-le"), "is protected with a password"),
        (b"PK\x03\x04" + bytes(200), "is damaged, or no workbook"),
    ],
)
def test_what_is_no_workbook_is_refused_with_what_it_is(desk: Desk, content: bytes, told: str) -> None:
    file = desk.folder / "book.xlsx"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=told):
        desk.take(file)


def pack(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pack("mimetype", "content.xml"), "an OpenDocument file \\(.ods\\). Save it as .xlsx"),
        (pack("xl/workbook.bin"), "a binary workbook \\(.xlsb\\)"),
        (pack("word/document.xml"), "an archive, but no workbook"),
        (pack("xl/workbook.xml"), "cannot be read \\(CalamineError\\)"),
    ],
)
def test_another_kind_of_archive_is_refused_with_what_it_is(desk: Desk, content: bytes, told: str) -> None:
    file = desk.folder / "book.xlsx"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=told):
        desk.take(file)


def test_a_workbook_that_broke_off_is_refused(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    whole = file.read_bytes()
    for kept in (100, len(whole) // 2, len(whole) - 30):
        file.write_bytes(whole[:kept])
        with pytest.raises(UsageError, match="is damaged, or no workbook"):
            desk.take(file)
    assert desk.list_verdicts() == {}


def test_a_file_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(UsageError, match=r"nothing\.xlsx cannot be read"):
        desk.take(desk.folder / "nothing.xlsx")


def test_another_months_workbook_is_refused_whole(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    put(file, "校验码", dict.fromkeys(FILLED, "2024-02-r1-0123456789abcdef"))
    with pytest.raises(DecisionRefused, match="is the workbook of 2024-02, not of 2024-03"):
        desk.take(file)


def test_a_workbook_without_a_decision_is_refused(desk: Desk) -> None:
    with pytest.raises(DecisionRefused, match="no decision is filled in under 决定"):
        desk.take(desk.export())


def test_a_workbook_without_the_sheet_is_refused(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    save_rows(file, [["甲", "乙"], [1, 2]])
    with pytest.raises(DecisionRefused, match="no sheet has the headings 员工编号 and 决定 in one row"):
        desk.take(file)


@pytest.mark.parametrize("title", ["意见", "校验码"])
def test_a_workbook_without_a_needed_column_is_refused(desk: Desk, title: str) -> None:
    def drop(rows: Rows) -> Rows:
        at = rows[0].index(title)
        return [[*row[:at], *row[at + 1 :]] for row in rows]

    with pytest.raises(DecisionRefused, match=f"the column {title} is missing"):
        desk.take(rework(desk.fill_in(FILLED), drop))


def test_a_heading_that_stands_twice_is_refused(desk: Desk) -> None:
    with pytest.raises(DecisionRefused, match="the heading 决定 stands twice, in columns C and D"):
        desk.take(rework(desk.fill_in(FILLED), lambda rows: [[*row[:3], row[2], *row[3:]] for row in rows]))


def test_merged_decisions_are_refused(desk: Desk) -> None:
    file = desk.fill_in({"K2": ("驳回", "")})
    rows = read_rows(file)
    save_rows(file, rows, merge="C2:C4")
    with pytest.raises(DecisionRefused, match="the cells C2:C4 are merged, so whose decision stands there"):
        desk.take(file)
    assert desk.list_verdicts() == {}


def test_two_sheets_with_decisions_are_refused(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    rows = read_rows(file)
    save_twice(file, rows)
    with pytest.raises(DecisionRefused, match="the sheets 待决定, 待决定 \\(2\\) all hold decisions"):
        desk.take(file)


def save_twice(file: Path, rows: Rows) -> None:
    with xlsxwriter.Workbook(file) as book:
        for name in (SHEET, f"{SHEET} (2)"):
            page = book.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, [str(cell) for cell in row])


def edit_sheet(file: Path, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with the XML of its first sheet changed."""
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = change(parts[sheet])
    with zipfile.ZipFile(file, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return file


def test_something_far_below_the_table_is_refused_before_it_fills_the_memory(desk: Desk) -> None:
    stray = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    file = edit_sheet(rework(desk.fill_in(FILLED)), lambda xml: xml.replace(b"</sheetData>", stray))
    with pytest.raises(DecisionRefused, match="in row 1048576 or column XFD, far from the table"):
        desk.take(file)


def test_a_sheet_whose_elements_have_a_prefix_is_understood(desk: Desk) -> None:
    def add_prefix(xml: bytes) -> bytes:
        return re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", xml).replace(b" xmlns=", b" xmlns:x=")

    report = desk.take(edit_sheet(rework(desk.fill_in(FILLED), lambda rows: [row[:-1] for row in rows]), add_prefix))
    assert read_column(report.file, "核对结果")["K1"] == "已采纳：同意"
    assert desk.list_verdicts() == TAKEN


def test_a_sheet_whose_cells_dont_say_where_they_stand_is_understood(desk: Desk) -> None:
    def drop_places(xml: bytes) -> bytes:
        return re.sub(rb'<(c|row) r="[A-Z0-9]+"', rb"<\1", xml)

    # Such cells follow one another, so none may be left out.
    file = rework(desk.fill_in(FILLED), lambda rows: [["-" if cell == "" else cell for cell in row] for row in rows])
    file = rework(file, lambda rows: [[*row[:2], row[2].strip("-") or " ", *row[3:]] for row in rows])
    report = desk.take(edit_sheet(file, drop_places), dry_run=True)
    assert [line.row for line in report.lines] == [4, 5]


def test_parts_named_with_backslashes_are_understood_and_kept(desk: Desk) -> None:
    file = rework(desk.fill_in(FILLED))
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(file, "w") as book:
        for name, content in parts.items():
            book.writestr(name.replace("/", "\\"), content)
    report = desk.take(file)
    assert read_column(report.file, "核对结果")["K1"] == "已采纳：同意"
    with zipfile.ZipFile(report.file) as book:
        assert "xl\\worksheets\\sheet1.xml" in book.namelist()
    assert desk.list_verdicts() == TAKEN


def test_a_sheet_with_a_document_type_is_refused(desk: Desk) -> None:
    def declare(xml: bytes) -> bytes:
        return xml.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet', 1)

    with pytest.raises(DecisionRefused, match="declares a document type"):
        desk.take(edit_sheet(rework(desk.fill_in(FILLED)), declare))


@pytest.mark.parametrize(
    "text", ["2024-04-01", "2024/4/1", "2024.4.1", "2024年4月1日", "2024-04-01 00:00:00", "45383"]
)
def test_a_day_is_read_however_it_was_typed(text: str) -> None:
    assert read_day(text) == date(2024, 4, 1)


@pytest.mark.parametrize("text", ["", "2024-13-01", "2024-04-01 08:00", "4月1日", "次月", "0", "300000"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text) is None


def test_a_cells_own_day_is_read() -> None:
    assert read_day(datetime(2024, 4, 1)) == read_day(date(2024, 4, 1)) == read_day(45383.0) == date(2024, 4, 1)


@pytest.mark.parametrize(
    ("text", "number"), [("5", 5), ("5.0", 5), ("1,234.00", 1234), ("￥5", 5), ("５", 5), ("五", None)]
)
def test_a_number_is_read_from_text(text: str, number: int | None) -> None:
    assert read_number(text) == number


def test_headings_are_one_whatever_their_brackets_and_blanks() -> None:
    assert read_title(" 月差额(元)\n") == read_title("月差额（元）")


def test_digits_that_became_a_number_are_still_the_workers_number() -> None:
    assert says(12345.0, "0012345", "text")
    assert not says(12345.0, "0012346", "text")
    assert not says("12345", "0012345", "text")


def test_merged_cells_beside_the_table_are_nobodys(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    rows = read_rows(file)
    save_rows(file, rows, merge="AM2:AN3")
    assert [line.english for line in desk.take(file).refused] == []


@pytest.mark.parametrize("word", ["NaN", "Infinity", "sNaN"])
def test_a_word_for_no_number_is_a_changed_cell_and_no_crash(desk: Desk, word: str) -> None:
    file = desk.fill_in(FILLED)
    rows = read_rows(file)
    filled = next(row for row in rows[1:] if row[rows[0].index("决定")])
    for title in ("生效日期", "建议月工资（元）"):
        filled[rows[0].index(title)] = word
    save_rows(file, rows)
    [refused] = desk.take(file).refused
    assert "protected cells were changed" in refused.english


def test_a_worker_decided_on_twice_under_two_spellings_of_the_number_is_refused(desk: Desk) -> None:
    file = desk.fill_in(FILLED)
    rows = read_rows(file)
    again = list(next(row for row in rows[1:] if row[rows[0].index("决定")]))
    again[rows[0].index("员工编号")] = f" {again[rows[0].index('员工编号')]}\u200b"
    save_rows(file, [*rows, again])
    assert sum("is decided on in rows" in line.english for line in desk.take(file).refused) == 2
