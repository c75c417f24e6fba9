"""A list that changes while its pages are read: noticed and read again, never with a record lost unseen."""

from collections.abc import Callable
from typing import Any

import pytest
from ingest_kit import count_rows
from platform_server import Asked, PlatformServer, Reply, make_incidents, write_incident_source

from flows.errors import QualityGate, SourceUnavailable
from flows.house import House
from flows.ingest.connect.connector import RecordsChanged
from flows.ingest.connect.paging import Pager
from flows.ingest.connect.rest import RestClient
from flows.ingest.describe.source import RestSource, Source
from flows.ingest.reports import PullReport
from flows.month import Month

DAY = (Month(2024, 3).starts_at, Month(2024, 3).ends_at)
OFFSET = "{kind: offset, limit: 2}"
PAGE = "{kind: page, size_param: size, size: 2}"


@pytest.fixture
def fetch(
    make_client: Callable[[str], RestClient], make_source: Callable[[str], Source]
) -> Callable[[str], list[str]]:
    """The ids read through a resource with the given lines."""

    def run(resource: str) -> list[str]:
        text = write_incident_source(resource)
        source = make_source(text)
        assert isinstance(source, RestSource)
        pager = Pager(make_client(text), source, source.resources["incidents"], "test_platform, incidents")
        return [record["id"] for page in pager.fetch_pages(DAY) for record in page]

    return run


class ChangingList:
    """Incidents by page or offset, two at a time; `change(asked_count, list)` alters the list before each answer."""

    def __init__(self, count: int, change: Callable[[int, list[Any]], None], *, total: int | None = 0) -> None:
        self.records = make_incidents(count)
        self.change = change
        self.total = total
        self.asked_count = 0

    def __call__(self, asked: Asked) -> Reply:
        self.asked_count += 1
        self.change(self.asked_count, self.records)
        first = int(asked.query["offset"]) if "offset" in asked.query else (int(asked.query["page"]) - 1) * 2
        content: dict[str, Any] = {"items": self.records[first : first + 2]}
        return Reply(content if self.total is None else {**content, "total": len(self.records) + self.total})


def remove_first(at: int) -> Callable[[int, list[Any]], None]:
    """The first record goes just before the request of that number is answered."""
    return lambda number, records: records.pop(0) and None if number == at else None


def insert_first(at: int) -> Callable[[int, list[Any]], None]:
    return lambda number, records: records.insert(0, make_incidents(1, 90)[0]) if number == at else None


@pytest.mark.parametrize("pages", [OFFSET, PAGE])
@pytest.mark.parametrize("change", [remove_first(2), insert_first(2), remove_first(3)])
def test_a_total_that_moves_between_pages_means_the_list_changed(
    fetch: Any, platform: PlatformServer, pages: str, change: Any
) -> None:
    platform.answer = ChangingList(6, change)
    with pytest.raises(RecordsChanged, match=r"changed while it was read \(the stated total went from 6 to [57]\)"):
        fetch(f"pages: {pages}\ntotal: total")


def test_a_record_that_goes_before_the_empty_last_page_shows_in_the_count(
    fetch: Any, platform: PlatformServer
) -> None:
    # Three records; the third goes after the first page, so the second is empty and the total says two.
    platform.answer = ChangingList(3, lambda number, records: records.pop() and None if number == 2 else None)
    with pytest.raises(RecordsChanged, match="2 records received, 3 stated"):
        fetch(f"pages: {OFFSET}\ntotal: total")


