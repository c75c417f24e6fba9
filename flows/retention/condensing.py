"""Old batches of facts made into one, which is proven to give the same rows before any of them is deleted."""

from collections.abc import Iterator
from datetime import datetime

import ibis
import pyarrow as pa

from flows.condensed import Condensation
from flows.errors import QualityGate
from flows.house import House
from flows.lake import PART_ROWS_MAX, QUARANTINE_SCHEMA, LakeView, Manifest, arrow_schema
from flows.locks import wait_for_file
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


def empty_batches(house: House, condensation: Condensation, now: datetime) -> None:
    """Delete the rows of the batches that the condensed one stands for, and of earlier condensed ones.

    One that has landed again since stays.
    """
    earlier = house.ledger.retention.list_condensed_ids(condensation.table, condensation.platform)
    gone = [*dict.fromkeys(condensation.replaced), *earlier]
    # Whatever lands from here on finds the mark, and gives the batch its rows back.
    with wait_for_file(house.landing_lock):
        landings = house.ledger.list_landings()
        kept = {it.batch_id for it in landings if condensation.holds(it) and it.landing_no > condensation.through_no}
        for batch_id in gone:
            if batch_id not in kept and batch_id != condensation.batch_id:
                retire_batch(house.lake.find_folder(condensation.table, batch_id), now, condensation.batch_id)


def _write_batch(house: House, group: Group, view: LakeView, through_no: int, now: datetime) -> Manifest:
    table = TABLES[group.table]
    slot = f"{ORIGIN}/{through_no}"
    resource = group.platform or group.table
    with house.lake.stage(table, platform=ORIGIN, resource=resource, slot=slot, origin=slot) as batch:
        for part in _read_parts(view, table):
            batch.add(part, QUARANTINE_SCHEMA.empty_table())
        request = {"condensed_through": through_no, "platform": group.platform}
        return batch.commit(window=None, request=request, contract={}, landed_at=now)


def _read_parts(view: LakeView, table: Table) -> Iterator[pa.Table]:
    """The rows that hold, numbered by their key from 1 on, in parts of the lake's size."""
    names = arrow_schema(table).names
    number = ibis.row_number().over(order_by=list(table.key)) + 1
    # Merged once, and kept by number: a part is then found without reading the others.
    rows = view.keep(view.table(table.name).mutate(record_no=number).select(names).order_by("record_no"), "numbered")
    row_count = int(rows.count().to_pyarrow().as_py())
    for first in range(1, row_count + 1, PART_ROWS_MAX):
        in_part = rows.record_no.between(first, first + PART_ROWS_MAX - 1)
        yield rows.filter(in_part).order_by("record_no").to_pyarrow()


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
