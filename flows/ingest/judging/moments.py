"""One source value read as a moment: text as people and programs write it, or a number that can be nothing else.

A number is taken for a date only where it cannot be meant otherwise: a year, a month or a key that slipped into a
date's column must reject its row, never become a day of some other year.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from flows.month import LAST_SECOND_OF_DAY, MONTH_PATTERN, city_day

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- instants are held as UTC without offset
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001
EXCEL_SERIALS = (9_863, 73_051)
"""Workbooks' day numbers from 1927-01-01 until before 2100-01-01: above every year, below every YYYYMM."""
FIRST_MONTH_SERIAL = 36_526
"""2000-01-01: a month of five digits, 20243, is not one of 1955."""
EPOCH_SECONDS = (10**9, 10**10)
"""Seconds since 1970 have ten digits, from 2001 to 2286."""
EPOCH_MILLISECONDS = (10**12, 10**13)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)

_INSTANT = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:时]\s*(\d{1,2})(?:\s*[:分]\s*(?:(\d{1,2})(?:[.,](\d{1,9}))?\s*秒?)?)?\s*"
    r"(Z|[+-]\d{2}:?\d{2})?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d))?")
_MONTH = re.compile(r"(\d{4})(?:\s*[-/.年]\s*(\d{1,2})|(\d\d))\s*月?")

Moment = tuple[datetime | None, bool]
"""A moment as written, aware if it has an offset, and whether it was a day without a time."""


@dataclass(frozen=True)
class Style:
    """How a source writes dates: its zone, its format if it has one, and what a date alone or a number means."""

    zone: tzinfo
    format: str | None = None
    ends_day: bool = False
    counts_days: bool = False
    """Set for workbooks: numbers are days since 1900, and midnight is a day without a time."""
    drops_time: bool = False
    """Set where a time beside the date means nothing: the day is that of the source's own zone."""


def read_instant(value: Any, style: Style) -> datetime | None:
    """The instant in UTC without offset; nothing, or `ValueError`, if it can't be read."""
    moment, is_day = _read_moment(value, style)
    if moment is None:
        return None
    if is_day and style.ends_day:
        moment = datetime.combine(moment.date(), LAST_SECOND_OF_DAY)
    return _to_utc(moment, style.zone)


def read_day(value: Any, style: Style) -> date | None:
    """The day of the city's calendar; nothing, or `ValueError`, if it can't be read."""
    if style.counts_days and not style.drops_time and _is_number(value) and not float(value).is_integer():
        return None
    moment, is_day = _read_moment(value, style)
    if moment is None:
        return None
    return moment.date() if is_day else city_day(_to_utc(moment, style.zone).replace(tzinfo=UTC))


def read_month(value: Any, style: Style) -> str | None:
    """The month as YYYY-MM, also that of a day; nothing, or `ValueError`, if it can't be read.

    Months go from 1900 to 2199, as `Month` does: nobody could ask for another.
    """
    written = _write_month(value, style)
    return written if written is not None and re.fullmatch(MONTH_PATTERN, written) else None


def normalise(value: object) -> str:
    """Full-width digits and colons as plain ones, no spaces around."""
    return unicodedata.normalize("NFKC", str(value)).strip()


def _write_month(value: Any, style: Style) -> str | None:
    if _is_number(value) and float(value).is_integer():
        value = int(value)
    match = _MONTH.fullmatch(normalise(value)) if isinstance(value, str | int) else None
    if match is not None:
        return f"{match[1]}-{match[2] or match[3]:0>2}"
    if isinstance(value, int) and value < FIRST_MONTH_SERIAL:
        return None
    day = read_day(value, style)
    return f"{day:%Y-%m}" if day is not None else None


def _to_utc(moment: datetime, zone: tzinfo) -> datetime:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(tzinfo=None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _read_moment(value: Any, style: Style) -> Moment:
    moment, is_day = _read_as_written(value, style)
    if moment is None or not style.drops_time:
        return moment, is_day
    local = moment if moment.tzinfo is None else moment.astimezone(style.zone)
    return datetime.combine(local.date(), time.min), True


def _read_as_written(value: Any, style: Style) -> Moment:
    if isinstance(value, datetime):
        return value, style.counts_days and value.time() == time.min
    if isinstance(value, date):
        return datetime.combine(value, time.min), True
    if _is_number(value):
        return _read_number(float(value) if isinstance(value, Decimal) else value, counts_days=style.counts_days)
    if not isinstance(value, str):
        return None, False
    if style.format is not None:
        has_time = any(mark in style.format for mark in ("%H", "%I", "%c", "%X"))
        return datetime.strptime(value.strip(), style.format), not has_time  # noqa: DTZ007 -- the zone follows
    return _read_words(normalise(value))


def _read_number(value: float, *, counts_days: bool) -> Moment:
    is_whole = float(value).is_integer()
    if counts_days and EXCEL_SERIALS[0] <= value < EXCEL_SERIALS[1]:
        return EXCEL_EPOCH + timedelta(seconds=round(value * 86400)), is_whole
    for (low, high), unit in ((EPOCH_SECONDS, SECOND), (EPOCH_MILLISECONDS, MILLISECOND)):
        if low <= value < high:
            return (EPOCH + value * unit).replace(tzinfo=UTC), False
    return _read_compact(str(int(value))) if is_whole else (None, False)


def _read_compact(text: str) -> Moment:
    match = _COMPACT.fullmatch(text)
    return _build_moment(match) if match is not None else (None, False)


def _read_words(text: str) -> Moment:
    if text.isdigit() and len(text) in (10, 13):
        return _read_number(int(text), counts_days=False)
    match = _INSTANT.fullmatch(text)
    return _build_moment(match) if match is not None else _read_compact(text)


def _build_moment(match: re.Match[str]) -> Moment:
    year, month, number, hour, minute, second, fraction, offset = [*match.groups(), None, None][:8]
    iso = f"{year}-{month:0>2}-{number:0>2}T{hour or 0:0>2}:{minute or 0:0>2}:{second or 0:0>2}"
    return datetime.fromisoformat(f"{iso}.{(fraction or '0')[:6]:0<6}{offset or ''}"), hour is None
