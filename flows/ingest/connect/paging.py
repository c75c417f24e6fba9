"""A window's records, page by page: slices, pages, caps and totals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any
from urllib.parse import urljoin

from flows.errors import ContractBroken, QualityGate
from flows.ingest.connect.connector import Connector, Delivery, write_slot
from flows.ingest.connect.rest import Answer, NotThere, RestClient, Timing
from flows.ingest.describe.connection import CursorPages, LinkHeaderPages, NextUrlPages, NumberedPages, OffsetPages
from flows.ingest.describe.records import Record, Window
from flows.ingest.describe.source import RestResource, RestSource

SHORTEST_SLICE = timedelta(seconds=1)


class RestConnector(Connector):
    """Reads one resource of a platform over HTTP."""

    def __init__(self, source: RestSource, resource: RestResource, name: str, timing: Timing) -> None:
        super().__init__()
        self._resource = resource
        self._client = RestClient(source, timing)
        self._pager = Pager(self._client, source, resource, name)

    def list_deliveries(self, window: Window) -> Iterator[Delivery]:
        # What doesn't depend on the window is one thing, whichever window it is pulled for.
        slot = write_slot(window) if self._resource.narrows else "all"
        # As configured, with placeholders: a manifest holds no secret.
        request = self._resource.request.model_dump() | {"pages": self._resource.pages.kind}
        yield Delivery(slot, request, self._pager.fetch_pages(window))

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()


@dataclass
class Query:
    """One question with all its pages; `window` is empty where the platform isn't asked for one."""

    params: dict[str, Any]
    window: Window | None
    received_count: int = 0
    stated_total: int | None = None


@dataclass(frozen=True)
class Step:
    """What to ask for next: further parameters, or a URL that says it all."""

    params: dict[str, Any]
    url: str | None = None
    may_be_past: bool = False
    """Whether the page before was shorter than asked for: this one may be empty, repeat it, or not be there."""


