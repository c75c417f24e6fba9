"""The counts behind one indicator of one community, month by month: who brought them, and what counted against it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from flows.evaluate.counts import WITH_PARTY_UNIT, BranchSheet, Counts
from flows.evaluate.explain.events import DueEvent, explain_against
from flows.evaluate.explain.words import define_events, define_register
from flows.evaluate.indicators import DEFINITIONS, PARTS, Definition, EventRatio, sum_window
from flows.evaluate.scheme import IndicatorRule, Scheme
from flows.month import Month

GRIDS = "grid_party_coverage"
"""The indicator of the grid register; every other one that counts no events is of the sheet."""

SHEET_COLUMNS = {
    "meetings_held": ("meetings_held", "meetings_required"),
    "centre_standard": ("centre_standard",),
    "property_coverage": ("property_covered", "property_total"),
}
"""The sheet's numbers that an indicator counts."""


@dataclass(frozen=True)
class BatchShare:
    """How many of the counted rows one landed batch brought."""

    batch_id: str
    row_count: int


@dataclass(frozen=True)
class MonthTally:
    """What one month of the window adds, judged at its own cutoff."""

    month: Month
    cutoff_at: datetime
    numerator: int
    denominator: int


@dataclass(frozen=True)
class EventAgainst:
    """An event that counted against the indicator: its number, every reason, and the instants that show it."""

    platform: str
    event_id: str
    month: Month
    reasons: tuple[str, ...]
    reported_at: datetime
    responded_at: datetime | None
    closed_at: datetime | None
    deadline_at: datetime
    response_limit_at: datetime
    cutoff_at: datetime
    batch_id: str


@dataclass(frozen=True)
class Measure:
    """One ratio: an indicator's, or that of one of the three rates, then with its `weight` among them.

    `against_count` is what is missing from the numerator, or the numerator where lower is better. The lists of
    events and grids are empty unless they were asked for; `sheet` holds the sheet's own numbers.
    """

    name: str
    definition: str
    weight: int | None
    months: tuple[MonthTally, ...]
    numerator: int
    denominator: int
    minimum: int
    value: Fraction | None
    against_count: int
    events_against: tuple[EventAgainst, ...] | None
    grids_against: tuple[str, ...] | None
    sheet: Mapping[str, int | bool] | None
    batches: tuple[BatchShare, ...]


@dataclass(frozen=True)
class Evidence:
    """One community's counts with the rows behind them: due events, grids, and the batch of its sheet.

    `with_events` says whether what counted against an indicator is to be listed.
    """

    community_code: str
    scheme: Scheme
    counts: Counts
    events: Sequence[DueEvent]
    grids: Sequence[Mapping[str, Any]]
    sheet_batch_id: str | None
    with_events: bool


class _Backing(NamedTuple):
    """What stands behind a ratio, by the kind of its source."""

    definition: str
    batches: tuple[BatchShare, ...]
    events_against: tuple[EventAgainst, ...] | None = None
    grids_against: tuple[str, ...] | None = None
    sheet: Mapping[str, int | bool] | None = None


def measure(rule: IndicatorRule, evidence: Evidence) -> tuple[Measure, ...]:
    """The indicator's ratio, or for `three_rates` one for each part, in the policy's order (policy §2)."""
    if rule.name in DEFINITIONS:
        return (_measure(rule.name, None, DEFINITIONS[rule.name], rule, evidence),)
    return tuple(
        _measure(part, weight, PARTS[part], rule, evidence)
        for part, weight in evidence.scheme.three_rates_weights.items()
    )


def _measure(
    name: str, weight: int | None, definition: Definition, rule: IndicatorRule, evidence: Evidence
) -> Measure:
    counts, code = evidence.counts, evidence.community_code
    total, window_months = sum_window(definition, counts, rule, code)
    months = [counts.month.plus(-back) for back in range(window_months)]
    tallies = []
    for month in months:
        tally = definition(counts, code, month)
        tallies.append(
            MonthTally(month, month.cutoff_at(evidence.scheme.cutoff_day), tally.numerator, tally.denominator)
        )
    if isinstance(definition, EventRatio):
        backing = _back_by_events(definition, rule, months, evidence)
    elif name == GRIDS:
        backing = _back_by_grids(name, evidence)
    else:
        backing = _back_by_sheet(name, counts.sheets.get(code), evidence)
    has_data = total.denominator >= rule.minimum
    return Measure(
        name=name,
        weight=weight,
        months=tuple(tallies),
        numerator=total.numerator,
        denominator=total.denominator,
        minimum=rule.minimum,
        value=Fraction(total.numerator, total.denominator) if has_data else None,
        against_count=total.numerator if rule.lower_is_better else total.denominator - total.numerator,
        **backing._asdict(),
    )


def _back_by_events(
    definition: EventRatio, rule: IndicatorRule, months: Collection[Month], evidence: Evidence
) -> _Backing:
    """The denominator's events: against it are those outside of the numerator, or in it if lower is better."""
    counted = [
        event
        for event in evidence.events
        if event.category == definition.category and event.month in months and event.counts_as(definition.denominator)
    ]
    against = [event for event in counted if event.counts_as(definition.numerator) == rule.lower_is_better]
    return _Backing(
        definition=define_events(definition),
        batches=_share_batches(event.batch_id for event in counted),
        events_against=tuple(_tell(event, definition.numerator) for event in against)
        if evidence.with_events
        else None,
    )


def _back_by_grids(name: str, evidence: Evidence) -> _Backing:
    without = tuple(row["grid_code"] for row in evidence.grids if row["party_unit"] not in WITH_PARTY_UNIT)
    return _Backing(
        definition=define_register(name),
        batches=_share_batches(row["batch_id"] for row in evidence.grids),
        grids_against=without if evidence.with_events else None,
    )


def _back_by_sheet(name: str, sheet: BranchSheet | None, evidence: Evidence) -> _Backing:
    return _Backing(
        definition=define_register(name),
        batches=_share_batches([evidence.sheet_batch_id] if evidence.sheet_batch_id else []),
        sheet=None if sheet is None else {column: getattr(sheet, column) for column in SHEET_COLUMNS[name]},
    )


def _tell(event: DueEvent, outcome: str) -> EventAgainst:
    return EventAgainst(
        platform=event.platform,
        event_id=event.event_id,
        month=event.month,
        reasons=explain_against(event, outcome),
        reported_at=event.reported_at,
        responded_at=event.responded_at,
        closed_at=event.closed_at,
        deadline_at=event.deadline_at,
        response_limit_at=event.response_limit_at,
        cutoff_at=event.cutoff_at,
        batch_id=event.batch_id,
    )


def _share_batches(batch_ids: Iterable[str]) -> tuple[BatchShare, ...]:
    return tuple(BatchShare(batch_id, count) for batch_id, count in sorted(Counter(batch_ids).items()))
