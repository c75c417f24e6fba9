"""Four eyes: whether what a person says is a preparation or a decision, and how either is written down.

While nobody is named in `config/review.yaml`, everything is a decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flows.errors import DecisionRefused
from flows.ledger import Ledger
from flows.ledger.review_rows import Act, Decision, Preparation, RecordedDecision, RecordedPreparation
from flows.month import Month
from flows.review.people import Person, ReviewPeople

Weight = Literal["decision", "preparation", "not_prepared", "same_person"]
"""What a person's word is worth; the last two are worth nothing and say why."""

NEED_ANOTHER: frozenset[Act] = frozenset({"approved", "reversed"})
"""What moves pay: an approver decides it only if another person prepared it."""


@dataclass(frozen=True)
class Subject:
    """What a word is about: a worker's proposal in a revision of the month, bound to exactly what was shown."""

    month: Month
    revision: int
    staff_id: str
    proposal_digest: str


@dataclass(frozen=True)
class Speaker:
    """A person who says something of proposals; `person` is empty while nobody is named."""

    name: str
    person: Person | None

    @classmethod
    def find(cls, ledger: Ledger, people: ReviewPeople, name: str) -> "Speaker":
        """The speaker of that name.

        Raises `DecisionRefused` if others are named and this one is not, or if nobody is named any more.
        """
        if not people.is_set_up and ledger.reviews.knows_named_people():
            raise DecisionRefused(
                "review.yaml names nobody, yet decisions were taken by people whom it named: nobody decides alone "
                "any more. Restore its list of people, or name the right --config."
            )
        return cls(name, people.find(name))

    @property
    def decides(self) -> bool:
        """Whether the speaker's word can be a decision on more than a question."""
        return self.person is None or "approver" in self.person.roles

    def covers(self, district_code: str | None) -> bool:
        """Whether a worker of that district is the speaker's to judge."""
        return self.person is None or self.person.covers(district_code)

    def weigh(self, act: Act, prepared: RecordedPreparation | None) -> Weight:
        """What the speaker's word is worth, given what was prepared and not decided on since."""
        if self.person is None:
            return "decision"
        if "approver" not in self.person.roles:
            return "decision" if act == "returned" else "preparation"  # asking moves nothing
        if act not in NEED_ANOTHER:
            return "decision"
        if prepared is None or prepared.verdict != act:
            return "preparation" if "reviewer" in self.person.roles else "not_prepared"
        return "same_person" if prepared.preparer == self.name else "decision"

    def prepare(self, subject: Subject, act: Act, comment: str, prepared_at: datetime) -> Preparation:
        """The speaker's word as a preparation."""
        return Preparation(
            month=str(subject.month),
            revision=subject.revision,
            staff_id=subject.staff_id,
            proposal_digest=subject.proposal_digest,
            verdict=act,
            preparer=self.name,
            authority=self.person.authority if self.person else "",
            comment=comment,
            prepared_at=prepared_at,
        )

    def decide(
        self,
        subject: Subject,
        act: Act,
        comment: str,
        decided_at: datetime,
        *,
        in_bulk: bool = False,
        prepared: RecordedPreparation | None = None,
        amends: RecordedDecision | None = None,
        objection_id: int | None = None,
    ) -> Decision:
        """The speaker's word as a decision."""
        return Decision(
            month=str(subject.month),
            revision=subject.revision,
            staff_id=subject.staff_id,
            proposal_digest=subject.proposal_digest,
            verdict=act,
            reviewer=self.name,
            comment=comment,
            in_bulk=in_bulk,
            decided_at=decided_at,
            authority=self.person.authority if self.person else None,
            preparation_id=None if prepared is None else prepared.id,
            amends_id=None if amends is None else amends.id,
            objection_id=objection_id,
        )


def find_unused_preparation(
    preparations: Sequence[RecordedPreparation], decisions: Sequence[RecordedDecision], proposal_digest: str
) -> RecordedPreparation | None:
    """Of one worker's preparations the newest, if it is of that content and nobody has decided since."""
    newest = preparations[-1] if preparations else None
    used_up_to = max((decision.preparation_id or 0 for decision in decisions), default=0)
    if newest is None or newest.id <= used_up_to or newest.proposal_digest != proposal_digest:
        return None
    return newest
