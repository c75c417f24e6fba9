"""HR's side on the command line: see, decide, publish, deliver; and what is refused on the way."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from city_runs import Answer, Home, Row, digest_tree, read_csv, run_fivestar

pytestmark = pytest.mark.flow

REVIEWER = ("--month", "2024-03", "--reviewer", "审核人")
JUNE = datetime(2024, 6, 10, 2, tzinfo=UTC)


def review(home: Home, *arguments: str) -> Answer:
    return home.run("review", *arguments, *REVIEWER)


def list_decisions(home: Home) -> dict[str, str]:
    """What the command line lists: the decision on each worker's proposal."""
    lines = home.run("review", "list", "--month", "2024-03").out.splitlines()
    assert lines[0].split("\t")[::6] == ["staff_id", "decision"]
    return {line.split("\t")[0]: line.split("\t")[6] for line in lines[1:]}


def choose_bulk(workers: dict[str, Row]) -> set[str]:
    """Who may be approved in bulk: what awaits a decision and needs nobody to look closer (interfaces.md)."""
    awaiting = {"initial", "raise", "post_change", "review"}
    return {key for key, row in workers.items() if row["kind"] in awaiting and row["needs_manual"] == "false"}


def test_before_any_decision_all_that_awaits_one_is_open(home: Home, workers: dict[str, Row]) -> None:
    decisions = list_decisions(home)
    still = {key for key, row in workers.items() if row["kind"] in {"none", "hold"}}
    assert decisions == {key: "" if key in still else "open" for key in workers}


def test_the_list_can_be_narrowed_to_a_kind(home: Home, workers: dict[str, Row], subjects: dict[str, str]) -> None:
    lines = home.run("review", "list", "--month", "2024-03", "--kind", "hold").out.splitlines()[1:]
    assert {line.split("\t")[0] for line in lines} == {key for key, row in workers.items() if row["kind"] == "hold"}
    [held] = [line for line in lines if line.startswith(subjects["hold_twice"])]
    assert held.split("\t")[1:8] == ["hold", "2", "2", "false", "appraisal_basic;sanction", "", ""]


def test_the_exported_workbook_is_that_of_the_month(home: Home, tmp_path: Path) -> None:
    answer = home.run("review", "export", str(tmp_path / "review.xlsx"), "--month", "2024-03")
    assert (answer.code, answer.out) == (0, f"{tmp_path / 'review.xlsx'}\n")
    assert (tmp_path / "review.xlsx").read_bytes() == (home.march / "hr-review.xlsx").read_bytes()


def test_export_to_where_nothing_can_be_written_exits_2(home: Home, tmp_path: Path) -> None:
    answer = home.run("review", "export", str(tmp_path / "nowhere" / "review.xlsx"), "--month", "2024-03")
    assert answer.code == 2
    assert "cannot be written" in answer.err


