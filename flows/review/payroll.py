"""What payroll is told of a month: one line for each register record that decisions on the month made.

A line says what holds now and what payroll was told last, so lines are only ever added and none is changed.
How the file is to be read stands in docs/payroll.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from flows.ledger import Ledger
from flows.ledger.review_rows import ArrearsLine, RecordedDecision, RegisterLine
from flows.month import Month, city_day
from flows.result_files import PAYROLL_FILE, format_file
from flows.results import Basis, Community, PayLine, Proposal

Entry = Literal["grant", "amendment", "reversal"]
"""`grant`: no other record of the worker from the month stands; `amendment`: one does; `reversal`: takes one back."""


@dataclass(frozen=True)
class Pay:
    """A grade and what it pays a month, in fen; empty where there is no grade, or no pay base."""

    grade: int | None = None
    basic_fen: int | None = None
    performance_fen: int | None = None
    uplift_fen: int | None = None
    total_fen: int | None = None


@dataclass(frozen=True)
class PayrollLine:
    """One register record as payroll is told of it; amounts in fen."""

    month: str
    staff_id: str
    register_no: int
    entry: Entry
    reverses_no: int | None
    post: str
    previous_grade: int | None
    grade: int | None
    effective_on: date
    approved_on: date
    basic_fen: int | None
    performance_fen: int | None
    uplift_fen: int | None
    total_fen: int | None
    previous_total_fen: int | None
    change_fen: int | None
    arrears_months: int | None
    arrears_fen: int | None
    decision_no: int
    revision: int
    name: str
    community: Community | None
    """The worker's community in the revision that the grade was proposed in; empty if it was not judged there."""
    recorded_at: datetime

    @property
    def lacks_arrears(self) -> bool:
        """Whether a late approval owes what only a person can reckon: no grade or pay before it, or an amendment."""
        is_late = self.entry != "reversal" and self.approved_on > self.effective_on
        changes = (self.grade, self.total_fen) != (self.previous_grade, self.previous_total_fen)
        return is_late and changes and self.arrears_fen is None

    @property
    def leaves_paid(self) -> bool:
        """Whether a grade was taken back by which something may have been paid already."""
        return self.entry == "reversal" and self.approved_on > self.effective_on


@dataclass(frozen=True)
class _Source:
    """What one revision says of one worker."""

    proposal: Proposal
    community: Community | None
    pay: Mapping[Basis, PayLine]

    @property
    def current(self) -> Pay:
        return self._read("current", self.proposal.current_grade)

    @property
    def proposed(self) -> Pay:
        return self._read("proposed", self.proposal.proposed_grade)

    def _read(self, basis: Basis, grade: int | None) -> Pay:
        line = self.pay.get(basis)
        if line is None:
            return Pay(grade)
        return Pay(grade, line.basic_fen, line.performance_fen, line.uplift_fen, line.total_fen)


def list_payroll(ledger: Ledger, month: Month) -> list[PayrollLine]:
    """The month's lines for payroll in the order of the register; none while the month is not published.

    Pay is that of the revision on which the decision was taken, whatever later ones say. What holds again after a
    reversal is what payroll was told before the record that it takes back.
    """
    records = ledger.register.list_month(str(month))
    sources = _read_sources(ledger, month, records)
    decisions = {it.id: it for it in ledger.reviews.list_decisions(str(month))}
    owed = ledger.register.map_arrears(str(month))
    by_no = {it.register_no: it for it in records}
    told: dict[str, Pay] = {}
    replaced: dict[int, Pay] = {}
    standing: dict[str, set[int]] = {}
    lines = []
    for record in records:
        staff_id, number = record.record.staff_id, record.register_no
        granted = record if record.reverses_no is None else by_no[record.reverses_no]
        source = sources[granted.revision, staff_id]
        previous = told.get(staff_id, source.current)
        grants = standing.setdefault(staff_id, set())
        entry: Entry
        if record.reverses_no is None:
            entry = "amendment" if grants else "grant"
            grants.add(number)
            replaced[number] = previous
            pay = source.proposed
        else:
            entry = "reversal"
            grants.discard(record.reverses_no)
            pay = replaced[record.reverses_no]
        told[staff_id] = pay
        decision = decisions[record.decision_id]
        amounts = _Amounts(previous, pay, owed.get(decision.id))
        lines.append(_make_line(record, decision, entry, source, amounts))
    return lines


def format_payroll(lines: Iterable[PayrollLine]) -> bytes:
    """`payroll-<month>.csv`."""
    return format_file(PAYROLL_FILE, map(vars, lines))


@dataclass(frozen=True)
class _Amounts:
    """What payroll was told last, what it is told now, and what is owed besides."""

    previous: Pay
    pay: Pay
    arrears: ArrearsLine | None


def _make_line(
    record: RegisterLine, decision: RecordedDecision, entry: Entry, source: _Source, amounts: _Amounts
) -> PayrollLine:
    previous, pay, arrears = amounts.previous, amounts.pay, amounts.arrears
    both_known = pay.total_fen is not None and previous.total_fen is not None
    return PayrollLine(
        month=record.month,
        staff_id=record.record.staff_id,
        register_no=record.register_no,
        entry=entry,
        reverses_no=record.reverses_no,
        post=record.record.post,
        previous_grade=previous.grade,
        effective_on=record.record.effective_on,
        approved_on=city_day(decision.decided_at),
        **vars(pay),
        previous_total_fen=previous.total_fen,
        change_fen=(pay.total_fen or 0) - (previous.total_fen or 0) if both_known else None,
        arrears_months=None if arrears is None else arrears.months,
        arrears_fen=None if arrears is None else arrears.total_fen,
        decision_no=decision.id,
        revision=record.revision,
        name=source.proposal.name,
        community=source.community,
        recorded_at=record.recorded_at,
    )


def _read_sources(ledger: Ledger, month: Month, records: Iterable[RegisterLine]) -> dict[tuple[int, str], _Source]:
    """What each revision that granted a grade says of the workers to whom it did."""
    wanted: dict[int, set[str]] = {}
    for record in records:
        if record.reverses_no is None:
            wanted.setdefault(record.revision, set()).add(record.record.staff_id)
    sources = {}
    for revision, staff_ids in wanted.items():
        key = (str(month), revision)
        communities = {it.community_code: it for it in ledger.results.list_communities(*key)}
        pay: dict[str, dict[Basis, PayLine]] = {}
        for line in ledger.results.list_pay_lines(*key):
            pay.setdefault(line.staff_id, {})[line.basis] = line
        for proposal in ledger.results.list_proposals(*key):
            staff_id = proposal.staff_id
            if staff_id in staff_ids:
                community = communities.get(proposal.community_code)
                sources[revision, staff_id] = _Source(proposal, community, pay.get(staff_id, {}))
    return sources
