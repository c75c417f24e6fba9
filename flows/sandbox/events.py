"""The events of the sandbox city, invented month by month as arrays; one table a platform is written from them."""

from dataclasses import dataclass

import numpy as np

from flows.sandbox.arrays import Array, draw_evenly, open_stream, toss
from flows.sandbox.categories import ANSWERED, CATEGORIES, MAJOR, OTHER, SCALE_FACTORS, Rates, derive_rates
from flows.sandbox.places import Places
from flows.sandbox.quality import Quality
from flows.sandbox.timeline import DAY_SECONDS, OFFSET_SECONDS, Calendar, number_day

HOUR = 3600
NOTHING = -1
OPEN, CLOSED, VOID = 0, 1, 2
SATISFIED, BASICALLY, DISSATISFIED, UNREACHED = 0, 1, 2, 3
DEPARTMENT_COUNT = 6
STREET = 3
"""The lowest tier that hands events to departments."""

STORED = dict.fromkeys(("reported", "responded", "due", "extended", "deadline", "closed", "updated"), np.int32)
"""Millions of events are held at once: half the memory, good until 2038."""

TIER_LIMIT_DAYS = np.array([0, 0, 3, 7, 15])
"""Working days by tier (policy §1); tier 1 has 24 hours."""


@dataclass(frozen=True)
class EventTable:
    """Events as columns of equal length; instants are epoch seconds, `NOTHING` stands for null."""

    columns: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["reported"])

    def take(self, rows: Array) -> "EventTable":
        """The rows chosen by a mask or by positions."""
        return EventTable({name: column[rows] for name, column in self.columns.items()})

    def replace(self, **columns: Array) -> "EventTable":
        return EventTable(self.columns | columns)


def join_events(tables: list[EventTable]) -> EventTable:
    """One table with the rows of all."""
    return EventTable({name: np.concatenate([t[name] for t in tables]) for name in tables[0].columns})


def invent_events(
    places: Places, quality: Quality, calendar: Calendar, month: int, *, scale: str, seed: int
) -> EventTable:
    """All events reported in one month, by community and category, as they stand when the city is seen."""
    stream = open_stream(seed, "events", calendar.months[month])
    rates = derive_rates(quality.targets[month], stream)
    columns = draw_reports(stream, places, calendar, month, scale)
    perfect = quality.is_perfect(month)[columns["community"]]
    draw_deadlines(stream, columns, calendar, perfect)
    draw_closures(stream, columns, rates, calendar, perfect)
    draw_responses(stream, columns, rates)
    draw_answers(stream, columns, rates)
    hide_future(columns, calendar.seen_at)
    last = np.maximum.reduce([columns["reported"], columns["responded"], columns["closed"]])
    updated = np.minimum(last + stream.integers(60, 600, len(last)), calendar.seen_at - 1)
    columns["updated"] = np.maximum(updated, last)
    del columns["group"]
    return EventTable({name: column.astype(STORED.get(name, column.dtype)) for name, column in columns.items()})


