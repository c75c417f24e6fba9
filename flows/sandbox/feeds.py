"""Feeds: a platform's records as one file of JSON text in paging order, with the offset and time of each.

Three files a resource, `<name>.json`, `<name>.offsets` and `<name>.updated` (64-bit integers): a server answers any
page by one slice, without looking at a record.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from flows.sandbox.arrays import Array
from flows.sandbox.timeline import DAY_SECONDS

SEPARATOR = b",\n"
CHUNK_ROWS = 10_000

Columns = dict[str, list[object]]
"""Values of each field of a slice of records; a field `a.b` goes into the object `a`."""


def build_records(columns: Columns) -> Iterator[dict[str, object]]:
    """The records of a slice, fields nested one level where their names have a dot."""
    groups: dict[str, dict[str, list[object]]] = {}
    for name, values in columns.items():
        group, _, key = name.rpartition(".")
        groups.setdefault(group, {})[key] = values
    flat = groups.pop("", {})
    return join_rows(flat | {group: list(join_rows(nested)) for group, nested in groups.items()})


def join_rows(columns: dict[str, list[Any]]) -> Iterator[dict[str, object]]:
    """One record a row from columns of equal length."""
    keys = list(columns)
    return (dict(zip(keys, row, strict=True)) for row in zip(*columns.values(), strict=True))


def write_feed(path: Path, order: Array, updated: Array, render: Callable[[Array], Columns]) -> int:
    """Write the feed `path` (without suffix): rows in `order`, `updated` epoch seconds in that order; the row count.

    `render` gives the fields of the rows at the positions it is handed.
    """
    lengths = np.zeros(len(order) + 1, dtype=np.int64)
    with path.with_suffix(".json").open("wb") as file:
        for start in range(0, len(order), CHUNK_ROWS):
            rows = order[start : start + CHUNK_ROWS]
            texts = [orjson.dumps(record) for record in build_records(render(rows))]
            lengths[start + 1 : start + 1 + len(texts)] = [len(text) for text in texts]
            file.write(SEPARATOR.join(texts))
            file.write(SEPARATOR)
    lengths[1:] += len(SEPARATOR)
    np.cumsum(lengths).tofile(path.with_suffix(".offsets"))
    updated.astype(np.int64).tofile(path.with_suffix(".updated"))
    return len(order)


def write_small_feed(path: Path, records: list[dict[str, object]], updated: list[int]) -> int:
    """Write a feed of few records, by update time; all at once."""
    order = np.argsort(np.array(updated, dtype=np.int64), kind="stable")
    ordered = [records[i] for i in order.tolist()]
    columns: Columns = {key: [record[key] for record in ordered] for key in (ordered[0] if ordered else {})}
    times = np.sort(np.array(updated, dtype=np.int64))

    def render(rows: Array) -> Columns:
        positions = rows.tolist()
        return {key: [values[i] for i in positions] for key, values in columns.items()}

    return write_feed(path, np.arange(len(records)), times, render)


class TimeWriter:
    """Writes epoch seconds as local text, from tables of days and seconds: no formatting per value."""

    def __init__(self, first_day: int, day_count: int, *, separator: str, suffix: str, hours: int = 8) -> None:
        self.shift = hours * 3600
        self.first_day = first_day
        days = [time.strftime("%Y-%m-%d", time.gmtime((first_day + n) * DAY_SECONDS)) for n in range(day_count)]
        seconds = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}{suffix}" for s in range(DAY_SECONDS)]
        self.days = np.array([day + separator for day in days], dtype=object)
        self.seconds = np.array(seconds, dtype=object)

    def write(self, instants: Array) -> list[object]:
        """The texts of `instants`; null where an instant is negative."""
        local = np.maximum(instants + self.shift, self.first_day * DAY_SECONDS)
        texts = self.days[local // DAY_SECONDS - self.first_day] + self.seconds[local % DAY_SECONDS]
        texts[instants < 0] = None
        written: list[object] = texts.tolist()
        return written


def name_values(names: list[object], codes: Array) -> list[object]:
    """The name of each code; `names` ends with what a negative code means."""
    found: list[object] = np.array([*names], dtype=object)[codes].tolist()
    return found
