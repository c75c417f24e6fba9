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
from flows.ledger.results import RevisionRecord
from flows.ledger.review_rows import Decision, Preparation, RecordedDecision, Verdict
from flows.month import Month
from flows.results import AWAITING_KINDS
from flows.review.people import Person, ReviewPeople
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
    """What became of each wish; `settles_review` if nothing of the month is open any more and something was."""

    judgements: Sequence[Judgement]
    settles_review: bool = False
    revision: int = 0

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
        report = sitting.take(wishes, in_bulk=staff_ids is None)
        if staff_ids is not None and report.refusals:
            raise DecisionRefused(_join_refusals(month, report.refusals))
        if not dry_run:
            sitting.record(ledger, after=head)
        return report

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
        report = sitting.take(wishes, in_bulk=False)
        if not dry_run:
            sitting.record(ledger, after=head)
        return report

    return ledger.reviews.write(act)


def need_preparation(person: Person | None) -> bool:
    """Whether what this person says is a preparation whatever it says, since only approvers decide."""
    return person is not None and "approver" not in person.roles


@dataclass
class _Sitting:
    """One person before a month's proposals: judges wishes, and keeps what is to be recorded of them."""

    month: Month
    record_read: RevisionRecord
    rows: Mapping[str, ReviewRow]
    reviewer: str
    person: Person | None
    decided_at: datetime
    decisions: list[Decision] = field(default_factory=list)
    preparations: list[Preparation] = field(default_factory=list)

    @classmethod
    def open(
        cls, ledger: Ledger, month: Month, people: ReviewPeople, reviewer: str, decided_at: datetime
    ) -> "_Sitting":
        person = people.find(reviewer)
        record = find_revision(ledger, month)
        refuse_outdated(ledger, month, record)
        rows = {row.proposal.staff_id: row for row in list_review(ledger, month)}
        return cls(month, record, rows, reviewer, person, decided_at)

    def take(self, wishes: Sequence[Wish], *, in_bulk: bool) -> DecisionReport:
        judgements = [self._judge(wish, in_bulk=in_bulk) for wish in wishes]
        return DecisionReport(judgements, self._settles(), self.record_read.revision)

    def record(self, ledger: Ledger, *, after: str) -> None:
        ledger.reviews.add_decisions(self.decisions, preparations_made=self.preparations, after=after)

    def _judge(self, wish: Wish, *, in_bulk: bool) -> Judgement:
        row = self.rows.get(wish.staff_id)
        if row is None:
            return self._refuse(wish, "no_proposal")
        refusal = self._find_refusal(wish, row)
        if refusal is not None:
            return refusal
        held = row.decision
        if held is not None and held.verdict == wish.verdict and (wish.verdict != "returned" or _repeats(held, wish)):
            return Judgement(wish, "unchanged")
        if self._merely_prepares(wish, row):
            return self._prepare(wish, row)
        if self.person is not None and wish.verdict == "approved":
            if row.preparation is None or row.preparation.verdict != "approved":
                return self._refuse(wish, "not_prepared", person=self.reviewer)
            if row.preparation.preparer == self.reviewer:
                return self._refuse(wish, "same_person", person=self.reviewer)
        self.decisions.append(self._make_decision(wish, row, in_bulk=in_bulk))
        return Judgement(wish, "decided")

    def _find_refusal(self, wish: Wish, row: ReviewRow) -> Judgement | None:
        """Why the wish can't be taken whoever it comes from, or because the worker isn't the person's."""
        proposal, comment = row.proposal, wish.comment.strip()
        if wish.seen_digest is not None and not row.digest.startswith(wish.seen_digest):
            return self._refuse(wish, "stale", revision=str(self.record_read.revision))
        if proposal.kind not in AWAITING_KINDS:
            kinds = ", ".join(sorted(AWAITING_KINDS))
            return self._refuse(
                wish, "changes_nothing", kind=proposal.kind, kinds=kinds, kind_title=KINDS[proposal.kind]
            )
        if row.decision is not None and row.decision == row.published:
            if wish.seen_digest is not None and wish.verdict == "approved":
                return None  # a workbook imported again after publication
            return self._refuse(wish, "registered")
        if self.person is not None and not self.person.covers(row.district_code):
            scope = self.person.authority
            district = row.district_code or "unknown"
            return self._refuse(wish, "out_of_scope", district=district, person=self.reviewer, scope=scope)
        if wish.verdict == "returned" and not comment:
            return self._refuse(wish, "question_missing")
        if row.amends_published and not comment:
            return self._refuse(wish, "amendment_unexplained")
        if row.state == "reversed" and not comment:
            return self._refuse(wish, "regrant_unexplained")
        if wish.verdict == "approved" and proposal.needs_manual and not comment:
            reasons_title = describe_proposal_reasons(proposal.reasons)
            reasons = ", ".join(proposal.reasons)
            return self._refuse(wish, "reason_missing", reasons=reasons, reasons_title=reasons_title)
        return None

    def _merely_prepares(self, wish: Wish, row: ReviewRow) -> bool:
        """Whether the person's word is a preparation; a question may be asked by anybody who is named."""
        if self.person is None or wish.verdict == "returned":
            return False
        if "approver" not in self.person.roles:
            return True
        waits_for_another = row.preparation is None or row.preparation.verdict != "approved"
        return wish.verdict == "approved" and waits_for_another and "reviewer" in self.person.roles

    def _prepare(self, wish: Wish, row: ReviewRow) -> Judgement:
        made = row.preparation
        if made is not None and (made.verdict, made.preparer, made.comment) == (
            wish.verdict,
            self.reviewer,
            wish.comment,
        ):
            return Judgement(wish, "unchanged")
        self.preparations.append(
            Preparation(
                month=str(self.month),
                revision=self.record_read.revision,
                staff_id=wish.staff_id,
                proposal_digest=row.digest,
                verdict=wish.verdict,
                preparer=self.reviewer,
                authority=self.person.authority if self.person else "",
                comment=wish.comment,
                prepared_at=self.decided_at,
            )
        )
        return Judgement(wish, "prepared")

    def _make_decision(self, wish: Wish, row: ReviewRow, *, in_bulk: bool) -> Decision:
        return Decision(
            month=str(self.month),
            revision=self.record_read.revision,
            staff_id=wish.staff_id,
            proposal_digest=row.digest,
            verdict=wish.verdict,
            reviewer=self.reviewer,
            comment=wish.comment,
            in_bulk=in_bulk,
            decided_at=self.decided_at,
            authority=self.person.authority if self.person else None,
            preparation_id=row.preparation.id if row.preparation else None,
            amends_id=row.published.id if row.published else None,
        )

    def _refuse(self, wish: Wish, code: RefusalCode, **details: str) -> Judgement:
        return Judgement(wish, "refused", Refusal(code, wish.staff_id, details))

    def _settles(self) -> bool:
        states = {staff_id: row.state for staff_id, row in self.rows.items()}
        was_open = any(state in OPEN_STATES for state in states.values())
        for decision in self.decisions:
            if decision.verdict in {"approved", "rejected", "returned", "later"}:
                states[decision.staff_id] = decision.verdict
        return was_open and not any(state in OPEN_STATES for state in states.values())


def _repeats(held: RecordedDecision, wish: Wish) -> bool:
    return held.comment == wish.comment


def _join_refusals(month: Month, refusals: Sequence[Refusal]) -> str:
    shown = [f"{month}: {refusal.english}" for refusal in refusals[:REFUSALS_SHOWN]]
    more = Counter(refusal.code for refusal in refusals[REFUSALS_SHOWN:])
    return "\n".join([*shown, *(f"and {count} more: {code}" for code, count in more.items())])
