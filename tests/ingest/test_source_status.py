"""Whether a source was present for a month: asked of all its resources, answered by their latest pulls."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from ingest_kit import MARCH
from platform_server import CARD, write_incident_source

from flows.house import House
from flows.ingest.describe.source import Source
from flows.ingest.status import find_presence, find_source_status
from flows.month import Month
from flows.results import SourceStatus

CUTOFF = MARCH[1]

TWO = (
    write_incident_source()
    + """  others:
    table: incidents
    request: {path: /others}
    fields: {incident_id: id, community_code: id, kind: id, occurred_on: id, status: id, updated_at: id}
"""
)


@pytest.fixture
def source(make_source: Callable[[str], Source]) -> Source:
    assert CARD in TWO
    return make_source(TWO)


def note_pull(
    house: House, resource: str, status: str, window: tuple[datetime, datetime] = MARCH, *, received: int = 0
) -> None:
    pull_id = house.ledger.begin_pull(
        platform="test_platform", resource=resource, table="incidents", window=window, started_at=CUTOFF
    )
    if status != "running":
        house.ledger.finish_pull(
            pull_id,
            status=status,  # type: ignore[arg-type]
            message="",
            received_count=received,
            landed_count=received,
            rejected_count=0,
            finished_at=CUTOFF,
        )


def find_status(house: House, source: Source) -> SourceStatus:
    [status] = find_source_status(house, [source], Month(2024, 3), CUTOFF)
    return status


def test_a_source_never_pulled_is_missing(house: House, source: Source) -> None:
    status = find_status(house, source)
    assert (status.platform, status.present) == ("test_platform", False)
    assert status.evidence == "no pull of incidents, others holds 2024-03 up to its cutoff"


def test_a_source_is_present_when_every_resource_was_pulled(house: House, source: Source) -> None:
    note_pull(house, "incidents", "complete")
    assert not find_status(house, source).present
    note_pull(house, "others", "complete")
    assert find_status(house, source).present


@pytest.mark.parametrize("status", ["refused", "unavailable", "broken", "skipped", "running"])
def test_the_latest_pull_counts_even_after_a_better_one(house: House, source: Source, status: str) -> None:
    for name in ("incidents", "others"):
        note_pull(house, name, "complete")
    note_pull(house, "others", status)
    found = find_status(house, source)
    assert not found.present
    assert f"others ({status}, pull " in found.evidence


def test_a_pull_of_another_window_says_nothing_of_the_month(house: House, source: Source) -> None:
    for name in ("incidents", "others"):
        note_pull(house, name, "complete")
        note_pull(house, name, "broken", (MARCH[0], datetime(2024, 4, 2, 15, 59, 59, tzinfo=UTC)))
        note_pull(house, name, "broken", (datetime(2024, 3, 5, tzinfo=UTC), CUTOFF))
    assert find_status(house, source).present


def test_a_wider_window_holds_the_month(house: House, source: Source) -> None:
    for name in ("incidents", "others"):
        note_pull(house, name, "complete", (datetime(1970, 1, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)))
    assert find_status(house, source).present


def test_pulls_that_hold_the_month_together_are_complete(house: House, source: Source) -> None:
    middle = datetime(2024, 3, 20, tzinfo=UTC)
    for name in ("incidents", "others"):
        note_pull(house, name, "complete", (datetime(2024, 1, 1, tzinfo=UTC), middle))
        note_pull(house, name, "complete", (middle, CUTOFF))
    status = find_status(house, source)
    assert status.status == "complete"
    # 2024-01-01T00:00Z is 08:00 in the city, and the cutoff 00:00 of 3 April.
    assert "others was read from 2024-01-01 08:00 to 2024-04-03 00:00 without a gap" in status.evidence


def test_a_month_held_up_to_a_gap_is_partial_and_the_gap_is_told(house: House, source: Source) -> None:
    for name in ("incidents", "others"):
        note_pull(house, name, "complete", (MARCH[0], datetime(2024, 3, 19, 16, tzinfo=UTC)))
        note_pull(house, name, "complete", (datetime(2024, 3, 20, 16, tzinfo=UTC), CUTOFF))
    status = find_status(house, source)
    assert (status.status, status.present) == ("partial", False)
    assert "others was not read from 2024-03-20 00:00 to 2024-03-21 00:00 (latest pull" in status.evidence


def test_one_resource_of_two_makes_a_source_partial(house: House, source: Source) -> None:
    note_pull(house, "incidents", "complete")
    assert find_status(house, source).status == "partial"


def test_a_failed_hourly_pull_does_not_take_a_whole_month_away(house: House, source: Source) -> None:
    for name in ("incidents", "others"):
        note_pull(house, name, "complete")
        note_pull(
            house, name, "unavailable", (datetime(2024, 4, 2, 10, tzinfo=UTC), datetime(2024, 4, 3, tzinfo=UTC))
        )
    assert find_status(house, source).status == "complete"


def test_a_file_left_for_the_next_time_makes_its_source_partial(house: House, source: Source) -> None:
    note_pull(house, "incidents", "complete")
    note_pull(house, "others", "partial")
    status = find_status(house, source)
    assert (status.status, status.present) == ("partial", False)
    assert "others (partial, pull " in status.evidence


def test_a_watcher_who_reads_only_deciding_pulls_sees_the_same_presence(house: House, source: Source) -> None:
    # Windows of all shapes around the month, ended in every way, in an order drawn once.
    draw = Random(7)
    start, end = MARCH
    edges = [
        start - timedelta(days=3),
        start,
        start + timedelta(days=9),
        end - timedelta(days=2),
        end,
        end + timedelta(days=1),
    ]
    seen = set()
    for _ in range(60):
        first, second = sorted(draw.sample(edges, 2))
        status = draw.choice(["complete"] * 6 + ["partial", "broken", "unavailable", "running"])
        note_pull(house, draw.choice(["incidents", "others"]), status, (first, second))
        [exact] = find_source_status(house, [source], Month(2024, 3), CUTOFF)
        [quick] = find_presence(house, [source], {Month(2024, 3): CUTOFF})[Month(2024, 3)]
        assert (quick.platform, quick.status) == (exact.platform, exact.status)
        seen.add(quick.status)
    assert seen == {"complete", "partial", "missing"}


def test_a_watcher_counts_what_the_month_s_own_pulls_brought(house: House, source: Source) -> None:
    april = datetime(2024, 3, 31, 16, tzinfo=UTC), CUTOFF + timedelta(days=30)
    for name in ("incidents", "others"):
        note_pull(house, name, "complete", received=5)
        note_pull(house, name, "complete", april, received=100)
    [found] = find_presence(house, [source], {Month(2024, 3): CUTOFF})[Month(2024, 3)]
    assert (found.status, found.received_count, found.landed_count, found.rejected_count) == ("complete", 10, 10, 0)
