"""Running a month again: the same unless input or policy changed, and a run that died leaves nothing half-written."""

import shutil
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from city_runs import CONFIG, MARCH, DemoRun, Home, Row, digest_tree, read_csv, run_fivestar, set_environment

from flows import outputs, revisions
from flows.sandbox.city import build_sandbox

pytestmark = pytest.mark.flow


def test_running_again_offline_keeps_the_revision_and_every_byte(home: Home) -> None:
    before = digest_tree(home.path / "outputs")
    answer = home.run("run", "--offline", "--month", "2024-03")
    assert answer.code == 0
    assert "revision 1 (unchanged)" in answer.out
    assert "messages queued: 0" in answer.out
    assert digest_tree(home.path / "outputs") == before


def test_the_demo_again_keeps_every_revision_and_every_byte(home: Home) -> None:
    before = digest_tree(home.path / "outputs")
    assert run_fivestar("demo", "--home", str(home.path), "--config", str(CONFIG)).code == 0
    assert digest_tree(home.path / "outputs") == before


def test_the_demo_of_another_city_starts_its_home_afresh(home: Home) -> None:
    (home.path / "demo-city.json").write_text("another city")
    (home.path / "outputs" / "2024-01").mkdir()
    assert run_fivestar("demo", "--home", str(home.path), "--config", str(CONFIG)).code == 0
    assert sorted(path.name for path in (home.path / "outputs").iterdir()) == ["2024-02", "2024-03"]
    with home.open() as house:
        latest = house.ledger.results.find_latest("2024-03")
    assert latest is not None
    assert latest.revision == 1


def test_the_demo_is_refused_in_the_home_of_an_installation(home: Home) -> None:
    (home.path / "demo-city.json").unlink()
    before = digest_tree(home.path)
    answer = run_fivestar("demo", "--home", str(home.path), "--config", str(CONFIG))
    assert answer.code == 2
    assert "would mix an invented city into it" in answer.err
    assert digest_tree(home.path) == before


def test_pulling_and_running_again_keeps_the_revision_and_every_byte(home: Home, platforms: dict[str, str]) -> None:
    before = digest_tree(home.path / "outputs")
    answer = home.run("run", "--month", "2024-03")
    assert answer.code == 0
    assert "revision 1 (unchanged)" in answer.out
    assert "messages queued: 0" in answer.out
    assert digest_tree(home.path / "outputs") == before


def test_platforms_that_fail_now_and_then_and_other_page_sizes_give_the_very_same_files(
    home_before: Home, march: DemoRun
) -> None:
    file = home_before.config / "platforms" / "comprehensive_governance.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("size: 5000", "size: 500"), encoding="utf-8")
    city = build_sandbox(march.sandbox.folder, scale="small", month=MARCH)
    city.start(("busy", "burst", "reset", "truncated"))
    try:
        with set_environment(city.environment):
            answer = home_before.run("run", "--month", "2024-03")
    finally:
        city.stop()
    assert answer.code == 0
    digests = [
        orjson.loads((found.march / "run.json").read_bytes())["digests"] for found in (home_before, march.home)
    ]
    assert digests[0] == digests[1]


def test_lost_and_changed_files_are_put_back(home: Home) -> None:
    before = digest_tree(home.path / "outputs")
    (home.march / "stars.csv").unlink()
    (home.march / "report.html").write_text("spoilt", encoding="utf-8")
    assert home.run("evaluate", "--month", "2024-03").code == 0
    assert digest_tree(home.path / "outputs") == before


