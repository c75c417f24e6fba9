"""What payroll is told of a month: one line a register record, what holds now, and what it was told before.

Pay in these tests is that of policy §5 at a base of 340,000 fen, 5 % a grade and 70 % basic, for a competent worker:
grade 3: 340,000 × 1.10 = 374,000 = 261,800 + 112,200; grade 4: 340,000 × 1.15 = 391,000 = 273,700 + 117,300;
grade 5: 340,000 × 1.20 = 408,000 = 285,600 + 122,400.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.ledger import Ledger
from flows.ledger.results import Making
from flows.month import Month
from flows.result_files import PAYROLL_FILE
from flows.results import Basis, MonthResult, PayLine, Proposal
from flows.review.decisions import decide
from flows.review.payroll import PayrollLine, format_payroll, list_payroll
from flows.review.people import ReviewPeople
from flows.review.publication import publish
from flows.review.reversal import reverse

MONTH = Month(2024, 3)
IN_TIME = datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC)  # 31 March 23:59:59 in the city
LATE = datetime(2024, 6, 10, 2, tzinfo=UTC)
PUBLISHED_AT = datetime(2024, 6, 11, 2, tzinfo=UTC)
AMOUNTS = {3: (261_800, 112_200, 374_000), 4: (273_700, 117_300, 391_000), 5: (285_600, 122_400, 408_000)}
PAGE = Path(__file__).parents[2] / "docs" / "payroll.md"


def make_proposal(staff_id: str, current: int | None, proposed: int, **changes: Any) -> Proposal:
    proposal = Proposal(
        staff_id=staff_id,
        community_code="410202001009",
        post="other",
        current_grade=current,
        entitled_grade=proposed,
        proposed_grade=proposed,
        kind="initial" if current is None else "raise",
        needs_manual=False,
        reasons=(),
        effective_on=date(2024, 4, 1),
        name="某甲",
        committee_member=False,
        degree="none",
        certificate="assistant",
        trace=(),
    )
    return replace(proposal, **changes)


def pay_at(staff_id: str, basis: Basis, grade: int) -> PayLine:
    basic_fen, performance_fen, total_fen = AMOUNTS[grade]
    return PayLine(staff_id, basis, grade, "competent", basic_fen, performance_fen, 0, total_fen)


def list_pay(proposals: Sequence[Proposal]) -> list[PayLine]:
    lines = []
    for proposal in proposals:
        if proposal.current_grade is not None:
            lines.append(pay_at(proposal.staff_id, "current", proposal.current_grade))
        lines.append(pay_at(proposal.staff_id, "proposed", proposal.proposed_grade))
    return lines


Save = Callable[..., None]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


@pytest.fixture
def save(ledger: Ledger, make_result: Callable[..., MonthResult]) -> Save:
    """Writes the month's next revision with these proposals, and with their pay unless other lines are given."""
    count = 0

    def save(*proposals: Proposal, pay_lines: Sequence[PayLine] | None = None) -> None:
        nonlocal count
        count += 1
        lines = list_pay(proposals) if pay_lines is None else pay_lines
        result = replace(make_result(), month=MONTH, proposals=proposals, pay_lines=lines)
        making = Making("0.1.0", "c" * 64, {}, IN_TIME)
        ledger.results.save(result, count, digests={}, making=making)

    return save


def approve(ledger: Ledger, *staff_ids: str, at: datetime = IN_TIME, comment: str = "") -> None:
    """Approve and publish."""
    decide(ledger, MONTH, "approved", reviewer="审核人", staff_ids=staff_ids, comment=comment, decided_at=at)
    publish(ledger, MONTH, recorded_at=PUBLISHED_AT)


def take_back(ledger: Ledger, staff_id: str, at: datetime = LATE) -> None:
    """Decide on the reversal and publish it."""
    reverse(ledger, MONTH, [staff_id], reviewer="审核人", comment="误批", decided_at=at, people=ReviewPeople())
    publish(ledger, MONTH, recorded_at=PUBLISHED_AT)


def read_rows(ledger: Ledger) -> list[dict[str, str]]:
    content = format_payroll(list_payroll(ledger, MONTH)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content, newline="")))


def read_values(line: PayrollLine, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(line, name) for name in names)


def list_values(ledger: Ledger, *names: str) -> list[tuple[Any, ...]]:
    return [read_values(line, *names) for line in list_payroll(ledger, MONTH)]


GRADES = ("entry", "previous_grade", "grade")
TOTALS = ("previous_total_fen", "total_fen", "change_fen")


