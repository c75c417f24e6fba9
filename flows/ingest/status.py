"""Which sources were present for a month, and what shows it (policy §3.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flows.house import House
from flows.ingest.coverage import BEGINNING, choose_pulls, find_spans
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


@dataclass(frozen=True)
class Presence:
    """How far a source holds one month now, in numbers: those of the newest pulls that together hold it."""

    platform: str
    status: Status
    received_count: int
    landed_count: int
    rejected_count: int
    read_at: datetime | None
    """When the last of its complete pulls for the month ended."""


def find_presence(
    house: House, sources: Sequence[Source], cutoffs: Mapping[Month, datetime]
) -> dict[Month, list[Presence]]:
    """Of each month, given with its cutoff, how far each source holds it: by the rule of `find_source_status`.

    Only pulls that decide it are read, so that years of others cost nothing.
    """
    return {month: _find_presence(house, sources, month, cutoff_at) for month, cutoff_at in cutoffs.items()}


def _find_presence(house: House, sources: Sequence[Source], month: Month, cutoff_at: datetime) -> list[Presence]:
    window = month.starts_at, cutoff_at
    pulls: dict[tuple[str, str], list[PullRecord]] = {}
    for pull in house.ledger.readings.list_deciding(window):
        pulls.setdefault((pull.platform, pull.resource), []).append(pull)
    found = []
    for source in sources:
        of_it = [pulls.get((source.platform, name), []) for name in source.resources]
        chosen = [
            # What only brings the days between a month's end and its cutoff is counted with the month after.
            pull
            for each in of_it
            for pull in choose_pulls(each, window)
            if pull.window_from_at < month.ends_at
        ]
        ends = [pull.finished_at for pull in chosen if pull.status == "complete" and pull.finished_at is not None]
        found.append(
            Presence(
                platform=source.platform,
                status=_join_states([_judge_resource("", each, window).status for each in of_it]),
                received_count=sum(pull.received_count for pull in chosen),
                landed_count=sum(pull.landed_count for pull in chosen),
                rejected_count=sum(pull.rejected_count for pull in chosen),
                read_at=max(ends, default=None),
            )
        )
    return found


def _join_states(states: Sequence[Status]) -> Status:
    """How present a source is whose resources are so."""
    if all(state == "complete" for state in states):
        return "complete"
    return "missing" if all(state == "missing" for state in states) else "partial"


def _find_status(house: House, source: Source, month: Month, window: Window) -> SourceStatus:
    pulls: dict[str, list[PullRecord]] = {name: [] for name in source.resources}
    for pull in house.ledger.list_pulls(source.platform, with_findings=False):
        # A replay of rejected rows is among them, and reads no stretch of time.
        if pull.resource in pulls and pull.window_from_at < pull.window_to_at:
            pulls[pull.resource].append(pull)
    found = [_judge_resource(name, of_it, window) for name, of_it in pulls.items()]
    unread = sorted(name for name, resource in zip(pulls, found, strict=True) if resource.is_unread)
    told = [f"no pull of {', '.join(unread)} holds {month} up to its cutoff"] if unread else []
    told += [resource.told for resource in found if resource.told and resource.status != "complete"]
    if told:
        return SourceStatus(source.platform, _join_states([it.status for it in found]), "; ".join(told))
    numbers = ", ".join(str(number) for number in sorted(of_it[-1].id for of_it in pulls.values()))
    evidence = f"pulls up to {numbers} hold {month} up to its cutoff and ended complete"
    stretches = [resource.told for resource in found if resource.told]
    return SourceStatus(source.platform, "complete", "; ".join([evidence, *stretches]))


@dataclass(frozen=True)
class _Found:
    """How much of a month one resource holds, and in words what lacks or how far it was read."""

    status: Status
    told: str = ""
    is_unread: bool = False


def _judge_resource(name: str, pulls: Sequence[PullRecord], window: Window) -> _Found:
    if not any(pull.window_from_at < window[1] and pull.window_to_at > window[0] for pull in pulls):
        return _Found("missing", is_unread=True)
    spans, failed = find_spans(pulls, window)
    stretch = spans.find_stretch(window[0])
    if stretch is not None and spans.hold(window):
        # What lies outside is history that later months look back on, or changes that came after.
        is_all = stretch[0] <= BEGINNING
        return _Found("complete", "" if is_all else f"{name} was read from {_write_window(stretch)} without a gap")
    status: Status = "partial" if spans.touch(window) or (failed and failed.status == "partial") else "missing"
    if failed is not None and not spans.touch(window):
        return _Found(status, f"the latest pull did not end complete: {name} ({failed.status}, pull {failed.id})")
    gaps = ", ".join(_write_window(gap) for gap in spans.list_gaps(window))
    return _Found(status, f"{name} was not read from {gaps} (latest pull {pulls[-1].id}: {pulls[-1].status})")


def _write_window(window: Window) -> str:
    return " to ".join(instant.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M") for instant in window)
