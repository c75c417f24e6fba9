"""However rows are spread over batches, the condensed batch gives every reader of all of them the same table."""

import fcntl
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from city_runs import CONFIG
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import QualityGate
from flows.house import House, open_house
from flows.lake import QUARANTINE_SCHEMA, Landing, Manifest, StagedBatch, arrow_schema
from flows.locks import share_file
from flows.retention.candidates import list_groups
from flows.retention.condensing import condense_group, empty_batches
from flows.retired import MARK
from flows.schema import CHECKS
from flows.settings import load_settings

NOW = datetime(2024, 4, 3, tzinfo=UTC)
LONG_AFTER = datetime(2025, 6, 20, tzinfo=UTC)
FINDINGS = ("verified", "false_closure", "rework")

# A row: which check, when its source last wrote it, what it says. Few of each: many share a key and an instant.
Rows = list[tuple[int, int, int]]
rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=4)


def make_rows(content: Sequence[tuple[int, int, int]]) -> pa.Table:
    day = datetime(2024, 3, 1)
    records = [
        {
            "check_id": f"c{key}",
            "platform": "public_service",
            "event_id": f"e{key}",
            "community_code": "410202001001",
            "finding": FINDINGS[finding],
            "checked_at": day,
            "updated_at": day + timedelta(days=written),
            "record_no": number,
        }
        for number, (key, written, finding) in enumerate(content, start=1)
    ]
    return pa.Table.from_pylist(records, schema=arrow_schema(CHECKS))


def stage(house: House, content: Sequence[tuple[int, int, int]], slot: str) -> tuple[StagedBatch, Manifest]:
    with house.lake.stage(CHECKS, platform="supervision", resource="checks", slot=slot, origin=slot) as batch:
        batch.add(make_rows(content), QUARANTINE_SCHEMA.empty_table())
        return batch, batch.commit(window=None, request={}, contract={}, landed_at=NOW)


def land(house: House, content: Sequence[tuple[int, int, int]], slot: str) -> None:
    """One batch of checks landed."""
    _, manifest = stage(house, content, slot)
    window = (NOW - timedelta(days=30), NOW)
    pull_id = house.ledger.begin_pull(
        platform="supervision", resource="checks", table="checks", window=window, started_at=NOW
    )
    count = manifest.landed_count
    house.ledger.finish_pull(
        pull_id, status="complete", message="", received_count=count, landed_count=count, rejected_count=0,
        finished_at=NOW, manifests=[manifest],
    )  # fmt: skip


def read_checks(house: House, landings: list[Landing] | None = None) -> list[dict[str, Any]]:
    with house.view(landings) as view:
        found = view.table("checks").drop("batch_id").to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: row["check_id"])


def condense(house: House, through_no: int) -> None:
    """What `retention --apply` does with the first landings."""
    [group] = list_groups(house)
    empty_batches(house, condense_group(house, group, through_no, LONG_AFTER), LONG_AFTER)
    [*_, newest] = house.ledger.retention.list_condensed_ids("checks", "")
    filled = {path.parent.name for path in house.lake.root.glob("checks/*/part-*.parquet")}
    condensed = {name for name in filled if name.startswith("batch_id=retention-")}
    assert condensed == {f"batch_id={newest}"}


@settings(max_examples=2)
@given(batches=st.lists(rows, min_size=3, max_size=4), cuts=st.tuples(st.integers(1, 3), st.integers(2, 4)))
def test_every_reader_of_all_that_was_condensed_finds_the_same_rows(
    batches: list[Rows], cuts: tuple[int, int]
) -> None:
    first, second = min(cuts), min(max(cuts), len(batches))
    with tempfile.TemporaryDirectory() as folder, open_house(load_settings(Path(folder), CONFIG)) as house:
        for number, content in enumerate(batches):
            land(house, content, str(number))
        landings = house.ledger.list_landings()
        # A revision saw the landings up to some number; each saw a table of its own.
        before = {count: read_checks(house, landings[:count]) for count in range(1, len(landings) + 1)}
        for through in sorted({first, second}):
            condense(house, landings[through - 1].landing_no)
            for count, expected in before.items():
                if count >= through:
                    assert read_checks(house, landings[:count]) == expected
                else:
                    with pytest.raises(QualityGate, match="deleted under retention on 2025-06-20"):
                        read_checks(house, landings[:count])
        # What lands later, with any instant, takes part as it would have.
        land(house, [(0, 1, 0), (3, 0, 2)], "later")
        after = read_checks(house)
        held = {row["check_id"]: row["updated_at"] for row in before[len(landings)]}
        taken = {"c0": datetime(2024, 3, 2), "c3": datetime(2024, 3, 1)}
        for row in after:
            key = row["check_id"]
            if key in taken:
                assert row["updated_at"] == max(taken[key], held.get(key, taken[key]))
            else:
                assert row in before[len(landings)]