def test_before_publication_payroll_is_told_nothing(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4))
    decide(ledger, MONTH, "approved", reviewer="审核人", staff_ids=["K1"], comment="", decided_at=IN_TIME)
    assert list_payroll(ledger, MONTH) == []


def test_a_raise_approved_in_time_tells_its_pay_and_owes_nothing_besides(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4))
    approve(ledger, "K1")
    # 391,000 less 374,000: 17,000 fen more. Approved on 31 March, before 1 April: no arrears.
    content = format_payroll(list_payroll(ledger, MONTH))
    assert content.decode() == (
        "\ufeffmonth,staff_id,register_no,entry,reverses_no,post,previous_grade,grade,effective_on,approved_on,"
        "basic_fen,performance_fen,uplift_fen,total_fen,previous_total_fen,change_fen,arrears_months,arrears_fen,"
        "decision_no,revision\n"
        "2024-03,K1,1,grant,,other,3,4,2024-04-01,2024-03-31,273700,117300,0,391000,374000,17000,,,1,1\n"
    )


def test_a_late_approval_tells_its_arrears(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4))
    approve(ledger, "K1", at=LATE)
    # Effective 1 April, approved 10 June: April and May, 2 × 17,000 fen; June is paid at the new grade.
    assert list_values(ledger, "approved_on", "arrears_months", "arrears_fen", "lacks_arrears") == [
        (date(2024, 6, 10), 2, 34_000, False)
    ]


@pytest.mark.parametrize(
    ("approved_at", "lacks"),
    [
        (datetime(2024, 4, 1, 15, 59, 59, tzinfo=UTC), False),  # 1 April 23:59:59 in the city: in time
        (datetime(2024, 4, 1, 16, tzinfo=UTC), True),  # 2 April: late
    ],
)
def test_a_first_grade_has_nothing_before_it_and_its_late_arrears_are_a_persons(
    ledger: Ledger, save: Save, approved_at: datetime, lacks: bool
) -> None:
    save(make_proposal("K1", None, 3))
    approve(ledger, "K1", at=approved_at)
    assert list_values(ledger, *GRADES, *TOTALS, "arrears_fen", "lacks_arrears") == [
        ("grant", None, 3, None, 374_000, None, None, lacks)
    ]


def test_without_a_pay_base_grades_are_told_and_every_amount_is_empty(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4), pay_lines=[])
    approve(ledger, "K1", at=LATE)
    [row] = read_rows(ledger)
    assert (row["previous_grade"], row["grade"]) == ("3", "4")
    assert {name: cell for name, cell in row.items() if name.endswith("_fen") and cell} == {}
    assert row["arrears_months"] == ""


def test_an_amendment_starts_from_what_payroll_was_told_and_keeps_the_first_line(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4))
    approve(ledger, "K1", at=LATE)
    before = read_rows(ledger)
    save(make_proposal("K1", 3, 5))
    approve(ledger, "K1", at=LATE, comment="更正")
    # 408,000 less the 391,000 told before, and not less the 374,000 of grade 3. What it owes a person reckons.
    assert list_values(ledger, *GRADES, *TOTALS, "revision", "lacks_arrears") == [
        ("grant", 3, 4, 374_000, 391_000, 17_000, 1, False),
        ("amendment", 4, 5, 391_000, 408_000, 17_000, 2, True),
    ]
    assert read_rows(ledger)[:1] == before


def test_a_reversal_tells_what_holds_again_and_takes_the_arrears_back(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4))
    approve(ledger, "K1", at=LATE)
    take_back(ledger, "K1", at=datetime(2024, 7, 2, tzinfo=UTC))
    grant, reversal = read_rows(ledger)
    # Grade 3 holds again: 374,000 = 261,800 + 112,200, which is 17,000 less; the 34,000 of April and May come back.
    # What was paid by grade 4 for June is for a person to settle.
    assert reversal == {
        "month": "2024-03", "staff_id": "K1", "register_no": "2", "entry": "reversal", "reverses_no": "1",
        "post": "other", "previous_grade": "4", "grade": "3", "effective_on": "2024-04-01",
        "approved_on": "2024-07-02", "basic_fen": "261800", "performance_fen": "112200", "uplift_fen": "0",
        "total_fen": "374000", "previous_total_fen": "391000", "change_fen": "-17000", "arrears_months": "2",
        "arrears_fen": "-34000", "decision_no": "2", "revision": "1",
    }  # fmt: skip
    assert (grant["change_fen"], grant["arrears_fen"]) == ("17000", "34000")


