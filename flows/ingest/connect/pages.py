"""One page of a platform's list: what is asked for, what its answer holds, and what comes next."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from flows.errors import ContractBroken
from flows.ingest.connect.answers import join_url
from flows.ingest.connect.rest import Answer
from flows.ingest.describe.connection import CursorPages, LinkHeaderPages, NextUrlPages, NumberedPages, OffsetPages
from flows.ingest.describe.records import Record
from flows.ingest.describe.source import RestResource

_COUNT = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Step:
    """What to ask for next: further parameters, or a URL that says it all."""

    params: dict[str, Any]
    url: str | None = None
    may_be_past: bool = False
    """Whether the list may have ended with the page before: this one may be empty, repeat one, or not be there."""
    is_probe: bool = False
    """Whether the stated total was reached: what is wrong with this one shows only that the list has ended."""


class PageReader:
    """Reads the pages of one resource as its configuration says; `name` is how messages call it."""

    def __init__(self, resource: RestResource, name: str) -> None:
        self._resource = resource
        self._name = name
        self._longest_count = 0

    def find_first(self) -> Step:
        """The first page to ask for."""
        pages = self._resource.pages
        if isinstance(pages, NumberedPages):
            size = {pages.size_param: pages.size} if pages.size_param and pages.size else {}
            return Step({pages.param: pages.first, **size})
        if isinstance(pages, OffsetPages):
            return Step({pages.param: 0, pages.limit_param: pages.limit})
        return Step({})

    def find_next(
        self, step: Step, answer: Answer, count: int, received_count: int, total: int | None
    ) -> Step | None:
        """The page to ask for after one of `count` records, or nothing if that was the last.

        `received_count` of the query's `total` records have come so far.
        """
        pages = self._resource.pages
        if isinstance(pages, NumberedPages | OffsetPages):
            return self._count_on(pages, step, count, received_count, total)
        if isinstance(pages, CursorPages):
            cursor = self._read_next(answer.content, pages.next)
            return Step({pages.param: cursor}) if cursor is not None else None
        if isinstance(pages, NextUrlPages):
            following = self._read_next(answer.content, pages.next)
            return self._follow(answer, following)
        if isinstance(pages, LinkHeaderPages):
            return self._follow(answer, answer.next_link)
        return None

    def read_records(self, content: Any) -> list[Record]:
        """The records of an answer. Raises `ContractBroken` if they are not where they should be."""
        found = _follow_path(content, self._resource.records)
        if not isinstance(found, list):
            where = self._resource.records or "the answer itself"
            raise ContractBroken(
                f"{self._name}: no list at {where}, but {_describe(found, content)}. "
                "Check records, and whether the platform reports an error with status 200."
            )
        if not all(type(record) is dict for record in found):
            raise ContractBroken(f"{self._name}: a record is not an object with fields. Check records.")
        return found

    def read_total(self, content: Any, before: int | None) -> int | None:
        """The number of records that the platform states, or what it stated `before` if this page says nothing."""
        path = self._resource.total
        if path is None:
            return None
        found = _follow_path(content, path)
        if isinstance(found, str) and _COUNT.fullmatch(found):
            return int(found)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        if before is not None and found is None:
            return before
        raise ContractBroken(f"{self._name}: no number at {path}, where total is expected. Check total.")

    def _count_on(
        self, pages: NumberedPages | OffsetPages, step: Step, count: int, received_count: int, total: int | None
    ) -> Step | None:
        self._longest_count = max(self._longest_count, count)
        following = step.params[pages.param] + 1 if isinstance(pages, NumberedPages) else received_count
        params = {**step.params, pages.param: following}
        if count == 0 or (total is not None and received_count > total):
            return None
        if total is None:
            # A short page is no end: a platform may give smaller pages than it was asked for.
            size = pages.size if isinstance(pages, NumberedPages) else pages.limit
            return Step(params, may_be_past=size is not None and count < size)
        if received_count < total:
            return Step(params)
        # A total may be too low by whole pages, and some platforms state that of the page alone.
        return Step(params, may_be_past=True, is_probe=True) if count == self._longest_count else None

    def _follow(self, answer: Answer, following: str | float | None) -> Step | None:
        if following is None:
            return None
        return Step({}, url=join_url(answer.url, str(following), self._name).geturl())

    def _read_next(self, content: Any, path: str) -> str | float | None:
        found = _follow_path(content, path)
        if found is None or found == "":
            return None
        if isinstance(found, str | int | float) and not isinstance(found, bool):
            return found
        raise ContractBroken(f"{self._name}: {path} is neither text nor a number. Check pages.next.")


def write_json(content: list[Any], name: str) -> bytes:
    """The content as JSON. Raises `ContractBroken`, where `name` gave it, if it is too deep to be written."""
    try:
        return orjson.dumps(content)
    except TypeError:
        raise ContractBroken(f"{name}: a record is nested some 250 levels deep. Check records.") from None


def _follow_path(content: Any, path: str) -> Any:
    for key in path.split(".") if path else ():
        if not isinstance(content, dict) or key not in content:
            return None
        content = content[key]
    return content


def _describe(found: Any, content: Any) -> str:
    if found is not None:
        return f"a value of another kind ({type(found).__name__})"
    if isinstance(content, dict):
        return f"an object with the keys {', '.join(sorted(map(str, content))[:8]) or 'none'}"
    return f"an answer of another kind ({type(content).__name__})"