def test_hr_decides_publishes_and_publishes_again(
    home: Home, workers: dict[str, Row], subjects: dict[str, str]
) -> None:
    bulk = choose_bulk(workers)
    assert review(home, "approve", "--all").out == f"approved: {len(bulk)}\n"
    chosen = ("--staff", subjects["demoted"], "--staff", subjects["raise_two_steps"])
    unexplained = review(home, "approve", *chosen)
    assert (unexplained.code, unexplained.out) == (14, "")
    assert "its approval must say why" in unexplained.err
    assert review(home, "approve", *chosen, "--comment", "已核对").out == "approved: 2\n"
    assert review(home, "reject", "--staff", subjects["raise"], "--comment", "材料不全").out == "rejected: 1\n"
    returned = review(home, "return", "--staff", subjects["review"], "--comment", "请核对学历")
    assert returned.out == "returned: 1\n"
    approved = (bulk | {subjects["demoted"], subjects["raise_two_steps"]}) - {subjects["raise"]}
    decisions = list_decisions(home)
    assert {key for key, decision in decisions.items() if decision == "approved"} == approved
    assert decisions[subjects["raise"]] == "rejected"
    assert decisions[subjects["review"]] == "returned"
    assert decisions[subjects["initial_blocked"]] == "open"

    answer = home.run("publish", "--month", "2024-03")
    assert answer.code == 0
    assert f"entered in the register: {len(approved)}\n" in answer.out
    with home.open() as house:
        in_force = house.ledger.register.list_grades_in_force(date(2024, 4, 1))
        day_before = house.ledger.register.list_grades_in_force(date(2024, 3, 31))
    now = {key: (row.post, str(row.grade)) for key, row in in_force.items() if day_before.get(key) != row}
    assert now == {key: (workers[key]["post"], workers[key]["proposed_grade"]) for key in approved}

    before = digest_tree(home.path / "outputs")
    answer = home.run("publish", "--month", "2024-03")
    assert answer.code == 0
    assert "entered in the register: 0\n" in answer.out
    assert f"in the register already: {len(approved)}\n" in answer.out
    assert digest_tree(home.path / "outputs") == before
    with home.open() as house:
        assert house.ledger.register.list_grades_in_force(date(2024, 4, 1)) == in_force
        notices = [row for row in house.ledger.outbox.list_messages() if row.message == "publication_notice"]
        assert len([row for row in notices if row.month == "2024-03"]) == 1


def test_a_late_approval_owes_whole_months_to_the_month_of_approval(home: Home, subjects: dict[str, str]) -> None:
    where = ("--home", str(home.path), "--config", str(home.config))
    run_fivestar("review", "approve", "--staff", subjects["raise"], *REVIEWER, *where, at=JUNE)
    assert run_fivestar("publish", "--month", "2024-03", *where, at=JUNE).code == 0
    [line] = read_csv(home.march / "arrears.csv")
    # Approved on 10 June, effective 1 April: April and May, 2 months. Grades 2 and 3 at a base of 340,000 fen:
    # grade_pay 357,000 and 374,000, all of it paid to a competent worker outside 两委: 17,000 a month (policy §5).
    assert line == {
        "month": "2024-03", "staff_id": subjects["raise"], "effective_on": "2024-04-01", "approved_on": "2024-06-10",
        "months": "2", "monthly_fen": "17000", "total_fen": "34000",
    }  # fmt: skip


def test_the_next_evaluation_keeps_the_arrears_beside_the_same_revision(home: Home, subjects: dict[str, str]) -> None:
    review(home, "approve", "--staff", subjects["raise"])
    home.run("publish", "--month", "2024-03")
    before = digest_tree(home.path / "outputs")
    (home.march / "pay.csv").unlink()
    assert "revision 1 (unchanged)" in home.run("evaluate", "--month", "2024-03").out
    assert digest_tree(home.path / "outputs") == before


def test_publishing_with_nothing_approved_exits_14_and_writes_nothing(home: Home) -> None:
    before = digest_tree(home.path / "outputs")
    answer = home.run("publish", "--month", "2024-03")
    assert answer.code == 14
    assert "2024-03: no proposal is approved" in answer.err
    assert digest_tree(home.path / "outputs") == before


def test_publishing_where_the_results_are_lost_exits_13_before_the_register_is_touched(home: Home) -> None:
    review(home, "approve", "--all")
    (home.march / "run.json").unlink()
    answer = home.run("publish", "--month", "2024-03")
    assert answer.code == 13
    assert "the results are not there. Write them again: fivestar evaluate --month 2024-03." in answer.err
    with home.open() as house:
        assert house.ledger.register.list_month("2024-03") == []


@pytest.mark.parametrize("command", ["publish", "review list", "review approve"])
def test_a_month_that_was_not_judged_exits_13_and_says_how_to_judge_it(home: Home, command: str) -> None:
    decision = ("--all", "--reviewer", "审核人") if command == "review approve" else ()
    answer = home.run(*command.split(), "--month", "2023-12", *decision)
    assert answer.code == 13
    assert "fivestar evaluate --month 2023-12" in answer.err


