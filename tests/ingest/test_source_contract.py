"""What holds for every kind of source: how records land, what refuses them, and what is told."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from ingest_kit import MARCH
from platform_server import PlatformServer
from source_kinds import PAGES, SHANGHAI, FilesKind, PostgresqlKind, RestKind, SourceKind, SqliteKind

from flows.house import House
from flows.ingest.judging.raw import read_raw
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

FORMATS = ("csv", "xlsx", "xls", "jsonl", "parquet")
DATABASES = ("sqlite", "postgresql")
NARROWED = [*(f"rest {pages}" for pages in PAGES), *DATABASES]

HOME = "410202001001"
UPDATED = datetime(2024, 3, 6, 8, tzinfo=SHANGHAI)

INCIDENTS = """
table: incidents
fields:
  {incident_id: id, community_code: community, kind: kind, occurred_on: day, status: status, updated_at: updated}
codes:
  kind: {信访: petition, 事故: accident, 案件: crime}
  status: {已确认: confirmed, 已撤销: withdrawn}
defaults: {status: confirmed}
ignore: [who]
"""
EVENTS = """
table: events
fields:
  {event_id: id, community_code: community, department: department, category: kind, urgent: urgent, tier: tier,
    reported_at: reported, closed_at: closed, status: status, reopened: reopened, updated_at: updated}
codes:
  category: {矛盾纠纷: dispute}
  status: {处理中: open, 已办结: closed, 作废: void}
