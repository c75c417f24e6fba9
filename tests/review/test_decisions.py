"""HR's decisions: what may be decided, what holds, and what publication puts into force."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from review_month import IN_TIME, MONTH, NOW, PROPOSALS, make_pay, open_ledger

from flows.errors import DecisionRefused, QualityGate
from flows.ledger import Ledger
from flows.ledger.results import Making
from flows.ledger.review_rows import Decision, RegisterEntry
from flows.results import MonthResult, RegisterRecord
from flows.review.decisions import decide
from flows.review.publication import publish
from flows.review.rows import list_review


@pytest.fixture
def ledger(tmp_path: Path, make_result: Callable[..., MonthResult]) -> Ledger:
    ledger = open_ledger(tmp_path)
    # A raise from 374,000 to 391,000 fen a month: 17,000 fen more.
    lines = [
        make_pay("K1", "current", 374_000),
        make_pay("K1", "proposed", 391_000),
        make_pay("K5", "proposed", 391_000),
    ]
    result = replace(make_result(), month=MONTH, proposals=list(PROPOSALS), pay_lines=lines)
    ledger.results.save(result, 1, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW))
    return ledger


def approve(ledger: Ledger, *staff_ids: str, decided_at: datetime = IN_TIME, comment: str = "") -> int:
    report = decide(
        ledger,
        MONTH,
        "approved",
        reviewer="审核人",
        staff_ids=staff_ids or None,
        comment=comment,
        decided_at=decided_at,
    )
    return report.count("decided")


def read_verdicts(ledger: Ledger) -> dict[str, str]:
    return {row.proposal.staff_id: row.decision.verdict for row in list_review(ledger, MONTH) if row.decision}


def test_approving_all_takes_only_what_may_be_decided_in_bulk(ledger: Ledger) -> None:
    assert approve(ledger) == 2
    assert read_verdicts(ledger) == {"K1": "approved", "K5": "approved"}


def test_one_that_needs_a_person_can_be_approved_by_name(ledger: Ledger) -> None:
    assert approve(ledger, "K2", comment="已核对") == 1
    assert read_verdicts(ledger) == {"K2": "approved"}


@pytest.mark.parametrize("staff_id", ["K3", "K4"])
def test_none_and_hold_can_not_be_decided(ledger: Ledger, staff_id: str) -> None:
    with pytest.raises(DecisionRefused, match="changes nothing"):
        approve(ledger, staff_id)


def test_one_refused_worker_leaves_every_decision_of_the_call_undone(ledger: Ledger) -> None:
    with pytest.raises(DecisionRefused, match="K9 has no proposal"):
        approve(ledger, "K1", "K9")
    assert read_verdicts(ledger) == {}


def test_the_latest_decision_holds(ledger: Ledger) -> None:
    approve(ledger, "K1")
    decide(ledger, MONTH, "returned", reviewer="审核人", staff_ids=["K1"], comment="请核对", decided_at=NOW)
    assert read_verdicts(ledger) == {"K1": "returned"}


def test_a_decision_holds_in_a_later_revision_only_for_the_same_content(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    approve(ledger)
    changed = [replace(PROPOSALS[0], proposed_grade=5, entitled_grade=5), *PROPOSALS[1:]]
    result = replace(make_result(), month=MONTH, proposals=changed, pay_lines=[make_pay("K5", "proposed", 391_000)])
    ledger.results.save(result, 2, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW))
    assert read_verdicts(ledger) == {"K5": "approved"}


def test_a_decision_does_not_hold_once_other_pay_would_follow_from_it(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    approve(ledger)
    # The same grades, but the step from 3 to 4 is worth 34,000 fen and no longer 17,000.
    lines = [
        make_pay("K1", "current", 374_000),
        make_pay("K1", "proposed", 408_000),
        make_pay("K5", "proposed", 391_000),
    ]
    result = replace(make_result(), month=MONTH, proposals=list(PROPOSALS), pay_lines=lines)
    ledger.results.save(result, 2, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW))
    assert read_verdicts(ledger) == {"K5": "approved"}


def test_publishing_enters_approved_grades_and_again_changes_nothing(ledger: Ledger) -> None:
    approve(ledger)
    report = publish(ledger, MONTH, recorded_at=NOW)
    assert (report.entered_count, report.already_count, report.open_count) == (2, 0, 1)
    in_force = ledger.register.list_grades_in_force(date(2024, 4, 1))
    assert {staff_id: (record.grade, record.certificate) for staff_id, record in in_force.items()} == {
        "K1": (4, "assistant"),
        "K5": (4, "assistant"),
    }
    again = publish(ledger, MONTH, recorded_at=NOW)
    assert (again.entered_count, again.already_count) == (0, 2)
    assert ledger.register.list_grades_in_force(date(2024, 4, 1)) == in_force


def test_a_grade_in_the_register_can_not_be_decided_again(ledger: Ledger) -> None:
    approve(ledger, "K1")
    publish(ledger, MONTH, recorded_at=NOW)
    with pytest.raises(DecisionRefused, match="in the register already"):
        decide(ledger, MONTH, "rejected", reviewer="审核人", staff_ids=["K1"], comment="", decided_at=NOW)


def test_nothing_approved_can_not_be_published(ledger: Ledger) -> None:
    decide(ledger, MONTH, "rejected", reviewer="审核人", staff_ids=["K1"], comment="", decided_at=NOW)
    with pytest.raises(DecisionRefused, match="no proposal is approved"):
        publish(ledger, MONTH, recorded_at=NOW)


def test_a_month_without_result_has_no_review(tmp_path: Path) -> None:
    with pytest.raises(QualityGate, match="has no result"):
        list_review(Ledger.open(f"sqlite:///{tmp_path / 'empty.sqlite'}"), MONTH)


def enter_grade(ledger: Ledger, staff_id: str, grade: int, effective_on: date) -> None:
    """A grade of an earlier month, on its way into the register after March was judged."""
    ledger.reviews.add_decisions(
        [Decision("2024-02", 1, staff_id, "0" * 64, "approved", "审核人", "", in_bulk=False, decided_at=IN_TIME)],
        after=ledger.reviews.find_head(),
    )
    decision_id = ledger.reviews.list_decisions("2024-02")[-1].id
    record = RegisterRecord(staff_id, "other", grade, "none", "assistant", effective_on)
    ledger.register.publish(
        [RegisterEntry(record, "2024-02", 1, decision_id)], {}, NOW, after=ledger.reviews.find_head()
    )


def test_a_month_judged_before_the_register_changed_can_be_neither_decided_nor_published(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    ledger.results.save(
        replace(make_result(), month=MONTH.plus(-1)), 1, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW)
    )
    approve(ledger, "K1")
    # February's grade 10 is in force on 31 March; March's proposal for K1, from 3 to 4, would lower it.
    enter_grade(ledger, "K1", 10, date(2024, 3, 1))
    with pytest.raises(DecisionRefused, match="has changed since revision 1 was judged"):
        publish(ledger, MONTH, recorded_at=NOW)
    with pytest.raises(DecisionRefused, match="Judge the month again"):
        approve(ledger, "K5")
    assert ledger.register.list_grades_in_force(date(2024, 4, 1))["K1"].grade == 10


def save_with_grade(ledger: Ledger, make_result: Callable[..., MonthResult], revision: int, grade: int) -> None:
    """A further revision that proposes `grade` for K1."""
    changed = [replace(PROPOSALS[0], proposed_grade=grade, entitled_grade=grade), *PROPOSALS[1:]]
    lines = [make_pay("K1", "current", 374_000), make_pay("K1", "proposed", 374_000 + 17_000 * (grade - 3))]
    result = replace(make_result(), month=MONTH, proposals=changed, pay_lines=lines)
    ledger.results.save(result, revision, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW))


def test_a_grade_corrected_and_corrected_back_ends_where_the_last_decision_put_it(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    for revision, grade in ((1, 4), (2, 5), (3, 4)):
        if revision > 1:
            save_with_grade(ledger, make_result, revision, grade)
        assert approve(ledger, "K1", comment="更正") == 1
        publish(ledger, MONTH, recorded_at=NOW)
        assert ledger.register.list_grades_in_force(date(2024, 4, 1))["K1"].grade == grade


def test_a_published_grade_is_amended_with_a_reason_and_never_in_bulk(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    approve(ledger, "K1")
    publish(ledger, MONTH, recorded_at=NOW)
    save_with_grade(ledger, make_result, 2, 5)
    # K5 may be decided in bulk; K1 would be amended.
    assert approve(ledger) == 1
    assert read_verdicts(ledger) == {"K5": "approved"}
    with pytest.raises(DecisionRefused, match=r"published grade of worker K1 .* Say why with --comment"):
        approve(ledger, "K1", comment=" ")


def test_an_amendment_of_a_grade_approved_in_time_owes_nothing_by_itself(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    # Approved by 1 April, so without arrears; what the amendment in June adds to it is not 5 less 3 but 5 less 4.
    approve(ledger, "K1")
    assert not publish(ledger, MONTH, recorded_at=NOW).arrears
    late = datetime(2024, 6, 10, tzinfo=UTC)
    save_with_grade(ledger, make_result, 2, 5)
    approve(ledger, "K1", decided_at=late, comment="更正")
    report = publish(ledger, MONTH, recorded_at=late)
    assert (report.arrears, report.arrears_unreckoned_count) == ([], 1)


def test_what_the_register_holds_is_no_amendment_whatever_was_decided_in_between(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    approve(ledger, "K1")
    publish(ledger, MONTH, recorded_at=NOW)
    save_with_grade(ledger, make_result, 2, 5)
    decide(ledger, MONTH, "rejected", reviewer="审核人", staff_ids=["K1"], comment="不符", decided_at=NOW)
    save_with_grade(ledger, make_result, 3, 4)
    [row] = [row for row in list_review(ledger, MONTH) if row.proposal.staff_id == "K1"]
    assert (row.amends_published, row.awaits_decision) == (False, False)
    assert row.decision is not None
    assert row.decision.verdict == "approved"


def test_arrears_of_a_correction_are_left_to_a_person(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    late = datetime(2024, 6, 10, tzinfo=UTC)
    approve(ledger, "K1", decided_at=late)
    assert len(publish(ledger, MONTH, recorded_at=late).arrears) == 1
    save_with_grade(ledger, make_result, 2, 5)
    approve(ledger, "K1", decided_at=late, comment="更正")
    report = publish(ledger, MONTH, recorded_at=late)
    assert (len(report.arrears), report.arrears_unreckoned_count) == (1, 1)


def test_approving_again_keeps_the_first_approval_and_its_day(ledger: Ledger) -> None:
    approve(ledger, "K1")
    assert approve(ledger, "K1", decided_at=datetime(2024, 6, 10, tzinfo=UTC)) == 0
    assert not publish(ledger, MONTH, recorded_at=NOW).arrears


@pytest.mark.parametrize(
    ("decided_at", "expected"),
    [
        # 1 April 23:59:59 in the city is not after 1 April: no arrears.
        (datetime(2024, 4, 1, 15, 59, 59, tzinfo=UTC), []),
        # 2 April: late, but no whole month has passed until 1 April, the first day of the month of approval.
        (datetime(2024, 4, 1, 16, tzinfo=UTC), [(date(2024, 4, 2), 0, 17_000, 0)]),
        # 1 May: one whole month, April.
        (datetime(2024, 4, 30, 16, tzinfo=UTC), [(date(2024, 5, 1), 1, 17_000, 17_000)]),
        # 30 June: April and May, up to 1 June.
        (datetime(2024, 6, 30, 15, tzinfo=UTC), [(date(2024, 6, 30), 2, 17_000, 34_000)]),
    ],
)
def test_arrears_count_whole_months_up_to_the_month_of_approval(
    ledger: Ledger, decided_at: datetime, expected: list[tuple[date, int, int, int]]
) -> None:
    approve(ledger, "K1", decided_at=decided_at)
    for _ in range(2):
        report = publish(ledger, MONTH, recorded_at=decided_at)
        lines = [(line.approved_on, line.months, line.monthly_fen, line.total_fen) for line in report.arrears]
        assert lines == expected


def test_late_arrears_without_a_current_grade_are_left_to_a_person(ledger: Ledger) -> None:
    approve(ledger, "K5", decided_at=datetime(2024, 6, 30, tzinfo=UTC))
    report = publish(ledger, MONTH, recorded_at=NOW)
    assert (list(report.arrears), report.arrears_unreckoned_count) == ([], 1)


def test_arrears_for_months_that_a_later_record_paid_are_left_to_a_person(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    # March's raise is put off; April's, from the same grade, is in the register from 1 May; then March is approved.
    enter_later_grade(ledger, make_result)
    approve(ledger, "K1", decided_at=datetime(2024, 6, 10, tzinfo=UTC))
    report = publish(ledger, MONTH, recorded_at=NOW)
    assert (report.entered_count, list(report.arrears), report.arrears_unreckoned_count) == (1, [], 1)


def enter_later_grade(ledger: Ledger, make_result: Callable[..., MonthResult]) -> None:
    """A record of K1 from April's review, in force from 1 May."""
    ledger.results.save(
        replace(make_result(), month=MONTH.plus(1)), 1, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW)
    )
    ledger.reviews.add_decisions(
        [Decision("2024-04", 1, "K1", "0" * 64, "approved", "审核人", "", in_bulk=False, decided_at=IN_TIME)],
        after=ledger.reviews.find_head(),
    )
    decision_id = ledger.reviews.list_decisions("2024-04")[-1].id
    record = RegisterRecord("K1", "other", 4, "none", "assistant", date(2024, 5, 1))
    entry = RegisterEntry(record, "2024-04", 1, decision_id)
    ledger.register.publish([entry], {}, NOW, after=ledger.reviews.find_head())
