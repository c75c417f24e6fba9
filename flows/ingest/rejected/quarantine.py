"""Rejected rows, with what they were, why they did not pass, and whether they still wait."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flows.errors import describe_damage
from flows.house import House
from flows.ingest.describe.records import Window
from flows.ingest.ingestion import read_sources
from flows.ingest.rejected.refused import read_refused
from flows.ingest.rejected.standing import Standing
from flows.lake import Landing

RowState = Literal["open", "superseded", "replayed", "refused"]
"""`open`: waits for a mended mapping, rule or register. `superseded`: a row with its key landed later. `replayed`: it
landed since. `refused`: the whole pull was refused, so nothing of it landed."""


@dataclass(frozen=True)
class QuarantinedRow:
    """One rejected row. `raw` is the source's record as JSON and may hold a person's data: show it, never log it."""

    table: str
    platform: str
    batch_id: str
    record_no: int
    row_key: str | None
    reasons: tuple[str, ...]
    raw: str
    state: RowState = "open"


@dataclass(frozen=True)
class QuarantinedBatch:
    """A batch with rejected rows, landed or of a refused pull, and where it came from.

    `slot` is the file or window; `window` is empty where none narrows what is pulled. `landed_at` is when it was
    pulled, `replayed_nos` are the rows that landed since.
    """

    batch_id: str
    table: str
    platform: str
    resource: str
    slot: str
    window: Window | None
    landed_at: datetime
    rejected_count: int
    fields: Mapping[str, str]
    """How the columns were mapped then."""
    replayed_nos: frozenset[int] = frozenset()
    is_refused: bool = False

    @property
    def waiting_count(self) -> int:
        """Rejected rows that have not landed since."""
        return self.rejected_count - len(self.replayed_nos)


def check_platform(house: House, platform: str | None) -> None:
    """Raise `ConfigurationError` for a source that is neither configured nor has ever landed anything."""
    if platform is not None and all(it.platform != platform for it in house.ledger.list_landings()):
        read_sources(house, platform)


def list_batches(house: House, standing: Standing, *, with_refused: bool = False) -> Iterator[QuarantinedBatch]:
    """The batches that hold rejected rows, in the order of landing; then those of refused pulls, if asked."""
    landed = [it for it in standing.landings if it.rejected_count]
    for landing in landed:
        yield _describe_batch(house, standing, landing)
    if with_refused:
        for refused in read_refused(house):
            yield QuarantinedBatch(
                batch_id=refused.batch_id,
                table=refused.table,
                platform=refused.platform,
                resource=refused.resource,
                slot=refused.slot,
                window=refused.window,
                landed_at=refused.refused_at,
                rejected_count=refused.rows.num_rows,
                fields={},
                is_refused=True,
            )


def read_batch(house: House, batch: QuarantinedBatch) -> Iterator[QuarantinedRow]:
    """The batch's rejected rows by their record's number; those that landed since are marked so.

    Raises `QualityGate` if the lake has lost some of them.
    """
    if batch.is_refused:
        rows = next(it for it in read_refused(house) if it.batch_id == batch.batch_id).rows
    else:
        rows = house.lake.read_quarantine(batch.table, batch.batch_id)
    if rows.num_rows != batch.rejected_count:
        found = f"{rows.num_rows} rejected rows are there, and there were {batch.rejected_count}"
        raise describe_damage(batch.table, batch.batch_id, found)
    for row in rows.to_pylist():
        is_replayed = row["record_no"] in batch.replayed_nos
        yield QuarantinedRow(
            table=batch.table,
            platform=batch.platform,
            batch_id=batch.batch_id,
            record_no=row["record_no"],
            row_key=row["row_key"],
            reasons=tuple(row["reasons"]),
            raw=row["raw"],
            state="refused" if batch.is_refused else "replayed" if is_replayed else "open",
        )


def read_quarantine(
    house: House, *, platform: str | None = None, table: str | None = None
) -> Iterator[QuarantinedRow]:
    """The rejected rows of every batch that counts, in the order of landing, but for those that landed since."""
    for batch in list_batches(house, Standing(house.list_readable())):
        if platform in (None, batch.platform) and table in (None, batch.table):
            yield from (row for row in read_batch(house, batch) if row.state == "open")


def _describe_batch(house: House, standing: Standing, landing: Landing) -> QuarantinedBatch:
    manifest = house.lake.read_manifest(landing.table, landing.batch_id)
    replays = [house.lake.read_manifest(it.table, it.batch_id) for it in standing.list_replays(landing.batch_id)]
    return QuarantinedBatch(
        batch_id=landing.batch_id,
        table=landing.table,
        platform=landing.platform,
        resource=landing.resource,
        slot=landing.slot,
        window=_read_window(manifest),
        landed_at=datetime.fromisoformat(manifest["landed_at"]),
        rejected_count=landing.rejected_count,
        fields=manifest["contract"].get("fields", {}),
        replayed_nos=frozenset(number for it in replays for number in it["request"]["record_nos"]),
    )


def _read_window(manifest: Mapping[str, Any]) -> Window | None:
    if manifest["window_from_at"] is None:
        return None
    return datetime.fromisoformat(manifest["window_from_at"]), datetime.fromisoformat(manifest["window_to_at"])
