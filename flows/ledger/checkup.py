"""The ledger's database looked at without changing it: there or not, whose schema, and whether it takes a write."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, event, insert
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from flows.errors import ConfigurationError
from flows.ledger.repository import MIGRATIONS
from flows.ledger.tables import outcomes

BUSY_SECONDS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROBE = {"step": "doctor", "ok": True, "message": "", "counts": {}, "started_at": _EPOCH, "finished_at": _EPOCH}

LedgerState = Literal["absent", "empty", "older", "current", "newer"]
"""`absent`: a file that is not there yet; `empty`: nothing in it yet; else by its schema against this version's."""


def examine_ledger(url: str) -> LedgerState:
    """The state of the database at `url`, which is left as it is: what is tried in it is rolled back.

    Raises `ConfigurationError` if it cannot be reached, or cannot be written.
    """
    try:
        parsed = make_url(url)
        if is_absent(parsed):
            return "absent"
        engine = create_engine(parsed, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            "FIVESTAR_DATABASE_URL is not a database URL that this installation can use "
            f"({type(error).__name__}). Write it as SQLAlchemy does, for example sqlite:///ledger.sqlite."
        ) from None
    try:
        return _examine(engine)
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"{describe_url(url)}: the database cannot be opened, or not written ({type(error).__name__}). Check "
            "that it runs and is not full, that its folder can be written, and the name and password in "
            "FIVESTAR_DATABASE_URL."
        ) from None
    finally:
        engine.dispose()


def describe_url(url: str) -> str:
    """The URL without its password."""
    return make_url(url).render_as_string(hide_password=True)


def is_absent(url: URL) -> bool:
    """Whether the database is a file that isn't there yet."""
    name = url.database or ""
    is_path = url.get_backend_name() == "sqlite" and bool(name) and not name.startswith("file:")
    return is_path and not Path(name).exists()


def _examine(engine: Engine) -> LedgerState:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    with engine.connect() as connection, connection.begin() as transaction:
        state = _compare(MigrationContext.configure(connection).get_current_revision())
        if state == "current":
            connection.execute(insert(outcomes).values(_PROBE))
        elif state != "newer":
            # What a migration will have to do.
            Table("fivestar_doctor", MetaData(), Column("id", Integer)).create(connection)
        transaction.rollback()
    return state


def _compare(revision: str | None) -> LedgerState:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    if revision is None:
        return "empty"
    if revision == scripts.get_current_head():
        return "current"
    return "older" if revision in {script.revision for script in scripts.walk_revisions()} else "newer"


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # The driver's own transactions leave out schema changes, which would then stay.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
