"""One answer of a platform that means no good: too large, too slow, cut off, in another encoding, at another time."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count

import pytest
from ingest_kit import Pauses
from platform_server import PlatformServer, Reply, write_incident_source

from flows.errors import ConfigurationError, ContractBroken, SourceUnavailable
from flows.ingest.connect.rest import RestClient, Timing
from flows.ingest.describe.source import RestSource, Source

MakeClient = Callable[[str], RestClient]
MEGABYTE = 1024 * 1024
HMAC = "{kind: hmac_sha256, key_id: me, secret: ${TEST_SECRET}}"
OURS = datetime(2024, 3, 9, 16, tzinfo=UTC)
"""What the clock of the tests says."""


def make_text(connection: str = "", auth: str = "{kind: none}") -> str:
    return write_incident_source(auth=auth, connection=connection)


def make_body(size: int) -> bytes:
    """JSON of exactly so many bytes."""
    return b'{"items": ["' + b"x" * (size - 15) + b'"]}'


def test_an_answer_of_exactly_the_limit_is_read(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(make_body(MEGABYTE))
    answer = make_client(make_text("max_page_mb: 1")).ask("/list")
    assert len(answer.content["items"][0]) == MEGABYTE - 15


def test_an_answer_one_byte_above_the_limit_is_stopped(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(make_body(MEGABYTE + 1))
    with pytest.raises(ContractBroken, match=r"/list sends more than 1 MB in one answer.*smaller pages"):
        make_client(make_text("max_page_mb: 1")).ask("/list")
    assert len(platform.asked) == 1


def test_an_answer_without_end_is_stopped_at_the_limit_and_hung_up_on(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    sent: list[int] = []

    def send() -> Iterator[bytes]:
        for number in count():
            sent.append(number)
            yield b" " * MEGABYTE

    platform.answer = lambda _: Reply(pieces=send())
    with pytest.raises(ContractBroken, match="more than 2 MB"):
        make_client(make_text("max_page_mb: 2")).ask("/list")
    # Two megabytes and what the machine's buffers between the two hold; had nobody hung up, it would go on for ever.
    assert len(sent) < 40


def test_the_limit_counts_what_is_unpacked(make_client: MakeClient, platform: PlatformServer) -> None:
    packed = gzip.compress(make_body(50 * MEGABYTE))
    assert len(packed) < MEGABYTE // 10
    platform.answer = lambda _: Reply(packed, headers={"content-encoding": "gzip"})
    with pytest.raises(ContractBroken, match="more than 1 MB"):
        make_client(make_text("max_page_mb: 1")).ask("/list")


def test_a_packed_answer_within_the_limit_is_read(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(gzip.compress(b'{"items": [1]}'), headers={"content-encoding": "gzip"})
    assert make_client(make_text()).ask("/list").content == {"items": [1]}


@pytest.mark.parametrize(("seconds_a_piece", "is_read"), [(99, True), (101, False)])
def test_an_answer_that_trickles_may_take_ten_times_the_timeout(
    make_source: Callable[[str], Source], platform: PlatformServer, seconds_a_piece: int, is_read: bool
) -> None:
    platform.answer = lambda _: Reply(pieces=(b'{"items"', b": ", b"[]}"))
    ticks = count(0, seconds_a_piece)
    source = make_source(make_text("timeout_seconds: 30"))
    assert isinstance(source, RestSource)
    # The clock is read when the request is made and after each piece: three pieces, three steps of the clock.
    with RestClient(source, Timing(sleep=lambda _: None, clock=lambda: next(ticks))) as client:
        if is_read:
            assert client.ask("/list").content == {"items": []}
        else:
            with pytest.raises(
                SourceUnavailable, match=r"did not finish its answer within 300 seconds.*timeout_seco"
            ):
                client.ask("/list")
    assert len(platform.asked) == 1


def test_an_answer_cut_off_half_way_is_asked_for_again(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    platform.answer_in_turn(Reply(b'{"items": [1', missing_count=9), Reply({"items": [1, 2]}))
    assert make_client(make_text()).ask("/list").content == {"items": [1, 2]}
    assert pauses.seconds == [0.5]


def test_an_answer_always_cut_off_half_way_is_unavailable(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(b'{"items": [1', missing_count=9)
    with pytest.raises(SourceUnavailable, match="/list broke off its answer half way, 5 times in a row"):
        make_client(make_text()).ask("/list")


def test_pieces_that_end_too_early_are_asked_for_again(make_client: MakeClient, platform: PlatformServer) -> None:
    def break_off() -> Iterator[bytes]:
        yield b'{"items": ['
        raise ConnectionResetError

    platform.answer_in_turn(Reply(pieces=break_off()), Reply({"items": []}))
    assert make_client(make_text()).ask("/list").content == {"items": []}


@pytest.mark.parametrize("body", [b'{"items": [', b"[1, 2", b'{"items": "\xe4\xba', b""])
def test_json_that_breaks_off_is_asked_for_again(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses, body: bytes
) -> None:
    platform.answer_in_turn(Reply(body), Reply({"items": []}))
    assert make_client(make_text()).ask("/list").content == {"items": []}
    assert pauses.seconds == [0.5]


def test_json_that_breaks_off_every_time_breaks_the_contract(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply(b'{"items": [')
    with pytest.raises(ContractBroken, match=r"/list sends JSON that breaks off or is malformed, 5 times in a row"):
        make_client(make_text()).ask("/list")
    assert len(platform.asked) == 5


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json"])
def test_a_login_page_is_not_asked_for_again_whatever_it_says_it_is(
    make_client: MakeClient, platform: PlatformServer, kind: str
) -> None:
    platform.answer = lambda _: Reply(b"\n<!DOCTYPE html><html>", headers={"content-type": kind})
    with pytest.raises(ContractBroken, match=r"\(perhaps a login page\) where JSON was expected"):
        make_client(make_text()).ask("/list")
    assert len(platform.asked) == 1


def test_a_byte_order_mark_is_passed_over(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(b'\xef\xbb\xbf{"items": []}')
    assert make_client(make_text()).ask("/list").content == {"items": []}


IN_CHINESE = {"items": [{"name": "开封市鼓楼区相国寺街道社区居民委员会"}]}
GB_BODY = json.dumps(IN_CHINESE, ensure_ascii=False).encode("gb18030")
UTF8_BODY = json.dumps(IN_CHINESE, ensure_ascii=False).encode()


def test_gb18030_where_utf8_was_promised_is_named_with_its_remedy(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply(GB_BODY, headers={"content-type": "application/json; charset=utf-8"})
    with pytest.raises(ContractBroken, match=r"not UTF-8 but read as GB18030.*set connection\.encoding: gb18030"):
        make_client(make_text()).ask("/list")
    assert len(platform.asked) == 1


def test_gb18030_is_read_whole_where_the_configuration_says_so(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply(GB_BODY, headers={"content-type": "application/json; charset=utf-8"})
    assert make_client(make_text("encoding: gb18030")).ask("/list").content == IN_CHINESE


@pytest.mark.parametrize("charset", ["gbk", "GB2312", '"gb18030"'])
def test_an_answer_that_says_it_is_chinese_is_read_so(
    make_client: MakeClient, platform: PlatformServer, charset: str
) -> None:
    platform.answer = lambda _: Reply(GB_BODY, headers={"content-type": f"application/json;charset={charset}"})
    assert make_client(make_text()).ask("/list").content == IN_CHINESE


def test_utf8_is_not_read_as_gb18030_unnoticed(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply(UTF8_BODY)
    with pytest.raises(ContractBroken, match=r"in UTF-8, but connection\.encoding says gb18030"):
        make_client(make_text("encoding: gb18030")).ask("/list")


def test_gb18030_that_breaks_off_is_asked_for_again(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer_in_turn(Reply(GB_BODY[:-6]), Reply(GB_BODY))
    assert make_client(make_text("encoding: gb18030")).ask("/list").content == IN_CHINESE


def date(seconds: float) -> str:
    """A header's date, so many seconds after our clock."""
    return format_datetime(OURS + timedelta(seconds=seconds), usegmt=True)


