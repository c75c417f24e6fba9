"""A month's proposals as they stand before HR: each with what holds of it, and what the register has from the month.

A decision holds for exactly the content that was shown: if a later revision proposes something else for the worker,
the proposal is open again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args

from flows.errors import DecisionRefused, QualityGate
from flows.ledger import Ledger
from flows.ledger.register import digest_register
from flows.ledger.results import RevisionRecord
from flows.ledger.review_rows import Answer, RecordedDecision, RecordedObjection, RecordedPreparation, RegisterLine
from flows.month import Month
from flows.results import AWAITING_KINDS, Proposal
from flows.review.four_eyes import find_unused_preparation

ProposalState = Literal["none", "proposed", "prepared", "approved", "rejected", "returned", "later", "reversed"]
"""`none`: there is nothing to decide."""

OPEN_STATES: frozenset[ProposalState] = frozenset({"proposed", "prepared", "returned"})
"""States in which somebody has yet to decide; a return waits for its question's answer."""

ANSWERS: frozenset[str] = frozenset(get_args(Answer))


@dataclass(frozen=True)
class ReviewRow:
    """One proposal of the month's newest revision and what holds of it, if anything."""

    proposal: Proposal
    digest: str
    decision: RecordedDecision | None
    published: RecordedDecision | None = None
    """The decision from which the register holds a grade of this worker for the month, if it does."""
    preparation: RecordedPreparation | None = None
    """What another person suggested and nobody has decided on since."""
    objections: Sequence[RecordedObjection] = ()
    """The worker's objections that nobody has answered."""
    was_upheld: bool = False
    """Whether an objection was upheld on which nobody has decided anew."""
    district_code: str | None = None
    reversal_waits: bool = False
    """Whether taking back the published grade is decided, and the register has it still."""
    reopened_at: datetime | None = None
    """When an upheld objection, or a preparation of what had been put off, opened the proposal again."""

    @property
    def state(self) -> ProposalState:
        if self.decision is not None:
            verdict = cast(ProposalState, self.decision.verdict)  # never an answer: those hold of objections
            # What was returned or put off is taken up again by a preparation.
            return "prepared" if self.preparation is not None and verdict in {"returned", "later"} else verdict
        if self.proposal.kind not in AWAITING_KINDS:
            return "none"
        return "proposed" if self.preparation is None else "prepared"

    @property
    def amends_published(self) -> bool:
        """Whether the register holds a grade of the month that was decided on other content than this."""
        return self.published is not None and self.decision != self.published

    @property
    def awaits_decision(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def may_be_decided_in_bulk(self) -> bool:
        """Not what needs a person's look, would amend a grade in the register, or was objected to."""
        needs_look = self.proposal.needs_manual or self.amends_published or self.objections or self.was_upheld
        return self.state in {"proposed", "prepared"} and not needs_look


def find_revision(ledger: Ledger, month: Month) -> RevisionRecord:
    """The month's newest revision. Raises `QualityGate` if the month has not been evaluated."""
    record = ledger.results.find_latest(str(month))
    if record is None:
        raise QualityGate(f"{month} has no result. Evaluate it first: fivestar evaluate --month {month}.")
    return record


def refuse_outdated(ledger: Ledger, month: Month, record: RevisionRecord) -> None:
    """Raise `DecisionRefused` if the register has changed since the month was judged.

    The proposals then start from grades that no longer hold: entering them could lower a grade, or owe a month twice.
    """
    if digest_register(ledger.register.list_grades_in_force(month.last_on)) != record.inputs["register_digest"]:
        raise DecisionRefused(
            f"{month}: the register in force on {month.last_on} has changed since revision {record.revision} was "
            f"judged, so its proposals no longer fit. Judge the month again: fivestar evaluate --month {month}."
        )


def list_review(ledger: Ledger, month: Month, *, with_traces: bool = False) -> list[ReviewRow]:
    """The newest revision's proposals by worker, each with what holds of it; traces only if asked for."""
    record = find_revision(ledger, month)
    key = (str(month), record.revision)
    histories = _read_histories(ledger, month)
    digests = ledger.reviews.map_digests(*key)
    districts = {row.community_code: row.district_code for row in ledger.results.list_communities(*key)}
    rows = []
    for proposal in ledger.results.list_proposals(*key, with_traces=with_traces):
        history = histories.get(proposal.staff_id, _History())
        district_code = districts.get(proposal.community_code)
        rows.append(history.make_row(proposal, digests[proposal.staff_id], district_code))
    return rows


def list_standing_lines(lines: Iterable[RegisterLine]) -> list[RegisterLine]:
    """The register lines that grant a grade: neither taken back nor taking one back."""
    lines = list(lines)
    taken_back = {line.reverses_no for line in lines}
    return [line for line in lines if line.reverses_no is None and line.register_no not in taken_back]


def list_waiting_reversals(
    decisions: Iterable[RecordedDecision], lines: Iterable[RegisterLine]
) -> list[tuple[RecordedDecision, RegisterLine]]:
    """Each worker's last word where it takes a published grade back, with the record that still stands."""
    words = {it.staff_id: it for it in decisions if it.verdict not in ANSWERS}
    standing = {line.decision_id: line for line in list_standing_lines(lines)}
    return [
        (word, standing[word.amends_id])
        for word in words.values()
        if word.verdict == "reversed" and word.amends_id in standing
    ]


@dataclass(frozen=True)
class _History:
    """What was said of one worker in a month, in the order in which it was recorded."""

    decisions: Sequence[RecordedDecision] = ()
    preparations: Sequence[RecordedPreparation] = ()
    objections: Sequence[RecordedObjection] = ()
    published: RecordedDecision | None = None

    def make_row(self, proposal: Proposal, digest: str, district_code: str | None) -> ReviewRow:
        words = [it for it in self.decisions if it.verdict not in ANSWERS]
        latest = words[-1] if words else None
        upheld = [it for it in self.decisions if latest and it.verdict == "upheld" and it.amends_id == latest.id]
        was_upheld = bool(upheld)
        published_id = None if self.published is None else self.published.id
        reversal_waits = latest is not None and latest.verdict == "reversed" and latest.amends_id == published_id
        # What the register holds comes first: a later word on other content that never got there changes nothing.
        candidates = [latest] if reversal_waits else [self.published, latest]
        holding = next((it for it in candidates if it is not None and it.proposal_digest == digest), None)
        if was_upheld and holding == latest and holding != self.published:
            holding = None
        prepared = find_unused_preparation(self.preparations, self.decisions, digest)
        put_off = holding is not None and holding.verdict == "later" and prepared is not None
        answered = {it.objection_id for it in self.decisions}
        return ReviewRow(
            proposal,
            digest,
            holding,
            self.published,
            prepared,
            [it for it in self.objections if it.id not in answered],
            was_upheld,
            district_code,
            reversal_waits,
            prepared.prepared_at if prepared and put_off else upheld[-1].decided_at if upheld else None,
        )


def _read_histories(ledger: Ledger, month: Month) -> Mapping[str, _History]:
    decisions = ledger.reviews.list_decisions(str(month))
    by_id = {decision.id: decision for decision in decisions}
    published = {
        line.record.staff_id: by_id[line.decision_id]
        for line in list_standing_lines(ledger.register.list_month(str(month)))
    }
    words: dict[str, list[RecordedDecision]] = {}
    prepared: dict[str, list[RecordedPreparation]] = {}
    objected: dict[str, list[RecordedObjection]] = {}
    for decision in decisions:
        words.setdefault(decision.staff_id, []).append(decision)
    for preparation in ledger.reviews.list_preparations(str(month)):
        prepared.setdefault(preparation.staff_id, []).append(preparation)
    for objection in ledger.reviews.list_objections(str(month)):
        objected.setdefault(objection.staff_id, []).append(objection)
    return {
        staff_id: _History(
            words.get(staff_id, ()), prepared.get(staff_id, ()), objected.get(staff_id, ()), published.get(staff_id)
        )
        for staff_id in {*words, *prepared, *objected, *published}
    }
