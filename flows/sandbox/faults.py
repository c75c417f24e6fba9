"""What the sandbox's platforms do wrong on demand, and when.

Some faults disturb single requests, by their number since the server started; the others bend every answer. Only
light modules are imported here, as in `server`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import orjson

from flows.errors import UsageError
from flows.sandbox.dialects import Dialect, Page, Request

FAULTS: Mapping[str, str] = {
    "busy": "429 with Retry-After",
    "burst": "500, then 503",
    "stall": "once no answer at all",
    "reset": "the connection reset in the middle of an answer",
    "truncated": "once JSON that breaks off, as if it were whole",
    "login_page": "from the second request on an HTML login page with status 200",
    "repeated_page": "the first page for ever",
    "lying_total": "a total that is seven too high",
    "changing_records": "a record that appears while the pages of a list are read",
    "old_versions": "older versions of records behind the newer ones",
    "clock_skew": "a clock an hour ahead",
    "gbk": "GB18030 bytes where UTF-8 is promised",
    "huge_page": "from the second request on answers of 200 MB",
}
"""Every fault by its name, with what the platform does."""

RECOVERABLE = ("busy", "burst", "stall", "reset", "truncated")
"""What a pull gets over by asking again."""

IN_TURN = ("reset", "truncated", "busy", "stall", "burst")
"""Cheap ones first: the demo's first requests are for registers, for which every platform waits."""

CYCLE = 101
FIRST = 2
ONCE = frozenset({"stall", "truncated"})
FROM_SECOND_ON = frozenset({"login_page", "huge_page"})
ACTS: Mapping[str, tuple[str, ...]] = {"burst": ("failing", "closed")}
"""What a fault does to requests that follow each other, where it isn't one act of the fault's own name."""

PAGED = frozenset({"repeated_page", "changing_records"})
PAGE_SIZE = 50
"""How many records a page holds at most where a fault needs several of them."""

LIE_COUNT = 7
OLDER_COUNT = 3
SKEW_SECONDS = 3600.0
STALL_TIMEOUT_SECONDS = 1
"""What the demo's configuration gives a platform that may stall."""

HUGE_BYTES = 200 * 1024 * 1024
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>统一身份认证</title></head><body>请登录</body></html>".encode()

_TOTAL = re.compile(rb'"(total|zs)":(\d+)')
_UPDATED = ("updateTime", "sj.gxsj", "modified_ts")
_DAY = timedelta(days=1)


def check_faults(names: Collection[str]) -> None:
    """Nothing if every name is a fault's, else `UsageError` with the names there are."""
    for name in names:
        if name not in FAULTS:
            raise UsageError(f"there is no fault {name!r}. Choose from: {', '.join(FAULTS)}.")


class Faults:
    """The faults of one server; it counts the requests, and knows what has happened already."""

    def __init__(self, names: Collection[str] = ()) -> None:
        check_faults(names)
        self._names = frozenset(names)
        self._numbers = count(1)
        self._has_changed = False
        self._places: dict[int, str] = {}
        place = FIRST
        for name in IN_TURN:
            if name in self._names:
                acts = ACTS.get(name, (name,))
                self._places |= {place + step: act for step, act in enumerate(acts)}
                place += len(acts) + 1

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def choose(self) -> str | None:
        """What is done to the request that has just come, if anything."""
        number = next(self._numbers)
        if number >= FIRST and (lasting := self._names & FROM_SECOND_ON):
            return min(lasting)
        act = self._places.get(number % CYCLE)
        return None if act in ONCE and number > CYCLE else act

    def bend_request(self, dialect: Dialect, request: Request) -> Request:
        """The request as a platform reads it that gives small pages, or the first one whatever it is asked."""
        if not self._names & PAGED:
            return request
        position, size = dialect.page_params
        params = dict(request.params)
        params[size] = str(min(int(params[size]), PAGE_SIZE)) if params.get(size, "").isdigit() else str(PAGE_SIZE)
        if "repeated_page" in self._names:
            params.pop(position, None)
        return replace(request, params=params)

    def bend_window(self, dialect: Dialect, low: int, high: int) -> tuple[int, int]:
        """The window's records without the one that is yet to appear: in front of those counted off, else behind."""
        if "changing_records" not in self._names or self._has_changed or low == high:
            return low, high
        return (low + 1, high) if dialect.counts_pages else (low, high - 1)

    def note_page(self, page: Page, high: int) -> None:
        """Take note of a page given; once one of several was, the record appears."""
        self._has_changed = self._has_changed or page.last < high

    def bend_page(self, page: Page) -> Page:
        """The page with a total that lies."""
        if "lying_total" not in self._names:
            return page
        return replace(page, before=_TOTAL.sub(_raise_total, page.before))

    def list_older(self, records: memoryview) -> list[bytes]:
        """Older versions of a window's first records, to stand behind its last; none of those that bear no date."""
        if "old_versions" not in self._names:
            return []
        found = orjson.loads(b"[" + bytes(records) + b"]")
        return [orjson.dumps(older) for older in map(_age, found) if older is not None]


def _raise_total(match: re.Match[bytes]) -> bytes:
    return b'"%s":%d' % (match[1], int(match[2]) + LIE_COUNT)


def _age(record: dict[str, Any]) -> dict[str, Any] | None:
    """The record as of a day earlier, or nothing if it isn't dated."""
    for path in _UPDATED:
        *groups, name = path.split(".")
        holder: Any = record
        for group in groups:
            holder = holder.get(group, {})
        if name in holder:
            holder[name] = _set_back(holder[name])
            return record
    return None


def _set_back(value: str | int) -> str | int:
    if isinstance(value, int):
        return value - int(_DAY.total_seconds() * 1000)
    return (datetime.fromisoformat(value) - _DAY).isoformat(sep=value[10], timespec="seconds")
