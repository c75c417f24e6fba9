"""A window's records, whatever way the platform cuts them into pages."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from platform_server import Asked, PlatformServer, Reply, make_incidents, write_incident_source

from flows.errors import ContractBroken, QualityGate
from flows.ingest.connect.paging import Pager
from flows.ingest.connect.rest import RestClient
from flows.ingest.describe.source import RestSource, Source

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = (START, START + timedelta(days=1))


@pytest.fixture
def fetch(make_client: Callable[[str], RestClient], make_source: Callable[[str], Source]) -> Callable[..., list[Any]]:
    """Reads a window's pages through a resource with the given lines; answers the list of pages."""

    def run(resource: str, window: tuple[datetime, datetime] = DAY) -> list[Any]:
        text = write_incident_source(resource)
        source = make_source(text)
        assert isinstance(source, RestSource)
        pager = Pager(make_client(text), source, source.resources["incidents"], "test_platform, incidents")
        return list(pager.fetch_pages(window))

    return run


def test_an_answer_that_is_itself_the_list_is_one_page(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(make_incidents(3))
    assert [len(page) for page in fetch("records: ''")] == [3]


def test_numbered_pages_end_at_an_empty_page_after_a_short_one(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda asked: Reply({"items": make_incidents(5)[int(asked.query["p"]) * 2 :][:2]})
    pages = fetch("pages: {kind: page, param: p, first: 0, size_param: n, size: 2}")
    assert [len(page) for page in pages] == [2, 2, 1]
    # Pages 0 to 3, and those that held records once more: without a total nothing else shows that none was removed.
    assert [asked.query for asked in platform.asked] == [{"p": str(page), "n": "2"} for page in (0, 1, 2, 3, 0, 1, 2)]


@pytest.mark.parametrize(
    ("pages", "skip"),
    [
        ("{kind: page, size_param: n, size: 1000}", lambda query: (int(query["page"]) - 1) * 2),
        ("{kind: offset, limit: 1000}", lambda query: int(query["offset"])),
    ],
)
def test_a_platform_that_caps_its_pages_lower_than_asked_loses_nothing(
    fetch: Any, platform: PlatformServer, pages: str, skip: Callable[[dict[str, str]], int]
) -> None:
    platform.answer = lambda asked: Reply({"items": make_incidents(5)[skip(asked.query) :][:2]})
    assert [record["id"] for page in fetch(f"pages: {pages}") for record in page] == [f"I{n}" for n in range(5)]
    assert len(platform.asked) == 7


@pytest.mark.parametrize("past", ["the last page again", "404"])
def test_a_short_page_is_the_last_if_there_is_no_other_behind_it(
    fetch: Any, platform: PlatformServer, past: str
) -> None:
    def answer(asked: Asked) -> Reply:
        page = int(asked.query["page"])
        if page > 2 and past == "404":
            return Reply({}, status=404)
        return Reply({"items": make_incidents(3)[(min(page, 2) - 1) * 2 :][:2]})

    platform.answer = answer
    assert [len(page) for page in fetch("pages: {kind: page, size: 2}")] == [2, 1]
    # A page that comes again might be a list with everything in it twice: the one behind it decides.
    behind = ["3", "4"] if past == "the last page again" else ["3"]
    assert [asked.query["page"] for asked in platform.asked] == ["1", "2", *behind, "1", "2"]


def test_a_page_that_is_not_there_after_a_full_one_breaks_the_contract(fetch: Any, platform: PlatformServer) -> None:
    platform.answer_in_turn(Reply({"items": make_incidents(2)}), Reply({}, status=404))
    with pytest.raises(ContractBroken, match="answered 404"):
        fetch("pages: {kind: page, size: 2}")


def test_a_short_page_before_a_stated_total_must_be_followed(fetch: Any, platform: PlatformServer) -> None:
    platform.answer_in_turn(Reply({"items": make_incidents(1), "total": 3}), Reply({}, status=404))
    with pytest.raises(ContractBroken, match="answered 404"):
        fetch("pages: {kind: page, size: 2}\ntotal: total")


def test_numbered_pages_of_an_exact_multiple_end_at_an_empty_page(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda asked: Reply({"items": make_incidents(4)[(int(asked.query["page"]) - 1) * 2 :][:2]})
    assert [len(page) for page in fetch("pages: {kind: page, size: 2}")] == [2, 2]
    assert [asked.query["page"] for asked in platform.asked] == ["1", "2", "3", "1", "2"]


def test_a_stated_total_is_reached_even_if_the_platform_gives_smaller_pages_than_asked(
    fetch: Any, platform: PlatformServer
) -> None:
    platform.answer = lambda asked: Reply(
        {"total": 5, "items": make_incidents(5)[(int(asked.query["page"]) - 1) * 2 :][:2]}
    )
    pages = fetch("pages: {kind: page, size_param: size, size: 1000}\ntotal: total")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len(platform.asked) == 3


def test_offset_pages_go_on_from_the_number_received(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda asked: Reply({"items": make_incidents(5)[int(asked.query["offset"]) :][:2]})
    assert [len(page) for page in fetch("pages: {kind: offset, limit: 2}")] == [2, 2, 1]
    assert [asked.query["offset"] for asked in platform.asked] == ["0", "2", "4", "5", "0", "2", "4"]


def test_cursor_pages_follow_the_cursor_until_it_is_null(fetch: Any, platform: PlatformServer) -> None:
    following = {None: "a", "a": "b", "b": None}

    def answer(asked: Asked) -> Reply:
        cursor = asked.query.get("cursor")
        return Reply({"items": make_incidents(1, len(platform.asked)), "next": following[cursor]})

    platform.answer = answer
    assert len(fetch("pages: {kind: cursor, next: next}")) == 3
    assert [asked.query.get("cursor") for asked in platform.asked] == [None, "a", "b"]


@pytest.mark.parametrize("absolute", [True, False])
def test_next_urls_are_followed_as_they_stand(fetch: Any, platform: PlatformServer, absolute: bool) -> None:
    base = platform.url if absolute else ""

    def answer(asked: Asked) -> Reply:
        last = asked.query.get("part") == "2"
        return Reply(
            {"items": make_incidents(1, len(platform.asked)), "next": None if last else f"{base}/list?part=2&x=%2B"}
        )

    platform.answer = answer
    assert len(fetch("pages: {kind: next_url, next: next}\nsince: {param: since}")) == 2
    assert platform.asked[1].query == {"part": "2", "x": "+"}


def test_a_next_url_on_another_host_is_refused_and_never_asked(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1), "next": "http://localhost:1/list"})
    with pytest.raises(ContractBroken, match="which is not the host of"):
        fetch("pages: {kind: next_url, next: next}")
    assert len(platform.asked) == 1


def test_link_headers_are_followed(fetch: Any, platform: PlatformServer) -> None:
    platform.answer_in_turn(
        Reply({"items": make_incidents(1)}, headers={"link": '</list?page=2>; rel="next", </list>; rel="first"'}),
        Reply({"items": make_incidents(1, 1)}),
    )
    assert len(fetch("pages: {kind: link_header}")) == 2


def test_parameters_of_a_post_request_go_in_its_body(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1)})
    fetch("request: {method: POST, path: /list, params: {a: 1}, body: {b: {c: true}}}\npages: {kind: page, size: 2}")
    asked = platform.asked[0]
    assert (asked.method, asked.query) == ("POST", {})
    assert asked.body == b'{"b":{"c":true},"a":1,"page":1}'


