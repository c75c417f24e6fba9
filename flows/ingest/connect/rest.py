"""A platform over HTTP: one request at a time, paced, signed, tried again where that can help.

The only place of ingest that knows `requests`.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import orjson
import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from flows.errors import ConfigurationError, ContractBroken, SourceUnavailable
from flows.ingest.connect.answers import (
    PIECE_BYTES,
    STAYS_BROKEN_OFF,
    BrokenOff,
    Fault,
    Reply,
    join_url,
    parse_json,
    read_body,
)
from flows.ingest.connect.auth import Authenticator, Draft
from flows.ingest.connect.clocks import explain_skew, measure_skew, read_retry_after
from flows.ingest.describe.connection import HmacAuth
from flows.ingest.describe.grammar import list_placeholders
from flows.ingest.describe.source import RestSource

ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 30.0
RETRY_AFTER_SECONDS_MAX = 120.0
REDIRECTS_MAX = 5
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class NotThere(ContractBroken):
    """The platform answered 404; for a page after the last that may be its way to say so."""


@dataclass(frozen=True)
class Answer:
    """A platform's JSON, the URL that gave it, and the URL of its next page if a Link header names one."""

    content: Any
    url: str
    next_link: str | None


@dataclass(frozen=True)
class Timing:
    """How a connector waits and reads the time; tests hand in their own. `wall` dates signatures and files."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random


class _Session(requests.Session):
    """Leaves redirects to us: by itself it reads all of their bodies, however long, even where it follows none."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 -- the base class's
        return None


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands in for an authentication, so that requests doesn't put a .netrc entry in place of ours."""
    return request


