"""What goes wrong with the ledger's database, as the program's own errors: the one place where that is decided.

What may pass by itself ends with exit code 11: a server that is down, a lock that others hold. What a person must
mend ends with 10: the URL, the account, a disk that is full. A value that the database can't hold ends with 13.
"""

import re
import shutil
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DataError, DBAPIError

from flows.database_refusals import judge_opening
from flows.disk import RUNBOOK, DiskFull
from flows.errors import ConfigurationError, FivestarError, QualityGate, SourceUnavailable

Fault = Literal["away", "locked", "full", "closed", "unopened", "readonly", "damaged", "unfit"]

_SQLITE_FAULTS: dict[int, Fault] = {
    5: "locked",  # busy
    6: "locked",
    8: "readonly",
    10: "away",  # ioerr
    11: "damaged",  # corrupt
    13: "full",
    14: "unopened",  # cantopen
    26: "damaged",  # notadb
}
_MAY_BE_FULL = frozenset({"away", "unopened"})
"""What SQLite also says where it can't make the files beside its own for want of room."""
ROOM_BYTES = 1_000_000
"""With less than this SQLite can't be relied on to write."""

_STATE_FAULTS: dict[str, Fault] = {
    "25006": "away",  # read-only: a standby, until it takes over
    "40001": "locked",
    "40P01": "locked",
    "42501": "closed",
    "53100": "full",
    "55P03": "locked",
    "57014": "locked",  # statement_timeout
}
_AWAY_CLASSES = frozenset({"08", "53", "57", "58"})
"""Of SQLSTATE: connection, resources, an operator's intervention, the system."""

_UNKNOWN_HOST = re.compile(r"failed to resolve host .*\[Errno -[25]\]")
"""A name that does not exist, unlike one that can't be looked up for now."""

_TABLE = re.compile(r"\b(?:INTO|UPDATE|FROM)\s+(\w+)", re.IGNORECASE)


def explain_fault(context: ExceptionContext, shown_url: str, file: Path | None = None) -> FivestarError | None:
    """The error to raise instead of the database's; nothing for a broken constraint or a mistake of the program's.

    `file` is SQLite's.
    """
    error = context.sqlalchemy_exception
    if not isinstance(error, DBAPIError) or context.is_pre_ping:
        return None
    if isinstance(error, DataError):
        table = _TABLE.search(context.statement or "")
        return QualityGate(
            f"{shown_url}: a value does not fit its column{f' of {table[1]}' if table else ''} "
            f"({type(error.orig).__name__}): a text that is too long, or one with signs that the database can't "
            "keep. Nothing of this step was written. Look for it in what the sources sent; a rule in config/quality "
            "rejects it."
        )
    fault = _find_fault(error, is_opening=context.connection is None)
    if file is not None and fault in _MAY_BE_FULL and not _has_room(file):
        fault = "full"
    return None if fault is None else make_error(fault, shown_url)


def make_error(fault: Fault, shown_url: str) -> FivestarError:
    """What the fault means for whoever runs the program."""
    match fault:
        case "away":
            return SourceUnavailable(
                f"{shown_url}: the database does not answer, or broke off. What was not finished is not written. "
                "Check that it runs and can be reached, then run the same command again."
            )
        case "locked":
            return SourceUnavailable(
                f"{shown_url}: another process has kept the database locked for too long. What was not finished is "
                "not written. Run the same command again later; if it stays so, look for a process that hangs."
            )
        case "full":
            return DiskFull(
                f"{shown_url}: the database's disk is full. What was not finished is not written. Make room as "
                f"{RUNBOOK} says, then run the same command again."
            )
        case "closed":
            return ConfigurationError(
                f"{shown_url}: the database refuses the account, its password, the database's name, or a right that "
                "the account needs. Check FIVESTAR_DATABASE_URL; the account must own the ledger's tables."
            )
        case "unfit":
            return ConfigurationError(f"{shown_url}: nobody knows this host. Correct FIVESTAR_DATABASE_URL.")
        case "damaged":
            return ConfigurationError(
                f"{shown_url}: the file is damaged, or is no database. Restore the ledger from a backup, or name "
                "another database in FIVESTAR_DATABASE_URL."
            )
        case "unopened" | "readonly":
            verb = "cannot be opened" if fault == "unopened" else "cannot be written"
            return ConfigurationError(
                f"{shown_url}: the database {verb}. Check that its folder is there and that this user may write in "
                "it, or name another database in FIVESTAR_DATABASE_URL."
            )


def _has_room(file: Path) -> bool:
    return not file.parent.exists() or shutil.disk_usage(file.parent).free >= ROOM_BYTES


def _find_fault(error: DBAPIError, *, is_opening: bool) -> Fault | None:
    cause = error.orig
    number = getattr(cause, "sqlite_errorcode", None)
    if number is not None:
        return _SQLITE_FAULTS.get(number & 0xFF)
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return _STATE_FAULTS.get(state) or ("away" if state[:2] in _AWAY_CLASSES else None)
    if is_opening:
        if _UNKNOWN_HOST.search(str(cause)):
            return "unfit"
        return "closed" if judge_opening(cause) == "closed" else "away"
    return "away" if error.connection_invalidated or type(cause).__name__ == "OperationalError" else None
