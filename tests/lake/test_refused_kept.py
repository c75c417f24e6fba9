"""Rejected rows of refused pulls, wherever the lake lies."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from city_runs import CONFIG
from lake_kit import NOW, REJECTED, OpenLake

from flows.errors import QualityGate
from flows.house import House
from flows.ingest.rejected.refused import KeptIfRefused, drop_refused, read_refused
from flows.lake import QUARANTINE_SCHEMA, arrow_schema
from flows.ledger import Ledger
from flows.retention.applying import apply_retention
from flows.schema import TABLES
from flows.settings import load_settings


@pytest.fixture
def machines(open_on: OpenLake, tmp_path: Path) -> Iterator[list[House]]:
    """Two machines with one lake and one ledger."""
    settings = load_settings(tmp_path / "home", CONFIG)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield [House(settings, open_on(machine), ledger) for machine in ("one", "two")]
    ledger.close()


def refuse(house: House, raw: str) -> None:
    """A pull of one rejected record that a rule refuses."""
    table = TABLES["communities"]
    whose = {"platform": "p", "resource": "communities"}
    pull_id = house.ledger.begin_pull(**whose, table=table.name, window=(NOW, NOW), started_at=NOW)
    rejected = pa.Table.from_pylist([{**REJECTED, "raw": raw}], QUARANTINE_SCHEMA)
    with (
        pytest.raises(QualityGate),
        house.lake.stage(table, **whose, slot="s") as batch,
        KeptIfRefused(house, [batch], pull_id, (NOW, NOW), NOW),
    ):
        batch.add(arrow_schema(table).empty_table(), rejected)
        raise QualityGate("refused.")
    house.ledger.finish_pull(
        pull_id,
        status="refused",
        message="",
        received_count=1,
        landed_count=0,
        rejected_count=1,
        finished_at=NOW,
        manifests=[],
    )


def list_kept(house: House) -> list[str]:
    return [raw for batch in read_refused(house) for raw in batch.rows.column("raw").to_pylist()]


def test_each_machine_sees_the_latest_refusal_until_it_is_dropped(machines: list[House]) -> None:
    one, two = machines
    for raw in ("first", "second"):
        refuse(one, raw)
        assert [list_kept(house) for house in machines] == [[raw], [raw]]
    drop_refused(two, "p", "communities")
    assert [list_kept(house) for house in machines] == [[], []]


def test_retention_deletes_them_where_they_lie(machines: list[House]) -> None:
    """Refused on 3 April 2024, and kept for six months: they may go from 1 November on, in the city."""
    one, two = machines
    refuse(one, "old")
    too_early, announced_at = (datetime(2024, 10, 31, 16, tzinfo=UTC) - timedelta(seconds=it) for it in (1, 0))
    deleted_at = announced_at + timedelta(days=14)
    assert apply_retention(one, lambda: too_early).waiting == []
    [(candidate, _)] = apply_retention(one, lambda: announced_at).waiting
    assert (candidate.kind, candidate.subject) == ("refused", "refused/p/communities/1")
    assert list_kept(two) == ["old"]
    [item] = apply_retention(one, lambda: deleted_at).deleted
    assert item.subject == candidate.subject
    assert [list_kept(house) for house in machines] == [[], []]
    assert two.lake.storage.list_keys("refused") == []
