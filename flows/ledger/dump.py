"""The ledger's rows written out and read in again, whatever the database: how it is backed up, restored and moved.

Each table is one file, `<table>.jsonl.gz`, a row a line. The tables are those of the database itself and not of this
code, so a ledger of an older schema can be written out as it is, and migrated once it is read in again.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Date,
    DateTime,
    Engine,
    MetaData,
    Table,
    Text,
    cast,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import AddConstraint, DropConstraint

from flows.errors import ConfigurationError, QualityGate
from flows.ledger.checkup import is_absent
from flows.ledger.columns import metadata
from flows.ledger.deliveries import OUTCOME_UNKNOWN
from flows.ledger.engine import BUSY_SECONDS, describe_url, tell_faults
from flows.ledger.migrating import find_schema, is_known, make_schema
from flows.ledger.outbox import PENDING

SUFFIX = ".jsonl.gz"
VERSION_TABLE = "alembic_version"
BATCH_ROWS = 5_000

HELD = (
    "The ledger was restored from a backup: the message waited when that was made, and may have gone out since. "
    "Resend it only if its reader hasn't got it."
)


@dataclass(frozen=True)
class Dump:
    """The ledger as written out: of which schema, and how many rows each table has."""

    schema_revision: str
    row_counts: Mapping[str, int]


def dump_ledger(url: str, folder: Path) -> Dump:
    """Every table of the database at `url`, written into `folder` as it is at one instant; others go on writing.

    Raises `ConfigurationError` if the database can't be read, or holds no ledger.
    """
    nothing = ConfigurationError(
        f"{describe_url(url)}: there is no ledger in it, so nothing to back up. Name the installation's home with "
        "--home, or its database in FIVESTAR_DATABASE_URL."
    )
    if is_absent(make_url(url)):
        raise nothing
    with _connect(url, _begin_reading) as connection:
        schema = find_schema(connection)
        if schema is None:
            raise nothing
        if not is_known(schema):
            raise ConfigurationError(
                f"{describe_url(url)}: its schema is {schema}, newer than this version of fivestar knows. Back it up "
                "with the version that wrote it."
            )
        tables = _reflect(connection)
        return Dump(schema, {name: _dump_table(connection, table, folder) for name, table in tables.items()})


def load_ledger(url: str, folder: Path, dump: Dump) -> None:
    """The rows of `folder` in the empty database at `url`, of the schema that they had; all of them or none.

    Messages that waited are held, for they may have gone out since. Raises `ConfigurationError` if the database
    holds tables of a ledger already or the schema is newer than this code, and `QualityGate` if rows don't fit.
    """
    if not is_known(dump.schema_revision):
        raise ConfigurationError(
            f"The backup's schema is {dump.schema_revision}, which this version of fivestar does not know: it was "
            "made by a newer one. Install that version and restore with it."
        )
    with _connect(url, _begin_writing) as connection:
        refuse_filled(connection, url)
        make_schema(connection, dump.schema_revision)
        tables = _reflect(connection)
        if tables.keys() != dump.row_counts.keys():
            differing = ", ".join(sorted(tables.keys() ^ dump.row_counts.keys()))
            raise QualityGate(f"The backup's tables are not those of schema {dump.schema_revision}: {differing}.")
        with _without_foreign_keys(connection, tables):
            for name, table in tables.items():
                _load_table(connection, table, folder, dump.row_counts[name])
        _hold_waiting(connection, tables["outbox"])


def refuse_filled(connection: Connection, url: str) -> None:
    """Raise `ConfigurationError` if the database holds tables of a ledger."""
    there = {*metadata.tables, VERSION_TABLE} & set(inspect(connection).get_table_names())
    if there:
        raise ConfigurationError(
            f"{describe_url(url)}: the database holds a ledger already, and a restore replaces nothing. Move it "
            "away, or name an empty database in FIVESTAR_DATABASE_URL; then restore again."
        )


def check_empty(url: str) -> None:
    """Raise `ConfigurationError` if the database at `url` can't be reached, or holds tables of a ledger."""
    if is_absent(make_url(url)):
        return
    with _connect(url, _begin_reading) as connection:
        refuse_filled(connection, url)


