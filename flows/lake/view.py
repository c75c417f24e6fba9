"""Landed rows as canonical tables, counted on an engine."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from flows.engines import OpenEngine
from flows.errors import describe_damage
from flows.lake.batches import Landing, arrow_schema
from flows.lake.leftovers import name_leftover
from flows.retired import refuse_retired
from flows.schema import TABLES, Table

if TYPE_CHECKING:
    import ibis

    from flows.lake.landed import Lake


class TableView(Protocol):
    """What rules may ask of the lake: a canonical table, merged, under its name."""

    def table(self, name: str) -> "ibis.Table": ...


class LakeView:
    """Canonical tables on an engine, each merged by key from a fixed list of landings."""

    def __init__(self, lake: "Lake", landings: Sequence[Landing], scratch: Path, open_engine: OpenEngine) -> None:
        import ibis  # noqa: PLC0415 -- half a second that only counting needs

        scratch.mkdir(parents=True, exist_ok=True)
        self._ibis = ibis
        self._lake = lake
        self._landings = landings
        self._folder = scratch / name_leftover()
        self._folder.mkdir()
        self._engine = open_engine(self._folder)
        self._merged: dict[str, ibis.Table] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def table(self, name: str) -> "ibis.Table":
        """The canonical table `name` with `batch_id`: of several rows with one key the newest (data.md, preamble).

        Which rows are superseded is found on first use and kept; each question then reads the landed rows, and of
        them only the columns that it needs.
        """
        if name not in self._merged:
            self._merged[name] = self._merge(TABLES[name])
        return self._merged[name]

    def landed(self, name: str) -> "ibis.Table":
        """Every landed row of the canonical table `name` with `record_no` and `batch_id`: older versions too."""
        table = TABLES[name]
        counts = {landing.batch_id: landing.row_count for landing in self._landings if landing.table == name}
        files = [file for batch in counts.items() for file in self._list_whole_parts(table, *batch)]
        if files:
            return self._engine.read_batches(files, self._lake.root / name)
        return self._ibis.memtable(arrow_schema(table).append(pa.field("batch_id", pa.string())).empty_table())

    def batch(self, name: str, batch_id: str) -> "ibis.Table":
        """The rows of one batch of the canonical table `name` as they lie there, whether it counts or not."""
        return self._engine.read_batches(self._lake.list_parts(name, batch_id), self._lake.root / name)

    def keep(self, rows: "ibis.Table", name: str) -> "ibis.Table":
        """The rows reckoned once, in their order, and kept under a name of their own until the view ends."""
        return self._engine.keep(rows, name)

    def _merge(self, table: Table) -> "ibis.Table":
        from flows.merging import drop_superseded, list_superseded, number_rows  # noqa: PLC0415 -- as for ibis

        landings = sorted((it for it in self._landings if it.table == table.name), key=lambda it: it.landing_no)
        rows = number_rows(self.landed(table.name), {it.batch_id: it.landing_no for it in landings})
        superseded = self._engine.keep(list_superseded(rows, table), table.name)
        return drop_superseded(rows, superseded, table)

    def _list_whole_parts(self, table: Table, batch_id: str, row_count: int) -> list[str]:
        """The batch's parts. Raises `QualityGate` if they don't hold the rows that landed: missing is never zero."""
        files = self._lake.list_parts(table.name, batch_id)
        found_count = sum(pq.read_metadata(file).num_rows for file in files)
        if found_count != row_count:
            refuse_retired(self._lake.find_folder(table.name, batch_id), table.name, batch_id)
            raise describe_damage(table.name, batch_id, f"{found_count} rows are there, and {row_count} landed")
        return files
