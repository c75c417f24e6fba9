"""The files for payroll as `publish` writes them, and as they outlast what comes after."""

from datetime import UTC, datetime

import orjson
import pytest
from city_runs import Home, digest_tree, read_csv, run_fivestar
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.flow

REVIEWER = ("--month", "2024-03", "--reviewer", "审核人")
FILES = ("payroll-2024-03.csv", "payroll-2024-03.xlsx")
JUNE = datetime(2024, 6, 10, 2, tzinfo=UTC)


def publish(home: Home) -> str:
    answer = home.run("publish", "--month", "2024-03")
    assert answer.code == 0, answer.err
    return answer.out


def approve(home: Home, staff_id: str) -> None:
    assert home.run("review", "approve", "--staff", staff_id, *REVIEWER).code == 0
    publish(home)


def change_policy(home: Home, file: str, old: str, new: str) -> None:
    path = home.config / "policy" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_before_publication_there_are_no_files_for_payroll(home: Home) -> None:
    assert not [path for path in home.march.iterdir() if path.name.startswith("payroll-")]


def test_publication_writes_what_payroll_is_told_and_again_the_same_bytes(
    home: Home, subjects: dict[str, str]
) -> None:
    where = ("--home", str(home.path), "--config", str(home.config))
    run_fivestar("review", "approve", "--staff", subjects["raise"], *REVIEWER, *where, at=JUNE)
    assert run_fivestar("publish", "--month", "2024-03", *where, at=JUNE).code == 0
    [line] = read_csv(home.march / FILES[0])
    with home.open() as house:
        [record] = house.ledger.register.list_month("2024-03")
    # Grades 2 and 3 at a base of 340,000 fen, competent, outside 两委: 357,000 and 374,000 = 261,800 + 112,200
    # (policy §5). Approved on 10 June, effective 1 April: April and May, 2 × 17,000.
    assert line == {
        "month": "2024-03", "staff_id": subjects["raise"], "register_no": str(record.register_no), "entry": "grant",
        "reverses_no": "", "post": "other", "previous_grade": "2", "grade": "3", "effective_on": "2024-04-01",
        "approved_on": "2024-06-10", "basic_fen": "261800", "performance_fen": "112200", "uplift_fen": "0",
        "total_fen": "374000", "previous_total_fen": "357000", "change_fen": "17000", "arrears_months": "2",
        "arrears_fen": "34000", "decision_no": str(record.decision_id), "revision": "1",
    }  # fmt: skip
    book = CalamineWorkbook.from_path(home.march / FILES[1])
    assert book.sheet_names == ["工资调整单", "说明"]
    assert book.get_sheet_by_name("工资调整单").to_python()[-1][3] == subjects["raise"]
    # Of the pay policy the sandbox's base and the factors of the appraisal are assumed: 2 of 6 values.
    guide = [cell for row in book.get_sheet_by_name("说明").to_python() for cell in row]
    assert any("政策参数 6 项，其中系统假定（非本市规定） 2 项，占 33.3%" in str(cell) for cell in guide)

    before = digest_tree(home.path / "outputs")
    assert run_fivestar("publish", "--month", "2024-03", *where, at=JUNE).code == 0
    assert digest_tree(home.path / "outputs") == before


def test_a_further_publication_adds_lines_and_changes_none(home: Home, subjects: dict[str, str]) -> None:
    approve(home, subjects["raise"])
    first = read_csv(home.march / FILES[0])
    reversal = ("--staff", subjects["raise"], "--comment", "误批")
    assert home.run("review", "reverse", *reversal, *REVIEWER).code == 0
    assert "taken back: 1\n" in publish(home)
    lines = read_csv(home.march / FILES[0])
    assert lines[:1] == first
    # Grade 2 and its 357,000 fen hold again.
    assert [(row["entry"], row["grade"], row["total_fen"], row["change_fen"]) for row in lines] == [
        ("grant", "3", "374000", "17000"),
        ("reversal", "2", "357000", "-17000"),
    ]


def test_an_evaluation_that_keeps_the_revision_keeps_the_files(home: Home, subjects: dict[str, str]) -> None:
    approve(home, subjects["raise"])
    before = digest_tree(home.path / "outputs")
    for name in ("pay.csv", *FILES):
        (home.march / name).unlink()
    assert "revision 1 (unchanged)" in home.run("evaluate", "--month", "2024-03").out
    assert digest_tree(home.path / "outputs") == before


def test_a_new_revision_has_the_same_files_and_the_old_ones_folder_keeps_them(
    home: Home, subjects: dict[str, str]
) -> None:
    approve(home, subjects["raise"])
    before = {name: (home.march / name).read_bytes() for name in FILES}
    # Pay at another base, but what was published stands as it was decided.
    change_policy(home, "pay.yaml", "340000", "350000")
    assert "revision 2 (new)" in home.run("evaluate", "--month", "2024-03").out
    for folder in (home.march, home.march / "revisions" / "1"):
        assert {name: (folder / name).read_bytes() for name in FILES} == before
    run = orjson.loads((home.march / "run.json").read_bytes())
    assert not set(FILES) & set(run["digests"])


def test_files_that_were_lost_are_put_back_by_publishing_again(home: Home, subjects: dict[str, str]) -> None:
    approve(home, subjects["raise"])
    before = digest_tree(home.path / "outputs")
    for name in FILES:
        (home.march / name).unlink()
    publish(home)
    assert digest_tree(home.path / "outputs") == before
