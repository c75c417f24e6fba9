"""`backup.json`: what a backup holds, so that whoever restores it can tell whether all of it is there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from flows.errors import QualityGate, UsageError
from flows.lake.batches import name_batch
from flows.recovery.files import FILE_MODE, FileRecord

RECORD = "backup.json"
FORMAT = 1
"""The form of a backup's folder; another number is another form."""
LEDGER = "ledger"
CONFIG = "config"
LAKE = "lake"


@dataclass(frozen=True)
class BatchRecord:
    """A landed batch: how many rows of it landed, and its files as they lay in the lake."""

    table: str
    batch_id: str
    row_count: int
    rejected_count: int
    files: Mapping[str, FileRecord]

    @property
    def folder(self) -> str:
        """Where its files lie, in the lake as in a backup."""
        return f"{self.table}/{name_batch(self.batch_id)}"


@dataclass(frozen=True)
class BackupRecord:
    """What one backup holds, and of which state of the installation."""

    format: int
    made_at: datetime
    software_version: str
    code_fingerprint: str
    schema_revision: str
    row_counts: Mapping[str, int]
    chain_entry_count: int
    chain_head: str
    newest_landing_no: int
    has_batches: bool
    files: Mapping[str, FileRecord]
    batches: Sequence[BatchRecord]
    lacking: Sequence[str]
    """What the ledger names and the lake had lost when the backup was made."""


_ADAPTER: TypeAdapter[BackupRecord] = TypeAdapter(BackupRecord)


def write_record(folder: Path, record: BackupRecord) -> None:
    """Write the record; a folder with one is a whole backup."""
    file = folder / RECORD
    file.write_bytes(orjson.dumps(asdict(record), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))
    file.chmod(FILE_MODE)


def read_record(folder: Path) -> BackupRecord:
    """The record of the backup in `folder`.

    Raises `UsageError` if that is no backup's folder, and `QualityGate` if the record is damaged.
    """
    try:
        content: Any = orjson.loads((folder / RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{folder}: no backup, for it has no {RECORD}. Name the folder of one backup, such as "
            "20240405T020000Z, not the one that holds them all."
        ) from None
    except orjson.JSONDecodeError:
        raise QualityGate(f"{folder / RECORD}: damaged: not JSON any more. Use another backup.") from None
    try:
        record = _ADAPTER.validate_python(content)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise QualityGate(f"{folder / RECORD}: damaged, or of another version, at {place}. Use another.") from None
    if record.format != FORMAT:
        raise UsageError(
            f"{folder}: a backup of form {record.format}, and this version of fivestar knows form {FORMAT}. Restore "
            f"it with version {record.software_version}."
        )
    return record
