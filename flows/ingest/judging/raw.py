"""Raw records as JSON that a person can read, and from which a mapping reads what it would read from the record.

JSON has no dates, no exact decimals, no bytes; a source may hold them. Such a value is written as an object with one
key that begins with `$`, for example `{"$datetime": "2024-03-05T00:00:00"}`; a record's own object of that shape is
wrapped once more, in `$object`.
"""

import base64
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from flows.ingest.describe.records import Record

INTEGERS = (-(2**63), 2**64)
"""What JSON's readers and writers here hold as whole numbers."""
MICROSECOND = timedelta(microseconds=1)
OBJECT = "$object"
UNREADABLE = "$unreadable"


class Unreadable:
    """Stands for a value that text can't hold, such as a cell's error: it is there, and no column can read it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


class _Mark(NamedTuple):
    kind: type
    name: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


_MARKS = (
    # A day is not an instant: a datetime is a date too, so it comes first.
    _Mark(datetime, "$datetime", datetime.isoformat, datetime.fromisoformat),
    _Mark(date, "$date", date.isoformat, date.fromisoformat),
    _Mark(time, "$time", time.isoformat, time.fromisoformat),
    _Mark(timedelta, "$microseconds", lambda span: str(span // MICROSECOND), lambda count: int(count) * MICROSECOND),
    _Mark(Decimal, "$decimal", str, Decimal),
    _Mark(int, "$integer", lambda number: str(int(number)), int),
    _Mark(float, "$number", lambda number: repr(float(number)), float),
    _Mark(UUID, "$uuid", str, UUID),
    _Mark(bytes, "$bytes", lambda content: base64.b64encode(content).decode(), base64.b64decode),
    _Mark(tuple, "$tuple", lambda values: [_encode(value) for value in values], tuple),
)
_READERS: Mapping[str, Callable[[Any], Any]] = {
    **{mark.name: mark.read for mark in _MARKS},
    UNREADABLE: Unreadable,
}


def write_raw(record: Record) -> str:
    """The record as one line of JSON. Raises `RecursionError` if it is too deep to be written."""
    encoded = _encode_object(record)
    try:
        return orjson.dumps(encoded).decode()
    except TypeError:
        # Every value is one of JSON's by now.
        raise RecursionError from None


def read_raw(text: str) -> Record:
    """The record that `write_raw` wrote, every value of the kind that it had."""
    record: Record = _decode_object(orjson.loads(text))
    return record


def _encode(value: Any) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, dict):
        encoded = _encode_object(value)
        return {OBJECT: encoded} if _is_marked(encoded) else encoded
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if isinstance(value, int) and INTEGERS[0] <= value < INTEGERS[1]:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    for mark in _MARKS:
        if isinstance(value, mark.kind):
            return {mark.name: mark.write(value)}
    # Where a type says nothing of its own Python writes an address, another one in each run.
    is_told = any("__str__" in vars(kind) for kind in type(value).__mro__[:-1])
    return {UNREADABLE: str(value) if is_told else type(value).__name__}


def _encode_object(content: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): _encode(value) for key, value in content.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _is_marked(value):
        [(name, content)] = value.items()
        if name == OBJECT:
            return _decode_object(content)
        if name in _READERS:
            return _READERS[name](_decode(content))
    return _decode_object(value)


def _decode_object(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _decode(value) for key, value in content.items()}


def _is_marked(content: Mapping[str, Any]) -> bool:
    return len(content) == 1 and next(iter(content)).startswith("$")
