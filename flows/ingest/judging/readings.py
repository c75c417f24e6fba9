"""Source values read as canonical types, a column at a time.

Each function answers a `Reading`: an Arrow array with nulls where there was nothing, and a mask of what was there but
can't be read. Whole columns in one usual shape go through Arrow; the odd ones are read one distinct value at a time.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from flows.ingest.judging.kinds import NOTHING, NUMBER, TEXT, TRUTH, Kinds, is_nothing, list_kinds, name_kinds
from flows.ingest.judging.layouts import DAY_SECONDS, Layout, find_layout, read_layout
from flows.ingest.judging.moments import (
    EPOCH,
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    Style,
    normalise,
    read_day,
    read_instant,
    read_month,
)

Mask = npt.NDArray[np.bool_]

INTEGERS = {int, type(None)}
MICROSECONDS = 1_000_000
OFFSET_STEP = 15 * 60 * MICROSECONDS
"""Clocks change on quarters of an hour, so one look-up answers for a quarter."""
MONTH_QUARTERS = 31 * 24 * 4
MONTHS_TOGETHER_MAX = 14
"""Columns that span more are rare, and looking up every month between would cost more than it saves."""
SHORTEST_INSTANT = len("2024-03-01 08:00")

CALENDAR = (-62_135_596_800 * MICROSECONDS, 253_402_300_800 * MICROSECONDS)
EXACT_NUMBERS = 2.0**53
"""From here on several whole numbers are one floating one: a key of twenty digits, sent as a number, would be another
record's key too."""

_NAIVE = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?$"
_ZONED = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)$"
_INTEGER = re.compile(r"([+-]?\d+)(?:\.0+)?")
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "y", "是"), True),
    **dict.fromkeys(("false", "0", "no", "n", "否"), False),
}


@dataclass(frozen=True)
class Reading:
    """A column read; `unreadable` marks values that were there and cannot be read, `kinds` says what was there."""

    values: pa.Array
    unreadable: Mask
    kinds: Kinds = NOTHING


def read_text(values: Sequence[Any]) -> Reading:
    """Text without spaces around it; empty text is nothing. Numbers are written plainly, 1.0 as 1."""
    kinds = None
    try:
        texts = pa.array(values, pa.string())
        unreadable = np.zeros(len(values), bool)
        kinds = TEXT
    except (pa.ArrowException, TypeError, OverflowError):
        written = [_write_text(value) for value in values]
        texts = pa.array(written, pa.string())
        unreadable = np.fromiter(
            (text is None and not is_nothing(value) for text, value in zip(written, values, strict=True)), bool
        )
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return Reading(texts, unreadable, list_kinds(values) if kinds is None else _unless_empty(kinds, texts))


def read_integers(values: Sequence[Any]) -> Reading:
    """Whole numbers; text like 12 or 12.0 too. A fraction cannot be read."""
    array = _infer(values)
    # Arrow takes for a number whatever can be made one, a UUID too.
    if array is not None and pa.types.is_signed_integer(array.type) and set(map(type, values)) <= INTEGERS:
        return Reading(array.cast(pa.int64()), np.zeros(len(values), bool), _unless_empty(NUMBER, array))
    return _read_each(values, pa.int64(), _read_integer)


def read_booleans(values: Sequence[Any]) -> Reading:
    """Truths: true/false, 1/0, yes/no, y/n, 是/否."""
    array = _infer(values)
    if array is not None and pa.types.is_boolean(array.type):
        return Reading(array, np.zeros(len(values), bool), _unless_empty(TRUTH, array))
    return _read_each(values, pa.bool_(), lambda value: _BOOLEANS.get(_write_text(value, "").strip().lower()))


def read_dates(values: Sequence[Any], style: Style) -> Reading:
    """Days of the city. A time beside the date counts: an instant's day is that of the city's calendar."""
    return _read_each(values, pa.date32(), lambda value: read_day(value, style))


def read_months(values: Sequence[Any], style: Style) -> Reading:
    """Months as YYYY-MM, from 2024-03, 2024/3, 202403, 2024年3月 or any date."""
    return _read_each(values, pa.string(), lambda value: read_month(value, style))


