"""Old batches of facts made into one, which is proven to give the same rows before any of them is deleted."""

from collections.abc import Iterator
from datetime import datetime

import ibis
import pyarrow as pa

from flows.condensed import Condensation
from flows.errors import QualityGate
from flows.house import House
from flows.lake import PART_ROWS_MAX, QUARANTINE_SCHEMA, LakeView, Manifest, arrow_schema
from flows.retention.candidates import Group
from flows.retired import retire_batch
from flows.schema import TABLES, Table

ORIGIN = "retention"


def condense_group(house: House, group: Group, through_no: int, now: datetime) -> Condensation:
    """The group's landings up to `through_no` condensed: written, proven, and from now on read instead of them.

    Nothing is deleted yet. Raises `QualityGate`, and changes nothing that is read, if the proof fails.
    """
    landings = [it for it in group.landings if it.landing_no <= through_no]
    with house.view(landings) as view:
        manifest = _write_batch(house, group, view, through_no, now)
        _prove(view, group, manifest)
    condensation = Condensation(
        table=group.table,
        platform=group.platform,
        through_no=through_no,
        batch_id=manifest.batch_id,
        row_count=manifest.landed_count,
        condensed_at=now,
        replaced=tuple(it.batch_id for it in landings),
    )
    house.ledger.retention.add_condensation(condensation)
    return condensation


def empty_batches(house: House, group: Group, condensation: Condensation) -> None:
    """Delete the rows of the batches that the condensed one stands for, and of earlier condensed ones."""
    later = {it.batch_id for it in group.landings if it.landing_no > condensation.through_no}
    earlier = house.ledger.retention.list_condensed_ids(group.table, group.platform)
    gone = [*dict.fromkeys(condensation.replaced), *earlier]
    for batch_id in gone:
        if batch_id not in later and batch_id != condensation.batch_id:
            folder = house.lake.find_folder(group.table, batch_id)
            retire_batch(folder, condensation.condensed_at, condensation.batch_id)


def _write_batch(house: House, group: Group, view: LakeView, through_no: int, now: datetime) -> Manifest:
    table = TABLES[group.table]
    slot = f"{ORIGIN}/{through_no}"
    resource = group.platform or group.table
    with house.lake.stage(table, platform=ORIGIN, resource=resource, slot=slot, origin=slot) as batch:
        for part in _read_parts(view.table(table.name), table):
            batch.add(part, QUARANTINE_SCHEMA.empty_table())
        request = {"condensed_through": through_no, "platform": group.platform}
        return batch.commit(window=None, request=request, contract={}, landed_at=now)


def _read_parts(rows: ibis.Table, table: Table) -> Iterator[pa.Table]:
    """The rows in parts of about the lake's size, numbered from 1 on; which part a row is in follows from its key."""
    schema = arrow_schema(table)
    part_count = int(rows.count().to_pyarrow().as_py()) // PART_ROWS_MAX + 1
    number = 1
    for place in range(part_count):
        in_part = rows[table.key[-1]].hash().abs() % part_count == place
        part = rows.filter(in_part).order_by(list(table.key)).to_pyarrow()
        numbers = pa.array(range(number, number + part.num_rows), pa.int64())
        yield part.append_column("record_no", numbers).select(schema.names)
        number += part.num_rows


def _prove(view: LakeView, group: Group, manifest: Manifest) -> None:
    """Raise `QualityGate` unless the condensed batch holds the very rows of the view's table, of each key one."""
    names = [column.name for column in TABLES[group.table].columns]
    merged = view.table(group.table).select(names)
    condensed = view.batch(group.table, manifest.batch_id).select(names)
    merged_count, condensed_count = (int(rows.count().to_pyarrow().as_py()) for rows in (merged, condensed))
    differing_count = int(merged.difference(condensed).count().to_pyarrow().as_py())
    if differing_count or not merged_count == condensed_count == manifest.landed_count:
        raise QualityGate(
            f"{group.subject}: {merged_count} rows hold, the condensed batch {manifest.batch_id} has "
            f"{condensed_count}, and {differing_count} are not in it. Nothing was deleted. Report this, "
            "with the version of fivestar."
        )
