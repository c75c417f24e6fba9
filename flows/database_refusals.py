"""What a database's refusal means: away for now, closed to us, or asked for something that isn't there.

Drivers report all of it by the classes of PEP 249, but not alike; codes tell more where there are any.
"""

import re
from typing import Literal

Refusal = Literal["away", "closed", "broken"]

_CLOSED = re.compile(
    r"authentication failed|no password supplied|does not exist|pg_hba|access denied|unknown database|"
    r"认证失败|不存在",
    re.IGNORECASE,
)
"""What servers say to a client whose account, password or database name is wrong; no code comes with it."""

_CLOSED_STATES, _CLOSED_NUMBERS = frozenset({"42501"}), frozenset({1044, 1045, 1049, 1142, 1143})
"""PostgreSQL's insufficient_privilege; MySQL's denials of a database, a user, a table and a column."""

_BROKEN_CLASSES = frozenset({"22", "25", "42"})
"""Of SQLSTATE: data, transaction, syntax or name. MySQL's driver gives some of them as operational errors."""

_NAMELESS_STATES = frozenset({"42S02", "42S22"})
"""MySQL's unknown table and unknown column."""

_SQLITE_AWAY = frozenset({5, 6, 7, 9, 10, 14, 15})
"""busy, locked, nomem, interrupt, ioerr, cantopen, protocol."""

_AWAY_CLASSES = frozenset({"OperationalError", "InterfaceError"})


def judge_opening(error: BaseException | None) -> Refusal:
    """Why no connection could be made."""
    return "closed" if _is_closed(error) or _CLOSED.search(str(error)) else "away"


def judge_statement(error: BaseException | None) -> Refusal:
    """Why a statement, or the reading of its rows, failed."""
    if _is_closed(error):
        return "closed"
    if _is_sqlites(error):
        return "away" if (_find_number(error) or 0) & 0xFF in _SQLITE_AWAY else "broken"
    if (_find_state(error) or "")[:2] in _BROKEN_CLASSES:
        return "broken"
    return "away" if not _AWAY_CLASSES.isdisjoint(it.__name__ for it in type(error).__mro__) else "broken"


def describe_refusal(error: BaseException | None) -> str:
    """The refusal in the database's words if they are about names and syntax only, else its kind: never data."""
    state, number = _find_state(error), _find_number(error)
    said: str | None = None
    if (state or "").startswith("42"):
        said = getattr(getattr(error, "diag", None), "message_primary", None)
    if error is not None and state in _NAMELESS_STATES:
        said = str(error.args[-1])
    if _is_sqlites(error) and number == 1:
        said = str(error)
    return said or f"{type(error).__name__}{f' {number}' if number is not None else ''}"


def _is_closed(error: BaseException | None) -> bool:
    return _find_state(error) in _CLOSED_STATES or _find_number(error) in _CLOSED_NUMBERS


def _find_state(error: BaseException | None) -> str | None:
    """SQLSTATE, where the driver tells it."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def _find_number(error: BaseException | None) -> int | None:
    """SQLite's or MySQL's own number."""
    number: int | None = getattr(error, "sqlite_errorcode", None)
    if number is not None:
        return number
    first = error.args[0] if error is not None and error.args else None
    return first if isinstance(first, int) else None


def _is_sqlites(error: BaseException | None) -> bool:
    return type(error).__module__ == "sqlite3"
