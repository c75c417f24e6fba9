"""One platform's server on loopback: `python -m flows.sandbox.server FOLDER PLATFORM [--faults]`.

It prints its port as one line and ends when its standard input is closed, so it never outlives who started it.
"""

import mmap
import os
import sys
import threading
from bisect import bisect_left
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import orjson

from flows.sandbox.dialects import DIALECTS, BadParameter, Dialect, Page, Request

SEPARATOR_BYTES = 2
CREDENTIALS_FILE = "credentials.json"
FAULTS = {11: "busy", 23: "unavailable", 37: "cut"}
"""With `--faults`: among 41 requests one is told it is too fast, one finds no service, one is cut off half way."""

FAULT_CYCLE = 41


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
    """Serves one platform's feeds in its own dialect."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, dialect: Dialect, feeds: dict[str, Feed], *, faults: bool) -> None:
        super().__init__(("127.0.0.1", 0), PlatformHandler)
        self.dialect = dialect
        self.feeds = feeds
        self.faults = faults
        self.numbers = count(1)

    @cached_property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class PlatformHandler(BaseHTTPRequestHandler):
    """Answers GET with a page of a feed; refuses everything else as the platform would."""

    protocol_version = "HTTP/1.1"
    timeout = 120
    server: PlatformServer
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_GET(self) -> None:
        fault = FAULTS.get(next(self.server.numbers) % FAULT_CYCLE) if self.server.faults else None
        if fault == "busy":
            self.answer_refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many requests", retry_after="1")
            return
        if fault == "unavailable":
            self.answer_refusal(HTTPStatus.SERVICE_UNAVAILABLE, "being serviced")
            return
        dialect = self.server.dialect
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
            page = dialect.choose_page(request, *feed.find_window(*dialect.read_window(params)))
        except BadParameter as error:
            self.answer_refusal(HTTPStatus.BAD_REQUEST, str(error))
            return
        self.answer_page(feed, page, cut=fault == "cut")

    def answer_page(self, feed: Feed, page: Page, *, cut: bool) -> None:
        text = feed.slice_text(page.first, page.last)
        length = len(page.before) + len(text) + len(page.after)
        if cut:
            self.close_connection = True
            self.wfile.write(self.compose_head(HTTPStatus.OK, length) + page.before)
            return
        self.wfile.write(self.compose_head(HTTPStatus.OK, length) + page.before)
        self.wfile.write(text)
        self.wfile.write(page.after)

    def answer_refusal(self, status: HTTPStatus, text: str, retry_after: str | None = None) -> None:
        body = orjson.dumps(self.server.dialect.refuse(status.value, text))
        self.wfile.write(self.compose_head(status, len(body), retry_after) + body)

    def compose_head(self, status: HTTPStatus, length: int, retry_after: str | None = None) -> bytes:
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "Content-Type: application/json; charset=utf-8",
            f"Content-Length: {length}",
        ]
        if retry_after is not None:
            lines.append(f"Retry-After: {retry_after}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Nothing: a request's address may hold what a log must not."""


def open_server(folder: Path, platform: str, *, faults: bool) -> PlatformServer:
    """The server of a platform, bound to a free port of 127.0.0.1."""
    credentials = orjson.loads((folder / CREDENTIALS_FILE).read_bytes())[platform]
    dialect = DIALECTS[platform](credentials)
    feeds = {name: Feed(folder / "feeds" / platform / name) for name in dialect.paths.values()}
    return PlatformServer(dialect, feeds, faults=faults)


def leave_with_parent() -> None:
    """End this process when standard input is closed."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve one platform until standard input is closed."""
    folder, platform, *flags = arguments
    server = open_server(Path(folder), platform, faults="--faults" in flags)
    threading.Thread(target=leave_with_parent, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
