"""A batch: what it holds, where it came from, and how it is written."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from flows.lake.leftovers import STAGING, name_leftover
from flows.lake.storage import MANIFEST, Storage
from flows.retired import revive_batch
from flows.schema import Column, Table

PART_ROWS_MAX = 100_000

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


def name_batch(batch_id: str) -> str:
    """The name of the batch's folder, by which engines know the batch of a row."""
    return f"batch_id={batch_id}"


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
    """A batch being written aside; nobody sees it before `commit` puts it into the lake.

    Use it as a context manager: leaving without a commit removes what was written.
    """

    def __init__(
        self, storage: Storage, table: Table, platform: str, resource: str, slot: str, *, origin: str
    ) -> None:
        self.table = table
        self.platform = platform
        self.resource = resource
        self.slot = slot
        self.landed_count = 0
        self.rejected_count = 0
        self.reason_counts: dict[str, int] = {}
        self._storage = storage
        self.folder = self._folder = storage.root / STAGING / name_leftover()
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
        key = f"{manifest.table}/{name_batch(manifest.batch_id)}"
        revive_batch(self._storage.root / key, self._folder)
        if not self._storage.holds(key):
            text = orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
            (self._folder / MANIFEST).write_bytes(text)
            self._storage.put(self._folder, key)
        return manifest

    def _write(self, kind: str, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows.combine_chunks())
        self._hash.update(sink.getvalue())
        pq.write_table(rows, self._folder / f"{kind}-{self._part_count:05d}.parquet", compression="zstd")
