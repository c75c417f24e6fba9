"""What HR approved is put into force: the register's records, what takes one back, and the arrears that they owe."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flows.errors import DecisionRefused
from flows.ledger import Ledger
from flows.ledger.review_rows import ArrearsLine, RecordedDecision, RegisterEntry, RegisterLine
from flows.month import Month, city_day, count_full_months
from flows.results import PayLine, Proposal, RegisterRecord
from flows.review.rows import (
    ReviewRow,
    find_revision,
    list_review,
    list_waiting_reversals,
    refuse_outdated,
)

Totals = dict[tuple[str, str], int]
"""Monthly pay in fen by worker and basis."""


@dataclass(frozen=True)
class PublishReport:
    """What a publication put into force, and what it left."""

    entered_count: int
    already_count: int
    reversed_count: int
    open_count: int
    arrears: Sequence[ArrearsLine]
    arrears_unreckoned_count: int
    """Late approvals whose arrears a person must reckon: no grade or base to start from, or paid by another."""


@dataclass(frozen=True)
class _Entering:
    """What is about to enter the register."""

    entries: list[RegisterEntry]
    arrears: dict[int, ArrearsLine]
    unreckoned_count: int = 0


def publish(ledger: Ledger, month: Month, *, recorded_at: datetime) -> PublishReport:
    """Put the approved proposals into the register from their effective date, with the arrears that they owe.

    A record that a decision reversed is taken back by a further record, and the arrears that it owed with it.
    Publishing again changes nothing. Raises `DecisionRefused` if nothing was ever approved, or if the month's result
    is out of date. (policy §4, the register; §5, arrears)
    """

    def act(head: str) -> PublishReport:
        record = find_revision(ledger, month)
        refuse_outdated(ledger, month, record)
        rows = list_review(ledger, month)
        lines = ledger.register.list_month(str(month))
        approved = [row for row in rows if row.decision is not None and row.decision.verdict == "approved"]
        reversals = list_waiting_reversals(ledger.reviews.list_decisions(str(month)), lines)
        if not (approved or reversals or lines):
            raise DecisionRefused(
                f"{month}: no proposal is approved, so nothing can be published. "
                f"Approve some first: fivestar review approve --month {month} --reviewer NAME --all."
            )
        totals = _read_totals(ledger.results.list_pay_lines(str(month), record.revision))
        later = ledger.register.list_later_workers(rows[0].proposal.effective_on) if rows else frozenset()
        entering = _enter_approved(approved, lines, totals, month, later)
        taken_back = _take_back(reversals, ledger.register.map_arrears(str(month)))
        ledger.register.publish(
            [*entering.entries, *taken_back.entries],
            {**entering.arrears, **taken_back.arrears},
            recorded_at,
            after=head,
        )
        return PublishReport(
            entered_count=len(entering.entries),
            already_count=len(approved) - len(entering.entries),
            reversed_count=len(taken_back.entries),
            open_count=sum(row.awaits_decision for row in rows),
            arrears=ledger.register.list_arrears(str(month)),
            arrears_unreckoned_count=entering.unreckoned_count,
        )

    return ledger.reviews.write(act)


def _enter_approved(
    approved: Sequence[ReviewRow],
    lines: Sequence[RegisterLine],
    totals: Totals,
    month: Month,
    later_workers: Collection[str],
) -> _Entering:
    """What the approved proposals put into the register, and what is owed for those approved late.

    What a worker is owed on top of an earlier record of this month, or under a later month's, is for a person to
    reckon: some of the months were paid by it.
    """
    entered = {line.decision_id for line in lines}
    had_records = {line.record.staff_id for line in lines}
    entries: list[RegisterEntry] = []
    arrears: dict[int, ArrearsLine] = {}
    unreckoned_count = 0
    for row in approved:
        decision, proposal = row.decision, row.proposal
        if decision is None or decision.id in entered:
            continue
        entries.append(_make_entry(proposal, decision))
        approved_on = city_day(decision.decided_at)
        if approved_on > proposal.effective_on and proposal.proposed_grade != proposal.current_grade:
            was_paid_otherwise = proposal.staff_id in had_records or proposal.staff_id in later_workers
            line = None if was_paid_otherwise else _reckon_arrears(proposal, approved_on, totals, month)
            if line is None:
                unreckoned_count += 1
            else:
                arrears[decision.id] = line
    return _Entering(entries, arrears, unreckoned_count)


def _take_back(reversals: Sequence[tuple[RecordedDecision, RegisterLine]], owed: dict[int, ArrearsLine]) -> _Entering:
    entries: list[RegisterEntry] = []
    arrears: dict[int, ArrearsLine] = {}
    for decision, line in reversals:
        entries.append(
            RegisterEntry(line.record, decision.month, decision.revision, decision.id, reverses_no=line.register_no)
        )
        paid = owed.get(line.decision_id)
        if paid is not None:
            arrears[decision.id] = ArrearsLine(
                month=paid.month,
                staff_id=paid.staff_id,
                effective_on=paid.effective_on,
                approved_on=city_day(decision.decided_at),
                months=paid.months,
                monthly_fen=-paid.monthly_fen,
                total_fen=-paid.total_fen,
            )
    return _Entering(entries, arrears)


def _make_entry(proposal: Proposal, decision: RecordedDecision) -> RegisterEntry:
    return RegisterEntry(
        RegisterRecord(
            staff_id=proposal.staff_id,
            post=proposal.post,
            grade=proposal.proposed_grade,
            degree=proposal.degree,
            certificate=proposal.certificate,
            effective_on=proposal.effective_on,
        ),
        month=decision.month,
        revision=decision.revision,
        decision_id=decision.id,
    )


def _read_totals(lines: Sequence[PayLine]) -> Totals:
    return {(line.staff_id, line.basis): line.total_fen for line in lines}


def _reckon_arrears(proposal: Proposal, approved_on: date, totals: Totals, month: Month) -> ArrearsLine | None:
    """The arrears of a late approval, or nothing where there is no current pay to compare with (policy §5)."""
    current_fen = totals.get((proposal.staff_id, "current"))
    proposed_fen = totals.get((proposal.staff_id, "proposed"))
    if current_fen is None or proposed_fen is None:
        return None
    months = count_full_months(proposal.effective_on, Month.of(approved_on).first_on)
    monthly_fen = proposed_fen - current_fen
    return ArrearsLine(
        month=str(month),
        staff_id=proposal.staff_id,
        effective_on=proposal.effective_on,
        approved_on=approved_on,
        months=months,
        monthly_fen=monthly_fen,
        total_fen=monthly_fen * months,
    )
