"""The deadline of every event, as an Ibis expression (policy §1)."""

from datetime import UTC, date, datetime, timedelta

import ibis
import pyarrow as pa

from flows.calendar import CityCalendar
from flows.evaluate.scheme import Limits
from flows.month import CITY_OFFSET, start_of_day

TIER_1 = 1


def add_deadlines(
    events: ibis.Table, limits: Limits, calendar: CityCalendar, first_on: date, last_on: date
) -> ibis.Table:
    """`events` with `deadline_at` (UTC), right for every deadline whose day lies from `first_on` to `last_on`.

    `extended_to` if set, else `due_at`, else the reporting instant plus the limit: urgent first, then by tier (policy
    §1). It is null where working days lead outside the span. One look asks for the reporting days that need the
    calendar, so that a year without one raises `ConfigurationError` only if an event depends on it.
    """
    dated = events.mutate(reported_on=(events.reported_at + _hours(CITY_OFFSET // timedelta(hours=1))).date())
    looked_up = calendar.find_deadlines(
        _list_reporting_days(dated, limits, last_on), limits.working_days, first_on, last_on
    )
    lookup = ibis.memtable(
        pa.table(
            {
                "limit_tier": pa.array([tier for tier, _ in looked_up], pa.int64()),
                "limit_from_on": pa.array([day for _, day in looked_up], pa.date32()),
                "working_deadline_at": pa.array([to_naive(at) for at in looked_up.values()], pa.timestamp("us")),
            }
        )
    )
    joined = dated.left_join(lookup, [dated.tier == lookup.limit_tier, dated.reported_on == lookup.limit_from_on])
    by_limit = ibis.cases(
        (joined.urgent, joined.reported_at + _hours(limits.urgent_hours)),
        (joined.tier == TIER_1, joined.reported_at + _hours(limits.tier_1_hours)),
        else_=joined.working_deadline_at,
    )
    return joined.mutate(deadline_at=ibis.coalesce(joined.extended_to, joined.due_at, by_limit)).drop(
        "reported_on", "limit_tier", "limit_from_on", "working_deadline_at"
    )


def find_response_limit(events: ibis.Table, limits: Limits) -> ibis.Value:
    """Until when a response to each event is in time; urgent ones have hours of their own (policy §1)."""
    return ibis.cases(
        (events.urgent, events.reported_at + _hours(limits.urgent_response_hours)),
        else_=events.reported_at + _hours(limits.response_hours),
    )


def to_naive(instant: datetime) -> datetime:
    """The instant as the lake holds it: UTC without offset."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def write_literal(instant: datetime) -> ibis.Value:
    """The instant as a literal that compares with the lake's instants."""
    return ibis.literal(to_naive(instant), type="timestamp")


def _list_reporting_days(dated: ibis.Table, limits: Limits, last_on: date) -> list[tuple[int, date]]:
    """Each tier and reporting day, up to `last_on`, of events that only the calendar can date."""
    needing = dated.filter(
        dated.extended_to.isnull(),
        dated.due_at.isnull(),
        ~dated.urgent,
        dated.tier.isin(list(limits.working_days)),
        dated.reported_at < write_literal(start_of_day(last_on + timedelta(days=1))),
    )
    rows = needing.select("tier", "reported_on").distinct().to_pyarrow().to_pylist()
    return sorted((row["tier"], row["reported_on"]) for row in rows)


def _hours(count: int) -> ibis.Value:
    return ibis.interval(hours=count)
