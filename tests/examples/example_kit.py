"""The examples of other places' exports, landed by the command line, and what must have come of them."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import city_runs
import civic_files as civic

from flows.ingest.rejected.quarantine import QuarantinedRow, read_quarantine

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Landed:
    """What one example made of the export in a folder."""

    answer: city_runs.Answer
    rows: list[dict[str, Any]]
    rejected: list[QuarantinedRow]
    source: list[dict[str, str]]
    """The export as Python's own reader gives it; nothing for the one with a preamble."""


def land_example(name: str, table: str, exports: Path, home: Path) -> Landed:
    """`fivestar ingest` with the example's configuration, which holds no policy."""
    config = EXAMPLES / name
    with city_runs.set_environment({"CIVIC_FOLDER": str(exports)}):
        answer = city_runs.run_fivestar("ingest", "--config", str(config), "--home", str(home))
    with city_runs.Home(home, config).open() as house:
        with house.view() as view:
            rows = view.table(table).to_pyarrow().to_pylist()
        rejected = list(read_quarantine(house))
    return Landed(answer, rows, rejected, _read_source(name, exports))


def _read_source(name: str, exports: Path) -> list[dict[str, str]]:
    patterns = {"los-angeles": "myla311-*.csv", "new-york": "nyc311-*.csv"}
    if name not in patterns:
        return []
    [file] = exports.glob(patterns[name])
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_time(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant in UTC without offset; nothing for nothing."""
    if not text:
        return None
    return datetime.strptime(text, civic.FORM).replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def check_los_angeles(landed: Landed) -> None:
    """All of it but the 12 rows closed before they were created; the service day ends in Los Angeles."""
    assert landed.answer.code == 0, landed.answer.err
    assert landed.answer.out == "los_angeles/events: complete, 9999 received, 9987 landed, 12 rejected\n"
    assert "due_before_reported:due_at in 1303 rows, which were kept." in landed.answer.err
    assert "new field" not in landed.answer.err

    closed_before = {
        row["SRNumber"]
        for row in landed.source
        if row["ClosedDate"]
        and read_time(row["ClosedDate"], LOS_ANGELES) < read_time(row["CreatedDate"], LOS_ANGELES)  # type: ignore[operator]
    }
    assert len(closed_before) == civic.LA_CLOSED_BEFORE
    assert {row.row_key for row in landed.rejected} == {f"los_angeles|{number}" for number in closed_before}
    assert {row.reasons for row in landed.rejected} == {("before_reported:closed_at",)}

    events = {row["event_id"]: row for row in landed.rows}
    assert len(events) == civic.LA_ROWS - civic.LA_CLOSED_BEFORE
    for row in landed.source:
        if row["SRNumber"] not in closed_before:
            check_los_angeles_event(events[row["SRNumber"]], row)
    counts = [
        sum(event["due_at"] is None for event in events.values()),
        sum(event["status"] == "void" for event in events.values()),
        sum(event["status"] == "open" for event in events.values()),
        sum(event["forced_close"] for event in events.values()),
    ]
    assert counts == [civic.LA_WITHOUT_DUE, civic.LA_CANCELLED, civic.LA_OPEN, civic.LA_REFERRED]
    assert sum(not row["NC"] for row in landed.source) == civic.LA_WITHOUT_COUNCIL


def check_los_angeles_event(event: dict[str, Any], row: dict[str, str]) -> None:
    """Every time as Python's own `strptime` reads it, but for the service day, whose time means nothing."""
    assert event["reported_at"] == read_time(row["CreatedDate"], LOS_ANGELES)
    assert event["closed_at"] == read_time(row["ClosedDate"], LOS_ANGELES)
    assert event["updated_at"] == read_time(row["UpdatedDate"], LOS_ANGELES)
    day = row["ServiceDate"].partition(" ")[0]
    assert event["due_at"] == read_time(f"{day} 11:59:59 PM" if day else "", LOS_ANGELES)
    assert event["community_code"] == (row["NC"] or "unassigned")
    assert event["department"] == row["Owner"]


def check_service_days(landed: Landed) -> None:
    """What was closed at any hour of its service day is on time; read as an instant hardly any of it would be."""
    on_the_day = [
        event
        for event in landed.rows
        if event["due_at"] and event["closed_at"] and _city_day(event["closed_at"]) == _city_day(event["due_at"])
    ]
    midnight_late = [
        event for event in on_the_day if event["closed_at"] > event["due_at"] - timedelta(seconds=86_399)
    ]
    assert len(on_the_day) > 100
    assert all(event["closed_at"] <= event["due_at"] for event in on_the_day)
    assert len(midnight_late) / len(on_the_day) > 0.9


def _city_day(instant: datetime) -> object:
    return instant.replace(tzinfo=UTC).astimezone(LOS_ANGELES).date()


def check_new_york(landed: Landed) -> None:
    """All 100, of which 58 have no due date; every instant by the city's clock, summer time included."""
    assert landed.answer.code == 0, landed.answer.err
    assert landed.answer.out == "new_york/events: complete, 100 received, 100 landed, 0 rejected\n"
    assert "new field" not in landed.answer.err
    assert landed.rejected == []
    events = {row["event_id"]: row for row in landed.rows}
    assert len(events) == civic.NY_ROWS
    assert sum(event["due_at"] is None for event in events.values()) == civic.NY_WITHOUT_DUE
    for row in landed.source:
        event = events[row["Unique Key"]]
        names = {"reported_at": "Created Date", "closed_at": "Closed Date", "due_at": "Due Date"}
        for column, name in names.items():
            assert event[column] == read_time(row[name], NEW_YORK)
        assert event["community_code"] == row["Community Board"]
        assert event["status"] == ("closed" if row["Status"] == "Closed" else "open")
    assert sum(event["status"] == "open" for event in events.values()) == 2


def check_government_export(landed: Landed) -> None:
    """31 provinces with their national codes; no preamble, no footnote, and nothing rejected."""
    assert landed.answer.code == 0, landed.answer.err
    assert landed.answer.out == "statistics/provinces: complete, 31 received, 31 landed, 0 rejected\n"
    assert "warning" not in landed.answer.err
    assert landed.rejected == []
    codes = {row["name"]: row["community_code"] for row in landed.rows}
    assert sorted(codes) == sorted(civic.PROVINCES)
    # GB/T 2260, one of each of the six regions.
    named = {"北京市": "110000", "黑龙江省": "230000", "山东省": "370000", "河南省": "410000", "西藏自治区": "540000"}
    assert named | {"新疆维吾尔自治区": "650000"} == {name: codes[name] for name in [*named, "新疆维吾尔自治区"]}
    assert len(set(codes.values())) == len(civic.PROVINCES)
