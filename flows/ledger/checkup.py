"""The ledger's database looked at without changing it: there or not, whose schema, and whether it takes a write."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from flows.errors import ConfigurationError
from flows.ledger.engine import describe_url, open_engine
from flows.ledger.migrating import find_head, find_schema, is_known
from flows.ledger.tables import outcomes

BUSY_SECONDS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROBE = {"step": "doctor", "ok": True, "message": "", "counts": {}, "started_at": _EPOCH, "finished_at": _EPOCH}

LedgerState = Literal["absent", "empty", "older", "current", "newer"]
"""`absent`: a file that is not there yet; `empty`: nothing in it yet; else by its schema against this version's."""


def examine_ledger(url: str) -> LedgerState:
    """The state of the database at `url`, which is left as it is: what is tried in it is rolled back.

    Raises `ConfigurationError` if it cannot be used or written, `SourceUnavailable` if it does not answer.
    """
    engine = open_engine(url, busy_seconds=BUSY_SECONDS, changes_nothing=True)
    try:
        return "absent" if is_absent(engine.url) else _examine(engine)
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"{describe_url(url)}: the database cannot be used ({type(error).__name__}). Its tables are not those "
            "of a ledger: restore it from a backup, or name another one in FIVESTAR_DATABASE_URL."
        ) from None
    finally:
        engine.dispose()


def holds_ledger(url: str) -> bool:
    """Whether there is a ledger at `url`, of whatever schema. Nothing is made there, and nothing tried."""
    engine = open_engine(url, changes_nothing=True)
    try:
        if is_absent(engine.url):
            return False
        with engine.connect() as connection:
            return find_schema(connection) is not None
    finally:
        engine.dispose()


def is_absent(url: URL) -> bool:
    """Whether the database is a file that isn't there yet."""
    name = url.database or ""
    is_path = url.get_backend_name() == "sqlite" and bool(name) and not name.startswith("file:")
    return is_path and not Path(name).exists()


def _examine(engine: Engine) -> LedgerState:
    with engine.connect() as connection, connection.begin() as transaction:
        state = _compare(find_schema(connection))
        if state == "current":
            connection.execute(insert(outcomes).values(_PROBE))
        elif state != "newer":
            # What a migration will have to do.
            Table("fivestar_doctor", MetaData(), Column("id", Integer)).create(connection)
        transaction.rollback()
    return state


def _compare(schema: str | None) -> LedgerState:
    if schema is None:
        return "empty"
    if schema == find_head():
        return "current"
    return "older" if is_known(schema) else "newer"
