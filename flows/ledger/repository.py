"""The ledger opened: outcomes of steps, pulls of sources and the landings that they made."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, cast

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, func, insert, select, update
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from flows.errors import ConfigurationError
from flows.lake import Landing, Manifest
from flows.ledger.archive import ArchiveLedger
from flows.ledger.deliveries import DeliveryLedger
from flows.ledger.outbox import OutboxLedger
from flows.ledger.pulls import FINDINGS, PullRecord, PullStatus, ReadingLedger
from flows.ledger.register import RegisterLedger
from flows.ledger.results import ResultLedger
from flows.ledger.retention import RetentionLedger
from flows.ledger.reviews import ReviewLedger
from flows.ledger.tables import landings, outcomes, pulls

MIGRATIONS = Path(__file__).parent / "migrations"
SQLITE_BUSY_SECONDS = 30

Window = tuple[datetime, datetime]


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
        self.retention = RetentionLedger(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """The ledger at `url`, migrated to this version's schema.

        Raises `ConfigurationError` if the URL cannot be used, the database cannot be reached, or its schema is newer
        than this code.
        """
        try:
            engine = create_engine(url, hide_parameters=True)  # they hold workers' data
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", _prepare_sqlite)
                event.listen(engine, "begin", _begin_sqlite)
            _migrate(engine)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise ConfigurationError(
                "FIVESTAR_DATABASE_URL is not a database URL that this installation can use "
                f"({type(error).__name__}). Write it as SQLAlchemy does, for example sqlite:///ledger.sqlite."
            ) from error
        except SQLAlchemyError as error:
            shown = make_url(url).render_as_string(hide_password=True)
            raise ConfigurationError(
                f"{shown}: the database cannot be opened ({type(error).__name__}). Check that it runs, that its "
                "folder can be written, and that the name and password in FIVESTAR_DATABASE_URL are right."
            ) from error
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
    ) -> None:
        """Note how a step ended: what ran, for which month, what it counted, and why not if it failed."""
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
            row = connection.execute(select(pulls.c.checks, pulls.c.warnings).where(pulls.c.id == pull_id)).one()
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


def _has_landed(connection: Connection, tables: Collection[Any], after: int) -> bool:
    """Whether a batch of the tables landed later than that, and none can until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE landings IN SHARE ROW EXCLUSIVE MODE")
    newest = select(func.max(landings.c.id)).where(landings.c.table_name.in_(tables))
    return (connection.execute(newest).scalar_one() or 0) > after


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # The driver's own transactions leave out schema changes; ours, begun below, hold them too.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that took it half-way could be refused without waiting."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def find_scripts() -> tuple[ScriptDirectory, Config]:
    """The ledger's migrations, and what Alembic's commands need to run them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config), config


def _migrate(engine: Engine) -> None:
    scripts, config = find_scripts()
    head = scripts.get_current_head()
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current == head:
            return
        if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
            raise ConfigurationError(
                f"The database's schema is {current}, which this version of fivestar does not know: it was "
                "written by a newer one. Install that version, or name another database in FIVESTAR_DATABASE_URL."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
