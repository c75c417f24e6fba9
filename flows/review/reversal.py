"""A published grade is taken back: by a decision of its own, which the next publication puts into force."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.errors import DecisionRefused
from flows.ledger import Ledger
from flows.ledger.review_rows import Decision, Preparation, RecordedDecision, RecordedPreparation, RegisterLine
from flows.month import Month
from flows.review.four_eyes import Speaker, Subject, find_unused_preparation
from flows.review.people import ReviewPeople
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
    speaker = Speaker.find(ledger, people, reviewer)

    def act(head: str) -> ReversalReport:
        published = _Published.read(ledger, month)
        decisions: list[Decision] = []
        preparations: list[Preparation] = []
        for staff_id in dict.fromkeys(staff_ids):
            granted = published.find_granted(ledger, staff_id)
            _refuse_other_districts(speaker, month, staff_id, published.districts.get(staff_id))
            prepared = published.find_prepared(granted)
            subject = Subject(month, published.revision, staff_id, granted.proposal_digest)
            weight = speaker.weigh("reversed", prepared)
            if weight == "preparation" and prepared is not None and prepared.preparer == reviewer:
                continue
            if weight == "preparation":
                preparations.append(speaker.prepare(subject, "reversed", comment, decided_at))
            elif weight == "decision":
                decisions.append(
                    speaker.decide(subject, "reversed", comment, decided_at, prepared=prepared, amends=granted)
                )
            else:
                raise DecisionRefused(
                    f"{month}: {reviewer} may only take back what another person prepared to be taken back. "
                    "A reviewer must go first: fivestar review reverse --reviewer NAME."
                )
        if not dry_run:
            ledger.reviews.add_decisions(decisions, preparations_made=preparations, after=head)
        return ReversalReport(len(decisions), len(preparations))

    return ledger.reviews.write(act)


def _refuse_other_districts(speaker: Speaker, month: Month, staff_id: str, district_code: str | None) -> None:
    if speaker.person is not None and not speaker.covers(district_code):
        raise DecisionRefused(
            f"{month}: worker {staff_id} is outside of what {speaker.name} may decide ({speaker.person.authority})."
        )


@dataclass(frozen=True)
class _Published:
    """What a month put into the register, and everything that was said of it."""

    month: Month
    revision: int
    decisions: Sequence[RecordedDecision]
    preparations: Sequence[RecordedPreparation]
    lines: Sequence[RegisterLine]
    districts: Mapping[str, str | None]

    @classmethod
    def read(cls, ledger: Ledger, month: Month) -> "_Published":
        return cls(
            month,
            find_revision(ledger, month).revision,
            ledger.reviews.list_decisions(str(month)),
            ledger.reviews.list_preparations(str(month)),
            list_standing_lines(ledger.register.list_month(str(month))),
            {row.proposal.staff_id: row.district_code for row in list_review(ledger, month)},
        )

    def find_granted(self, ledger: Ledger, staff_id: str) -> RecordedDecision:
        """The decision behind the worker's newest grade of the month, if it can be taken back now."""
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
        return next(it for it in words if it.id == line.decision_id)

    def find_prepared(self, granted: RecordedDecision) -> RecordedPreparation | None:
        staff_id = granted.staff_id
        return find_unused_preparation(
            [it for it in self.preparations if it.staff_id == staff_id],
            [it for it in self.decisions if it.staff_id == staff_id],
            granted.proposal_digest,
        )
