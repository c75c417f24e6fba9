"""How each platform speaks: its credentials, its parameters, its paging and its envelope.

Only light modules are imported here and in `server`: four servers start at once.
"""

import base64
import binascii
import hashlib
import hmac
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar
from urllib.parse import urlencode

import orjson

LOCAL_ZONE = timezone(timedelta(hours=8))
PAGE_LIMIT = 10_000
SIGNATURE_LIFETIME_SECONDS = 300

Params = dict[str, str]


class BadParameter(Exception):
    """A parameter that the platform cannot read; its text is shown to the caller."""


@dataclass(frozen=True)
class Request:
    """What a server was asked: header names in lower case, each query parameter once."""

    path: str
    params: Params
    headers: Mapping[str, str]
    base_url: str


@dataclass(frozen=True)
class Page:
    """Records `[first, last)` of a feed, and the text before and after them."""

    first: int
    last: int
    before: bytes
    after: bytes


class Dialect(ABC):
    """One vendor. `since_param` and `until_param` bound the update time, `[since, until)`."""

    paths: ClassVar[Mapping[str, str]]
    since_param: str
    until_param: str
    page_params: tuple[str, str]
    """Where the page begins, and how many records it may hold."""
    counts_pages: ClassVar[bool] = False
    """Whether a page is asked for by its number or place, so that a record that appears before it shifts it."""

    def __init__(self, credentials: Mapping[str, str], skew_seconds: float = 0.0) -> None:
        self.credentials = credentials
        self.skew_seconds = skew_seconds

    def read_clock(self) -> float:
        """The platform's own time in epoch seconds."""
        return time.time() + self.skew_seconds

    @abstractmethod
    def admits(self, request: Request) -> bool:
        """Whether the request carries this platform's credentials."""

    @abstractmethod
    def read_time(self, text: str) -> float:
        """Epoch seconds that a time parameter means. Raises `ValueError`."""

    @abstractmethod
    def choose_page(self, request: Request, low: int, high: int) -> Page:
        """The page asked for among the records `[low, high)` of the window."""

    @abstractmethod
    def refuse(self, status: int, text: str) -> object:
        """The body of a refusal."""

    def read_window(self, params: Params) -> tuple[float | None, float | None]:
        """The window's bounds in epoch seconds, None where open."""
        known = {self.since_param, self.until_param, *self.page_params}
        for name in params:
            if name not in known:
                raise BadParameter(f"{name} is not a parameter; known: {', '.join(sorted(known))}")
        bounds = []
        for name in (self.since_param, self.until_param):
            try:
                bounds.append(self.read_time(params[name]) if name in params else None)
            except ValueError as error:
                raise BadParameter(f"{name} cannot be read") from error
        return bounds[0], bounds[1]


