"""What persons say of proposals, and what of it stands in the register, as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from flows.results import RegisterRecord

Verdict = Literal["approved", "rejected", "returned", "later"]
"""What may be said of a proposal; a return asks a question and leaves the proposal open, `later` puts it off."""

Answer = Literal["upheld", "dismissed"]
"""How an objection ends: the decision objected to no longer holds, or it stands."""

Act = Literal[Verdict, "reversed", Answer]
"""What a decision does: a verdict on a proposal, the taking back of a published grade, the answer to an objection."""


@dataclass(frozen=True)
class Preparation:
    """One person's suggestion of a verdict, for exactly the content of `proposal_digest`; another person decides."""

    month: str
    revision: int
    staff_id: str
    proposal_digest: str
    verdict: Act
    preparer: str
    authority: str
    """In which role and for which districts the person was named."""
    comment: str
    prepared_at: datetime


@dataclass(frozen=True)
class RecordedPreparation(Preparation):
    """A preparation with its number in the ledger."""

    id: int


@dataclass(frozen=True)
class Decision:
    """One person's word on one proposal, for exactly the content of `proposal_digest`."""

    month: str
    revision: int
    staff_id: str
    proposal_digest: str
    verdict: Act
    reviewer: str
    comment: str
    in_bulk: bool
    decided_at: datetime
    authority: str | None = None
    """In which role and for which districts the person was named; nothing while nobody was."""
    preparation_id: int | None = None
    """The newest preparation that lay before the person who decided."""
    amends_id: int | None = None
    """The decision that this one amends, reverses, or upholds or dismisses an objection to."""
    objection_id: int | None = None
    """The objection that this one answers."""


@dataclass(frozen=True, kw_only=True)
class RecordedDecision(Decision):
    """A decision with its number in the ledger."""

    id: int


@dataclass(frozen=True)
class Objection:
    """A worker's objection, written down by `recorder`: to a decision, or to a proposal that changes nothing."""

    month: str
    revision: int
    staff_id: str
    decision_id: int | None
    statement: str
    recorder: str
    filed_on: date
    due_on: date
    recorded_at: datetime


@dataclass(frozen=True)
class RecordedObjection(Objection):
    """An objection with its number in the ledger."""

    id: int


@dataclass(frozen=True)
class RegisterEntry:
    """A grade on its way into the register, and where it came from; with `reverses_no` it takes that record back."""

    record: RegisterRecord
    month: str
    revision: int
    decision_id: int
    reverses_no: int | None = None


@dataclass(frozen=True)
class RegisterLine:
    """A register record as it stands there: its number, the decision that made it, and when it was recorded.

    One with `reverses_no` grants nothing: it takes the record of that number back.
    """

    record: RegisterRecord
    register_no: int
    month: str
    revision: int
    decision_id: int
    recorded_at: datetime
    reverses_no: int | None = None


@dataclass(frozen=True)
class ArrearsLine:
    """What a change approved after its effective date owes, once (policy §5); negative where that is taken back."""

    month: str
    staff_id: str
    effective_on: date
    approved_on: date
    months: int
    monthly_fen: int
    total_fen: int


ArrearsByDecision = Mapping[int, ArrearsLine]
"""Arrears by the decision that owes them."""
