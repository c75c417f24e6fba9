"""Pulls that go on from where a resource was read to: nothing is lost between them, whatever fails or is killed."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_kit import CONFIG, MARCH, NOW, Pauses, count_rows, land_rows
from platform_server import Asked, PlatformServer, Reply, make_incidents, write_incident_source

from flows.house import House, open_house
from flows.ingest.describe.source import Source, load_source
from flows.ingest.ingestion import ingest_months, ingest_sources
from flows.ingest.pull import pull_source
from flows.ingest.reports import PullReport
from flows.lake import QUARANTINE_SCHEMA, Lake, Landing, arrow_schema
from flows.ledger import Ledger, PullRecord
from flows.month import Month
from flows.schema import TABLES
from flows.settings import load_settings

Pull = Callable[..., PullReport]

SINCE = "since: {param: since, until_param: until, format: epoch_s, lag: 2h}"
HOUR = timedelta(hours=1)


@dataclass
class Register:
    """A platform's incidents by id, listed by the time of their last change in the platform's own clock."""

    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, name: str, changed_at: datetime, status: str = "confirmed") -> None:
        record = {**make_incidents(1)[0], "id": name, "status": status, "updated": changed_at.isoformat()}
        self.incidents[name] = record

    def answer(self, asked: Asked) -> Reply:
        bounds = [datetime.fromtimestamp(int(asked.query[name]), UTC) for name in ("since", "until")]
        chosen = [
            record
            for record in self.incidents.values()
            if bounds[0] <= datetime.fromisoformat(record["updated"]) < bounds[1]
        ]
        return Reply({"items": chosen})


@pytest.fixture
def register(platform: PlatformServer) -> Register:
    register = Register()
    platform.answer = register.answer
    return register


def read_statuses(house: House) -> dict[str, str]:
    with house.view() as view:
        rows = view.table("incidents").to_pyarrow().to_pylist()
    return {row["incident_id"]: row["status"] for row in rows}


def read_since(platform: PlatformServer) -> datetime:
    """From when on the platform was last asked."""
    return datetime.fromtimestamp(int(platform.asked[-1].query["since"]), UTC)


def go_on(pull: Pull, now: datetime) -> PullReport:
    """Pull from the mark until `now`."""
    return pull(write_incident_source(SINCE), window=None, now=now)


def test_the_first_pull_begins_with_the_last_closed_month(pull: Pull, register: Register, house: House) -> None:
    register.put("I1", MARCH[0])
    go_on(pull, NOW)
    [record] = house.ledger.list_pulls("test_platform")
    # NOW is 5 April: March is the last closed month.
    assert (record.window_from_at, record.window_to_at) == (MARCH[0], NOW)
    assert record.landed_count == 1


def test_the_next_pull_asks_from_the_newest_record_less_the_lag(
    pull: Pull, register: Register, platform: PlatformServer, house: House
) -> None:
    newest_at = datetime(2024, 4, 4, 10, tzinfo=UTC)
    register.put("I1", newest_at)
    go_on(pull, NOW)
    go_on(pull, NOW + HOUR)
    assert read_since(platform) == newest_at - 2 * HOUR
    assert house.ledger.list_pulls("test_platform")[-1].window_from_at == newest_at


def test_what_a_slow_clock_stamps_into_the_past_is_not_lost(pull: Pull, register: Register, house: House) -> None:
    slow = timedelta(hours=6)  # beyond the lag
    register.put("I1", NOW - HOUR - slow)
    go_on(pull, NOW)
    register.put("I2", NOW + HOUR - slow)
    go_on(pull, NOW + 2 * HOUR)
    assert set(read_statuses(house)) == {"I1", "I2"}


def test_a_record_stamped_in_the_future_is_asked_for_again_when_its_time_has_come(
    pull: Pull, register: Register, house: House
) -> None:
    register.put("I1", NOW + HOUR)
    register.put("I2", NOW - HOUR)
    go_on(pull, NOW)
    assert set(read_statuses(house)) == {"I2"}
    go_on(pull, NOW + 2 * HOUR)
    assert set(read_statuses(house)) == {"I1", "I2"}


def test_to_go_on_needs_nothing_of_what_earlier_pulls_found(
    pull: Pull, register: Register, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ten years of hourly pulls have half a gigabyte of findings for each resource.
    go_on(pull, NOW)
    asked: list[bool] = []
    list_pulls = Ledger.list_pulls

    def note_asking(*given: Any, with_findings: bool = True) -> list[PullRecord]:
        asked.append(with_findings)
        return list_pulls(*given, with_findings=with_findings)

    monkeypatch.setattr(Ledger, "list_pulls", note_asking)
    go_on(pull, NOW + HOUR)
    pull(write_incident_source(SINCE), window=MARCH, now=NOW + 2 * HOUR)
    assert asked
    assert not any(asked)


def test_one_date_of_the_next_century_does_not_hide_what_a_slow_clock_stamps(
    pull: Pull, register: Register, platform: PlatformServer, house: House
) -> None:
    slow, open_ended = timedelta(hours=6), "since: {param: since, format: epoch_s, lag: 2h}"
    platform.answer = lambda asked: Reply({"items": list(register.incidents.values())})
    register.put("I1", NOW - HOUR - slow)
    register.put("I2", datetime(2099, 1, 1, tzinfo=UTC))
    pull(write_incident_source(open_ended), window=None, now=NOW)
    pull(write_incident_source(open_ended), window=None, now=NOW + HOUR)
    # From the mark, 7 hours before NOW, less the lag: what is stamped 5 hours before NOW an hour later is asked for.
    assert read_since(platform) == NOW - 9 * HOUR


def test_a_disk_that_is_full_is_a_message_and_lands_nothing(
    pull: Pull, register: Register, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    register.put("I1", NOW - HOUR)
    with monkeypatch.context() as patch:
        patch.setattr("flows.lake.StagedBatch.add", fail)
        report = go_on(pull, NOW)
    assert report.exit_code == 10
    assert f"{house.lake.root}: the disk is full, " in str(report.error)
    assert "MB are free there." in str(report.error)
    assert count_rows(house, "incidents") == 0


def test_after_a_failed_pull_the_next_one_makes_good(
    pull: Pull, register: Register, platform: PlatformServer, house: House
) -> None:
    register.put("I1", NOW - HOUR)
    go_on(pull, NOW)
    register.put("I2", NOW + HOUR)
    platform.answer = lambda _: Reply({}, 503)
    assert go_on(pull, NOW + 2 * HOUR).exit_code == 11
    platform.answer = register.answer
    go_on(pull, NOW + 20 * HOUR)
    assert set(read_statuses(house)) == {"I1", "I2"}


def test_a_withdrawn_incident_stays_withdrawn_when_an_older_version_comes_late(
    pull: Pull, register: Register, house: House
) -> None:
    register.put("I1", NOW - 2 * HOUR)
    go_on(pull, NOW)
    register.put("I1", NOW + HOUR, "withdrawn")
    go_on(pull, NOW + 2 * HOUR)
    assert read_statuses(house) == {"I1": "withdrawn"}
    register.put("I1", NOW - 2 * HOUR)
    pull(write_incident_source(SINCE), window=MARCH, now=NOW + 3 * HOUR)
    assert read_statuses(house) == {"I1": "withdrawn"}


def test_a_pull_killed_before_its_end_is_written_lands_nothing_and_is_made_good(
    pull: Pull, register: Register, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.put("I1", NOW - HOUR)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "finish_pull", _die)
        with pytest.raises(KeyboardInterrupt):
            go_on(pull, NOW)
    assert count_rows(house, "incidents") == 0
    go_on(pull, NOW)
    assert set(read_statuses(house)) == {"I1"}
    assert [it.status for it in house.ledger.list_pulls("test_platform")] == ["running", "complete"]


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


WHOLE = """  whole:
    table: annual_titles
    request: {path: /whole}
    records: items
    fields: {community_code: community, rating_year: year, stars: stars, pay_year: pay}
