"""One JSON request to a robot's provider, and what its answer means before the provider's own codes are read.

Nothing here tells a URL, for it may hold the robot's key: neither an error nor a log.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from flows.notify.channels.channel import (
    DeliveryFailure,
    OutcomeUnknown,
    PermanentFailure,
    TooFast,
    TransientFailure,
)
from flows.notify.channels.settings import LOOPBACK, MASK

logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # it logs each request with its URL

ANSWER_BYTES_MAX = 65_536
RETRY_AFTER_SECONDS_MAX = 86_400
HEADERS = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}

_TOO_EARLY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)
_MAY_HAVE_ARRIVED = "It may have arrived: look in the group, and resend it only if it isn't there."


@dataclass(frozen=True)
class Request:
    """What is posted. Values of the query and of the body under `hidden` are never shown, nor is `secret_path`."""

    base_url: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    hidden: frozenset[str] = frozenset()
    secret_path: str = ""

    @property
    def data(self) -> bytes:
        """The body as it is sent."""
        return _dump(self.body)

    @property
    def url(self) -> str:
        """Where to, with every secret."""
        return self._address(self.secret_path, self.query)

    @property
    def shown_url(self) -> str:
        """Where to, secrets masked."""
        return self._address(MASK if self.secret_path else "", self._mask(self.query))

    @property
    def shown_body(self) -> str:
        """The body as it is sent, secrets masked."""
        return _dump(self._mask(self.body)).decode()

    def _address(self, secret_path: str, query: Mapping[str, str]) -> str:
        shown = urlencode(query, safe="*")
        return f"{self.base_url}{self.path}{secret_path}{'?' if shown else ''}{shown}"

    def _mask(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: MASK if key in self.hidden else value for key, value in values.items()}


@dataclass(frozen=True)
class Answer:
    """A provider's JSON object with the HTTP status and headers that came with it."""

    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class _Session(requests.Session):
    """Follows nothing: a redirected POST would lose its message and hand its secret on."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 -- the base class's
        return None


def post_json(request: Request, *, provider: str, timeout_seconds: float, clock: Callable[[], datetime]) -> Answer:
    """The provider's JSON answer, whatever its HTTP status.

    Raises `TransientFailure` if the provider wasn't reached or is out of order, `PermanentFailure` if somebody else
    answers at that address, and `OutcomeUnknown` if the request was sent and no whole answer came back.
    """
    status, headers, body = _exchange(request, provider, timeout_seconds)
    content = _parse(body)
    if content is None:
        raise _judge_without_json(provider, status, headers, body, clock())
    return Answer(status, content, headers)


def judge_status(provider: str, status: int, headers: Mapping[str, str], now: datetime) -> DeliveryFailure:
    """What an HTTP status of 300 or more means where the body says nothing more."""
    said, code = f"{provider} answered HTTP {status}", f"HTTP {status}"
    wait = read_wait(headers, now)
    if status == HTTPStatus.GATEWAY_TIMEOUT:
        return OutcomeUnknown(f"{said}: a server in between got no answer in time. {_MAY_HAVE_ARRIVED}", code=code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientFailure(
            f"{said}: it is out of order. It is tried again later.", code=code, retry_after_seconds=wait
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooFast(f"{said}: too fast. It is tried again later.", code=code, retry_after_seconds=wait)
    if status in _TOO_EARLY:
        return TransientFailure(f"{said}: too early. It is tried again later.", code=code, retry_after_seconds=wait)
    if status < HTTPStatus.BAD_REQUEST:
        return PermanentFailure(
            f"{said}, a redirect, which the provider never does. Check base_url in notify.yaml, and whether a proxy "
            "wants a login; then resend.",
            code=code,
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return PermanentFailure(f"{said}: too long. Shorten the template, then resend.", code=code)
    return PermanentFailure(
        f"{said}: nobody takes messages at that address. Check base_url in notify.yaml and the robot's key; then "
        "resend.",
        code=code,
    )


def read_wait(headers: Mapping[str, str], now: datetime) -> int | None:
    """The whole seconds that an answer asks to wait, nothing if it doesn't."""
    for name in ("retry-after", "x-ogw-ratelimit-reset"):
        stated = headers.get(name, "").strip()
        if stated.isdecimal() and stated.isascii():
            return min(int(stated), RETRY_AFTER_SECONDS_MAX)
        try:
            until = parsedate_to_datetime(stated)
        except (ValueError, OverflowError):
            continue
        until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
        return min(max(0, round((until - now).total_seconds())), RETRY_AFTER_SECONDS_MAX)
    return None


def _exchange(request: Request, provider: str, timeout_seconds: float) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of the answer. Its failures are raised outside of the handlers, so that they bear no
    cause: that one's text would hold the URL."""
    failure: DeliveryFailure
    with _Session() as session:
        # A proxy of the machine serves the way out, not a server on the machine itself.
        session.trust_env = urlsplit(request.base_url).hostname not in LOOPBACK
        try:
            with session.post(
                request.url,
                data=request.data,
                headers=HEADERS,
                timeout=timeout_seconds,
                allow_redirects=False,
                auth=_keep_headers,
                stream=True,
            ) as response:
                body = response.raw.read(ANSWER_BYTES_MAX, decode_content=True) or b""
                return response.status_code, response.headers, body
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = _judge_exception(error, provider, timeout_seconds)
    raise failure


def _judge_exception(error: Exception, provider: str, timeout_seconds: float) -> DeliveryFailure:
    if isinstance(error, requests.exceptions.SSLError):
        return PermanentFailure(
            f"{provider}: the server's certificate is not trusted, or it speaks no TLS. Check base_url and the "
            "machine's clock and certificates; then resend."
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return TransientFailure(f"{provider}: the machine's proxy cannot be reached. It is tried again later.")
    if isinstance(error, requests.ConnectTimeout):
        return TransientFailure(
            f"{provider} did not take the connection within {timeout_seconds:g} seconds. It is tried again later."
        )
    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return _lost(provider, f"took the message and did not answer within {timeout_seconds:g} seconds")
    if isinstance(error, requests.ConnectionError) and _was_never_connected(error):
        return TransientFailure(f"{provider} cannot be reached. It is tried again later.")
    if isinstance(error, ValueError):  # a URL or a header that cannot be
        return PermanentFailure(
            f"{provider}: the request cannot be made. Check base_url in notify.yaml and the robot's key: neither may "
            "hold a line break or a stray character; then resend."
        )
    return _lost(provider, "broke off the connection after the message was sent")


def _was_never_connected(error: requests.ConnectionError) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError | NameResolutionError)


def _lost(provider: str, what: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"{provider} {what}. {_MAY_HAVE_ARRIVED}")


def _judge_without_json(
    provider: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> DeliveryFailure:
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return judge_status(provider, status, headers, now)
    if not body.strip():
        return _lost(provider, f"answered HTTP {status} without a body, so it isn't known what became of the message")
    if body.lstrip()[:1] in (b"{", b"["):
        return _lost(provider, f"answered HTTP {status} with JSON that is broken or no object")
    return TransientFailure(
        f"somebody else answers in place of {provider}: HTTP {status} with "
        f"{'a web page' if b'<' in body[:200] else 'text'} where JSON is due, as the login page of a network or a "
        "page about maintenance. It is tried again later; if it stays so, check base_url and the machine's proxy.",
        code=f"HTTP {status}",
    )


def _parse(body: bytes) -> Mapping[str, Any] | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _dump(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands in for an authentication, so that requests doesn't add a .netrc entry."""
    return request
