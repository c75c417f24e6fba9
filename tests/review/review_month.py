"""A small March 2024 before HR: five workers of two districts, and what tests say of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from flows.ledger import Ledger
from flows.ledger.register import digest_register
from flows.ledger.results import Making
from flows.ledger.review_rows import Verdict
from flows.month import Month
from flows.results import MonthResult, PayLine, Proposal
from flows.review.decisions import NOBODY_NAMED, DecisionReport, decide
from flows.review.people import Person, ReviewPeople
from flows.review.rows import ReviewRow, list_review

LEDGER = "ledger.sqlite"
MONTH = Month(2024, 3)
NOW = datetime(2024, 4, 3, tzinfo=UTC)
IN_TIME = datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC)
"""31 March 23:59:59 in the city: not after the proposals' effective date."""

PREPARER, APPROVER, BOTH, LOCAL = "王经办", "李审批", "赵两可", "孙分管"
NAMED = ReviewPeople(
    (
        Person(name=PREPARER, roles=("reviewer",), scope="city"),
        Person(name=APPROVER, roles=("approver",), scope="city"),
        Person(name=BOTH, roles=("reviewer", "approver"), scope="city"),
        Person(name=LOCAL, roles=("approver",), scope=("410203",)),
    )
)


def make_proposal(staff_id: str, kind: str, **changes: Any) -> Proposal:
    values: dict[str, Any] = {
        "staff_id": staff_id,
        "community_code": "410202001009",
        "post": "other",
        "current_grade": 3,
        "entitled_grade": 4,
        "proposed_grade": 4,
        "kind": kind,
        "needs_manual": False,
        "reasons": (),
        "effective_on": date(2024, 4, 1),
        "name": "某甲",
        "committee_member": False,
        "degree": "none",
        "certificate": "assistant",
        "trace": (),
    }
    return Proposal(**{**values, **changes})


def make_pay(staff_id: str, basis: Any, total_fen: int) -> PayLine:
    return PayLine(staff_id, basis, 1, "absent", total_fen, 0, 0, total_fen)


PROPOSALS = (
    make_proposal("K1", "raise"),
    make_proposal("K2", "raise", needs_manual=True, reasons=("more_than_one_step",)),
    make_proposal("K3", "none"),
    make_proposal("K4", "hold"),
    make_proposal("K5", "initial", current_grade=None),
)
PAY_LINES = (make_pay("K1", "current", 374_000), make_pay("K1", "proposed", 391_000))
"""K1's raise is worth 17,000 fen a month."""


def save_month(
    ledger: Ledger,
    make_result: Callable[..., MonthResult],
    *,
    revision: int = 1,
    month: Month = MONTH,
    created_at: datetime = NOW,
    proposals: tuple[Proposal, ...] = PROPOSALS,
    pay_lines: tuple[PayLine, ...] = PAY_LINES,
) -> None:
    """A revision of the month, in the first community of the invented city's first district."""
    result = make_result()
    home = result.communities[0]
    placed = [replace(it, community_code=home.community_code) for it in proposals]
    result = replace(result, month=month, proposals=placed, pay_lines=list(pay_lines))
    making = Making("0.1.0", "c" * 64, {}, created_at)
    # The register's digest is that of the month as it would be judged now: no test of decisions is out of date by it.
    result = replace(result, inputs=replace(result.inputs, register_digest=_digest_register(ledger, month)))
    ledger.results.save(result, revision, digests={}, making=making)


def _digest_register(ledger: Ledger, month: Month) -> str:
    return digest_register(ledger.register.list_grades_in_force(month.last_on))


def say(
    ledger: Ledger,
    verdict: Verdict,
    *staff_ids: str,
    reviewer: str = APPROVER,
    comment: str = "",
    people: ReviewPeople = NOBODY_NAMED,
    at: datetime = IN_TIME,
    month: Month = MONTH,
) -> DecisionReport:
    """One verdict on these workers, or on all that may be decided in bulk."""
    return decide(
        ledger,
        month,
        verdict,
        reviewer=reviewer,
        staff_ids=staff_ids or None,
        comment=comment,
        decided_at=at,
        people=people,
    )


def find_row(ledger: Ledger, staff_id: str, month: Month = MONTH) -> ReviewRow:
    return next(row for row in list_review(ledger, month) if row.proposal.staff_id == staff_id)


def read_states(ledger: Ledger, month: Month = MONTH) -> dict[str, str]:
    """The state of each worker's proposal."""
    return {row.proposal.staff_id: row.state for row in list_review(ledger, month)}


def open_ledger(folder: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{folder / LEDGER}")