def test_another_lit_score_gives_a_new_revision_and_keeps_the_old_one(home: Home) -> None:
    old_bytes, old_stars = digest_tree(home.march), read_csv(home.march / "stars.csv")
    set_lit_score(home, "90.00")
    answer = home.run("run", "--offline", "--month", "2024-03")
    assert answer.code == 0
    assert "revision 2 (new)" in answer.out
    assert digest_tree(home.march / "revisions" / "1") == old_bytes
    assert {path.name for path in home.march.iterdir()} == {*old_bytes, "changes.csv", "revisions"}

    def judge_anew(row: Row) -> tuple[str, str]:
        """A star between the limits fails by its score too, told after the gates that it fails by (policy §3.3)."""
        reasons = row["reasons"].split(";") if row["reasons"] else []
        if row["state"] in {"lit", "unlit"} and 80 <= Decimal(row["score"]) < 90:
            return "unlit", ";".join([*reasons, "score"])
        return row["state"], row["reasons"]

    new_stars = read_csv(home.march / "stars.csv")
    assert {row["revision"] for row in new_stars} == {"2"}
    assert [(row["state"], row["reasons"]) for row in new_stars] == [judge_anew(row) for row in old_stars]
    assert [row["score"] for row in new_stars] == [row["score"] for row in old_stars]
    assert any(judge_anew(row) != (row["state"], row["reasons"]) for row in old_stars)


def test_a_sanction_added_to_a_sheet_gives_a_new_revision_in_which_the_raise_is_held(
    home: Home, march: DemoRun, subjects: dict[str, str], tmp_path: Path
) -> None:
    sheets = tmp_path / "sheets"
    shutil.copytree(march.sandbox.folder / "sheets", sheets)
    with (sheets / "处分.csv").open("a", encoding="gb18030", newline="") as file:
        file.write(f"{subjects['raise']},警告,2024-03-15\r\n")
    with set_environment({"SHEETS_FOLDER": str(sheets)}):
        pulled = home.run("ingest", "--platform", "sheets", "--month", "2024-03")
        answer = home.run("evaluate", "--month", "2024-03")
    assert (pulled.code, answer.code) == (0, 0)
    assert "revision 2 (new)" in answer.out
    row = next(row for row in read_csv(home.march / "grades.csv") if row["staff_id"] == subjects["raise"])
    assert (row["kind"], row["proposed_grade"], row["reasons"]) == ("hold", "2", "sanction")


def test_a_run_that_dies_while_it_writes_leaves_the_month_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest_tree(home.path / "outputs")
    set_lit_score(home, "90.00")
    with monkeypatch.context() as patch:
        patch.setattr(revisions, "write_report", lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            home.run("evaluate", "--month", "2024-03")
    assert digest_tree(home.path / "outputs") == before
    assert {path.name for path in home.march.parent.iterdir()} == {"2024-02", "2024-03"}
    with home.open() as house:
        latest = house.ledger.results.find_latest("2024-03")
        assert latest is not None
        assert latest.revision == 1
        assert not house.ledger.list_outcomes("2024-03")[-1]["ok"]
    assert "revision 2 (new)" in home.run("evaluate", "--month", "2024-03").out


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_run_that_dies_while_its_files_are_put_in_place_is_healed_by_the_next(
    home: Home, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    old_bytes = digest_tree(home.march)
    replace_with = outputs.MonthFolder.replace_with

    def die(folder: outputs.MonthFolder, staged: Path, revision: int) -> None:
        if dies == "after":
            replace_with(folder, staged, revision)
        raise ZeroDivisionError

    set_lit_score(home, "90.00")
    with monkeypatch.context() as patch:
        patch.setattr(outputs.MonthFolder, "replace_with", die)
        with pytest.raises(ZeroDivisionError):
            home.run("evaluate", "--month", "2024-03")
    with home.open() as house:
        latest = house.ledger.results.find_latest("2024-03")
    assert latest is not None
    assert latest.revision == 1
    assert "revision 2 (new)" in home.run("evaluate", "--month", "2024-03").out
    assert digest_tree(home.march / "revisions" / "1") == old_bytes
    assert {row["revision"] for row in read_csv(home.march / "stars.csv")} == {"2"}


def set_lit_score(home: Home, score: str) -> None:
    file = home.config / "policy" / "five_star.yaml"
    head, tail = file.read_text(encoding="utf-8").split("lit_score:")
    file.write_text(f"{head}lit_score:{tail.replace('80.00', score, 1)}", encoding="utf-8")
