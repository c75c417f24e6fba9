"""The drill of docs/runbooks/restore.md: an installation lost comes back as it was, and sends nothing twice."""

import shutil
from pathlib import Path

import orjson
import pytest
from city_runs import Home, digest_tree
from postgresql_server import PostgresqlServer

from flows.ledger import Ledger
from flows.ledger.dump import HELD
from flows.recovery import restoring

STAMP = "20240405T020000Z"
LOST = ("lake", "outputs", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm")


def lose(home: Home) -> None:
    """Lose everything that a backup holds."""
    for name in LOST:
        path = home.path / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


@pytest.fixture
def decided(home: Home) -> Home:
    """March decided and published."""
    home.decide_open("approve")
    assert home.run("publish", "--month", "2024-03").code == 0
    return home


@pytest.fixture
def backup(home: Home, tmp_path: Path) -> Path:
    """A backup of the home as it is by then."""
    answer = home.run("backup", str(tmp_path / "backups"))
    assert answer.code == 0, answer.err
    return tmp_path / "backups" / STAMP


def test_the_drill_a_lost_home_comes_back_with_every_decision_and_every_byte(decided: Home, backup: Path) -> None:
    before, decisions = digest_tree(decided.path / "outputs"), decided.run("review", "list", "--month", "2024-03").out
    with decided.open() as house:
        head, waiting = house.ledger.reviews.find_head(), house.ledger.deliveries.count_waiting()
    assert waiting > 0
    lose(decided)
    answer = decided.run("restore", str(backup))
    assert answer.code == 0, answer.err
    assert f"messages held: {waiting}" in answer.out
    assert digest_tree(decided.path / "outputs") == before
    assert decided.run("review", "list", "--month", "2024-03").out == decisions
    again = decided.run("evaluate", "--month", "2024-03")
    assert "revision 1 (unchanged)" in again.out
    assert decided.run("replay", "--month", "2024-03").code == 0
    assert digest_tree(decided.path / "outputs") == before
    with decided.open() as house:
        assert house.ledger.reviews.find_head() == head
        assert house.ledger.reviews.examine_chain(house.ledger.list_chain_heads()).fault == ""
        [outcome] = [it for it in house.ledger.list_outcomes() if it["step"] == "restore"]
    assert (outcome["ok"], outcome["counts"]["held"]) == (True, waiting)


def test_what_waited_when_the_backup_was_made_goes_out_only_if_a_person_says_so(decided: Home, backup: Path) -> None:
    lose(decided)
    assert decided.run("restore", str(backup)).code == 0
    sent = decided.run("notify", "deliver", "--mode", "live")
    assert "delivered: 0, simulated: 0, suppressed: 0, failed: 0" in sent.out
    with decided.open() as house:
        held = [row for row in house.ledger.outbox.list_messages() if row.detail == HELD]
    assert {(row.status, row.code) for row in held} == {("permanent_failure", "outcome_unknown")}
    key = held[-1].key
    assert "queued: 1" in decided.run("notify", "resend", "--key", key).out
    stopped = decided.run("notify", "deliver", "--mode", "allow-list")
    assert "delivered: 0, simulated: 0, suppressed: 1" in stopped.out
    assert "queued: 1" in decided.run("notify", "resend", "--key", key).out
    assert "delivered: 1" in decided.run("notify", "deliver", "--mode", "live").out


def test_what_was_queued_after_the_backup_is_stopped_before_it_goes_out_twice(
    home_before: Home, tmp_path: Path
) -> None:
    """The backup is from before March was judged and its messages went out; all that is left of those is lost."""
    assert home_before.run("backup", str(tmp_path / "backups")).code == 0
    lose(home_before)
    assert home_before.run("restore", str(tmp_path / "backups" / STAMP)).code == 0
    judged = home_before.run("run", "--offline", "--month", "2024-03")
    count = int(judged.out.partition("messages queued: ")[2].split()[0])
    assert count > 0
    stopped = home_before.run("notify", "deliver", "--mode", "allow-list")
    assert f"delivered: 0, simulated: 0, suppressed: {count}, failed: 0" in stopped.out


@pytest.mark.parametrize("there", ["ledger.sqlite", "outputs/2024-04/run.json"])
def test_a_restore_replaces_nothing(home: Home, backup: Path, there: str) -> None:
    if there != "ledger.sqlite":
        lose(home)
        (home.path / there).parent.mkdir(parents=True)
        (home.path / there).write_text("{}")
    before = digest_tree(home.path)
    answer = home.run("restore", str(backup))
    assert answer.code == 10
    assert "a restore replaces nothing" in answer.err
    assert digest_tree(home.path) == before


def test_a_damaged_backup_is_refused_before_anything_is_written(home: Home, backup: Path) -> None:
    lose(home)
    before = digest_tree(home.path)
    part = min((backup / "lake" / "staff").rglob("part-*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    answer = home.run("restore", str(backup))
    assert answer.code == 13
    assert "nothing was written" in answer.err
    assert digest_tree(home.path) == before


def test_a_newer_backup_is_refused(home: Home, backup: Path) -> None:
    record = orjson.loads((backup / "backup.json").read_bytes())
    (backup / "backup.json").write_bytes(orjson.dumps({**record, "schema_revision": "9999"}))
    lose(home)
    answer = home.run("restore", str(backup))
    assert answer.code == 13
    assert "made by a newer one" in answer.err


def test_a_restore_that_died_before_the_ledger_goes_on(
    home: Home, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(home)

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(restoring, "load_ledger", die)
        home.run("restore", str(backup))
    (home.path / "outputs" / "2024-03" / ".stars.csv.restoring").write_text("half")
    before = digest_tree(backup / "outputs")
    assert home.run("restore", str(backup)).code == 0
    written = digest_tree(home.path / "outputs")
    assert {name: written[name] for name in before} == before


def test_a_lake_that_lacks_a_batch_is_told_with_exit_13_and_the_ledger_stands(home: Home, tmp_path: Path) -> None:
    assert home.run("backup", str(tmp_path / "backups"), "--without-batches").code == 0
    (home.path / "ledger.sqlite").unlink()
    shutil.rmtree(home.path / "outputs")
    batch = min((home.path / "lake" / "events").iterdir())
    batch.rename(tmp_path / batch.name)
    answer = home.run("restore", str(tmp_path / "backups" / STAMP))
    assert answer.code == 13
    assert f"events/{batch.name} is gone" in answer.err
    (tmp_path / batch.name).rename(batch)
    assert home.run("backup", str(tmp_path / "backups" / STAMP), "--verify").code == 0


def test_a_city_moves_from_sqlite_to_postgresql_and_back(
    decided: Home,
    backup: Path,
    postgresql_server: PostgresqlServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = digest_tree(decided.path / "outputs")
    postgresql_server.empty()
    url = postgresql_server.write_owner_url()
    lose(decided)
    with monkeypatch.context() as patch:
        patch.setenv("FIVESTAR_DATABASE_URL", url)
        assert decided.run("restore", str(backup)).code == 0
        assert "revision 1 (unchanged)" in decided.run("evaluate", "--month", "2024-03").out
        # Numbers go on where they were: what is written next collides with nothing.
        reversal = ("--reviewer", "审核人", "--comment", "已核对")
        ledger = Ledger.open(url)
        last_no = ledger.list_outcomes()[-1]["id"]
        staff_id = ledger.reviews.list_decisions("2024-03")[0].staff_id
        ledger.close()
        reversed_ = decided.run("review", "reverse", "--month", "2024-03", "--staff", staff_id, *reversal)
        assert reversed_.code == 0, reversed_.err
        assert decided.run("publish", "--month", "2024-03").code == 0
        ledger = Ledger.open(url)
        assert ledger.list_outcomes()[-1]["id"] == last_no + 1
        assert ledger.reviews.examine_chain(ledger.list_chain_heads()).fault == ""
        head = ledger.reviews.find_head()
        ledger.close()
        moved = decided.run("backup", str(tmp_path / "moved"))
        assert moved.code == 0, moved.err
    written = {name: it for name, it in before.items() if "payroll" not in name and "arrears" not in name}
    lose(decided)
    assert decided.run("restore", str(tmp_path / "moved" / STAMP)).code == 0
    after = digest_tree(decided.path / "outputs")
    assert {name: after[name] for name in written} == written
    with decided.open() as house:
        assert house.ledger.reviews.find_head() == head
