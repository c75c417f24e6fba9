"""Counts are the same whatever counts them: invented events, each instant on a limit or beside it (policy §1)."""

import random
from datetime import date, timedelta

import pyarrow as pa
import pytest
from star_city import HOME, MARCH, NEIGHBOUR, check, event, scheme

from flows.calendar import CityCalendar
from flows.evaluate.counts import count_events, count_false_closures
from flows.evaluate.deadlines import to_naive
from flows.lake import QUARANTINE_SCHEMA, Lake, Landing, arrow_schema
from flows.month import start_of_day
from flows.schema import CATEGORIES, SATISFACTIONS, TABLES

EVENT_COUNT = 2000
# Around the three months that count, their cutoffs, and the limits of events reported at midnight.
DAYS = [date(2023, 12, 29), date(2024, 1, 1), date(2024, 1, 3), date(2024, 2, 1), date(2024, 2, 3), date(2024, 2, 29)]
DAYS += [date(2024, 3, 1), date(2024, 3, 3), date(2024, 3, 26), date(2024, 3, 31), date(2024, 4, 1), date(2024, 4, 3)]
STEPS = [timedelta(microseconds=-1), timedelta(), timedelta(microseconds=1)]
LIMITS = [timedelta(hours=hours) for hours in (0, 2, 8, 24)]


def invent_instant(dice):
    """A midnight of the city, or so many hours later, or a microsecond beside that; as the lake holds it."""
    return to_naive(start_of_day(dice.choice(DAYS))) + dice.choice(LIMITS) + dice.choice(STEPS)


def invent_event(dice):
    instants = {
        name: dice.choice([None, invent_instant(dice)])
        for name in ("responded_at", "due_at", "extended_to", "closed_at")
    }
    return {
        **event(),
        **instants,
        "community_code": dice.choice([HOME, NEIGHBOUR]),
        "category": dice.choice(CATEGORIES),
        "tier": dice.randint(1, 4),
        "urgent": dice.random() < 0.2,
        "reported_at": invent_instant(dice),
        "status": dice.choice(["open", "closed", "closed", "closed", "void"]),
        "forced_close": dice.random() < 0.1,
        "reopened": dice.choice([0, 0, 1, 2]),
        "solved": dice.choice([None, False, True]),
        "satisfaction": dice.choice([None, *SATISFACTIONS]),
    }


@pytest.fixture(scope="module")
def landed(tmp_path_factory):
    """A lake with invented events and checks on some of them, and what landed."""
    dice = random.Random(4)
    events = [invent_event(dice) for _ in range(EVENT_COUNT)]
    named = [dice.choice(events)["event_id"] for _ in range(200)] + ["unknown"]
    checks = [{**check(event_id=each), "checked_at": invent_instant(dice)} for each in named]
    lake = Lake(tmp_path_factory.mktemp("lake"))
    return lake, [land(lake, 1, "events", events), land(lake, 2, "checks", checks)]


def land(lake, number, table, rows):
    numbered = [{**row, "record_no": place} for place, row in enumerate(rows)]
    with lake.stage(TABLES[table], platform="p", resource=table, slot="s") as staged:
        staged.add(pa.Table.from_pylist(numbered, arrow_schema(TABLES[table])), QUARANTINE_SCHEMA.empty_table())
        batch = staged.commit(window=None, request={}, contract={}, landed_at=start_of_day(date(2024, 4, 3)))
    return Landing(number, batch.batch_id, table, "p", len(rows))


def count_by(landed, scratch, open_engine):
    lake, landings = landed
    with lake.view(landings, scratch, open_engine) as view:
        events, checks = view.table("events"), view.table("checks")
        return (
            count_events(events, scheme(), CityCalendar(), MARCH),
            count_false_closures(checks, events, scheme(), MARCH),
        )


def test_an_event_on_a_limit_or_beside_it_counts_alike_on_each_engine(landed, tmp_path, engines):
    found = {name: count_by(landed, tmp_path, open_engine) for name, open_engine in engines.items()}
    events, false_closures = found["duckdb"]
    assert sum(each.due for each in events.values()) > EVENT_COUNT / 4
    assert sum(false_closures.values()) > 10
    assert found["spark"] == found["duckdb"]
