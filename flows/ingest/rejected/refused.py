"""Rejected rows of pulls that a `stop` rule refused: kept aside to look at, never counted, never replayed.

    lake/refused/<platform>/<resource>/refusal.json                  which pull, when, which files or windows
    lake/refused/<platform>/<resource>/<n>/quarantine-00000.parquet  the rejected rows of its n-th batch

Of each resource only the latest refusal is kept, and only until a pull of it ends complete.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from flows.errors import QualityGate
from flows.house import House
from flows.ingest.describe.records import Window
from flows.lake import QUARANTINE_SCHEMA, STAGING, StagedBatch, name_leftover

REFUSED = "refused"
REFUSAL = "refusal.json"


@dataclass(frozen=True)
class RefusedBatch:
    """What one file or window of a refused pull brought that was rejected; `rows` are in `QUARANTINE_SCHEMA`."""

    batch_id: str
    platform: str
    resource: str
    table: str
    slot: str
    window: Window
    refused_at: datetime
    folder: Path

    @property
    def rows(self) -> pa.Table:
        files = sorted(self.folder.glob("quarantine-*.parquet"))
        return pa.concat_tables([pq.read_table(file) for file in files]) if files else QUARANTINE_SCHEMA.empty_table()


@dataclass(frozen=True)
class KeptIfRefused:
    """On leaving with a `QualityGate`, keeps aside the rejected rows that a pull has staged; an earlier refusal's go.

    All `batches` are of one resource. Enter it after them, so that it is left before they are removed.
    """

    house: House
    batches: Sequence[StagedBatch]
    pull_id: int
    window: Window
    refused_at: datetime

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if not isinstance(error, QualityGate) or not self.batches:
            return
        first = self.batches[0]
        refusal = {
            "pull_id": self.pull_id,
            "platform": first.platform,
            "resource": first.resource,
            "table": first.table.name,
            "window_from_at": self.window[0],
            "window_to_at": self.window[1],
            "refused_at": self.refused_at,
            "slots": [batch.slot for batch in self.batches],
        }
        staged = self.house.lake.root / STAGING / name_leftover()
        for number, batch in enumerate(self.batches):
            (staged / str(number)).mkdir(parents=True)
            for file in batch.folder.glob("quarantine-*.parquet"):
                file.rename(staged / str(number) / file.name)
        (staged / REFUSAL).write_bytes(orjson.dumps(refusal, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))
        drop_refused(self.house, first.platform, first.resource)
        target = _find_folder(self.house, first.platform, first.resource)
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(target)


def drop_refused(house: House, platform: str, resource: str) -> None:
    """Remove what the latest refusal of the resource has left, if there was one."""
    shutil.rmtree(_find_folder(house, platform, resource), ignore_errors=True)


def read_refused(house: House) -> Iterator[RefusedBatch]:
    """What is kept of refused pulls, by source and resource; nothing of one that is not the resource's last word."""
    for file in sorted((house.lake.root / REFUSED).glob(f"*/*/{REFUSAL}")):
        refusal = orjson.loads(file.read_bytes())
        if not _holds(house, refusal):
            continue
        for number, slot in enumerate(refusal["slots"]):
            yield RefusedBatch(
                batch_id=f"{REFUSED}-{refusal['platform']}-{refusal['resource']}-{number}",
                platform=refusal["platform"],
                resource=refusal["resource"],
                table=refusal["table"],
                slot=slot,
                window=(_read(refusal["window_from_at"]), _read(refusal["window_to_at"])),
                refused_at=_read(refusal["refused_at"]),
                folder=file.parent / str(number),
            )


def _holds(house: House, refusal: Mapping[str, Any]) -> bool:
    """Whether the pull was refused and is the resource's latest that was, or that ended complete."""
    pulls = house.ledger.list_pulls(refusal["platform"], refusal["resource"], with_findings=False)
    ends = [(pull.id, pull.status) for pull in pulls if pull.status in ("refused", "complete")]
    return bool(ends) and ends[-1] == (refusal["pull_id"], "refused")


def _find_folder(house: House, platform: str, resource: str) -> Path:
    return house.lake.root / REFUSED / platform / resource


def _read(instant: str) -> datetime:
    return datetime.fromisoformat(instant)
