"""Rejected rows as they are listed: narrowed as asked, each with whether it still waits."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from flows.errors import UsageError
from flows.house import House
from flows.ingest.coverage import BEGINNING
from flows.ingest.describe.source import Resource, Source
from flows.ingest.ingestion import read_sources
from flows.ingest.judging.raw import read_raw
from flows.ingest.judging.rejudge import LenientMapper
from flows.ingest.rejected.quarantine import (
    QuarantinedBatch,
    QuarantinedRow,
    RowState,
    check_platform,
    list_batches,
    read_batch,
)
from flows.ingest.rejected.standing import Standing, list_keys, list_versions
from flows.month import Month
from flows.schema import TABLES

WAITING: tuple[RowState, ...] = ("open", "refused")
"""What somebody must still see to."""


@dataclass(frozen=True)
class Filter:
    """Which rejected rows are asked for; what is empty narrows nothing.

    `reason` is one such as `unmapped:category`, or its first word; `month` is that of the pull's window, which begins
    in it or holds all of it.
    """

    platform: str | None = None
    table: str | None = None
    batch_id: str | None = None
    reason: str | None = None
    month: Month | None = None
    states: Collection[RowState] = WAITING

    def takes_batch(self, batch: QuarantinedBatch) -> bool:
        asked = (
            (self.platform, batch.platform),
            (self.table, batch.table),
            (self.batch_id, batch.batch_id),
        )
        return all(wanted in (None, found) for wanted, found in asked) and self._takes_window(batch)

    def takes_row(self, row: QuarantinedRow) -> bool:
        if row.state not in self.states:
            return False
        return self.reason is None or any(self.reason in (it, it.partition(":")[0]) for it in row.reasons)

    def _takes_window(self, batch: QuarantinedBatch) -> bool:
        month, window = self.month, batch.window
        if month is None or window is None or window[0] == BEGINNING:
            return True
        begins_there = month.starts_at <= window[0] < month.ends_at
        return begins_there or (window[0] <= month.starts_at and month.ends_at <= window[1])


def list_rejected(house: House, asked: Filter) -> Iterator[tuple[QuarantinedBatch, QuarantinedRow]]:
    """The rejected rows asked for, in the order of landing, those of refused pulls last.

    Raises `ConfigurationError` for a source that never was, `QualityGate` if the lake lacks rows that landed.
    """
    check_platform(house, asked.platform)
    standing = Standing(house.list_readable())
    batches = [it for it in list_batches(house, standing, with_refused=True) if asked.takes_batch(it)]
    superseded = _find_superseded(house, standing, [it for it in batches if not it.is_refused])
    for batch in batches:
        for row in read_batch(house, batch):
            is_superseded = row.state == "open" and (batch.batch_id, row.record_no) in superseded
            told = replace(row, state="superseded") if is_superseded else row
            if asked.takes_row(told):
                yield batch, told


def count_rejected(house: House, asked: Filter) -> Counter[tuple[str, str, str, RowState, str]]:
    """How many of the rows asked for have each reason: by platform, resource, table, state and reason."""
    counts: Counter[tuple[str, str, str, RowState, str]] = Counter()
    for batch, row in list_rejected(house, asked):
        for reason in row.reasons:
            if asked.reason in (None, reason, reason.partition(":")[0]):
                counts[batch.platform, batch.resource, batch.table, row.state, reason] += 1
    return counts


def find_rejected(
    house: House, batch_id: str, record_no: int | None = None
) -> tuple[QuarantinedBatch, list[QuarantinedRow]]:
    """The batch's rejected rows, or the one of that number, whatever became of them.

    Raises `UsageError` if there is none.
    """
    states: tuple[RowState, ...] = ("open", "superseded", "replayed", "refused")
    found = list(list_rejected(house, Filter(batch_id=batch_id, states=states)))
    rows = [row for _, row in found if record_no in (None, row.record_no)]
    if not found:
        raise UsageError(f"batch {batch_id!r} holds no rejected row. List those that do: fivestar quarantine list.")
    if not rows:
        raise UsageError(
            f"batch {batch_id!r} has no rejected row with the number {record_no}. "
            f"See all of the batch: fivestar quarantine show {batch_id}."
        )
    return found[0][0], rows


def _find_superseded(house: House, standing: Standing, batches: Sequence[QuarantinedBatch]) -> set[tuple[str, int]]:
    """Batch and number of each row behind which another with its key stands, its key as mapped today."""
    waiting = [batch for batch in batches if batch.waiting_count]
    if not waiting:
        return set()
    sources = {source.platform: source for source in read_sources(house)}
    mapped: dict[str, list[tuple[QuarantinedBatch, pa.Table]]] = {}
    for batch in waiting:
        source = sources.get(batch.platform)
        resource = source.resources.get(batch.resource) if source is not None else None
        if source is not None and resource is not None and resource.table == batch.table:
            mapped.setdefault(batch.table, []).append((batch, _map_waiting(house, source, resource, batch)))
    superseded = set()
    for name, found in mapped.items():
        table = TABLES[name]
        others = standing.read_versions(house.lake, table, pa.concat_tables([rows for _, rows in found]))
        for batch, rows in found:
            versions = list_versions(table, rows, standing.find_place(batch.batch_id))
            for key, version in zip(list_keys(table, rows), versions, strict=True):
                if any(version.yields_to(other) for other in others.get(key, ())):
                    superseded.add((batch.batch_id, version.record_no))
    return superseded


def _map_waiting(house: House, source: Source, resource: Resource, batch: QuarantinedBatch) -> pa.Table:
    """The batch's waiting rows as mapped today, without those whose key or date can't be read."""
    table = TABLES[batch.table]
    waiting = [row for row in read_batch(house, batch) if row.state == "open"]
    mapper = LenientMapper(source, resource, f"{batch.platform}, {batch.resource}", {}, ())
    rows = mapper.map_records([read_raw(row.raw) for row in waiting], 0).rows
    rows = rows.drop_columns(["record_no"]).append_column(
        "record_no", pa.array([row.record_no for row in waiting], pa.int64())
    )
    needed = [*table.key, "record_no", *(["updated_at"] if table.has_updated_at else [])]
    known = [all(row[name] is not None for name in needed) for row in rows.select(needed).to_pylist()]
    return rows.filter(pa.array(known, pa.bool_()))
