"""HR decides: which wishes for which proposals are taken, as whose word, and which are refused.

While nobody is named in `config/review.yaml`, anybody may decide alone. As soon as somebody is, a reviewer's word is
a preparation and an approver's a decision; what an approver approves another person must have prepared.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from flows.errors import DecisionRefused
from flows.ledger import Ledger
from flows.ledger.review_rows import Decision, Preparation, Verdict
from flows.month import Month
from flows.results import AWAITING_KINDS
from flows.review.four_eyes import Speaker, Subject
from flows.review.people import ReviewPeople
from flows.review.refusals import Refusal, RefusalCode
from flows.review.rows import OPEN_STATES, ReviewRow, find_revision, list_review, refuse_outdated
from flows.wording import KINDS, describe_proposal_reasons

NOBODY_NAMED = ReviewPeople()
REFUSALS_SHOWN = 10

DecisionOutcome = Literal["decided", "prepared", "unchanged", "refused"]


@dataclass(frozen=True)
class Wish:
    """What a person wants of one worker's proposal; `seen_digest` begins the digest of what the person was shown."""

    staff_id: str
    verdict: Verdict
    comment: str = ""
    seen_digest: str | None = None


@dataclass(frozen=True)
class Judgement:
    """What became of a wish, and why if it was refused."""

    wish: Wish
    outcome: DecisionOutcome
    refusal: Refusal | None = None


@dataclass(frozen=True)
class DecisionReport:
    """What became of each wish; `settles_review` if they left nothing of the month open, and something was."""

    judgements: Sequence[Judgement]
    settles_review: bool = False

    def count(self, outcome: DecisionOutcome) -> int:
        return sum(judgement.outcome == outcome for judgement in self.judgements)

    @property
    def refusals(self) -> list[Refusal]:
        return [it.refusal for it in self.judgements if it.refusal is not None]


def decide(
    ledger: Ledger,
    month: Month,
    verdict: Verdict,
    *,
    reviewer: str,
    staff_ids: Collection[str] | None,
    comment: str,
    decided_at: datetime,
    people: ReviewPeople = NOBODY_NAMED,
    dry_run: bool = False,
) -> DecisionReport:
    """One verdict on the proposals of `staff_ids`, or on all that may be decided in bulk and are the person's.

    A proposal on which the same was decided before stays as it is. Raises `DecisionRefused`, and records nothing, if
    the month's result is out of date, if the person is not named, or if a wish for one of `staff_ids` is refused.
    """

    def act(head: str) -> DecisionReport:
        sitting = _Sitting.open(ledger, month, people, reviewer, decided_at)
        chosen = staff_ids
        if chosen is None:
            chosen = [it.proposal.staff_id for it in sitting.rows.values() if it.may_be_decided_in_bulk]
        wishes = [Wish(staff_id, verdict, comment) for staff_id in dict.fromkeys(chosen)]
        judgements = [sitting.judge(wish, in_bulk=staff_ids is None) for wish in wishes]
        refusals = [it.refusal for it in judgements if it.refusal is not None]
        if staff_ids is not None and refusals:
            raise DecisionRefused(_join_refusals(month, refusals))
        return _conclude(sitting, ledger, judgements, None if dry_run else head)

    return ledger.reviews.write(act)


def decide_each(
    ledger: Ledger,
    month: Month,
    wishes: Sequence[Wish],
    *,
    reviewer: str,
    people: ReviewPeople,
    decided_at: datetime,
    dry_run: bool = False,
) -> DecisionReport:
    """What became of each wish, in their order: the good ones are recorded in one transaction, the others told.

    Raises `DecisionRefused` if the month's result is out of date, or if the person is not named.
    """

    def act(head: str) -> DecisionReport:
        sitting = _Sitting.open(ledger, month, people, reviewer, decided_at)
        judgements = [sitting.judge(wish, in_bulk=False) for wish in wishes]
        return _conclude(sitting, ledger, judgements, None if dry_run else head)

    return ledger.reviews.write(act)


