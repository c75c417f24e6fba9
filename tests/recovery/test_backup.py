"""A backup is whole or isn't there, and whoever examines it is told of every byte that is wrong."""

import gzip
import os
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
from city_runs import RUN_AT, Home, digest_tree, run_fivestar

from flows.ledger.dump import Dump, dump_ledger, read_rows
from flows.recovery import backing_up, files

STAMP = "20240405T020000Z"


@pytest.fixture
def backup(home: Home, tmp_path: Path) -> Path:
    """The folder of a backup of the home."""
    answer = home.run("backup", str(tmp_path / "backups"))
    assert answer.code == 0, answer.err
    return tmp_path / "backups" / STAMP


def verify(home: Home, backup: Path, *options: str) -> tuple[int, str, str]:
    answer = home.run("backup", str(backup), "--verify", *options)
    return answer.code, answer.out, answer.err


def test_a_backup_is_whole_and_says_what_it_holds(home: Home, backup: Path) -> None:
    code, out, err = verify(home, backup, "--deep")
    assert (code, err.count("fivestar:")) == (0, 0)
    assert "whole: every file, the ledger read in anew, and every batch in it" in out
    assert digest_tree(backup / "outputs") == digest_tree(home.path / "outputs")
    assert digest_tree(backup / "config") == digest_tree(home.config)
    with home.open() as house:
        landed = {f"{it.table}/batch_id={it.batch_id}" for it in house.ledger.list_landings()}
    kept = {path.parent.relative_to(backup / "lake").as_posix() for path in backup.glob("lake/*/*/manifest.json")}
    assert kept == landed


def test_nobody_but_its_owner_reads_a_backup(backup: Path) -> None:
    for path in [backup, *backup.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_file_of_the_configuration_that_is_a_link_is_kept_as_a_file(home: Home, tmp_path: Path) -> None:
    linked, elsewhere = home.config / "retention.yaml", tmp_path / "elsewhere.yaml"
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    assert home.run("backup", str(tmp_path / "backups")).code == 0
    kept = tmp_path / "backups" / STAMP / "config" / "retention.yaml"
    assert not kept.is_symlink()
    assert kept.read_bytes() == elsewhere.read_bytes()


def test_a_secret_of_the_configuration_stays_a_name(home: Home, backup: Path) -> None:
    source = next(path for path in (backup / "config" / "platforms").iterdir() if "${" in path.read_text("utf-8"))
    assert source.read_bytes() == (home.config / "platforms" / source.name).read_bytes()


def test_what_an_older_backup_holds_takes_no_room_again(home: Home, backup: Path) -> None:
    again = run_fivestar(
        "backup",
        str(backup.parent),
        "--home",
        str(home.path),
        "--config",
        str(home.config),
        at=RUN_AT.replace(hour=3),
    )
    assert again.code == 0, again.err
    newer = backup.parent / "20240405T030000Z"
    batches = [path for path in (newer / "lake").rglob("*") if path.is_file()]
    assert batches
    assert all(path.samefile(backup / path.relative_to(newer)) for path in batches)
    # Nothing is linked to the home itself: a file damaged there stays good in the backup.
    assert not batches[0].samefile(home.path / batches[0].relative_to(newer))


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("lake/events/*/part-*.parquet", "can't be read"),
        ("ledger/decisions.jsonl.gz", "ledger/decisions.jsonl.gz is not what was written"),
        ("outputs/2024-03/stars.csv", "outputs/2024-03/stars.csv is not what was written"),
        ("backup.json", "damaged: not JSON any more"),
    ],
)
def test_a_damaged_file_is_told_with_exit_13(home: Home, backup: Path, pattern: str, told: str) -> None:
    file = min(backup.glob(pattern))
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    code, _, err = verify(home, backup)
    assert code == 13
    assert told in err


def test_a_batch_or_a_result_that_is_gone_is_told_with_exit_13(home: Home, backup: Path) -> None:
    batch = min((backup / "lake" / "events").iterdir())
    shutil.rmtree(batch)
    (backup / "outputs" / "2024-03" / "ratings.csv").unlink()
    code, _, err = verify(home, backup)
    assert code == 13
    assert f"events/{batch.name} is gone" in err
    assert "outputs/2024-03/ratings.csv is gone" in err


def test_a_decision_changed_in_the_backup_is_found_though_all_digests_are_made_to_fit(
    home: Home, tmp_path: Path
) -> None:
    home.decide_open("approve")
    assert home.run("backup", str(tmp_path / "backups")).code == 0
    backup = tmp_path / "backups" / STAMP
    file = backup / "ledger" / "decisions.jsonl.gz"
    forged = gzip.decompress(file.read_bytes()).replace('"审核人"'.encode(), '"另一人"'.encode(), 1)
    file.write_bytes(gzip.compress(forged))
    record = orjson.loads((backup / "backup.json").read_bytes())
    record["files"]["ledger/decisions.jsonl.gz"] = vars(files.record_file(file))
    (backup / "backup.json").write_bytes(orjson.dumps(record))
    code, _, err = verify(home, backup)
    assert code == 13
    assert "of decisions is not what was written" in err