def draw_reports(
    stream: np.random.Generator, places: Places, calendar: Calendar, month: int, scale: str
) -> dict[str, Array]:
    """Where, what and when: one row an event, grouped by community and category."""
    category_count = len(CATEGORIES)
    size = places.grid_counts / places.grid_counts.mean()
    mean = np.array([c.monthly for c in CATEGORIES]) * SCALE_FACTORS[scale]
    counts = stream.poisson(np.outer(size**0.5, mean)).ravel()
    group = np.repeat(np.arange(len(counts)), counts)
    count = len(group)
    community, category = (group // category_count).astype(np.int16), (group % category_count).astype(np.int8)

    tier_edges = np.cumsum([c.tiers for c in CATEGORIES], axis=1)
    tier = (stream.random(count)[:, None] > tier_edges[category][:, :3]).sum(axis=1).astype(np.int8) + 1
    department = np.where(tier >= STREET, stream.integers(0, DEPARTMENT_COUNT, count), NOTHING).astype(np.int8)

    first = number_day(calendar.months[month].first_on)
    days = np.arange(first, number_day(calendar.months[month].last_on) + 1)
    weight = np.where(np.isin(days, calendar.working_days), 1.1, 0.75)
    day = stream.choice(days, count, p=weight / weight.sum())
    second = (6.5 * HOUR + 15 * HOUR * stream.beta(2, 2.2, count)).astype(np.int64)
    reported = day * DAY_SECONDS - OFFSET_SECONDS + second
    sequence = np.empty(count, dtype=np.int32)
    sequence[np.argsort(reported, kind="stable")] = np.arange(1, count + 1)
    grid = (stream.random(count) * places.grid_counts[community]).astype(np.int16)
    return {
        "group": group,
        "month": np.full(count, month, dtype=np.int8),
        "sequence": sequence,
        "community": community,
        "grid": np.where(toss(stream, count, 0.97), grid, NOTHING).astype(np.int16),
        "grid_community": community,
        "department": department,
        "category": category,
        "tier": tier,
        "urgent": toss(stream, count, 0.03) | (np.isin(category, MAJOR) & (toss(stream, count, 0.3))),
        "reported": reported,
        "version": np.zeros(count, dtype=np.int8),
    }


def draw_deadlines(
    stream: np.random.Generator, columns: dict[str, Array], calendar: Calendar, perfect: Array
) -> None:
    """When each event is due; one in eight leaves its deadline to the policy's limits, some are extended."""
    reported, tier = columns["reported"], columns["tier"]
    count = len(reported)
    limit = calendar.end_working_day(reported, np.maximum(TIER_LIMIT_DAYS[tier], 1))
    deadline = np.where(columns["urgent"] | (tier == 1), reported + DAY_SECONDS, limit)
    unstated = (toss(stream, count, 0.125)) & calendar.is_published(deadline)
    extended = (toss(stream, count, 0.02)) & (tier >= STREET) & ~unstated & ~perfect
    longer = deadline + stream.integers(3, 10, count) * DAY_SECONDS
    columns["due"] = np.where(unstated, NOTHING, deadline)
    columns["extended"] = np.where(extended, longer, NOTHING)
    columns["deadline"] = np.where(extended, longer, deadline)


def draw_closures(
    stream: np.random.Generator, columns: dict[str, Array], rates: Rates, calendar: Calendar, perfect: Array
) -> None:
    """Which events are closed, when, and how well: on time, late before the cutoff, or not."""
    group, deadline, reported = columns["group"], columns["deadline"], columns["reported"]
    count, group_count = len(group), rates.closed.size
    counted = columns["category"] != OTHER
    luck = stream.random(count)
    luck[counted] = draw_evenly(stream, group[counted], group_count)
    on_time, closed = luck < rates.on_time.ravel()[group], luck < rates.closed.ravel()[group]

    room = np.maximum(deadline - reported - HOUR, HOUR)
    early = reported + HOUR // 2 + (room * np.minimum(stream.beta(1.2, 3.0, count), 0.98)).astype(np.int64)
    cutoff = calendar.find_cutoff(deadline)
    delay = np.minimum(10 * DAY_SECONDS, cutoff - deadline - HOUR)
    late = deadline + HOUR // 2 + (delay * stream.random(count)).astype(np.int64)
    columns["closed"] = np.where(on_time, early, np.where(closed, late, NOTHING))

    reworked = np.zeros(count, dtype=bool)
    reworked[counted] = draw_evenly(stream, group[counted], group_count) < rates.reworked.ravel()[group[counted]]
    columns["reopened"] = np.where(reworked, stream.integers(1, 3, count), 0).astype(np.int8)
    back = reworked & (toss(stream, count, 0.05))
    status = np.where(closed & ~back, CLOSED, OPEN)
    columns["status"] = np.where(toss(stream, count, 0.005), VOID, status).astype(np.int8)
    columns["forced"] = (toss(stream, count, 0.001)) & (columns["status"] == CLOSED) & ~perfect


def draw_responses(stream: np.random.Generator, columns: dict[str, Array], rates: Rates) -> None:
    """When somebody first answered: within 2 or 24 hours, too late, or (closed straight away) never noted."""
    group, reported, closed = columns["group"], columns["reported"], columns["closed"]
    count = len(group)
    in_time = stream.random(count)
    service = np.isin(columns["category"], ANSWERED)
    in_time[service] = draw_evenly(stream, group[service], rates.responded.size)
    limit = np.where(columns["urgent"], 2 * HOUR, DAY_SECONDS)
    quick = reported + 60 + (np.minimum(limit, HOUR * 20) * 0.7 * stream.beta(1, 3, count)).astype(np.int64)
    quick = np.where(closed != NOTHING, np.minimum(quick, closed), quick)
    slow = reported + (limit * stream.uniform(1.05, 2, count)).astype(np.int64)
    slow = np.where((closed != NOTHING) & (slow > closed), NOTHING, slow)
    columns["responded"] = np.where(in_time < rates.responded.ravel()[group], quick, slow)


def draw_answers(stream: np.random.Generator, columns: dict[str, Array], rates: Rates) -> None:
    """What the citizen says of a closed service event: solved or not, satisfied or not, or not reached."""
    group = columns["group"]
    count = len(group)
    called = np.isin(columns["category"], ANSWERED) & (columns["status"] == CLOSED)
    solved, satisfied = np.full(count, NOTHING, dtype=np.int8), np.full(count, NOTHING, dtype=np.int8)
    rows = np.flatnonzero(called)
    solved[rows] = draw_evenly(stream, group[rows], rates.solved.size) < rates.solved.ravel()[group[rows]]
    reached = rows[toss(stream, len(rows), 0.68)]
    happy = draw_evenly(stream, group[reached], rates.satisfied.size) < rates.satisfied.ravel()[group[reached]]
    fully = toss(stream, len(reached), 0.7)
    satisfied[rows] = np.where(toss(stream, len(rows), 0.6), UNREACHED, NOTHING)
    satisfied[reached] = np.where(happy, np.where(fully, SATISFIED, BASICALLY), DISSATISFIED)
    columns["solved"], columns["satisfaction"] = solved, satisfied


def hide_future(columns: dict[str, Array], seen_at: int) -> None:
    """What would happen after the city is seen has not happened: those events are open and unanswered."""
    later = columns["closed"] > seen_at - HOUR
    columns["closed"][later] = NOTHING
    columns["status"][later & (columns["status"] == CLOSED)] = OPEN
    columns["forced"][later] = False
    columns["solved"][later] = NOTHING
    columns["satisfaction"][later] = NOTHING
    columns["responded"][columns["responded"] > seen_at - HOUR] = NOTHING
