"""What tests of ingest share: a month, registers to land, and time that passes only when asked to."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from platform_server import CARD

from flows.house import House
from flows.ingest.connect.rest import Timing
from flows.lake import QUARANTINE_SCHEMA, arrow_schema
from flows.schema import TABLES

NOW = datetime(2024, 4, 5, tzinfo=UTC)
LATER = datetime(2024, 4, 14, tzinfo=UTC)
MARCH = (datetime(2024, 2, 29, 16, tzinfo=UTC), datetime(2024, 4, 2, 16, tzinfo=UTC))
CONFIG = Path(__file__).parents[2] / "config"


class Pauses:
    """Waits without waiting: `seconds` holds what was slept, and the clock goes on by it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.timing = Timing(
            sleep=self.seconds.append,
            clock=lambda: sum(self.seconds),
            wall=lambda: 1_710_000_000.0,
            jitter=lambda: 1.0,
        )


ROSTERS = f"""
platform: sheets
title: Sheets
{CARD}
connection: {{kind: files, path: drop}}
resources:
  staff:
    table: staff
    files: "*.csv"
    format: csv
    fields:
      {{month: 月份, staff_id: 工号, name: 姓名, community_code: 社区, post: 岗位, certificate: 证书,
        certificate_on: 取证, current_grade: 等级}}
    defaults:
      {{committee_member: false, employment: hired, degree: none, service_start_on: 2020-01-01,
        prior_service_months: 0}}
"""
"""A source of rosters: each CSV file in the folder `drop` is one."""

STILL = Pauses().timing
"""Time in which every file lies still."""


def land_rows(house: House, table: str, rows: list[dict[str, object]]) -> None:
    """Land register rows, valid since 2020, with "x" in every other column."""
    columns = arrow_schema(TABLES[table])
    given = [
        {**{name: "x" for name in columns.names if columns.field(name).type == pa.string()}, **row} for row in rows
    ]
    full = [{**row, "valid_from": datetime(2020, 1, 1), "record_no": place} for place, row in enumerate(given)]
    slot = f"register of {rows}"
    pull_id = house.ledger.begin_pull(
        platform="register", resource=table, table=table, window=(NOW, NOW), started_at=NOW
    )
    with house.lake.stage(TABLES[table], platform="register", resource=table, slot=slot) as batch:
        batch.add(pa.Table.from_pylist(full, schema=columns), QUARANTINE_SCHEMA.empty_table())
        manifest = batch.commit(window=None, request={}, contract={}, landed_at=NOW)
    house.ledger.finish_pull(
        pull_id,
        status="complete",
        message="",
        received_count=len(rows),
        landed_count=len(rows),
        rejected_count=0,
        finished_at=NOW,
        manifests=[manifest],
    )


def count_rows(house: House, table: str) -> int:
    """Rows of the canonical table, as everything landed makes it."""
    with house.view() as view:
        return int(view.table(table).count().execute())
