"""Canonical tables from rows in memory, as rules see the lake."""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import pyarrow as pa

from flows.lake import arrow_type
from flows.schema import TABLES

Rows = Sequence[Mapping[str, Any]]


def make_table(name: str, rows: Rows) -> ibis.Table:
    """The canonical table `name` with these rows, of batch `b1` unless they say otherwise."""
    fields = [pa.field(column.name, arrow_type(column)) for column in TABLES[name].columns]
    fields.append(pa.field("batch_id", pa.string()))
    return ibis.memtable(pa.Table.from_pylist([{"batch_id": "b1", **row} for row in rows], pa.schema(fields)))


class MemoryView:
    """A view over rows by table; a table that isn't given is empty."""

    def __init__(self, **rows: Rows) -> None:
        self._rows = rows

    def table(self, name: str) -> ibis.Table:
        """The canonical table `name`."""
        return make_table(name, self._rows.get(name, ()))
