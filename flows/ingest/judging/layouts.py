"""Formats of fixed width read for a whole column at once, to the same result as `strptime`.

A text counts as read only if each directive has its full width and is in range: there `strptime` has no choice. All
others are left to it, one at a time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "p": 2}
RANGES = {"Y": (1902, 2199), "m": (1, 12), "d": (1, 31), "H": (0, 23), "I": (1, 12), "M": (0, 59), "S": (0, 59)}
DAY_SECONDS = 86_400

_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_DAY = frozenset("Ymd")
_TIMES: tuple[frozenset[str], ...] = (frozenset(), frozenset("H"), frozenset("Ip"))

Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Layout:
    """Where each directive of a format begins, and the characters between them."""

    width: int
    places: Mapping[str, int]
    between: Mapping[int, int]

    @property
    def has_time(self) -> bool:
        return "H" in self.places or "I" in self.places


@dataclass(frozen=True)
class Moments:
    """Days since 1970 and seconds of the day, as written, where `is_read`; elsewhere they mean nothing."""

    days: Integers
    seconds: Integers
    is_read: npt.NDArray[np.bool_]


@lru_cache(maxsize=256)
def find_layout(form: str) -> Layout | None:
    """The layout of a strptime format; nothing if it isn't a whole date, or holds what has no fixed width."""
    names = _DIRECTIVE.findall(form)
    times = frozenset(names) - _DAY - frozenset("MS")
    if len(set(names)) < len(names) or not _DAY.issubset(names) or times not in _TIMES or not form.isascii():
        return None
    if (not times and len(names) > len(_DAY)) or form != form.strip():
        return None
    places: dict[str, int] = {}
    between: dict[int, int] = {}
    width = 0
    for part in re.findall(r"%.|[^%]", form, re.DOTALL):
        if part[0] == "%":
            places[part[1]] = width
            width += WIDTHS[part[1]]
        else:
            between[width] = ord(part)
            width += 1
    return Layout(width, places, between)


def read_layout(texts: pa.Array, layout: Layout) -> Moments:
    """The moments of a column of text; `is_read` is false for nothing and for what isn't exactly of this layout."""
    fits = pc.equal(pc.binary_length(texts), layout.width).fill_null(False)
    is_read = fits.to_numpy(zero_copy_only=False).copy()
    days, seconds = np.zeros(len(texts), "int64"), np.zeros(len(texts), "int64")
    cells = _cut(texts.filter(fits), layout.width)
    is_right = np.ones(len(cells), bool)
    for place, character in layout.between.items():
        is_right &= cells[:, place] == character
    numbers = {name: _read_number(cells, name, layout, is_right) for name in layout.places if name != "p"}
    days[is_read] = _count_days(numbers["Y"], numbers["m"], numbers["d"], is_right)
    seconds[is_read] = _count_seconds(numbers, _read_halves(cells, layout, is_right))
    is_read[is_read] = is_right
    return Moments(days, seconds, is_read)


def _cut(texts: pa.Array, width: int) -> Bytes:
    """The texts' bytes, a row each; all are `width` bytes long and none is null."""
    if not len(texts):
        return np.zeros((0, width), np.uint8)
    _, offsets, content = texts.buffers()
    first = np.frombuffer(offsets, np.int32)[texts.offset]
    return np.frombuffer(content, np.uint8)[first : first + len(texts) * width].reshape(len(texts), width)


def _read_number(cells: Bytes, name: str, layout: Layout, is_right: npt.NDArray[np.bool_]) -> Integers:
    start = layout.places[name]
    digits = cells[:, start : start + WIDTHS[name]].astype(np.int64) - ord("0")
    is_right &= ((digits >= 0) & (digits <= 9)).all(axis=1)  # noqa: PLR2004 -- digits
    number = np.zeros(len(cells), np.int64)
    for column in digits.T:
        number = number * 10 + column
    low, high = RANGES[name]
    is_right &= (number >= low) & (number <= high)
    return number


def _count_days(years: Integers, months: Integers, numbers: Integers, is_right: npt.NDArray[np.bool_]) -> Integers:
    month = np.where(is_right, (years - 1970) * 12 + months - 1, 0)
    first, following = (_first_day(place) for place in (month, month + 1))
    is_right &= numbers <= following - first
    return first + numbers - 1


def _first_day(months: Integers) -> Integers:
    """The first day, since 1970, of the month of that number since 1970."""
    return months.astype("M8[M]").astype("M8[D]").astype(np.int64)


def _read_halves(cells: Bytes, layout: Layout, is_right: npt.NDArray[np.bool_]) -> Integers:
    """0 for AM, 12 for PM; 0 where the layout has none."""
    if "p" not in layout.places:
        return np.zeros(len(cells), np.int64)
    start = layout.places["p"]
    first, second = cells[:, start] | 0x20, cells[:, start + 1] | 0x20
    is_right &= ((first == ord("a")) | (first == ord("p"))) & (second == ord("m"))
    return np.where(first == ord("p"), 12, 0)


def _count_seconds(numbers: Mapping[str, Integers], halves: Integers) -> Integers:
    hours = numbers["I"] % 12 + halves if "I" in numbers else numbers.get("H", halves)
    nothing = np.zeros_like(halves)
    return hours * 3600 + numbers.get("M", nothing) * 60 + numbers.get("S", nothing)