@pytest.fixture
def small(tmp_path: Path) -> House:
    """Three batches of one check, each a newer version."""
    house = open_house(load_settings(tmp_path, CONFIG))
    for number in range(3):
        land(house, [(0, number, number)], str(number))
    return house


def test_a_batch_that_the_source_sends_once_more_has_its_rows_again(small: House) -> None:
    condense(small, small.ledger.list_landings()[1].landing_no)
    [first, *_] = small.ledger.list_landings()
    assert small.lake.list_parts("checks", first.batch_id) == []
    assert small.lake.read_manifest("checks", first.batch_id)["landed_count"] == 1
    land(small, [(0, 0, 0)], "0")
    assert small.ledger.list_landings()[-1].batch_id == first.batch_id
    [check] = read_checks(small)
    assert check["finding"] == "rework"
    # It is needed for its second landing, so a later condensation of the first leaves it.
    condense(small, small.ledger.list_landings()[2].landing_no)
    assert len(small.lake.list_parts("checks", first.batch_id)) == 1
    assert read_checks(small) == [check]


def test_what_lands_again_between_condensing_and_emptying_keeps_its_rows(small: House) -> None:
    [group] = list_groups(small)
    done = condense_group(small, group, small.ledger.list_landings()[1].landing_no, LONG_AFTER)
    land(small, [(0, 0, 0)], "0")
    empty_batches(small, done, LONG_AFTER)
    again, gone = done.replaced
    assert len(small.lake.list_parts("checks", again)) == 1
    assert small.lake.list_parts("checks", gone) == []
    [check] = read_checks(small)
    assert check["finding"] == "rework"


def test_nothing_lands_while_batches_are_emptied(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    [group] = list_groups(small)
    done = condense_group(small, group, small.ledger.list_landings()[1].landing_no, LONG_AFTER)
    refused = []

    def try_to_land(*_: object) -> None:
        with small.landing_lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        refused.append(True)

    monkeypatch.setattr("flows.retention.condensing.retire_batch", try_to_land)
    empty_batches(small, done, LONG_AFTER)
    assert len(refused) == 2
    with share_file(small.landing_lock), share_file(small.landing_lock):
        pass


def test_a_mark_left_empty_by_a_power_failure_is_written_again(small: House) -> None:
    [group] = list_groups(small)
    landings = small.ledger.list_landings()
    done = condense_group(small, group, landings[1].landing_no, LONG_AFTER)
    folder = small.lake.find_folder("checks", landings[0].batch_id)
    for file in folder.glob("*.parquet"):
        file.unlink()
    (folder / MARK).write_bytes(b"")
    with pytest.raises(QualityGate, match=r"deleted under retention\. "):
        read_checks(small, landings[:1])
    empty_batches(small, done, LONG_AFTER)
    with pytest.raises(QualityGate, match="deleted under retention on 2025-06-20"):
        read_checks(small, landings[:1])


def test_rows_that_are_not_the_same_are_never_taken_for_proof(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A condensed batch that lacks a row, or says something else, is not read and nothing is deleted."""
    land(small, [(1, 0, 0)], "other")
    add = StagedBatch.add
    false = make_rows([(0, 1, 2)])
    for falsify in (
        lambda part: part.slice(1),
        lambda part: pa.concat_tables([part.slice(1).cast(false.schema), false]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(StagedBatch, "add", lambda self, part, rejected, f=falsify: add(self, f(part), rejected))
            with pytest.raises(QualityGate, match="Nothing was deleted"):
                condense(small, small.ledger.list_landings()[-1].landing_no)
    assert small.ledger.retention.list_condensations() == []
    assert all(small.lake.list_parts("checks", it.batch_id) for it in small.ledger.list_landings())
