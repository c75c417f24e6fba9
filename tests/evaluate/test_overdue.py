"""Open events past their deadline up the ladder: each side of every limit of policy §6, on each engine."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from memory_view import MemoryView
from star_city import HOME, NEIGHBOUR, change_leaf, community_row, event, shipped_policy

from flows.calendar import CityCalendar
from flows.evaluate.overdue import find_backlogs, read_ladder
from flows.lake import QUARANTINE_SCHEMA, Lake, Landing, arrow_schema
from flows.month import CITY_OFFSET
from flows.policy import Policy
from flows.schema import TABLES

NOW = datetime(2024, 4, 9, 7, 30, tzinfo=UTC) - CITY_OFFSET
"""A Tuesday, 07:30 in the city."""

OTHER_STREET = "410202002001"


def read(**changes):
    """The shipped ladder, some values of `five_star.alerts` changed."""
    leaves = shipped_policy().leaves
    for name, value in changes.items():
        leaves = change_leaf(leaves, f"five_star.alerts.{name}", value)
    return read_ladder(Policy(leaves).at(date(2024, 4, 9)))


def past(hours, seconds=0, **changes):
    """An open event that is so long past its deadline; negative, it has as long left."""
    due_at = NOW + CITY_OFFSET - timedelta(hours=hours, seconds=seconds)
    row = {"status": "open", "closed_at": None, "reported_at": "2024-01-02 12:00:00", **changes}
    return event(due_at=due_at.replace(tzinfo=None).isoformat(sep=" "), **row)


def find(events, communities=None, ladder=None):
    view = MemoryView(events=events, communities=communities or [community_row(), community_row(NEIGHBOUR)])
    found = find_backlogs(view, ladder or read(), CityCalendar(), NOW)
    return {(unit.tier, unit.unit_code): unit for unit in found.units}


def list_tiers(event_row):
    return {tier for tier, _ in find([event_row])}


# Both sides of each limit


@pytest.mark.parametrize(
    ("hours", "seconds", "tiers"),
    [
        (0, 1, {"community"}),
        (24, 0, {"community"}),
        (24, 1, {"community", "street"}),
        (72, 0, {"community", "street"}),
        (72, 1, {"community", "street", "district"}),
    ],
)
def test_each_tier_is_told_of_what_is_past_by_more_than_its_hours(hours, seconds, tiers):
    # Policy §6: community any, street past by > 24 h, district past by > 72 h.
    assert list_tiers(past(hours, seconds)) == tiers


@pytest.mark.parametrize(
    ("hours", "seconds", "counts"),
    [
        # At the very deadline nothing is past, so it is still due soon.
        (0, 1, (1, 0)),
        (0, 0, (0, 1)),
        (-24, 0, (0, 1)),
        (-24, -1, None),
    ],
)
def test_a_community_is_told_of_what_is_due_within_24_hours(hours, seconds, counts):
    units = find([past(hours, seconds)])
    assert list(units) == ([] if counts is None else [("community", HOME)])
    if counts is not None:
        unit = units["community", HOME]
        assert (unit.overdue_count, unit.due_soon_count) == counts
        assert [each.is_overdue for each in unit.worst] == [counts[0] == 1]


def test_the_hours_are_those_of_the_policy():
    ladder = read(community_overdue_hours=2, street_overdue_hours=5, district_overdue_hours=7, due_soon_hours=3)
    events = [past(2), past(2, 1), past(5), past(5, 1), past(7), past(7, 1), past(-3), past(-3, -1)]
    units = find(events, ladder=ladder)
    # Past by more than 2 h: all but the first of the overdue, so 5; due within 3 h: one of two.
    assert [(unit.tier, unit.overdue_count, unit.due_soon_count) for unit in units.values()] == [
        ("community", 5, 1),
        ("street", 3, 0),
        ("district", 1, 0),
    ]


# What is open


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({"status": "open"}, True),
        # A reopened case is open, whatever its old closed_at (policy §1).
        ({"status": "open", "closed_at": "2024-04-01 12:00:00"}, True),
        ({"status": "closed", "closed_at": "2024-04-08 12:00:00"}, False),
        ({"status": "closed", "closed_at": "2024-04-08 12:00:00", "forced_close": True}, False),
        ({"status": "void"}, False),
        ({"category": "other"}, True),
    ],
)
def test_an_event_is_open_unless_it_is_closed_or_void(changes, is_told):
    assert bool(find([past(1, **changes)])) is is_told


def test_an_extension_counts_and_no_deadline_of_the_platform_means_the_tiers_limit():
    told = find(
        [
            past(100, extended_to="2024-04-11 12:00:00"),
            # Tier 2, reported on Monday 1 April: 3 working days are 2 and 3 April and, after Qingming (4 to 6) and
            # the make-up day, Sunday 7 April. 23:59:59 of it is 31 h 30 m 01 s before the look.
            event(event_id="a", status="open", closed_at=None, due_at=None, reported_at="2024-04-01 09:00:00"),
            # Urgent: 24 h.
            event(
                event_id="b", status="open", closed_at=None, due_at=None, urgent=True,
                reported_at="2024-04-08 07:29:59",
            ),
            # Tier 4, reported on 1 April: 15 working days lead well beyond.
            event(
                event_id="c", status="open", closed_at=None, due_at=None, tier=4,
                reported_at="2024-04-01 09:00:00",
            ),
        ]
    )  # fmt: skip
    assert [each.event_id for each in told["community", HOME].worst] == ["a", "b"]
    assert told["community", HOME].worst[0].deadline_at == datetime(2024, 4, 7, 15, 59, 59, tzinfo=UTC)
    assert [each.event_id for each in told["street", HOME[:9]].worst] == ["a"]


def test_one_event_of_a_mistyped_year_keeps_no_digest_back():
    old = event(event_id="old", status="open", closed_at=None, due_at=None, reported_at="1999-12-01 09:00:00")
    told = find([past(1, event_id="a"), old])
    assert [each.event_id for each in told["community", HOME].worst] == ["a"]


# Worst first, ten rows, then a count


def test_the_worst_ten_are_listed_and_all_are_counted():
    events = [past(hours, event_id=f"e{hours:02}") for hours in range(1, 12)] + [past(-1), past(-2)]
    unit = find(events)["community", HOME]
    assert [each.event_id for each in unit.worst] == [f"e{hours:02}" for hours in range(11, 1, -1)]
    assert (unit.overdue_count, unit.due_soon_count) == (11, 2)


def test_what_is_due_soon_follows_what_is_overdue_the_nearest_first():
    unit = find([past(-5, event_id="c"), past(-1, event_id="b"), past(3, event_id="a")])["community", HOME]
    assert [(each.event_id, each.is_overdue) for each in unit.worst] == [("a", True), ("b", False), ("c", False)]


def test_events_of_one_deadline_come_by_platform_and_number():
    rows = [
        past(30, event_id="2"),
        past(30, event_id="1"),
        past(30, event_id="3", platform="law_enforcement"),
    ]
    for events in (rows, rows[::-1]):
        assert [each.event_id for each in find(events)["street", HOME[:9]].worst] == ["3", "1", "2"]


# Whose it is


def test_each_unit_is_told_of_its_own_alone():
    communities = [community_row(), community_row(NEIGHBOUR), community_row(OTHER_STREET)]
    events = [
        past(80, event_id="a"),
        past(30, event_id="b", community_code=NEIGHBOUR),
        past(90, event_id="c", community_code=OTHER_STREET),
    ]
    units = find(events, communities)
    assert {key: [each.event_id for each in unit.worst] for key, unit in units.items()} == {
        ("community", HOME): ["a"],
        ("community", NEIGHBOUR): ["b"],
        ("community", OTHER_STREET): ["c"],
        ("street", HOME[:9]): ["a", "b"],
        ("street", OTHER_STREET[:9]): ["c"],
        ("district", HOME[:6]): ["c", "a"],
    }


@pytest.mark.parametrize(("valid_to", "has_secretary"), [(date(2024, 4, 9), True), (date(2024, 4, 8), False)])
def test_what_a_dissolved_community_left_is_told_to_its_street_and_district(valid_to, has_secretary):
    tiers = {tier for tier, _ in find([past(100)], [community_row(valid_to=valid_to)])}
    assert tiers == {"street", "district"} | ({"community"} if has_secretary else set())


def test_a_community_stands_where_its_latest_row_that_has_begun_puts_it():
    communities = [
        community_row(street_code="s1", valid_to=date(2024, 3, 31)),
        community_row(street_code="s2", name="新名", valid_from=date(2024, 4, 9)),
        community_row(street_code="s3", valid_from=date(2024, 4, 10)),
    ]
    units = find([past(30)], communities)
    assert list(units) == [("community", HOME), ("street", "s2")]
    assert units["community", HOME].worst[0].community_name == "新名"


def test_nobody_is_told_where_there_is_nothing():
    assert find([]) == {}
    assert find([past(1, status="void")]) == {}


# Each engine


def test_each_engine_finds_the_same(tmp_path, engines):
    rows = {
        "communities": [community_row(), community_row(NEIGHBOUR)],
        "events": [
            past(hours / 4, place, community_code=(HOME, NEIGHBOUR)[place], event_id=f"e{hours}-{place}")
            for hours in range(-120, 320, 3)
            for place in (0, 1)
        ],
    }
    lake = Lake(tmp_path / "lake")
    landings = [land(lake, number, name, table) for number, (name, table) in enumerate(rows.items(), start=1)]
    found = {}
    for name, open_engine in engines.items():
        with lake.view(landings, tmp_path / "scratch", open_engine) as view:
            found[name] = find_backlogs(view, read(), CityCalendar(), NOW)
    assert {unit.tier for unit in found["duckdb"].units} == {"community", "street", "district"}
    assert found["spark"] == found["duckdb"]


def land(lake, number, table, rows):
    numbered = [{**row, "record_no": place} for place, row in enumerate(rows)]
    with lake.stage(TABLES[table], platform="p", resource=table, slot="s") as staged:
        staged.add(pa.Table.from_pylist(numbered, arrow_schema(TABLES[table])), QUARANTINE_SCHEMA.empty_table())
        batch = staged.commit(window=None, request={}, contract={}, landed_at=NOW)
    return Landing(number, batch.batch_id, table, "p", len(rows))
