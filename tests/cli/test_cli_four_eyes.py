"""The rest of HR's commands: filters, status, dry runs, reversal, four eyes by configuration, objections."""

from datetime import UTC, date, datetime

import pytest
from city_runs import Answer, Home, Row, run_fivestar

pytestmark = pytest.mark.flow

MONTH = ("--month", "2024-03")
TWO_PEOPLE = """
people:
  - {name: 王经办, roles: [reviewer], scope: city}
  - {name: 李审批, roles: [approver], scope: city}
"""


def name_two(home: Home) -> None:
    (home.config / "review.yaml").write_text(TWO_PEOPLE, encoding="utf-8")


def review(home: Home, command: str, *arguments: str, reviewer: str = "审核人") -> Answer:
    return home.run("review", command, *arguments, *MONTH, "--reviewer", reviewer)


def list_staff(home: Home, *filters: str) -> set[str]:
    lines = home.run("review", "list", *MONTH, *filters).out.splitlines()
    return {line.split("\t")[0] for line in lines[1:]}


def read_districts(home: Home) -> dict[str, str]:
    """The district of each worker, as the whole list tells it."""
    header, *lines = (line.split("\t") for line in home.run("review", "list", *MONTH).out.splitlines())
    return {line[0]: line[header.index("district_code")] for line in lines}


def test_the_list_is_narrowed_by_state_district_post_and_need_of_a_look(home: Home, workers: dict[str, Row]) -> None:
    manual = {key for key, row in workers.items() if row["needs_manual"] == "true"}
    assert list_staff(home, "--manual") == manual
    principals = {key for key, row in workers.items() if row["post"] == "principal"}
    assert list_staff(home, "--post", "principal") == principals
    districts = read_districts(home)
    assert districts.keys() == workers.keys()
    # The zone has no code of its own in the streets' codes: the platform's file names its streets, all of 龙亭区.
    elsewhere = {key for key, code in districts.items() if not workers[key]["community_code"].startswith(code)}
    assert {(workers[key]["community_code"][:6], districts[key]) for key in elsewhere} == {("410202", "410271")}
    for code in set(districts.values()):
        assert list_staff(home, "--district", code) == {key for key in districts if districts[key] == code}
    review(home, "approve", "--all")
    awaiting = {"initial", "raise", "post_change", "review"}
    left = {key for key in manual if workers[key]["kind"] in awaiting}
    assert list_staff(home, "--state", "open") == left
    answer = home.run("review", "list", *MONTH, "--state", "done")
    assert (answer.code, answer.out) == (2, "")
    assert "Choose one of: open, prepared, approved" in answer.err


def test_the_status_goes_from_open_to_decided_to_published(home: Home, workers: dict[str, Row]) -> None:
    awaiting = [row for row in workers.values() if row["kind"] in {"initial", "raise", "post_change", "review"}]
    manual = [row["staff_id"] for row in awaiting if row["needs_manual"] == "true"]
    lines = home.run("review", "status", *MONTH).out.splitlines()
    assert lines[0] == "2024-03 revision 1: open"
    assert f"open: {len(awaiting)}" in lines
    # The demo runs on 5 April 2024 at 10:00 in the city.
    assert f"open since 2024-04-05T10:00:00+08:00; to be decided one by one: {len(manual)}" in lines
    assert "is decided" not in review(home, "approve", "--all").err
    last = review(home, "later", *(part for staff_id in manual for part in ("--staff", staff_id)))
    assert last.out == f"later: {len(manual)}\n"
    assert "The review of 2024-03 is decided. Publish it: fivestar publish --month 2024-03" in last.err
    lines = home.run("review", "status", *MONTH).out.splitlines()
    assert lines[0] == "2024-03 revision 1: decided"
    assert f"to be published: {len(awaiting) - len(manual)}" in lines
    home.run("publish", *MONTH)
    assert home.run("review", "status", *MONTH).out.startswith("2024-03 revision 1: published\n")


def test_a_dry_run_says_what_would_be_and_records_nothing(home: Home, subjects: dict[str, str]) -> None:
    answer = review(home, "approve", "--staff", subjects["raise"], "--dry-run")
    assert (answer.code, answer.out) == (0, "dry run: nothing was recorded\napproved: 1\n")
    assert subjects["raise"] in list_staff(home, "--state", "open")


def test_every_decision_says_that_nobody_is_named_until_somebody_is(home: Home, subjects: dict[str, str]) -> None:
    warning = "warning: review.yaml names nobody, so anybody may decide alone."
    assert warning in review(home, "approve", "--staff", subjects["raise"]).err
    name_two(home)
    prepared = review(home, "approve", "--staff", subjects["raise_degree"], reviewer="王经办")
    assert (prepared.out, prepared.err) == ("approved: 0\nprepared: 1\n", "")


