"""A published grade is taken back by a further record; what was in force before holds again."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from review_month import (
    APPROVER,
    MONTH,
    NAMED,
    NOW,
    PREPARER,
    PROPOSALS,
    find_row,
    make_pay,
    make_proposal,
    open_ledger,
    read_states,
    save_month,
    say,
)

from flows.errors import DecisionRefused
from flows.ledger import Ledger
from flows.results import MonthResult
from flows.review.decisions import NOBODY_NAMED
from flows.review.people import ReviewPeople
from flows.review.publication import PublishReport, publish
from flows.review.reversal import ReversalReport, reverse

JUNE = datetime(2024, 6, 10, tzinfo=UTC)
APRIL_1 = date(2024, 4, 1)


@pytest.fixture
def ledger(tmp_path: Path, make_result: Callable[..., MonthResult]) -> Ledger:
    ledger = open_ledger(tmp_path)
    save_month(ledger, make_result)
    return ledger


def publish_march(ledger: Ledger) -> PublishReport:
    return publish(ledger, MONTH, recorded_at=NOW)


def take_back(
    ledger: Ledger,
    staff_id: str = "K1",
    *,
    reviewer: str = APPROVER,
    comment: str = "误批",
    people: ReviewPeople = NOBODY_NAMED,
    at: datetime = NOW,
) -> ReversalReport:
    return reverse(ledger, MONTH, [staff_id], reviewer=reviewer, comment=comment, decided_at=at, people=people)


def read_grade(ledger: Ledger, staff_id: str = "K1", *, register_no: int | None = None) -> int | None:
    record = ledger.register.list_grades_in_force(APRIL_1, register_no=register_no).get(staff_id)
    return None if record is None else record.grade


def test_a_grade_taken_back_is_in_force_until_that_is_published_and_then_never_was(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    take_back(ledger)
    assert read_grade(ledger) == 4
    report = publish_march(ledger)
    assert (report.entered_count, report.reversed_count) == (0, 1)
    assert read_grade(ledger) is None
    granted, taken = ledger.register.list_history("K1")
    assert (granted.reverses_no, taken.reverses_no) == (None, granted.register_no)
    # As it was held true before: the grade was in force.
    assert read_grade(ledger, register_no=granted.register_no) == 4
    assert read_states(ledger)["K1"] == "reversed"


def test_publishing_again_takes_nothing_back_twice(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    take_back(ledger)
    publish_march(ledger)
    again = publish_march(ledger)
    assert (again.entered_count, again.reversed_count) == (0, 0)
    assert len(ledger.register.list_history("K1")) == 2


def test_taking_back_an_amendment_brings_back_what_it_amended(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    changed = (make_proposal("K1", "raise", proposed_grade=5, entitled_grade=5), *PROPOSALS[1:])
    save_month(ledger, make_result, revision=2, proposals=changed)
    say(ledger, "approved", "K1", comment="更正")
    amendment = find_row(ledger, "K1").decision
    assert amendment is not None
    assert amendment.amends_id is not None
    publish_march(ledger)
    assert read_grade(ledger) == 5
    take_back(ledger)
    publish_march(ledger)
    assert read_grade(ledger) == 4
    take_back(ledger)
    publish_march(ledger)
    assert read_grade(ledger) is None


def test_a_grade_taken_back_can_be_approved_anew(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    take_back(ledger)
    publish_march(ledger)
    with pytest.raises(DecisionRefused, match="was published and taken back, so what is decided on it now must say"):
        say(ledger, "approved", "K1")
    assert say(ledger, "approved", "K1", comment="撤销有误").count("decided") == 1
    assert publish_march(ledger).entered_count == 1
    assert read_grade(ledger) == 4


def test_a_grade_whose_proposal_changes_nothing_any_more_can_be_taken_back(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    held = (make_proposal("K1", "hold", proposed_grade=3, reasons=("sanction",)), *PROPOSALS[1:])
    save_month(ledger, make_result, revision=2, proposals=held)
    take_back(ledger)
    assert publish_march(ledger).reversed_count == 1
    assert read_grade(ledger) is None


def test_arrears_that_were_granted_are_taken_back_with_the_grade(ledger: Ledger) -> None:
    # Approved on 10 June from 1 April: April and May, 2 months at 391,000 - 374,000 = 17,000 fen.
    say(ledger, "approved", "K1", at=JUNE)
    publish_march(ledger)
    take_back(ledger, at=JUNE)
    report = publish_march(ledger)
    lines = [(line.staff_id, line.months, line.monthly_fen, line.total_fen) for line in report.arrears]
    assert lines == [("K1", 2, 17_000, 34_000), ("K1", 2, -17_000, -34_000)]


def test_a_grade_on_which_a_later_month_builds_is_taken_back_after_that_one(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    april = MONTH.plus(1)
    further = make_proposal("K1", "raise", current_grade=4, proposed_grade=5, effective_on=date(2024, 5, 1))
    save_month(ledger, make_result, month=april, proposals=(further,), pay_lines=(make_pay("K1", "current", 1),))
    say(ledger, "approved", "K1", month=april)
    publish(ledger, april, recorded_at=NOW)
    with pytest.raises(DecisionRefused, match=r"the grade of worker K1 from 2024-04 builds on this one"):
        take_back(ledger)


@pytest.mark.parametrize(
    ("staff_id", "comment", "told"),
    [
        ("K1", " ", "can't be taken back without saying why"),
        ("K5", "误批", "the register holds no grade of worker K5 from this month"),
    ],
)
def test_what_can_not_be_taken_back_is_told(ledger: Ledger, staff_id: str, comment: str, told: str) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    with pytest.raises(DecisionRefused, match=told):
        take_back(ledger, staff_id, comment=comment)


def test_a_reversal_that_is_not_published_yet_is_withdrawn_by_approving_again(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    take_back(ledger)
    say(ledger, "approved", "K1", comment="不撤销了")
    report = publish_march(ledger)
    assert (report.entered_count, report.reversed_count) == (0, 0)
    assert read_grade(ledger) == 4


def test_a_reversal_that_is_decided_is_not_decided_again(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    take_back(ledger)
    with pytest.raises(DecisionRefused, match="is decided already"):
        take_back(ledger)


def test_taking_back_needs_four_eyes_too(ledger: Ledger) -> None:
    say(ledger, "approved", "K1")
    publish_march(ledger)
    with pytest.raises(DecisionRefused, match="may only take back what another person prepared"):
        take_back(ledger, people=NAMED)
    assert take_back(ledger, reviewer=PREPARER, people=NAMED) == ReversalReport(0, 1)
    assert publish_march(ledger).reversed_count == 0
    assert take_back(ledger, people=NAMED) == ReversalReport(1, 0)
    assert publish_march(ledger).reversed_count == 1
