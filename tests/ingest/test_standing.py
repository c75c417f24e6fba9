"""Where landed batches stand, and which of them are replays of another."""

from typing import NoReturn

import pytest

from flows.ingest.rejected.standing import Standing, write_replay_slot
from flows.lake import Landing


def make_landing(number: int, batch_id: str, slot: str) -> Landing:
    return Landing(number, batch_id, "events", "p", 1, 1, "events", slot)


def test_a_batch_has_the_replays_that_landed_after_it() -> None:
    first, second = write_replay_slot("a"), write_replay_slot("b")
    landings = [
        make_landing(1, "a", "hour 1"),
        make_landing(2, "a1", first),
        make_landing(3, "b", "hour 2"),
        make_landing(4, "b1", second),
        make_landing(5, "a2", first),
        # What landed again waits again.
        make_landing(6, "b", "hour 2"),
    ]
    standing = Standing(landings)
    assert [it.batch_id for it in standing.list_replays("a")] == ["a1", "a2"]
    assert standing.list_replays("b") == []


def test_the_replays_of_one_batch_are_found_without_a_look_at_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    # With an hourly pull there are tens of thousands of batches, and each is asked for its replays.
    standing = Standing([make_landing(1, "a", "hour 1"), make_landing(2, "a1", write_replay_slot("a"))])
    monkeypatch.setattr(Standing, "landings", property(_refuse))
    assert [it.batch_id for it in standing.list_replays("a")] == ["a1"]


def _refuse(_: Standing) -> NoReturn:
    raise AssertionError("all landings were gone through")