def test_two_people_decide_one_after_the_other(home: Home, subjects: dict[str, str]) -> None:
    name_two(home)
    staff = ("--staff", subjects["raise"])
    alone = review(home, "approve", *staff, reviewer="李审批")
    assert alone.code == 14
    assert "may only approve what another person prepared" in alone.err
    review(home, "approve", *staff, reviewer="王经办")
    line = next(
        line
        for line in home.run("review", "list", *MONTH, "--state", "prepared").out.splitlines()
        if line.startswith(subjects["raise"])
    )
    assert line.split("\t")[6:10:3] == ["prepared", "王经办"]
    assert review(home, "approve", *staff, reviewer="李审批").out == "approved: 1\n"
    stranger = review(home, "reject", *staff, reviewer="路人")
    assert stranger.code == 14
    assert "'路人' is not among the reviewers and approvers in review.yaml" in stranger.err


def test_in_bulk_an_approver_takes_what_was_prepared_and_is_told_what_was_not(
    home: Home, subjects: dict[str, str]
) -> None:
    name_two(home)
    review(home, "approve", "--staff", subjects["raise"], reviewer="王经办")
    bulk = len(list_staff(home, "--state", "open") - list_staff(home, "--manual"))
    answer = review(home, "approve", "--all", reviewer="李审批")
    assert answer.out == "approved: 1\n"
    assert f"left out, not_prepared: {bulk}\n" in answer.err


def test_a_published_grade_is_taken_back_and_both_records_stay(home: Home, subjects: dict[str, str]) -> None:
    staff = ("--staff", subjects["raise"])
    review(home, "approve", *staff)
    home.run("publish", *MONTH)
    assert review(home, "reverse", *staff, "--comment", " ").code == 14
    answer = review(home, "reverse", *staff, "--comment", "名册有误")
    assert (answer.code, answer.out) == (0, "reversed: 1\n")
    published = home.run("publish", *MONTH)
    assert "taken back: 1\n" in published.out
    assert "a person must settle what was paid" in published.err
    with home.open() as house:
        assert subjects["raise"] not in house.ledger.register.list_grades_in_force(date(2024, 4, 1))
    assert len(home.run("register", "history", *staff).out.splitlines()) == 3  # the heading and two records
    assert "taken back" not in home.run("publish", *MONTH).out
    assert home.run("doctor").out.count("entries are as they were written") == 1


def test_an_objection_is_written_down_listed_and_answered(home: Home, subjects: dict[str, str]) -> None:
    staff = ("--staff", subjects["raise"])
    review(home, "reject", *staff, "--comment", "材料不全")
    # Friday 5 April is a holiday and Sunday 7 April is worked: 7, 8, 9, 10, 11 April.
    opened = review(home, "object", *staff, "--comment", "材料已交", "--filed-on", "2024-04-05")
    assert (opened.code, opened.out) == (0, "objection 1: to be answered by 2024-04-11\n")
    where = ("--home", str(home.path), "--config", str(home.config))
    late = run_fivestar("review", "objections", "--unanswered", *where, at=datetime(2024, 4, 13, tzinfo=UTC))
    assert "warning: 1 objections are past their due day." in late.err
    answer = home.run("review", "answer", "1", "--outcome", "upheld", "--reviewer", "复核人", "--comment", "已补")
    assert (answer.code, answer.out) == (0, "objection 1: upheld\n")
    assert f"Decide anew on worker {subjects['raise']}" in answer.err
    assert home.run("review", "objections", "--unanswered").out.count("\n") == 1
    [line] = home.run("review", "objections", *MONTH).out.splitlines()[1:]
    assert line.split("\t")[5:] == ["2024-04-11", "upheld", "复核人"]
    assert subjects["raise"] in list_staff(home, "--state", "open")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--comment", " "), "--comment is empty"),
        (("--comment", "不服", "--filed-on", "2024-04-06"), "--filed-on 2024-04-06 lies in the future"),
        (("--comment", "不服", "--filed-on", "昨天"), "is not a date"),
    ],
)
def test_an_objection_that_can_not_be_meant_exits_2(
    home: Home, subjects: dict[str, str], arguments: tuple[str, ...], told: str
) -> None:
    answer = review(home, "object", "--staff", subjects["hold_basic"], *arguments)
    assert answer.code == 2
    assert told in answer.err
