"""Writes what the four platforms hold: every feed that a server answers from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from flows.sandbox.arrays import Array
from flows.sandbox.blemishes import add_versions, spoil_rows
from flows.sandbox.categories import CATEGORIES, GOVERNANCE, LAW, SERVICE, SUPERVISION
from flows.sandbox.events import EventTable, invent_events, join_events
from flows.sandbox.feeds import Columns, name_values, write_feed, write_small_feed
from flows.sandbox.party import FOUNDED_ON, list_grids
from flows.sandbox.places import Places
from flows.sandbox.quality import Quality
from flows.sandbox.records import ID_PREFIXES, RENDERERS, Names, collect_names, write_event_ids
from flows.sandbox.supervision import SECONDS_TO_LIST, Checks, check_events, list_incidents
from flows.sandbox.timeline import Calendar

PLATFORM_TITLES = {GOVERNANCE: "综合治理", LAW: "执法监管", SERVICE: "便民服务"}
PLATFORM_OF_CATEGORY = np.array([list(ID_PREFIXES).index(category.platform) for category in CATEGORIES])


Progress = Callable[[str], None]


def write_platforms(
    folder: Path, places: Places, quality: Quality, calendar: Calendar, *, scale: str, seed: int, progress: Progress
) -> dict[str, int]:
    """Write every feed below `folder`; how many records each holds, by `platform/resource`."""
    for platform in (*ID_PREFIXES, SUPERVISION):
        (folder / platform).mkdir(parents=True, exist_ok=True)
    names = collect_names(places, calendar)
    pieces: dict[str, list[EventTable]] = {platform: [] for platform in ID_PREFIXES}
    checks: list[tuple[EventTable, Checks]] = []
    for month, title in enumerate(calendar.months):
        events = invent_events(places, quality, calendar, month, scale=scale, seed=seed)
        found = check_events(events, quality, calendar, month, seed)
        checks.append((events.take(found.rows), found))
        platform_of = PLATFORM_OF_CATEGORY[events["category"]]
        events = spoil_rows(events, places.count, seed, month, spared=quality.cast.everyone)
        for number, platform in enumerate(ID_PREFIXES):
            pieces[platform].append(events.take(platform_of == number))
        progress(f"{title}: {len(events):,} events")
    counts = {f"{SUPERVISION}/checks": write_checks(folder / SUPERVISION / "checks", checks, names)}
    for platform in ID_PREFIXES:
        events = join_events(pieces.pop(platform))
        if platform == SERVICE:
            events = add_versions(events, calendar, seed)
        counts[f"{platform}/events"] = write_events(folder / platform / "events", platform, events, names)
        progress(f"{platform}: {counts[f'{platform}/events']:,} event records written")
    counts |= write_registers(folder / GOVERNANCE, places, quality, seed)
    incidents, updated = list_incidents(places, quality, calendar, seed)
    counts[f"{GOVERNANCE}/incidents"] = write_small_feed(folder / GOVERNANCE / "incidents", incidents, updated)
    return counts


def write_events(path: Path, platform: str, events: EventTable, names: Names) -> int:
    """Write one platform's events by update time; how many records."""
    order = np.lexsort((events["sequence"], events["month"], events["updated"]))
    render = RENDERERS[platform]
    return write_feed(path, order, events["updated"][order], lambda rows: render(events.take(rows), names))


def write_checks(path: Path, checks: list[tuple[EventTable, Checks]], names: Names) -> int:
    """Write the findings by update time, with two on events that nobody knows; how many records."""
    events = join_events([table for table, _ in checks])
    findings = np.concatenate([found.findings for _, found in checks])
    checked = np.concatenate([found.checked for _, found in checks])
    platform_of = PLATFORM_OF_CATEGORY[events["category"]]
    numbers = np.arange(1, len(events) + 1)
    order = np.lexsort((numbers, checked))
    ids = np.empty(len(events), dtype=object)
    for number, platform in enumerate(ID_PREFIXES):
        rows = np.flatnonzero(platform_of == number)
        ids[rows] = write_event_ids(platform, names, events["month"][rows], events["sequence"][rows])
    ids[order[-2:]] = ["ZZ000000000001", "ZF000000000002"]

    def render(rows: Array) -> Columns:
        moments = checked[rows].astype(np.int64) * 1000
        return {
            "check_no": [f"JD{n:08d}" for n in numbers[rows].tolist()],
            "source_platform": name_values(list(PLATFORM_TITLES.values()), platform_of[rows]),
            "source_id": ids[rows].tolist(),
            "community": name_values(names.communities, events["community"][rows]),
            "result": name_values(["属实", "虚假办结", "需返工"], findings[rows]),
            "checked_ts": moments.tolist(),
            "modified_ts": (moments + SECONDS_TO_LIST * 1000).tolist(),
        }

    return write_feed(path, order, checked[order] + SECONDS_TO_LIST, render)


def write_registers(folder: Path, places: Places, quality: Quality, seed: int) -> dict[str, int]:
    """Write the registers of communities and grids, whole; how many records each holds."""
    communities: list[dict[str, object]] = [
        {
            "communityCode": place.code,
            "communityName": place.name,
            "streetCode": place.street_code,
            "streetName": place.street_name,
            "areaCode": place.national_district_code,
            "areaName": place.national_district_name,
            "validFrom": FOUNDED_ON,
            "validTo": None,
            "remark": None,
        }
        for place in places.communities
    ]
    grids = list_grids(places, quality, seed)
    return {
        f"{GOVERNANCE}/communities": write_small_feed(folder / "communities", communities, [0] * len(communities)),
        f"{GOVERNANCE}/grids": write_small_feed(folder / "grids", grids, [0] * len(grids)),
    }
