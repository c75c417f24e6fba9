"""Answers made to break their reader: each ends in a message, none in a traceback, a hang or a full memory."""

import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from platform_server import PlatformServer, Reply, make_incidents, write_incident_source

from flows.errors import ContractBroken, SourceUnavailable
from flows.ingest.connect.rest import RestClient
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]
NO_URLS = ["http://[::1", "http://[platform]/list"]
MEGABYTE = 1024 * 1024


def find_error(report: PullReport) -> tuple[type[Exception], str]:
    [pull] = report.pulls
    return type(pull.error), str(pull.error)


@pytest.mark.parametrize(
    "date",
    ["Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"],
)
def test_a_date_beyond_all_calendars_is_no_date(pull: Pull, platform: PlatformServer, date: str) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1)}, headers={"date": date})
    assert pull(write_incident_source()).pulls[0].status == "complete"


def test_a_pause_without_end_is_not_granted(pull: Pull, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(status=429, headers={"retry-after": "9" * 400})
    kind, message = find_error(pull(write_incident_source()))
    assert kind is SourceUnavailable
    assert "asks to be left alone" in message


@pytest.mark.parametrize("total", ["²", "1" * 5000])
def test_a_total_that_only_looks_like_a_number_breaks_the_contract(
    pull: Pull, platform: PlatformServer, total: str
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1), "total": total})
    kind, message = find_error(pull(write_incident_source("total: total")))
    assert kind is ContractBroken
    assert "no number at total" in message


@pytest.mark.parametrize("address", NO_URLS)
def test_a_next_page_at_no_url_breaks_the_contract(pull: Pull, platform: PlatformServer, address: str) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1), "next": address})
    kind, message = find_error(pull(write_incident_source("pages: {kind: next_url, next: next}")))
    assert kind is ContractBroken
    assert "no URL" in message


@pytest.mark.parametrize("address", NO_URLS)
def test_a_redirect_to_no_url_breaks_the_contract(pull: Pull, platform: PlatformServer, address: str) -> None:
    platform.answer = lambda _: Reply(status=302, headers={"location": address})
    kind, message = find_error(pull(write_incident_source()))
    assert kind is ContractBroken
    assert "no URL" in message


def test_a_redirect_without_an_address_breaks_the_contract(pull: Pull, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(1)}, status=300)
    kind, message = find_error(pull(write_incident_source()))
    assert kind is ContractBroken
    assert "answered 300" in message


def test_the_body_of_a_redirect_is_not_unpacked(
    make_client: Callable[[str], RestClient], platform: PlatformServer
) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([packer.compress(bytes(MEGABYTE)) for _ in range(64)]) + packer.flush()
    redirect = Reply(bomb, status=302, headers={"location": "/there", "content-encoding": "gzip"})
    platform.answer = lambda asked: redirect if asked.path == "/list" else Reply({"items": []})
    client = make_client(write_incident_source(connection="max_page_mb: 1"))
    tracemalloc.start()
    try:
        assert client.ask("/list").content == {"items": []}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 64 MB once unpacked; the answer that counts holds some bytes.
    assert peak < 16 * MEGABYTE


@pytest.mark.parametrize(("depth", "status"), [(200, "complete"), (260, "broken"), (1000, "broken")])
@pytest.mark.parametrize("place", [0, 5])
def test_a_record_nested_deeper_than_any_is_refused_or_landed(
    pull: Pull, platform: PlatformServer, depth: int, status: str, place: int
) -> None:
    records: list[Any] = make_incidents(11)
    records[place] |= {"kind": "not listed", "more": {}}
    text = json.dumps({"items": records}).replace('"more": {}', '"more": ' + '{"a":' * depth + "1" + "}" * depth)
    platform.answer = lambda _: Reply(text.encode())
    # One of eleven rejected is less than a fifth; only the first and the last record of a page are looked at whole.
    [outcome] = pull(write_incident_source()).pulls
    assert outcome.status == status
    assert outcome.landed_count == (10 if status == "complete" else 0)
    assert status == "complete" or "250 levels deep" in str(outcome.error)


def test_headers_that_cannot_be_read_do_not_bring_the_url_into_the_log(
    make_client: Callable[[str], RestClient], platform: PlatformServer, caplog: pytest.LogCaptureFixture
) -> None:
    # A line without a colon, which urllib3 reports with the URL that it asked, key and all.
    platform.answer = lambda _: Reply({"items": []}, headers={"connection": "close", "x-odd": "1\r\nno header"})
    key = "{kind: api_key, name: key, value: ${TEST_TOKEN}, in: query}"
    make_client(write_incident_source(auth=key)).ask("/list")
    assert platform.asked[0].query["key"] == "s3cret-token"
    assert "s3cret-token" not in caplog.text
