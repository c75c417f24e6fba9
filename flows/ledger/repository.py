"""The ledger opened: outcomes of steps, pulls of sources and the landings that they made."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self, cast

from sqlalchemy import Engine, func, insert, select, union_all, update
from sqlalchemy.engine import Connection

from flows.lake import Landing, Manifest
from flows.ledger.archive import ArchiveLedger
from flows.ledger.deliveries import DeliveryLedger
from flows.ledger.engine import open_engine
from flows.ledger.locks import MonthLocks
from flows.ledger.migrating import upgrade
from flows.ledger.outbox import OutboxLedger
from flows.ledger.pulls import FINDINGS, PullRecord, PullStatus, ReadingLedger
from flows.ledger.register import RegisterLedger
from flows.ledger.results import ResultLedger
from flows.ledger.retention import RetentionLedger
from flows.ledger.review_tables import decisions, grade_register, objections, preparations
from flows.ledger.reviews import ReviewLedger
from flows.ledger.tables import landings, outcomes, pulls, revisions
from flows.ledger.watching import WatchLedger

Window = tuple[datetime, datetime]

_RECORDED = (
    outcomes.c.finished_at,
    pulls.c.started_at,
    landings.c.landed_at,
    revisions.c.created_at,
    preparations.c.prepared_at,
    decisions.c.decided_at,
    objections.c.recorded_at,
    grade_register.c.recorded_at,
)
"""Instants that this program's clock gave."""


