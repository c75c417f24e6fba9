"""What each alert may say: the day's digests, and engineers' alarms; see `flows.notify.contents`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OverdueEvent:
    """One open event: by how many whole hours it is past its deadline, or how many are left."""

    event_id: str
    category: str
    community_name: str
    deadline: str
    is_overdue: bool
    hours: int


@dataclass(frozen=True)
class OverdueDigest:
    """One unit's open events past their deadline, worst first, and how many aren't listed (policy §6).

    `due_soon_count` is 0 above communities; `stale_sources` were not read of late, so what they sent may be old.
    """

    day: str
    counted_at: str
    unit_name: str
    overdue_hours: int
    overdue_count: int
    due_soon_hours: int
    due_soon_count: int
    events: tuple[OverdueEvent, ...]
    left_count: int
    stale_sources: tuple[str, ...]


@dataclass(frozen=True)
class PlatformSilent:
    """A source that was not read for longer than its card allows; `read_at` is empty if it never was."""

    title: str
    platform: str
    resources: tuple[str, ...]
    read_at: str
    silent_hours: int
    last_status: str
    next_at: str


@dataclass(frozen=True)
class DoubtfulPull:
    """One resource's doubtful pull; `message` is what stopped it, in the program's own words."""

    resource: str
    status: str
    received_count: int
    rejected_count: int
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    left_warning_count: int
    message: str


@dataclass(frozen=True)
class DataQualityAlarm:
    """What engineers should look at in one source's pulls of a day; no row's content."""

    title: str
    platform: str
    day: str
    is_stopped: bool
    pulls: tuple[DoubtfulPull, ...]


@dataclass(frozen=True)
class RunFailure:
    """A run that did not end well, and what its deployment's description says to do."""

    deployment: str
    run_name: str
    state: str
    failed_at: str
    message: str
    description: str
