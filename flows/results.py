"""A month's results as rows: evaluation makes them, the ledger keeps them, files and pages show them.

Which of their fields a result file holds, and in which order, stands in `flows.result_files`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from flows import schema
from flows.month import Month
from flows.policy import PolicyValue

IndicatorState = Literal["ok", "no_data", "not_applicable"]
StarState = Literal["lit", "unlit", "withheld", "vetoed", "insufficient_data"]
ProposalKind = Literal["initial", "post_change", "none", "review", "hold", "raise"]
Basis = Literal["current", "proposed"]

AWAITING_KINDS = frozenset({"initial", "raise", "post_change", "review"})
"""Kinds of proposal that a person decides; `none` and `hold` change nothing and can't be approved (interfaces.md)."""

STARS = schema.STARS
STAR_TITLES = {
    "branch": "支部过硬",
    "co_building": "共建共享",
    "enterprise": "宜业兴业",
    "safety": "平安法治",
    "wellbeing": "幸福和谐",
}


@dataclass(frozen=True)
class Community:
    """A community as registered on the month's last day."""

    community_code: str
    name: str
    street_code: str
    street_name: str
    district_code: str
    district_name: str


@dataclass(frozen=True)
class SourceStatus:
    """Whether a source was present for the month, and what shows it (policy §3.3).

    `partial`: some of it was pulled and some not; like `missing` that is not present.
    """

    platform: str
    status: Literal["complete", "partial", "missing"]
    evidence: str

    @property
    def present(self) -> bool:
        return self.status == "complete"


@dataclass(frozen=True)
class IndicatorRow:
    """One indicator of one community. `value` and `score` are exact; the file rounds them for reading."""

    community_code: str
    star: str
    indicator: str
    numerator: int | None
    denominator: int | None
    value: Fraction | None
    score: Fraction | None
    state: IndicatorState
    window_months: int


@dataclass(frozen=True)
class StarRow:
    """One star of one community; `score` has two decimals and is empty if nothing could be scored."""

    community_code: str
    star: str
    score: Decimal | None
    state: StarState
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class RatingRow:
    """A community's provisional monthly rating; `rank` is empty where the rating is incomplete."""

    community_code: str
    district_code: str
    stars: int
    total_score: Decimal | None
    complete: bool
    rank: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a worker's trace: its clause, its inputs and what it did (policy §4, last paragraph)."""

    clause: str
    name: str
    inputs: Mapping[str, Any]
    effect: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the rules suggest for one worker; a named person decides."""

    staff_id: str
    community_code: str
    post: str
    current_grade: int | None
    entitled_grade: int
    proposed_grade: int
    kind: ProposalKind
    needs_manual: bool
    reasons: tuple[str, ...]
    effective_on: date
    name: str
    committee_member: bool
    degree: str
    certificate: str
    trace: tuple[Step, ...]


@dataclass(frozen=True)
class RegisterRecord:
    """A worker's approved grade, with the facts it was approved on, in force from `effective_on` (policy §4)."""

    staff_id: str
    post: str
    grade: int
    degree: str
    certificate: str
    effective_on: date


@dataclass(frozen=True)
class MissingWorker:
    """A worker who holds a grade and whom the month's roster lacks: nothing is proposed, a person must look.

    `is_registered` says whether the grade stands in the register, else it is that of the roster of the month before;
    `last_listed_in` is the last earlier month whose roster has the worker, if any does.
    """

    staff_id: str
    grade: int
    is_registered: bool
    last_listed_in: str | None


@dataclass(frozen=True)
class PayLine:
    """One worker's monthly pay at one grade, in fen (policy §5)."""

    staff_id: str
    basis: Basis
    grade: int
    appraisal: str
    basic_fen: int
    performance_fen: int
    uplift_fen: int
    total_fen: int


@dataclass(frozen=True)
class AwardLine:
    """Work funds that a community with four or more stars may be given; a person names the amount."""

    pay_year: int
    community_code: str
    stars: int
    minimum_fen: int
    maximum_fen: int
    amount_fen: int | None


ChangeCause = Literal["code", "data", "policy", "undetermined"]


