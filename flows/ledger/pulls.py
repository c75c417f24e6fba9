"""Pulls as the ledger remembers them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

PullStatus = Literal["running", "complete", "partial", "refused", "unavailable", "broken", "skipped", "replayed"]
"""How a pull ended; `partial`: what was there landed, but something was left for the next time; `replayed`: no pull,
but rejected rows judged again."""


@dataclass(frozen=True)
class PullRecord:
    """One pull of one resource, as it ended; `finished_at` is empty if it never did."""

    id: int
    platform: str
    resource: str
    table_name: str
    window_from_at: datetime
    window_to_at: datetime
    status: PullStatus
    message: str
    received_count: int
    landed_count: int
    rejected_count: int
    reason_counts: Mapping[str, int]
    warnings: Sequence[str]
    checks: Sequence[Mapping[str, Any]]
    """What each rule found: `rule`, `column`, `severity`, `title`, `judged_count`, `breach_count`."""
    newest_at: datetime | None
    """The greatest `updated_at` received: how far the source has been read."""
    started_at: datetime
    finished_at: datetime | None


FINDINGS: Mapping[str, Any] = {"reason_counts": {}, "warnings": (), "checks": ()}
"""What stands in the fields that say what was found, where that was not asked for."""
