"""A city as it has landed: registers, and three months of events that came in several batches, some of them again.

`python -m benchmarks.landed_city FOLDER EVENTS` puts a lake with `EVENTS` events a month into `FOLDER/EVENTS`.
Nothing is pulled or judged here: what is measured begins with landed batches.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.events_server import COMMUNITIES, list_grids
from flows.lake import PART_ROWS_MAX, QUARANTINE_SCHEMA, Lake, Landing, arrow_schema
from flows.month import Month
from flows.schema import TABLES

MONTHS = [Month(2024, 1), Month(2024, 2), Month(2024, 3)]
"""The month judged is the last; indicators with few events sum all three."""

NOW = datetime(2024, 4, 5, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400
VALID = {"valid_from": date(2020, 1, 1), "valid_to": None}
LANDINGS = "landings.json"

CATEGORIES = {
    "comprehensive_governance": {"other": 540, "dispute": 30, "hazard_general": 22, "hazard_major": 0.5},
    "law_enforcement": {"city_case": 60, "market_case": 24, "market_hazard_general": 12, "market_hazard_major": 0.3},
    "public_service": {"service": 112, "wish": 18, "employment": 14},
}
"""How the events of a month share out: by platform and category."""

DEPARTMENTS = ["城市管理局", "市场监督管理局", "住房和城乡建设局", "人力资源和社会保障局", "司法局", None]
ANSWERS = ["satisfied", "basically_satisfied", "dissatisfied", "unreached", None]
RESENT_SHARE = 0.25
"""Events that come a second time: mostly newer, some older, some of the same instant."""

TWICE_SHARE = 0.02
"""Of those that come again, the ones that stand twice in the later batch."""

Columns = dict[str, Any]


@dataclass(frozen=True)
class LandedCity:
    """A lake and the landings that count, in order."""

    lake: Lake
    landings: Sequence[Landing]


def open_city(folder: Path) -> LandedCity:
    """The city that `land_city` put into `folder`."""
    landings = json.loads((folder / LANDINGS).read_text(encoding="utf-8"))
    return LandedCity(Lake(folder / "lake"), [Landing(**each) for each in landings])


def land_city(folder: Path, events_a_month: int) -> None:
    """Land the registers and about `events_a_month` events for each month, and note the order of the batches."""
    lake = Lake(folder / "lake")
    landings: list[Landing] = []

    def land(table: str, platform: str, slot: str, parts: Iterable[pa.Table]) -> None:
        with lake.stage(TABLES[table], platform=platform, resource=table, slot=slot) as batch:
            for part in parts:
                batch.add(part, QUARANTINE_SCHEMA.empty_table())
            manifest = batch.commit(window=None, request={}, contract={}, landed_at=NOW)
        landings.append(Landing(len(landings), manifest.batch_id, table, platform, manifest.landed_count))

    for table, rows in make_registers().items():
        land(table, "register", "all", [_number(pa.Table.from_pylist(rows), table, 0)])
    for month in MONTHS:
        for platform in CATEGORIES:
            count = round(events_a_month * _share(platform))
            for slot, make in (("first", make_first), ("again", make_again)):
                land("events", platform, f"{month} {slot}", _make_parts(make, platform, month, count))
    land("checks", "supervision", "all", [_number(pa.Table.from_pylist(make_checks(events_a_month)), "checks", 0)])
    (folder / LANDINGS).write_text(json.dumps([asdict(each) for each in landings]), encoding="utf-8")


def make_registers() -> dict[str, list[dict[str, Any]]]:
    """Communities, grids, the sheet of each month and a few incidents."""
    names = ("name", "street_code", "street_name", "district_code", "district_name")
    yes_no = {"centre_standard": True, "weak_branch": False, "secretary_under_investigation": False}
    return {
        "communities": [{"community_code": code, **dict.fromkeys(names, code[:6]), **VALID} for code in COMMUNITIES],
        "grids": [
            {"grid_code": grid, "community_code": code, "party_unit": "none" if at % 97 == 0 else "branch", **VALID}
            for code in COMMUNITIES
            for at, grid in enumerate(list_grids(code), start=int(code[-3:]))
        ],
        "branch_sheet": [
            {
                "community_code": code,
                "month": str(month),
                "meetings_required": 12,
                "meetings_held": 9 + at % 5,
                "property_covered": 6 + at % 4,
                "property_total": 10,
                **yes_no,
            }
            for month in MONTHS
            for at, code in enumerate(COMMUNITIES)
        ],
        "incidents": [
            {
                "incident_id": f"SL{at:04d}",
                "community_code": code,
                "kind": "petition",
                "occurred_on": MONTHS[-1].first_on.replace(day=1 + at),
                "status": "confirmed",
                "updated_at": NOW.replace(tzinfo=None),
            }
            for at, code in enumerate(COMMUNITIES[::10])
        ],
    }


def make_checks(events_a_month: int) -> list[dict[str, Any]]:
    """The supervision's look at one in a thousand service events of the month judged."""
    count = round(events_a_month * _share("public_service"))
    return [
        {
            "check_id": f"JD{number}",
            "platform": "public_service",
            "event_id": _name_event(MONTHS[-1], number),
            "community_code": COMMUNITIES[0],
            "finding": "false_closure" if number % 2_000 else "verified",
            "checked_at": datetime(2024, 3, 20),  # noqa: DTZ001 -- the lake holds UTC without offset
            "updated_at": datetime(2024, 3, 20),  # noqa: DTZ001
        }
        for number in range(0, count, 1_000)
    ]


