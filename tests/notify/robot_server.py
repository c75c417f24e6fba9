"""The robots' side of WeCom, DingTalk and Feishu on loopback, as they behave: HTTP 200 with a code in the body.

Keys, signatures and their hour, bytes and messages a minute are checked by a clock that the test holds. What a
provider takes is kept in `taken`. `upset` makes the next answers something else.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from robot_clock import TestClock

WECOM_KEY = "693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa"
DINGTALK_TOKEN = "566cc69da782ec4d01"
DINGTALK_SECRET = "SEC0123456789abcdef"
FEISHU_TOKEN = "8ddf497a-deeb-5e42"
FEISHU_SECRET = "feishu-secret-demo"

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
BLOCKED = timedelta(minutes=10)

Answer = dict[str, Any]


@dataclass(frozen=True)
class Raw:
    """An answer that is not the provider's own: status, headers and body, or a connection that breaks."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    breaks_off: bool = False
    declared_length: int | None = None


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]


class RobotServer:
    """One server for the robots of all three providers."""

    def __init__(self, clock: TestClock) -> None:
        self.clock = clock
        self.asked: list[Asked] = []
        self.taken: list[dict[str, Any]] = []
        self.upset: list[Raw] = []
        self.asked_at: dict[str, list[datetime]] = {}
        """By path, when it was asked, whatever it answered."""
        self.revoked: set[str] = set()
        self.before: Callable[[], None] = lambda: None
        """Called when a request has come in."""
        self.keyword = ""
        self._times: dict[str, list[datetime]] = {}
        self._blocked_until: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self.url = ""

    def answer(self, asked: Asked) -> Raw | Answer:
        """What the provider at this path says."""
        self.before()
        with self._lock:
            self.asked.append(asked)
            self.asked_at.setdefault(asked.path, []).append(self.clock())
            if self.upset:
                return self.upset.pop(0)
            if asked.path == "/cgi-bin/webhook/send":
                return self._answer_as_wecom(asked)
            if asked.path == "/robot/send":
                return self._answer_as_dingtalk(asked)
            if asked.path.startswith("/open-apis/bot/v2/hook/"):
                return self._answer_as_feishu(asked)
            return Raw(404, b"not found")

    def _answer_as_wecom(self, asked: Asked) -> Answer:
        def say(code: int, text: str) -> Answer:
            return {"errcode": code, "errmsg": f"{text}, hint: [170462], from ip: 10.2.3.4"}

        key = asked.query.get("key", "")
        if key != WECOM_KEY or key in self.revoked:
            return say(93000, "invalid webhook url")
        body = json.loads(asked.body)
        if body.get("msgtype") != "markdown":
            return say(40008, "invalid message type")
        content = body["markdown"]["content"]
        if len(content.encode()) > 4096:
            return say(40058, "markdown.content exceed max length 4096. invalid Request Parameter")
        if not content.strip():
            return say(44004, "empty content")
        if self._count_since(key, MINUTE) >= 20:
            return say(45009, "api freq out of limit")
        return self._take(key, body, {"errcode": 0, "errmsg": "ok"})

    def _answer_as_dingtalk(self, asked: Asked) -> Answer:
        token = asked.query.get("access_token", "")
        if token != DINGTALK_TOKEN or token in self.revoked:
            return {"errcode": 300001, "errmsg": "token is not exist"}
        milliseconds = int(asked.query.get("timestamp", "0"))
        if abs(self.clock().timestamp() - milliseconds / 1000) > HOUR.total_seconds():
            return {"errcode": 310000, "errmsg": "invalid timestamp, more: [https://ding-doc.dingtalk.com/doc]"}
        text = f"{milliseconds}\n{DINGTALK_SECRET}".encode()
        sign = base64.b64encode(hmac.new(DINGTALK_SECRET.encode(), text, hashlib.sha256).digest()).decode()
        if asked.query.get("sign") != sign:
            return {"errcode": 310000, "errmsg": "sign not match, more: [https://ding-doc.dingtalk.com/doc]"}
        if len(asked.body) > 20_000:
            return {
                "errcode": 460101,
                "errmsg": "description: body 大小不合法;solution:请保持大小在 20000bytes 以内;",
            }
        if self.keyword and self.keyword not in asked.body.decode():
            return {"errcode": 310000, "errmsg": "keywords not in content"}
        too_fast = {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
        now = self.clock()
        if self._blocked_until.get(token, now) > now:
            return too_fast
        if self._count_since(token, MINUTE) >= 20:
            self._blocked_until[token] = now + BLOCKED
            return too_fast
        return self._take(token, json.loads(asked.body), {"errcode": 0, "errmsg": "ok"})

    def _answer_as_feishu(self, asked: Asked) -> Answer:
        def say(code: int, text: str) -> Answer:
            return {"code": code, "data": {}, "msg": text}

        token = asked.path.rpartition("/")[2]
        if token != FEISHU_TOKEN or token in self.revoked:
            return say(19001, "param invalid: incoming webhook access token invalid")
        if len(asked.body) > 20_000:
            return say(9499, "Bad Request")
        body = json.loads(asked.body)
        seconds = int(body["timestamp"])
        key = f"{seconds}\n{FEISHU_SECRET}".encode()
        sign = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
        if body["sign"] != sign or abs(self.clock().timestamp() - seconds) > HOUR.total_seconds():
            return say(19021, "sign match fail or timestamp is not within one hour from current time")
        if self.keyword and self.keyword not in asked.body.decode():
            return say(19024, "Key Words Not Found")
        if self._count_since(token, MINUTE) >= 100 or self._count_since(token, SECOND) >= 5:
            return say(11232, "frequency limited psm[lark.oapi.bot_platform_api]appID[1500]")
        return self._take(token, body, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success"})

    def _count_since(self, key: str, span: timedelta) -> int:
        now = self.clock()
        return sum(now - time < span for time in self._times.get(key, []))

    def _take(self, key: str, body: dict[str, Any], answer: Answer) -> Answer:
        self._times.setdefault(key, []).append(self.clock())
        self.taken.append(body)
        return answer


@contextmanager
def serve_robots(clock: TestClock) -> Iterator[RobotServer]:
    """The server on a free port of loopback, until the block ends."""
    robots = RobotServer(clock)
    with listen(robots.answer) as robots.url:
        yield robots


@contextmanager
def listen(answer: Callable[[Asked], Raw | Answer]) -> Iterator[str]:
    """The address at which requests are answered so, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(answer))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _make_handler(answer: Callable[[Asked], Raw | Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = answer(Asked(url.path, dict(parse_qsl(url.query)), body, headers))
            raw = said if isinstance(said, Raw) else _write_json(said)
            if raw.breaks_off:
                self.close_connection = True
                return
            self.send_response(raw.status)
            for name, value in raw.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(raw.declared_length or len(raw.body)))
            self.end_headers()
            self.wfile.write(raw.body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing: the tests read `asked`."""

    return Handler


def _write_json(answer: Answer) -> Raw:
    return Raw(200, json.dumps(answer, ensure_ascii=False).encode(), {"Content-Type": "application/json"})