class Pager:
    """Reads one resource of one platform; `name` is how messages call it."""

    def __init__(self, client: RestClient, source: RestSource, resource: RestResource, name: str) -> None:
        self._client = client
        self._source = source
        self._resource = resource
        self._name = name

    def fetch_pages(self, window: Window) -> Iterator[list[Record]]:
        """The records of `window`, one page at a time.

        Raises `ContractBroken` if an answer isn't as configured, loops, or may have been cut by the platform's cap,
        and `QualityGate` if the number received differs from the total stated (data.md, `stop`).
        """
        since = self._resource.since
        for slice_ in self._cut(window):
            if since is None or since.cap is None:
                yield from self._fetch_query(self._build_query(slice_))
            else:
                yield from self._fetch_under_cap(slice_, since.cap)

    def _cut(self, window: Window) -> Iterator[Window]:
        """The window, moved back by the lag, on whole seconds, in slices if the platform takes an end."""
        since = self._resource.since
        if since is None:
            yield window
            return
        start = datetime.fromtimestamp(floor((window[0] - since.lag).timestamp()), UTC)
        end = datetime.fromtimestamp(ceil(window[1].timestamp()), UTC)
        step = since.slice if since.slice is not None and since.until_param is not None else end - start
        while start < end:
            yield start, min(start + step, end)
            start += step

    def _build_query(self, window: Window) -> Query:
        since = self._resource.since
        params = self._resolve("params")
        if since is None:
            return Query(params, None)
        params[since.param] = self._write_instant(window[0])
        if since.until_param is not None:
            params[since.until_param] = self._write_instant(window[1])
        return Query(params, window)

    def _resolve(self, part: str) -> dict[str, Any]:
        """One part of the configured request with its placeholders filled in."""
        values: dict[str, Any] = getattr(self._resource.request, part)
        return {
            key: self._source.resolve(f"request.{part}.{key}", value) if isinstance(value, str) else value
            for key, value in values.items()
        }

    def _write_instant(self, instant: datetime) -> str | int:
        kind = self._resource.since.format if self._resource.since else "iso"
        if kind == "iso":
            return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        if kind == "local":
            return instant.astimezone(self._resource.timezone).strftime("%Y-%m-%d %H:%M:%S")
        seconds = int(instant.timestamp())
        return seconds if kind == "epoch_s" else seconds * 1000

    def _fetch_under_cap(self, window: Window, cap: int) -> Iterator[list[Record]]:
        """The window's pages; a query that reaches the cap is asked again in two halves, down to one second."""
        pages: list[list[Record]] = []
        received = 0
        for page in self._fetch_query(self._build_query(window)):
            pages.append(page)
            received += len(page)
            if received >= cap:
                break
        else:
            yield from pages
            return
        span = window[1] - window[0]
        since = self._resource.since
        if since is None or since.until_param is None or span <= SHORTEST_SLICE:
            raise ContractBroken(
                f"{self._name}: one query gave {received} records, and the platform gives at most {cap}: it may have "
                f"cut the answer, window {window[0]:%Y-%m-%dT%H:%M:%SZ} to {window[1]:%Y-%m-%dT%H:%M:%SZ}. "
                "Give since an until_param so that it can be narrowed, or ask the platform for a higher cap."
            )
        pages.clear()
        middle = window[0] + timedelta(seconds=span // SHORTEST_SLICE // 2)
        yield from self._fetch_under_cap((window[0], middle), cap)
        yield from self._fetch_under_cap((middle, window[1]), cap)

    def _fetch_query(self, query: Query) -> Iterator[list[Record]]:
        step: Step | None = self._find_first()
        seen: set[str] = set()
        previous: list[Record] = []
        while step is not None:
            mark = step.url or str(step.params)
            if mark in seen:
                raise ContractBroken(
                    f"{self._name}: the platform names the same next page twice. It would never end: check pages."
                )
            seen.add(mark)
            try:
                answer = self._ask(step, query)
            except NotThere:
                if step.may_be_past:
                    break
                raise
            records = self._read_records(answer.content)
            if records and records == previous:
                if step.may_be_past:
                    break
                raise ContractBroken(
                    f"{self._name}: the platform gave the same page twice. It may not know the parameters in pages."
                )
            query.received_count += len(records)
            query.stated_total = self._read_total(answer.content, query.stated_total)
            if records:
                yield records
            previous = records
            step = self._find_next(step, answer, query, len(records))
        if query.stated_total is not None and query.received_count != query.stated_total:
            raise QualityGate(
                f"{self._name}: {query.received_count} records received, {query.stated_total} stated by the platform "
                f"({self._resource.total}). Nothing was landed: pull again, and check pages if it stays so."
            )

    def _ask(self, step: Step, query: Query) -> Answer:
        request = self._resource.request
        return self._client.ask(
            step.url or request.path,
            method=request.method,
            params={**query.params, **step.params} if step.url is None else {},
            headers=self._resolve("headers"),
            body=self._resolve("body"),
        )

    def _find_first(self) -> Step:
        pages = self._resource.pages
        if isinstance(pages, NumberedPages):
            size = {pages.size_param: pages.size} if pages.size_param and pages.size else {}
            return Step({pages.param: pages.first, **size})
        if isinstance(pages, OffsetPages):
            return Step({pages.param: 0, pages.limit_param: pages.limit})
        return Step({})

    def _find_next(self, step: Step, answer: Answer, query: Query, count: int) -> Step | None:
        """The next page to ask for, or nothing if this was the last."""
        pages = self._resource.pages
        if isinstance(pages, NumberedPages | OffsetPages):
            if count == 0 or (query.stated_total is not None and query.received_count >= query.stated_total):
                return None
            size = pages.size if isinstance(pages, NumberedPages) else pages.limit
            # Without a total a short page is no end: a platform may give smaller pages than it was asked for.
            is_short = query.stated_total is None and size is not None and count < size
            next_ = step.params[pages.param] + 1 if isinstance(pages, NumberedPages) else query.received_count
            return Step({**step.params, pages.param: next_}, may_be_past=is_short)
        if isinstance(pages, CursorPages):
            cursor = self._read_next(answer.content, pages.next)
            return Step({pages.param: cursor}) if cursor is not None else None
        if isinstance(pages, NextUrlPages):
            following = self._read_next(answer.content, pages.next)
            return self._follow(answer, following)
        if isinstance(pages, LinkHeaderPages):
            return self._follow(answer, answer.next_link)
        return None

    def _follow(self, answer: Answer, following: str | int | None) -> Step | None:
        return Step({}, url=urljoin(answer.url, str(following))) if following is not None else None

    def _read_records(self, content: Any) -> list[Record]:
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

    def _read_total(self, content: Any, before: int | None) -> int | None:
        path = self._resource.total
        if path is None:
            return None
        found = _follow_path(content, path)
        if isinstance(found, str) and found.isdigit():
            return int(found)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        if before is not None and found is None:
            return before
        raise ContractBroken(f"{self._name}: no number at {path}, where total is expected. Check total.")

    def _read_next(self, content: Any, path: str) -> str | int | None:
        found = _follow_path(content, path)
        if found is None or found == "":
            return None
        if isinstance(found, str | int) and not isinstance(found, bool):
            return found
        raise ContractBroken(f"{self._name}: {path} is neither text nor a number. Check pages.next.")


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
