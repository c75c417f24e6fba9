"""The batches that a ledger names, held to what lies in a lake: every one there, with as many rows as landed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.lake import Lake
from flows.lake.batches import name_batch
from flows.lake.storage import MANIFEST
from flows.recovery.files import list_damage, list_files
from flows.recovery.record import BatchRecord
from flows.retired import MARK


@dataclass(frozen=True)
class LandedBatch:
    """A batch as the ledger names it."""

    table: str
    batch_id: str
    row_count: int
    rejected_count: int

    @property
    def folder(self) -> str:
        """Where it lies in a lake."""
        return f"{self.table}/{name_batch(self.batch_id)}"


def list_landed(
    landings: Iterable[Mapping[str, Any]], condensations: Iterable[Mapping[str, Any]]
) -> list[LandedBatch]:
    """The batches of the ledger's rows, each once: those that landed, then the newest condensed ones."""
    found: dict[str, LandedBatch] = {}
    newest = {(row["table_name"], row["platform"]): {**row, "rejected_count": 0} for row in condensations}
    for row in (*landings, *newest.values()):
        batch = LandedBatch(row["table_name"], row["batch_id"], row["row_count"], row["rejected_count"])
        found.setdefault(batch.folder, batch)
    return list(found.values())


def find_fault(lake: Lake, batch: LandedBatch | BatchRecord, *, deep: bool = False) -> str:
    """What is wrong with the batch in the lake; nothing if it is whole. `deep` reads every row."""
    folder = lake.find_folder(batch.table, batch.batch_id)
    if not (folder / MANIFEST).is_file():
        return f"{batch.folder} is gone" if not folder.exists() else f"{batch.folder} has no manifest"
    if (folder / MARK).exists():  # retention has deleted its rows
        return ""
    for kind, expected in (("part", batch.row_count), ("quarantine", batch.rejected_count)):
        try:
            count = sum(_count_rows(file, deep=deep) for file in sorted(folder.glob(f"{kind}-*.parquet")))
        except (OSError, pa.ArrowException):
            return f"{batch.folder}: a {kind} file can't be read"
        if count != expected:
            return f"{batch.folder}: {count} rows of its {kind} files are there, and there were {expected}"
    return ""


def list_faults(lake: Lake, records: Iterable[BatchRecord], *, deep: bool) -> Iterator[str]:
    """What is wrong with the recorded batches in the lake, rows and files."""
    for record in records:
        fault = find_fault(lake, record, deep=deep)
        damage = [] if fault else list(list_damage(lake.find_folder(record.table, record.batch_id), record.files))
        yield from [fault] if fault else [f"{record.folder}/{it}" for it in damage]


def list_batch_files(lake: Lake, batch: LandedBatch) -> dict[str, Path]:
    """The batch's files by their names."""
    return list_files(lake.find_folder(batch.table, batch.batch_id))


def _count_rows(file: Path, *, deep: bool) -> int:
    if deep:
        return sum(batch.num_rows for batch in pq.ParquetFile(file).iter_batches())
    return int(pq.read_metadata(file).num_rows)
