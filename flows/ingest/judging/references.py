"""What rows are judged against beyond themselves, read from the lake and the policy."""

from datetime import datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.house import House
from flows.ingest.describe.source import Resource
from flows.ingest.judging.drift import KnownTypes
from flows.ingest.judging.predicates import Bands, References
from flows.month import city_day
from flows.policy import load_policy

BATCHES_ASKED = 50
"""How many of a resource's latest batches are asked for the kinds of values that they knew."""


def read_references(house: House, now: datetime, bands: Bands) -> References:
    """Every community and grid that a landed register ever held, valid or not (data.md, "In `communities` means")."""
    communities = _read_register(house, "communities", ["community_code"])
    grids: dict[str, set[str]] = {}
    for row in _read_register(house, "grids", ["grid_code", "community_code"]).to_pylist():
        grids.setdefault(row["grid_code"], set()).add(row["community_code"])
    return References(
        communities=frozenset(communities.column("community_code").to_pylist()),
        grids={grid: frozenset(codes) for grid, codes in grids.items()},
        pulled_at=now,
        bands=bands,
    )


def read_bands(config: Path, now: datetime) -> Bands:
    """The lowest and highest grade of each post in force today; none if the configuration holds no policy."""
    folder = config / "policy"
    if not folder.is_dir():
        return {}
    bands = load_policy(folder).at(city_day(now)).mapping("grades.bands")
    return {post: (int(band["floor"]), int(band["ceiling"])) for post, band in bands.items()}


def read_known_types(house: House, platform: str, name: str, resource: Resource) -> KnownTypes:
    """The kinds of values that the resource's landed batches knew of each column still mapped as it was then.

    Each knew what those before it did; the latest fifty are asked, for one that landed before may land again. Raises
    `QualityGate` if the lake has lost one.
    """
    batches = dict.fromkeys(
        landing.batch_id
        for landing in reversed(house.ledger.list_landings())
        if (landing.platform, landing.table) == (platform, resource.table)
        and landing.batch_id.rpartition("-")[0] == f"{platform}-{name}"
    )
    known: dict[str, set[str]] = {}
    for batch_id in islice(batches, BATCHES_ASKED):
        contract = house.lake.read_manifest(resource.table, batch_id)["contract"]
        for column, kinds in contract.get("types", {}).items():
            if contract["fields"].get(column) == resource.fields.get(column):
                known.setdefault(column, set()).update(kinds)
    return known


def _read_register(house: House, table: str, columns: list[str]) -> pa.Table:
    batches = dict.fromkeys(it.batch_id for it in house.ledger.list_landings() if it.table == table)
    parts = [pq.ParquetFile(file).read(columns) for it in batches for file in house.lake.list_parts(table, it)]
    if not parts:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    return pa.concat_tables(parts).group_by(columns).aggregate([])
