"""What a letter to a worker may say: its placeholders, declared as the fields of one class.

Everything is the worker's own; no letter holds anything of another worker. A policy value and its tag are one text,
so that no template can show the one without the other.
"""

from dataclasses import dataclass
from typing import Literal

from flows.results import ProposalKind

LetterKind = Literal["approved", "rejected", "held"]


@dataclass(frozen=True)
class LetterStep:
    """One step of the reckoning: what it found, by which clause, and the policy values it used, each with its tag."""

    number: int
    name: str
    effect: str
    clause: str
    policy_values: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One thing that was held true of the worker."""

    title: str
    text: str


@dataclass(frozen=True)
class PayRow:
    """One part of the monthly pay, in yuan, before and after."""

    title: str
    before: str
    after: str


@dataclass(frozen=True)
class LetterDecision:
    """Who decided, when, with which words, and on which revision."""

    reviewer: str
    decided_on: str
    comment: str
    revision: int


@dataclass(frozen=True)
class Letter:
    """One worker's letter. `decision` is empty on a held raise, which no person decides.

    `pay` is empty where nothing was computed; `pay_base_is_set` tells why. `arrears` is empty if none are owed.
    """

    title: str
    number: str
    outcome: LetterKind
    kind: ProposalKind
    kind_title: str
    staff_id: str
    name: str
    district_name: str
    street_name: str
    community_name: str
    post: str
    month: str
    effective_on: str
    current_grade: int | None
    entitled_grade: int
    proposed_grade: int
    reasons: tuple[str, ...]
    steps: tuple[LetterStep, ...]
    facts: tuple[Fact, ...]
    references: tuple[str, ...]
    pay: tuple[PayRow, ...]
    pay_base_is_set: bool
    pay_policy_values: tuple[str, ...]
    arrears: str
    decision: LetterDecision | None
    is_registered: bool
    revision: int
    judged_on: str
    cutoff: str
    fingerprint: str
    data_sources: tuple[str, ...]
    answer_time: str


REQUIRED = frozenset(
    {"title", "staff_id", "name", "outcome", "steps", "decision", "fingerprint", "revision", "answer_time"}
)
"""What no wording may leave out: whom it is for, what was found and why, who decided, and how to object."""
