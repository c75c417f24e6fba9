"""What happened in each community, counted from the canonical tables with Ibis: integers only, no judgement.

One definition runs on every engine that Ibis knows; no step holds more than one row for each community, month and
category outside the engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import ibis

from flows.calendar import CityCalendar
from flows.evaluate.deadlines import add_deadlines, find_response_limit, write_literal
from flows.evaluate.scheme import Scheme
from flows.lake import TableView
from flows.month import Month
from flows.results import Community

SATISFIED = ("satisfied", "basically_satisfied")
ANSWERED = (*SATISFIED, "dissatisfied")
WITH_PARTY_UNIT = ("branch", "group")


@dataclass(frozen=True)
class EventCounts:
    """Events of one category due in one month in one community (policy §1 and §2)."""

    due: int = 0
    closed: int = 0
    on_time: int = 0
    reworked: int = 0
    responded: int = 0
    solved: int = 0
    solution_known: int = 0
    satisfied: int = 0
    answered: int = 0


OUTCOMES = tuple(name for name in EventCounts.__dataclass_fields__ if name != "due")
"""What may become of a due event: each is a column `is_<outcome>` of `mark_due_events`, and counted by its name."""


@dataclass(frozen=True)
class GridCounts:
    """Grids valid on the month's last day, and those of them with a party branch or group."""

    total: int = 0
    with_party_unit: int = 0


@dataclass(frozen=True)
class BranchSheet:
    """What the organization department reported of one community for the month."""

    meetings_required: int
    meetings_held: int
    centre_standard: bool
    property_covered: int
    property_total: int
    weak_branch: bool
    secretary_under_investigation: bool


@dataclass(frozen=True)
class Counts:
    """Everything that a month's stars are judged from; what is absent from a mapping wasn't there."""

    month: Month
    events: Mapping[tuple[str, Month, str], EventCounts] = field(default_factory=dict)
    """By community, month of the deadline and category."""
    grids: Mapping[str, GridCounts] = field(default_factory=dict)
    sheets: Mapping[str, BranchSheet] = field(default_factory=dict)
    false_closures: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By community and star."""
    incidents: Mapping[str, int] = field(default_factory=dict)


def count_month(view: TableView, scheme: Scheme, calendar: CityCalendar, month: Month) -> Counts:
    """The counts of `month` and, for events, of the months before it that indicators may sum.

    Earlier months are counted with the values of `month`'s own policy, each judged at its own cutoff. Raises
    `ConfigurationError` if a deadline needs a year without a published calendar.
    """
    return Counts(
        month=month,
        events=count_events(view.table("events"), scheme, calendar, month),
        grids=count_grids(view.table("grids"), month.last_on),
        sheets=read_branch_sheet(view.table("branch_sheet"), month),
        false_closures=count_false_closures(view.table("checks"), view.table("events"), scheme, month),
        incidents=count_incidents(view.table("incidents"), month),
    )


def count_events(
    events: ibis.Table, scheme: Scheme, calendar: CityCalendar, month: Month
) -> dict[tuple[str, Month, str], EventCounts]:
    """The due set of each month, community and category, and what became of it (policy §1 and §2)."""
    due = mark_due_events(events, scheme, calendar, month)
    grouped = due.group_by("community_code", "months_back", "category").aggregate(
        due=due.count(), **{outcome: _count_where(due[f"is_{outcome}"]) for outcome in OUTCOMES}
    )
    counts: dict[tuple[str, Month, str], EventCounts] = {}
    for row in grouped.to_pyarrow().to_pylist():
        key = (row.pop("community_code"), month.plus(-row.pop("months_back")), row.pop("category"))
        counts[key] = EventCounts(**row)
    return counts


def mark_due_events(events: ibis.Table, scheme: Scheme, calendar: CityCalendar, month: Month) -> ibis.Table:
    """The due sets of `month` and of those before it that indicators may sum, each event with what became of it.

    Adds `months_back` (0 is `month`), the limits `deadline_at`, `cutoff_at` and `response_limit_at`, the two marks
    `is_shut` and `is_by_cutoff` that *closed* is made of, and `is_<outcome>` for each of `OUTCOMES`; a mark is null
    where it can't be told. The one place where these words of policy §1 and §2 are defined.
    """
    months = [month.plus(-back) for back in range(scheme.window_months)]
    due = _select_due(events, scheme, calendar, months)
    due = due.mutate(
        cutoff_at=due.months_back.cases(
            *((back, write_literal(each.cutoff_at(scheme.cutoff_day))) for back, each in enumerate(months))
        ),
        response_limit_at=find_response_limit(due, scheme.limits),
    )
    due = due.mutate(is_shut=due.status == "closed", is_by_cutoff=due.closed_at <= due.cutoff_at)
    due = due.mutate(is_closed=due.is_shut & due.is_by_cutoff & ~due.forced_close)
    return due.mutate(
        is_on_time=due.is_closed & (due.closed_at <= due.deadline_at),
        is_reworked=due.reopened > 0,
        is_responded=due.responded_at <= due.response_limit_at,
        is_solved=due.solved,
        is_solution_known=due.solved.notnull(),
        is_satisfied=due.satisfaction.isin(SATISFIED),
        is_answered=due.satisfaction.isin(ANSWERED),
    )


def count_grids(grids: ibis.Table, on: date) -> dict[str, GridCounts]:
    """The grids of each community valid on `on`; of several rows of one grid the latest start holds (data.md)."""
    counts: dict[str, GridCounts] = {}
    for row in list_grids(grids, on):
        before = counts.get(row["community_code"], GridCounts())
        counts[row["community_code"]] = GridCounts(
            before.total + 1, before.with_party_unit + (row["party_unit"] in WITH_PARTY_UNIT)
        )
    return counts


def list_grids(grids: ibis.Table, on: date) -> list[dict[str, Any]]:
    """The row that holds of each grid valid on `on`, by code."""
    holding = {row["grid_code"]: row for row in _list_valid(grids, on)}
    return [row for _, row in sorted(holding.items())]


def list_communities(communities: ibis.Table, on: date) -> list[Community]:
    """The communities valid on `on`, by code; of several rows of one the latest start holds (policy §3.5)."""
    holding = {row["community_code"]: row for row in _list_valid(communities, on)}
    names = Community.__dataclass_fields__
    return [Community(**{name: row[name] for name in names}) for _, row in sorted(holding.items())]


def read_branch_sheet(branch_sheet: ibis.Table, month: Month) -> dict[str, BranchSheet]:
    """The month's sheet row of each community that has one."""
    names = BranchSheet.__dataclass_fields__
    rows = branch_sheet.filter(branch_sheet.month == str(month)).select("community_code", *names)
    return {row.pop("community_code"): BranchSheet(**row) for row in rows.to_pyarrow().to_pylist()}