def read_number(params: Params, name: str, default: int, low: int, high: int) -> int:
    """A whole number among the parameters. Raises `BadParameter` outside `[low, high]`."""
    text = params.get(name, str(default))
    if not text.isdigit() or not low <= int(text) <= high:
        raise BadParameter(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def same(left: str, right: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


class Governance(Dialect):
    """综合治理: bearer token, numbered pages with a total, windows in epoch seconds."""

    paths: ClassVar = {
        "/open/v2/communities": "communities",
        "/open/v2/grids": "grids",
        "/open/v2/events": "events",
        "/open/v2/incidents": "incidents",
    }
    since_param, until_param = "changedFrom", "changedTo"
    page_params = ("pageNo", "pageSize")
    counts_pages = True

    def admits(self, request: Request) -> bool:
        return same(request.headers.get("authorization", ""), f"Bearer {self.credentials['token']}")

    def read_time(self, text: str) -> float:
        return float(int(text))

    def choose_page(self, request: Request, low: int, high: int) -> Page:
        number = read_number(request.params, "pageNo", 1, 1, 10**9)
        size = read_number(request.params, "pageSize", 100, 1, PAGE_LIMIT)
        first = min(low + (number - 1) * size, high)
        before = f'{{"code":0,"message":"成功","data":{{"total":{high - low},"pageNo":{number},"rows":['
        return Page(first, min(first + size, high), before.encode(), b"]}}")

    def refuse(self, status: int, text: str) -> object:
        return {"code": status, "message": text, "data": None}


class LawEnforcement(Dialect):
    """执法监管: basic authentication, offset and limit, windows and records in local time without offset."""

    paths: ClassVar = {"/api/aj/list": "events"}
    since_param, until_param = "gxsjq", "gxsjz"
    page_params = ("offset", "limit")
    counts_pages = True

    def admits(self, request: Request) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            found = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind == "Basic" and same(found, f"{self.credentials['username']}:{self.credentials['password']}")

    def read_time(self, text: str) -> float:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=LOCAL_ZONE).timestamp()

    def choose_page(self, request: Request, low: int, high: int) -> Page:
        offset = read_number(request.params, "offset", 0, 0, 10**12)
        limit = read_number(request.params, "limit", 100, 1, PAGE_LIMIT)
        first = min(low + offset, high)
        return Page(first, min(first + limit, high), f'{{"zs":{high - low},"lb":['.encode(), b"]}")

    def refuse(self, status: int, text: str) -> object:
        return {"cwm": status, "cwxx": text}


class PublicService(Dialect):
    """便民服务: key in a header, an opaque cursor, changes listed by `updated_since` in UTC."""

    paths: ClassVar = {"/v1/events": "events"}
    since_param, until_param = "updated_since", "updated_until"
    page_params = ("cursor", "size")

    def admits(self, request: Request) -> bool:
        return same(request.headers.get("x-api-key", ""), self.credentials["api_key"])

    def read_time(self, text: str) -> float:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(UTC).timestamp()

    def choose_page(self, request: Request, low: int, high: int) -> Page:
        size = read_number(request.params, "size", 100, 1, PAGE_LIMIT)
        first = low
        if "cursor" in request.params:
            try:
                first = int(base64.urlsafe_b64decode(request.params["cursor"]).decode().removeprefix("after:"))
            except (binascii.Error, ValueError) as error:
                raise BadParameter("cursor cannot be read") from error
            if not low <= first <= high:
                raise BadParameter("cursor belongs to another window")
        last = min(first + size, high)
        cursor = base64.urlsafe_b64encode(f"after:{last}".encode()).decode() if last < high else None
        after = b'],"next":' + orjson.dumps(cursor) + b"}}"
        return Page(first, last, b'{"data":{"items":[', after)

    def refuse(self, status: int, text: str) -> object:
        return {"error": {"status": status, "detail": text}}


class Supervision(Dialect):
    """综合监督: signed requests, the next page's address in the answer, windows and records in epoch milliseconds."""

    paths: ClassVar = {"/supervision/checks": "checks"}
    since_param, until_param = "modified_from", "modified_to"
    page_params = ("after", "count")

    def admits(self, request: Request) -> bool:
        moment = request.headers.get("x-timestamp", "")
        if not moment.isdigit() or abs(self.read_clock() - int(moment)) > SIGNATURE_LIFETIME_SECONDS:
            return False
        query = urlencode(sorted(request.params.items()))
        text = "\n".join(["GET", request.path, query, moment])
        expected = hmac.new(self.credentials["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
        key_id = request.headers.get("x-app-key", "")
        return same(key_id, self.credentials["key_id"]) and same(request.headers.get("x-signature", ""), expected)

    def read_time(self, text: str) -> float:
        return int(text) / 1000

    def choose_page(self, request: Request, low: int, high: int) -> Page:
        count = read_number(request.params, "count", 100, 1, PAGE_LIMIT)
        first = low + read_number(request.params, "after", 0, 0, max(high - low, 0))
        last = min(first + count, high)
        following = None
        if last < high:
            params = request.params | {"after": str(last - low)}
            following = f"{request.base_url}{request.path}?{urlencode(params)}"
        after = b'],"links":{"next":' + orjson.dumps(following) + b"}}"
        return Page(first, last, b'{"results":[', after)

    def refuse(self, status: int, text: str) -> object:
        return {"status": status, "reason": text}


DIALECTS: dict[str, type[Dialect]] = {
    "comprehensive_governance": Governance,
    "law_enforcement": LawEnforcement,
    "public_service": PublicService,
    "supervision": Supervision,
}