"""
TITLE = {"community": "410202001001", "year": 2023, "stars": 4, "pay": 2024}


def test_several_months_are_a_batch_each_and_what_no_window_narrows_is_pulled_once(
    house: House, make_source: Callable[[str], Source], register: Register, platform: PlatformServer, tmp_path: Path
) -> None:
    policy = tmp_path / "config" / "policy"
    policy.symlink_to(CONFIG / "policy")
    for number, month in enumerate((1, 2, 3)):
        register.put(f"I{number}", datetime(2024, month, 20, tzinfo=UTC))
    platform.answer = lambda asked: Reply({"items": [TITLE]}) if asked.path == "/whole" else register.answer(asked)
    source = make_source(write_incident_source(SINCE) + WHOLE)
    months = [Month(2024, number) for number in (1, 2, 3)]
    reports = ingest_months(house, [source], months, lambda: NOW)
    assert [report.error for report in reports] == [None, None, None]
    pulls = [it for it in house.ledger.list_pulls("test_platform") if it.resource == "incidents"]
    assert [it.window_from_at for it in pulls] == [month.starts_at for month in months]
    # Day 3 of the month after, 00:00 in Shanghai (policy §1): each window holds its own month's record only.
    assert [it.landed_count for it in pulls] == [1, 1, 1]
    batches = {it.batch_id for it in house.ledger.list_landings() if it.table == "incidents"}
    assert len(batches) == 3
    assert sum(asked.path == "/whole" for asked in platform.asked) == 1


def test_a_register_that_failed_is_no_better_in_the_months_after(
    house: House, make_source: Callable[[str], Source], platform: PlatformServer, tmp_path: Path
) -> None:
    (tmp_path / "config" / "policy").symlink_to(CONFIG / "policy")
    register = WHOLE.replace("annual_titles", "grids").replace(
        "{community_code: community, rating_year: year, stars: stars, pay_year: pay}",
        "{grid_code: grid, community_code: community, party_unit: unit, valid_from: start}",
    )
    platform.answer = lambda asked: Reply({}, 404) if asked.path == "/whole" else Reply({"items": []})
    reports = ingest_months(
        house, [make_source(write_incident_source(SINCE) + register)], [Month(2024, 2), Month(2024, 3)], lambda: NOW
    )
    assert [report.exit_code for report in reports] == [12]
    assert {asked.path for asked in platform.asked} == {"/whole"}


def test_sources_go_on_each_from_its_own_mark(
    house: House, make_source: Callable[[str], Source], register: Register, platform: PlatformServer
) -> None:
    register.put("I1", NOW - HOUR)
    source = make_source(write_incident_source(SINCE))
    for hours in (0, 1):
        now = NOW + hours * HOUR
        [report] = ingest_sources(house, [source], None, lambda now=now: now)
        assert report.error is None
    assert read_since(platform) == NOW - 3 * HOUR


changes = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["confirmed", "withdrawn"]), st.integers(1, 5)), max_size=6
)
endings = st.sampled_from(["whole", "whole", "unavailable", "killed"])


@settings(max_examples=20)
@given(st.lists(st.tuples(changes, endings), min_size=1, max_size=5), st.integers(-10, 10))
def test_whatever_fails_or_is_killed_in_between_the_lake_ends_as_the_platform_is(
    steps: list[tuple[list[tuple[str, str, int]], str]], skew_hours: int
) -> None:
    """Each step changes some incidents, then pulls; the platform's clock is off, at times by more than the lag."""
    with tempfile.TemporaryDirectory() as folder:
        _check_steps(Path(folder), steps, skew_hours * HOUR)


