"""What a robot's answer means when it isn't the provider's own, or doesn't come."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from channel_kit import OpenChannel, open_robot
from notify_city import make_message
from robot_clock import TestClock
from robot_server import Raw, RobotServer

from flows.notify.channels.channel import (
    DeliveryFailure,
    OutcomeUnknown,
    PermanentFailure,
    TooFast,
    TransientFailure,
)
from flows.notify.channels.dingtalk import DingtalkChannel
from flows.notify.channels.feishu import FeishuChannel
from flows.notify.channels.wecom import WecomChannel

HTML = {"Content-Type": "text/html"}
DOCUMENT = Path(__file__).parents[2] / "docs" / "messages.md"


def fail(open_kind: OpenChannel, kind: str = "wecom") -> DeliveryFailure:
    with pytest.raises(DeliveryFailure) as failed:
        open_kind(kind).send(make_message())
    return failed.value


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # Somebody else answers: nothing reached the provider.
        (Raw(200, b"<html>login</html>", HTML), (TransientFailure, "HTTP 200", "a web page where JSON is due")),
        (Raw(200, b"maintenance"), (TransientFailure, "HTTP 200", "text where JSON is due")),
        (Raw(301, b"", {"Location": "https://example.org/"}), (PermanentFailure, "HTTP 301", "a redirect")),
        (Raw(302, b"<a>", {"Location": "/login"}), (PermanentFailure, "HTTP 302", "whether a proxy wants a login")),
        (Raw(404, b"nothing here"), (PermanentFailure, "HTTP 404", "Check base_url in notify.yaml")),
        (Raw(403, b"<html>blocked</html>", HTML), (PermanentFailure, "HTTP 403", "nobody takes messages")),
        (Raw(413, b""), (PermanentFailure, "HTTP 413", "too long")),
        # Out of order or too fast: later.
        (Raw(500, b"<html>", HTML), (TransientFailure, "HTTP 500", "out of order")),
        (Raw(503, b"{}"), (TransientFailure, "HTTP 503", "out of order")),
        (Raw(408, b""), (TransientFailure, "HTTP 408", "too early")),
        (Raw(429, b""), (TooFast, "HTTP 429", "too fast")),
        # It was sent, and what became of it nobody says.
        (Raw(200, b""), (OutcomeUnknown, "", "without a body")),
        (Raw(200, b'{"errcode": 0, "err'), (OutcomeUnknown, "", "JSON that is broken")),
        (Raw(200, b"[]"), (OutcomeUnknown, "", "JSON that is broken or no object")),
        (Raw(200, b'{"ok": true}'), (OutcomeUnknown, "", "JSON without errcode")),
        (Raw(200, b'{"errcode": 0}', declared_length=100), (OutcomeUnknown, "", "broke off")),
        (Raw(breaks_off=True), (OutcomeUnknown, "", "broke off the connection after the message was sent")),
        (Raw(504, b""), (OutcomeUnknown, "HTTP 504", "It may have arrived")),
    ],
)
def test_an_answer_that_is_not_the_providers_is_told_apart(
    answer: Raw, expected: tuple[type[DeliveryFailure], str, str], open_kind: OpenChannel, robots: RobotServer
) -> None:
    robots.upset.append(answer)
    failure = fail(open_kind)
    assert (type(failure), failure.code) == expected[:2]
    assert expected[2] in str(failure)
    assert len(robots.asked) == 1


def test_a_code_is_read_whatever_the_http_status(open_kind: OpenChannel, robots: RobotServer) -> None:
    robots.upset.append(Raw(400, b'{"code": 9499, "msg": "too many request", "data": {}}'))
    failure = fail(open_kind, "feishu")
    assert (type(failure), failure.code, failure.retry_after_seconds) == (TooFast, "9499", 60)


def test_success_is_a_code_of_zero_and_not_an_http_status(open_kind: OpenChannel, robots: RobotServer) -> None:
    robots.upset.append(Raw(500, b'{"errcode": 0}'))
    assert type(fail(open_kind)) is TransientFailure
    robots.upset.append(Raw(200, b'{"errcode": "0", "errmsg": "ok"}'))
    open_kind("wecom").send(make_message())


def test_an_unknown_code_is_final_and_told_in_the_providers_words(
    open_kind: OpenChannel, robots: RobotServer
) -> None:
    robots.upset.append(Raw(200, b'{"errcode": 99, "errmsg": "no  such\\nthing"}'))
    failure = fail(open_kind)
    assert (type(failure), failure.code) == (PermanentFailure, "99")
    assert "refused it with code 99: it says “no such thing”. Look the code up in WeCom's documentation" in str(
        failure
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        # The clock of the test stands at 1700000000, 2023-11-14 22:13:20 UTC.
        ({"Retry-After": "Tue, 14 Nov 2023 22:14:00 GMT"}, 40),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0),
        ({"x-ogw-ratelimit-reset": "52"}, 52),
        ({"Retry-After": "999999999"}, 86_400),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_an_answer_asks_for_is_handed_on(
    headers: dict[str, str], seconds: int | None, open_kind: OpenChannel, robots: RobotServer
) -> None:
    robots.upset.append(Raw(429, b"", headers))
    assert fail(open_kind).retry_after_seconds == seconds


def test_an_answer_that_is_endless_is_read_to_a_limit(open_kind: OpenChannel, robots: RobotServer) -> None:
    robots.upset.append(Raw(200, b"<html>" + b"x" * 5_000_000, HTML))
    assert type(fail(open_kind)) is TransientFailure


# No answer


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


def test_a_provider_that_does_not_answer_may_have_the_message(silent_port: int, clock: TestClock) -> None:
    channel = open_robot("wecom", f"http://127.0.0.1:{silent_port}", clock)
    with pytest.raises(OutcomeUnknown, match="took the message and did not answer within 1 seconds"):
        channel.send(make_message())


def test_a_provider_that_is_not_there_has_not(clock: TestClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(TransientFailure, match="cannot be reached") as failed:
        open_robot("dingtalk", f"http://127.0.0.1:{port}", clock).send(make_message())
    assert failed.value.__context__ is None  # what requests says of it holds the URL, and with it the key


def test_a_server_that_speaks_no_tls_is_told_as_such(robots: RobotServer, clock: TestClock) -> None:
    with pytest.raises(PermanentFailure, match="speaks no TLS"):
        open_robot("feishu", robots.url.replace("http:", "https:"), clock).send(make_message())


@pytest.mark.parametrize("channel", [WecomChannel, DingtalkChannel, FeishuChannel])
def test_every_code_is_explained_in_the_document(
    channel: type[WecomChannel] | type[DingtalkChannel] | type[FeishuChannel],
) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.split(f"\n### {channel.provider}", 1)[1].split("\n### ", 1)[0]
    assert [code for code in channel.verdicts if f"`{code}`" not in section] == []
