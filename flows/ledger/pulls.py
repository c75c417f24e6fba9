"""Pulls as the ledger remembers them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine, func, select

from flows.ledger.tables import pulls

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


_WITHOUT_FINDINGS = [column for column in pulls.c if column.name not in FINDINGS]


class ReadingLedger:
    """How the sources were read of late: asked every hour, so years of pulls are never listed for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_first_started_at(self) -> datetime | None:
        """When the installation's first pull began; nothing before it."""
        query = select(pulls.c.started_at).order_by(pulls.c.id).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def list_newest(self, *, complete_only: bool) -> dict[tuple[str, str], PullRecord]:
        """The newest pull of each platform's resource, or the newest that ended complete; without its findings.

        One whose window ends before it begins read nothing, and rejected rows judged again are no reading.
        """
        asked = (pulls.c.window_from_at < pulls.c.window_to_at) & (pulls.c.status != "replayed")
        if complete_only:
            asked &= pulls.c.status == "complete"
        newest = select(func.max(pulls.c.id)).where(asked).group_by(pulls.c.platform, pulls.c.resource)
        with self._engine.connect() as connection:
            rows = connection.execute(select(*_WITHOUT_FINDINGS).where(pulls.c.id.in_(newest))).mappings()
            found = [PullRecord(**FINDINGS, **row) for row in rows]
        return {(pull.platform, pull.resource): pull for pull in found}

    def list_ended_since(self, instant: datetime) -> list[PullRecord]:
        """The pulls that ended at `instant` or later, in the order in which they began, with all that was found."""
        query = select(pulls).where(pulls.c.finished_at >= instant).order_by(pulls.c.id)
        with self._engine.connect() as connection:
            return [PullRecord(**row) for row in connection.execute(query).mappings()]

    def list_deciding(self, window: tuple[datetime, datetime]) -> list[PullRecord]:
        """The pulls that decide how far `window` is held, in the order in which they began; without findings.

        Of each resource those that reach into the window, from the newest that holds all of it on: what came before
        that one says nothing of the window any more.
        """
        start_at, end_at = window
        columns = (pulls.c.id, pulls.c.platform, pulls.c.resource, pulls.c.window_from_at, pulls.c.window_to_at)
        reaching = (
            select(*columns)
            .where(pulls.c.window_to_at > start_at, pulls.c.window_from_at < end_at)
            .where(pulls.c.window_from_at < pulls.c.window_to_at)
            # Read by itself, it is read from the index alone.
            .cte("reaching")
            .prefix_with("MATERIALIZED")
        )
        holding = (
            select(reaching.c.platform, reaching.c.resource, func.max(reaching.c.id).label("newest_id"))
            .where(reaching.c.window_from_at <= start_at, reaching.c.window_to_at >= end_at)
            .group_by(reaching.c.platform, reaching.c.resource)
            .cte("holding")
        )
        same = (reaching.c.platform == holding.c.platform) & (reaching.c.resource == holding.c.resource)
        deciding = (
            select(reaching.c.id)
            .select_from(reaching.outerjoin(holding, same))
            .where(reaching.c.id >= func.coalesce(holding.c.newest_id, 0))
        )
        query = select(*_WITHOUT_FINDINGS).where(pulls.c.id.in_(deciding)).order_by(pulls.c.id)
        with self._engine.connect() as connection:
            return [PullRecord(**FINDINGS, **row) for row in connection.execute(query).mappings()]

    def find_earlier(self, pull: PullRecord, statuses: Collection[PullStatus]) -> PullRecord | None:
        """The newest pull of the same resource that began before `pull` and ended so, with all that was found."""
        same = (pulls.c.platform == pull.platform) & (pulls.c.resource == pull.resource)
        query = select(pulls).where(same, pulls.c.id < pull.id, pulls.c.status.in_(statuses))
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(pulls.c.id.desc()).limit(1)).mappings().first()
        return None if row is None else PullRecord(**row)
