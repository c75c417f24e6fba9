"""`fivestar review letters` on the small city: whose letters are written, and what is refused."""

from pathlib import Path

import pytest
from city_runs import Home, Row, digest_tree, read_csv
from docx import Document

pytestmark = pytest.mark.flow

MARCH = ("--month", "2024-03")


def read_letter(file: Path) -> str:
    document = Document(str(file))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def test_hr_decides_and_writes_the_letters_twice(
    home: Home, workers: dict[str, Row], subjects: dict[str, str], tmp_path: Path
) -> None:
    home.run("review", "approve", "--all", "--reviewer", "审核人", *MARCH)
    home.run(
        "review", "reject", "--staff", subjects["raise"], "--comment", "材料不全", "--reviewer", "审核人", *MARCH
    )
    held = {key for key, row in workers.items() if row["kind"] == "hold"}
    awaiting = {key for key, row in workers.items() if row["kind"] in {"initial", "raise", "post_change", "review"}}
    manual = {key for key in awaiting if workers[key]["needs_manual"] == "true"}
    folder = tmp_path / "letters"

    answer = home.run("review", "letters", "--to", str(folder), "--all", *MARCH)
    assert (answer.code, answer.err) == (0, "")
    approved_count = len(awaiting - manual) - 1
    assert answer.out == (
        f"letters: {approved_count + 1 + len(held)} (approved {approved_count}, rejected 1, held {len(held)})\n"
        f"without a letter, for they await a decision: {len(manual)}\n"
        f"index: {folder / 'index.csv'}\n"
    )
    rows = read_csv(folder / "index.csv")
    assert {row["staff_id"] for row in rows} == held | (awaiting - manual)
    assert {row["file"] for row in rows} | {"index.csv"} == {file.name for file in folder.iterdir()}
    first = digest_tree(folder)
    assert home.run("review", "letters", "--to", str(folder), "--all", *MARCH).code == 0
    assert digest_tree(folder) == first

    # The story `raise` goes from 2 to 3, `raise_degree` from 2 to 4 (stories.md); the first was refused.
    assert "不予调整，保持 2 级" in read_letter(folder / f"2024-03-{subjects['raise']}.docx")
    text = read_letter(folder / f"2024-03-{subjects['raise_degree']}.docx")
    assert "由 2 级调整为 4 级，自2024年4月1日起执行" in text
    assert "审定日期：2024年4月5日" in text
    # Grades 2 and 4 at a base of 340,000 fen: 357,000 and 391,000, all of it paid to a competent worker (policy §5).
    assert "3,570.00" in text
    assert "3,910.00" in text


def test_a_worker_who_is_not_decided_yet_exits_14_and_leaves_no_folder(
    home: Home, subjects: dict[str, str], tmp_path: Path
) -> None:
    answer = home.run("review", "letters", "--to", str(tmp_path / "letters"), "--staff", subjects["raise"], *MARCH)
    assert answer.code == 14
    assert "awaits a decision" in answer.err
    assert not (tmp_path / "letters").exists()


@pytest.mark.parametrize("whose", [(), ("--all", "--staff", "KF000024")])
def test_nobody_or_both_named_exits_2(home: Home, tmp_path: Path, whose: tuple[str, ...]) -> None:
    answer = home.run("review", "letters", "--to", str(tmp_path / "letters"), *whose, *MARCH)
    assert answer.code == 2
    assert "Say whose" in answer.err


def test_an_unknown_placeholder_exits_10_naming_template_and_placeholder(home: Home, tmp_path: Path) -> None:
    file = home.config / "templates" / "adjustment_letter.md.j2"
    file.write_text(file.read_text("utf-8").replace("{{ name }}", "{{ full_name }}"), "utf-8")
    answer = home.run("review", "letters", "--to", str(tmp_path / "letters"), "--all", *MARCH)
    assert answer.code == 10
    assert "templates/adjustment_letter.md.j2: placeholder 'full_name' is not known" in answer.err
