"""A window's records, page by page: slices, pages, caps, totals, and lists that change while they are read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import ceil, floor
from typing import Any

from flows.errors import ContractBroken, QualityGate, SourceUnavailable
from flows.ingest.connect.connector import Connector, Delivery, RecordsChanged, write_slot
from flows.ingest.connect.cursors import find_local_start
from flows.ingest.connect.pages import PageReader, Step, write_json
from flows.ingest.connect.rest import Answer, NotThere, RestClient, Timing
from flows.ingest.describe.connection import NoPages, NumberedPages, OffsetPages
from flows.ingest.describe.records import Record, Window
from flows.ingest.describe.source import RestResource, RestSource

SHORTEST_SLICE = timedelta(seconds=1)
DIGEST_BYTES = 16


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

    @property
    def clock_ahead(self) -> timedelta | None:
        return self._client.clock_ahead

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()


@dataclass
class Query:
    """One question with all its pages; `window` is empty where the platform isn't asked for one."""

    params: dict[str, Any]
    window: Window | None
    received_count: int = 0
    stated_total: int | None = None
    total_moved: bool = False
    marks: set[str] = field(default_factory=set)
    """What was asked for, each step once."""
    outlines: dict[bytes, int] = field(default_factory=dict)
    """How each page looked, by its ends and its length, and when it last did."""
    repeated: list[Record] = field(default_factory=list)
    """A page that came before and is held back, for the list may have ended before it."""
    readings: list[tuple[Step, bytes]] = field(default_factory=list)
    """Each page that held records, with the digest of them, where the list is to be read again."""


class Pager:
    """Reads one resource of one platform; `name` is how messages call it."""

    def __init__(self, client: RestClient, source: RestSource, resource: RestResource, name: str) -> None:
        self._client = client
        self._source = source
        self._resource = resource
        self._name = name
        self._reader = PageReader(resource, name)

    def fetch_pages(self, window: Window) -> Iterator[list[Record]]:
        """The records of `window`, one page at a time.

        Raises `ContractBroken` if an answer isn't as configured, loops, or may have been cut by the platform's cap,
        `QualityGate` if the number received differs from the total stated (data.md, `stop`), and `RecordsChanged`
        if the list changed in between.
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
        if since.format == "local":
            start = find_local_start(start, self._resource.timezone)
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
        step: Step | None = self._reader.find_first()
        while step is not None:
            self._refuse_circle(step, query)
            page = self._ask_page(step, query)
            if page is None:
                break
            answer, records = page
            self._follow_total(answer, records, query)
            if records and self._is_behind_end(records, step, query):
                break
            query.received_count += len(records)
            if records and records is not query.repeated:
                yield from self._let_go(query)
                if self._may_change(query):
                    query.readings.append((step, _digest(records, self._name)))
                yield records
            step = self._reader.find_next(step, answer, len(records), query.received_count, query.stated_total)
        yield from self._let_go(query)
        self._check_total(query)
        self._read_again(query)

    def _let_go(self, query: Query) -> Iterator[list[Record]]:
        """The page held back, now that another came behind it."""
        if query.repeated:
            yield query.repeated
            query.repeated = []

    def _refuse_circle(self, step: Step, query: Query) -> None:
        mark = step.url or str(step.params)
        if mark in query.marks:
            raise ContractBroken(
                f"{self._name}: the platform names the same next page twice. It would never end: check pages."
            )
        query.marks.add(mark)

    def _ask_page(self, step: Step, query: Query) -> tuple[Answer, list[Record]] | None:
        """The answer to one step with its records, or nothing if the list had ended before it."""
        try:
            answer = self._ask(step, query)
            return answer, self._reader.read_records(answer.content)
        except NotThere:
            if step.may_be_past:
                return None
            raise
        except (ContractBroken, SourceUnavailable):
            if step.is_probe:
                return None
            raise

    def _is_behind_end(self, records: list[Record], step: Step, query: Query) -> bool:
        """Whether a page shows, by having come before, that the list ended with an earlier one.

        Behind their end some platforms give the last page for ever. One repeated page may as well be a list with
        everything in it twice, so the page after it decides; a circle of several pages breaks off.
        """
        number = len(query.marks)
        outline = write_json([len(records), records[0], records[-1]], self._name)
        seen_at = query.outlines.get(outline)
        query.outlines[outline] = number
        if seen_at is None:
            return False
        is_last_for_ever = step.may_be_past and seen_at == number - 1
        if step.is_probe or (is_last_for_ever and query.repeated):
            query.repeated = []
            return True
        if is_last_for_ever:
            query.repeated = records
            return False
        raise ContractBroken(
            f"{self._name}: the platform gave the same page twice. It may not know the parameters in pages."
        )

    def _follow_total(self, answer: Answer, records: list[Record], query: Query) -> None:
        """Take the page's stated total; raise `RecordsChanged` if it moves where pages are counted off."""
        before = query.stated_total
        total = self._reader.read_total(answer.content, before)
        query.total_moved = query.total_moved or (before is not None and total != before)
        if not isinstance(self._resource.pages, NumberedPages | OffsetPages):
            query.stated_total = total
        elif records and query.total_moved:
            raise RecordsChanged(self._describe_change(f"the stated total went from {before} to {total}"))
        elif before is None:
            # Behind the last page some platforms state another one, or none.
            query.stated_total = total

    def _check_total(self, query: Query) -> None:
        if query.stated_total is None or query.received_count == query.stated_total:
            return
        found = f"{query.received_count} records received, {query.stated_total} stated by the platform"
        if query.total_moved:
            raise RecordsChanged(self._describe_change(f"{found}, and the stated total moved"))
        raise QualityGate(
            f"{self._name}: {found} ({self._resource.total}). Nothing was landed: pull again, and check pages if it "
            "stays so."
        )

    def _may_change(self, query: Query) -> bool:
        """Whether a change of the list could pass unseen: then it is read again."""
        pages, since = self._resource.pages, self._resource.since
        if isinstance(pages, NoPages) or pages.stable is True:
            return False
        if pages.stable is False:
            return True
        # Without an end, a record changed meanwhile goes to the end of the list and leaves its total as it was.
        is_open = since is not None and since.until_param is None
        return isinstance(pages, NumberedPages | OffsetPages) and (query.stated_total is None or is_open)

    def _read_again(self, query: Query) -> None:
        """Raise `RecordsChanged` if a page isn't what it was; one answer alone cannot have lost anything."""
        if len(query.marks) == 1:
            return
        for number, (step, digest) in enumerate(query.readings, start=1):
            try:
                page = self._ask_page(step, query)
            except NotThere:
                page = None
            if page is None or _digest(page[1], self._name) != digest:
                raise RecordsChanged(self._describe_change(f"page {number} is not what it was when read again"))

    def _describe_change(self, what: str) -> str:
        return (
            f"{self._name}: the list changed while it was read ({what}), so records may lack. Pull again; if it "
            "stays so, ask in shorter slices (since.slice), and check that total counts the whole query."
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


def _digest(records: list[Record], name: str) -> bytes:
    return blake2b(write_json(records, name), digest_size=DIGEST_BYTES).digest()