@pytest.mark.parametrize("kind", ["none", "hold_basic"])
@pytest.mark.parametrize("verdict", ["approve", "reject", "return"])
def test_what_changes_nothing_can_not_be_decided(
    home: Home, subjects: dict[str, str], kind: str, verdict: str
) -> None:
    answer = review(home, verdict, "--staff", subjects["raise"], "--staff", subjects[kind])
    assert answer.code == 14
    assert "which changes nothing and can't be decided" in answer.err
    assert list_decisions(home)[subjects["raise"]] == "open"


def test_a_worker_who_is_not_in_the_month_exits_14(home: Home) -> None:
    answer = review(home, "approve", "--staff", "KF999999")
    assert answer.code == 14
    assert "has no proposal" in answer.err


def test_what_is_in_the_register_can_not_be_decided_again(home: Home, subjects: dict[str, str]) -> None:
    review(home, "approve", "--staff", subjects["raise"])
    home.run("publish", "--month", "2024-03")
    answer = review(home, "reject", "--staff", subjects["raise"])
    assert answer.code == 14
    assert "in the register already" in answer.err


def test_a_decision_falls_when_the_proposal_changes_and_holds_when_it_does_not(
    home: Home, subjects: dict[str, str]
) -> None:
    review(home, "approve", "--staff", subjects["raise"], "--staff", subjects["raise_degree"])
    file = home.config / "policy" / "grades.yaml"
    # A master's degree counts 60 months; with 36 the worker of 57 months has 93 div 36 = 2: grade 3, not 4.
    text = file.read_text(encoding="utf-8")
    assert "master: 60" in text
    file.write_text(text.replace("master: 60", "master: 36"), encoding="utf-8")
    assert "revision 2 (new)" in home.run("evaluate", "--month", "2024-03").out
    decisions = list_decisions(home)
    assert (decisions[subjects["raise"]], decisions[subjects["raise_degree"]]) == ("approved", "open")


def test_messages_are_delivered_once_and_a_failing_one_exits_15(home: Home) -> None:
    assert home.run("notify", "deliver", "--mode", "live").out.startswith("delivered: 0, ")
    key = "hr_digest:city:hr:2024-03:r1"
    assert home.run("notify", "resend", "--key", key).out.startswith("queued: 1, ")
    folder = home.path / "outbox" / "2024-03" / "hr-city"
    (folder / "hr_digest-city-hr.md").unlink()
    folder.rmdir()
    folder.write_text("in the way", encoding="utf-8")
    answer = home.run("notify", "deliver", "--mode", "live")
    assert answer.code == 15
    assert f"{key}: the outbox folder cannot be written" in answer.err
    assert "1 messages were not delivered" in answer.err
    header, *rows = home.run("notify", "list", "--month", "2024-03").out.splitlines()
    assert header == "key\tstatus\tcode\tchannel\tattempts\tnext attempt\tdetail"
    [row] = [row.split("\t") for row in rows if row.startswith(f"{key}\t")]
    assert row[1:5] == ["temporary_failure", "", "file", "1"]
    assert row[5].endswith("+08:00")
    folder.unlink()
    # It would be tried again after a minute; a person may have it tried at once.
    assert home.run("notify", "deliver", "--mode", "live", "--for", "0").out.startswith("delivered: 0, ")
    assert home.run("notify", "resend", "--key", key).out.startswith("queued: 1, ")
    assert home.run("notify", "deliver", "--mode", "live").out.startswith("delivered: 1, ")


def test_what_a_simulation_would_send_is_written_and_shown(home: Home) -> None:
    key = "hr_digest:city:hr:2024-03:r1"
    home.run("notify", "resend", "--key", key)
    answer = home.run("notify", "deliver", "--mode", "simulate", "--show")
    assert f"message: {key}\nchannel: file\n" in answer.out
    assert f"what would be sent: {home.path / 'outbox' / 'simulated'}" in answer.out
    assert "simulated: 1, " in answer.out
