"""The five-star policy of one day, read into the shapes that counting and judging need."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from flows.policy import PolicyAt
from flows.results import STARS

NoDataRule = Literal["leave_out", "insufficient", "pass"]

VETO_REASONS = ("weak_branch", "secretary_under_investigation", "incident")
"""Reasons of a veto in the order in which they are told (policy §3.3)."""

WORKING_DAY_TIERS = (2, 3, 4)
"""Tiers whose limit is counted in working days; tier 1 and urgent events have hours (policy §1)."""


@dataclass(frozen=True)
class IndicatorRule:
    """What one indicator counts for: its line from zero to full, its gate and its least denominator (policy §2)."""

    name: str
    star: str
    weight: int
    full: Fraction | None
    zero: Fraction | None
    gate: Fraction | None
    no_data: NoDataRule
    minimum: int
    window_months: int
    lower_is_better: bool

    def score(self, value: Fraction) -> Fraction | None:
        """0 to 100: 100 at or beyond full, 0 at or beyond zero, linear between; nothing at weight 0 (policy §2)."""
        if self.weight == 0 or self.full is None or self.zero is None:
            return None
        share = (value - self.zero) / (self.full - self.zero)
        return 100 * min(max(share, Fraction(0)), Fraction(1))

    def holds_gate(self, value: Fraction) -> bool:
        """Whether `value` passes the gate, standing on it included; without a gate everything passes."""
        if self.gate is None:
            return True
        return value <= self.gate if self.lower_is_better else value >= self.gate


@dataclass(frozen=True)
class Limits:
    """How long an event may take when nobody set its deadline, and until when a response is in time (policy §1)."""

    urgent_hours: int
    tier_1_hours: int
    working_days: Mapping[int, int]
    urgent_response_hours: int
    response_hours: int


@dataclass(frozen=True)
class AlarmRule:
    """Outside these shares a month's figures are doubted (policy §6)."""

    many_stars: int
    many_stars_share_minimum: Fraction
    many_stars_share_maximum: Fraction
    incident_free_share_minimum: Fraction


@dataclass(frozen=True)
class Scheme:
    """Everything that policy §1–§3 and the alarm of §6 leave to numbers, as in force on one day."""

    cutoff_day: int
    limits: Limits
    counted_tiers: tuple[int, ...]
    indicators: tuple[IndicatorRule, ...]
    three_rates_weights: Mapping[str, int]
    category_stars: Mapping[str, str]
    sources: Mapping[str, tuple[str, ...]]
    vetoes: Mapping[str, tuple[str, ...]]
    lit_score: Fraction
    weight_share_minimum: Fraction
    false_closure_deduction: Fraction
    withheld_false_closures: int
    alarms: AlarmRule

    @property
    def window_months(self) -> int:
        """The most months that any indicator sums."""
        return max((rule.window_months for rule in self.indicators), default=1)

    def list_indicators(self, star: str) -> list[IndicatorRule]:
        """The star's indicators, in the order of the policy file."""
        return [rule for rule in self.indicators if rule.star == star]


def read_scheme(policy_at: PolicyAt) -> Scheme:
    """The five-star policy in force. Raises `ConfigurationError` where a value is not in force."""
    return Scheme(
        cutoff_day=policy_at.integer("five_star.cutoff_day"),
        limits=read_limits(policy_at),
        counted_tiers=tuple(policy_at.get("five_star.counted_tiers")),
        indicators=tuple(_read_indicator(policy_at, name) for name in policy_at.children("five_star.indicators")),
        three_rates_weights=policy_at.mapping("five_star.three_rates_weights"),
        category_stars=policy_at.mapping("five_star.category_stars"),
        sources={star: tuple(policy_at.get(f"five_star.sources.{star}")) for star in STARS},
        vetoes={reason: tuple(policy_at.get(f"five_star.vetoes.{reason}")) for reason in VETO_REASONS},
        lit_score=policy_at.exact("five_star.lit_score"),
        weight_share_minimum=policy_at.exact("five_star.weight_share_minimum"),
        false_closure_deduction=policy_at.exact("five_star.false_closure_deduction"),
        withheld_false_closures=policy_at.integer("five_star.withheld_false_closures"),
        alarms=AlarmRule(
            many_stars=policy_at.integer("five_star.alarms.many_stars"),
            many_stars_share_minimum=policy_at.exact("five_star.alarms.many_stars_share_minimum"),
            many_stars_share_maximum=policy_at.exact("five_star.alarms.many_stars_share_maximum"),
            incident_free_share_minimum=policy_at.exact("five_star.alarms.incident_free_share_minimum"),
        ),
    )


def read_limits(policy_at: PolicyAt) -> Limits:
    """How long an event may take, as in force. Raises `ConfigurationError` where a value is not."""
    return Limits(
        urgent_hours=policy_at.integer("five_star.deadlines.urgent_hours"),
        tier_1_hours=policy_at.integer("five_star.deadlines.tier_1_hours"),
        working_days={
            tier: policy_at.integer(f"five_star.deadlines.tier_{tier}_working_days") for tier in WORKING_DAY_TIERS
        },
        urgent_response_hours=policy_at.integer("five_star.response.urgent_hours"),
        response_hours=policy_at.integer("five_star.response.other_hours"),
    )


def _read_indicator(policy_at: PolicyAt, name: str) -> IndicatorRule:
    value = policy_at.mapping(f"five_star.indicators.{name}")
    marks = {key: Fraction(value[key]) if key in value else None for key in ("full", "zero", "gate")}
    return IndicatorRule(
        name=name,
        star=value["star"],
        weight=value["weight"],
        **marks,
        no_data=value["no_data"],
        minimum=value["minimum"],
        window_months=value["window_months"],
        lower_is_better=value.get("lower_is_better", False),
    )