@dataclass
class _Sitting:
    """One person before a month's proposals: judges wishes, and keeps what is to be recorded of them."""

    month: Month
    revision: int
    rows: Mapping[str, ReviewRow]
    speaker: Speaker
    decided_at: datetime
    decisions: list[Decision] = field(default_factory=list)
    preparations: list[Preparation] = field(default_factory=list)

    @classmethod
    def open(
        cls, ledger: Ledger, month: Month, people: ReviewPeople, reviewer: str, decided_at: datetime
    ) -> "_Sitting":
        speaker = Speaker.find(ledger, people, reviewer)
        record = find_revision(ledger, month)
        refuse_outdated(ledger, month, record)
        rows = {row.proposal.staff_id: row for row in list_review(ledger, month)}
        return cls(month, record.revision, rows, speaker, decided_at)

    def judge(self, wish: Wish, *, in_bulk: bool) -> Judgement:
        """What becomes of the wish; what is to be recorded of it is kept."""
        row = self.rows.get(wish.staff_id)
        if row is None:
            return Judgement(wish, "refused", _refuse(wish, "no_proposal"))
        refusal = self._find_refusal(wish, row)
        if refusal is not None:
            return Judgement(wish, "refused", refusal)
        held = row.decision
        if held is not None and held.verdict == wish.verdict and _adds_nothing(wish, held.comment):
            return Judgement(wish, "unchanged")
        weight = self.speaker.weigh(wish.verdict, row.preparation)
        if weight == "preparation":
            return self._prepare(wish, row)
        if weight != "decision":
            return Judgement(wish, "refused", _refuse(wish, weight, person=self.speaker.name))
        self.decisions.append(
            self.speaker.decide(
                self._name_subject(row),
                wish.verdict,
                wish.comment,
                self.decided_at,
                in_bulk=in_bulk,
                prepared=row.preparation,
                amends=row.published,
            )
        )
        return Judgement(wish, "decided")

    def settles(self) -> bool:
        """Whether something of the month was open, and nothing is once the decisions are recorded."""
        decided = {decision.staff_id: decision.verdict for decision in self.decisions}
        states = {staff_id: decided.get(staff_id, row.state) for staff_id, row in self.rows.items()}
        was_open = any(row.awaits_decision for row in self.rows.values())
        return was_open and not any(state in OPEN_STATES for state in states.values())

    def _find_refusal(self, wish: Wish, row: ReviewRow) -> Refusal | None:
        """Why the wish can't be taken whoever it comes from, or because the worker isn't the person's."""
        if wish.seen_digest is not None and not row.digest.startswith(wish.seen_digest):
            return _refuse(wish, "stale", revision=str(self.revision))
        kind = row.proposal.kind
        if kind not in AWAITING_KINDS:
            kinds = ", ".join(sorted(AWAITING_KINDS))
            return _refuse(wish, "changes_nothing", kind=kind, kinds=kinds, kind_title=KINDS[kind])
        if row.reversal_waits:
            return _refuse(wish, "being_reversed", month=str(self.month))
        if row.decision is not None and row.decision == row.published:
            # A workbook may be imported again after publication.
            is_again = wish.seen_digest is not None and wish.verdict == "approved"
            return None if is_again else _refuse(wish, "registered")
        person = self.speaker.person
        if person is not None and not person.covers(row.district_code):
            return _refuse(
                wish,
                "out_of_scope",
                district=row.district_code or "unknown",
                district_title=row.district_code or "不明",
                person=person.name,
                scope=person.authority,
                scope_title=person.title,
            )
        if wish.verdict == "returned" and not self.speaker.decides and row.state not in {*OPEN_STATES, "later"}:
            return _refuse(wish, "decided_above", person=self.speaker.name)
        return None if wish.comment.strip() else _find_missing_comment(wish, row)

    def _prepare(self, wish: Wish, row: ReviewRow) -> Judgement:
        made = row.preparation
        said = (wish.verdict, self.speaker.name, wish.comment)
        if made is not None and (made.verdict, made.preparer, made.comment) == said:
            return Judgement(wish, "unchanged")
        subject = self._name_subject(row)
        self.preparations.append(self.speaker.prepare(subject, wish.verdict, wish.comment, self.decided_at))
        return Judgement(wish, "prepared")

    def _name_subject(self, row: ReviewRow) -> Subject:
        return Subject(self.month, self.revision, row.proposal.staff_id, row.digest)


def _conclude(
    sitting: _Sitting, ledger: Ledger, judgements: Sequence[Judgement], after: str | None
) -> DecisionReport:
    """The report of what was judged, once it is recorded after that entry; without one nothing is."""
    if after is None:
        return DecisionReport(judgements)
    ledger.reviews.add_decisions(sitting.decisions, preparations_made=sitting.preparations, after=after)
    return DecisionReport(judgements, sitting.settles())


def _adds_nothing(wish: Wish, comment: str) -> bool:
    """Whether the same verdict says nothing new; a further question does."""
    return wish.verdict != "returned" or wish.comment == comment


def _find_missing_comment(wish: Wish, row: ReviewRow) -> Refusal | None:
    """What a wish without a comment leaves unsaid that must be said."""
    proposal = row.proposal
    if wish.verdict == "returned":
        return _refuse(wish, "question_missing")
    if row.amends_published:
        return _refuse(wish, "amendment_unexplained")
    if row.state == "reversed":
        return _refuse(wish, "regrant_unexplained")
    if row.objections:
        return _refuse(wish, "objection_unmentioned", number=str(row.objections[0].id))
    if wish.verdict == "approved" and proposal.needs_manual:
        reasons = f" ({', '.join(proposal.reasons)})" if proposal.reasons else ""
        reasons_title = describe_proposal_reasons(proposal.reasons)
        return _refuse(wish, "reason_missing", reasons=reasons, reasons_title=reasons_title)
    return None


def _refuse(wish: Wish, code: RefusalCode, **details: str) -> Refusal:
    return Refusal(code, wish.staff_id, details)


def _join_refusals(month: Month, refusals: Sequence[Refusal]) -> str:
    shown = [f"{month}: {refusal.english}" for refusal in refusals[:REFUSALS_SHOWN]]
    more = Counter(refusal.code for refusal in refusals[REFUSALS_SHOWN:])
    return "\n".join([*shown, *(f"and {count} more: {code}" for code, count in more.items())])
