"""The lake: landed batches in, canonical tables out.

A batch is what one pull brought for one table, as immutable Parquet parts beside a manifest. Its id comes from its
content, so the same content lands once. Which batches count, and in which order, is the ledger's business; the lake
only keeps them and merges those it is given.

    <table>/batch_id=<id>/part-00000.parquet       rows that passed, with `record_no`
    <table>/batch_id=<id>/quarantine-00000.parquet rows that did not, each with its raw record and every reason
    <table>/batch_id=<id>/manifest.json            written last: without it there is no batch

They lie in a folder, or in an object store that `FIVESTAR_LAKE_URL` names; then `root` holds copies of what was read.
"""

from flows.lake.batches import (
    PART_ROWS_MAX,
    QUARANTINE_SCHEMA,
    Landing,
    Manifest,
    StagedBatch,
    arrow_schema,
    arrow_type,
)
from flows.lake.landed import Lake, open_lake, read_quarantine_files
from flows.lake.leftovers import STAGING, name_leftover, remove_leftovers
from flows.lake.object_storage import describe_lake_url
from flows.lake.view import LakeView, TableView

__all__ = [
    "PART_ROWS_MAX",
    "QUARANTINE_SCHEMA",
    "STAGING",
    "Lake",
    "LakeView",
    "Landing",
    "Manifest",
    "StagedBatch",
    "TableView",
    "arrow_schema",
    "arrow_type",
    "describe_lake_url",
    "name_leftover",
    "open_lake",
    "read_quarantine_files",
    "remove_leftovers",
]