@dataclass(frozen=True)
class Change:
    """One cell of the result files that a revision made other than before, and what made it so.

    `subject` is the result file without its ending, `subject_id` the row's key there; `before` or `after` is empty
    where the row was not there, or its cell held nothing. `causes` name in their order the steps from the old inputs
    to the new at which the cell moved: `code` (same inputs, today's program), `data` (batches, sources, register),
    `policy`; `undetermined` where the old inputs can no longer be judged.
    """

    subject: str
    subject_id: str
    field: str
    before: str
    after: str
    causes: tuple[ChangeCause, ...]


@dataclass(frozen=True)
class Lineage:
    """How a revision stands to the earlier ones of its month.

    `compared_with` is the one before, from which `changes` start; empty for a first revision. `amends` is the one
    from which the register was last fed, if it was: the month is locked, and this revision proposes to amend it.
    """

    compared_with: int | None = None
    amends: int | None = None
    changes: Sequence[Change] = ()


FIRST_REVISION = Lineage()
"""Of a month's first revision: there is nothing to compare it with."""


@dataclass(frozen=True)
class Figures:
    """The rows of a month's result that its CSV files show."""

    indicators: Sequence[IndicatorRow]
    stars: Sequence[StarRow]
    ratings: Sequence[RatingRow]
    proposals: Sequence[Proposal]
    pay_lines: Sequence[PayLine]
    awards: Sequence[AwardLine]


@dataclass(frozen=True)
class TableQuality:
    """What validation found in the batches that brought one table for the month."""

    platform: str
    table: str
    received_count: int
    landed_count: int
    rejected_count: int
    reason_counts: Mapping[str, int]


@dataclass(frozen=True)
class Inputs:
    """What a month was judged from. Equal inputs give the same revision."""

    batch_ids: tuple[str, ...]
    policy_fingerprint: str
    sources: tuple[SourceStatus, ...]
    register_digest: str
    earlier_revision: int | None = None
    """The newest revision of the month before, with which the report compares."""
    register_no: int = 0
    """The newest register record known when the month was judged."""
    keeps_roster: bool = True
    """Whether a source was configured to fill `staff`."""


@dataclass(frozen=True)
class MonthResult(Figures):
    """Everything a month's evaluation found, before it has a revision number."""

    month: Month
    effective_on: date
    cutoff_at: datetime
    inputs: Inputs
    policy_values: Sequence[PolicyValue]
    communities: Sequence[Community]
    notices: Sequence[str]
    """Chinese sentences that the report and the workbook show at their top."""
    alarms: Sequence[str]
    """English sentences for the engineers (policy §6, sanity alarm)."""
    missing_workers: Sequence[MissingWorker] = ()


def count_result(result: MonthResult) -> dict[str, Any]:
    """What a month's result holds, in numbers that name nobody."""
    by_kind: dict[str, int] = {}
    for proposal in result.proposals:
        by_kind[proposal.kind] = by_kind.get(proposal.kind, 0) + 1
    by_stars: dict[str, int] = {}
    for rating in sorted(result.ratings, key=lambda rating: rating.stars):
        by_stars[str(rating.stars)] = by_stars.get(str(rating.stars), 0) + 1
    return {
        "communities": len(result.communities),
        "communities_by_stars": by_stars,
        "incomplete": sum(not rating.complete for rating in result.ratings),
        "workers": len(result.proposals),
        "proposals_by_kind": dict(sorted(by_kind.items())),
        "needs_manual": sum(proposal.needs_manual for proposal in result.proposals),
        "missing_from_roster": len(result.missing_workers),
        "monthly_cost_fen": count_monthly_cost_fen(result),
        "awards": len(result.awards),
    }


def list_grades(proposals: Iterable[Proposal]) -> range:
    """The grades from the first to the highest that anybody holds or is proposed: what a distribution shows."""
    held = (grade for it in proposals for grade in (it.current_grade, it.proposed_grade) if grade is not None)
    return range(1, max(held, default=1) + 1)


def count_monthly_cost_fen(result: MonthResult) -> int | None:
    """What the proposals would add to the monthly pay of workers who have a grade; nothing if no base is set."""
    if not result.pay_lines:
        return None
    current = {line.staff_id: line.total_fen for line in result.pay_lines if line.basis == "current"}
    return sum(
        line.total_fen - current[line.staff_id]
        for line in result.pay_lines
        if line.basis == "proposed" and line.staff_id in current
    )