defaults: {forced_close: false, reopened: 0}
"""


@pytest.fixture
def kind(
    request: pytest.FixtureRequest, tmp_path: Path, values: dict[str, str], platform: PlatformServer
) -> SourceKind:
    """A source of the kind that the test is for."""
    name = request.param
    if name in FORMATS:
        return FilesKind(values, tmp_path, name)
    if name == "sqlite":
        return SqliteKind(values, tmp_path)
    if name == "postgresql":
        return PostgresqlKind(values, request.getfixturevalue("postgresql"))
    return RestKind(values, platform, name.removeprefix("rest "))


of_every_kind = pytest.mark.parametrize("kind", [*NARROWED, *FORMATS], indirect=True)
of_every_kind_that_narrows = pytest.mark.parametrize("kind", NARROWED, indirect=True)


def make_record(number: int, **values: Any) -> dict[str, Any]:
    """A good incident of the one registered community."""
    return {
        "id": f"汴信访〔2024〕{number}号",
        "community": HOME,
        "kind": "信访",
        "day": date(2024, 3, 5),
        "status": "已确认",
        "updated": UPDATED,
        **values,
    }


def make_row(number: int, **values: Any) -> dict[str, Any]:
    """What that record is in the canonical table."""
    return {
        "incident_id": f"汴信访〔2024〕{number}号",
        "community_code": HOME,
        "kind": "petition",
        "occurred_on": date(2024, 3, 5),
        "status": "confirmed",
        "updated_at": datetime(2024, 3, 6),  # 08:00 in Shanghai
        **values,
    }


def read_rows(house: House, table: str = "incidents") -> list[dict[str, Any]]:
    """The canonical table in the order of its keys."""
    with house.view() as view:
        rows: list[dict[str, Any]] = view.table(table).drop("batch_id").to_pyarrow().to_pylist()
    return sorted(rows, key=lambda row: str(row.get("incident_id", row.get("event_id"))))


def list_landings(house: House, table: str = "incidents") -> list[str]:
    return [landing.batch_id for landing in house.ledger.list_landings() if landing.table == table]


@of_every_kind
def test_every_row_lands_with_the_same_content(kind: SourceKind, pull: Pull, house: House) -> None:
    kind.put([make_record(1), make_record(2, kind="事故"), make_record(3, day=date(2024, 2, 29))])
    report = pull(kind.write_source(INCIDENTS))
    assert (report.exit_code, report.pulls[0].status, report.warnings) == (0, "complete", [])
    expected = [make_row(1), make_row(2, kind="accident"), make_row(3, occurred_on=date(2024, 2, 29))]
    assert read_rows(house) == expected


@of_every_kind
def test_the_same_again_lands_nothing_new(kind: SourceKind, pull: Pull, house: House) -> None:
    records = [make_record(number) for number in range(3)]
    for _ in range(2):
        kind.put(records)
        assert pull(kind.write_source(INCIDENTS)).pulls[0].status == "complete"
    assert len(list_landings(house)) == 1


@of_every_kind
def test_a_newer_version_wins_and_an_older_one_that_comes_later_does_not(
    kind: SourceKind, pull: Pull, house: House
) -> None:
    newer = make_record(1, status="已撤销", updated=UPDATED + timedelta(hours=1))
    withdrawn = make_row(1, status="withdrawn", updated_at=datetime(2024, 3, 6, 1))
    for record, expected in ((make_record(1), make_row(1)), (newer, withdrawn), (make_record(1), withdrawn)):
        kind.put([record])
        assert pull(kind.write_source(INCIDENTS)).exit_code == 0
        assert read_rows(house) == [expected]


@of_every_kind
def test_a_void_event_and_one_without_a_close_land_as_they_are(kind: SourceKind, pull: Pull, house: House) -> None:
    event = {
        "id": "E1",
        "community": HOME,
        "department": "城市管理局（龙亭）",
        "kind": "矛盾纠纷",
        "urgent": True,
        "tier": 2,
        "reported": datetime(2024, 3, 5, 8, 30, tzinfo=SHANGHAI),
        "closed": datetime(2024, 3, 5, 9, 30, tzinfo=SHANGHAI),
        "status": "已办结",
        "reopened": 1,
        "updated": UPDATED,
    }
    bare = {"department": None, "urgent": False, "closed": None, "reopened": None}
    kind.put([event, {**event, **bare, "id": "E2", "status": "作废"}])
    assert pull(kind.write_source(EVENTS)).exit_code == 0
    row = {
        "platform": "test_platform",
        "event_id": "E1",
        "community_code": HOME,
        "grid_code": None,
        "department": "城市管理局（龙亭）",
        "category": "dispute",
        "tier": 2,
        "urgent": True,
        "reported_at": datetime(2024, 3, 5, 0, 30),
        "responded_at": None,
        "due_at": None,
        "extended_to": None,
        "closed_at": datetime(2024, 3, 5, 1, 30),
        "status": "closed",
        "forced_close": False,
        "reopened": 1,
        "solved": None,
        "satisfaction": None,
        "updated_at": datetime(2024, 3, 6),
    }
    nothing = {"department": None, "urgent": False, "closed_at": None, "reopened": 0}
    assert read_rows(house, "events") == [row, {**row, **nothing, "event_id": "E2", "status": "void"}]


@of_every_kind
def test_a_bad_row_is_kept_with_its_record_and_every_reason_and_the_others_land(
    kind: SourceKind, pull: Pull, house: House
) -> None:
    good = [make_record(number, who="李四") for number in range(9)]
    kind.put([*good, make_record(9, community="4102", kind="斗殴", day="31 April", who="张三")])
    report = pull(kind.write_source(INCIDENTS))
    assert (report.exit_code, report.pulls[0].landed_count, report.pulls[0].rejected_count) == (0, 9, 1)
    [row] = read_quarantine(house, platform="test_platform")
    assert (row.row_key, row.record_no) == ("汴信访〔2024〕9号", 9)
    assert set(row.reasons) == {
        "unmapped:kind",
        "unreadable:occurred_on",
        "malformed:community_code",
        "not_registered:community_code",
    }
    raw = read_raw(row.raw)
    assert [raw[name] for name in ("community", "kind", "day", "who")] == ["4102", "斗殴", "31 April", "张三"]


@of_every_kind
def test_nothing_is_nothing_and_a_default_fills_it(kind: SourceKind, pull: Pull, house: House) -> None:
    nothing = make_record(8, day=None)
    kind.put([*(make_record(number, status=None) for number in range(8)), nothing])
    assert pull(kind.write_source(INCIDENTS)).exit_code == 0
    assert read_rows(house) == [make_row(number) for number in range(8)]
    [row] = read_quarantine(house, platform="test_platform")
    assert row.reasons == ("null:occurred_on",)
    assert read_raw(row.raw).get("day") is None


@of_every_kind
def test_a_mapped_field_that_no_record_has_refuses_all(kind: SourceKind, pull: Pull, house: House) -> None:
    records = [make_record(number) for number in range(3)]
    for record in records:
        del record["day"]
    kind.put(records)
    report = pull(kind.write_source(INCIDENTS))
    assert (report.exit_code, report.pulls[0].status, read_rows(house)) == (12, "broken", [])
    assert "day (for occurred_on)" in str(report.error)


@of_every_kind
def test_a_new_field_is_told_without_what_it_holds(kind: SourceKind, pull: Pull) -> None:
    kind.put([make_record(number, 备注="张三") for number in range(3)])
    report = pull(kind.write_source(INCIDENTS))
    assert report.exit_code == 0
    [warning] = report.warnings
    assert "new fields that nothing maps" in warning
    assert "备注" in warning
    assert "张三" not in warning


@of_every_kind
def test_an_empty_source_lands_nothing_and_is_complete(kind: SourceKind, pull: Pull, house: House) -> None:
    kind.put([])
    report = pull(kind.write_source(INCIDENTS))
    assert (report.exit_code, report.pulls[0].status, report.pulls[0].received_count) == (0, "complete", 0)
    assert list_landings(house) == []


@of_every_kind
def test_a_source_that_is_away_is_tried_later_and_what_landed_stays(
    kind: SourceKind, pull: Pull, house: House
) -> None:
    kind.put([make_record(1)])
    pull(kind.write_source(INCIDENTS))
    kind.go_away()
    report = pull(kind.write_source(INCIDENTS))
    assert (report.exit_code, report.pulls[0].status) == (11, "unavailable")
    assert read_rows(house) == [make_row(1)]


@of_every_kind
def test_25_000_records_are_numbered_in_their_order_over_pages_and_chunks(
    kind: SourceKind, pull: Pull, house: House
) -> None:
    kind.put([make_record(number, id=f"I{number:05d}") for number in range(25_000)])
    report = pull(kind.write_source(INCIDENTS))
    [batch_id] = report.pulls[0].batch_ids
    landed = [pq.read_table(part) for part in house.lake.list_parts("incidents", batch_id)]
    numbers = [number for part in landed for number in part.column("record_no").to_pylist()]
    keys = [key for part in landed for key in part.column("incident_id").to_pylist()]
    assert numbers == list(range(25_000))
    assert keys == [f"I{number:05d}" for number in range(25_000)]


@of_every_kind
def test_neither_a_manifest_nor_the_ledger_holds_a_secret(kind: SourceKind, pull: Pull, house: House) -> None:
    kind.put([make_record(1)])
    [batch_id] = pull(kind.write_source(INCIDENTS)).pulls[0].batch_ids
    kind.go_away()
    pull(kind.write_source(INCIDENTS))
    manifest = orjson.dumps(house.lake.read_manifest("incidents", batch_id)).decode()
    assert '"resource":"rows"' in manifest
    told = [pull.message for pull in house.ledger.list_pulls("test_platform")]
    for secret in kind.list_secrets():
        assert not [text for text in (manifest, *told) if secret in text]


class Killed(BaseException):
    """Stands for the end of the process."""


def kill(*_: object, **__: object) -> None:
    raise Killed


@of_every_kind
def test_a_pull_that_is_killed_before_it_is_recorded_has_landed_nothing_and_is_made_good(
    kind: SourceKind, pull: Pull, house: House
) -> None:
    kind.put([make_record(1)])
    pull(kind.write_source(INCIDENTS), window=None)
    kind.put([make_record(1), make_record(2, updated=UPDATED + timedelta(minutes=1))])
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(house.ledger, "finish_pull", kill)
        pull(kind.write_source(INCIDENTS), window=None)
    assert read_rows(house) == [make_row(1)]
    assert pull(kind.write_source(INCIDENTS), window=None).exit_code == 0
    assert read_rows(house) == [make_row(1), make_row(2, updated_at=datetime(2024, 3, 6, 0, 1))]
    assert len(list_landings(house)) == 2


@of_every_kind_that_narrows
def test_a_pull_goes_on_from_the_newest_record_less_the_lag(kind: SourceKind, pull: Pull, house: House) -> None:
    lag = timedelta(hours=kind.lag_hours)
    second = timedelta(seconds=1)
    kind.put([make_record(1, updated=UPDATED - lag - second), make_record(2, updated=UPDATED)])
    assert pull(kind.write_source(INCIDENTS), window=None).pulls[0].received_count == 2
    late, new = make_record(3, updated=UPDATED - lag), make_record(4, updated=UPDATED + lag)
    kind.put([make_record(1, updated=UPDATED - lag - second), make_record(2, updated=UPDATED), late, new])
    # Of the two read before the newest comes again, for the window begins with the lag before it.
    assert pull(kind.write_source(INCIDENTS), window=None).pulls[0].received_count == 3
    assert len(read_rows(house)) == 4
    last = house.ledger.list_pulls("test_platform")[-1]
    assert (last.window_from_at, last.newest_at) == (UPDATED.astimezone(UTC), (UPDATED + lag).astimezone(UTC))


@of_every_kind_that_narrows
def test_a_window_is_asked_for_from_its_first_instant_until_before_its_last(
    kind: SourceKind, pull: Pull, house: House
) -> None:
    second, lag = timedelta(seconds=1), timedelta(hours=kind.lag_hours)
    moments = [MARCH[0] - lag - second, MARCH[0] - lag, MARCH[1] - second, MARCH[1]]
    kind.put([make_record(number, updated=moment) for number, moment in enumerate(moments)])
    assert pull(kind.write_source(INCIDENTS)).exit_code == 0
    assert [row["incident_id"] for row in read_rows(house)] == ["汴信访〔2024〕1号", "汴信访〔2024〕2号"]
