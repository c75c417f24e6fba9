"""The drill in short: a month's work killed in each half of its time."""

from pathlib import Path

import pytest
from city_runs import DemoRun, Home
from kill_drill import Ending, KillDrill, find_last_step, list_leftovers, spread_instants

pytestmark = pytest.mark.flow

INSTANTS = 2
SEED = 7


def test_instants_are_spread_over_the_whole_work() -> None:
    instants = spread_instants(60.0, 6, SEED)
    assert [int(instant // 10) for instant in instants] == [0, 1, 2, 3, 4, 5]
    assert instants != spread_instants(60.0, 6, SEED + 1)


def test_a_month_killed_at_any_instant_and_done_again_ends_as_if_nothing_had_happened(
    march: DemoRun, servers: dict[str, str], tmp_path: Path
) -> None:
    drill = KillDrill(march.before, servers, tmp_path)
    killed = [drill.kill_at(instant) for instant in spread_instants(drill.seconds, INSTANTS, SEED)]
    assert [(it.after_seconds, it.reached, it.faults) for it in killed if it.faults] == []
    assert any(it.reached != "nothing" for it in killed)


def test_the_drill_sees_a_file_that_differs_a_row_that_is_missing_and_one_that_is_there_twice(march: DemoRun) -> None:
    ending = Ending.read(march.home)
    assert ending.differs_from(ending) == []
    lost, twice = dict(ending.rows), dict(ending.rows)
    row = next(iter(ending.rows["outbox"]))
    lost["outbox"] = ending.rows["outbox"].copy()
    lost["outbox"].subtract([row])
    twice["landings"] = ending.rows["landings"] + type(ending.rows["landings"])(list(ending.rows["landings"])[:1])
    spoilt = {**ending.outputs, "2024-03/stars.csv": "0"}
    assert ending.differs_from(Ending(ending.outputs, ending.delivered, lost)) == ["table outbox"]
    assert ending.differs_from(Ending(ending.outputs, ending.delivered, twice)) == ["table landings"]
    assert ending.differs_from(Ending(spoilt, ending.delivered, ending.rows)) == ["2024-03/stars.csv"]


def test_the_drill_sees_what_a_run_left_behind(home: Home) -> None:
    before = list_leftovers(home)
    (home.path / "scratch" / "somebody").mkdir()
    (home.path / "outputs" / ".2024-03.new").mkdir()
    found = {"left over: somebody", "left over: .2024-03.new"}
    assert set(list_leftovers(home)) - set(before) == found


def test_the_drill_tells_how_far_a_killed_run_had_got(march: DemoRun) -> None:
    assert find_last_step(march.home) == "notify"