def read_rows(folder: Path, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table as they were written out: instants and days as text. Nothing if it has no file."""
    file = folder / f"{table}{SUFFIX}"
    if file.exists():
        with gzip.open(file, "rb") as lines:
            for line in lines:
                yield orjson.loads(line)


@contextmanager
def _connect(url: str, begin: Callable[[Connection], None]) -> Iterator[Connection]:
    """A connection in one transaction, which `begin` begins."""
    engine = create_engine(url, hide_parameters=True)
    tell_faults(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", begin)
    try:
        with _isolate(engine).begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"{describe_url(url)}: the database failed ({type(error).__name__}). Check that it runs and is not full, "
            "and the name and password in FIVESTAR_DATABASE_URL; then try again."
        ) from error
    finally:
        engine.dispose()


def _isolate(engine: Engine) -> Engine:
    """PostgreSQL's transactions see one instant; SQLite's do by themselves."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=OFF")  # rows are checked once all are there


def _begin_reading(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reflect(connection: Connection) -> dict[str, Table]:
    """The ledger's tables as the database has them, by name."""
    found = MetaData()
    # One after the other: other programs may have tables there, too.
    mine = set(metadata.tables) & set(inspect(connection).get_table_names())
    found.reflect(connection, only=sorted(mine))
    return {name: found.tables[name] for name in sorted(mine)}


def _dump_table(connection: Connection, table: Table, folder: Path) -> int:
    # JSON as its text, which tells an empty cell from a `null` in it.
    columns = [cast(it, Text) if isinstance(it.type, JSON) else it for it in table.columns]
    names = [str(it.name) for it in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    count = 0
    reading = connection.execution_options(yield_per=BATCH_ROWS)
    with gzip.GzipFile(folder / f"{table.name}{SUFFIX}", "wb", compresslevel=6, mtime=0) as file:
        for row in reading.execute(query):
            file.write(orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    return count


def _load_table(connection: Connection, table: Table, folder: Path, row_count: int) -> None:
    for column in table.columns:
        if isinstance(column.type, JSON):
            column.type = JSON(none_as_null=True)
    count, batch = 0, []
    for row in read_rows(folder, table.name):
        batch.append({name: _read_cell(table.columns[name].type, value) for name, value in row.items()})
        count += 1
        if len(batch) == BATCH_ROWS:
            connection.execute(insert(table), batch)
            batch = []
    if batch:
        connection.execute(insert(table), batch)
    if count != row_count:
        raise QualityGate(f"The backup is damaged: {table.name} has {count} rows, and {row_count} were written.")
    if count and "id" in table.columns and connection.dialect.name == "postgresql":
        # Rows that bring their numbers leave the counter where it was.
        counter = func.pg_get_serial_sequence(table.name, "id")
        connection.execute(select(func.setval(counter, select(func.max(table.c.id)).scalar_subquery())))


def _read_cell(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, JSON):
        parsed = orjson.loads(value)
        return JSON.NULL if parsed is None else parsed
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(kind, Date) else value


@contextmanager
def _without_foreign_keys(connection: Connection, tables: Mapping[str, Table]) -> Iterator[None]:
    """Inside, rows may come in any order, for decisions and objections name each other; at the end all must fit."""
    if connection.dialect.name == "sqlite":
        yield
        strays = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if strays:
            raise QualityGate(f"The backup is damaged: {len(strays)} rows name others that aren't there.")
        return
    keys = [key for table in tables.values() for key in table.foreign_key_constraints]
    for key in keys:
        connection.execute(DropConstraint(key))
    yield
    for key in keys:
        connection.execute(AddConstraint(key))


def _hold_waiting(connection: Connection, outbox: Table) -> None:
    """Let no message go out by itself that waited: whether its reader has it by now only a person can find out."""
    values = {"status": "permanent_failure", "detail": HELD, "code": OUTCOME_UNKNOWN, "claimed_by": None}
    known = {name: value for name, value in values.items() if name in outbox.columns}
    connection.execute(update(outbox).where(outbox.c.status.in_(PENDING)).values(known))