def read_instants(values: Sequence[Any], style: Style) -> Reading:
    """Instants in UTC without offset. A date alone is its first second, or its last where `style.ends_day`."""
    array = _infer(values)
    if array is not None and style.format is not None and pa.types.is_string(array.type):
        layout = find_layout(style.format)
        if layout is not None:
            return replace(_read_by_layout(array, layout, style), kinds=list_kinds(values))
    if array is not None and style.format is None and not style.drops_time:
        if pa.types.is_string(array.type):
            reading = _read_instant_texts(pc.utf8_trim_whitespace(array), style)
            return replace(reading, kinds=_unless_empty(TEXT, reading.values) or list_kinds(values))
        if pa.types.is_signed_integer(array.type) and not style.counts_days:
            epochs = _read_epochs(array)
            if epochs is not None:
                return replace(epochs, kinds=_unless_empty(NUMBER, array))
    return _read_each(values, pa.timestamp("us"), lambda value: read_instant(value, style))


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
        texts.filter(pa.array(left)).to_pylist(), pa.timestamp("us"), lambda value: read_instant(value, style)
    )
    micros[left] = odd.values.cast(pa.int64()).fill_null(0).to_numpy()
    unreadable = np.zeros(len(texts), bool)
    unreadable[left] = odd.unreadable
    return Reading(pa.array(micros, pa.timestamp("us"), mask=empty | unreadable), unreadable)


def _read_by_layout(texts: pa.Array, layout: Layout, style: Style) -> Reading:
    """What is exactly of the layout at once, the others one at a time."""
    found = read_layout(texts, layout)
    seconds = found.seconds
    if style.drops_time or not layout.has_time:
        seconds = np.full(len(texts), DAY_SECONDS - 1 if style.ends_day else 0)
    local = (found.days * DAY_SECONDS + seconds) * MICROSECONDS
    micros = _shift_to_utc(pa.array(local, pa.timestamp("us"), mask=~found.is_read), style.zone)
    if not _fits_calendar(micros):
        return _read_each(texts.to_pylist(), pa.timestamp("us"), lambda value: read_instant(value, style))
    if found.is_read.all():
        return Reading(micros, np.zeros(len(texts), bool))
    odd = _read_each(
        pc.if_else(pa.array(found.is_read), pa.scalar(None, pa.string()), texts).to_pylist(),
        pa.timestamp("us"),
        lambda value: read_instant(value, style),
    )
    return Reading(pc.coalesce(micros, odd.values), odd.unreadable)


def _cast_instants(texts: pa.Array, zone: tzinfo) -> pa.Array | None:
    """ISO instants, all with or all without offset, as UTC; nothing if one of them is neither."""
    try:
        instants = _shift_to_utc(texts.cast(pa.timestamp("us")), zone)
    except pa.ArrowInvalid:
        try:
            instants = texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            return None
    return instants if _fits_calendar(instants) else None


def _fits_calendar(instants: pa.Array) -> bool:
    """Whether all are of years 1 to 9999 in UTC too; midnight of 0001-01-01, as some write nothing, is not."""
    ends = pc.min_max(instants.cast(pa.int64()))
    return ends["min"].as_py() is None or (CALENDAR[0] <= ends["min"].as_py() and ends["max"].as_py() < CALENDAR[1])


