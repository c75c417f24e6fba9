"""One platform's server on loopback: `python -m flows.sandbox.server FOLDER PLATFORM [--faults NAME,NAME...]`.

It prints its port as one line and ends when its standard input is closed, so it never outlives who started it.
"""

import mmap
import os
import socket
import struct
import sys
import threading
from bisect import bisect_left
from collections.abc import Collection
from email.utils import formatdate
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import orjson

from flows.sandbox.dialects import DIALECTS, BadParameter, Dialect, Request
from flows.sandbox.faults import HUGE_BYTES, LOGIN_PAGE, OLDER_COUNT, SKEW_SECONDS, Faults

SEPARATOR_BYTES = 2
CREDENTIALS_FILE = "credentials.json"
JSON = "application/json; charset=utf-8"
RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: a close that forgets what was not sent and resets the connection."""


class Feed:
    """A feed's bytes, mapped into memory."""

    def __init__(self, path: Path) -> None:
        self.text = map_file(path.with_suffix(".json"))
        self.offsets = map_file(path.with_suffix(".offsets")).cast("q")
        self.updated = map_file(path.with_suffix(".updated")).cast("q")
        self.count = len(self.offsets) - 1

    def find_window(self, since: float | None, until: float | None) -> tuple[int, int]:
        """The positions of the records updated in `[since, until)`."""
        low = 0 if since is None else bisect_left(self.updated, since)
        high = self.count if until is None else bisect_left(self.updated, until)
        return low, max(low, high)

    def slice_text(self, first: int, last: int) -> memoryview:
        """The JSON text of the records `[first, last)`, separated by commas."""
        if first >= last:
            return self.text[:0]
        return self.text[self.offsets[first] : self.offsets[last] - SEPARATOR_BYTES]


def map_file(path: Path) -> memoryview:
    """The bytes of a file; an empty file cannot be mapped and is an empty view."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class PlatformServer(ThreadingHTTPServer):
    """Serves one platform's feeds in its own dialect, with its faults."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, dialect: Dialect, feeds: dict[str, Feed], faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), PlatformHandler)
        self.dialect = dialect
        self.feeds = feeds
        self.faults = faults

    @cached_property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one to be reset without the farewell that would make its end look regular."""
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing for a caller that hung up, which is its right; any other error as ever."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class PlatformHandler(BaseHTTPRequestHandler):
    """Answers GET with a page of a feed; refuses everything else as the platform would."""

    protocol_version = "HTTP/1.1"
    timeout = 120
    server: PlatformServer
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_GET(self) -> None:
        act = self.server.faults.choose()
        if act == "busy":
            self.answer_refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many requests", "Retry-After: 1")
        elif act == "failing":
            self.answer_refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "an error occurred")
        elif act == "closed":
            self.answer_refusal(HTTPStatus.SERVICE_UNAVAILABLE, "being serviced")
        elif act == "stall":
            self.close_connection = True
            self.rfile.read(1)  # returns once the caller has hung up
        elif act == "login_page":
            head = self.compose_head(HTTPStatus.OK, f"Content-Length: {len(LOGIN_PAGE)}", kind="text/html")
            self.wfile.write(head + LOGIN_PAGE)
        else:
            self.answer(act)

    def answer(self, act: str | None) -> None:
        """Answer what was asked: with a page, or with the refusal that the request deserves."""
        dialect, faults = self.server.dialect, self.server.faults
        url = urlsplit(self.path)
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(url.path, params, headers, self.server.base_url)
        if not dialect.admits(request):
            self.answer_refusal(HTTPStatus.UNAUTHORIZED, "credentials are missing or wrong")
            return
        if url.path not in dialect.paths:
            self.answer_refusal(HTTPStatus.NOT_FOUND, "no such resource")
            return
        feed = self.server.feeds[dialect.paths[url.path]]
        try:
            low, high = faults.bend_window(dialect, *feed.find_window(*dialect.read_window(params)))
            older = faults.list_older(feed.slice_text(low, min(low + OLDER_COUNT, high)))
            page = faults.bend_page(
                dialect.choose_page(faults.bend_request(dialect, request), low, high + len(older))
            )
        except BadParameter as error:
            self.answer_refusal(HTTPStatus.BAD_REQUEST, str(error))
            return
        faults.note_page(page, high)
        parts: list[bytes | memoryview] = [page.before, feed.slice_text(page.first, min(page.last, high)), page.after]
        if page.last > high:
            behind = older[max(page.first - high, 0) : page.last - high]
            parts[1] = b", ".join([bytes(text) for text in (parts[1],) if text] + behind)
        self.send_page(act, parts)

    def send_page(self, act: str | None, parts: list[bytes | memoryview]) -> None:
        """Send a page's text, whole unless `act` says otherwise."""
        if "gbk" in self.server.faults:
            parts = [bytes(part).decode().encode("gb18030") for part in parts]
        if act == "huge_page":
            self.send_for_long(*map(bytes, parts))
            return
        length = sum(map(len, parts))
        if act in ("reset", "truncated"):
            parts = [b"".join(parts)[: length // 2]]
        stated = len(parts[0]) if act == "truncated" else length
        self.wfile.write(self.compose_head(HTTPStatus.OK, f"Content-Length: {stated}") + bytes(parts[0]))
        for part in parts[1:]:
            self.wfile.write(part)
        if act == "reset":
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)

    def send_for_long(self, before: bytes, records: bytes, after: bytes) -> None:
        """Send the page with its records again and again, 200 MB of them; nothing of it is held."""
        self.wfile.write(self.compose_head(HTTPStatus.OK, "Transfer-Encoding: chunked"))
        again = (records or b"{}") + b", "
        for piece in chain([before], repeat(again, HUGE_BYTES // len(again)), [records or b"{}", after]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def answer_refusal(self, status: HTTPStatus, text: str, *lines: str) -> None:
        body = orjson.dumps(self.server.dialect.refuse(status.value, text))
        self.wfile.write(self.compose_head(status, f"Content-Length: {len(body)}", *lines) + body)

    def compose_head(self, status: HTTPStatus, *lines: str, kind: str = JSON) -> bytes:
        date = formatdate(self.server.dialect.read_clock(), usegmt=True)
        first = (f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Type: {kind}", f"Date: {date}")
        return ("\r\n".join((*first, *lines)) + "\r\n\r\n").encode("ascii")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Nothing: a request's address may hold what a log must not."""


def open_server(folder: Path, platform: str, faults: Collection[str] = ()) -> PlatformServer:
    """The server of a platform with the faults of those names, bound to a free port of 127.0.0.1."""
    credentials = orjson.loads((folder / CREDENTIALS_FILE).read_bytes())[platform]
    dialect = DIALECTS[platform](credentials, SKEW_SECONDS if "clock_skew" in faults else 0.0)
    feeds = {name: Feed(folder / "feeds" / platform / name) for name in dialect.paths.values()}
    return PlatformServer(dialect, feeds, Faults(faults))


def leave_with_parent() -> None:
    """End this process when standard input is closed."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve one platform until standard input is closed."""
    folder, platform, *rest = arguments
    server = open_server(Path(folder), platform, rest[1].split(",") if rest else ())
    threading.Thread(target=leave_with_parent, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
