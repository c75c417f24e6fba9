"""When a source counts as silent, and which pulls engineers should look at: from the ledger alone."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import MARCH
from platform_server import CARD, write_incident_source

from flows.findings import SilentSource
from flows.house import House, open_house
from flows.ingest.describe.source import Source
from flows.ingest.freshness import DoubtLimits, find_doubtful_pulls, find_silent_sources
from flows.settings import load_settings

NOW = datetime(2024, 4, 9, 4, 0, tzinfo=UTC)
"""Noon of Tuesday 9 April in the city."""

ALLOWED = timedelta(hours=4)
SECOND = timedelta(seconds=1)
LIMITS = DoubtLimits(rejected_pct=5, rejected_rows_minimum=20)

TWO = (
    write_incident_source().replace("cadence: daily,", "cadence: daily, silent_after: 4h,")
    + """  others:
    table: incidents
    request: {path: /others}
    fields: {incident_id: id, community_code: id, kind: id, occurred_on: id, status: id, updated_at: id}
"""
)


@pytest.fixture
def source(make_source: Callable[[str], Source]) -> Source:
    return make_source(TWO)


def note_pull(
    house: House,
    ended_at: datetime,
    *,
    resource: str = "incidents",
    status: str = "complete",
    received: int = 0,
    rejected: int = 0,
    reasons: Mapping[str, int] | None = None,
    warnings: list[str] | None = None,
    message: str = "",
    window: tuple[datetime, datetime] = MARCH,
) -> int:
    pull_id = house.ledger.begin_pull(
        platform="test_platform", resource=resource, table="incidents", window=window, started_at=ended_at
    )
    details: dict[str, Any] = {"reason_counts": reasons or {}, "warnings": warnings or []}
    if status != "running":
        house.ledger.finish_pull(
            pull_id,
            status=status,  # type: ignore[arg-type]
            message=message,
            received_count=received,
            landed_count=received - rejected,
            rejected_count=rejected,
            finished_at=ended_at,
            **details,
        )
    return pull_id


def read_both(house: House, ended_at: datetime) -> None:
    for resource in ("incidents", "others"):
        note_pull(house, ended_at, resource=resource)


def find_silent(house: House, source: Source, now: datetime = NOW) -> list[SilentSource]:
    return find_silent_sources(house, [source], now)


# Silence


def test_a_source_is_silent_once_its_newest_complete_pull_is_older_than_its_card_allows(
    house: House, source: Source
) -> None:
    read_both(house, NOW - ALLOWED)
    assert find_silent(house, source) == []
    [silent] = find_silent(house, source, NOW + SECOND)
    assert (silent.read_at, silent.late_since_at) == (NOW - ALLOWED, NOW)
    assert silent.resources == ["incidents", "others"]


def test_one_resource_that_is_not_read_makes_the_source_silent(house: House, source: Source) -> None:
    late = note_pull(house, NOW - ALLOWED - SECOND)
    note_pull(house, NOW, resource="others")
    [silent] = find_silent(house, source)
    assert (silent.resources, silent.pull_id) == (["incidents"], late)


@pytest.mark.parametrize("status", ["partial", "refused", "unavailable", "broken", "skipped", "replayed", "running"])
def test_only_a_complete_pull_ends_a_silence(house: House, source: Source, status: str) -> None:
    read_both(house, NOW - ALLOWED - SECOND)
    note_pull(house, NOW, status=status)
    note_pull(house, NOW, status=status, resource="others")
    [silent] = find_silent(house, source)
    # Rejected rows judged again are no pull: the last one is still that which ended complete.
    assert silent.last_status == ("complete" if status == "replayed" else status)


def test_a_pull_of_no_time_at_all_reads_nothing(house: House, source: Source) -> None:
    read_both(house, NOW - ALLOWED - SECOND)
    for resource in ("incidents", "others"):
        note_pull(house, NOW, resource=resource, window=(NOW, NOW))
    assert len(find_silent(house, source)) == 1


def test_what_was_never_read_counts_from_the_first_pull_of_all(house: House, source: Source) -> None:
    first_at = house.ledger.readings.find_first_started_at()
    assert first_at is not None, "the register that the house begins with"
    assert find_silent(house, source, first_at + ALLOWED) == []
    [silent] = find_silent(house, source, first_at + ALLOWED + SECOND)
    assert (silent.read_at, silent.pull_id, silent.late_since_at) == (None, 0, first_at + ALLOWED)
    assert silent.last_status == ""


def test_before_the_first_pull_nothing_is_silent(tmp_path: Path, source: Source) -> None:
    (tmp_path / "empty").mkdir()
    with open_house(load_settings(tmp_path / "empty", tmp_path)) as empty:
        assert find_silent(empty, source) == []


@pytest.mark.parametrize(("written", "hours"), [("", 26), ("silent_after: 2d, ", 48)])
def test_a_card_allows_a_day_and_some_slack_unless_it_says_otherwise(
    house: House, make_source: Callable[[str], Source], written: str, hours: int
) -> None:
    source = make_source(write_incident_source().replace("cadence: daily,", f"cadence: daily, {written}"))
    note_pull(house, NOW)
    assert find_silent(house, source, NOW + timedelta(hours=hours)) == []
    assert len(find_silent(house, source, NOW + timedelta(hours=hours) + SECOND)) == 1


def test_a_source_that_is_not_read_again_is_never_silent(house: House, make_source: Callable[[str], Source]) -> None:
    assert CARD in write_incident_source()
    source = make_source(write_incident_source().replace("cadence: daily,", "cadence: daily, silent_after: null,"))
    note_pull(house, NOW)
    assert find_silent(house, source, NOW + timedelta(days=900)) == []


# Pulls to look at


def find_doubtful(house: House, source: Source, now: datetime = NOW) -> list[tuple[date, bool, list[str]]]:
    found = find_doubtful_pulls(house, [source], LIMITS, now)
    return [(it.day, it.is_stopped, [pull.resource for pull in it.pulls]) for it in found]


TODAY, YESTERDAY = date(2024, 4, 9), date(2024, 4, 8)
DOUBTED = [(TODAY, False, ["incidents"])]


@pytest.mark.parametrize(
    ("received", "rejected", "told"),
    [
        # 20 of 399 are more than 5 %, 20 of 400 are not.
        (399, 20, True),
        (400, 20, False),
        # 19 are fewer than 20, whatever their share.
        (19, 19, False),
        (20, 20, True),
        (0, 0, False),
    ],
)
def test_a_pull_is_doubted_if_both_the_share_and_the_number_of_rejected_rows_are_over_the_limits(
    house: House, source: Source, received: int, rejected: int, told: bool
) -> None:
    note_pull(house, NOW, received=received, rejected=rejected, reasons={"null:kind": rejected})
    assert find_doubtful(house, source) == (DOUBTED if told else [])


def test_a_pull_that_warned_is_doubted(house: House, source: Source) -> None:
    note_pull(house, NOW, received=10, warnings=["new fields that nothing maps: x"])
    assert find_doubtful(house, source) == DOUBTED


@pytest.mark.parametrize(("status", "told"), [("refused", True), ("broken", True), ("unavailable", False)])
def test_a_stopped_pull_is_told_apart_and_silence_is_not_told_here(
    house: House, source: Source, status: str, told: bool
) -> None:
    note_pull(house, NOW, received=10, warnings=["odd"])
    note_pull(house, NOW, resource="others", status=status, message="a stop rule")
    assert find_doubtful(house, source) == DOUBTED + ([(TODAY, True, ["others"])] if told else [])


def test_what_the_pull_before_had_found_just_so_is_not_told_again(house: House, source: Source) -> None:
    found: dict[str, Any] = {"received": 100, "rejected": 30, "reasons": {"null:kind": 30}, "warnings": ["odd"]}
    note_pull(house, NOW - timedelta(days=5), **found)
    note_pull(house, NOW, **found)
    assert find_doubtful(house, source) == []
    note_pull(house, NOW, **{**found, "reasons": {"null:kind": 29, "negative:x": 1}})
    assert find_doubtful(house, source) == DOUBTED


def test_yesterday_and_today_are_looked_at_by_the_citys_days(house: House, source: Source) -> None:
    # 8 April begins in the city at 16:00 UTC of the 7th.
    for ended_at in (datetime(2024, 4, 7, 15, 59, 59, tzinfo=UTC), datetime(2024, 4, 7, 16, tzinfo=UTC), NOW):
        note_pull(house, ended_at, received=10, warnings=[f"odd at {ended_at}"])
    assert find_doubtful(house, source) == [(YESTERDAY, False, ["incidents"]), (TODAY, False, ["incidents"])]


def test_of_several_pulls_of_a_day_the_newest_doubtful_one_is_shown(house: House, source: Source) -> None:
    for number in (1, 2):
        note_pull(house, NOW, received=10, warnings=[f"odd {number}"])
    note_pull(house, NOW, received=10)
    [found] = find_doubtful_pulls(house, [source], LIMITS, NOW)
    assert [pull.warnings for pull in found.pulls] == [["odd 2"]]


def test_a_source_that_is_no_longer_configured_is_not_looked_at(house: House) -> None:
    note_pull(house, NOW, received=10, warnings=["odd"])
    assert find_doubtful_pulls(house, [], LIMITS, NOW) == []