def test_a_backup_without_batches_is_held_to_the_lake(home: Home, tmp_path: Path) -> None:
    assert home.run("backup", str(tmp_path / "backups"), "--without-batches").code == 0
    backup = tmp_path / "backups" / STAMP
    assert not (backup / "lake").exists()
    assert verify(home, backup)[0] == 0
    part = min(home.path.glob("lake/events/*/part-*.parquet"))
    part.unlink()
    code, _, err = verify(home, backup)
    assert code == 13
    assert f"events/{part.parent.name}: 0 rows of its part files are there" in err


def test_a_lake_that_has_lost_a_batch_is_backed_up_as_far_as_it_is_there_and_told(home: Home, tmp_path: Path) -> None:
    lost = min((home.path / "lake" / "checks").iterdir())
    shutil.rmtree(lost)
    answer = home.run("backup", str(tmp_path / "backups"))
    assert answer.code == 13
    assert f"checks/{lost.name} is gone" in answer.err
    code, _, err = verify(home, tmp_path / "backups" / STAMP)
    assert code == 13
    assert "(already so when the backup was made)" in err


def test_a_month_judged_after_the_ledger_was_read_is_in_both_or_in_neither(
    home_before: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    def judge_after(*given: Any) -> Dump:
        dump = dump_ledger(*given)
        if not judged:
            judged.append(home_before.run("evaluate", "--month", "2024-03").code)
        return dump

    monkeypatch.setattr(backing_up, "dump_ledger", judge_after)
    answer = home_before.run("backup", str(tmp_path / "backups"))
    assert (judged, answer.code) == ([0], 0), answer.err
    backup = tmp_path / "backups" / STAMP
    assert orjson.loads((backup / "outputs" / "2024-03" / "run.json").read_bytes())["revision"] == 1
    revisions = [row["revision"] for row in read_rows(backup / "ledger", "revisions") if row["month"] == "2024-03"]
    assert revisions == [1]
    assert verify(home_before, backup)[0] == 0


def test_months_that_go_on_being_judged_end_with_11_and_what_a_kill_left_does_not(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.march / "run.json"
    run = orjson.loads(file.read_bytes())

    def judge_after(*given: Any) -> Dump:
        run["revision"] += 1
        file.write_bytes(orjson.dumps(run))
        return dump_ledger(*given)

    with monkeypatch.context() as patch:
        patch.setattr(backing_up, "dump_ledger", judge_after)
        answer = home.run("backup", str(tmp_path / "backups"))
    assert answer.code == 11
    assert "2024-03 was judged anew each time" in answer.err
    assert home.run("backup", str(tmp_path / "backups")).code == 0


def test_a_backup_that_fails_leaves_nothing(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backing_up, "write_record", fill_up)
    with pytest.raises(OSError, match="No space"), pytest.MonkeyPatch.context():
        home.run("backup", str(tmp_path / "backups"))
    left = [path for path in (tmp_path / "backups").rglob("*") if path.is_file()]
    assert left == []
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [".staging"]


def test_what_a_killed_backup_left_is_no_backup_and_goes_with_the_next_one(home: Home, tmp_path: Path) -> None:
    gone = tmp_path / "backups" / ".staging" / backing_up.name_leftover().replace(f"~{os.getpid()}~", "~999999999~")
    gone.mkdir(parents=True)
    (gone / "file").write_text("half")
    assert verify(home, gone)[0] == 2
    assert home.run("backup", str(tmp_path / "backups")).code == 0
    assert not gone.exists()


def test_others_write_the_ledger_while_it_is_backed_up(home: Home, tmp_path: Path) -> None:
    """A writer that holds the lock all the while doesn't stop a backup, and what it hasn't committed isn't in it."""
    writer = sqlite3.connect(home.path / "ledger.sqlite", isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM outcomes")
        assert home.run("backup", str(tmp_path / "backups")).code == 0
    finally:
        writer.close()
    record = orjson.loads((tmp_path / "backups" / STAMP / "backup.json").read_bytes())
    with home.open() as house:
        assert record["row_counts"]["outcomes"] == len(house.ledger.list_outcomes()) > 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("backup", "{home}/outputs/backups"), 2, "which is backed up"),
        (("backup", "{tmp}/backups", "--deep"), 2, "give --verify, too"),
        (("backup", "{tmp}", "--verify"), 2, "no backup, for it has no backup.json"),
        (("restore", "{tmp}"), 2, "no backup, for it has no backup.json"),
    ],
)
def test_a_folder_that_cannot_be_meant_is_refused(
    home: Home, tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    answer = home.run(*(it.format(home=home.path, tmp=tmp_path) for it in arguments))
    assert answer.code == code
    assert told in answer.err


def test_an_installation_without_a_ledger_has_nothing_to_back_up(home: Home, tmp_path: Path) -> None:
    (home.path / "ledger.sqlite").unlink()
    answer = home.run("backup", str(tmp_path / "backups"))
    assert answer.code == 10
    assert "there is no ledger in it" in answer.err
