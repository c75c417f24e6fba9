"""A platform on loopback that serves any number of events in pages of 2,000, in a process of its own.

`/<count>/events?cursor=<page>` answers with one page of `count` events. Pages are serialised when the server starts,
and only their numbers are filled in when they are asked for: three million events need no more memory than fifty
thousand, and the server takes as little as can be from those that are measured.
"""

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

PAGE_EVENTS = 2_000
TEMPLATES = 25
"""Pages that differ; each comes again under other event numbers."""

FIRST_AT = datetime(2024, 3, 1)  # noqa: DTZ001 -- the platform writes the city's time without offset
MONTH_SECONDS = 31 * 24 * 3600
COMMUNITIES = [f"4102020{street:02d}{number:03d}" for street in range(1, 14) for number in range(1, 20)]
GRIDS_EACH = 16
ODD_SHARE = 0.001
"""Events that a rule rejects, or a kept one warns of: a real platform has some."""

KINDS = ["矛盾纠纷", "一般隐患", "重大隐患", "城管案件", "市场监管案件", "就业服务", "微心愿", "便民服务"]
DEPARTMENTS = ["城市管理局", "市场监督管理局", "住房和城乡建设局", "人力资源和社会保障局", "司法局", None]
ANSWERS = ["满意", "基本满意", "不满意", "未接通", None]
STREETS = ["北土街", "宋门大街", "自由路", "解放路", "中山路", "鼓楼街", "西大街", "大梁路"]
_NUMBER = "PPPPPP"
"""Stands in a template for the number of its page."""


def list_grids(community_code: str) -> list[str]:
    """The codes of a community's grids."""
    return [f"{community_code}{number:03d}" for number in range(1, GRIDS_EACH + 1)]


def make_event(number: int, dice: random.Random) -> dict[str, Any]:
    """One event as a platform would write it: four objects, 25 fields, of which 18 are worth having."""
    community = dice.choice(COMMUNITIES)
    reported_at = FIRST_AT + timedelta(seconds=dice.randrange(MONTH_SECONDS - 8 * 24 * 3600))
    is_closed = dice.random() < 0.99
    closed_at = reported_at + timedelta(seconds=dice.randrange(1800, 7 * 24 * 3600)) if is_closed else None
    if closed_at is not None and dice.random() < ODD_SHARE:
        closed_at = reported_at - timedelta(hours=1)
    street = dice.choice(STREETS)
    return {
        "id": f"SJ{_NUMBER}{number:04d}",
        "title": f"{street}{dice.randrange(1, 300)}号附近{dice.choice(KINDS)}待处理",
        "source": dice.choice(["网格员上报", "群众来电", "巡查发现"]),
        "type": dice.choice(KINDS),
        "level": dice.randrange(1, 5),
        "urgent": "是" if dice.random() < 0.05 else "否",
        "place": {
            "communityCode": community if dice.random() > ODD_SHARE else "410299999999",
            "gridCode": dice.choice(list_grids(community)),
            "address": f"开封市龙亭区{street}{dice.randrange(1, 300)}号",
        },
        "flow": {
            "status": "已办结" if is_closed else "办理中",
            "department": dice.choice(DEPARTMENTS),
            "forcedClose": dice.random() < 0.01,
            "reopened": 1 if dice.random() < 0.03 else 0,
        },
        "times": {
            "reported": _write(reported_at),
            "responded": _write(reported_at + timedelta(seconds=dice.randrange(60, 7200))),
            "due": _write(reported_at + timedelta(days=3)),
            "extended": _write(reported_at + timedelta(days=5)) if dice.random() < 0.05 else None,
            "closed": _write(closed_at),
            "updated": _write(max(reported_at + timedelta(hours=2), closed_at or reported_at)),
        },
        "feedback": {"solved": dice.random() < 0.97 if is_closed else None, "answer": dice.choice(ANSWERS)},
    }


def _write(instant: datetime | None) -> str | None:
    return instant.strftime("%Y-%m-%d %H:%M:%S") if instant is not None else None


class _Pages:
    def __init__(self) -> None:
        dice = random.Random(20240301)
        self._templates = [
            orjson.dumps([make_event(number, dice) for number in range(PAGE_EVENTS)]) for _ in range(TEMPLATES)
        ]

    def write(self, page: int, count: int) -> bytes:
        """The answer that holds page `page` of `count` events, a multiple of `PAGE_EVENTS`."""
        items = self._templates[page % TEMPLATES].replace(_NUMBER.encode(), f"{page:06d}".encode())
        following = f'"{page + 1}"' if (page + 1) * PAGE_EVENTS < count else "null"
        return b'{"data":{"total":%d,"next":%s,"items":%s}}' % (count, following.encode(), items)


def serve() -> None:
    """Serve until standard input ends; the port is printed once questions are answered."""
    pages = _Pages()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Requests are not told."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            page = int(parse_qs(url.query).get("cursor", ["0"])[0])
            body = pages.write(page, int(url.path.split("/")[1]))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


@contextmanager
def start_server() -> Iterator[str]:
    """The address of a server in a process of its own, which ends with the context or with its parent."""
    command = [sys.executable, "-m", "benchmarks.events_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    serve()
