"""Open events past their deadline, or near it, unit by unit up the ladder (policy §6).

One question to the engine gives each unit's worst events and its counts; nothing else leaves it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import ibis
import pyarrow as pa

from flows.calendar import CityCalendar
from flows.evaluate.deadlines import add_deadlines, write_literal
from flows.evaluate.scheme import Limits, read_limits
from flows.findings import Backlog, Backlogs, UnitTier, WaitingEvent
from flows.lake import TableView
from flows.month import city_day
from flows.policy import PolicyAt

OLDEST_YEARS = 10
"""Events whose deadline is longer ago are no longer told of by themselves."""

TIERS: tuple[UnitTier, ...] = get_args(UnitTier)
DONE = ("void", "closed")
"""The statuses of events that are not open (policy §6): a reopened one is, whatever it was before."""

ORDER = ("deadline_at", "platform", "event_id")
"""Worst first; of events with one deadline the order is by their names."""


@dataclass(frozen=True)
class LadderRule:
    """From when on each tier is told of an open event, and how many a digest lists (policy §6)."""

    overdue_hours: Mapping[UnitTier, int]
    due_soon_hours: int
    digest_rows: int
    limits: Limits


def read_ladder(policy: PolicyAt) -> LadderRule:
    """The ladder in force. Raises `ConfigurationError` where a value is not in force."""
    return LadderRule(
        overdue_hours={
            "community": policy.integer("five_star.alerts.community_overdue_hours"),
            "street": policy.integer("five_star.alerts.street_overdue_hours"),
            "district": policy.integer("five_star.alerts.district_overdue_hours"),
        },
        due_soon_hours=policy.integer("five_star.alerts.due_soon_hours"),
        digest_rows=policy.integer("five_star.alerts.digest_rows"),
        limits=read_limits(policy),
    )


def find_backlogs(view: TableView, rule: LadderRule, calendar: CityCalendar, now: datetime) -> Backlogs:
    """What waits in each unit that is to be told something at `now`, by tier and code.

    An event counts as past by more than the tier's hours, or, for its community alone, as due from `now` until
    `due_soon_hours` later, both ends included. Raises `ConfigurationError` if a deadline needs a year without a
    published calendar.
    """
    waiting = _select_waiting(view, rule, calendar, now)
    rows = waiting.to_pyarrow().to_pylist()
    units = [unit for tier in TIERS for unit in _describe_tier(tier, rows, rule.digest_rows)]
    return Backlogs(now, rule.overdue_hours, rule.due_soon_hours, units)


def _select_waiting(view: TableView, rule: LadderRule, calendar: CityCalendar, now: datetime) -> ibis.Table:
    """The events that any unit's digest lists, each with its place and its unit's counts in every tier."""
    due_until_at = now + timedelta(hours=rule.due_soon_hours)
    events = view.table("events")
    columns = ("platform", "event_id", "community_code", "category")
    dating = ("tier", "urgent", "reported_at", "due_at", "extended_to")
    open_events = events.filter(events.status.notin(DONE)).select(*columns, *dating)
    # However long ago the deadline was, it counts, back to where no calendar can be asked for: one mistyped year must
    # not keep every unit's digest back.
    first_on = date(now.year - OLDEST_YEARS, 1, 1)
    dated = add_deadlines(open_events, rule.limits, calendar, first_on, city_day(due_until_at))
    near = dated.filter(dated.deadline_at <= write_literal(due_until_at)).select(*columns, "deadline_at")
    placed = near.join(_list_places(view, city_day(now)), "community_code")
    placed = placed.mutate(is_overdue=placed.deadline_at < write_literal(now))
    told = {f"in_{tier}": _is_told(placed, tier, rule, now) for tier in TIERS}
    marked = placed.mutate(**told)
    for tier in TIERS:
        group = [f"{tier}_code", f"in_{tier}"]
        ordered = ibis.window(group_by=group, order_by=list(ORDER))
        whole = ibis.window(group_by=group)
        marked = marked.mutate(
            **{
                f"{tier}_place": ibis.row_number().over(ordered),
                f"{tier}_overdue": marked.is_overdue.ifelse(1, 0).sum().over(whole),
                f"{tier}_due_soon": marked.is_overdue.ifelse(0, 1).sum().over(whole),
            }
        )
    listed = [marked[f"in_{tier}"] & (marked[f"{tier}_place"] < rule.digest_rows) for tier in TIERS]
    return marked.filter(ibis.or_(*listed))


def _is_told(placed: ibis.Table, tier: UnitTier, rule: LadderRule, now: datetime) -> ibis.Value:
    """Whether the tier's unit is told of the event: past by more than its hours; a community also if it is due soon.

    A community that no longer exists has nobody to tell; its street and district are told of what it left.
    """
    is_past = placed.deadline_at < write_literal(now - timedelta(hours=rule.overdue_hours[tier]))
    return (is_past | ~placed.is_overdue) & placed.is_valid if tier == "community" else is_past


def _list_places(view: TableView, today: date) -> ibis.Table:
    """Each community's unit in every tier, by its latest row that has begun, and whether that still holds."""
    holding: dict[str, dict[str, Any]] = {}
    rows = view.table("communities").order_by("valid_from").to_pyarrow().to_pylist()
    for row in rows:
        if row["valid_from"] <= today or row["community_code"] not in holding:
            holding[row["community_code"]] = row
    ordered = [row for _, row in sorted(holding.items())]
    return ibis.memtable(
        pa.table(
            {
                "community_code": pa.array([row["community_code"] for row in ordered], pa.string()),
                "community_name": pa.array([row["name"] for row in ordered], pa.string()),
                **{
                    name: pa.array([row[name] for row in ordered], pa.string())
                    for name in ("street_code", "street_name", "district_code", "district_name")
                },
                "is_valid": pa.array([_holds(row, today) for row in ordered], pa.bool_()),
            }
        )
    )


def _holds(row: Mapping[str, Any], day: date) -> bool:
    return bool(row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"]))


def _describe_tier(tier: UnitTier, rows: Iterable[Mapping[str, Any]], rows_max: int) -> list[Backlog]:
    """The tier's units that are told something, by code, each with at most `rows_max` events."""
    by_unit: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row[f"in_{tier}"] and row[f"{tier}_place"] < rows_max:
            by_unit.setdefault(row[f"{tier}_code"], []).append(row)
    return [
        Backlog(
            tier=tier,
            unit_code=code,
            unit_name=found[0][f"{tier}_name"],
            overdue_count=found[0][f"{tier}_overdue"],
            due_soon_count=found[0][f"{tier}_due_soon"],
            worst=[_describe_event(row) for row in sorted(found, key=lambda row: row[f"{tier}_place"])],
        )
        for code, found in sorted(by_unit.items())
    ]


def _describe_event(row: Mapping[str, Any]) -> WaitingEvent:
    return WaitingEvent(
        event_id=row["event_id"],
        category=row["category"],
        community_name=row["community_name"],
        deadline_at=row["deadline_at"].replace(tzinfo=UTC),
        is_overdue=row["is_overdue"],
    )