@pytest.mark.parametrize("pages", ["{kind: offset, limit: 2}", "{kind: cursor, next: next, param: offset}"])
def test_pages_of_a_post_request_are_asked_for_in_its_body(fetch: Any, platform: PlatformServer, pages: str) -> None:
    def answer(asked: Asked) -> Reply:
        first = json.loads(asked.body).get("offset", 0)
        return Reply({"items": make_incidents(3)[first : first + 2], "total": 3, "next": 2 if first == 0 else None})

    platform.answer = answer
    assert [len(page) for page in fetch(f"request: {{method: POST, path: /list}}\ntotal: total\npages: {pages}")] == [
        2,
        1,
    ]
    assert [(asked.method, asked.query, json.loads(asked.body)["offset"]) for asked in platform.asked[1:]] == [
        ("POST", {}, 2)
    ]


def test_records_and_totals_are_found_however_deep_they_lie(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"result": {"page": {"rows": make_incidents(2), "meta": {"all": "2"}}}})
    assert [len(page) for page in fetch("records: result.page.rows\ntotal: result.page.meta.all")] == [2]


def test_a_link_header_without_a_next_page_ends_the_list(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1)}, headers={"link": '</list?page=1>; rel="prev"'})
    assert len(fetch("pages: {kind: link_header}")) == 1
    assert len(platform.asked) == 1


@pytest.mark.parametrize("link", ["?page=2", "list?page=2", "{base}/list?page=2"])
def test_a_link_header_may_be_relative_to_its_page(fetch: Any, platform: PlatformServer, link: str) -> None:
    link = link.format(base=platform.url)
    platform.answer_in_turn(
        Reply({"items": make_incidents(1)}, headers={"link": f'<{link}>; rel="next"'}),
        Reply({"items": make_incidents(1, 1)}),
    )
    assert len(fetch("pages: {kind: link_header}")) == 2
    assert (platform.asked[1].path, platform.asked[1].query) == ("/list", {"page": "2"})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # 2024-02-29T22:00:00Z is the day's start less the lag of two hours; Shanghai is 8 hours ahead.
        ("iso", ["2024-02-29T22:00:00Z", "2024-03-02T00:00:00Z"]),
        ("local", ["2024-03-01 06:00:00", "2024-03-02 08:00:00"]),
        ("epoch_s", ["1709244000", "1709337600"]),
        ("epoch_ms", ["1709244000000", "1709337600000"]),
    ],
)
def test_a_window_is_written_as_the_platform_reads_it(
    fetch: Any, platform: PlatformServer, kind: str, expected: list[str]
) -> None:
    fetch(f"since: {{param: a, until_param: b, format: {kind}, lag: 2h}}")
    assert [platform.asked[0].query[name] for name in "ab"] == expected


