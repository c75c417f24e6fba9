"""A published grade is taken back: by a decision of its own, which the next publication puts into force."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.errors import DecisionRefused
from flows.ledger import Ledger
from flows.ledger.review_rows import Decision, Preparation, RecordedDecision, RecordedPreparation, RegisterLine
from flows.month import Month
from flows.review.people import Person, ReviewPeople
from flows.review.rows import ANSWERS, find_revision, list_review, list_standing_lines


@dataclass(frozen=True)
class ReversalReport:
    """How many reversals were decided, and how many prepared for another person's decision."""

    decided_count: int
    prepared_count: int


def reverse(
    ledger: Ledger,
    month: Month,
    staff_ids: Collection[str],
    *,
    reviewer: str,
    comment: str,
    decided_at: datetime,
    people: ReviewPeople,
    dry_run: bool = False,
) -> ReversalReport:
    """Take back the newest grade that the month put into the register of each of `staff_ids`.

    What was in force before holds again once this is published; of an amended grade that is the one before the
    amendment. Raises `DecisionRefused`, and records nothing, without a comment that says why, if the register holds
    no grade of the worker from the month, if a later record builds on it, or if the person may not decide it.
    """
    if not comment.strip():
        raise DecisionRefused(f"{month}: a published grade can't be taken back without saying why. Use --comment.")
    person = people.find(reviewer)

    def act(head: str) -> ReversalReport:
        bench = _Bench.open(ledger, month, person, reviewer)
        decisions: list[Decision] = []
        preparations: list[Preparation] = []
        for staff_id in dict.fromkeys(staff_ids):
            published = bench.find_published(ledger, staff_id)
            prepared = bench.find_prepared(staff_id, published)
            if bench.merely_prepares(prepared):
                preparations.append(bench.make_preparation(published, comment, decided_at))
            else:
                decisions.append(bench.make_decision(published, prepared, comment, decided_at))
        if not dry_run:
            ledger.reviews.add_decisions(decisions, preparations_made=preparations, after=head)
        return ReversalReport(len(decisions), len(preparations))

    return ledger.reviews.write(act)


@dataclass(frozen=True)
class _Bench:
    """The month as it lies before the person who takes a grade back."""

    month: Month
    revision: int
    person: Person | None
    reviewer: str
    decisions: Sequence[RecordedDecision]
    preparations: Sequence[RecordedPreparation]
    lines: Sequence[RegisterLine]
    districts: dict[str, str | None]

    @classmethod
    def open(cls, ledger: Ledger, month: Month, person: Person | None, reviewer: str) -> "_Bench":
        return cls(
            month,
            find_revision(ledger, month).revision,
            person,
            reviewer,
            ledger.reviews.list_decisions(str(month)),
            ledger.reviews.list_preparations(str(month)),
            list_standing_lines(ledger.register.list_month(str(month))),
            {row.proposal.staff_id: row.district_code for row in list_review(ledger, month)},
        )

    def find_published(self, ledger: Ledger, staff_id: str) -> RecordedDecision:
        """The decision behind the worker's newest grade of the month."""
        line = next((it for it in reversed(self.lines) if it.record.staff_id == staff_id), None)
        if line is None:
            raise DecisionRefused(
                f"{self.month}: the register holds no grade of worker {staff_id} from this month. Look with "
                f"fivestar register history --staff {staff_id}."
            )
        later = [
            it
            for it in list_standing_lines(ledger.register.list_history(staff_id))
            if it.record.effective_on > line.record.effective_on
        ]
        if later:
            raise DecisionRefused(
                f"{self.month}: the grade of worker {staff_id} from {later[0].month} builds on this one. Take that "
                f"one back first: fivestar review reverse --month {later[0].month} --staff {staff_id}."
            )
        words = [it for it in self.decisions if it.staff_id == staff_id and it.verdict not in ANSWERS]
        if words[-1].verdict == "reversed" and words[-1].amends_id == line.decision_id:
            raise DecisionRefused(
                f"{self.month}: taking back the grade of worker {staff_id} is decided already. Publish it: "
                f"fivestar publish --month {self.month}."
            )
        if self.person is not None and not self.person.covers(self.districts.get(staff_id)):
            raise DecisionRefused(
                f"{self.month}: worker {staff_id} is outside of what {self.reviewer} may decide "
                f"({self.person.authority})."
            )
        return next(it for it in words if it.id == line.decision_id)

    def find_prepared(self, staff_id: str, published: RecordedDecision) -> RecordedPreparation | None:
        used_up_to = max((it.preparation_id or 0 for it in self.decisions if it.staff_id == staff_id), default=0)
        own = [it for it in self.preparations if it.staff_id == staff_id and it.id > used_up_to]
        newest = own[-1] if own else None
        fits = newest is not None and newest.verdict == "reversed"
        return newest if fits and newest and newest.proposal_digest == published.proposal_digest else None

    def merely_prepares(self, prepared: RecordedPreparation | None) -> bool:
        """Whether the person's word is a preparation. Raises `DecisionRefused` if it can be neither."""
        if self.person is None:
            return False
        if "approver" not in self.person.roles or (prepared is None and "reviewer" in self.person.roles):
            return True
        if prepared is None or prepared.preparer == self.reviewer:
            raise DecisionRefused(
                f"{self.month}: {self.reviewer} may only take back what another person prepared to be taken back. "
                "A reviewer must go first: fivestar review reverse --reviewer NAME."
            )
        return False

    def make_preparation(self, published: RecordedDecision, comment: str, prepared_at: datetime) -> Preparation:
        return Preparation(
            month=str(self.month),
            revision=self.revision,
            staff_id=published.staff_id,
            proposal_digest=published.proposal_digest,
            verdict="reversed",
            preparer=self.reviewer,
            authority=self.person.authority if self.person else "",
            comment=comment,
            prepared_at=prepared_at,
        )

    def make_decision(
        self, published: RecordedDecision, prepared: RecordedPreparation | None, comment: str, decided_at: datetime
    ) -> Decision:
        return Decision(
            month=str(self.month),
            revision=self.revision,
            staff_id=published.staff_id,
            proposal_digest=published.proposal_digest,
            verdict="reversed",
            reviewer=self.reviewer,
            comment=comment,
            in_bulk=False,
            decided_at=decided_at,
            authority=self.person.authority if self.person else None,
            preparation_id=prepared.id if prepared else None,
            amends_id=published.id,
        )
