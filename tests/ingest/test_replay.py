"""Rejected rows judged again: what lands, what stays, what was superseded, and that nothing newer is overridden."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import CONFIG, MARCH, NOW, count_rows, land_rows
from platform_server import PlatformServer, Reply, make_incidents, write_incident_source

from flows.errors import UsageError
from flows.house import House
from flows.ingest.coverage import find_mark
from flows.ingest.quarantine import read_quarantine
from flows.ingest.replay import ReplayReport, replay_quarantine
from flows.ingest.reports import PullReport
from flows.ingest.status import find_source_status
from flows.ledger import Ledger
from flows.month import Month

Pull = Callable[..., PullReport]
Replay = Callable[..., ReplayReport]

UNMAPPED = "codes: {kind: {petition: petition}}"
MAPPED = "codes: {kind: {petition: petition, 群体访: petition}}"
LATER = NOW + timedelta(days=9)


@pytest.fixture
def replay(house: House, make_source: Callable[[str], object]) -> Replay:
    """Replays with the source's file as the text says now."""

    def run(text: str = "", **options: Any) -> ReplayReport:
        if text:
            make_source(text)
        return replay_quarantine(house, lambda: LATER, **{"bands": {}, **options})

    return run


def serve(platform: PlatformServer, *records: dict[str, Any]) -> None:
    platform.answer = lambda _: Reply({"items": list(records)})


def make_odd(number: int = 99, **values: Any) -> dict[str, Any]:
    """An incident whose kind the mapping does not know at first."""
    return {**make_incidents(1, number)[0], "kind": "群体访", **values}


def read_incidents(house: House) -> dict[str, dict[str, Any]]:
    """The canonical incidents by their id, without the batch that they came from."""
    with house.view() as view:
        rows = view.table("incidents").drop("batch_id").to_pyarrow().to_pylist()
    return {row["incident_id"]: row for row in rows}


def list_outcome(report: ReplayReport) -> list[tuple[list[int], list[int], list[int]]]:
    """Of each batch the numbers of the rows that landed, were superseded, and stay."""
    return [(list(it.landed_nos), list(it.superseded_nos), list(it.stays)) for it in report.batches]


def test_a_row_lands_once_its_code_is_mapped(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd())
    pull(write_incident_source(UNMAPPED))
    report = replay(write_incident_source(MAPPED))
    assert list_outcome(report) == [([9], [], [])]
    assert count_rows(house, "incidents") == 10
    assert read_incidents(house)["I99"]["kind"] == "petition"
    assert list(read_quarantine(house)) == []


def test_what_lands_is_a_batch_that_says_what_it_replays(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd())
    pull(write_incident_source(UNMAPPED))
    [row] = read_quarantine(house)
    replay(write_incident_source(MAPPED))
    landing = house.ledger.list_landings()[-1]
    manifest = house.lake.read_manifest("incidents", landing.batch_id)
    assert landing.slot == manifest["slot"] == f"replay/{row.batch_id}"
    assert manifest["request"] == {"replay_of": row.batch_id, "record_nos": [9], "touches_from": "2024-03"}
    original = house.lake.read_manifest("incidents", row.batch_id)
    assert [manifest[name] for name in ("window_from_at", "window_to_at", "resource", "contract")] == [
        original[name] for name in ("window_from_at", "window_to_at", "resource", "contract")
    ]
    assert manifest["contract"]["kind"] == "evolve"


def test_a_row_that_is_rejected_still_stays_with_todays_reasons(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd(day="31 April"))
    pull(write_incident_source(UNMAPPED))
    report = replay(write_incident_source(MAPPED))
    assert report.batches[0].stays == {9: ("unreadable:occurred_on",)}
    [row] = read_quarantine(house)
    assert row.reasons == ("unmapped:kind", "unreadable:occurred_on")
    assert [it.status for it in house.ledger.list_pulls("test_platform")] == ["complete"]


def mend_rule(tmp_path: Path, table: str, old: str, new: str) -> None:
    """Put quality files of the test's own in place of the shipped ones, with one of them changed."""
    quality = tmp_path / "config" / "quality"
    if quality.is_symlink():
        quality.unlink()
        quality.mkdir()
        for file in (CONFIG / "quality").glob("*.yaml"):
            (quality / file.name).write_bytes(file.read_bytes())
    text = (quality / f"{table}.yaml").read_text(encoding="utf-8")
    assert old in text
    (quality / f"{table}.yaml").write_text(text.replace(old, new), encoding="utf-8")


def test_a_row_lands_once_the_rule_is_mended(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    land_rows(house, "communities", [{"community_code": "41020200100X"}])
    serve(platform, *make_incidents(9), {**make_incidents(1, 99)[0], "community": "41020200100X"})
    source = write_incident_source()
    pull(source)
    assert replay(source).batches[0].stays == {9: ("malformed:community_code",)}
    mend_rule(tmp_path, "incidents", '"[0-9]{12}"', '"[0-9]{11}[0-9X]"')
    assert list_outcome(replay(source)) == [([9], [], [])]


def test_a_row_that_breaks_a_rule_which_now_stops_pulls_stays_by_itself(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    serve(platform, *make_incidents(9), make_odd(), make_odd(98, community="x"))
    pull(write_incident_source(UNMAPPED))
    mend_rule(
        tmp_path,
        "incidents",
        'pattern: "[0-9]{12}"\n    severity: reject',
        'pattern: "[0-9]{12}"\n    severity: stop',
    )
    assert list_outcome(replay(write_incident_source(MAPPED))) == [([9], [], [10])]


def test_rows_of_a_community_land_once_it_is_registered(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), {**make_incidents(1, 99)[0], "community": "410202001777"})
    source = write_incident_source()
    pull(source)
    assert list_outcome(replay(source)) == [([], [], [9])]
    land_rows(house, "communities", [{"community_code": "410202001777"}])
    assert list_outcome(replay(source)) == [([9], [], [])]