class Ledger:
    """The installation's database. Each method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.results = ResultLedger(engine)
        self.reviews = ReviewLedger(engine)
        self.register = RegisterLedger(engine)
        self.outbox = OutboxLedger(engine)
        self.deliveries = DeliveryLedger(engine)
        self.archive = ArchiveLedger(engine)
        self.readings = ReadingLedger(engine)
        self.months = MonthLocks(engine)
        self.watching = WatchLedger(engine)
        self.retention = RetentionLedger(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """The ledger at `url`, migrated to this version's schema.

        Raises `ConfigurationError` if the URL or the account cannot be used, its schema is newer than this code, or a
        migration fails; `SourceUnavailable` if the database does not answer.
        """
        engine = open_engine(url)
        try:
            upgrade(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    def record_outcome(
        self,
        *,
        step: str,
        month: str | None,
        ok: bool,
        message: str,
        counts: Mapping[str, Any],
        started_at: datetime,
        finished_at: datetime,
        subject: str | None = None,
        policy_fingerprint: str | None = None,
        exit_code: int | None = None,
    ) -> None:
        """Note how a step ended: what ran, for which month, what it counted, and if it failed why and as what."""
        row = {
            "step": step,
            "month": month,
            "subject": subject,
            "ok": ok,
            "message": message,
            "counts": dict(counts),
            "policy_fingerprint": policy_fingerprint,
            "started_at": started_at,
            "finished_at": finished_at,
            "exit_code": exit_code,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(outcomes).values(row))

    def list_outcomes(self, month: str | None = None) -> list[dict[str, Any]]:
        """The outcome rows in the order in which they were written, of one month if asked."""
        query = select(outcomes).order_by(outcomes.c.id)
        if month is not None:
            query = query.where(outcomes.c.month == month)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def find_newest_instant(self) -> datetime | None:
        """The latest instant at which anything was begun, ended, landed, judged, decided or put into force."""
        newest = union_all(*(select(func.max(column).label("at")) for column in _RECORDED))
        with self._engine.connect() as connection:
            return max((at for at in connection.execute(newest).scalars() if at is not None), default=None)

    def read_clock(self) -> datetime | None:
        """What the database's own clock says; nothing if it has none, as SQLite hasn't."""
        if self._engine.dialect.name != "postgresql":
            return None
        with self._engine.connect() as connection:
            now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)

    def list_chain_heads(self) -> list[str]:
        """The last entry of the chain over decisions as each publication left it, the earliest first."""
        query = select(outcomes.c.counts).where(outcomes.c.step == "publish").order_by(outcomes.c.id)
        with self._engine.connect() as connection:
            heads = [counts.get("chain_head") for counts in connection.execute(query).scalars()]
        return [head for head in heads if head]

    def begin_pull(self, *, platform: str, resource: str, table: str, window: Window, started_at: datetime) -> int:
        """The number of a pull that has begun; until it is finished it counts as not complete."""
        row = {
            "platform": platform,
            "resource": resource,
            "table_name": table,
            "window_from_at": window[0],
            "window_to_at": window[1],
            "status": "running",
            "message": "",
            "received_count": 0,
            "landed_count": 0,
            "rejected_count": 0,
            "reason_counts": {},
            "warnings": [],
            "checks": [],
            "started_at": started_at,
        }
        with self._engine.begin() as connection:
            key = connection.execute(insert(pulls).values(row)).inserted_primary_key
        assert key is not None  # noqa: S101 -- an insert of one row always has one
        return int(key[0])

    def finish_pull(
        self,
        pull_id: int,
        *,
        status: PullStatus,
        message: str,
        received_count: int,
        landed_count: int,
        rejected_count: int,
        finished_at: datetime,
        manifests: Sequence[Manifest] = (),
        reason_counts: Mapping[str, int] | None = None,
        warnings: Sequence[str] = (),
        checks: Sequence[Mapping[str, Any]] = (),
        newest_at: datetime | None = None,
        only_after: int | None = None,
    ) -> bool:
        """End a pull and make its batches count, in the order given: both or neither.

        Neither, and False, if a batch of the same table landed after the landing `only_after`.
        """
        rows = [
            {
                "pull_id": pull_id,
                "batch_id": manifest.batch_id,
                "platform": manifest.platform,
                "resource": manifest.resource,
                "table_name": manifest.table,
                "slot": manifest.slot,
                "row_count": manifest.landed_count,
                "rejected_count": manifest.rejected_count,
                "landed_at": manifest.landed_at,
            }
            for manifest in manifests
        ]
        end = {
            "status": status,
            "message": message,
            "received_count": received_count,
            "landed_count": landed_count,
            "rejected_count": rejected_count,
            "reason_counts": dict(reason_counts or {}),
            "warnings": list(warnings),
            "checks": [dict(check) for check in checks],
            "newest_at": newest_at,
            "finished_at": finished_at,
        }
        with self._engine.begin() as connection:
            if rows:
                _order_landings(connection)
            if only_after is not None and _has_landed(connection, {row["table_name"] for row in rows}, only_after):
                return False
            for row in rows:
                connection.execute(insert(landings).values(row))
            connection.execute(update(pulls).where(pulls.c.id == pull_id).values(end))
        return True

    def note_checks(self, pull_id: int, checks: Sequence[Mapping[str, Any]]) -> None:
        """Add checks to an ended pull, and their `warning`; each takes the place of the one of its key."""
        keys = {check["key"] for check in checks}
        with self._engine.begin() as connection:
            noted = select(pulls.c.checks, pulls.c.warnings).where(pulls.c.id == pull_id).with_for_update()
            row = connection.execute(noted).one()
            old = {check.get("warning") for check in row.checks if check["key"] in keys}
            told = [check["warning"] for check in checks if check.get("warning")]
            values = {
                "checks": [*(check for check in row.checks if check["key"] not in keys), *map(dict, checks)],
                "warnings": [*(text for text in row.warnings if text not in old), *told],
            }
            connection.execute(update(pulls).where(pulls.c.id == pull_id).values(values))

    def list_pulls(
        self,
        platform: str | None = None,
        resource: str | None = None,
        window: Window | None = None,
        *,
        with_findings: bool = True,
    ) -> list[PullRecord]:
        """The pulls in the order in which they began, of one platform, resource or stretch of time if asked.

        Without their findings they have no reason counts, warnings and checks: those of years fill the memory.
        """
        columns = [column for column in pulls.c if with_findings or column.name not in FINDINGS]
        names = [column.name for column in columns]
        query = select(*columns).order_by(pulls.c.id)
        if platform is not None:
            query = query.where(pulls.c.platform == platform)
        if resource is not None:
            query = query.where(pulls.c.resource == resource)
        if window is not None:
            query = query.where(pulls.c.window_from_at < window[1], pulls.c.window_to_at > window[0])
        with self._engine.connect() as connection:
            rows = connection.execute(query)
            return [PullRecord(**{**FINDINGS, **dict(zip(names, row, strict=True))}) for row in rows]

    def read_findings(self, numbers: Collection[int]) -> list[PullRecord]:
        """The pulls of these numbers in the order in which they began, with all that was found."""
        query = select(pulls).where(pulls.c.id.in_(numbers)).order_by(pulls.c.id)
        with self._engine.connect() as connection:
            return [PullRecord(**row) for row in connection.execute(query).mappings()]

    def find_newest_at(self, platform: str, resource: str, until_at: datetime) -> datetime | None:
        """The greatest `updated_at` that pulls of one resource have received, of those not after `until_at`."""
        of_resource = (pulls.c.platform == platform) & (pulls.c.resource == resource)
        query = select(func.max(pulls.c.newest_at)).where(of_resource, pulls.c.newest_at <= until_at)
        with self._engine.connect() as connection:
            return cast(datetime | None, connection.execute(query).scalar_one())

    def latest_batch_id(self, platform: str, resource: str, slot: str) -> str | None:
        """The batch that last landed in `slot`, if any has."""
        query = (
            select(landings.c.batch_id)
            .where(landings.c.platform == platform, landings.c.resource == resource, landings.c.slot == slot)
            .order_by(landings.c.id.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def list_slots(self, platform: str, resource: str) -> list[tuple[str, str]]:
        """Slot and batch of every landing of one resource, the earliest first."""
        query = (
            select(landings.c.slot, landings.c.batch_id)
            .where(landings.c.platform == platform, landings.c.resource == resource)
            .order_by(landings.c.id)
        )
        with self._engine.connect() as connection:
            return [(row.slot, row.batch_id) for row in connection.execute(query)]

    def list_landings(self) -> list[Landing]:
        """Every landing, the earliest first."""
        names = ("id", "batch_id", "table_name", "platform", "row_count", "rejected_count", "resource", "slot")
        query = select(*(landings.c[name] for name in names)).order_by(landings.c.id)
        with self._engine.connect() as connection:
            return [Landing(*row) for row in connection.execute(query)]


def _order_landings(connection: Connection) -> None:
    """Let landings be numbered in the order in which they are committed: nobody else lands before this one has."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE landings IN SHARE ROW EXCLUSIVE MODE")


def _has_landed(connection: Connection, tables: Collection[Any], after: int) -> bool:
    """Whether a batch of the tables landed later than that."""
    newest = select(func.max(landings.c.id)).where(landings.c.table_name.in_(tables))
    return (connection.execute(newest).scalar_one() or 0) > after