class RestClient:
    """Asks one platform. Use it as a context manager: the connection is kept alive in between."""

    def __init__(self, source: RestSource, timing: Timing | None = None) -> None:
        self._source = source
        self._timing = timing or Timing()
        self._base = source.resolve("connection.base_url", source.connection.base_url).rstrip("/") + "/"
        self._host = urlsplit(self._base)
        if self._host.scheme not in ("http", "https") or not self._host.hostname:
            raise source.place.at("connection.base_url").error("is not an http or https URL. Write one.")
        self._auth = Authenticator(source, self._fetch_token, self._timing.wall, self._timing.clock)
        self._session = _Session()
        # A proxy of the machine serves the way out, not a server on the machine itself.
        self._session.trust_env = self._host.hostname not in LOOPBACK
        self._next_at = 0.0
        self.clock_ahead: timedelta | None = None
        """By how much the platform's clock was ahead of ours when it last answered; nothing if it didn't say."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(
        self,
        target: str,
        *,
        method: str = "GET",
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        """The platform's JSON for `target`, a path under base_url or a URL on the same host.

        Raises `SourceUnavailable` when it stays away, `ConfigurationError` when it refuses the credentials,
        `NotThere` when there is no such page and `ContractBroken` when it answers anything else than JSON.
        """
        data = None
        if method == "POST":
            data = orjson.dumps({**(body or {}), **(params or {})})
            params = {}
        url = target
        for _ in range(REDIRECTS_MAX + 1):
            reply = self._send(method, self._locate(url), params or {}, headers or {}, data)
            if not HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
                return Answer(reply.content, reply.url, reply.next_link)
            if method == "POST" and reply.status not in (307, 308):
                raise ContractBroken(
                    f"{self._name(self._locate(target).path)} redirects a POST request. Correct request.path."
                )
            url, params = join_url(reply.url, reply.headers["location"], self._source.platform).geturl(), {}
        raise ContractBroken(f"{self._name(self._locate(target).path)} redirects in a circle. Correct request.path.")

    def _locate(self, target: str) -> SplitResult:
        """The full URL of `target`; another host is refused, for it would be handed our credentials."""
        url = join_url(self._base, target if "://" in target else target.lstrip("/"), self._source.platform)
        if (url.scheme, url.netloc) != (self._host.scheme, self._host.netloc):
            raise ContractBroken(
                f"{self._source.platform}: sends us on to {url.scheme}://{url.hostname}, which is not the host of "
                "connection.base_url. Credentials go nowhere else: if the platform has moved, change base_url."
            )
        return url

    def _send(
        self,
        method: str,
        url: SplitResult,
        params: Mapping[str, object],
        headers: Mapping[str, str],
        data: bytes | None,
    ) -> Reply:
        """The platform's answer below 400, after as many attempts as make sense."""
        refreshed = False
        attempt = 0
        while True:
            query = parse_qsl(url.query, keep_blank_values=True) + [(key, _text(v)) for key, v in params.items()]
            draft = Draft(method, url.path or "/", query, {"Accept": "application/json", **headers})
            if data is not None:
                draft.headers["Content-Type"] = "application/json"
            self._auth.apply(draft)
            attempt += 1
            reply, fault = self._try_once(draft, url, data)
            if reply is not None and fault is None:
                return reply
            if reply is not None and reply.status == HTTPStatus.UNAUTHORIZED and not refreshed:
                refreshed = True
                if self._auth.forget_token():
                    continue
            self._wait_or_give_up(attempt, reply, fault, url.path)

    def _try_once(self, draft: Draft, url: SplitResult, data: bytes | None) -> tuple[Reply | None, Fault | None]:
        """One request: what came back, if anything did, and what is wrong with it.

        Raises what no further attempt can mend.
        """
        self._keep_pace()
        name, connection = self._name(url.path), self._source.connection
        asked_at = self._timing.clock()
        try:
            with self._open(draft, url, data) as response:
                next_link = response.links.get("next", {}).get("url")
                reply = Reply(response.status_code, response.headers, response.url, next_link)
                if response.is_redirect:
                    return reply, None
                if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                    return reply, Fault(f"answered {response.status_code}")
                body = read_body(
                    lambda: response.raw.read1(PIECE_BYTES, decode_content=True) or b"",
                    response.headers,
                    connection,
                    self._timing.clock,
                    asked_at=asked_at,
                    name=name,
                )
            content_type = reply.headers.get("content-type", "")
            return replace(reply, content=parse_json(body, content_type, connection.encoding, name)), None
        except BrokenOff:
            return None, STAYS_BROKEN_OFF
        except (requests.Timeout, ReadTimeoutError):
            return None, Fault(f"did not answer within {connection.timeout_seconds} seconds")
        except DecodeError:
            return None, Fault("answered with a body that cannot be decompressed")
        except HTTPError:
            return None, Fault("broke off its answer half way")
        except requests.ConnectionError:
            return None, Fault("cannot be reached")
        except (requests.RequestException, ValueError) as error:
            # The message would hold the URL or a header, and with it a secret: only its kind is told.
            raise ConfigurationError(
                f"{name}: the request cannot be made ({type(error).__name__}). Check base_url, path, "
                "headers and the values of the placeholders: none may hold a line break or a stray character."
            ) from None

    def _open(self, draft: Draft, url: SplitResult, data: bytes | None) -> requests.Response:
        """The response with its headers; its body is still to be read."""
        asked_seconds = self._timing.wall()
        response = self._session.request(
            draft.method,
            url._replace(query=urlencode(draft.query), fragment="").geturl(),
            headers=draft.headers,
            data=data,
            timeout=self._source.connection.timeout_seconds,
            allow_redirects=False,
            auth=_keep_headers,
            stream=True,
        )
        self.clock_ahead = measure_skew(response.headers, asked_seconds, self._timing.wall())
        return response

    def _wait_or_give_up(self, attempt: int, reply: Reply | None, fault: Fault | None, path: str) -> None:
        """Wait until the next attempt makes sense; raise if none does, or this was the last."""
        fault = fault or Fault("gave no answer")
        if reply is not None:
            self._refuse_final(reply, path)
        if attempt == ATTEMPTS_MAX:
            raise fault.lasting(f"{self._name(path)} {fault.problem}, {ATTEMPTS_MAX} times in a row. {fault.remedy}")
        self._timing.sleep(self._find_pause(attempt, reply, path))

    def _refuse_final(self, reply: Reply, path: str) -> None:
        """Raise what no further attempt can mend; return if one may."""
        status, auth = reply.status, self._source.connection.auth
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            names = list_placeholders(auth)
            hint = f"Check {', '.join(f'${{{name}}}' for name in names)}." if names else "Set connection.auth."
            if isinstance(auth, HmacAuth):
                hint += explain_skew(reply.headers, self._timing.wall())
            raise ConfigurationError(f"{self._name(path)} refused the credentials ({status}). {hint}")
        if status != HTTPStatus.TOO_MANY_REQUESTS and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            broken = NotThere if status == HTTPStatus.NOT_FOUND else ContractBroken
            raise broken(
                f"{self._name(path)} answered {status}. Check request.path and its parameters against the "
                "platform's description."
            )

    def _find_pause(self, attempt: int, reply: Reply | None, path: str) -> float:
        """Seconds until the next attempt: as the platform asks, else doubling, with jitter."""
        asked = read_retry_after(reply.headers, self._timing.wall()) if reply is not None else None
        if asked is not None:
            if asked > RETRY_AFTER_SECONDS_MAX:
                raise SourceUnavailable(
                    f"{self._name(path)} asks to be left alone for {asked:.0f} seconds. Try again later."
                )
            return asked
        longest = min(BACKOFF_SECONDS * 2.0 ** (attempt - 1), BACKOFF_SECONDS_MAX)
        return float(longest * (0.5 + self._timing.jitter() / 2))

    def _keep_pace(self) -> None:
        now = self._timing.clock()
        if now < self._next_at:
            self._timing.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + self._source.connection.pause.total_seconds()

    def _fetch_token(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint, which holds `access_token`."""
        url = self._locate(path)
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        attempt = 0
        while True:
            attempt += 1
            reply, fault = self._try_once(Draft("POST", url.path, [], headers), url, urlencode(form).encode())
            if reply is not None and reply.status == HTTPStatus.OK:
                answer = reply.content
                if not isinstance(answer, dict) or not answer.get("access_token"):
                    raise ContractBroken(f"{self._name(url.path)} answered without access_token. Check token_path.")
                return answer
            if reply is not None and reply.status == HTTPStatus.BAD_REQUEST:
                # RFC 6749 5.2: a wrong client may be answered 400.
                reply = replace(reply, status=HTTPStatus.UNAUTHORIZED)
            self._wait_or_give_up(attempt, reply, fault, url.path)

    def _name(self, path: str) -> str:
        """How messages call a path: without that of base_url, which may hold a key."""
        base = self._host.path
        shown = f"/{path.removeprefix(base)}" if path.startswith(base) else "a path outside base_url"
        return f"{self._source.platform}: {shown}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
