"""What a Prefect run leaves: the server's database as it lies on the disk, and all that was logged meanwhile."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL

from flows.logs import PACKAGE

POLLS, POLL_SECONDS = 120, 0.25
LEVELLED = ("", "prefect", "prefect.flow_runs", "prefect.task_runs", "prefect.client", PACKAGE)
"""The loggers that a run's records go through, the root first."""


@contextmanager
def log_everything(file: Path) -> Iterator[None]:
    """Log at DEBUG into `file` whatever anybody says; what steps say goes into the run's log, as in deployments."""
    write = logging.FileHandler(file, encoding="utf-8")
    send = APILogHandler()
    steps, root = logging.getLogger(PACKAGE), logging.getLogger()
    with pytest.MonkeyPatch.context() as patch:
        for name in LEVELLED:
            patch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        logging.getLogger().manager._clear_cache()  # type: ignore[attr-defined]
        root.addHandler(write)
        steps.addHandler(write)
        steps.addHandler(send)
        try:
            yield
        finally:
            send.flush()
            root.removeHandler(write)
            steps.removeHandler(write)
            steps.removeHandler(send)
            write.close()
    logging.getLogger().manager._clear_cache()  # type: ignore[attr-defined]


def read_database(*awaited: str) -> dict[str, str]:
    """The text of every table of the server's database, once the `awaited` texts are in it: it writes late."""
    pause = threading.Event()
    for _ in range(POLLS):
        tables = _read_tables(Path(PREFECT_SERVER_DATABASE_CONNECTION_URL.value().partition(":///")[2]))
        if all(any(word in text for text in tables.values()) for word in awaited):
            return tables
        pause.wait(POLL_SECONDS)
    raise AssertionError(f"not all of {awaited} came into the database")


def _read_tables(file: Path) -> dict[str, str]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _read_table(connection, name) for name in names}


def _read_table(connection: sqlite3.Connection, name: str) -> str:
    rows = connection.execute(f'SELECT * FROM "{name}"')
    return "\n".join("\t".join(_write_value(value) for value in row) for row in rows)


def _write_value(value: object) -> str:
    """The value as text; what JSON escapes is there a second time as what it says."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if "\\u" not in text:
        return text
    return f"{text} {text.encode('latin-1', 'replace').decode('unicode_escape', 'replace')}"
