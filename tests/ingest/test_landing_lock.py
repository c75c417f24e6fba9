"""From the first batch in the lake until the ledger names it, nobody empties batches."""

from collections.abc import Callable
from typing import Any

import pytest
from ingest_kit import count_rows
from platform_server import PlatformServer
from replay_kit import make_odd, pull_in_turn, replay_mapped

from flows.errors import SourceUnavailable
from flows.house import House
from flows.lake import StagedBatch
from flows.locks import hold_file


@pytest.fixture
def watched(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each moment at which a batch came to lie in the lake, or the ledger named one; all of them locked."""
    moments: list[str] = []

    def watch(owner: object, name: str) -> None:
        act = getattr(owner, name)

        def act_locked(*given: Any, **named: Any) -> Any:
            with pytest.raises(SourceUnavailable, match="is landing"), hold_file(house.landing_lock, "is landing."):
                pass
            moments.append(name)
            return act(*given, **named)

        monkeypatch.setattr(owner, name, act_locked)

    watch(StagedBatch, "commit")
    watch(house.ledger, "finish_pull")
    return moments


def test_what_is_pulled_or_replayed_is_locked_until_the_ledger_names_it(
    pull: Callable[..., Any],
    replay: Callable[..., Any],
    house: House,
    platform: PlatformServer,
    watched: list[str],
) -> None:
    pull_in_turn(pull, platform, [make_odd()])
    assert watched == ["commit", "finish_pull"]
    assert len(replay_mapped(replay).batches[0].landed_nos) == 1
    assert watched == ["commit", "finish_pull"] * 2
    assert count_rows(house, "incidents") > 0
    with hold_file(house.landing_lock, "is landing."):
        pass