def count_false_closures(
    checks: ibis.Table, events: ibis.Table, scheme: Scheme, month: Month
) -> dict[tuple[str, str], int]:
    """False closures found in the month, by the event's own community and star (policy §3.1)."""
    found = find_false_closures(checks, events, scheme, month)
    counts: dict[tuple[str, str], int] = {}
    grouped = found.group_by("community_code", "category").aggregate(found=found.count())
    for row in grouped.to_pyarrow().to_pylist():
        key = (row["community_code"], scheme.category_stars[row["category"]])
        counts[key] = counts.get(key, 0) + row["found"]
    return counts


def find_false_closures(checks: ibis.Table, events: ibis.Table, scheme: Scheme, month: Month) -> ibis.Table:
    """The month's checks that found a false closure, each with its event's own community and category (policy §3.1).

    Each check counts, also several on one event, and on a void event of any tier; one on an unknown event counts
    nowhere.
    """
    found = checks.filter(
        checks.finding == "false_closure",
        checks.checked_at >= write_literal(month.starts_at),
        checks.checked_at < write_literal(month.ends_at),
    ).select("check_id", "platform", "event_id", "checked_at", "batch_id")
    known = events.select("platform", "event_id", "community_code", "category")
    joined = found.join(known, ["platform", "event_id"])
    return joined.filter(joined.category.isin(list(scheme.category_stars)))


def count_incidents(incidents: ibis.Table, month: Month) -> dict[str, int]:
    """Confirmed incidents that occurred in the month, by community (policy §3.3)."""
    occurred = find_incidents(incidents, month)
    grouped = occurred.group_by("community_code").aggregate(found=occurred.count())
    return {row["community_code"]: row["found"] for row in grouped.to_pyarrow().to_pylist()}


def find_incidents(incidents: ibis.Table, month: Month) -> ibis.Table:
    """The confirmed incidents that occurred in the month (policy §3.3)."""
    return incidents.filter(
        incidents.status == "confirmed",
        incidents.occurred_on >= ibis.literal(month.first_on),
        incidents.occurred_on <= ibis.literal(month.last_on),
    )


def _select_due(events: ibis.Table, scheme: Scheme, calendar: CityCalendar, months: list[Month]) -> ibis.Table:
    """Events due in one of `months` (newest first), with `deadline_at` and their place among the months."""
    counted = events.filter(
        events.status != "void",
        events.tier.isin(list(scheme.counted_tiers)),
        events.category.isin(list(scheme.category_stars)),
    )
    newest, oldest = months[0], months[-1]
    dated = add_deadlines(counted, scheme.limits, calendar, oldest.first_on, newest.last_on)
    due = dated.filter(
        dated.deadline_at >= write_literal(oldest.starts_at), dated.deadline_at < write_literal(newest.ends_at)
    )
    places = [(due.deadline_at >= write_literal(each.starts_at), back) for back, each in enumerate(months)]
    return due.mutate(months_back=ibis.cases(*places))


def _list_valid(table: ibis.Table, on: date) -> list[dict[str, Any]]:
    """Rows valid on `on`, both end days included, the latest start last."""
    day = ibis.literal(on)
    valid = table.filter(table.valid_from <= day, table.valid_to.isnull() | (table.valid_to >= day))
    rows: list[dict[str, Any]] = valid.order_by("valid_from").to_pyarrow().to_pylist()
    return rows


def _count_where(condition: ibis.Value) -> ibis.Value:
    """How many rows meet the condition; where it can't be told, a row doesn't."""
    return condition.ifelse(1, 0).sum()
