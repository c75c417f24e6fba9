"""HR's workbook on the command line: exported, filled in, imported; what is printed and how it ends."""

from pathlib import Path

import pytest
from city_runs import Answer, Home, Row
from workbook_kit import put, read_column

pytestmark = pytest.mark.flow

AWAITING = {"initial", "raise", "post_change", "review"}


def export(home: Home, file: Path) -> Path:
    answer = home.run("review", "export", str(file), "--month", "2024-03")
    assert (answer.code, answer.out) == (0, f"{file}\n")
    return file


def take(home: Home, file: Path, *options: str, reviewer: str = "张三") -> Answer:
    return home.run("review", "import", str(file), "--month", "2024-03", "--reviewer", reviewer, *options)


def fill_in(home: Home, file: Path, verdict: str, comment: str = "") -> Path:
    """The exported workbook with the same decision on every line."""
    export(home, file)
    everybody = list(read_column(file, "员工编号"))
    put(file, "决定", dict.fromkeys(everybody, verdict))
    if comment:
        put(file, "意见", dict.fromkeys(everybody, comment))
    return file


def count_open(home: Home) -> int:
    listed = home.run("review", "list", "--month", "2024-03", "--state", "open").out.splitlines()
    return len(listed) - 1


def test_a_filled_in_workbook_decides_the_month(home: Home, workers: dict[str, Row], tmp_path: Path) -> None:
    count = sum(row["kind"] in AWAITING for row in workers.values())
    answer = take(home, fill_in(home, tmp_path / "三月.xlsx", "同意", "核对无误"))
    assert answer.code == 0, answer.err
    assert answer.out.splitlines() == [
        f"decided: {count}",
        "prepared: 0",
        "unchanged: 0",
        "refused: 0",
        "left empty: 0",
        f"report: {tmp_path / '三月-核对结果.xlsx'}",
    ]
    assert "review.yaml names nobody" in answer.err
    assert "The review of 2024-03 is decided. Publish it: fivestar publish --month 2024-03" in answer.err
    assert home.run("publish", "--month", "2024-03").code == 0
    assert count_open(home) == 0


def test_an_export_shows_what_was_decided_before_it(home: Home, subjects: dict[str, str], tmp_path: Path) -> None:
    worker = subjects["raise"]
    rejected = ("--staff", worker, "--reviewer", "李四", "--comment", "材料不全")
    assert home.run("review", "reject", "--month", "2024-03", *rejected).code == 0
    file = export(home, tmp_path / "book.xlsx")
    titles = ("状态", "决定人", "决定意见", "决定时间", "决定")
    assert [read_column(file, title)[worker] for title in titles] == [
        "已驳回",
        "李四",
        "材料不全",
        "2024-04-05 10:00:00",
        "",
    ]
    assert read_column(file, "状态")[subjects["review"]] == "待决定"


def test_refused_lines_are_told_by_their_rows_and_exit_14(home: Home, tmp_path: Path) -> None:
    file = fill_in(home, tmp_path / "book.xlsx", "退回")
    count = len(read_column(file, "员工编号"))
    assert count > 10
    answer = take(home, file)
    assert answer.code == 14
    assert f"refused: {count}\n" in answer.out
    lines = [line for line in answer.err.splitlines() if line.startswith("row ")]
    assert len(lines) == 10
    assert lines[0].startswith("row 2: the proposal of worker ")
    assert f"and {count - 10} more; see {tmp_path / 'book-核对结果.xlsx'}" in answer.err
    assert f"{count} of {count} filled-in lines were refused; the others are recorded." in answer.err
    assert count_open(home) == count


def test_a_trial_records_nothing(home: Home, tmp_path: Path) -> None:
    before = count_open(home)
    answer = take(home, fill_in(home, tmp_path / "book.xlsx", "驳回"), "--dry-run")
    assert answer.code == 0
    assert answer.out.startswith(f"dry run: nothing was recorded\ndecided: {before}\n")
    assert count_open(home) == before


def test_with_people_named_a_reviewers_workbook_prepares(home: Home, tmp_path: Path) -> None:
    people = (
        "people:\n- {name: 张三, roles: [reviewer], scope: city}\n- {name: 李四, roles: [approver], scope: city}\n"
    )
    (home.config / "review.yaml").write_text(people, encoding="utf-8")
    file = fill_in(home, tmp_path / "book.xlsx", "同意", "核对无误")
    count = len(read_column(file, "员工编号"))
    answer = take(home, file)
    assert answer.out.startswith(f"decided: 0\nprepared: {count}\n")
    assert "warning" not in answer.err
    second = fill_in(home, tmp_path / "second.xlsx", "同意", "同意")
    assert take(home, second, reviewer="李四").out.startswith(f"decided: {count}\nprepared: 0\n")


def test_what_cannot_be_meant_exits_2(home: Home, tmp_path: Path) -> None:
    file = fill_in(home, tmp_path / "book.xlsx", "驳回")
    nameless = take(home, file, reviewer=" ")
    assert (nameless.code, "--reviewer: the name is empty" in nameless.err) == (2, True)
    text = tmp_path / "decisions.xlsx"
    text.write_text("员工编号,决定\n", encoding="utf-8")
    assert take(home, text).code == 2
    old = home.run("review", "export", str(tmp_path / "book.xls"), "--month", "2024-03")
    assert (old.code, "doesn't end in .xlsx" in old.err) == (2, True)


def test_a_workbook_of_another_month_exits_14(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "february.xlsx"
    assert home.run("review", "export", str(file), "--month", "2024-02").code == 0
    put(file, "决定", dict.fromkeys(read_column(file, "员工编号"), "驳回"))
    answer = take(home, file)
    assert answer.code == 14
    assert "february.xlsx is the workbook of 2024-02, not of 2024-03" in answer.err
