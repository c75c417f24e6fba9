"""Rejected rows of pulls that a `stop` rule refused: kept aside to look at, never counted, never replayed.

    refused/<platform>/<resource>/<pull>/refusal.json                  which pull, when, which files or windows
    refused/<platform>/<resource>/<pull>/<n>/quarantine-00000.parquet  the rejected rows of its n-th batch

Of each resource only the latest refusal is kept, and only until a pull of it ends complete.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import pyarrow as pa

from flows.errors import QualityGate
from flows.house import House
from flows.ingest.describe.records import Window
from flows.lake import STAGING, StagedBatch, name_leftover, read_quarantine_files
from flows.lake.storage import REFUSAL

REFUSED = "refused"


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
        return read_quarantine_files(self.folder)


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
        self.house.lake.storage.put(staged, f"{_find_key(first.platform, first.resource)}/{self.pull_id}")


def drop_refused(house: House, platform: str, resource: str) -> None:
    """Remove what the latest refusal of the resource has left, if there was one."""
    house.lake.storage.remove(_find_key(platform, resource))


def read_refused(house: House) -> Iterator[RefusedBatch]:
    """What is kept of refused pulls, by source and resource; nothing of one that is not the resource's last word."""
    storage = house.lake.storage
    for key in storage.list_keys(REFUSED):
        refusal = orjson.loads(storage.read_file(key, REFUSAL))
        if not _holds(house, refusal):
            continue
        folder = storage.fetch(key)
        for number, slot in enumerate(refusal["slots"]):
            yield RefusedBatch(
                batch_id=f"{REFUSED}-{refusal['platform']}-{refusal['resource']}-{number}",
                platform=refusal["platform"],
                resource=refusal["resource"],
                table=refusal["table"],
                slot=slot,
                window=(_read(refusal["window_from_at"]), _read(refusal["window_to_at"])),
                refused_at=_read(refusal["refused_at"]),
                folder=folder / str(number),
            )


def _holds(house: House, refusal: Mapping[str, Any]) -> bool:
    """Whether the pull was refused and is the resource's latest that was, or that ended complete."""
    pulls = house.ledger.list_pulls(refusal["platform"], refusal["resource"], with_findings=False)
    ends = [(pull.id, pull.status) for pull in pulls if pull.status in ("refused", "complete")]
    return bool(ends) and ends[-1] == (refusal["pull_id"], "refused")


def _find_key(platform: str, resource: str) -> str:
    return f"{REFUSED}/{platform}/{resource}"


def _read(instant: str) -> datetime:
    return datetime.fromisoformat(instant)
