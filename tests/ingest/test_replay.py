"""Rejected rows judged again: what lands, what stays, what was superseded, and that nothing newer is overridden."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import MARCH, count_rows, land_rows
from platform_server import PlatformServer, make_incidents, write_incident_source
from replay_kit import (
    EVENING,
    MAPPED,
    MORNING,
    NOON,
    UNMAPPED,
    Pull,
    Replay,
    list_outcome,
    make_odd,
    mend_rule,
    pull_in_turn,
    read_incidents,
    replay_mapped,
    serve,
)

from flows.errors import SourceUnavailable
from flows.house import House
from flows.ingest.coverage import find_mark
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.status import find_source_status
from flows.month import Month


def test_a_row_lands_once_its_code_is_mapped(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd())
    pull(write_incident_source(UNMAPPED))
    report = replay(write_incident_source(MAPPED))
    assert list_outcome(report) == [([9], [], [])]
    assert count_rows(house, "incidents") == 10
    assert read_incidents(house)["I99"]["kind"] == "petition"
    assert list(read_quarantine(house)) == []


def test_what_lands_is_a_batch_that_says_what_it_replays(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd())
    pull(write_incident_source(UNMAPPED))
    [row] = read_quarantine(house)
    replay(write_incident_source(MAPPED))
    landing = house.ledger.list_landings()[-1]
    manifest = house.lake.read_manifest("incidents", landing.batch_id)
    assert landing.slot == manifest["slot"] == f"replay/{row.batch_id}"
    assert manifest["request"] == {"replay_of": row.batch_id, "record_nos": [9], "touches_from": "2024-03"}
    original = house.lake.read_manifest("incidents", row.batch_id)
    assert [manifest[name] for name in ("window_from_at", "window_to_at", "resource", "contract")] == [
        original[name] for name in ("window_from_at", "window_to_at", "resource", "contract")
    ]
    assert manifest["contract"]["kind"] == "evolve"


def test_a_row_that_is_rejected_still_stays_with_todays_reasons(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), make_odd(day="31 April"))
    pull(write_incident_source(UNMAPPED))
    report = replay(write_incident_source(MAPPED))
    assert report.batches[0].stays == {9: ("unreadable:occurred_on",)}
    [row] = read_quarantine(house)
    assert row.reasons == ("unmapped:kind", "unreadable:occurred_on")
    assert [it.status for it in house.ledger.list_pulls("test_platform")] == ["complete"]


def test_a_row_lands_once_the_rule_is_mended(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    land_rows(house, "communities", [{"community_code": "41020200100X"}])
    serve(platform, *make_incidents(9), {**make_incidents(1, 99)[0], "community": "41020200100X"})
    source = write_incident_source()
    pull(source)
    assert replay(source).batches[0].stays == {9: ("malformed:community_code",)}
    mend_rule(tmp_path, "incidents", '"[0-9]{12}"', '"[0-9]{11}[0-9X]"')
    assert list_outcome(replay(source)) == [([9], [], [])]


def test_a_row_that_breaks_a_rule_which_now_stops_pulls_stays_by_itself(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    serve(platform, *make_incidents(9), make_odd(), make_odd(98, community="x"))
    pull(write_incident_source(UNMAPPED))
    mend_rule(
        tmp_path,
        "incidents",
        'pattern: "[0-9]{12}"\n    severity: reject',
        'pattern: "[0-9]{12}"\n    severity: stop',
    )
    assert list_outcome(replay(write_incident_source(MAPPED))) == [([9], [], [10])]


def test_rows_of_a_community_land_once_it_is_registered(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    serve(platform, *make_incidents(9), {**make_incidents(1, 99)[0], "community": "410202001777"})
    source = write_incident_source()
    pull(source)
    assert list_outcome(replay(source)) == [([], [], [9])]
    land_rows(house, "communities", [{"community_code": "410202001777"}])
    assert list_outcome(replay(source)) == [([9], [], [])]


# Which of two rows of one key holds: the greatest updated_at, then the later batch, then the later record (data.md).


@pytest.mark.parametrize(("later", "holds"), [(NOON, "confirmed"), (EVENING, "confirmed"), (MORNING, "withdrawn")])
def test_a_row_is_superseded_by_one_in_a_later_batch_that_is_no_older(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, *, later: str, holds: str
) -> None:
    rejected = make_odd(updated=NOON, status="withdrawn")
    pull_in_turn(pull, platform, [rejected], [make_incidents(1, 99)[0] | {"updated": later}])
    expected = ([9], [], []) if holds == "withdrawn" else ([], [9], [])
    assert list_outcome(replay_mapped(replay)) == [expected]
    assert read_incidents(house)["I99"]["status"] == holds


@pytest.mark.parametrize(("earlier", "holds"), [(NOON, "withdrawn"), (EVENING, "confirmed"), (MORNING, "withdrawn")])
def test_a_row_takes_the_place_of_one_in_an_earlier_batch_unless_that_is_newer(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, *, earlier: str, holds: str
) -> None:
    rejected = make_odd(updated=NOON, status="withdrawn")
    pull_in_turn(pull, platform, [make_incidents(1, 99)[0] | {"updated": earlier}], [rejected])
    # An older one lands too and loses by itself.
    assert list_outcome(replay_mapped(replay)) == [([9], [], [])]
    assert read_incidents(house)["I99"]["status"] == holds


@pytest.mark.parametrize(("place", "holds"), [(0, "confirmed"), (1, "withdrawn")])
def test_within_its_own_batch_a_row_is_superseded_by_a_later_record_of_the_same_instant(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, *, place: int, holds: str
) -> None:
    records = [make_incidents(1, 99)[0]]
    records.insert(place, make_odd(status="withdrawn"))
    pull_in_turn(pull, platform, records)
    assert list_outcome(replay_mapped(replay)) == [([10], [], []) if place else ([], [9], [])]
    assert read_incidents(house)["I99"]["status"] == holds


def test_several_rejected_rows_of_one_key_keep_their_order(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    first, second = make_odd(kind="群体访"), make_odd(status="withdrawn")
    pull_in_turn(pull, platform, [first], [second])
    assert list_outcome(replay_mapped(replay)) == [([9], [], []), ([9], [], [])]
    assert read_incidents(house)["I99"]["status"] == "withdrawn"


@pytest.mark.parametrize("first", [0, 1])
def test_batches_replayed_one_by_one_come_to_the_same_in_either_order(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, first: int
) -> None:
    pull_in_turn(pull, platform, [make_odd()], [make_odd(status="withdrawn")])
    batch_ids = [row.batch_id for row in read_quarantine(house)]
    replay_mapped(replay, batch_id=batch_ids[first])
    report = replay_mapped(replay)
    # What was replayed of the second batch stands behind the first one, though it landed later than both.
    assert list_outcome(report) == [([], [9], []) if first else ([9], [], [])]
    assert read_incidents(house)["I99"]["status"] == "withdrawn"


def test_the_same_record_in_two_overlapping_pulls_lands_from_both(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd()], [make_odd()])
    assert list_outcome(replay_mapped(replay)) == [([9], [], []), ([9], [], [])]
    assert list(read_quarantine(house)) == []
    landings = house.ledger.list_landings()
    assert len({landing.batch_id for landing in landings}) == len(landings)


def test_what_a_batch_brought_again_is_rejected_again(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd(updated=NOON)])
    replay_mapped(replay)
    # The same rows, another content, then the same rows once more: under the old mapping they are the old batch.
    good = make_incidents(1, 99)[0] | {"updated": NOON, "status": "withdrawn"}
    for records in ([good], [make_odd(updated=NOON)]):
        pull_in_turn(pull, platform, records)
    assert [row.record_no for row in read_quarantine(house)] == [9]
    assert list_outcome(replay_mapped(replay)) == [([9], [], [])]
    assert read_incidents(house)["I99"]["status"] == "confirmed"


# Again is safe.


def list_batch_ids(house: House) -> list[str]:
    return [landing.batch_id for landing in house.ledger.list_landings()]


def test_twice_lands_nothing_new(pull: Pull, replay: Replay, house: House, platform: PlatformServer) -> None:
    pull_in_turn(pull, platform, [make_odd(), make_odd(98, day="31 April")])
    replay_mapped(replay)
    before = list_batch_ids(house)
    assert list_outcome(replay_mapped(replay)) == [([], [], [10])]
    assert list_batch_ids(house) == before


def test_a_dry_run_says_what_would_land_and_leaves_no_trace(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd()])
    before = list_batch_ids(house), house.ledger.list_pulls(), house.ledger.list_outcomes()
    folders = sorted(house.lake.root.rglob("*"))
    assert list_outcome(replay_mapped(replay, dry_run=True)) == [([9], [], [])]
    assert (list_batch_ids(house), house.ledger.list_pulls(), house.ledger.list_outcomes()) == before
    assert sorted(house.lake.root.rglob("*")) == folders


def test_a_replay_killed_before_its_batches_count_is_done_by_the_next(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull_in_turn(pull, platform, [make_odd()], [make_odd(98)])
    before = list_batch_ids(house)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(house.ledger, "finish_pull", die)
        with pytest.raises(KeyboardInterrupt):
            replay_mapped(replay)
    assert list_batch_ids(house) == before
    assert len(list(read_quarantine(house))) == 2
    assert list_outcome(replay_mapped(replay)) == [([9], [], []), ([9], [], [])]
    after = list_batch_ids(house)
    replay_mapped(replay)
    assert list_batch_ids(house) == after
    # What the kill left in the lake is what counts now.
    stored = {path.name.removeprefix("batch_id=") for path in (house.lake.root / "incidents").iterdir()}
    assert stored == {it.batch_id for it in house.ledger.list_landings() if it.table == "incidents"}


def test_a_row_that_lands_while_rows_are_replayed_is_not_overridden(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull_in_turn(pull, platform, [make_odd(updated=NOON)])
    begin_pull = house.ledger.begin_pull

    def land_first(**pulled: Any) -> int:
        monkeypatch.undo()
        serve(platform, make_incidents(1, 99)[0] | {"updated": NOON, "status": "withdrawn"})
        pull(write_incident_source())
        return begin_pull(**pulled)

    monkeypatch.setattr(house.ledger, "begin_pull", land_first)
    assert list_outcome(replay_mapped(replay)) == [([], [9], [])]
    assert read_incidents(house)["I99"]["status"] == "withdrawn"
    assert [it.status for it in house.ledger.list_pulls("test_platform")] == ["complete", "complete", "skipped"]


def test_a_replay_that_never_comes_first_gives_up_and_says_so(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull_in_turn(pull, platform, [make_odd()])
    finish_pull = house.ledger.finish_pull

    def come_late(pull_id: int, *, only_after: int | None = None, **ended: Any) -> bool:
        return only_after is None and finish_pull(pull_id, **ended)

    monkeypatch.setattr(house.ledger, "finish_pull", come_late)
    with pytest.raises(SourceUnavailable, match="keep landing while rejected rows are judged again"):
        replay_mapped(replay)
    assert len(list(read_quarantine(house))) == 1


# What a replay leaves as it was.


def test_marks_and_presence_are_as_they_were(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, make_source: Callable[[str], Any]
) -> None:
    pull_in_turn(pull, platform, [make_odd(updated=EVENING)])
    source = make_source(write_incident_source(f"{MAPPED}\nsince: {{param: since, format: iso}}"))
    march = Month(2024, 3)

    def look() -> tuple[object, object]:
        pulls = house.ledger.list_pulls("test_platform", "incidents")
        status = find_source_status(house, [source], march, MARCH[1])
        return find_mark(pulls, dates_rows=True), status

    before = look()
    assert len(replay_mapped(replay).batches[0].landed_nos) == 1
    assert look() == before
    assert house.ledger.list_pulls("test_platform")[-1].status == "replayed"


def test_a_replay_makes_no_mark_where_no_pull_has(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd()])
    replay_mapped(replay)
    alone = [pull for pull in house.ledger.list_pulls("test_platform") if pull.status == "replayed"]
    assert len(alone) == 1
    assert find_mark(alone, dates_rows=True) is None
    assert find_mark(alone, dates_rows=False) is None


def test_a_replay_leaves_its_outcome(pull: Pull, replay: Replay, house: House, platform: PlatformServer) -> None:
    pull_in_turn(pull, platform, [make_odd(), make_odd(98, day="31 April")])
    replay_mapped(replay)
    [outcome] = [row for row in house.ledger.list_outcomes() if row["step"] == "replay"]
    assert (outcome["ok"], outcome["counts"]) == (True, {"landed": 1, "superseded": 0, "stays": 1})
