"""The lake: landed batches in, canonical tables out.

A batch is what one pull brought for one table, as immutable Parquet parts beside a manifest. Its id comes from its
content, so the same content lands once. Which batches count, and in which order, is the ledger's business; the lake
only keeps them and merges those it is given.

    lake/<table>/batch_id=<id>/part-00000.parquet       rows that passed, with `record_no`
    lake/<table>/batch_id=<id>/quarantine-00000.parquet rows that did not, each with its raw record and every reason
    lake/<table>/batch_id=<id>/manifest.json
"""

import hashlib
import os
import shutil
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from flows.engines import DuckDBEngine, OpenEngine
from flows.errors import describe_damage
from flows.retired import refuse_retired, revive_batch
from flows.schema import TABLES, Column, Table

if TYPE_CHECKING:
    import ibis

PART_ROWS_MAX = 100_000
STAGING = ".staging"

_ARROW_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us"),
    "date": pa.date32(),
    "month": pa.string(),
}

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("record_no", pa.int64(), nullable=False),
        pa.field("row_key", pa.string()),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        pa.field("raw", pa.string(), nullable=False),
    ]
)
"""A rejected row: its place in the pull, its key if it could be read, every reason, and the raw record as JSON."""


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type that holds `column`; instants are UTC without offset, which every engine compares alike."""
    return _ARROW_TYPES[column.kind]


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of `table`'s canonical columns followed by `record_no`, the row's place in its pull."""
    fields = [pa.field(column.name, arrow_type(column), nullable=column.nullable) for column in table.columns]
    return pa.schema([*fields, pa.field("record_no", pa.int64(), nullable=False)])


@dataclass(frozen=True)
class Manifest:
    """What a batch holds and where it came from; written once, with the batch."""

    batch_id: str
    table: str
    platform: str
    resource: str
    slot: str
    window_from_at: datetime | None
    window_to_at: datetime | None
    request: Mapping[str, Any]
    contract: Mapping[str, Any]
    received_count: int
    landed_count: int
    rejected_count: int
    reason_counts: Mapping[str, int]
    content_sha256: str
    landed_at: datetime


@dataclass(frozen=True)
class Landing:
    """One batch's place in the order of landing: of two batches, the one with the greater number is later.

    `row_count` is how many rows passed when it landed; a batch that holds another number is refused.
    """

    landing_no: int
    batch_id: str
    table: str
    platform: str
    row_count: int
    rejected_count: int = 0
    resource: str = ""
    slot: str = ""


