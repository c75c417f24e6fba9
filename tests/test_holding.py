"""A month is one run's at a time: two processes on either database, one of them killed, and steps inside steps."""

import contextvars
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from city_runs import CONFIG, MARCH, Home
from ledger_processes import PATIENCE_SECONDS, PROCESSES, hold_month, read_clock
from postgresql_server import PostgresqlServer

from flows.errors import SourceUnavailable
from flows.house import House, open_house
from flows.ledger.locks import LOCK_CLASS
from flows.month import Month
from flows.settings import Settings, load_settings


@pytest.fixture
def settings(ledger_url: str, tmp_path: Path) -> Settings:
    return replace(load_settings(tmp_path / "home", CONFIG), database_url=ledger_url)


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    with open_house(settings) as opened:
        yield opened


@contextmanager
def let_another_hold(settings: Settings, step: str = "evaluate") -> Iterator[int]:
    """The number of a process that holds March until it is killed, at the end at the latest."""
    has_it = PROCESSES.Event()
    process = PROCESSES.Process(target=hold_month, args=(settings, MARCH, step, has_it))
    process.start()
    try:
        assert has_it.wait(PATIENCE_SECONDS)
        assert process.pid is not None
        yield process.pid
    finally:
        process.kill()
        process.join(PATIENCE_SECONDS)


def hold_in_time(house: House) -> bool:
    """Whether March can be had before patience ends: a database may need a moment to see that a process is gone."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            with house.hold_month(MARCH, "publish", read_clock):
                return True
        except SourceUnavailable:
            threading.Event().wait(0.05)
    return False


def test_while_one_process_has_a_month_another_is_refused_and_told_who_has_it(
    settings: Settings, house: House
) -> None:
    with let_another_hold(settings) as pid:
        holder = rf"It is held by evaluate {pid}@\S+ since 20\d\d-\d\d-\d\dT[\d:]+(Z|\+08:00)\. Try again when it has"
        with (
            pytest.raises(SourceUnavailable, match=rf"2024-03: another run is working on this month\. {holder}"),
            house.hold_month(MARCH, "publish", read_clock),
        ):
            pytest.fail("two have the month")
        with house.hold_month(Month(2024, 2), "publish", read_clock):
            pass
    [outcome] = house.ledger.list_outcomes()
    assert (outcome["step"], outcome["month"], outcome["ok"]) == ("publish", "2024-03", False)
    assert outcome["exit_code"] == 11
    assert "another run is working on this month" in outcome["message"]


def test_a_process_that_is_killed_lets_go(settings: Settings, house: House) -> None:
    with let_another_hold(settings) as pid:
        os.kill(pid, signal.SIGKILL)
        assert hold_in_time(house)


def test_a_step_inside_a_step_has_the_month_and_only_the_outer_one_gives_it_back(
    settings: Settings, house: House
) -> None:
    with open_house(settings) as other:
        with house.hold_month(MARCH, "run", read_clock):
            # A flow's tasks open the stores for themselves.
            with other.hold_month(MARCH, "evaluate", read_clock):
                pass
            assert not in_a_thread(lambda: may_have(other))
        assert in_a_thread(lambda: may_have(other))


def test_a_thread_that_a_run_starts_for_itself_has_the_month_too(house: House) -> None:
    with house.hold_month(MARCH, "run", read_clock):
        context = contextvars.copy_context()
        assert in_a_thread(lambda: context.run(may_have, house))


def test_a_run_whose_lock_the_server_dropped_writes_nothing_more(
    postgresql_url: str, postgresql_server: PostgresqlServer, tmp_path: Path
) -> None:
    settings = replace(load_settings(tmp_path / "home", CONFIG), database_url=postgresql_url)
    with open_house(settings) as house, house.hold_month(MARCH, "run", read_clock):
        postgresql_server.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = {LOCK_CLASS}"
        )
        for _ in range(2):
            lost = pytest.raises(SourceUnavailable, match="2024-03: the connection that kept the month for this run")
            with lost, house.hold_month(MARCH, "evaluate", read_clock):
                pytest.fail("the month is anybody's")


def test_commands_on_a_month_that_another_process_has_end_with_11(home: Home) -> None:
    settings = load_settings(home.path, home.config)
    with let_another_hold(settings, "run") as pid:
        for command in (("run", "--offline"), ("evaluate",), ("publish",)):
            answer = home.run(*command, "--month", "2024-03")
            assert (answer.code, answer.out) == (11, "")
            assert f"fivestar: 2024-03: another run is working on this month. It is held by run {pid}@" in answer.err
            assert "Traceback" not in answer.err
    with home.open() as house:
        told = [(row["step"], row["ok"]) for row in house.ledger.list_outcomes("2024-03")[-3:]]
    assert told == [("run", False), ("evaluate", False), ("publish", False)]


def may_have(house: House) -> bool:
    """Whether March can be had by somebody who has nothing to do with what runs here."""
    try:
        with house.hold_month(MARCH, "publish", read_clock):
            return True
    except SourceUnavailable:
        return False


def in_a_thread(ask: Callable[[], bool]) -> bool:
    """What a thread finds that nobody handed anything to."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    thread.join()
    return found[0]
