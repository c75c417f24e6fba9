"""A case's facts of communities as rows of the canonical tables: what a case leaves out takes a sensible default."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from case_words import (
    CHECK,
    COMMUNITY_FACTS,
    EVENT,
    GRID,
    INCIDENT,
    NOTHING,
    OTHERWISE,
    REGISTERED,
    SHEET,
    Place,
    check_keys,
    one_of,
    read_list,
    read_mapping,
    read_value,
)

from flows.month import CITY_OFFSET, Month
from flows.schema import CATEGORIES

Row = dict[str, Any]
PLATFORMS = {
    "dispute": "comprehensive_governance",
    "hazard_general": "comprehensive_governance",
    "hazard_major": "comprehensive_governance",
    "other": "comprehensive_governance",
    "city_case": "law_enforcement",
    "market_case": "law_enforcement",
    "market_hazard_general": "law_enforcement",
    "market_hazard_major": "law_enforcement",
}
DUE_DAY, NOON = 15, time(12)
ELSEWHERE = "419999999999"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WELL_HANDLED = {"responded": "in_time", "solved": True, "satisfaction": "satisfied", "count": 10}


@dataclass
class CommunityRows:
    """The rows of one community, by canonical table."""

    code: str
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: str, row: Row) -> None:
        self.tables.setdefault(table, []).append(row)


def make_rows(facts: Mapping[str, Any], code: str, month: Month, place: Place) -> CommunityRows:
    """The rows that a community's facts mean; `code` is the community's. Raises `CaseError`."""
    facts = check_keys(facts, COMMUNITY_FACTS, place)
    all_well = read_value(facts.get("otherwise", "nothing"), one_of(*OTHERWISE), place.inside("otherwise"))
    well = all_well == "all_well"
    rows = CommunityRows(code)
    registered = read_mapping(facts.get("registered", {}), REGISTERED, place.inside("registered"))
    rows.add("communities", {**_name_community(code), **registered})
    _add_events(rows, facts.get("events", []), month, place.inside("events"), well=well)
    grids = read_list(facts.get("grids", [{}] if well else []), GRID, place.inside("grids"))
    for row in _repeat(grids):
        number = len(rows.tables.get("grids", [])) + 1
        rows.add("grids", {**_GRID, "grid_code": f"{code}{number:03d}", "community_code": code, **row})
    if facts.get("sheet") not in NOTHING and (well or "sheet" in facts):
        given = read_mapping(facts.get("sheet", {}), SHEET, place.inside("sheet"))
        sheet_month = str(given.pop("month", month))
        rows.add("branch_sheet", {**_SHEET, "community_code": code, "month": sheet_month, **given})
    _add_checks(rows, facts.get("checks", []), month, place.inside("checks"))
    for number, given in enumerate(read_list(facts.get("incidents", []), INCIDENT, place.inside("incidents"))):
        row = {"kind": "accident", "occurred_on": _day(month, DUE_DAY), "status": "confirmed", **given}
        dated = {"incident_id": f"{code}-{number}", "community_code": code, "updated_at": _written_at(month)}
        rows.add("incidents", {**row, **dated})
    return rows


_GRID = {"party_unit": "branch", "valid_from": date(2020, 1, 1), "valid_to": None}
_SHEET = {
    "meetings_required": 4,
    "meetings_held": 4,
    "centre_standard": True,
    "property_covered": 10,
    "property_total": 10,
    "weak_branch": False,
    "secretary_under_investigation": False,
}


def _add_events(rows: CommunityRows, value: Any, month: Month, place: Place, *, well: bool) -> None:
    given = read_list(value, EVENT, place)
    named = {each.get("category") for each in given}
    if well:
        for category in CATEGORIES:
            if category not in (*named, "other"):
                for row in _repeat([{"category": category, **WELL_HANDLED}]):
                    _add_event(rows, row, month, place)
    for number, each in enumerate(given, 1):
        here = place.inside(f"[{number}]")
        if "category" not in each:
            here.refuse("key 'category' is missing. It says what kind of event this is; add it.")
        if "id" in each and each.get("count", 1) != 1:
            here.refuse("id and count stand together. An id names one event; remove one of them.")
        for row in _repeat([each]):
            _add_event(rows, row, month, here)


def _add_event(rows: CommunityRows, given: Mapping[str, Any], month: Month, place: Place) -> None:
    number = len(rows.tables.get("events", [])) + 1
    category = given["category"]
    due_at = given["due_at"] if "due_at" in given else _at(given.get("due_in", month), DUE_DAY)
    reported_at = given.get("reported_at") or (due_at or _at(month, DUE_DAY)) - DAY
    deadline_at = given.get("extended_to") or due_at
    if deadline_at is not None and deadline_at < reported_at:
        place.refuse(f"it was reported at {reported_at}, after its deadline {deadline_at}. Say reported_at.")
    closed_at = _close(given, reported_at, deadline_at, place)
    rows.add(
        "events",
        {
            "platform": PLATFORMS.get(category, "public_service"),
            "event_id": f"{rows.code}-{given.get('id', number)}",
            "community_code": rows.code,
            "grid_code": None,
            "department": None,
            "category": category,
            "tier": given.get("tier", 2),
            "urgent": given.get("urgent", False),
            "reported_at": to_utc(reported_at),
            "responded_at": to_utc(_respond(given, reported_at)),
            "due_at": to_utc(due_at),
            "extended_to": to_utc(given.get("extended_to")),
            "closed_at": to_utc(closed_at),
            "status": given.get("status", "open" if closed_at is None else "closed"),
            "forced_close": given.get("forced_close", False),
            "reopened": given.get("reopened", 0),
            "solved": given.get("solved"),
            "satisfaction": given.get("satisfaction"),
            "updated_at": _written_at(month),
        },
    )


def _close(given: Mapping[str, Any], reported_at: datetime, deadline_at: datetime | None, place: Place) -> Any:
    """When the event was closed: as stated, or an hour after it was reported, or an hour after its deadline."""
    if "closed_at" in given:
        if "closed" in given:
            place.refuse("closed and closed_at stand together. They may contradict each other; remove one of them.")
        return given["closed_at"]
    closed = given.get("closed", "on_time")
    if closed == "never":
        return None
    if closed == "on_time":
        closed_at = reported_at + HOUR
        if deadline_at is not None and closed_at > deadline_at:
            place.refuse(f"its deadline {deadline_at} is within an hour of its report. Say closed_at.")
        return closed_at
    if deadline_at is None:
        place.refuse("closed is 'late', but nobody set a deadline that it could be later than. Say closed_at.")
    return deadline_at + HOUR


def _respond(given: Mapping[str, Any], reported_at: datetime) -> datetime | None:
    """When somebody responded: as stated, or an hour after the report (in time) or 25 hours after it (late)."""
    if "responded_at" in given:
        stated: datetime | None = given["responded_at"]
        return stated
    waits = {"in_time": HOUR, "late": DAY + HOUR}
    responded = given.get("responded", "never")
    return reported_at + waits[responded] if responded in waits else None


def _add_checks(rows: CommunityRows, value: Any, month: Month, place: Place) -> None:
    """Checks: `category` spreads them over the community's events of that kind, `event` puts all on one."""
    events = rows.tables.get("events", [])
    for number, given in enumerate(read_list(value, CHECK, place), 1):
        here = place.inside(f"[{number}]")
        if ("category" in given) == ("event" in given):
            here.refuse("say either category (any events of that kind) or event (the id of one).")
        count = given.get("count", 1)
        if "event" in given:
            event_id = f"{rows.code}-{given['event']}"
            found = [row for row in events if row["event_id"] == event_id]
            targets = (found or [{"platform": "public_service", "event_id": event_id}]) * count
        else:
            targets = [row for row in events if row["category"] == given["category"]][:count]
            if len(targets) < count:
                here.refuse(f"{count} checks, but only {len(targets)} events of {given['category']} to be checked.")
        for target in targets:
            checked_at = given.get("checked_at") or _at(month, DUE_DAY + 1)
            rows.add(
                "checks",
                {
                    "check_id": f"{rows.code}-{len(rows.tables.get('checks', []))}",
                    "platform": target["platform"],
                    "event_id": target["event_id"],
                    "community_code": ELSEWHERE if given.get("elsewhere") else rows.code,
                    "finding": given.get("finding", "false_closure"),
                    "checked_at": to_utc(checked_at),
                    "updated_at": _written_at(month),
                },
            )


def to_utc(at: datetime | None) -> datetime | None:
    """The city's clock as the lake holds it: UTC without offset."""
    return None if at is None else at - CITY_OFFSET


def _name_community(code: str) -> Row:
    return {
        "community_code": code,
        "name": "某社区",
        "street_code": code[:9],
        "street_name": "某街道",
        "district_code": code[:6],
        "district_name": "某区",
        "valid_from": date(2020, 1, 1),
        "valid_to": None,
    }


def _repeat(given: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Each mapping as often as its `count` says, without it."""
    for each in given:
        for _ in range(each.get("count", 1)):
            yield {key: value for key, value in each.items() if key != "count"}


def _day(month: Month, number: int) -> date:
    return month.first_on.replace(day=number)


def _at(month: Month, number: int) -> datetime:
    return datetime.combine(_day(month, number), NOON)


def _written_at(month: Month) -> datetime:
    return datetime.combine(month.plus(1).first_on, NOON) + 5 * DAY