def _check_steps(folder: Path, steps: list[tuple[list[tuple[str, str, int]], str]], skew: timedelta) -> None:
    register, server = Register(), PlatformServer()
    config = folder / "config"
    (config / "platforms").mkdir(parents=True)
    (config / "quality").symlink_to(CONFIG / "quality")
    (config / "platforms" / "test_platform.yaml").write_text(write_incident_source(SINCE), encoding="utf-8")
    installation = load_settings(folder / "home", config, {"TEST_URL": server.url}.get)
    source = load_source(config / "platforms" / "test_platform.yaml", installation.lookup)
    now = NOW
    try:
        with open_house(installation) as house:
            land_rows(house, "communities", [{"community_code": "410202001001"}])
            for step_changes, ending in [*steps, ([], "whole")]:
                for name, status, hours in step_changes:
                    now += hours * HOUR
                    register.put(name, now + skew, status)
                # The last pull comes when even the fastest clock's stamps have passed.
                now += HOUR if step_changes or ending != "whole" else 11 * HOUR
                server.answer = (lambda _: Reply({}, 503)) if ending == "unavailable" else register.answer
                _pull_once(house, source, now, is_killed=ending == "killed")
            found = read_statuses(house)
    finally:
        server.close()
    assert found == {name: record["status"] for name, record in register.incidents.items()}


def _pull_once(house: House, source: Source, now: datetime, *, is_killed: bool) -> None:
    with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
        if is_killed:
            patch.setattr(Ledger, "finish_pull", _die)
        pull_source(house, source, window=None, now=now, bands={}, timing=Pauses().timing)


versions = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(0, 3), st.sampled_from(["confirmed", "withdrawn"])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40)
@given(versions, st.data())
def test_versions_in_any_order_with_duplicates_merge_into_the_same_rows(
    given_versions: list[tuple[str, int, str]], data: st.DataObject
) -> None:
    # One version has one content: of two with the same key and time the later record holds, and order would matter.
    distinct = list({(name, hour): (name, hour, status) for name, hour, status in given_versions}.values())
    shuffled = data.draw(st.permutations([*distinct, *distinct[: len(distinct) // 2]]))
    cut = data.draw(st.integers(0, len(shuffled)))
    newest: dict[str, tuple[int, str]] = {}
    for name, hour, status in distinct:
        newest[name] = max(newest.get(name, (-1, "")), (hour, status))
    assert _merge([shuffled[:cut], shuffled[cut:]]) == {name: status for name, (_, status) in newest.items()}


def _merge(batches: list[list[tuple[str, int, str]]]) -> dict[str, str]:
    """The status of each incident once the batches have landed one after the other."""
    table = TABLES["incidents"]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        landings: list[Landing] = []
        for number, batch in enumerate(batches):
            rows = [
                {
                    "incident_id": name,
                    "community_code": "410202001001",
                    "kind": "petition",
                    "occurred_on": NOW.date(),
                    "status": status,
                    "updated_at": (NOW + hour * HOUR).replace(tzinfo=None),
                    "record_no": place,
                }
                for place, (name, hour, status) in enumerate(batch)
            ]
            if not rows:
                continue
            with lake.stage(table, platform="p", resource="r", slot=str(number)) as staged:
                staged.add(pa.Table.from_pylist(rows, schema=arrow_schema(table)), QUARANTINE_SCHEMA.empty_table())
                manifest = staged.commit(window=None, request={}, contract={}, landed_at=NOW)
            landings.append(Landing(number, manifest.batch_id, "incidents", "p", len(rows)))
        with lake.view(landings, Path(folder) / "scratch") as view:
            found = view.table("incidents").to_pyarrow().to_pylist()
    return {row["incident_id"]: row["status"] for row in found}