def test_a_window_begins_an_hour_earlier_where_clocks_are_about_to_be_set_back(
    fetch: Any, platform: PlatformServer
) -> None:
    # On 3 November 2024 New York's 01:50 was 05:50 and 06:50 UTC. At 06:10 a record was written as of 01:10, which
    # comes before the first 01:50.
    window = datetime(2024, 11, 3, 5, 50, tzinfo=UTC), datetime(2024, 11, 3, 8, tzinfo=UTC)
    fetch("since: {param: a, until_param: b, format: local}\ntimezone: America/New_York", window)
    assert platform.asked[0].query == {"a": "2024-11-03 00:50:00", "b": "2024-11-03 03:00:00"}


def test_a_window_is_asked_for_in_slices_without_gap_or_overlap(fetch: Any, platform: PlatformServer) -> None:
    fetch("since: {param: a, until_param: b, slice: 10h}")
    asked = [(asked.query["a"], asked.query["b"]) for asked in platform.asked]
    assert asked == [
        ("2024-03-01T00:00:00Z", "2024-03-01T10:00:00Z"),
        ("2024-03-01T10:00:00Z", "2024-03-01T20:00:00Z"),
        ("2024-03-01T20:00:00Z", "2024-03-02T00:00:00Z"),
    ]


def test_a_slice_without_an_end_is_one_query(fetch: Any, platform: PlatformServer) -> None:
    fetch("since: {param: a, slice: 10h}")
    assert [asked.query for asked in platform.asked] == [{"a": "2024-03-01T00:00:00Z"}]


def answer_capped(platform: PlatformServer, moments: list[datetime], cap: int) -> Callable[[Asked], Reply]:
    """A platform that silently gives at most `cap` of the incidents updated at `moments`."""

    def answer(asked: Asked) -> Reply:
        low, high = (datetime.fromisoformat(asked.query[name]) for name in "ab")
        records = [
            {**record, "updated": moment.isoformat()}
            for record, moment in zip(make_incidents(len(moments)), moments, strict=True)
            if low <= moment < high
        ]
        return Reply({"items": records[:cap]})

    return answer


def test_a_query_that_reaches_the_cap_is_halved_until_nothing_is_cut(fetch: Any, platform: PlatformServer) -> None:
    moments = [START + timedelta(minutes=number) for number in range(1000)]
    platform.answer = answer_capped(platform, moments, cap=100)
    pages = fetch("since: {param: a, until_param: b, cap: 100}")
    ids = [record["id"] for page in pages for record in page]
    assert ids == [f"I{number}" for number in range(1000)]


def test_a_query_one_under_the_cap_is_taken_as_it_is(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = answer_capped(platform, [START] * 99, cap=100)
    assert len(fetch("since: {param: a, until_param: b, cap: 100}")[0]) == 99
    assert len(platform.asked) == 1


def test_a_single_second_that_reaches_the_cap_breaks_the_contract(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = answer_capped(platform, [START] * 100, cap=100)
    with pytest.raises(ContractBroken, match="may have cut the answer"):
        fetch("since: {param: a, until_param: b, cap: 100}")


def test_a_cap_that_cannot_be_narrowed_breaks_the_contract(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(100)})
    with pytest.raises(ContractBroken, match="at most 100"):
        fetch("since: {param: a, cap: 100}")


def test_fewer_records_than_the_total_stated_are_refused(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3), "total": 4})
    with pytest.raises(QualityGate, match="3 records received, 4 stated"):
        fetch("total: total")


def test_a_total_that_is_not_stated_breaks_the_contract(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": []})
    with pytest.raises(ContractBroken, match="where total is expected"):
        fetch("total: data.total")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"rows": []}, "no list at items, but an object with the keys rows"),
        ({"items": None}, "no list at items"),
        ({"items": {"a": 1}}, "another kind"),
        ([], "another kind"),
        ({"items": ["text"]}, "a record is not an object"),
    ],
)
def test_an_answer_without_the_list_breaks_the_contract(
    fetch: Any, platform: PlatformServer, content: Any, message: str
) -> None:
    platform.answer = lambda _: Reply(content)
    with pytest.raises(ContractBroken, match=message):
        fetch("")


def test_a_platform_that_ignores_the_page_number_breaks_the_contract(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(2)})
    with pytest.raises(ContractBroken, match="the same page twice"):
        fetch("pages: {kind: page, size: 2}")


def test_a_cursor_that_comes_back_breaks_the_contract(fetch: Any, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1, len(platform.asked)), "next": "a"})
    with pytest.raises(ContractBroken, match="the same next page twice"):
        fetch("pages: {kind: cursor, next: next}")
