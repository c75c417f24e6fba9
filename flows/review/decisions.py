"""HR decides: which proposals await a decision, who decided what, and what that puts into force.

A decision holds for exactly the content that was shown: if a later revision proposes something else for the worker,
the proposal is open again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flows.errors import DecisionRefused, QualityGate
from flows.ledger import Ledger
from flows.ledger.results import RevisionRecord, digest_proposal, group_pay_lines
from flows.ledger.reviews import (
    ArrearsLine,
    Decision,
    RecordedDecision,
    RegisterEntry,
    Verdict,
    digest_register,
)
from flows.month import Month, city_day, count_full_months
from flows.results import AWAITING_KINDS, PayLine, Proposal, RegisterRecord


@dataclass(frozen=True)
class ReviewRow:
    """One proposal of the month's newest revision and the decision that holds for it, if any."""

    proposal: Proposal
    digest: str
    decision: RecordedDecision | None
    published: RecordedDecision | None = None
    """The decision from which the register holds a grade of this worker for the month, if it does."""

    @property
    def amends_published(self) -> bool:
        """Whether the register holds a grade of the month that was decided on other content than this."""
        return self.published is not None and self.decision != self.published

    @property
    def awaits_decision(self) -> bool:
        return self.proposal.kind in AWAITING_KINDS and self.decision is None

    @property
    def may_be_decided_in_bulk(self) -> bool:
        """Not what needs a person's look, nor what would amend a grade that is in the register already."""
        return self.awaits_decision and not self.proposal.needs_manual and not self.amends_published


@dataclass(frozen=True)
class PublishReport:
    """What a publication put into force, and what it left."""

    entered_count: int
    already_count: int
    open_count: int
    arrears: Sequence[ArrearsLine]
    arrears_unreckoned_count: int
    """Late approvals whose arrears a person must reckon: no current grade, no pay base, or a correction."""


def find_revision(ledger: Ledger, month: Month) -> RevisionRecord:
    """The month's newest revision. Raises `QualityGate` if the month has not been evaluated."""
    record = ledger.results.find_latest(str(month))
    if record is None:
        raise QualityGate(f"{month} has no result. Evaluate it first: fivestar evaluate --month {month}.")
    return record


def list_review(ledger: Ledger, month: Month) -> list[ReviewRow]:
    """The newest revision's proposals by worker, each with the decision that holds for it."""
    record = find_revision(ledger, month)
    decisions = ledger.reviews.list_decisions(str(month))
    published_ids = ledger.reviews.list_published_decision_ids(str(month))
    latest = {decision.staff_id: decision for decision in decisions}
    published = {decision.staff_id: decision for decision in decisions if decision.id in published_ids}
    pay = group_pay_lines(ledger.results.list_pay_lines(str(month), record.revision))
    return [
        _make_row(proposal, pay[proposal.staff_id], latest.get(proposal.staff_id), published.get(proposal.staff_id))
        for proposal in ledger.results.list_proposals(str(month), record.revision)
    ]


def _make_row(
    proposal: Proposal,
    pay_lines: Sequence[PayLine],
    latest: RecordedDecision | None,
    published: RecordedDecision | None,
) -> ReviewRow:
    """What the register holds comes first: a later decision on other content that never got there changes nothing."""
    digest = digest_proposal(proposal, pay_lines)
    holding = next((it for it in (published, latest) if it is not None and it.proposal_digest == digest), None)
    return ReviewRow(proposal, digest, holding, published)


def decide(
    ledger: Ledger,
    month: Month,
    verdict: Verdict,
    *,
    reviewer: str,
    staff_ids: Collection[str] | None,
    comment: str,
    decided_at: datetime,
) -> int:
    """How many proposals were decided: those of `staff_ids`, or all that may be decided in bulk.

    A proposal on which the same was decided before stays as it is. Raises `DecisionRefused`, and decides nothing, if
    the month's result is out of date, if a worker has no proposal in it, if the proposal changes nothing (`none`,
    `hold`), if it is in the register already, or if it would amend a published grade without a comment that says why.
    """
    record = find_revision(ledger, month)
    refuse_outdated(ledger, month, record)
    rows = list_review(ledger, month)
    published = ledger.reviews.list_published_decision_ids(str(month))
    if staff_ids is None:
        chosen = [row for row in rows if row.may_be_decided_in_bulk]
    else:
        chosen = _choose_rows(rows, staff_ids, month, published)
        _refuse_silent_amendments(chosen, month, comment)
    chosen = [row for row in chosen if row.decision is None or row.decision.verdict != verdict]
    ledger.reviews.add_decisions(
        [
            Decision(
                month=str(month),
                revision=record.revision,
                staff_id=row.proposal.staff_id,
                proposal_digest=row.digest,
                verdict=verdict,
                reviewer=reviewer,
                comment=comment,
                in_bulk=staff_ids is None,
                decided_at=decided_at,
            )
            for row in chosen
        ]
    )
    return len(chosen)