def _shift_to_utc(local: pa.Array, zone: tzinfo) -> pa.Array:
    """Local wall-clock times as UTC: by one offset if it is that of them all, else quarter of an hour by quarter."""
    offset = _find_common_offset(local, zone)
    if offset is not None:
        return pc.subtract(local.cast(pa.int64()), offset).cast(pa.timestamp("us"))
    empty = local.is_null().to_numpy(zero_copy_only=False)
    micros = local.cast(pa.int64()).fill_null(0).to_numpy()
    quarters = pa.array(micros // OFFSET_STEP).dictionary_encode()
    offsets = np.array([_find_offset(quarter, zone) for quarter in quarters.dictionary.to_pylist()], "int64")
    return pa.array(micros - offsets[quarters.indices.to_numpy()], pa.timestamp("us"), mask=empty)


def _find_common_offset(local: pa.Array, zone: tzinfo) -> int | None:
    """The offset of all months from the first time to the last; nothing if it changes, or they are too many."""
    bounds = pc.min_max(local.cast(pa.int64())).as_py()
    if bounds["min"] is None:
        return None
    first, last = (bounds[end] // OFFSET_STEP // MONTH_QUARTERS for end in ("min", "max"))
    if last - first >= MONTHS_TOGETHER_MAX:
        return None
    offsets = {_find_month_offset(month, zone) for month in range(first, last + 1)}
    return offsets.pop() if len(offsets) == 1 else None


@lru_cache(maxsize=1_000)
def _find_month_offset(month: int, zone: tzinfo) -> int | None:
    """The offset of all of that stretch of 31 days, counted from 1970; nothing if it changes, or has no end."""
    quarters = range(month * MONTH_QUARTERS, (month + 1) * MONTH_QUARTERS)
    try:
        offsets = {_find_offset(quarter, zone) for quarter in quarters}
    except OverflowError:
        return None  # the calendar begins with the year 1 and ends with 9999
    return offsets.pop() if len(offsets) == 1 else None


@lru_cache(maxsize=100_000)
def _find_offset(quarter: int, zone: tzinfo) -> int:
    """What local time is ahead of UTC, in microseconds, in the quarter of an hour of that number since 1970."""
    local = EPOCH + timedelta(microseconds=quarter * OFFSET_STEP)
    offset = local.replace(tzinfo=zone).utcoffset()
    return int(offset.total_seconds()) * MICROSECONDS if offset is not None else 0


def _read_epochs(array: pa.Array) -> Reading | None:
    """Seconds or milliseconds since 1970; nothing if one of them can't be either."""
    empty = array.is_null().to_numpy(zero_copy_only=False)
    numbers = array.cast(pa.int64()).fill_null(EPOCH_SECONDS[0]).to_numpy()
    is_seconds = (numbers >= EPOCH_SECONDS[0]) & (numbers < EPOCH_SECONDS[1])
    is_milliseconds = (numbers >= EPOCH_MILLISECONDS[0]) & (numbers < EPOCH_MILLISECONDS[1])
    if not (is_seconds | is_milliseconds).all():
        return None
    micros = numbers * np.where(is_seconds, MICROSECONDS, 1000)
    return Reading(pa.array(micros, pa.timestamp("us"), mask=empty), np.zeros(len(array), bool))


def _infer(values: Sequence[Any]) -> pa.Array | None:
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None


def _unless_empty(kinds: Kinds, array: pa.Array) -> Kinds:
    """The kinds of a column that is all of them, or nothing."""
    return kinds if array.null_count < len(array) else NOTHING


def _read_each(values: Sequence[Any], kind: pa.DataType, read_one: Callable[[Any], Any]) -> Reading:
    """Every distinct value read once."""
    known: dict[Any, Any] = {}
    results: list[Any] = []
    unreadable = np.zeros(len(values), bool)
    for number, value in enumerate(values):
        if is_nothing(value):
            results.append(None)
            continue
        key = (type(value), value if not isinstance(value, list | dict) else None)
        if key not in known:
            known[key] = _read_safely(value, read_one)
        results.append(known[key])
        unreadable[number] = known[key] is None
    return Reading(pa.array(results, kind), unreadable, name_kinds(key[0] for key in known))


def _read_safely(value: Any, read_one: Callable[[Any], Any]) -> Any:
    try:
        return read_one(value)
    except (ValueError, OverflowError):
        return None


def _write_text(value: Any, otherwise: Any = None) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and abs(value) < EXACT_NUMBERS:
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal) and value.is_finite():
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return _decode(value, otherwise)
    return str(value) if isinstance(value, UUID) else otherwise


def _decode(value: bytes, otherwise: Any) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return otherwise


def _read_integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    number: int | None
    if isinstance(value, float):
        number = int(value) if value.is_integer() else None
    else:
        text = _write_text(value, "") if isinstance(value, Decimal) else value
        match = _INTEGER.fullmatch(normalise(text)) if isinstance(text, int | str) else None
        number = int(match[1]) if match is not None else None
    return number if number is not None and -(2**63) <= number < 2**63 else None
