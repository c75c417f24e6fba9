"""What another policy would move, as rows: the comparison makes them, its files and its page show them.

`before` is the policy in use and `after` the other one, both on the same inputs. Amounts are fen a month.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from flows.month import MONTHS_IN_YEAR, Month
from flows.policy import PolicyValue
from flows.results import AWAITING_KINDS, Community, Proposal, RatingRow, StarRow

BEFORE, AFTER = "现行政策", "拟议政策"
"""The two sides of a comparison: the policy in use, and the one that is tried out."""

Direction = Literal["up", "down", "same"]
CommunityDirection = Literal["up", "down", "swapped", "same"]
Level = Literal["city", "district", "post", "district_post"]
ChangeKind = Literal["added", "ended", "value", "standing"]


@dataclass(frozen=True)
class PolicyChange:
    """One policy value that differs, as both policies have it; nothing where a policy has none.

    `standing`: the value is the same, but its tag, reference, title, unit or start isn't.
    """

    before: PolicyValue | None
    after: PolicyValue | None

    @property
    def kind(self) -> ChangeKind:
        if self.before is None:
            return "added"
        if self.after is None:
            return "ended"
        same = (self.before.value, self.before.unit) == (self.after.value, self.after.unit)
        return "standing" if same else "value"

    @property
    def known(self) -> PolicyValue:
        """The value as the other policy has it, or else as the one in use has it."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a policy change has a value before or after")
        return found


@dataclass(frozen=True)
class CommunityMove:
    """One community's provisional rating and its stars, by star, under both policies."""

    community: Community
    before: RatingRow
    after: RatingRow
    stars_before: Sequence[StarRow]
    stars_after: Sequence[StarRow]

    @cached_property
    def gained(self) -> tuple[str, ...]:
        """The stars that are lit only under the other policy."""
        pairs = zip(self.stars_before, self.stars_after, strict=True)
        return tuple(after.star for before, after in pairs if before.state != "lit" and after.state == "lit")

    @cached_property
    def lost(self) -> tuple[str, ...]:
        """The stars that are lit only under the policy in use."""
        pairs = zip(self.stars_before, self.stars_after, strict=True)
        return tuple(after.star for before, after in pairs if before.state == "lit" and after.state != "lit")

    @property
    def direction(self) -> CommunityDirection:
        """More stars, fewer, as many but others, or the same ones."""
        if len(self.gained) != len(self.lost):
            return "up" if len(self.gained) > len(self.lost) else "down"
        return "swapped" if self.gained else "same"


@dataclass(frozen=True, slots=True)
class MonthlyPay:
    """One worker's monthly pay at the current and the proposed grade; nothing where there is no pay line."""

    current_fen: int | None = None
    proposed_fen: int | None = None

    @property
    def raise_fen(self) -> int | None:
        """What the proposal itself costs; nothing for a worker without a current grade."""
        if self.current_fen is None or self.proposed_fen is None:
            return None
        return self.proposed_fen - self.current_fen


@dataclass(frozen=True, slots=True)
class WorkerMove:
    """What the rules suggest for one worker under both policies, and the monthly pay that follows."""

    before: Proposal
    after: Proposal
    district_code: str
    district_name: str
    pay_before: MonthlyPay
    pay_after: MonthlyPay

    @property
    def direction(self) -> Direction:
        """Whether the proposed grade is higher, lower or the same."""
        return _point(self.after.proposed_grade - self.before.proposed_grade)

    @property
    def pay_direction(self) -> Direction | None:
        """Whether the proposed pay is higher, lower or the same; nothing if it isn't known under both."""
        change_fen = self.monthly_change_fen
        return None if change_fen is None else _point(change_fen)

    @property
    def monthly_change_fen(self) -> int | None:
        """Proposed pay after minus before; nothing without a pay line under both."""
        if self.pay_before.proposed_fen is None or self.pay_after.proposed_fen is None:
            return None
        return self.pay_after.proposed_fen - self.pay_before.proposed_fen

    @property
    def is_treated_otherwise(self) -> bool:
        """Whether the grade, the kind of proposal or what a person must look at differs."""
        return _list_treatment(self.before) != _list_treatment(self.after)