def test_taking_back_an_amendment_and_then_the_grade_leads_back_step_by_step(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4))
    approve(ledger, "K1")
    save(make_proposal("K1", 3, 5))
    approve(ledger, "K1", comment="更正")
    take_back(ledger, "K1")
    take_back(ledger, "K1")
    lines = list_values(ledger, "register_no", "reverses_no", *GRADES, *TOTALS)
    assert lines == [
        (1, None, "grant", 3, 4, 374_000, 391_000, 17_000),
        (2, None, "amendment", 4, 5, 391_000, 408_000, 17_000),
        (3, 2, "reversal", 5, 4, 408_000, 391_000, -17_000),
        (4, 1, "reversal", 4, 3, 391_000, 374_000, -17_000),
    ]
    # Nothing of the month is in force any more, and all changes together are nothing.
    assert sum(change_fen for *_, change_fen in lines) == 0
    assert "K1" not in ledger.register.list_grades_in_force(date(2024, 4, 1))


def test_taking_back_a_first_grade_leaves_no_grade_and_no_pay(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", None, 3))
    approve(ledger, "K1")
    take_back(ledger, "K1")
    assert list_values(ledger, *GRADES, *TOTALS)[1] == ("reversal", 3, None, 374_000, None, None)


@pytest.mark.parametrize(
    ("reversed_at", "leaves_paid"),
    [
        (datetime(2024, 4, 1, 15, 59, 59, tzinfo=UTC), False),  # 1 April in the city: nothing was paid by it yet
        (datetime(2024, 4, 1, 16, tzinfo=UTC), True),  # 2 April
    ],
)
def test_what_was_paid_by_a_grade_taken_back_is_to_be_settled_once_it_was_in_force(
    ledger: Ledger, save: Save, reversed_at: datetime, leaves_paid: bool
) -> None:
    save(make_proposal("K1", 3, 4))
    approve(ledger, "K1")
    take_back(ledger, "K1", at=reversed_at)
    assert list_values(ledger, "leaves_paid") == [(False,), (leaves_paid,)]


def test_a_grade_given_after_one_was_taken_back_is_a_grant_again(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4))
    approve(ledger, "K1")
    take_back(ledger, "K1")
    save(make_proposal("K1", 3, 5))
    approve(ledger, "K1")
    # From grade 3, which the reversal told, to 5: 408,000 less 374,000.
    assert list_values(ledger, *GRADES, *TOTALS)[2] == ("grant", 3, 5, 374_000, 408_000, 34_000)


def test_a_later_revision_with_other_pay_changes_no_line(ledger: Ledger, save: Save) -> None:
    save(make_proposal("K1", 3, 4), make_proposal("K2", 3, 4))
    approve(ledger, "K1")
    before = read_rows(ledger)
    # The next revision counts one grade more for both; only K2 is decided on it.
    save(make_proposal("K1", 4, 5), make_proposal("K2", 4, 5))
    assert read_rows(ledger) == before
    approve(ledger, "K2")
    assert read_rows(ledger)[0] == before[0]
    assert list_values(ledger, "staff_id", *TOTALS, "revision") == [
        ("K1", 374_000, 391_000, 17_000, 1),
        ("K2", 391_000, 408_000, 17_000, 2),
    ]


def test_parts_of_the_pay_come_from_the_revision_that_was_decided_on(ledger: Ledger, save: Save) -> None:
    # A committee member in a titled community: 15 % of 273,700 is 41,055, together 432,055.
    raised = replace(pay_at("K1", "proposed", 4), uplift_fen=41_055, total_fen=432_055)
    save(make_proposal("K1", 3, 4), pay_lines=[pay_at("K1", "current", 3), raised])
    approve(ledger, "K1")
    names = ("basic_fen", "performance_fen", "uplift_fen", "total_fen", "change_fen")
    # 432,055 less 374,000.
    assert list_values(ledger, *names) == [(273_700, 117_300, 41_055, 432_055, 58_055)]


def test_lines_are_sorted_as_text_by_worker_and_register_number(ledger: Ledger, save: Save) -> None:
    staff_ids = [f"K{number}" for number in range(11, 0, -1)]
    save(*(make_proposal(staff_id, 3, 4) for staff_id in staff_ids))
    for staff_id in staff_ids:
        approve(ledger, staff_id)
    # K11 entered first and K1 last, with number 11; K1's reversal is number 12.
    take_back(ledger, "K1")
    found = [(row["staff_id"], row["register_no"]) for row in read_rows(ledger)]
    assert found[:4] == [("K1", "11"), ("K1", "12"), ("K10", "2"), ("K11", "1")]
    assert found == sorted(found)


def test_the_page_tells_every_column_in_its_order() -> None:
    columns = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert tuple(columns) == PAYROLL_FILE.columns
