"""A small batch, and how it is landed."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from flows.lake import QUARANTINE_SCHEMA, Lake, Manifest, arrow_schema
from flows.schema import TABLES

NOW = datetime(2024, 4, 3, tzinfo=UTC)
COMMUNITY = {
    "community_code": "410202001009",
    "name": "甲社区",
    "street_code": "410202001",
    "street_name": "甲街道",
    "district_code": "410202",
    "district_name": "甲区",
    "valid_from": date(2020, 1, 1),
    "valid_to": None,
}
REJECTED = {"record_no": 1, "row_key": None, "reasons": ["unmapped"], "raw": "{}"}

OpenLake = Callable[[str], Lake]
"""Opens the lake that the test is about, on the machine of the name given: each has a home of its own."""


def land(lake: Lake, *rows: dict[str, Any], rejected: tuple[dict[str, Any], ...] = ()) -> Manifest:
    """One batch of communities, each row a part of its own."""
    table = TABLES["communities"]
    with lake.stage(table, platform="p", resource="communities", slot="s") as staged:
        for number, row in enumerate(rows):
            staged.add(
                pa.Table.from_pylist([{**row, "record_no": number}], arrow_schema(table)),
                QUARANTINE_SCHEMA.empty_table(),
            )
        if rejected:
            staged.add(arrow_schema(table).empty_table(), pa.Table.from_pylist(list(rejected), QUARANTINE_SCHEMA))
        return staged.commit(window=None, request={}, contract={}, landed_at=NOW)
