"""The lake: what lands, what is merged, and what a killed or repeated landing leaves."""

import socket
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lake_kit import COMMUNITY, NOW

from flows.engines import OpenEngine
from flows.errors import QualityGate
from flows.lake import QUARANTINE_SCHEMA, Lake, Landing, arrow_schema, name_leftover, remove_leftovers
from flows.ledger import Ledger
from flows.schema import TABLES

Read = Callable[[str, list[str]], list[dict[str, Any]]]

INCIDENT = {
    "incident_id": "I1",
    "community_code": "410202001009",
    "kind": "petition",
    "occurred_on": date(2024, 3, 5),
    "status": "confirmed",
    "updated_at": datetime(2024, 3, 5),
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def land(lake: Lake, table: str, parts: list[list[dict[str, Any]]], slot: str = "s") -> str:
    with lake.stage(TABLES[table], platform="p", resource=table, slot=slot) as staged:
        number = 0
        for part in parts:
            rows = [{**row, "record_no": number + index} for index, row in enumerate(part)]
            number += len(part)
            staged.add(pa.Table.from_pylist(rows, arrow_schema(TABLES[table])), QUARANTINE_SCHEMA.empty_table())
        return staged.commit(window=None, request={}, contract={}, landed_at=NOW).batch_id


@pytest.fixture
def read(lake: Lake, tmp_path: Path, open_engine: OpenEngine) -> Read:
    """Reads a canonical table as batches make it that landed in the order given; on each engine."""

    def read_table(table: str, batch_ids: list[str]) -> list[dict[str, Any]]:
        landings = [
            Landing(number, batch_id, table, "p", lake.read_manifest(table, batch_id)["landed_count"])
            for number, batch_id in enumerate(batch_ids)
        ]
        with lake.view(landings, tmp_path / "scratch", open_engine) as view:
            return view.table(table).to_pyarrow().to_pylist()

    return read_table


def test_equal_content_lands_as_the_same_batch_and_other_content_as_another(lake: Lake) -> None:
    first = land(lake, "communities", [[COMMUNITY]])
    assert land(lake, "communities", [[COMMUNITY]], slot="other window") == first
    assert land(lake, "communities", [[{**COMMUNITY, "name": "乙社区"}]]) != first


def test_a_batch_left_without_commit_leaves_nothing(lake: Lake) -> None:
    with lake.stage(TABLES["communities"], platform="p", resource="communities", slot="s") as staged:
        rows = pa.Table.from_pylist([{**COMMUNITY, "record_no": 0}], arrow_schema(TABLES["communities"]))
        staged.add(rows, QUARANTINE_SCHEMA.empty_table())
    assert [path for path in lake.root.rglob("*") if path.is_file()] == []


def test_a_table_that_nothing_filled_is_there_and_empty(lake: Lake, read: Read) -> None:
    assert read("events", []) == []


def test_rows_carry_the_batch_they_came_from(lake: Lake, read: Read) -> None:
    batch_id = land(lake, "communities", [[COMMUNITY]])
    assert read("communities", [batch_id]) == [{**COMMUNITY, "batch_id": batch_id}]


def test_the_greatest_updated_at_wins_whichever_batch_is_later(lake: Lake, read: Read) -> None:
    newer = land(lake, "incidents", [[{**INCIDENT, "status": "withdrawn", "updated_at": datetime(2024, 3, 9)}]])
    older = land(lake, "incidents", [[INCIDENT]])
    for order in ([newer, older], [older, newer]):
        assert [row["status"] for row in read("incidents", order)] == ["withdrawn"]


def test_at_equal_updated_at_the_later_batch_wins(lake: Lake, read: Read) -> None:
    confirmed = land(lake, "incidents", [[INCIDENT]])
    withdrawn = land(lake, "incidents", [[{**INCIDENT, "status": "withdrawn"}]])
    assert read("incidents", [confirmed, withdrawn])[0]["status"] == "withdrawn"
    assert read("incidents", [withdrawn, confirmed])[0]["status"] == "confirmed"


def test_within_a_batch_the_later_record_wins_also_across_its_parts(lake: Lake, read: Read) -> None:
    batch_id = land(lake, "incidents", [[INCIDENT], [{**INCIDENT, "status": "withdrawn"}]])
    assert [row["status"] for row in read("incidents", [batch_id])] == ["withdrawn"]


def test_a_batch_that_landed_again_counts_as_the_later_one(lake: Lake, read: Read) -> None:
    first = land(lake, "communities", [[COMMUNITY]])
    second = land(lake, "communities", [[{**COMMUNITY, "name": "乙社区"}]])
    assert read("communities", [first, second, first])[0]["name"] == "甲社区"


def test_rows_of_one_code_with_other_starts_of_validity_stay_side_by_side(lake: Lake, read: Read) -> None:
    batch_id = land(lake, "communities", [[COMMUNITY, {**COMMUNITY, "valid_from": date(2024, 3, 1)}]])
    assert len(read("communities", [batch_id])) == 2


def test_rejected_rows_keep_their_raw_record_and_every_reason(lake: Lake) -> None:
    rejected = {"record_no": 3, "row_key": "I1", "reasons": ["null:kind", "unknown_community"], "raw": '{"id":"I1"}'}
    with lake.stage(TABLES["incidents"], platform="p", resource="incidents", slot="s") as staged:
        staged.add(
            arrow_schema(TABLES["incidents"]).empty_table(), pa.Table.from_pylist([rejected], QUARANTINE_SCHEMA)
        )
        manifest = staged.commit(window=(NOW, NOW), request={"path": "/i"}, contract={}, landed_at=NOW)
    assert lake.read_quarantine("incidents", manifest.batch_id).to_pylist() == [rejected]
    assert manifest.reason_counts == {"null:kind": 1, "unknown_community": 1}
    stored = lake.read_manifest("incidents", manifest.batch_id)
    assert (stored["received_count"], stored["landed_count"], stored["rejected_count"]) == (1, 0, 1)


def test_a_batch_that_lost_rows_is_refused_and_never_taken_for_an_empty_one(lake: Lake, tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with lake.stage(TABLES["incidents"], platform="p", resource="incidents", slot="s") as staged:
        rows = pa.Table.from_pylist([{**INCIDENT, "record_no": 0}], arrow_schema(TABLES["incidents"]))
        staged.add(rows, QUARANTINE_SCHEMA.empty_table())
        manifest = staged.commit(window=None, request={}, contract={}, landed_at=NOW)
    pull_id = ledger.begin_pull(
        platform="p", resource="incidents", table="incidents", window=(NOW, NOW), started_at=NOW
    )
    ledger.finish_pull(
        pull_id,
        status="complete",
        message="",
        received_count=1,
        landed_count=1,
        rejected_count=0,
        finished_at=NOW,
        manifests=[manifest],
    )
    for part in lake.list_parts("incidents", manifest.batch_id):
        Path(part).unlink()
    with (
        lake.view(ledger.list_landings(), tmp_path / "scratch") as view,
        pytest.raises(QualityGate, match="0 rows are there, and 1 landed"),
    ):
        view.table("incidents")


def test_what_a_process_that_is_gone_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    own = tmp_path / name_leftover()
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = tmp_path / f"{socket.gethostname()}~{gone.pid}~x"
    elsewhere = tmp_path / f"another-machine~{gone.pid}~x"
    for folder in (own, left, elsewhere):
        folder.mkdir()
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([own, elsewhere])
