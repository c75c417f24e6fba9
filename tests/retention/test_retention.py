"""Retention of a city: announced, waited for, deleted; every month that is kept is judged as before, to the byte."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from city_runs import RUN_AT, Answer, DemoRun, Home, digest_tree, run_fivestar

from flows.house import House
from flows.lake import QUARANTINE_SCHEMA
from flows.ledger.review_rows import Objection
from flows.retention.config import load_retention_settings
from flows.retired import MARK, retire_batch
from flows.schema import TABLES

# In June 2025, 13 months back, what landed before 1 May 2024 is old (+08:00: 30 April, 16:00 UTC).
EARLY_MAY, JUNE = datetime(2024, 4, 30, 16, tzinfo=UTC), datetime(2025, 6, 10, 2, tzinfo=UTC)
CONDENSED, EMPTIED = JUNE + timedelta(days=14), JUNE + timedelta(days=15)
JULY = JUNE + timedelta(days=30)
LAST_OLD_AT = EARLY_MAY - timedelta(seconds=1)
SOURCE = "public_service"


def run(home: Home, *arguments: str, at: datetime) -> Answer:
    return run_fivestar(*arguments, "--home", str(home.path), "--config", str(home.config), at=at)


def land_again(house: House, landed_at: datetime, *, closed: bool) -> None:
    """The city's events of one source once more, as the source wrote them a day later: all closed, or all open."""
    [first, *_] = [it for it in house.ledger.list_landings() if it.table == "events" and it.platform == SOURCE]
    parts = [pq.ParquetFile(file).read() for file in house.lake.list_parts("events", first.batch_id)]
    rows = pa.concat_tables(parts)
    day = timedelta(days=1 if closed else 2)
    changed = [
        {
            **row,
            "status": "closed" if closed else "open",
            "closed_at": row["reported_at"] if closed else None,
            "updated_at": row["updated_at"] + day,
        }
        for row in rows.to_pylist()
    ]
    again = pa.Table.from_pylist(changed, schema=rows.schema)
    slot = landed_at.isoformat()
    window = (landed_at - timedelta(hours=1), landed_at)
    pull_id = house.ledger.begin_pull(
        platform=SOURCE, resource="events", table="events", window=window, started_at=landed_at
    )
    with house.lake.stage(TABLES["events"], platform=SOURCE, resource="events", slot=slot) as batch:
        batch.add(again, QUARANTINE_SCHEMA.empty_table())
        manifest = batch.commit(window=window, request={}, contract={}, landed_at=landed_at)
    count = manifest.landed_count
    house.ledger.finish_pull(
        pull_id, status="complete", message="", received_count=count, landed_count=count, rejected_count=0,
        finished_at=landed_at, manifests=[manifest],
    )  # fmt: skip


