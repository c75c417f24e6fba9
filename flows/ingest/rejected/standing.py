"""Which of two landed rows with one key is the later one, replayed rows among them.

A replay lands after everything else, and is as old as what it replays: its rows stand where they would stand had they
passed at once. So a row is replayed only if nothing with its key stands behind it (data.md: of several rows with one
key the greatest `updated_at` wins, then the later batch, then the later record).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.errors import QualityGate
from flows.ingest.judging.readings import Mask
from flows.ingest.rejected.touched import find_month, list_month_columns
from flows.lake import Lake, Landing, arrow_schema
from flows.schema import TABLES, Table

REPLAYS = "replay/"

Key = tuple[Any, ...]


def write_replay_slot(batch_id: str) -> str:
    """The slot in which what is replayed of a batch lands."""
    return f"{REPLAYS}{batch_id}"


def find_original(slot: str, batch_ids: Iterable[str]) -> str | None:
    """Which of the batches the slot holds a replay of, if it does: a file may lie in a folder of that name."""
    batch_id = slot.removeprefix(REPLAYS)
    return batch_id if batch_id != slot and batch_id in batch_ids else None


@dataclass(frozen=True)
class Version:
    """One row of a key: where it stands, when the source dated it, and the earliest month that it can touch."""

    place: int
    record_no: int
    updated_at: datetime | None
    month: str | None

    def rank(self) -> tuple[datetime, int, int]:
        """Of the versions of a key the one of the greatest rank holds."""
        return self.updated_at or datetime.min, self.place, self.record_no  # noqa: DTZ901 -- the lake holds no zones

    def yields_to(self, other: "Version") -> bool:
        """Whether `other` came after this row and is no older than it; an older one loses by itself."""
        is_later = (other.place, other.record_no) > (self.place, self.record_no)
        return is_later and other.rank() >= self.rank()


class Standing:
    """The landed batches, each where it stands; a batch that landed twice stands where it landed last."""

    def __init__(self, landings: Sequence[Landing]) -> None:
        self.last_no = max((it.landing_no for it in landings), default=0)
        self._latest = {it.batch_id: it for it in landings}
        self._originals: dict[str, Landing] = {}
        self._replays: dict[str, list[Landing]] = {}
        for landing in self.landings:
            original = self._latest.get(find_original(landing.slot, self._latest) or "")
            # What landed again after it was replayed is as it was before: its rows wait once more.
            if original is not None and original.landing_no < landing.landing_no:
                self._originals[landing.batch_id] = original
                self._replays.setdefault(original.batch_id, []).append(landing)

    @property
    def landings(self) -> list[Landing]:
        """The latest landing of every batch, in their order."""
        return sorted(self._latest.values(), key=lambda it: it.landing_no)

    def list_replays(self, batch_id: str) -> list[Landing]:
        """The replays of a batch that count."""
        return self._replays.get(batch_id, [])

    def find_place(self, batch_id: str) -> int:
        """Where the batch's rows stand: of two rows with one key that of the greater place is later."""
        return self._originals.get(batch_id, self._latest[batch_id]).landing_no

    def read_versions(self, lake: Lake, table: Table, rows: pa.Table) -> dict[Key, list[Version]]:
        """Every landed row of `table` that has the key of one of `rows`, by key.

        Raises `QualityGate` if a batch lacks rows that landed: a later row might be among them.
        """
        found: dict[Key, list[Version]] = {}
        wanted = {name: pc.unique(rows.column(name)) for name in table.key}
        keys = set(list_keys(table, rows))
        dated = ["updated_at"] * table.has_updated_at
        names = list(dict.fromkeys([*table.key, "record_no", *dated, *list_month_columns(table)]))
        for landing in self.landings if keys else ():
            if landing.table != table.name or not _may_hold(landing, wanted):
                continue
            for part in _read_parts(lake, landing, names):
                hits = part.filter(pa.array(_match_keys(part, wanted)))
                for key, version in zip(
                    list_keys(table, hits), list_versions(table, hits, self.find_place(landing.batch_id)), strict=True
                ):
                    if key in keys:
                        found.setdefault(key, []).append(version)
        return found

    def read_delivery(self, lake: Lake, batch_id: str, names: Sequence[str]) -> pa.Table:
        """The columns `names` of what landed of a batch: its rows, then those replayed of it.

        Raises `QualityGate` if the lake lacks some of them.
        """
        landings = [self._latest[batch_id], *self.list_replays(batch_id)]
        nothing = arrow_schema(TABLES[landings[0].table]).empty_table().select(names)
        return pa.concat_tables([nothing, *(part for it in landings for part in _read_parts(lake, it, names))])


def list_keys(table: Table, rows: pa.Table) -> list[Key]:
    """The key of each row."""
    return list(zip(*(rows.column(name).to_pylist() for name in table.key), strict=True))


def list_versions(table: Table, rows: pa.Table, place: int) -> list[Version]:
    """Each row as a version of its key, standing at `place`."""
    nothing = [None] * rows.num_rows
    dates = rows.column("updated_at").to_pylist() if table.has_updated_at else nothing
    columns = list_month_columns(table)
    records = rows.select(columns).to_pylist() if columns else nothing
    months = [find_month(table, record) if record else None for record in records]
    numbers = rows.column("record_no").to_pylist()
    return [Version(place, *values) for values in zip(numbers, dates, months, strict=True)]


def _may_hold(landing: Landing, wanted: Mapping[str, pa.ChunkedArray]) -> bool:
    """Whether one of the keys can be in the batch: a source's events are its own."""
    return landing.table != "events" or landing.platform in wanted["platform"].to_pylist()


def _read_parts(lake: Lake, landing: Landing, names: Sequence[str]) -> Iterator[pa.Table]:
    count = 0
    for file in lake.list_parts(landing.table, landing.batch_id):
        part = pq.ParquetFile(file).read(names).select(names)
        count += part.num_rows
        yield part
    if count != landing.row_count:
        raise QualityGate(
            f"lake, {landing.table}, batch {landing.batch_id}: {count} rows are there, and {landing.row_count} "
            "landed. The lake is damaged: restore the batch's folder from a backup, then replay again."
        )


def _match_keys(rows: pa.Table, wanted: Mapping[str, pa.ChunkedArray]) -> Mask:
    """The rows whose key is made of wanted values, column by column."""
    mask = np.ones(rows.num_rows, bool)
    for name, values in wanted.items():
        mask &= pc.is_in(rows.column(name), values).to_numpy()
    return mask
