"""One star of one community explained: its indicators, its score, what stands in its way (policy §2, §3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from flows.evaluate.explain.arithmetic import write_score, write_star_score, write_weighted_mean
from flows.evaluate.explain.measures import Evidence, Measure, measure
from flows.evaluate.indicators import COMPOSITE, DEFINITIONS, EventRatio
from flows.evaluate.scheme import VETO_REASONS, IndicatorRule
from flows.evaluate.stars import find_mean, list_vetoes, share_weight
from flows.results import STAR_TITLES, IndicatorRow, IndicatorState, StarRow, StarState

_EVENT_VALUES = ("five_star.cutoff_day", "five_star.counted_tiers", "five_star.deadlines.", "calendar.extra_years")
_RESPONSE_VALUES = "five_star.response."
_STAR_VALUES = (
    "five_star.vetoes.",
    "five_star.weight_share_minimum",
    "five_star.category_stars",
    "five_star.false_closure_deduction",
    "five_star.withheld_false_closures",
    "five_star.lit_score",
)
"""What is used beside an indicator's or a star's own value; a path that ends in a dot stands for all below it."""


@dataclass(frozen=True)
class IndicatorExplanation:
    """One indicator: its counts, its line, its score and its gate; `gate_holds` is empty without a gate or data.

    `policy` names the values used, by path.
    """

    indicator: str
    title: str
    clause: str
    state: IndicatorState
    measures: tuple[Measure, ...]
    window_months: int
    value: Fraction | None
    value_arithmetic: str
    lower_is_better: bool
    full: Fraction | None
    zero: Fraction | None
    score: Fraction | None
    score_arithmetic: str
    weight: int
    gate: Fraction | None
    gate_holds: bool | None
    no_data: str
    policy: tuple[str, ...]


@dataclass(frozen=True)
class FalseClosure:
    """A check that found one of the star's closed events not solved, with the batch of the check."""

    check_id: str
    platform: str
    event_id: str
    category: str
    checked_at: datetime
    batch_id: str


@dataclass(frozen=True)
class Incident:
    """A confirmed incident of the month."""

    incident_id: str
    kind: str
    occurred_on: date
    batch_id: str


@dataclass(frozen=True)
class Veto:
    """One cause of a veto: whether it holds in the community, and whether it takes this star."""

    reason: str
    holds: bool
    applies: bool


@dataclass(frozen=True)
class StarExplanation:
    """One star: how its score came about, and everything that its state was judged by, in policy's order."""

    star: str
    title: str
    clause: str
    state: StarState
    reasons: tuple[str, ...]
    indicators: tuple[IndicatorExplanation, ...]
    mean: Fraction | None
    mean_arithmetic: str
    false_closures: tuple[FalseClosure, ...]
    false_closure_deduction: Fraction
    withheld_false_closures: int
    score: Decimal | None
    score_arithmetic: str
    lit_score: Fraction
    vetoes: tuple[Veto, ...]
    incidents: tuple[Incident, ...]
    sources: Mapping[str, bool]
    weight_share: Fraction
    weight_share_minimum: Fraction
    policy: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """The community's rows of the month that the stars were judged from, beside its indicators' counts.

    `policy_paths` are those of all values in force.
    """

    rows: Mapping[str, IndicatorRow]
    titles: Mapping[str, str]
    presence: Mapping[str, bool]
    false_closures: Sequence[FalseClosure]
    incidents: Sequence[Incident]
    policy_paths: Sequence[str]

    def expand(self, *names: str) -> tuple[str, ...]:
        """The paths of the values named, in the order named."""
        return tuple(
            path
            for name in names
            for path in self.policy_paths
            if path == name or (name.endswith(".") and path.startswith(name))
        )


def explain_star(row: StarRow, findings: Findings, evidence: Evidence) -> StarExplanation:
    """The star with its indicators in policy's order; `row` is its result."""
    scheme, star = evidence.scheme, row.star
    rules = scheme.list_indicators(star)
    scores = [(rule.weight, score) for rule in rules if (score := findings.rows[rule.name].score) is not None]
    mean = find_mean(star, findings.rows, scheme)
    found = tuple(each for each in findings.false_closures if scheme.category_stars[each.category] == star)
    deduction = scheme.false_closure_deduction
    held = list_vetoes(evidence.community_code, evidence.counts)
    return StarExplanation(
        star=star,
        title=STAR_TITLES[star],
        clause="§3",
        state=row.state,
        reasons=row.reasons,
        indicators=tuple(_explain_indicator(rule, findings, evidence) for rule in rules),
        mean=mean,
        mean_arithmetic="" if mean is None else write_weighted_mean(scores),
        false_closures=found,
        false_closure_deduction=deduction,
        withheld_false_closures=scheme.withheld_false_closures,
        score=row.score,
        score_arithmetic=""
        if mean is None or row.score is None
        else write_star_score(mean, len(found), deduction, row.score),
        lit_score=scheme.lit_score,
        vetoes=tuple(
            Veto(reason, reason in held, star in scheme.vetoes[reason] and reason in held) for reason in VETO_REASONS
        ),
        incidents=tuple(findings.incidents),
        sources={source: findings.presence.get(source, False) for source in scheme.sources[star]},
        weight_share=share_weight(star, findings.rows, scheme),
        weight_share_minimum=scheme.weight_share_minimum,
        policy=findings.expand(f"five_star.sources.{star}", *_STAR_VALUES),
    )


def _explain_indicator(rule: IndicatorRule, findings: Findings, evidence: Evidence) -> IndicatorExplanation:
    row = findings.rows[rule.name]
    measures = measure(rule, evidence)
    return IndicatorExplanation(
        indicator=rule.name,
        title=findings.titles[rule.name],
        clause="§2",
        state=row.state,
        measures=measures,
        window_months=row.window_months,
        value=row.value,
        value_arithmetic=_write_composite(measures) if rule.name == COMPOSITE else "",
        lower_is_better=rule.lower_is_better,
        full=rule.full,
        zero=rule.zero,
        score=row.score,
        score_arithmetic=_write_score(rule, row),
        weight=rule.weight,
        gate=rule.gate,
        gate_holds=None if rule.gate is None or row.value is None else rule.holds_gate(row.value),
        no_data=rule.no_data,
        policy=findings.expand(*_list_values(rule)),
    )


def _write_score(rule: IndicatorRule, row: IndicatorRow) -> str:
    """The reckoning of the indicator's score; empty where nothing is scored."""
    if row.value is None or row.score is None or rule.zero is None or rule.full is None:
        return ""
    return write_score(row.value, rule.zero, rule.full, row.score)


def _write_composite(measures: Sequence[Measure]) -> str:
    """The weighted mean of the parts with data; one without drops out with its weight (policy §2)."""
    parts = [(each.weight or 0, each.value) for each in measures if each.value is not None]
    return write_weighted_mean(parts) if parts else ""


def _list_values(rule: IndicatorRule) -> tuple[str, ...]:
    own = f"five_star.indicators.{rule.name}"
    if rule.name == COMPOSITE:
        return (own, "five_star.three_rates_weights", *_EVENT_VALUES, _RESPONSE_VALUES)
    if isinstance(DEFINITIONS[rule.name], EventRatio):
        return (own, *_EVENT_VALUES)
    return (own,)