@pytest.fixture(scope="module")
def aged_once(march: DemoRun, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A city whose events of one source were landed anew in April and in May 2024, and March judged after each."""
    home = march.home.copy(tmp_path_factory.mktemp("aged"))
    for landed_at, closed in ((LAST_OLD_AT, True), (EARLY_MAY, False)):
        with home.open() as house:
            land_again(house, landed_at, closed=closed)
        assert run(home, "evaluate", "--month", "2024-03", at=landed_at + timedelta(seconds=2)).code == 0
    return home


@pytest.fixture
def aged(aged_once: Home, tmp_path: Path) -> Home:
    """That city, for a test to change."""
    return aged_once.copy(tmp_path)


def count_parts(home: Home, table: str) -> int:
    return len(list((home.path / "lake" / table).glob("*/part-*.parquet")))


def test_a_month_is_judged_again_to_the_byte_when_its_old_batches_are_gone(aged: Home) -> None:
    before, outputs = count_parts(aged, "events"), digest_tree(aged.path / "outputs")
    shown = run(aged, "retention", at=JUNE)
    assert f"batches\tevents of {SOURCE}\t" in shown.out
    assert "not announced" in shown.out
    announced = run(aged, "retention", "--apply", at=JUNE)
    assert "from 2025-06-24 on" in announced.out
    early = run(aged, "retention", "--apply", at=JUNE + timedelta(days=14, seconds=-1))
    assert "now" not in early.out
    assert count_parts(aged, "events") == before
    condensed = run(aged, "retention", "--apply", at=CONDENSED)
    assert "now" not in condensed.out
    assert count_parts(aged, "events") > before
    # Whoever began to read before has a day to end.
    assert "now" not in run(aged, "retention", "--apply", at=EMPTIED - timedelta(seconds=1)).out
    done = run(aged, "retention", "--apply", at=EMPTIED)
    assert done.code == 0, done.err
    assert f"batches\tevents of {SOURCE}\t" in done.out
    assert "\tnow\n" in done.out
    assert count_parts(aged, "events") < before
    assert "revision 3 (unchanged)" in run(aged, "evaluate", "--month", "2024-03", at=JULY).out
    assert run(aged, "replay", "--month", "2024-03", at=JUNE).code == 0
    assert digest_tree(aged.path / "outputs") == outputs
    again = run(aged, "retention", "--apply", at=EMPTIED)
    assert again.out.splitlines()[1:] == []
    # Revision 2 was judged when all that was condensed had landed; revision 1 before that.
    assert run(aged, "replay", "--month", "2024-03", "--revision", "2", at=JUNE).code == 0
    refused = run(aged, "replay", "--month", "2024-03", "--revision", "1", at=JUNE)
    assert refused.code == 13
    assert "deleted under retention on 2025-06-25" in refused.err
    with aged.open() as house:
        items = house.ledger.retention.list_items()
        outcomes = [it["counts"] for it in house.ledger.list_outcomes() if it["step"] == "retention"]
    assert {item.deleted_at for item in items} == {EMPTIED}
    assert [counts["deleted"] for counts in outcomes] == [0, 0, 0, 0, len(items), 0]


def test_a_backup_of_a_city_with_condensed_batches_is_whole_and_restores(aged: Home, tmp_path: Path) -> None:
    for at in (JUNE, CONDENSED, EMPTIED):
        assert run(aged, "retention", "--apply", at=at).code == 0
    made = run(aged, "backup", str(tmp_path / "backups"), at=JUNE)
    assert made.code == 0, made.err
    restored = Home(tmp_path / "restored", aged.config)
    answer = run(restored, "restore", str(tmp_path / "backups" / "20250610T020000Z"), at=JUNE)
    assert answer.code == 0, answer.err
    assert "revision 3 (unchanged)" in run(restored, "evaluate", "--month", "2024-03", at=JULY).out


def test_what_landed_within_the_time_kept_and_every_register_stay(aged: Home) -> None:
    facts = ("events", "incidents", "checks")
    registers = {table: count_parts(aged, table) for table in TABLES if table not in facts}
    for at in (JUNE, CONDENSED, EMPTIED):
        assert run(aged, "retention", "--apply", at=at).code == 0
    assert {table: count_parts(aged, table) for table in registers} == registers
    with aged.open() as house:
        newest = [it for it in house.ledger.list_landings() if it.table == "events"][-1]
        assert len(house.lake.list_parts("events", newest.batch_id)) > 0
        # The landing a second before the limit is the last that goes.
        [events] = [it for it in house.ledger.retention.list_condensations() if it.platform == SOURCE]
    assert events.through_no == newest.landing_no - 1


@pytest.mark.parametrize("condensed_before", [False, True])
def test_an_open_objection_keeps_whatever_its_months_revisions_were_judged_from(
    aged: Home, *, condensed_before: bool
) -> None:
    runs_at = [JUNE, CONDENSED, EMPTIED]
    while condensed_before and runs_at[0] < EMPTIED:
        assert run(aged, "retention", "--apply", at=runs_at.pop(0)).code == 0
    with aged.open() as house:
        staff_id = house.ledger.results.list_proposals("2024-03", 1)[0].staff_id
        day = RUN_AT.date()
        objection = Objection("2024-03", 1, staff_id, None, "不服", "经办人", day, day, RUN_AT)
        house.ledger.reviews.add_objection(objection, after=house.ledger.reviews.find_head())
    for at in runs_at:
        assert run(aged, "retention", "--apply", at=at).code == 0
    assert run(aged, "replay", "--month", "2024-03", "--revision", "1", at=JUNE).code == 0


def test_a_killed_run_is_made_good_by_the_next_one(aged: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in (JUNE, CONDENSED):
        assert run(aged, "retention", "--apply", at=at).code == 0
    before = count_parts(aged, "events")
    emptied: list[Path] = []

    def die_after_one(folder: Path, *mark: Any) -> None:
        if emptied:
            raise RuntimeError("killed")
        emptied.append(folder)
        retire_batch(folder, *mark)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr("flows.retention.condensing.retire_batch", die_after_one)
        run(aged, "retention", "--apply", at=EMPTIED)
    assert [mark.parent for mark in aged.path.rglob(MARK)] == emptied
    assert run(aged, "retention", "--apply", at=EMPTIED).code == 0
    assert count_parts(aged, "events") < before
    assert "revision 3 (unchanged)" in run(aged, "evaluate", "--month", "2024-03", at=JULY).out


def test_a_folder_goes_only_if_nothing_was_written_to_it_since_it_was_announced(home: Home) -> None:
    old, used = (home.path / "compare" / name for name in ("2024-03-old", "2024-03-used"))
    long_ago = datetime(2024, 11, 30, tzinfo=UTC).timestamp()
    for folder in (old, used):
        folder.mkdir(parents=True)
        (folder / "compare.html").write_text("x")
        os.utime(folder / "compare.html", (long_ago, long_ago))
    assert run(home, "retention", "--apply", at=JUNE).out.count("comparison\t") == 2
    os.utime(used / "compare.html", (JUNE.timestamp(), JUNE.timestamp()))
    done = run(home, "retention", "--apply", at=JUNE + timedelta(days=14))
    assert "comparison\tcompare/2024-03-old\t1\t0.0\tnow" in done.out
    assert (old.exists(), used.exists()) == (False, True)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("decisions_years: 2", "decisions_years: Input should be greater than or equal to 3; it is 2"),
        ("raw_batches_months: 2", "raw_batches_months: Input should be greater than or equal to 3; it is 2"),
        ("logs_months: soon", "logs_months: Input should be a valid integer; it is 'soon'"),
        ("announced_days: 0", "announced_days: Input should be greater than or equal to 1; it is 0"),
        ("keep: all", "keep: not a known key. Known: raw_batches_months, logs_months"),
    ],
)
def test_a_setting_that_would_delete_too_much_is_refused(home: Home, line: str, told: str) -> None:
    file = home.config / "retention.yaml"
    key = line.partition(":")[0]
    kept = [it for it in file.read_text("utf-8").splitlines() if not it.startswith(key)]
    file.write_text("\n".join([*kept, line]), "utf-8")
    answer = run(home, "retention", at=JUNE)
    assert answer.code == 10
    assert told in answer.err


def test_three_years_and_three_months_are_enough(home: Home) -> None:
    file = home.config / "retention.yaml"
    file.write_text("{raw_batches_months: 3, logs_months: 1, decisions_years: 3, announced_days: 1}", "utf-8")
    assert load_retention_settings(home.config).decisions_years == 3
