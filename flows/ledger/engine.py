"""The ledger's database reached: its URL read, its connections prepared, its faults told as the program's own."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from flows.errors import ConfigurationError, FivestarError
from flows.ledger.faults import explain_fault

BUSY_SECONDS = 30
"""How long a transaction waits for others' locks."""

_POSTGRESQL_LIMITS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""Seconds, and how many unanswered signs of life mean that the server is gone."""


def open_engine(url: str, *, busy_seconds: int = BUSY_SECONDS, changes_nothing: bool = False) -> Engine:
    """The engine; nothing is connected yet. With `changes_nothing` a SQLite file stays in the mode that it is in.

    From here on the database's faults come as errors of the program's own (`flows.ledger.faults`). Raises
    `ConfigurationError` for a URL that nothing here can use.
    """
    try:
        parsed = make_url(url)
        engine = create_engine(
            parsed,
            hide_parameters=True,  # they hold workers' data
            pool_pre_ping=True,
            connect_args=_limit_waiting(parsed),
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"FIVESTAR_DATABASE_URL is not a database URL that this installation can use ({type(error).__name__}). "
            "Write it as SQLAlchemy does, for example sqlite:///ledger.sqlite."
        ) from None
    tell_faults(engine)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, busy_seconds, changes_nothing)
    elif engine.dialect.name == "postgresql":
        _prepare_postgresql(engine, busy_seconds)
    return engine


def tell_faults(engine: Engine) -> None:
    """From here on the faults of the engine's database come as errors of the program's own."""
    shown = engine.url.render_as_string(hide_password=True)
    file = Path(engine.url.database) if engine.dialect.name == "sqlite" and engine.url.database else None

    def explain(context: ExceptionContext) -> FivestarError | None:
        return explain_fault(context, shown, file)

    event.listen(engine, "handle_error", explain, retval=True)


def describe_url(url: str) -> str:
    """The URL without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _limit_waiting(url: URL) -> dict[str, Any]:
    """What tells the driver not to wait for ever; what the URL says itself holds."""
    if url.get_backend_name() != "postgresql":
        return {}
    return {name: value for name, value in _POSTGRESQL_LIMITS.items() if name not in url.query}


def _prepare_sqlite(engine: Engine, busy_seconds: int, changes_nothing: bool) -> None:
    def prepare(connection: Any, _: Any) -> None:
        # The driver's own transactions leave out schema changes; ours, begun below, hold them too.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={busy_seconds * 1000}")
        if not changes_nothing:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that took it half-way could be refused without waiting."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgresql(engine: Engine, busy_seconds: int) -> None:
    def prepare(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{busy_seconds}s'")
        connection.commit()

    event.listen(engine, "connect", prepare)
