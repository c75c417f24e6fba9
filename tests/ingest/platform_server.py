"""A platform on loopback that answers as a test says, and the shortest sources that ask it."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CARD = "card: {owner: test, legal_basis: test, cadence: daily, contact: test}"
INCIDENT_FIELDS = (
    "{incident_id: id, community_code: community, kind: kind, occurred_on: day, status: status, updated_at: updated}"
)


@dataclass(frozen=True)
class Asked:
    """One request as the platform saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the platform answers; `content` is sent as JSON unless it is bytes, `pieces` as they come.

    With a `missing_count` it hangs up that many bytes before the end of what it announced.
    """

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None
    missing_count: int = 0


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: that a caller hangs up in the middle is what some tests are about."""


class PlatformServer:
    """Answers each request with `answer(asked)`; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Reply] = lambda _: Reply({"items": []})
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = dict(parse_qsl(url.query, keep_blank_values=True))
                asked = Asked(self.command, url.path, query, headers, body)
                platform.asked.append(asked)
                reply = platform.answer(asked)
                content = reply.content if isinstance(reply.content, bytes) else json.dumps(reply.content).encode()
                self.send_response_only(reply.status)
                for name, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                if reply.pieces is None:
                    self.send_header("content-length", str(len(content) + reply.missing_count))
                    self.end_headers()
                    self.wfile.write(content)
                    self.close_connection = self.close_connection or reply.missing_count > 0
                    return
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for piece in reply.pieces:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")

            do_POST = do_GET  # noqa: N815 -- the name that http.server calls

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer_in_turn(self, *replies: Reply) -> None:
        """Give the replies one after another, the last one for ever."""
        left = list(replies) or [Reply({"items": []})]
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def write_incident_source(resource: str = "", *, auth: str = "{kind: none}", connection: str = "") -> str:
    """A platform file with one resource of incidents at /list; `resource` and `connection` add or replace lines."""
    stated = {line.split(":")[0] for line in resource.strip().splitlines()}
    usual = {"request": "{path: /list}", "records": "items", "fields": INCIDENT_FIELDS}
    lines = "".join(f"\n    {name}: {value}" for name, value in usual.items() if name not in stated)
    lines += "".join(f"\n    {line}" for line in resource.strip().splitlines())
    more = "".join(f"\n  {line}" for line in connection.strip().splitlines())
    return f"""
platform: test_platform
title: Test
{CARD}
connection:
  kind: rest
  base_url: ${{TEST_URL}}
  auth: {auth}{more}
resources:
  incidents:
    table: incidents{lines}
"""


def make_incidents(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Good incidents of the one registered community, numbered from `first`."""
    return [
        {
            "id": f"I{number}",
            "community": "410202001001",
            "kind": "petition",
            "day": "2024-03-05",
            "status": "confirmed",
            "updated": "2024-03-06T08:00:00+08:00",
        }
        for number in range(first, first + count)
    ]
