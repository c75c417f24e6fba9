"""What real platforms do to their own data: older versions of an event, and rows that must not pass."""

from collections.abc import Collection

import numpy as np

from flows.sandbox.arrays import Array, open_stream
from flows.sandbox.categories import CITY_CASE, OTHER, SERVICE_EVENT, UNKNOWN_CATEGORY
from flows.sandbox.events import CLOSED, HOUR, NOTHING, OPEN, EventTable, join_events
from flows.sandbox.timeline import DAY_SECONDS, Calendar

FAULT_SHARE = {OTHER: 0.0045, CITY_CASE: 0.004, SERVICE_EVENT: 0.004}
"""Share of rows spoilt, by category; about 0.3 % of all, never near the 20 % at which a pull is refused."""

OLDER_SHARE = 0.02
LATER_SHARE = 0.33

UNKNOWN_COMMUNITY, SHORT_COMMUNITY, NO_COMMUNITY = 0, 1, 2
"""Positions after the last community in the table of community codes that a platform writes."""


def spoil_rows(
    events: EventTable, community_count: int, seed: int, month: int, *, spared: Collection[int]
) -> EventTable:
    """The events of a month, some with one of eight faults that the quality rules reject (data.md).

    Communities in `spared` (by position) are left alone: a story must not hang on a spoilt row.
    """
    stream = open_stream(seed, "faults", month)
    columns = {name: column.copy() for name, column in events.columns.items()}
    share = np.zeros(UNKNOWN_CATEGORY + 1)
    for category, value in FAULT_SHARE.items():
        share[category] = value
    spoilt = (stream.random(len(events)) < share[events["category"]]) & (events["status"] == CLOSED)
    spoilt &= ~np.isin(events["community"], list(spared))
    chosen = np.flatnonzero(spoilt)
    kind = np.arange(len(chosen)) % 8

    def rows(number: int) -> Array:
        found: Array = chosen[kind == number]
        return found

    columns["closed"][rows(0)] = columns["reported"][rows(0)] - HOUR
    columns["closed"][rows(1)] = NOTHING
    columns["category"][rows(2)] = UNKNOWN_CATEGORY
    columns["community"][rows(3)] = community_count + UNKNOWN_COMMUNITY
    columns["community"][rows(4)] = community_count + SHORT_COMMUNITY
    columns["grid_community"][rows(5)] = (columns["community"][rows(5)] + 1) % community_count
    columns["grid"][rows(5)] = 0
    columns["due"][rows(6)] = columns["reported"][rows(6)] - DAY_SECONDS
    columns["reopened"][rows(7)] = -1
    no_community = rows(3)[: len(rows(3)) // 4]
    columns["community"][no_community] = community_count + NO_COMMUNITY
    return EventTable(columns)


def add_versions(events: EventTable, calendar: Calendar, seed: int) -> EventTable:
    """The change log of a platform that lists an event each time it changes: some events come twice.

    One in fifty closed events is also listed as it stood while open; a third of those that were not closed by
    their month's cutoff are listed again, closed after it (which a judged month must not notice).
    """
    stream = open_stream(seed, "versions")
    draw = stream.random(len(events))
    older = events.take((events["status"] == CLOSED) & (draw < OLDER_SHARE) & (events["closed"] > events["reported"]))
    before = np.maximum(older["reported"], older["responded"]) + 60
    fits = before < older["updated"]
    nothing = np.full(len(older), NOTHING, dtype=np.int32)
    older = older.replace(
        status=np.full(len(older), OPEN, dtype=np.int8),
        closed=nothing,
        forced=np.zeros(len(older), dtype=bool),
        reopened=np.zeros(len(older), dtype=np.int8),
        solved=nothing.astype(np.int8),
        satisfaction=nothing.astype(np.int8),
        updated=before,
        version=np.ones(len(older), dtype=np.int8),
    ).take(fits)

    cutoff = calendar.find_cutoff(events["deadline"])
    waiting = (events["status"] == OPEN) & (events["closed"] == NOTHING) & (draw < LATER_SHARE)
    waiting &= cutoff < calendar.seen_at - 3 * DAY_SECONDS
    rows = np.flatnonzero(waiting)
    newer = events.take(rows)
    closed = cutoff[rows] + HOUR + stream.integers(0, 2 * DAY_SECONDS, len(rows))
    newer = newer.replace(
        status=np.full(len(rows), CLOSED, dtype=np.int8),
        closed=closed.astype(np.int32),
        updated=(closed + 300).astype(np.int32),
        version=np.ones(len(rows), dtype=np.int8),
    )
    return join_events([events, older, newer])
