"""What a revision changed and why, old revisions judged again, and months that are locked once they are published."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import ibis
import orjson
import pytest
from city_runs import MARCH, DemoRun, Home, Row, digest_tree, read_csv, set_environment

from flows import replay, revisions
from flows.evaluate import stars
from flows.inputs import gather_inputs, judge_inputs
from flows.lake import LakeView
from flows.month import CITY_ZONE
from flows.results import MonthResult

pytestmark = pytest.mark.flow

EVALUATE = ("evaluate", "--month", "2024-03")
REPLAY = ("replay", "--month", "2024-03")


def write_policy(home: Home, file: str, old: str, new: str) -> None:
    """Change the first place in a policy file of the installation that says `old`."""
    path = home.config / "policy" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def light_from_90(home: Home) -> None:
    write_policy(home, "five_star.yaml", '"80.00"', '"90.00"')


def sanction(home: Home, march: DemoRun, staff_id: str, folder: Path) -> None:
    """Add a warning of 15 March to the sheet of sanctions, and pull the sheets."""
    shutil.copytree(march.sandbox.folder / "sheets", folder)
    with (folder / "处分.csv").open("a", encoding="gb18030", newline="") as file:
        file.write(f"{staff_id},警告,2024-03-15\r\n")
    with set_environment({"SHEETS_FOLDER": str(folder)}):
        assert home.run("ingest", "--platform", "sheets", "--month", "2024-03").code == 0


def read_changes(home: Home) -> dict[tuple[str, str, str], Row]:
    rows = read_csv(home.march / "changes.csv")
    return {(row["subject"], row["subject_id"], row["field"]): row for row in rows}


def approve_all(home: Home) -> None:
    reviewer = ("--month", "2024-03", "--reviewer", "审核人")
    assert home.run("review", "approve", "--all", *reviewer).code == 0
    assert home.run("publish", "--month", "2024-03").code == 0


def test_a_first_revision_compares_with_nothing(home: Home) -> None:
    assert not (home.march / "changes.csv").exists()
    answer = home.run("changes", "--month", "2024-03")
    assert answer.code == 0
    assert answer.out.splitlines() == ["subject\tsubject_id\tfield\tbefore\tafter\tcauses"]
    assert "revision 1 is the first" in answer.err


def test_each_cell_that_a_new_policy_moves_is_told_with_the_policy_as_its_cause(home: Home) -> None:
    old = {(row["community_code"], row["star"]): row for row in read_csv(home.march / "stars.csv")}
    light_from_90(home)
    assert home.run(*EVALUATE).code == 0
    new = {(row["community_code"], row["star"]): row for row in read_csv(home.march / "stars.csv")}
    moved = {
        ("stars", "/".join(key), field): (old[key][field], new[key][field])
        for key in old
        for field in ("score", "state", "reasons")
        if old[key][field] != new[key][field]
    }
    changes = read_changes(home)
    assert {key: (row["before"], row["after"]) for key, row in changes.items() if key[0] == "stars"} == moved
    assert moved
    assert {row["causes"] for row in changes.values()} == {"policy"}
    # Where a star is lit changes ratings, and neither indicators nor anything of workers.
    assert {key[0] for key in changes} == {"stars", "ratings"}
    assert {(row["revision"], row["compared_with"]) for row in changes.values()} == {("2", "1")}


def test_with_new_data_and_a_new_policy_each_cell_has_the_cause_that_moved_it(
    home: Home, march: DemoRun, subjects: dict[str, str], tmp_path: Path
) -> None:
    worker = subjects["raise"]
    sanction(home, march, worker, tmp_path / "sheets")
    light_from_90(home)
    assert home.run(*EVALUATE).code == 0
    changes = read_changes(home)
    # The sanction holds the raise from grade 2 to 3 back (policy §4.5); the lit score has no part in it.
    moved = {key[2]: (row["before"], row["after"]) for key, row in changes.items() if key[:2] == ("grades", worker)}
    assert moved == {
        "kind": ("raise", "hold"),
        "proposed_grade": ("3", "2"),
        "reasons": ("", "sanction"),
    }
    assert {row["causes"] for key, row in changes.items() if worker in key[1]} == {"data"}
    assert {row["causes"] for key, row in changes.items() if key[0] == "stars"} == {"policy"}
    report = (home.march / "report.html").read_text(encoding="utf-8")
    assert "与第 1 版相比" in report
    assert worker not in report


def test_a_later_cutoff_is_policy_even_where_it_makes_a_source_incomplete(home: Home) -> None:
    # The sources were pulled up to the cutoff of 3 April; what a cutoff of the 6th needs beyond it is not held.
    write_policy(home, "five_star.yaml", "value: 3\n", "value: 6\n")
    assert home.run(*EVALUATE).code == 0
    changes = read_changes(home)
    assert {row["causes"] for row in changes.values()} == {"policy"}
    assert any("source_missing" in row["after"] for row in changes.values())


def test_a_result_that_only_the_program_changed_is_told_as_such(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "fingerprint_code", lambda: "0" * 64)
    monkeypatch.setattr(stars, "SCORE_PLACES", 1)
    assert "revision 2 (new)" in home.run(*EVALUATE).out
    changes = read_changes(home)
    assert {row["causes"] for row in changes.values()} == {"code"}
    assert any(key[0] == "stars" for key in changes)


def test_what_cannot_be_judged_again_is_compared_without_a_cause(home: Home) -> None:
    with closing(sqlite3.connect(home.path / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("DROP TRIGGER guard_policies_delete")
        ledger.execute("DELETE FROM policies")
    light_from_90(home)
    assert home.run(*EVALUATE).code == 0
    assert {row["causes"] for row in read_changes(home).values()} == {"undetermined"}


def test_lost_files_of_a_second_revision_are_put_back_with_what_it_changed(home: Home) -> None:
    light_from_90(home)
    assert home.run(*EVALUATE).code == 0
    before = digest_tree(home.path / "outputs")
    (home.march / "changes.csv").unlink()
    (home.march / "hr-review.xlsx").unlink()
    assert "revision 2 (unchanged)" in home.run(*EVALUATE).out
    assert digest_tree(home.path / "outputs") == before


def test_old_revisions_are_proven_by_a_replay_across_a_change_of_policy_and_data(
    home: Home, march: DemoRun, subjects: dict[str, str], tmp_path: Path
) -> None:
    light_from_90(home)
    assert home.run(*EVALUATE).code == 0
    sanction(home, march, subjects["raise"], tmp_path / "sheets")
    write_policy(home, "grades.yaml", "value: 36\n", "value: 30\n")
    assert home.run(*EVALUATE).code == 0
    before = digest_tree(home.path / "outputs")
    for revision in ("1", "2", "3"):
        answer = home.run(*REPLAY, "--revision", revision)
        assert answer.code == 0, answer.err
        assert f"revision {revision} is proven: 6 files to the byte" in answer.err
        lines = [line.split("\t") for line in answer.out.splitlines()]
        folder = home.march if revision == "3" else home.march / "revisions" / revision
        digests = orjson.loads((folder / "run.json").read_bytes())["digests"]
        assert {line[0]: line[2] for line in lines[1:]} == {line[0]: digests[line[0]] for line in lines[1:]}
        assert {line[3] for line in lines[1:]} == {"true"}
    assert digest_tree(home.path / "outputs") == before


def test_a_replay_that_gives_something_else_exits_13_and_says_where(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stars, "SCORE_PLACES", 1)
    monkeypatch.setattr(replay, "fingerprint_code", lambda: "0" * 64)
    answer = home.run(*REPLAY)
    assert answer.code == 13
    assert "judged again by other code than then, it differs in ratings.csv, stars.csv" in answer.err
    with home.open() as house:
        outcome = house.ledger.list_outcomes("2024-03")[-1]
    assert (outcome["step"], outcome["ok"]) == ("replay_revision", False)


def test_a_replay_of_what_is_not_there_says_what_is(home: Home) -> None:
    unknown = home.run(*REPLAY, "--revision", "7")
    assert (unknown.code, unknown.err) == (
        2,
        "fivestar: 2024-03 has no revision 7. It has 1; name one with --revision.\n",
    )
    assert home.run("replay", "--month", "2023-01").code == 13


def test_a_replay_is_refused_if_somebody_changed_the_register(home: Home) -> None:
    with closing(sqlite3.connect(home.path / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("DROP TRIGGER guard_grade_register_update")
        ledger.execute("UPDATE grade_register SET grade = grade + 1")
    answer = home.run(*REPLAY)
    assert answer.code == 13
    assert "It is append-only, so somebody has changed it" in answer.err


def test_a_revision_of_a_published_month_is_a_proposal_to_amend_it(home: Home, march: DemoRun) -> None:
    approve_all(home)
    with home.open() as house:
        register = house.ledger.register.list_in_force(MARCH.plus(1).first_on)
    write_policy(home, "grades.yaml", "value: 36\n", "value: 30\n")
    light_from_90(home)
    assert home.run(*EVALUATE).code == 0
    write_policy(home, "grades.yaml", "value: 30\n", "value: 24\n")
    assert "revision 3 (new)" in home.run(*EVALUATE).out
    run = orjson.loads((home.march / "run.json").read_bytes())
    assert (run["revision"], run["amends"], run["compared_with"]) == (3, 1, 2)
    assert "登记入等级台账（最近一次依据第 1 版）" in (home.march / "report.html").read_text(encoding="utf-8")
    with home.open() as house:
        assert house.ledger.register.list_in_force(MARCH.plus(1).first_on) == register


def test_a_published_grade_is_amended_one_by_one_and_with_a_reason_only(home: Home) -> None:
    approve_all(home)
    published = {row["staff_id"]: row["proposed_grade"] for row in read_csv(home.march / "grades.csv")}
    with home.open() as house:
        entered = {line.record.staff_id for line in house.ledger.register.list_in_force(MARCH.plus(1).first_on)}
    write_policy(home, "grades.yaml", "value: 36\n", "value: 30\n")
    assert home.run(*EVALUATE).code == 0
    rows = {row["staff_id"]: row for row in read_csv(home.march / "grades.csv")}
    worker = next(key for key in sorted(entered) if rows[key]["proposed_grade"] != published[key])
    reviewer = ("--month", "2024-03", "--reviewer", "审核人")
    home.run("review", "approve", "--all", *reviewer)
    decisions = {
        line.split("\t")[0]: line.split("\t")[6]
        for line in home.run("review", "list", "--month", "2024-03").out.splitlines()[1:]
    }
    assert decisions[worker] == "open"
    silent = home.run("review", "approve", "--staff", worker, *reviewer)
    assert silent.code == 14
    assert "would amend it. Say why with --comment" in silent.err
    assert home.run("review", "approve", "--staff", worker, "--comment", "步长更正", *reviewer).code == 0
    assert home.run("publish", "--month", "2024-03").code == 0
    with home.open() as house:
        history = house.ledger.register.list_history(worker)
    # The first record stays; the amendment stands after it, from the same day.
    assert [line.record.grade for line in history][-2:] == [
        int(published[worker]),
        int(rows[worker]["proposed_grade"]),
    ]


def test_the_register_tells_what_was_held_true_on_a_day_about_another_day(home: Home) -> None:
    # The demo published February's grades; nothing was known of them at the end of January.
    then = home.run("register", "show", "--on", "2024-03-31", "--known-at", "2024-01-31")
    now = home.run("register", "show", "--on", "2024-03-31")
    earlier = home.run("register", "show", "--on", "2024-02-29")
    assert [answer.code for answer in (then, now, earlier)] == [0, 0, 0]
    assert len(then.out.splitlines()) == 1
    assert len(now.out.splitlines()) > 1
    assert len(earlier.out.splitlines()) == 1, "February's grades take effect on 1 March"
    staff_id = now.out.splitlines()[1].split("\t")[0]
    history = home.run("register", "history", "--staff", staff_id)
    assert [line.split("\t")[0] for line in history.out.splitlines()[1:]] == [staff_id]


@pytest.mark.parametrize("day", ["{:%Y-%m-%d}", "{:%Y%m%d}"])
def test_a_bare_day_lasts_until_its_end(home: Home, day: str) -> None:
    with home.open() as house:
        recorded_at = house.ledger.register.list_in_force(MARCH.last_on)[0].recorded_at.astimezone(CITY_ZONE)
    # Read at midnight it would come before anything that was recorded in its course.
    answer = home.run("register", "show", "--on", "2024-03-31", "--known-at", day.format(recorded_at))
    assert len(answer.out.splitlines()) > 1


@pytest.mark.parametrize("option", [("--on", "2024-02-30"), ("--known-at", "yesterday")])
def test_a_day_that_cannot_be_read_exits_2(home: Home, option: tuple[str, str]) -> None:
    answer = home.run("register", "show", *option)
    assert answer.code == 2
    assert option[1] in answer.err


def test_a_worker_with_a_grade_whom_the_roster_lacks_is_counted_and_named_to_hr_only(home: Home) -> None:
    with home.open() as house:
        absent = house.ledger.register.list_in_force(MARCH.last_on)[0].record
    result = judge_without(home, absent.staff_id)
    assert [(worker.staff_id, worker.grade, worker.is_registered) for worker in result.missing_workers] == [
        (absent.staff_id, absent.grade, True)
    ]
    assert result.missing_workers[0].last_listed_in == "2024-02"
    assert any(notice.startswith("1 名已有等级的人员不在本月名册") for notice in result.notices)
    assert not any(absent.staff_id in notice for notice in result.notices)
    assert absent.staff_id not in {proposal.staff_id for proposal in result.proposals}


class Lacking:
    """A view in which the roster of March lacks one worker."""

    def __init__(self, view: LakeView, staff_id: str) -> None:
        self._view = view
        self._staff_id = staff_id

    def table(self, name: str) -> ibis.Table:
        table = self._view.table(name)
        if name != "staff":
            return table
        return table.filter((table.staff_id != self._staff_id) | (table.month != str(MARCH)))


def judge_without(home: Home, staff_id: str) -> MonthResult:
    """March judged from a roster without that worker."""
    with home.open() as house:
        inputs = gather_inputs(house, MARCH, home.config / "policy")
        with house.view(list(inputs.landings)) as view:
            return judge_inputs(inputs, Lacking(view, staff_id))
