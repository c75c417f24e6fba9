"""Advisory locks of PostgreSQL, which hold across machines and end with the connection that took them.

SQLite needs none: its file lies on one machine, where a lock on a file does the same, and one transaction at a time
writes.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine, text
from sqlalchemy.engine import Connection

from flows.errors import FivestarError, SourceUnavailable
from flows.locks import describe_held
from flows.month import Month

LOCK_CLASS = 5185
"""The first of the two numbers of each lock, which tells ours in `pg_locks`; the second is the month, as 202403."""
SCHEMA_LOCK = 0
NAME_BYTES_MAX = 63
"""As much as PostgreSQL keeps of an application's name."""

Confirm = Callable[[], None]
"""Makes sure that a lock is still held. Raises `SourceUnavailable` if it was lost."""

_HOLDER = text("""
    SELECT a.application_name, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :lock_class AND l.objid = :number
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


class MonthLocks:
    """Which process works on which month, where the database can say so."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def hold_across_machines(self) -> bool:
        """Whether the database locks months; where it doesn't, a file in the home must."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def hold(self, month: Month, step: str, refusal: str) -> Iterator[Confirm]:
        """The month for this process alone, on a connection of its own.

        Raises `SourceUnavailable` with `refusal` and who holds it, if another process does.
        """
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            connection.detach()  # closed at the end, not given back: the lock ends with it
            name = f"fivestar {step} {name_process()}".encode()[:NAME_BYTES_MAX].decode(errors="ignore")
            connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
            key = {"lock_class": LOCK_CLASS, "number": int(f"{month.year}{month.number:02d}")}
            if not connection.execute(text("SELECT pg_try_advisory_lock(:lock_class, :number)"), key).scalar_one():
                row = connection.execute(_HOLDER, key).first()
                holder = "" if row is None else f"{row[0].removeprefix('fivestar ')} since {row[1]}"
                raise SourceUnavailable(describe_held(refusal, holder))
            yield lambda: _confirm(connection, month)
        finally:
            with suppress(FivestarError):  # a connection that is lost has let go already
                connection.close()


def name_process() -> str:
    """This process as others may know it: its number and its machine."""
    return f"{os.getpid()}@{socket.gethostname()}"


def wait_for_schema(connection: Connection) -> None:
    """Let nobody else change the schema until the transaction ends; on SQLite nobody can anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:lock_class, :number)"),
            {"lock_class": LOCK_CLASS, "number": SCHEMA_LOCK},
        )


def _confirm(connection: Connection, month: Month) -> None:
    try:
        is_there = not connection.invalidated and connection.execute(text("SELECT 1")).scalar_one()
    except FivestarError:
        is_there = False
    if not is_there:
        raise SourceUnavailable(
            f"{month}: the connection that kept the month for this run was lost, so another run may have begun. "
            "Nothing more is written. Run the same command again."
        )
