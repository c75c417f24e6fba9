"""Rejected rows, with what they were and why they did not pass."""

from collections.abc import Iterator
from dataclasses import dataclass

from flows.house import House


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


def read_quarantine(
    house: House, *, platform: str | None = None, table: str | None = None
) -> Iterator[QuarantinedRow]:
    """The rejected rows of every batch that counts, in the order of landing, of one platform or table if asked."""
    landings = {it.batch_id: it for it in house.ledger.list_landings()}
    for landing in landings.values():
        if platform not in (None, landing.platform) or table not in (None, landing.table):
            continue
        for row in house.lake.read_quarantine(landing.table, landing.batch_id).to_pylist():
            yield QuarantinedRow(
                table=landing.table,
                platform=landing.platform,
                batch_id=landing.batch_id,
                record_no=row["record_no"],
                row_key=row["row_key"],
                reasons=tuple(row["reasons"]),
                raw=row["raw"],
            )
