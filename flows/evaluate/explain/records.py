"""The landed records behind one worker's month."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from flows.evaluate.explain.view import WorkerView
from flows.evaluate.explain.worker import LandedRecord
from flows.lake import LakeView
from flows.month import Month
from flows.schema import TABLES

if TYPE_CHECKING:
    import ibis


def list_records(
    view: LakeView, slots: Mapping[str, str], month: Month, staff_id: str, community_code: str
) -> list[LandedRecord]:
    """The rows of roster, appraisals, sanctions and titles that count for the worker, each with its place.

    `slots` says of each batch what it is a copy of: for a sheet, its file.
    """
    own = WorkerView(view, staff_id)
    staff, titles = own.table("staff"), own.table("annual_titles")
    pay_year = month.plus(1).year
    chosen = {
        "staff": staff.filter(staff.month == str(month)),
        "appraisals": own.table("appraisals"),
        "sanctions": own.table("sanctions"),
        "annual_titles": titles.filter(titles.community_code == community_code, titles.pay_year == pay_year),
    }
    return [record for table, rows in chosen.items() for record in _find_places(view, table, rows, slots)]


def _find_places(view: LakeView, table: str, rows: "ibis.Table", slots: Mapping[str, str]) -> list[LandedRecord]:
    """Where each merged row stands in its batch: of several with one key there the last record counts (data.md)."""
    key = list(TABLES[table].key)
    landed = view.landed(table)
    joined = landed.semi_join(rows, [*key, "batch_id"])
    placed = joined.group_by([*key, "batch_id"]).aggregate(record_no=joined.record_no.max())
    return [
        LandedRecord(
            table=table,
            key={name: _write_key(row[name]) for name in key},
            batch_id=row["batch_id"],
            record_no=row["record_no"],
            slot=slots.get(row["batch_id"], ""),
        )
        for row in placed.order_by(key).to_pyarrow().to_pylist()
    ]


def _write_key(value: str | int | date) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
