"""What the supervision platform finds, and the incidents of the three-zero rating."""

from dataclasses import dataclass

import numpy as np

from flows.sandbox.arrays import Array, open_stream, toss
from flows.sandbox.categories import CATEGORIES, CITY_CASE
from flows.sandbox.events import CLOSED, EventTable
from flows.sandbox.places import Places
from flows.sandbox.quality import CO_BUILDING, STARS, Quality
from flows.sandbox.timeline import DAY_SECONDS, Calendar, number_day, to_epoch

VERIFIED, FALSE_CLOSURE, REWORK = 0, 1, 2
FALSE_CLOSURE_SHARES = (0.80, 0.16, 0.04)
"""Share of communities and stars with none, one, two false closures in a month; three withhold the star."""

STORY_FALSE_CLOSURES = 3
LATEST_CHECK_DAYS = 5
SECONDS_TO_LIST = 60
"""How long after a finding the platform lists it."""

CHECKED_SHARE = np.array([0.002 if category.star is None else 0.05 for category in CATEGORIES])
STAR_OF_CATEGORY = np.array([len(STARS) if category.star is None else category.star for category in CATEGORIES])


@dataclass(frozen=True)
class Checks:
    """Findings on the events at positions `rows` of the month's table."""

    rows: Array
    findings: Array
    checked: Array


def check_events(events: EventTable, quality: Quality, calendar: Calendar, month: int, seed: int) -> Checks:
    """Checks on the events reported in one month: one in twenty of the closed ones that count, within days.

    False closures are found within the month only, so that a month has as many as its quota says.
    """
    stream = open_stream(seed, "checks", calendar.months[month])
    closed = events["status"] == CLOSED
    sampled = closed & (stream.random(len(events)) < CHECKED_SHARE[events["category"]])
    story = quality.cast.false_closures if month == len(calendar.months) - 1 else None
    early = to_epoch(calendar.months[month].ends_at) - LATEST_CHECK_DAYS * DAY_SECONDS
    planted = closed & (events["community"] == story) & (events["category"] == CITY_CASE) & (events["closed"] < early)
    sampled[np.flatnonzero(planted)[:STORY_FALSE_CLOSURES]] = True
    rows = np.flatnonzero(sampled)
    delay = stream.integers(DAY_SECONDS, LATEST_CHECK_DAYS * DAY_SECONDS, len(rows))
    checked = events["closed"][rows] + delay
    in_time = checked < calendar.seen_at - SECONDS_TO_LIST
    rows, checked = rows[in_time], checked[in_time]
    findings = judge_events(stream, events.take(rows), checked, quality=quality, calendar=calendar, month=month)
    return Checks(rows, findings, checked)


def judge_events(
    stream: np.random.Generator,
    events: EventTable,
    checked: Array,
    *,
    quality: Quality,
    calendar: Calendar,
    month: int,
) -> Array:
    """The finding on each checked event: the first ones of a community and star are false up to its quota."""
    story = quality.cast.false_closures if month == len(calendar.months) - 1 else None
    quota = draw_quota(stream, quality, month, story)
    findings = np.where(toss(stream, len(events), 0.08), REWORK, VERIFIED)
    within = np.flatnonzero(checked < to_epoch(calendar.months[month].ends_at))
    star = STAR_OF_CATEGORY[events["category"][within]]
    group = events["community"][within].astype(np.int64) * (len(STARS) + 1) + star
    findings[within[rank_in_group(group) < quota.ravel()[group]]] = FALSE_CLOSURE
    return findings


def draw_quota(stream: np.random.Generator, quality: Quality, month: int, story: int | None) -> Array:
    """How many false closures each community has on each star (the last column: events of no star)."""
    count = quality.targets.shape[1]
    quota = stream.choice(len(FALSE_CLOSURE_SHARES), (count, len(STARS) + 1), p=FALSE_CLOSURE_SHARES)
    quota[quality.is_perfect(month)] = 0
    quota[sorted(quality.cast.everyone)] = 0
    if story is not None:
        quota[story, CO_BUILDING] = STORY_FALSE_CLOSURES
    return quota


def rank_in_group(groups: Array) -> Array:
    """The position of each row among the rows of its group, in row order."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    rank = np.empty(len(groups), dtype=np.int64)
    rank[order] = np.arange(len(groups)) - starts
    return rank


def list_incidents(
    places: Places, quality: Quality, calendar: Calendar, seed: int
) -> tuple[list[dict[str, object]], list[int]]:
    """Incident records as 综合治理 writes them and their update times; one of the last month is withdrawn."""
    stream = open_stream(seed, "incidents")
    records: list[dict[str, object]] = []
    updated: list[int] = []

    def add(month: int, community: int, state: str) -> None:
        number = len(records) + 1
        first = number_day(calendar.months[month].first_on)
        day = first + int(stream.integers(2, 20))
        kind = str(stream.choice(["越级上访", "伤亡事故", "治安刑事案件"]))
        changed = (day + 3) * DAY_SECONDS + number
        records.append(
            {
                "incidentId": f"SL{str(calendar.months[month]).replace('-', '')}{number:04d}",
                "communityCode": places.communities[community].code,
                "incidentKind": kind,
                "happenDate": str(np.datetime64(day, "D")),
                "incidentState": state,
                "updateTime": f"{np.datetime64(changed + 8 * 3600, 's')}+08:00",
            }
        )
        updated.append(changed)

    for month, communities in sorted(quality.confirmed_incidents.items()):
        for community in sorted(communities):
            add(month, community, "已核实")
    add(len(calendar.months) - 1, quality.cast.withdrawn_incident, "已撤销")
    return records, updated
