"""What steps say of themselves while they run: one line when one begins, warns and ends, for people or for programs.

A line says no more than the step's outcome row will: names of steps, months and sources, counts, and messages of the
program's own errors. The text of any other error could hold a person's data and is left out.
"""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, cast

LogFormat = Literal["json", "text"]
LOG_FORMATS: tuple[LogFormat, ...] = ("json", "text")

PACKAGE = "flows"
"""The logger above all of the program's own; in Prefect's runs `PREFECT_LOGGING_EXTRA_LOGGERS` names it."""

FIELDS = "fivestar"
"""Under which attribute of a record what a program reads stands."""

_package = logging.getLogger(PACKAGE)
_package.setLevel(logging.INFO)
_package.propagate = False
_package.addHandler(logging.NullHandler())
# At DEBUG it shows the rows that it reads, whoever asked for DEBUG and of whatever.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
_steps = logging.getLogger(f"{PACKAGE}.steps")
_program = logging.getLogger(f"{PACKAGE}.program")


class _Lines(logging.StreamHandler[Any]):
    """The handler that `write_logs` sets up."""


class _JsonLine(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {"at": _write_instant(record), "level": record.levelname.lower(), **_read_fields(record)}
        return json.dumps(fields, ensure_ascii=False, default=str)


class _TextLine(logging.Formatter):
    """One line for people; what an error says over several lines stays one."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{_write_instant(record)} {record.levelname.lower()}: {' / '.join(record.getMessage().splitlines())}"


def write_logs(form: LogFormat | None) -> None:
    """From now on write what steps say to stderr in this form, or nothing; a second call replaces the first."""
    for handler in [it for it in _package.handlers if isinstance(it, _Lines)]:
        _package.removeHandler(handler)
    if form is not None:
        handler = _Lines(sys.stderr)
        handler.setFormatter(_JsonLine() if form == "json" else _TextLine())
        _package.addHandler(handler)


def log_begin(step: str, month: str | None, subject: str | None) -> None:
    """Say that a step begins."""
    _say(logging.INFO, f"{_name(step, month, subject)} begins", _name_step("step_begins", step, month, subject))


def log_warning(step: str, month: str | None, subject: str | None, warning: str) -> None:
    """Say what a step warns of."""
    fields = _name_step("step_warns", step, month, subject) | {"message": warning}
    _say(logging.WARNING, f"{_name(step, month, subject)}: {warning}", fields)


def log_end(
    step: str,
    month: str | None,
    subject: str | None,
    *,
    message: str,
    exit_code: int | None,
    counts: Mapping[str, Any],
    seconds: float,
) -> None:
    """Say how a step ended: well, if it has no exit code."""
    is_ok = exit_code is None
    fields = _name_step("step_ends", step, month, subject) | {
        "outcome": "ok" if is_ok else "failed",
        "seconds": seconds,
        "counts": dict(counts),
        **({} if is_ok else {"exit_code": exit_code, "message": message}),
    }
    told = ", ".join(f"{name}={value}" for name, value in counts.items()) if is_ok else message
    end = "ok" if is_ok else "failed"
    text = f"{_name(step, month, subject)} {end} after {seconds:.1f} s{': ' if told else ''}{told}"
    _say(logging.INFO if is_ok else logging.ERROR, text, fields, logger=_steps)


def log_failure(message: str, exit_code: int) -> None:
    """Say with which error the program ends."""
    fields = {"event": "program_ends", "outcome": "failed", "exit_code": exit_code, "message": message}
    _say(logging.ERROR, message, fields, logger=_program)


def _say(level: int, text: str, fields: Mapping[str, Any], *, logger: logging.Logger = _steps) -> None:
    logger.log(level, "%s", text, extra={FIELDS: fields})


def _name(step: str, month: str | None, subject: str | None) -> str:
    return " ".join(filter(None, (step, month, subject)))


def _name_step(event: str, step: str, month: str | None, subject: str | None) -> dict[str, Any]:
    return {"event": event, "step": step, "month": month, "subject": subject}


def _read_fields(record: logging.LogRecord) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], getattr(record, FIELDS, {"event": "message", "message": record.getMessage()}))


def _write_instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
