"""A worker objects: when the answer is due, who may give it, and what it changes."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from city_runs import CONFIG
from review_month import (
    APPROVER,
    BOTH,
    LOCAL,
    MONTH,
    NAMED,
    NOW,
    PREPARER,
    find_row,
    open_ledger,
    read_states,
    save_month,
    say,
)

from flows.errors import DecisionRefused, UsageError
from flows.ledger import Ledger
from flows.ledger.review_rows import Outcome, RecordedObjection
from flows.results import MonthResult
from flows.review.decisions import NOBODY_NAMED
from flows.review.objections import ObjectionRow, answer_objection, list_objections, open_objection
from flows.review.people import ReviewPeople
from flows.review.publication import publish


@pytest.fixture
def ledger(tmp_path: Path, make_result: Callable[..., MonthResult]) -> Ledger:
    ledger = open_ledger(tmp_path)
    save_month(ledger, make_result)
    return ledger


def object_to(ledger: Ledger, staff_id: str, *, filed_on: date = date(2024, 4, 8)) -> RecordedObjection:
    return open_objection(
        ledger,
        MONTH,
        staff_id,
        statement="年限少算",
        recorder=PREPARER,
        filed_on=filed_on,
        recorded_at=NOW,
        policy_folder=CONFIG / "policy",
    )


def give_answer(
    ledger: Ledger,
    number: int,
    outcome: Outcome,
    *,
    reviewer: str = BOTH,
    comment: str = "已复核",
    people: ReviewPeople = NOBODY_NAMED,
) -> ObjectionRow:
    return answer_objection(
        ledger, number, outcome, reviewer=reviewer, comment=comment, decided_at=NOW, people=people
    )


@pytest.mark.parametrize(
    ("filed_on", "due_on"),
    [
        # Monday 8 April 2024: the fifth working day after it is Monday 15 April.
        (date(2024, 4, 8), date(2024, 4, 15)),
        # Wednesday 3 April: 4 to 6 April are the holiday, Sunday 7 April is worked: 7, 8, 9, 10, 11 April.
        (date(2024, 4, 3), date(2024, 4, 11)),
        # Friday 26 April: Sunday 28 April is worked, 1 to 5 May are off: 28, 29, 30 April, 6, 7 May.
        (date(2024, 4, 26), date(2024, 5, 7)),
    ],
)
def test_an_objection_is_due_after_five_working_days(ledger: Ledger, filed_on: date, due_on: date) -> None:
    say(ledger, "rejected", "K1")
    assert object_to(ledger, "K1", filed_on=filed_on).due_on == due_on


def test_an_objection_is_linked_to_the_decision_that_holds_the_published_one_first(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish(ledger, MONTH, recorded_at=NOW)
    [decision] = ledger.reviews.list_decisions(str(MONTH))
    assert object_to(ledger, "K1").decision_id == decision.id


@pytest.mark.parametrize("staff_id", ["K3", "K4"])
def test_a_worker_may_object_to_a_grade_that_stays_or_is_held_on_which_nobody_decided(
    ledger: Ledger, staff_id: str
) -> None:
    assert object_to(ledger, staff_id).decision_id is None


def test_before_a_decision_there_is_nothing_to_object_to(ledger: Ledger) -> None:
    with pytest.raises(DecisionRefused, match="nothing has been decided on worker K1's proposal yet"):
        object_to(ledger, "K1")


def test_a_worker_without_a_proposal_can_not_object(ledger: Ledger) -> None:
    with pytest.raises(DecisionRefused, match="worker K9 has no proposal"):
        object_to(ledger, "K9")


def test_a_second_objection_waits_for_the_answer_to_the_first(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1")
    first = object_to(ledger, "K1")
    with pytest.raises(DecisionRefused, match=f"objection {first.id} of worker K1 is open, due on 2024-04-15"):
        object_to(ledger, "K1")
    give_answer(ledger, first.id, "dismissed")
    assert object_to(ledger, "K1").id > first.id


def test_a_dismissed_objection_leaves_the_decision_as_it_is_and_is_a_decision_of_its_own(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1", comment="材料不全")
    contested = find_row(ledger, "K1").decision
    assert contested is not None
    objection = object_to(ledger, "K1")
    answer = give_answer(ledger, objection.id, "dismissed", comment="复核无误").answer
    assert answer is not None
    assert (answer.verdict, answer.amends_id, answer.objection_id) == ("dismissed", contested.id, objection.id)
    row = find_row(ledger, "K1")
    assert (row.state, row.decision, row.objections) == ("rejected", contested, [])


def test_an_upheld_objection_opens_the_proposal_again_but_not_for_bulk(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1")
    give_answer(ledger, object_to(ledger, "K1").id, "upheld")
    assert read_states(ledger)["K1"] == "proposed"
    say(ledger, "approved")
    assert read_states(ledger)["K1"] == "proposed"
    assert say(ledger, "approved", "K1").count("decided") == 1
    assert find_row(ledger, "K1").state == "approved"


def test_while_an_objection_is_open_nothing_of_the_worker_is_decided_in_bulk(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1")
    objection = object_to(ledger, "K1")
    assert not find_row(ledger, "K1").may_be_decided_in_bulk
    assert [it.id for it in find_row(ledger, "K1").objections] == [objection.id]


def test_a_published_grade_stays_in_the_register_when_the_objection_is_upheld(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish(ledger, MONTH, recorded_at=NOW)
    give_answer(ledger, object_to(ledger, "K1").id, "upheld")
    row = find_row(ledger, "K1")
    assert (row.state, row.was_upheld) == ("approved", True)
    # It is amended by a later revision or taken back, not decided once more.
    with pytest.raises(DecisionRefused, match="is in the register already"):
        say(ledger, "rejected", "K1", comment="异议成立")
    assert ledger.register.list_grades_in_force(date(2024, 4, 1))["K1"].grade == 4


@pytest.mark.parametrize(
    ("reviewer", "told"),
    [
        (APPROVER, "took the decision objected to"),
        (PREPARER, "only an approver for the worker's district answers it"),
        (LOCAL, "only an approver for the worker's district answers it"),
    ],
)
def test_an_objection_is_answered_by_an_approver_other_than_the_one_who_decided(
    ledger: Ledger, reviewer: str, told: str
) -> None:
    say(ledger, "rejected", "K1", reviewer=APPROVER, people=NAMED)
    objection = object_to(ledger, "K1")
    with pytest.raises(DecisionRefused, match=told):
        give_answer(ledger, objection.id, "upheld", reviewer=reviewer, people=NAMED)
    assert give_answer(ledger, objection.id, "upheld", reviewer=BOTH, people=NAMED).answer is not None


def test_an_answer_says_why_and_is_given_once(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1")
    objection = object_to(ledger, "K1")
    with pytest.raises(DecisionRefused, match="can't be answered without saying why"):
        give_answer(ledger, objection.id, "upheld", comment=" ")
    give_answer(ledger, objection.id, "dismissed")
    with pytest.raises(DecisionRefused, match="was answered already: dismissed"):
        give_answer(ledger, objection.id, "upheld")


def test_an_objection_that_is_not_there_is_a_mistake_of_use(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="there is no objection 7"):
        give_answer(ledger, 7, "upheld")


def test_objections_are_listed_with_their_answers(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1")
    answered, waiting = object_to(ledger, "K1"), object_to(ledger, "K4")
    give_answer(ledger, answered.id, "dismissed")
    rows = list_objections(ledger)
    assert [(row.objection.id, row.answer.verdict if row.answer else None) for row in rows] == [
        (answered.id, "dismissed"),
        (waiting.id, None),
    ]
    assert list_objections(ledger, MONTH.plus(1)) == []
