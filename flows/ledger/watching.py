"""What somebody asks of the ledger who looks at an installation: how each step stands, and since when it fails.

An installation of ten years holds hundreds of thousands of outcomes, so the database picks the few that are read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, case, func, or_, select

from flows.ledger.outbox import PENDING, MessageStatus
from flows.ledger.tables import outbox, outcomes, revisions


@dataclass(frozen=True)
class Failing:
    """That a step has not succeeded of late: since its first failure in a row, and how many there were."""

    since_at: datetime
    count: int
    last_ok_at: datetime | None
    """When it last succeeded; nothing if it never did."""


@dataclass(frozen=True)
class StepStanding:
    """The newest outcome of one step, of one month or of none, on one subject or none."""

    step: str
    month: str | None
    subject: str | None
    run_count: int
    ok: bool
    message: str
    exit_code: int | None
    counts: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime
    last_ok_at: datetime | None
    failing: Failing | None


@dataclass(frozen=True)
class RevisionHead:
    """The newest revision of a month, and which sources were how present when it was judged."""

    month: str
    revision: int
    created_at: datetime
    source_states: Mapping[str, str]


@dataclass(frozen=True)
class MessageCount:
    """How many messages of a month have a status, and when the first of them was queued."""

    month: str
    status: MessageStatus
    count: int
    oldest_at: datetime


Series = tuple[str, str | None, str | None]
"""Step, month and subject: what one row after the other is about."""

_SERIES = (outcomes.c.step, outcomes.c.month, outcomes.c.subject)
_LAST_OK = func.max(case((outcomes.c.ok, outcomes.c.id)))


class WatchLedger:
    """Steps, revisions and messages at a glance; nothing is written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_standings(self, months: Collection[str]) -> list[StepStanding]:
        """How every step of these months stands, and every step that is about no month; in the order of their names.

        Three queries, however many rows and months there are.
        """
        with self._engine.connect() as connection:
            newest = _find_newest(connection, months)
            failures = _count_failures(connection, months)
            numbers = {number for row in newest for number in (row.last_id, row.last_ok_id) if number is not None}
            numbers |= {failure.first_id for failure in failures.values()}
            rows = _read_rows(connection, numbers)
        return [_describe(row, rows, failures) for row in newest]

    def list_heads(self, months: Collection[str]) -> list[RevisionHead]:
        """The newest revision of each of the months that has one, in their order."""
        same = revisions.alias()
        newest = select(func.max(same.c.revision)).where(same.c.month == revisions.c.month).scalar_subquery()
        columns = (revisions.c.month, revisions.c.revision, revisions.c.created_at)
        query = (
            # The whole of the inputs names every batch that ever landed.
            select(*columns, revisions.c.inputs["sources"].label("sources"))
            .where(revisions.c.month.in_(list(months)), revisions.c.revision == newest)
            .order_by(revisions.c.month)
        )
        with self._engine.connect() as connection:
            return [
                RevisionHead(
                    month=row.month,
                    revision=row.revision,
                    created_at=row.created_at,
                    source_states={source["platform"]: source["status"] for source in row.sources},
                )
                for row in connection.execute(query)
            ]

    def count_messages(self, months: Collection[str]) -> list[MessageCount]:
        """The messages of these months by status, and those of every month of which it isn't known how they end."""
        query = (
            select(outbox.c.month, outbox.c.status, func.count(), func.min(outbox.c.queued_at))
            .where(or_(outbox.c.month.in_(list(months)), outbox.c.status.in_(PENDING)))
            .group_by(outbox.c.month, outbox.c.status)
            .order_by(outbox.c.month, outbox.c.status)
        )
        with self._engine.connect() as connection:
            return [MessageCount(*row) for row in connection.execute(query)]


def _find_newest(connection: Connection, months: Collection[str]) -> Sequence[Row[Any]]:
    """Of each series the number of its newest row, and of the newest that succeeded."""
    last_id, last_ok_id = func.max(outcomes.c.id).label("last_id"), _LAST_OK.label("last_ok_id")
    query = (
        select(*_SERIES, last_id, last_ok_id, func.count().label("run_count"))
        .where(_is_of(months))
        .group_by(*_SERIES)
        .order_by(*_SERIES)
    )
    return connection.execute(query).all()


def _count_failures(connection: Connection, months: Collection[str]) -> dict[Series, Row[Any]]:
    """Of each series that fails the first failure since it succeeded, and how many there were."""
    last_ok_id = func.coalesce(_LAST_OK, 0)
    failing = (
        select(*_SERIES, last_ok_id.label("last_ok_id"))
        .where(_is_of(months))
        .group_by(*_SERIES)
        .having(func.max(outcomes.c.id) != last_ok_id)
        .subquery()
    )
    same = (outcomes.c[name].is_not_distinct_from(failing.c[name]) for name in ("month", "subject"))
    query = (
        select(*_SERIES, func.min(outcomes.c.id).label("first_id"), func.count().label("failure_count"))
        .join(failing, and_(outcomes.c.step == failing.c.step, *same))
        # Without the successes, of which there are most, few rows are compared.
        .where(~outcomes.c.ok, outcomes.c.id > failing.c.last_ok_id)
        .group_by(*_SERIES)
    )
    return {(row.step, row.month, row.subject): row for row in connection.execute(query)}


def _is_of(months: Collection[str]) -> ColumnElement[bool]:
    """Whether an outcome is of one of the months, or of none."""
    return or_(outcomes.c.month.is_(None), outcomes.c.month.in_(list(months)))


def _read_rows(connection: Connection, numbers: Collection[int]) -> dict[int, Row[Any]]:
    query = select(outcomes).where(outcomes.c.id.in_(numbers))
    return {row.id: row for row in connection.execute(query)}


def _describe(found: Row[Any], rows: Mapping[int, Row[Any]], failures: Mapping[Series, Row[Any]]) -> StepStanding:
    last = rows[found.last_id]
    last_ok_at = None if found.last_ok_id is None else rows[found.last_ok_id].finished_at
    failure = failures.get((found.step, found.month, found.subject))
    return StepStanding(
        step=found.step,
        month=found.month,
        subject=found.subject,
        run_count=found.run_count,
        ok=last.ok,
        message=last.message,
        exit_code=last.exit_code,
        counts=last.counts,
        started_at=last.started_at,
        finished_at=last.finished_at,
        last_ok_at=last_ok_at,
        failing=None
        if failure is None
        else Failing(rows[failure.first_id].finished_at, failure.failure_count, last_ok_at),
    )
