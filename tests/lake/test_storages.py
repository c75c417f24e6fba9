"""What holds of a lake wherever it lies: in a folder, on S3, on a filesystem of fsspec's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lake_kit import COMMUNITY, REJECTED, OpenLake, land

from flows.errors import QualityGate
from flows.lake import STAGING, Lake, Landing, Manifest
from flows.schema import TABLES

OTHER = {**COMMUNITY, "community_code": "410202001010"}


def read(lake: Lake, manifest: Manifest, scratch: Path) -> list[dict[str, Any]]:
    landing = Landing(1, manifest.batch_id, "communities", "p", manifest.landed_count)
    with lake.view([landing], scratch) as view:
        return view.table("communities").order_by("community_code").to_pyarrow().to_pylist()


def test_another_machine_reads_what_landed_whole(open_on: OpenLake, tmp_path: Path) -> None:
    manifest = land(open_on("one"), COMMUNITY, OTHER, rejected=(REJECTED,))
    lake = open_on("two")
    assert [row["community_code"] for row in read(lake, manifest, tmp_path / "scratch")] == [
        "410202001009",
        "410202001010",
    ]
    assert {row["batch_id"] for row in read(lake, manifest, tmp_path / "scratch")} == {manifest.batch_id}
    assert lake.read_quarantine("communities", manifest.batch_id).to_pylist() == [REJECTED]
    assert lake.read_manifest("communities", manifest.batch_id)["landed_count"] == 2


def test_equal_content_from_another_machine_is_the_same_batch_and_stays_as_it_was(open_on: OpenLake) -> None:
    first, second = (land(open_on(machine), COMMUNITY) for machine in ("one", "two"))
    assert second == first
    assert open_on("three").list_batches() == [("communities", first.batch_id)]
    assert open_on("three").remove_unfinished(datetime.now(UTC) + timedelta(minutes=1)) == []
    assert open_on("four").read_manifest("communities", first.batch_id)["landed_count"] == 1


def test_what_is_left_without_a_commit_leaves_nothing(open_on: OpenLake) -> None:
    lake = open_on("one")
    with pytest.raises(RuntimeError, match="killed"):
        _fail_while_staging(lake)
    assert lake.list_batches() == []
    assert list((lake.root / STAGING).iterdir()) == []


def _fail_while_staging(lake: Lake) -> None:
    with lake.stage(TABLES["communities"], platform="p", resource="communities", slot="s"):
        raise RuntimeError("killed")


def test_a_batch_that_is_gone_is_damage_and_never_no_rows(open_on: OpenLake, tmp_path: Path) -> None:
    manifest = land(open_on("one"), COMMUNITY)
    open_on("one").storage.remove(f"communities/batch_id={manifest.batch_id}")
    lake = open_on("two")
    with pytest.raises(QualityGate, match="its manifest is gone"):
        lake.read_manifest("communities", manifest.batch_id)
    with pytest.raises(QualityGate, match="0 rows are there, and 1 landed"):
        read(lake, manifest, tmp_path / "scratch")


def test_a_deleted_batch_is_gone_for_who_deleted_it_too_and_deleting_again_changes_nothing(open_on: OpenLake) -> None:
    lake = open_on("one")
    kept, gone = land(lake, COMMUNITY), land(lake, OTHER)
    for _ in range(2):
        lake.storage.remove(f"communities/batch_id={gone.batch_id}")
        assert lake.list_batches() == [("communities", kept.batch_id)]
        assert lake.list_parts("communities", gone.batch_id) == []
    assert land(lake, OTHER) == gone
    assert len(lake.list_batches()) == 2


def test_a_copied_batch_is_the_batch(open_on: OpenLake, tmp_path: Path) -> None:
    source, target = Lake(tmp_path / "folder"), open_on("one")
    manifest = land(source, COMMUNITY, rejected=(REJECTED,))
    for _ in range(2):
        source.copy_batch("communities", manifest.batch_id, target)
    assert land(open_on("two"), COMMUNITY, rejected=(REJECTED,)) == manifest
    assert target.list_batches() == [("communities", manifest.batch_id)]
    assert read(open_on("three"), manifest, tmp_path / "scratch")[0]["name"] == "甲社区"
    with pytest.raises(QualityGate, match="its manifest is gone"):
        source.copy_batch("communities", "p-communities-0000000000000000", target)


def test_a_lake_can_be_tried_without_leaving_anything(open_on: OpenLake) -> None:
    lake = open_on("one")
    lake.storage.probe()
    assert lake.list_batches() == []