@dataclass(frozen=True)
class CostLine:
    """What one group of workers would cost under both policies; a group's code is empty where it spans all.

    `before_fen` and `after_fen` total the proposed pay of the workers who have it under both policies; those who
    don't are `without_pay_count`. Their difference is made of `standard_change_fen` (the same grade paid
    otherwise), the difference of the two raise costs (what the proposals add to the pay of who has a grade), and
    `initial_change_fen` (who is graded for the first time). An amount is nothing where a policy that it needs sets
    no base.
    """

    level: Level
    district_code: str
    district_name: str
    post: str
    worker_count: int
    grade_up_count: int
    grade_down_count: int
    pay_up_count: int
    pay_down_count: int
    without_pay_count: int
    before_fen: int | None
    after_fen: int | None
    standard_change_fen: int | None
    raise_cost_before_fen: int | None
    raise_cost_after_fen: int | None
    initial_change_fen: int | None

    @property
    def monthly_change_fen(self) -> int | None:
        return None if self.before_fen is None or self.after_fen is None else self.after_fen - self.before_fen

    @property
    def yearly_change_fen(self) -> int | None:
        """Twelve times the month's, as if nothing else changed."""
        return None if self.monthly_change_fen is None else MONTHS_IN_YEAR * self.monthly_change_fen


@dataclass(frozen=True)
class Funds:
    """Work funds that one policy allows in the pay year: how many communities, and the bounds of their sum."""

    community_count: int
    minimum_fen: int
    maximum_fen: int


@dataclass(frozen=True)
class Workload:
    """What one policy lays before HR."""

    awaiting_count: int
    manual_count: int
    held_count: int
    review_count: int


@dataclass(frozen=True)
class Comparison:
    """One month under the policy in use and under another one.

    `unseen_changes` are values that differ on other days only, so that this month can't show their effect.
    """

    month: Month
    effective_on: date
    cutoff_at_before: datetime
    cutoff_at_after: datetime
    fingerprint_before: str
    fingerprint_after: str
    policy_changes: Sequence[PolicyChange]
    unseen_changes: Sequence[PolicyChange]
    indicator_titles: Mapping[str, str]
    communities: Sequence[CommunityMove]
    workers: Sequence[WorkerMove]
    costs: Sequence[CostLine]
    is_paid_before: bool
    is_paid_after: bool
    funds_before: Funds
    funds_after: Funds
    banners: Sequence[str]

    @property
    def total(self) -> CostLine:
        """The whole city's line."""
        return next(line for line in self.costs if line.level == "city")

    def list_costs(self, level: Level) -> list[CostLine]:
        """The lines of one level, in their order."""
        return [line for line in self.costs if line.level == level]

    def count_workloads(self) -> tuple[Workload, Workload]:
        """What lies before HR under the policy in use and under the other one."""
        return (
            _count_workload([move.before for move in self.workers]),
            _count_workload([move.after for move in self.workers]),
        )


def _point(difference: int) -> Direction:
    if difference == 0:
        return "same"
    return "up" if difference > 0 else "down"


def _list_treatment(row: Proposal) -> tuple[object, ...]:
    return (row.entitled_grade, row.proposed_grade, row.kind, row.needs_manual, row.reasons)


def _count_workload(proposals: Sequence[Proposal]) -> Workload:
    return Workload(
        awaiting_count=sum(row.kind in AWAITING_KINDS for row in proposals),
        manual_count=sum(row.needs_manual for row in proposals),
        held_count=sum(row.kind == "hold" for row in proposals),
        review_count=sum(row.kind == "review" for row in proposals),
    )