def make_events(platform: str, month: Month, numbers: np.ndarray, dice: np.random.Generator) -> Columns:
    """Events as they stand in the end; instants are seconds since 1970, -1 for none."""
    count = len(numbers)
    weights = np.array(list(CATEGORIES[platform].values()))
    tier = dice.integers(1, 5, count)
    starts_at, ends_at = int(month.starts_at.timestamp()), int(month.ends_at.timestamp())
    reported = dice.integers(starts_at, ends_at, count)
    due = reported + np.array([0, 1, 4, 9, 20])[tier] * DAY
    status = dice.choice(["closed", "open", "void"], count, p=[0.985, 0.01, 0.005])
    closed = reported + (dice.beta(1.2, 3, count) * 1.3 * (due - reported)).astype(np.int64) + HOUR
    responded = reported + dice.integers(60, 26 * HOUR, count)
    is_closed = status == "closed"
    return {
        "platform": np.full(count, platform),
        "event_id": [_name_event(month, number) for number in numbers],
        "community_code": np.array(COMMUNITIES)[dice.integers(0, len(COMMUNITIES), count)],
        "grid_code": None,
        "department": np.array(DEPARTMENTS, dtype=object)[dice.integers(0, len(DEPARTMENTS), count)],
        "category": dice.choice(list(CATEGORIES[platform]), count, p=weights / weights.sum()),
        "tier": tier,
        "urgent": dice.random(count) < 0.03,
        "reported_at": reported,
        "responded_at": np.where(dice.random(count) < 0.97, responded, -1),
        "due_at": np.where(dice.random(count) < 0.875, due, -1),
        "extended_to": np.where(dice.random(count) < 0.02, due + 6 * DAY, -1),
        "closed_at": np.where(is_closed, closed, -1),
        "status": status,
        "forced_close": is_closed & (dice.random(count) < 0.001),
        "reopened": (dice.random(count) < 0.05).astype(np.int64),
        "solved": [None if at > 0.6 else at < 0.57 for at in dice.random(count)],
        "satisfaction": np.array(ANSWERS, dtype=object)[dice.integers(0, len(ANSWERS), count)],
        "updated_at": np.where(is_closed, closed, reported) + 600,
    }


def make_first(events: Columns, dice: np.random.Generator) -> pa.Table:
    """The earlier batch: every event, those that come again mostly as they stood before they were closed."""
    again = choose_again(events)
    early = again & (dice.random(len(again)) < 0.9)
    # One in ten of the early states was written later than the one that lands after it: it must win all the same.
    newer, same = early & (dice.random(len(again)) < 0.1), early & (dice.random(len(again)) < 0.1)
    updated = np.where(early, events["reported_at"] + HOUR, events["updated_at"])
    updated = np.where(newer, events["updated_at"] + DAY, np.where(same, events["updated_at"], updated))
    return _to_arrow(
        {
            **events,
            "status": np.where(early, "open", events["status"]),
            "closed_at": np.where(early, -1, events["closed_at"]),
            "extended_to": np.where(early, -1, events["extended_to"]),
            "forced_close": events["forced_close"] & ~early,
            "updated_at": updated,
        }
    )


def make_again(events: Columns, dice: np.random.Generator) -> pa.Table:
    """The later batch: the events that come again as they stand in the end, some of them twice."""
    rows = np.flatnonzero(choose_again(events))
    twice = rows[dice.random(len(rows)) < TWICE_SHARE]
    final = _to_arrow(events)
    return pa.concat_tables([final.take(twice), final.take(rows)])


def choose_again(events: Columns) -> np.ndarray:
    """Which events come again: the same ones whichever batch asks."""
    return (events["reported_at"] * 7 + events["tier"]) % 100 < RESENT_SHARE * 100


def _make_parts(
    make: Callable[[Columns, np.random.Generator], pa.Table], platform: str, month: Month, count: int
) -> Iterable[pa.Table]:
    written = 0
    for part, first in enumerate(range(0, count, PART_ROWS_MAX)):
        seed = [list(CATEGORIES).index(platform), month.number, part]
        events = make_events(
            platform, month, np.arange(first, min(first + PART_ROWS_MAX, count)), np.random.default_rng(seed)
        )
        rows = make(events, np.random.default_rng([*seed, 1]))
        yield _number(rows, "events", written)
        written += rows.num_rows


def _to_arrow(events: Columns) -> pa.Table:
    count = len(events["event_id"])
    columns = []
    for field in arrow_schema(TABLES["events"]):
        if field.name == "record_no":
            continue
        values = events[field.name]
        if values is None:
            columns.append(pa.nulls(count, field.type))
        elif pa.types.is_timestamp(field.type):
            seconds = np.asarray(values)
            columns.append(pa.array(seconds * 1_000_000, pa.int64(), mask=seconds < 0).cast(field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.table(columns, [name for name in arrow_schema(TABLES["events"]).names if name != "record_no"])


def _number(rows: pa.Table, table: str, first: int) -> pa.Table:
    numbered = rows.append_column("record_no", pa.array(range(first, first + rows.num_rows), pa.int64()))
    return numbered.select(arrow_schema(TABLES[table]).names).cast(arrow_schema(TABLES[table]))


def _name_event(month: Month, number: int) -> str:
    return f"SJ{month.year}{month.number:02d}{number:08d}"


def _share(platform: str) -> float:
    total = sum(sum(each.values()) for each in CATEGORIES.values())
    return sum(CATEGORIES[platform].values()) / total


if __name__ == "__main__":
    land_city(Path(sys.argv[1]) / sys.argv[2], int(sys.argv[2]))