def publish(ledger: Ledger, month: Month, *, recorded_at: datetime) -> PublishReport:
    """Put the approved proposals into the register from their effective date, with the arrears that they owe.

    Publishing again changes nothing. Raises `DecisionRefused` if no proposal is approved, or if the month's result is
    out of date. (policy §4, the register; §5, arrears)
    """
    record = find_revision(ledger, month)
    refuse_outdated(ledger, month, record)
    rows = list_review(ledger, month)
    approved = [row for row in rows if row.decision is not None and row.decision.verdict == "approved"]
    if not approved:
        raise DecisionRefused(
            f"{month}: no proposal is approved, so nothing can be published. "
            f"Approve some first: fivestar review approve --month {month} --reviewer NAME --all."
        )
    published = ledger.reviews.list_published_decision_ids(str(month))
    entries = []
    arrears: dict[int, ArrearsLine] = {}
    unreckoned_count = 0
    totals = _read_totals(ledger.results.list_pay_lines(str(month), record.revision))
    for row in approved:
        decision = row.decision
        if decision is None or decision.id in published:
            continue
        entries.append(_make_entry(row.proposal, decision))
        approved_on = city_day(decision.decided_at)
        if approved_on > row.proposal.effective_on and row.proposal.proposed_grade != row.proposal.current_grade:
            # The current grade here is the one before the published grade, so what an amendment owes on top of that
            # is for a person to reckon.
            line = None if row.amends_published else _reckon_arrears(row.proposal, approved_on, totals, month)
            if line is None:
                unreckoned_count += 1
            else:
                arrears[decision.id] = line
    ledger.reviews.publish(entries, arrears, recorded_at)
    return PublishReport(
        entered_count=len(entries),
        already_count=len(approved) - len(entries),
        open_count=sum(row.awaits_decision for row in rows),
        arrears=ledger.reviews.list_arrears(str(month)),
        arrears_unreckoned_count=unreckoned_count,
    )


def refuse_outdated(ledger: Ledger, month: Month, record: RevisionRecord) -> None:
    """Raise `DecisionRefused` if the register has changed since the month was judged.

    The proposals then start from grades that no longer hold: entering them could lower a grade, or owe a month twice.
    """
    if digest_register(ledger.reviews.list_grades_in_force(month.last_on)) != record.inputs["register_digest"]:
        raise DecisionRefused(
            f"{month}: the register in force on {month.last_on} has changed since revision {record.revision} was "
            f"judged, so its proposals no longer fit. Judge the month again: fivestar evaluate --month {month}."
        )


def _choose_rows(
    rows: Sequence[ReviewRow], staff_ids: Collection[str], month: Month, published: set[int]
) -> list[ReviewRow]:
    by_id = {row.proposal.staff_id: row for row in rows}
    chosen = []
    for staff_id in dict.fromkeys(staff_ids):
        row = by_id.get(staff_id)
        if row is None:
            raise DecisionRefused(
                f"{month}: worker {staff_id} has no proposal. Look the number up with fivestar review list."
            )
        if row.proposal.kind not in AWAITING_KINDS:
            raise DecisionRefused(
                f"{month}: the proposal of worker {staff_id} is `{row.proposal.kind}`, which changes nothing and "
                f"can't be decided. Only {', '.join(sorted(AWAITING_KINDS))} can."
            )
        if row.decision is not None and row.decision.id in published:
            raise DecisionRefused(
                f"{month}: the grade of worker {staff_id} is in the register already. "
                "A correction is a new record, not a new decision on the old one."
            )
        chosen.append(row)
    return chosen


def _refuse_silent_amendments(chosen: Sequence[ReviewRow], month: Month, comment: str) -> None:
    amending = [row.proposal.staff_id for row in chosen if row.amends_published]
    if amending and not comment.strip():
        raise DecisionRefused(
            f"{month}: the register already holds a published grade of worker {amending[0]} for this month, and this "
            "proposal would amend it. Say why with --comment, or leave the worker out."
        )


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


def _read_totals(lines: Sequence[PayLine]) -> dict[tuple[str, str], int]:
    return {(line.staff_id, line.basis): line.total_fen for line in lines}


def _reckon_arrears(
    proposal: Proposal, approved_on: date, totals: dict[tuple[str, str], int], month: Month
) -> ArrearsLine | None:
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
