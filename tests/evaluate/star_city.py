"""A tiny city for tests: rows with sensible defaults, and the shipped policy."""

from dataclasses import replace
from datetime import date, datetime
from functools import cache
from itertools import count
from pathlib import Path

from memory_view import make_table

from flows.calendar import CityCalendar
from flows.evaluate.counts import count_events
from flows.evaluate.scheme import read_scheme
from flows.month import CITY_OFFSET, Month
from flows.policy import load_policy
from flows.results import Community
from flows.schema import TABLES

POLICY_FOLDER = Path(__file__).parents[2] / "config" / "policy"
MARCH = Month(2024, 3)
"""The month under test: judged at 2024-04-03 00:00 in the city (policy §1)."""

HOME = "410202001001"
NEIGHBOUR = "410202001002"

SOURCES = ("comprehensive_governance", "law_enforcement", "public_service", "supervision", "sheets")
ALL_PRESENT = dict.fromkeys(SOURCES, True)

_numbers = count(1)


@cache
def shipped_policy():
    return load_policy(POLICY_FOLDER)


@cache
def scheme():
    return read_scheme(shipped_policy().at(MARCH.last_on))


def change_leaf(leaves, path, value):
    """The policy's leaves with one value changed from its start on."""
    leaf = leaves[path]
    return {**leaves, path: replace(leaf, entries=(replace(leaf.entries[0], value=value),))}


def rule(name):
    return next(each for each in scheme().indicators if each.name == name)


def city_time(text):
    """The instant that the city's clock shows as `text`, as the lake holds it: UTC without offset."""
    return datetime.fromisoformat(text) - CITY_OFFSET


def event(**changes):
    """A service event of tier 2, due on 2024-03-15 12:00, closed an hour early; instants are written in city time."""
    row = {
        "platform": "public_service",
        "event_id": f"e{next(_numbers)}",
        "community_code": HOME,
        "grid_code": None,
        "department": None,
        "category": "service",
        "tier": 2,
        "urgent": False,
        "reported_at": "2024-03-14 12:00:00",
        "responded_at": None,
        "due_at": "2024-03-15 12:00:00",
        "extended_to": None,
        "closed_at": "2024-03-15 11:00:00",
        "status": "closed",
        "forced_close": False,
        "reopened": 0,
        "solved": None,
        "satisfaction": None,
        "updated_at": "2024-04-05 00:00:00",
    }
    return _shift("events", {**row, **changes})


def check(**changes):
    row = {
        "check_id": f"c{next(_numbers)}",
        "platform": "public_service",
        "event_id": "e1",
        "community_code": HOME,
        "finding": "false_closure",
        "checked_at": "2024-03-20 09:00:00",
        "updated_at": "2024-03-20 09:00:00",
    }
    return _shift("checks", {**row, **changes})


def incident(**changes):
    row = {
        "incident_id": f"i{next(_numbers)}",
        "community_code": HOME,
        "kind": "accident",
        "occurred_on": date(2024, 3, 10),
        "status": "confirmed",
        "updated_at": "2024-03-20 09:00:00",
    }
    return _shift("incidents", {**row, **changes})


def grid(**changes):
    row = {
        "grid_code": f"g{next(_numbers)}",
        "community_code": HOME,
        "party_unit": "branch",
        "valid_from": date(2020, 1, 1),
        "valid_to": None,
    }
    return {**row, **changes}


def sheet(**changes):
    row = {
        "community_code": HOME,
        "month": "2024-03",
        "meetings_required": 4,
        "meetings_held": 4,
        "centre_standard": True,
        "property_covered": 10,
        "property_total": 10,
        "weak_branch": False,
        "secretary_under_investigation": False,
    }
    return {**row, **changes}


def community_row(code=HOME, **changes):
    row = {
        "community_code": code,
        "name": "某社区",
        "street_code": code[:9],
        "street_name": "某街道",
        "district_code": code[:6],
        "district_name": "某区",
        "valid_from": date(2020, 1, 1),
        "valid_to": None,
    }
    return {**row, **changes}


def community(code=HOME, district_code="410202"):
    return Community(code, "某社区", code[:9], "某街道", district_code, "某区")


def count_home(events, category="service", *, month=MARCH, in_month=None, calendar=None, by=None):
    """The home community's event counts of one category in `in_month` (default: the month judged)."""
    counts = count_events(make_table("events", events), by or scheme(), calendar or CityCalendar(), month)
    return counts.get((HOME, in_month or month, category))


def _shift(table, row):
    instants = {column.name for column in TABLES[table].columns if column.kind == "instant"}
    return {name: city_time(value) if name in instants and value else value for name, value in row.items()}
