"""Which sources were present for a month, and what shows it (policy §3.3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from flows.house import House
from flows.ingest.coverage import find_spans
from flows.ingest.describe.records import Window
from flows.ingest.describe.source import Source
from flows.ledger import PullRecord
from flows.month import CITY_ZONE, Month
from flows.results import SourceStatus

Status = Literal["complete", "partial", "missing"]


def find_source_status(
    house: House, sources: Sequence[Source], month: Month, cutoff_at: datetime
) -> list[SourceStatus]:
    """For each source whether it was present for `month`, and what shows it.

    It is complete if of each of its resources complete pulls hold the month up to `cutoff_at`, one pull or several
    together, and none that held all of it failed since; missing if nothing of it is held; else partial.
    """
    return [_find_status(house, source, month, (month.starts_at, cutoff_at)) for source in sources]


def _find_status(house: House, source: Source, month: Month, window: Window) -> SourceStatus:
    pulls: dict[str, list[PullRecord]] = {name: [] for name in source.resources}
    for pull in house.ledger.list_pulls(source.platform):
        if pull.resource in pulls and pull.window_from_at < window[1] and pull.window_to_at > window[0]:
            pulls[pull.resource].append(pull)
    unread = [name for name, found in pulls.items() if not found]
    told = [f"no pull of {', '.join(sorted(unread))} holds {month} up to its cutoff"] if unread else []
    statuses: list[Status] = ["missing"] * len(unread)
    for name, found in pulls.items():
        if found:
            status, lacking = _judge_resource(name, found, window)
            statuses.append(status)
            told += lacking
    if not told:
        numbers = ", ".join(str(number) for number in sorted(found[-1].id for found in pulls.values()))
        return SourceStatus(
            source.platform, "complete", f"pulls up to {numbers} hold {month} up to its cutoff and ended complete"
        )
    partial = set(statuses) != {"missing"}
    return SourceStatus(source.platform, "partial" if partial else "missing", "; ".join(told))


def _judge_resource(name: str, pulls: Sequence[PullRecord], window: Window) -> tuple[Status, list[str]]:
    """How much of `window` is held, and what lacks."""
    spans, failed = find_spans(pulls, window)
    if spans.hold(window):
        return "complete", []
    status: Status = "partial" if spans.touch(window) or (failed and failed.status == "partial") else "missing"
    if failed is not None and not spans.touch(window):
        return status, [f"the latest pull did not end complete: {name} ({failed.status}, pull {failed.id})"]
    gaps = ", ".join(" to ".join(_write(instant) for instant in gap) for gap in spans.list_gaps(window))
    return status, [f"{name} was not read from {gaps} (latest pull {pulls[-1].id}: {pulls[-1].status})"]


def _write(instant: datetime) -> str:
    return instant.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")
