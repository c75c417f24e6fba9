"""The due events of one community, one by one: what became of each, and why it counted against an indicator.

The marks are those that are counted (`flows.evaluate.counts.mark_due_events`); here they are only read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import ibis

from flows.calendar import CityCalendar
from flows.evaluate.counts import OUTCOMES, mark_due_events
from flows.evaluate.scheme import Scheme
from flows.month import Month

_INSTANTS = ("reported_at", "responded_at", "closed_at", "deadline_at", "response_limit_at", "cutoff_at")
_COLUMNS = ("platform", "event_id", "batch_id", "category", "months_back", "status", "forced_close", *_INSTANTS)
_MARKS = ("is_shut", "is_by_cutoff", *(f"is_{outcome}" for outcome in OUTCOMES))


@dataclass(frozen=True)
class DueEvent:
    """One event of the due set with its limits; `marks` are those of `mark_due_events` that hold."""

    platform: str
    event_id: str
    batch_id: str
    category: str
    month: Month
    status: str
    forced_close: bool
    reported_at: datetime
    responded_at: datetime | None
    closed_at: datetime | None
    deadline_at: datetime
    response_limit_at: datetime
    cutoff_at: datetime
    marks: frozenset[str]

    def counts_as(self, count: str) -> bool:
        """Whether the event is one of those counted under this name of `EventCounts`."""
        return count == "due" or f"is_{count}" in self.marks


def list_due_events(
    events: ibis.Table, scheme: Scheme, calendar: CityCalendar, month: Month, community_code: str
) -> list[DueEvent]:
    """The community's due sets of `month` and of the months that indicators may add, by deadline and id."""
    marked = mark_due_events(events.filter(events.community_code == community_code), scheme, calendar, month)
    rows = marked.select(*_COLUMNS, *_MARKS).to_pyarrow().to_pylist()
    found = [_read_event(row, month) for row in rows]
    return sorted(found, key=lambda event: (event.deadline_at, event.platform, event.event_id))


def _read_event(row: dict[str, Any], month: Month) -> DueEvent:
    return DueEvent(
        platform=row["platform"],
        event_id=row["event_id"],
        batch_id=row["batch_id"],
        category=row["category"],
        month=month.plus(-row["months_back"]),
        status=row["status"],
        forced_close=row["forced_close"],
        marks=frozenset(mark for mark in _MARKS if row[mark]),
        **{name: row[name] and row[name].replace(tzinfo=UTC) for name in _INSTANTS},
    )


def _explain_not_closed(event: DueEvent) -> tuple[str, ...]:
    """Every way in which the event misses *closed* (policy §1)."""
    is_shut = "is_shut" in event.marks
    holds = {
        "open": not is_shut,
        "forced_close": event.forced_close,
        "closed_after_cutoff": is_shut and "is_by_cutoff" not in event.marks,
    }
    return tuple(reason for reason, held in holds.items() if held)


def _explain_not_responded(event: DueEvent) -> tuple[str, ...]:
    return ("not_responded",) if event.responded_at is None else ("responded_late",)


_EXPLAIN: Mapping[str, Callable[[DueEvent], tuple[str, ...]]] = {
    "closed": _explain_not_closed,
    "on_time": lambda event: _explain_not_closed(event) or ("closed_late",),
    "reworked": lambda _: ("reworked",),
    "responded": _explain_not_responded,
    "solved": lambda _: ("not_solved",),
    "satisfied": lambda _: ("dissatisfied",),
}


def explain_against(event: DueEvent, outcome: str) -> tuple[str, ...]:
    """Why the event counts against an indicator that counts `outcome`, every reason.

    `open` (a reopened case too), `forced_close`, `closed_after_cutoff`, `closed_late`, `reworked`, `not_responded`,
    `responded_late`, `not_solved`, `dissatisfied` (policy §1 and §2).
    """
    return _EXPLAIN[outcome](event)
