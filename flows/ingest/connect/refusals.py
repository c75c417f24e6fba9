"""What a database's refusal means: away for now, closed to us, or asked for something that isn't there.

Drivers report all of it by the classes of PEP 249, but not alike; codes tell more where there are any.
"""

import re
from typing import Any, Literal

Refusal = Literal["away", "closed", "broken"]

_CLOSED = re.compile(
    r"authentication failed|no password supplied|does not exist|pg_hba|access denied|unknown database|"
    r"认证失败|不存在",
    re.IGNORECASE,
)
"""What servers say to a client whose account, password or database name is wrong; no code comes with it."""

_CLOSED_CODES = frozenset({"42501", 1044, 1045, 1049, 1142, 1143})
"""PostgreSQL's insufficient_privilege; MySQL's denials of a user, a database, a table and a column."""

_SQLITE_AWAY_CODES = frozenset({5, 6, 7, 9, 10, 14, 15})
"""busy, locked, nomem, interrupt, ioerr, cantopen, protocol."""

_MYSQL_BROKEN_CODES = frozenset({1052, 1054, 1060, 1064, 1146, 1356})
"""Ambiguous, unknown or double column, bad syntax, no such table, invalid view: some come as operational."""

_AWAY_CLASSES = frozenset({"OperationalError", "InterfaceError"})


def judge_opening(error: BaseException | None) -> Refusal:
    """Why no connection could be made."""
    return "closed" if _find_code(error) in _CLOSED_CODES or _CLOSED.search(str(error)) else "away"


def judge_statement(error: BaseException | None) -> Refusal:
    """Why a statement, or the reading of its rows, failed."""
    code = _find_code(error)
    if code in _CLOSED_CODES:
        return "closed"
    if _is_sqlites(error):
        return "away" if isinstance(code, int) and code & 0xFF in _SQLITE_AWAY_CODES else "broken"
    is_away = not _AWAY_CLASSES.isdisjoint(it.__name__ for it in type(error).__mro__)
    return "away" if is_away and code not in _MYSQL_BROKEN_CODES else "broken"


def describe_refusal(error: BaseException | None) -> str:
    """The refusal in the database's words if they are about names and syntax only, else its kind: never data."""
    code = _find_code(error)
    if isinstance(code, str) and code.startswith("42"):
        return str(getattr(getattr(error, "diag", None), "message_primary", None) or type(error).__name__)
    if _is_sqlites(error) and code == 1:
        return str(error)
    return f"{type(error).__name__} {code}" if isinstance(code, int) else type(error).__name__


def _find_code(error: BaseException | None) -> Any:
    """SQLSTATE, SQLite's or MySQL's number; nothing if there is none."""
    for name in ("sqlstate", "pgcode", "sqlite_errorcode"):
        if getattr(error, name, None) is not None:
            return getattr(error, name)
    first = error.args[0] if error is not None and error.args else None
    return first if isinstance(first, int) else None


def _is_sqlites(error: BaseException | None) -> bool:
    return type(error).__module__ == "sqlite3"