class StagedBatch:
    """A batch being written aside; nobody sees it before `commit` renames it into the lake.

    Use it as a context manager: leaving without a commit removes what was written.
    """

    def __init__(self, root: Path, table: Table, platform: str, resource: str, slot: str, *, origin: str) -> None:
        self.table = table
        self.platform = platform
        self.resource = resource
        self.slot = slot
        self.landed_count = 0
        self.rejected_count = 0
        self.reason_counts: dict[str, int] = {}
        self._root = root
        self.folder = self._folder = root / STAGING / name_leftover()
        self._hash = hashlib.sha256(f"{platform}\n{resource}\n{table.name}\n{origin}".encode())
        self._part_count = 0
        self._folder.mkdir(parents=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def received_count(self) -> int:
        return self.landed_count + self.rejected_count

    def add(self, rows: pa.Table, rejected: pa.Table) -> None:
        """Write one part: `rows` in the table's Arrow schema, `rejected` in `QUARANTINE_SCHEMA`."""
        self._write("part", rows.cast(arrow_schema(self.table)))
        self._write("quarantine", rejected.cast(QUARANTINE_SCHEMA))
        self.landed_count += rows.num_rows
        self.rejected_count += rejected.num_rows
        for reasons in rejected.column("reasons").to_pylist():
            for reason in reasons:
                self.reason_counts[reason] = self.reason_counts.get(reason, 0) + 1
        self._part_count += 1

    def commit(
        self,
        *,
        window: tuple[datetime, datetime] | None,
        request: Mapping[str, Any],
        contract: Mapping[str, Any],
        landed_at: datetime,
    ) -> Manifest:
        """The manifest of the batch now in the lake. Content that is there already stays as it was."""
        content = self._hash.hexdigest()
        manifest = Manifest(
            batch_id=f"{self.platform}-{self.resource}-{content[:16]}",
            table=self.table.name,
            platform=self.platform,
            resource=self.resource,
            slot=self.slot,
            window_from_at=window[0] if window else None,
            window_to_at=window[1] if window else None,
            request=request,
            contract=contract,
            received_count=self.received_count,
            landed_count=self.landed_count,
            rejected_count=self.rejected_count,
            reason_counts=dict(sorted(self.reason_counts.items())),
            content_sha256=content,
            landed_at=landed_at,
        )
        target = self._root / self.table.name / f"batch_id={manifest.batch_id}"
        revive_batch(target, self._folder)
        if not target.exists():
            text = orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
            (self._folder / "manifest.json").write_bytes(text)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._folder.rename(target)
            except OSError:
                # Another process may have landed the same content a moment ago.
                if not target.exists():
                    raise
        return manifest

    def _write(self, kind: str, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows.combine_chunks())
        self._hash.update(sink.getvalue())
        pq.write_table(rows, self._folder / f"{kind}-{self._part_count:05d}.parquet", compression="zstd")


def name_leftover() -> str:
    """A name for a temporary folder that tells, if it is left behind, whose it was."""
    return f"{socket.gethostname()}~{os.getpid()}~{uuid.uuid4().hex}"


def remove_leftovers(folder: Path) -> None:
    """Remove what processes of this machine that are gone have left in `folder`."""
    for path in folder.glob(f"{socket.gethostname()}~*~*"):
        try:
            os.kill(int(path.name.split("~")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            continue  # another user's process lives


class TableView(Protocol):
    """What rules may ask of the lake: a canonical table, merged, under its name."""

    def table(self, name: str) -> "ibis.Table": ...


class Lake:
    """The landed batches under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def stage(self, table: Table, *, platform: str, resource: str, slot: str, origin: str = "") -> StagedBatch:
        """A batch to be filled. `slot` names what it is a copy of: a file, a window; `origin` what is no pull's."""
        return StagedBatch(self.root, table, platform, resource, slot, origin=origin)

    def read_manifest(self, table: str, batch_id: str) -> dict[str, Any]:
        """The manifest written with the batch, as plain values. Raises `QualityGate` if the lake has lost it."""
        try:
            manifest: dict[str, Any] = orjson.loads(
                (self.find_folder(table, batch_id) / "manifest.json").read_bytes()
            )
        except (FileNotFoundError, orjson.JSONDecodeError):
            raise describe_damage(table, batch_id, "its manifest is gone") from None
        return manifest

    def read_quarantine(self, table: str, batch_id: str) -> pa.Table:
        """The batch's rejected rows in `QUARANTINE_SCHEMA`."""
        files = sorted(self.find_folder(table, batch_id).glob("quarantine-*.parquet"))
        return pa.concat_tables([pq.read_table(file) for file in files]) if files else QUARANTINE_SCHEMA.empty_table()

    def view(self, landings: Sequence[Landing], scratch: Path, open_engine: OpenEngine = DuckDBEngine) -> "LakeView":
        """The canonical tables as the given landings make them; `scratch` takes what does not fit in memory."""
        return LakeView(self, landings, scratch, open_engine)

    def list_parts(self, table: str, batch_id: str) -> list[str]:
        """The Parquet files that hold the batch's rows; none if every row was rejected."""
        return [str(file) for file in sorted(self.find_folder(table, batch_id).glob("part-*.parquet"))]

    def find_folder(self, table: str, batch_id: str) -> Path:
        """Where the batch lies."""
        return self.root / table / f"batch_id={batch_id}"


class LakeView:
    """Canonical tables on an engine, each merged by key from a fixed list of landings."""

    def __init__(self, lake: Lake, landings: Sequence[Landing], scratch: Path, open_engine: OpenEngine) -> None:
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