def test_a_total_that_never_moves_and_is_wrong_lies(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = ChangingList(5, lambda *_: None, total=1)
    with pytest.raises(QualityGate, match="5 records received, 6 stated"):
        fetch(f"pages: {OFFSET}\ntotal: total")


@pytest.mark.parametrize("stated", [2, 4])
def test_a_total_too_low_by_whole_pages_lies_too(fetch: Any, platform: PlatformServer, stated: int) -> None:
    platform.answer = ChangingList(6, lambda *_: None, total=stated - 6)
    with pytest.raises(QualityGate, match=f"{stated + 2} records received, {stated} stated"):
        fetch(f"pages: {OFFSET}\ntotal: total")


@pytest.mark.parametrize("past", [Reply({}, 404), Reply({}, 400), Reply({"code": 1, "items": None}), Reply({}, 503)])
def test_a_total_reached_exactly_holds_whatever_the_platform_says_of_a_page_behind_it(
    fetch: Any, platform: PlatformServer, past: Reply
) -> None:
    whole = ChangingList(4, lambda *_: None)
    platform.answer = lambda asked: past if asked.query["offset"] == "4" else whole(asked)
    assert fetch(f"pages: {OFFSET}\ntotal: total") == ["I0", "I1", "I2", "I3"]


def test_a_page_shorter_than_others_that_reaches_the_total_is_the_last(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = ChangingList(5, lambda *_: None)
    assert len(fetch(f"pages: {OFFSET}\ntotal: total")) == 5
    assert [asked.query["offset"] for asked in platform.asked] == ["0", "2", "4"]


@pytest.mark.parametrize("pages", [OFFSET, PAGE])
@pytest.mark.parametrize("change", [remove_first(2), insert_first(2), remove_first(3)])
def test_without_a_total_a_second_reading_shows_the_change(
    fetch: Any, platform: PlatformServer, pages: str, change: Any
) -> None:
    platform.answer = ChangingList(6, change, total=None)
    with pytest.raises(RecordsChanged, match="page 1 is not what it was when read again"):
        fetch(f"pages: {pages}")


def test_a_record_lost_behind_a_single_page_shows_too(fetch: Any, platform: PlatformServer) -> None:
    # Three records, two a page. One goes after the first page, the third moves up, and the second page is empty.
    platform.answer = ChangingList(3, remove_first(2), total=None)
    with pytest.raises(RecordsChanged, match="page 1 is not"):
        fetch(f"pages: {OFFSET}")


def test_a_list_said_to_be_stable_is_read_once(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = ChangingList(6, lambda *_: None, total=None)
    assert len(fetch("pages: {kind: offset, limit: 2, stable: true}")) == 6
    assert [asked.query["offset"] for asked in platform.asked] == ["0", "2", "4", "6"]


@pytest.mark.parametrize("since", ["since: {param: a}", "since: {param: a, until_param: b}"])
def test_with_a_total_only_a_query_without_end_is_read_twice(
    fetch: Any, platform: PlatformServer, since: str
) -> None:
    platform.answer = ChangingList(5, lambda *_: None)
    assert len(fetch(f"pages: {OFFSET}\ntotal: total\n{since}")) == 5
    assert len(platform.asked) == (3 if "until_param" in since else 6)


def move_first_to_the_end(number: int, records: list[Any]) -> None:
    if number == 2:
        records.append({**records.pop(0), "status": "withdrawn"})


def test_a_record_changed_meanwhile_in_a_query_without_end_shows_though_its_total_stands(
    fetch: Any, platform: PlatformServer
) -> None:
    platform.answer = ChangingList(6, move_first_to_the_end)
    with pytest.raises(RecordsChanged, match="page 1 is not"):
        fetch(f"pages: {OFFSET}\ntotal: total\nsince: {{param: a}}")


@pytest.mark.parametrize(("stable", "asked_count"), [("", 2), (", stable: true", 2), (", stable: false", 4)])
def test_pages_that_name_their_next_are_trusted_unless_said_to_change(
    fetch: Any, platform: PlatformServer, stable: str, asked_count: int
) -> None:
    platform.answer = lambda asked: Reply(
        {"items": make_incidents(1, 7), "next": "b"} if "cursor" not in asked.query else {"items": make_incidents(1)}
    )
    assert fetch(f"pages: {{kind: cursor, next: next{stable}}}") == ["I7", "I0"]
    assert len(platform.asked) == asked_count


def test_a_single_answer_is_never_read_twice(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    assert len(fetch("pages: {kind: cursor, next: next, stable: false}")) == 3
    assert len(platform.asked) == 1


def test_pages_that_come_in_turn_for_ever_break_off(fetch: Any, platform: PlatformServer) -> None:
    whole = make_incidents(6)
    platform.answer = lambda asked: Reply({"items": whole[int(asked.query["offset"]) % 6 :][:2]})
    with pytest.raises(Exception, match="the same page twice"):
        fetch("pages: {kind: offset, limit: 2}")
    assert len(platform.asked) == 4


SOURCE = write_incident_source(f"pages: {OFFSET}\ntotal: total")


def test_a_list_that_changed_once_is_read_again_and_lands_whole(
    pull: Callable[..., PullReport], house: House, platform: PlatformServer
) -> None:
    platform.answer = ChangingList(5, insert_first(2))
    report = pull(SOURCE)
    assert report.error is None
    assert (report.pulls[0].received_count, count_rows(house, "incidents")) == (6, 6)


def test_a_list_that_changes_every_time_is_unavailable_and_lands_nothing(
    pull: Callable[..., PullReport], house: House, platform: PlatformServer
) -> None:
    platform.answer = ChangingList(5, lambda _, records: records.insert(0, make_incidents(1, len(records))[0]))
    report = pull(SOURCE)
    assert isinstance(report.error, SourceUnavailable)
    assert "the stated total went from" in str(report.error)
    assert count_rows(house, "incidents") == 0
    # Each of the three readings stops at its second page.
    assert len(platform.asked) == 6
