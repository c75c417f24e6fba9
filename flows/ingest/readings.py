"""Source values read as canonical types, a column at a time.

Each function answers a `Reading`: an Arrow array with nulls where there was nothing, and a mask of what was there but
can't be read. Whole columns in one usual shape go through Arrow; the odd ones are read one distinct value at a time.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from flows.month import LAST_SECOND_OF_DAY, city_day

Mask = npt.NDArray[np.bool_]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- instants are held as UTC without offset
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001
EXCEL_SERIAL_MAX = 2_958_465
EPOCH_SECONDS_MAX = 100_000_000_000
"""Numbers up to this are seconds since 1970 (until the year 5138), greater ones milliseconds (since 1973)."""
MICROSECONDS = 1_000_000
MICROS_MAX = int((datetime(9999, 12, 31) - EPOCH).total_seconds()) * MICROSECONDS  # noqa: DTZ001
OFFSET_STEP = 15 * 60 * MICROSECONDS
"""Clocks change on quarters of an hour, so one look-up answers for a quarter."""
SHORTEST_INSTANT = len("2024-03-01 08:00")

_NAIVE = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?$"
_ZONED = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)$"
_INSTANT = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:时]\s*(\d{1,2})(?:\s*[:分]\s*(?:(\d{1,2})(?:[.,](\d{1,9}))?\s*秒?)?)?\s*"
    r"(Z|[+-]\d{2}:?\d{2})?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d))?")
_MONTH = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?")
_INTEGER = re.compile(r"([+-]?\d+)(?:\.0+)?")
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "y", "是"), True),
    **dict.fromkeys(("false", "0", "no", "n", "否"), False),
}


@dataclass(frozen=True)
class Reading:
    """A column read; `unreadable` marks values that were there and cannot be read."""

    values: pa.Array
    unreadable: Mask


@dataclass(frozen=True)
class Style:
    """How a source writes dates: its zone, its format if it has one, and what a date alone or a number means."""

    zone: tzinfo
    format: str | None = None
    ends_day: bool = False
    counts_days: bool = False
    """Set for workbooks: numbers are days since 1900, and midnight is a day without a time."""


def read_text(values: Sequence[Any]) -> Reading:
    """Text without spaces around it; empty text is nothing. Numbers are written plainly, 1.0 as 1."""
    try:
        texts = pa.array(values, pa.string())
        unreadable = np.zeros(len(values), bool)
    except (pa.ArrowException, TypeError, OverflowError):
        written = [_write_text(value) for value in values]
        texts = pa.array(written, pa.string())
        unreadable = np.fromiter(
            (text is None and not _is_nothing(value) for text, value in zip(written, values, strict=True)), bool
        )
    texts = pc.utf8_trim_whitespace(texts)
    return Reading(pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts), unreadable)


def read_integers(values: Sequence[Any]) -> Reading:
    """Whole numbers; text like 12 or 12.0 too. A fraction cannot be read."""
    array = _infer(values)
    if array is not None and pa.types.is_integer(array.type):
        return Reading(array.cast(pa.int64()), np.zeros(len(values), bool))
    return _read_each(values, pa.int64(), _read_integer)


def read_booleans(values: Sequence[Any]) -> Reading:
    """Truths: true/false, 1/0, yes/no, y/n, 是/否."""
    array = _infer(values)
    if array is not None and pa.types.is_boolean(array.type):
        return Reading(array, np.zeros(len(values), bool))
    return _read_each(values, pa.bool_(), lambda value: _BOOLEANS.get(_write_text(value, "").strip().lower()))


def read_dates(values: Sequence[Any], style: Style) -> Reading:
    """Days of the city. A time beside the date counts: an instant's day is that of the city's calendar."""

    def read_one(value: Any) -> date | None:
        moment, is_day = _read_moment(value, style)
        if moment is None:
            return None
        return moment.date() if is_day else city_day(_to_utc(moment, style.zone).replace(tzinfo=UTC))

    return _read_each(values, pa.date32(), read_one)


def read_months(values: Sequence[Any], style: Style) -> Reading:
    """Months as YYYY-MM, from 2024-03, 2024/3, 202403, 2024年3月 or any date."""

    def read_one(value: Any) -> str | None:
        match = _MONTH.fullmatch(_normalise(value)) if isinstance(value, str | int) else None
        if match is not None:
            return f"{match[1]}-{int(match[2]):02d}" if 1 <= int(match[2]) <= 12 else None  # noqa: PLR2004
        moment, _ = _read_moment(value, style)
        return f"{moment:%Y-%m}" if moment is not None else None

    return _read_each(values, pa.string(), read_one)


def read_instants(values: Sequence[Any], style: Style) -> Reading:
    """Instants in UTC without offset. A date alone is its first second, or its last where `style.ends_day`."""
    array = _infer(values)
    if style.format is None and array is not None:
        if pa.types.is_string(array.type):
            return _read_instant_texts(pc.utf8_trim_whitespace(array), style)
        if pa.types.is_integer(array.type) and not style.counts_days:
            return _read_epochs(array)
    return _read_each(values, pa.timestamp("us"), lambda value: _read_instant(value, style))


def _read_instant_texts(texts: pa.Array, style: Style) -> Reading:
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    shortest = pc.min(pc.utf8_length(texts)).as_py()
    whole = _cast_instants(texts, style.zone) if shortest is not None and shortest >= SHORTEST_INSTANT else None
    if whole is not None:
        return Reading(whole, np.zeros(len(texts), bool))
    micros = np.zeros(len(texts), "int64")
    empty = texts.is_null().to_numpy(zero_copy_only=False)
    left = ~empty
    for pattern in (_NAIVE, _ZONED):
        fits = pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False)
        part = _cast_instants(texts.filter(pa.array(fits)), style.zone) if fits.any() else None
        if part is not None:
            micros[fits] = part.cast(pa.int64()).to_numpy()
            left &= ~fits
    odd = _read_each(
        texts.filter(pa.array(left)).to_pylist(), pa.timestamp("us"), lambda value: _read_instant(value, style)
    )
    micros[left] = odd.values.cast(pa.int64()).fill_null(0).to_numpy()
    unreadable = np.zeros(len(texts), bool)
    unreadable[left] = odd.unreadable
    return Reading(pa.array(micros, pa.timestamp("us"), mask=empty | unreadable), unreadable)


def _cast_instants(texts: pa.Array, zone: tzinfo) -> pa.Array | None:
    """ISO instants, all with or all without offset, as UTC; nothing if one of them is neither."""
    try:
        return _shift_to_utc(texts.cast(pa.timestamp("us")), zone)
    except pa.ArrowInvalid:
        pass
    try:
        return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None


def _shift_to_utc(local: pa.Array, zone: tzinfo) -> pa.Array:
    """Local wall-clock times as UTC; the offset is looked up once for each quarter of an hour that occurs."""
    empty = local.is_null().to_numpy(zero_copy_only=False)
    micros = local.cast(pa.int64()).fill_null(0).to_numpy()
    quarters = pa.array(micros // OFFSET_STEP).dictionary_encode()
    offsets = np.array([_find_offset(quarter, zone) for quarter in quarters.dictionary.to_pylist()], "int64")
    return pa.array(micros - offsets[quarters.indices.to_numpy()], pa.timestamp("us"), mask=empty)


@lru_cache(maxsize=100_000)
def _find_offset(quarter: int, zone: tzinfo) -> int:
    """What local time is ahead of UTC, in microseconds, in the quarter of an hour of that number since 1970."""
    local = EPOCH + timedelta(microseconds=quarter * OFFSET_STEP)
    offset = local.replace(tzinfo=zone).utcoffset()
    return int(offset.total_seconds()) * MICROSECONDS if offset is not None else 0


def _read_epochs(array: pa.Array) -> Reading:
    empty = array.is_null().to_numpy(zero_copy_only=False)
    numbers = array.cast(pa.int64()).fill_null(0).to_numpy()
    is_seconds = np.abs(numbers) <= EPOCH_SECONDS_MAX
    limit = np.where(is_seconds, EPOCH_SECONDS_MAX, MICROS_MAX // 1000)
    unreadable = np.abs(numbers) > limit
    micros = np.where(unreadable, 0, numbers) * np.where(is_seconds, MICROSECONDS, 1000)
    return Reading(pa.array(micros, pa.timestamp("us"), mask=empty | unreadable), unreadable)


def _infer(values: Sequence[Any]) -> pa.Array | None:
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None


def _read_each(values: Sequence[Any], kind: pa.DataType, read_one: Callable[[Any], Any]) -> Reading:
    """Every distinct value read once."""
    known: dict[Any, Any] = {}
    results: list[Any] = []
    unreadable = np.zeros(len(values), bool)
    for number, value in enumerate(values):
        if _is_nothing(value):
            results.append(None)
            continue
        key = (type(value), value if not isinstance(value, list | dict) else None)
        if key not in known:
            known[key] = _read_safely(value, read_one)
        results.append(known[key])
        unreadable[number] = known[key] is None
    return Reading(pa.array(results, kind), unreadable)


def _read_safely(value: Any, read_one: Callable[[Any], Any]) -> Any:
    try:
        return read_one(value)
    except (ValueError, OverflowError):
        return None


def _is_nothing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # noqa: PLR0124 -- NaN


def _write_text(value: Any, otherwise: Any = None) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value == value:  # noqa: PLR0124 -- NaN is nothing
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return otherwise


def _normalise(value: object) -> str:
    """Full-width digits and colons as plain ones, no spaces around."""
    return unicodedata.normalize("NFKC", str(value)).strip()


def _read_integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    match = _INTEGER.fullmatch(_normalise(value)) if isinstance(value, int | str) else None
    number = int(match[1]) if match is not None else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _read_instant(value: Any, style: Style) -> datetime | None:
    moment, is_day = _read_moment(value, style)
    if moment is None:
        return None
    if is_day and style.ends_day:
        moment = datetime.combine(moment.date(), LAST_SECOND_OF_DAY)
    return _to_utc(moment, style.zone)


def _to_utc(moment: datetime, zone: tzinfo) -> datetime:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(tzinfo=None)


def _read_moment(value: Any, style: Style) -> tuple[datetime | None, bool]:
    """The moment as written, aware if it has an offset, and whether it was a day without a time."""
    if isinstance(value, datetime):
        return value, style.counts_days and value.time() == time.min
    if isinstance(value, date):
        return datetime.combine(value, time.min), True
    if isinstance(value, bool):
        return None, False
    if isinstance(value, int | float):
        return _read_number(value, style)
    if not isinstance(value, str):
        return None, False
    if style.format is not None:
        has_time = any(mark in style.format for mark in ("%H", "%I", "%c", "%X"))
        return datetime.strptime(value.strip(), style.format), not has_time  # noqa: DTZ007 -- the zone follows
    return _read_words(_normalise(value))


def _read_number(value: float, style: Style) -> tuple[datetime | None, bool]:
    if style.counts_days and 0 < value <= EXCEL_SERIAL_MAX:
        moment = EXCEL_EPOCH + timedelta(seconds=round(value * 86400))
        return moment, float(value).is_integer()
    seconds = value if abs(value) <= EPOCH_SECONDS_MAX else value / 1000
    return (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=UTC), False


def _read_words(text: str) -> tuple[datetime | None, bool]:
    if text.isdigit() and len(text) in (10, 13):
        return _read_number(int(text), Style(UTC))
    match = _INSTANT.fullmatch(text) or _COMPACT.fullmatch(text)
    if match is None:
        return None, False
    year, month, number, hour, minute, second, fraction, offset = [*match.groups(), None, None][:8]
    iso = f"{year}-{month:0>2}-{number:0>2}T{hour or 0:0>2}:{minute or 0:0>2}:{second or 0:0>2}"
    return datetime.fromisoformat(f"{iso}.{(fraction or '0')[:6]:0<6}{offset or ''}"), hour is None
