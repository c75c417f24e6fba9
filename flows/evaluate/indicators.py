"""What each indicator counts, and its value and score in each community (policy §2)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flows.evaluate.counts import Counts, EventCounts
from flows.evaluate.scheme import IndicatorRule, Scheme
from flows.month import Month
from flows.policy_terms import INDICATOR_CATEGORIES
from flows.results import Community, IndicatorRow, IndicatorState


@dataclass(frozen=True)
class Tally:
    """A numerator and its denominator; of nothing, both are 0."""

    numerator: int = 0
    denominator: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.numerator + other.numerator, self.denominator + other.denominator)


Definition = Callable[[Counts, str, Month], Tally]
"""What an indicator counts in one community and month."""


@dataclass(frozen=True)
class EventRatio:
    """The definition that divides two counts of one category's due set, named as in `EventCounts`."""

    category: str
    numerator: str
    denominator: str = "due"

    def __call__(self, counts: Counts, community_code: str, month: Month) -> Tally:
        events = counts.events.get((community_code, month, self.category), EventCounts())
        return Tally(getattr(events, self.numerator), getattr(events, self.denominator))


def tally_grids(counts: Counts, community_code: str, month: Month) -> Tally:
    """Grids with a party branch or group, of the grids valid on the month's last day."""
    grids = counts.grids.get(community_code)
    if grids is None or month != counts.month:
        return Tally()
    return Tally(grids.with_party_unit, grids.total)


def tally_meetings(counts: Counts, community_code: str, month: Month) -> Tally:
    """Meetings held, at most those required, of those required."""
    sheet = counts.sheets.get(community_code)
    if sheet is None or month != counts.month:
        return Tally()
    return Tally(min(sheet.meetings_held, sheet.meetings_required), sheet.meetings_required)


def tally_centre(counts: Counts, community_code: str, month: Month) -> Tally:
    """1 of 1 if the service centre meets the standard, 0 of 1 if not."""
    sheet = counts.sheets.get(community_code)
    if sheet is None or month != counts.month:
        return Tally()
    return Tally(int(sheet.centre_standard), 1)


def tally_property(counts: Counts, community_code: str, month: Month) -> Tally:
    """Residential compounds with property management, of all."""
    sheet = counts.sheets.get(community_code)
    if sheet is None or month != counts.month:
        return Tally()
    return Tally(sheet.property_covered, sheet.property_total)


_EVENTS_COUNTED: Mapping[str, tuple[str, str]] = {
    "wish_closed": ("closed", "due"),
    "city_case_on_time": ("on_time", "due"),
    "city_case_rework": ("reworked", "due"),
    "market_case_on_time": ("on_time", "due"),
    "market_hazard_closed": ("closed", "due"),
    "market_hazard_major_closed": ("closed", "due"),
    "employment_satisfaction": ("satisfied", "answered"),
    "dispute_closed": ("closed", "due"),
    "hazard_closed": ("closed", "due"),
    "hazard_major_closed": ("closed", "due"),
    "service_on_time": ("on_time", "due"),
    "service_satisfaction": ("satisfied", "answered"),
}
"""Numerator and denominator of each indicator of events; its category stands in `INDICATOR_CATEGORIES`."""

DEFINITIONS: Mapping[str, Definition] = {
    "grid_party_coverage": tally_grids,
    "meetings_held": tally_meetings,
    "centre_standard": tally_centre,
    "property_coverage": tally_property,
    **{name: EventRatio(INDICATOR_CATEGORIES[name], *counted) for name, counted in _EVENTS_COUNTED.items()},
}
"""What each indicator counts; its star, weight, line and gate are policy. `three_rates` is composed below."""

COMPOSITE = "three_rates"
PARTS: Mapping[str, EventRatio] = {
    "responded": EventRatio(INDICATOR_CATEGORIES[COMPOSITE], "responded"),
    "solved": EventRatio(INDICATOR_CATEGORIES[COMPOSITE], "solved", "solution_known"),
    "satisfied": EventRatio(INDICATOR_CATEGORIES[COMPOSITE], "satisfied", "answered"),
}
"""The three rates; their weights are `five_star.three_rates_weights`."""


def measure_indicators(counts: Counts, scheme: Scheme, communities: Sequence[Community]) -> list[IndicatorRow]:
    """Every indicator in force for every community, in the order of both."""
    return [
        _measure_composite(counts, scheme, rule, community.community_code)
        if rule.name == COMPOSITE
        else _measure(counts, rule, community.community_code)
        for community in communities
        for rule in scheme.indicators
    ]


def sum_window(definition: Definition, counts: Counts, rule: IndicatorRule, community_code: str) -> tuple[Tally, int]:
    """The tally and the months it spans: the month alone if that reaches the minimum, else the whole window."""
    alone = definition(counts, community_code, counts.month)
    if alone.denominator >= rule.minimum or rule.window_months == 1:
        return alone, 1
    earlier = (definition(counts, community_code, counts.month.plus(-back)) for back in range(1, rule.window_months))
    return sum(earlier, alone), rule.window_months


def _measure(counts: Counts, rule: IndicatorRule, community_code: str) -> IndicatorRow:
    tally, window_months = sum_window(DEFINITIONS[rule.name], counts, rule, community_code)
    has_data = tally.denominator >= rule.minimum
    value = Fraction(tally.numerator, tally.denominator) if has_data else None
    return _make_row(rule, community_code, value, tally, window_months)


def _measure_composite(counts: Counts, scheme: Scheme, rule: IndicatorRule, community_code: str) -> IndicatorRow:
    """The weighted mean of the parts with data; one without drops out with its weight (policy §2)."""
    weighted, weight_sum, window_months = Fraction(0), 0, 1
    for part, weight in scheme.three_rates_weights.items():
        tally, part_months = sum_window(PARTS[part], counts, rule, community_code)
        window_months = max(window_months, part_months)
        if tally.denominator >= rule.minimum:
            weighted += weight * Fraction(tally.numerator, tally.denominator)
            weight_sum += weight
    value = weighted / weight_sum if weight_sum else None
    return _make_row(rule, community_code, value, None, window_months)


def _make_row(
    rule: IndicatorRule, community_code: str, value: Fraction | None, tally: Tally | None, window_months: int
) -> IndicatorRow:
    return IndicatorRow(
        community_code=community_code,
        star=rule.star,
        indicator=rule.name,
        numerator=tally.numerator if tally else None,
        denominator=tally.denominator if tally else None,
        value=value,
        score=rule.score(value) if value is not None else None,
        state=_name_state(rule, value),
        window_months=window_months,
    )


def _name_state(rule: IndicatorRule, value: Fraction | None) -> IndicatorState:
    if value is not None:
        return "ok"
    return "not_applicable" if rule.no_data == "pass" else "no_data"
