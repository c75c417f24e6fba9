"""How landed rows make a canonical table: of several rows with one key the newest holds (data.md, preamble).

Ranking looks at keys and instants only, and finds the rows that newer ones supersede, mostly few. All other columns
are read when a question asks for them.
"""

from collections.abc import Mapping

import ibis
import pyarrow as pa

from flows.schema import Table

RECORD_NO_BITS = 40
"""Room for a row's place in its pull, beside the number of its landing."""


def number_rows(landed: ibis.Table, landing_nos: Mapping[str, int]) -> ibis.Table:
    """`landed` with `row_no`, unique, and greater the later a row landed: by landing, then by record.

    `landing_nos` holds the newest landing of each batch.
    """
    order = pa.table(
        {
            "batch_id": pa.array(landing_nos.keys(), pa.string()),
            "landing_no": pa.array(landing_nos.values(), pa.int64()),
        }
    )
    joined = landed.join(ibis.memtable(order), "batch_id")
    return joined.mutate(row_no=joined.landing_no * 2**RECORD_NO_BITS + joined.record_no).drop("landing_no")


def list_superseded(rows: ibis.Table, table: Table) -> ibis.Table:
    """The `row_no` of every row that is not its key's newest.

    The greatest `updated_at` wins, where `table` has one, then the greatest `row_no`.
    """
    ranked_by = [*(["updated_at"] if table.has_updated_at else []), "row_no"]
    newest_first = ibis.window(group_by=list(table.key), order_by=[ibis.desc(name) for name in ranked_by])
    ranked = rows.select(*table.key, *ranked_by).mutate(place=ibis.row_number().over(newest_first))
    return ranked.filter(ranked.place > 0).select("row_no")


def drop_superseded(rows: ibis.Table, superseded: ibis.Table, table: Table) -> ibis.Table:
    """The rows that hold, in `table`'s columns and `batch_id`."""
    merged = rows.anti_join(superseded, "row_no")
    return merged.select(*(column.name for column in table.columns), "batch_id")
