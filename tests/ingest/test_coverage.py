"""What pulls hold together, and up to where a resource has been read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ingest.coverage import Spans, find_mark, find_spans
from flows.ledger import PullRecord

START = datetime(2024, 3, 1, tzinfo=UTC)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def make_pull(first: int, last: int, status: str = "complete", newest: int | None = None) -> PullRecord:
    """A pull of the hours `[first, last)`, with the hour of the newest record that it gave."""
    return PullRecord(
        id=1,
        platform="p",
        resource="r",
        table_name="incidents",
        window_from_at=at(first),
        window_to_at=at(last),
        status=status,  # type: ignore[arg-type]
        message="",
        received_count=0,
        landed_count=0,
        rejected_count=0,
        reason_counts={},
        warnings=(),
        checks=(),
        newest_at=None if newest is None else at(newest),
        started_at=at(last),
        finished_at=at(last),
    )


def mark(*pulls: PullRecord) -> int | None:
    """The mark in hours."""
    found = find_mark(pulls, dates_rows=True)
    return None if found is None else int((found - START).total_seconds() // 3600)


hours = st.integers(0, 30)
windows = st.lists(st.tuples(hours, hours), max_size=12)


@given(windows, st.tuples(hours, hours))
def test_spans_hold_what_every_hour_of_is_held(given_windows: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    spans = Spans((at(first), at(last)) for first, last in given_windows)
    held = {hour for first, last in given_windows for hour in range(first, last)}
    window = (at(asked[0]), at(asked[1]))
    wanted = set(range(*asked))
    if wanted:
        assert spans.hold(window) == (wanted <= held)
        assert spans.touch(window) == bool(wanted & held)
    gaps = {hour for hour in wanted if any(start <= at(hour) < end for start, end in spans.list_gaps(window))}
    assert gaps == wanted - held


def test_nothing_was_read_before_the_first_complete_pull() -> None:
    assert mark() is None
    assert mark(make_pull(0, 5, "unavailable")) is None


def test_the_mark_is_the_newest_record_and_not_our_clock() -> None:
    # The platform's clock is 2 hours slow: what it changes next it stamps 4 or later, and the window ended at 5.
    assert mark(make_pull(0, 5, newest=3)) == 3


def test_a_record_from_the_future_does_not_carry_the_mark_beyond_the_window() -> None:
    assert mark(make_pull(0, 5, newest=9)) == 5


def test_a_pull_without_records_leaves_the_mark() -> None:
    assert mark(make_pull(0, 5)) == 0
    assert mark(make_pull(0, 5, newest=4), make_pull(4, 9)) == 4


def test_without_a_date_of_change_the_mark_is_the_windows_end() -> None:
    assert find_mark([make_pull(0, 5)], dates_rows=False) == at(5)


@pytest.mark.parametrize("status", ["running", "partial", "refused", "unavailable", "broken", "skipped"])
def test_what_did_not_end_complete_moves_no_mark(status: str) -> None:
    assert mark(make_pull(0, 5, newest=4), make_pull(4, 9, status, newest=8)) == 4


def test_a_pull_of_an_earlier_month_leaves_the_mark() -> None:
    assert mark(make_pull(10, 20, newest=19), make_pull(0, 10, newest=9)) == 19


def test_a_pull_that_begins_after_the_mark_leaves_it_for_what_lies_between_was_not_read() -> None:
    assert mark(make_pull(0, 5, newest=4), make_pull(6, 9, newest=8)) == 4
    assert mark(make_pull(0, 5, newest=4), make_pull(4, 9, newest=8)) == 8


def test_a_pull_of_a_month_yet_to_come_makes_no_mark() -> None:
    # Asked at 5 for 9 and later: the window is cut at our clock, so it ends before it begins and nothing was read.
    assert mark(make_pull(9, 5)) is None
    assert mark(make_pull(9, 5), make_pull(0, 6, newest=4)) == 4
    assert find_mark([make_pull(9, 5)], dates_rows=False) is None


def test_pulls_hold_a_window_together() -> None:
    spans, failed = find_spans([make_pull(0, 5), make_pull(4, 9)], (at(0), at(9)))
    assert (spans.hold((at(0), at(9))), failed) == (True, None)


def test_a_failed_pull_of_the_whole_window_voids_what_came_before_until_it_is_held_again() -> None:
    window = (at(0), at(9))
    broken = make_pull(0, 9, "broken")
    spans, failed = find_spans([make_pull(0, 9), broken], window)
    assert (spans.touch(window), failed) == (False, broken)
    spans, failed = find_spans([make_pull(0, 9), broken, make_pull(0, 9)], window)
    assert (spans.hold(window), failed) == (True, None)


def test_a_failed_pull_of_a_part_voids_nothing() -> None:
    spans, failed = find_spans([make_pull(0, 9), make_pull(8, 12, "unavailable")], (at(0), at(9)))
    assert (spans.hold((at(0), at(9))), failed) == (True, None)