def test_a_platform_whose_clock_is_wrong_is_read_all_the_same(
    make_client: MakeClient, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": [1]}, headers={"date": date(86_400)})
    assert make_client(make_text(auth=HMAC)).ask("/list").content == {"items": [1]}


@pytest.mark.parametrize(
    ("skew", "said"),
    [
        (61, "61 seconds ahead of ours"),
        (-600, "600 seconds behind ours"),
        (60, None),
        (-60, None),
    ],
)
def test_a_refused_signature_tells_of_clocks_over_a_minute_apart(
    make_client: MakeClient, platform: PlatformServer, skew: int, said: str | None
) -> None:
    platform.answer = lambda _: Reply({}, 401, {"date": date(skew)})
    with pytest.raises(ConfigurationError, match=r"refused the credentials.*\$\{TEST_SECRET\}") as raised:
        make_client(make_text(auth=HMAC)).ask("/list")
    assert (said in str(raised.value)) if said else ("clock" not in str(raised.value))


def test_a_refused_token_says_nothing_of_clocks(make_client: MakeClient, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({}, 401, {"date": date(600)})
    with pytest.raises(ConfigurationError) as raised:
        make_client(make_text(auth="{kind: bearer, token: ${TEST_TOKEN}}")).ask("/list")
    assert "clock" not in str(raised.value)


def test_a_pause_until_a_date_is_reckoned_by_the_clock_that_named_it(
    make_client: MakeClient, platform: PlatformServer, pauses: Pauses
) -> None:
    # The platform's clock is an hour ahead: 3,607 seconds by ours, seven by its own.
    platform.answer_in_turn(Reply({}, 429, {"retry-after": date(3607), "date": date(3600)}), Reply({"items": []}))
    make_client(make_text()).ask("/list")
    assert pauses.seconds == [7.0]
