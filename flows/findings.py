"""What supervisors and engineers are told of between two monthly results: found by one room, told by another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

UnitTier = Literal["community", "street", "district"]


@dataclass(frozen=True)
class WaitingEvent:
    """An open event whose deadline is past or near; nothing of who reported it."""

    event_id: str
    category: str
    community_name: str
    deadline_at: datetime
    is_overdue: bool


@dataclass(frozen=True)
class Backlog:
    """What waits in one unit, as far as its tier is told of it: the worst events, and how many there are in all."""

    tier: UnitTier
    unit_code: str
    unit_name: str
    overdue_count: int
    due_soon_count: int
    worst: Sequence[WaitingEvent]


@dataclass(frozen=True)
class Backlogs:
    """Every unit that is to be told something, at one instant, and the hours from which on its tier is."""

    at: datetime
    overdue_hours: Mapping[UnitTier, int]
    due_soon_hours: int
    units: Sequence[Backlog]


@dataclass(frozen=True)
class SilentSource:
    """A source of which a resource was not read completely for longer than its card allows.

    `read_at` is when that last happened, of the resource for which it is longest ago; empty if it never did.
    `pull_id` is that pull, 0 if there is none: it names the silence for as long as it lasts.
    """

    platform: str
    title: str
    resources: Sequence[str]
    read_at: datetime | None
    pull_id: int
    late_since_at: datetime
    last_status: str


@dataclass(frozen=True)
class PullFinding:
    """What is doubtful about one pull of one resource: it was stopped, or much of it was rejected, or it warned."""

    resource: str
    status: str
    received_count: int
    rejected_count: int
    reason_counts: Mapping[str, int]
    warnings: Sequence[str]
    message: str


@dataclass(frozen=True)
class DoubtfulPulls:
    """A source's doubtful pulls of one day: `is_stopped` if nothing of them landed, else they landed all the same."""

    platform: str
    title: str
    day: date
    is_stopped: bool
    pulls: Sequence[PullFinding]


@dataclass(frozen=True)
class FailedRun:
    """A run of a deployment that did not end well: which, how, and what its description says to do."""

    deployment: str
    description: str
    run_name: str
    state: str
    message: str
    failed_at: datetime
