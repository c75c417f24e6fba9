"""What `fivestar up`, `down` and `deploy` refuse: in one message, with nothing started and nothing left behind."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from city_runs import CONFIG, Answer, Home, run_fivestar
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.server.deploying import compare_sources, describe_end, list_deployments
from flows.server.place import Place
from flows.server.processes import record_process
from flows.settings import load_settings


@pytest.fixture
def new_home(tmp_path: Path) -> Home:
    """An installation that has nothing but the shipped configuration."""
    return Home(tmp_path / "home", CONFIG)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def list_records(home: Home) -> list[str]:
    return sorted(file.name for file in (home.path / "prefect").glob("*.json"))


def record_running(home: Home, port: int) -> Place:
    """As if this very process were the installation's server."""
    place = Place(load_settings(home.path, home.config))
    place.folder.mkdir(parents=True)
    record_process(place.server, os.getpid(), port=port)
    return place


@pytest.mark.parametrize("command", ["up", "deploy"])
def test_a_configuration_with_faults_is_told_whole_before_anything_starts(home_before: Home, command: str) -> None:
    for file, old, new in [
        ("policy/five_star.yaml", "weight: 50", "weight: 45"),
        ("platforms/law_enforcement.yaml", "records: lb", "recrods: lb"),
    ]:
        path = home_before.config / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    answer = home_before.run(command)
    assert (answer.code, answer.out) == (10, "")
    assert "weights total 95. They must total 100" in answer.err
    assert "law_enforcement.yaml, resources.events: unknown key recrods" in answer.err
    assert not (home_before.path / "prefect").exists()


def test_a_port_that_somebody_else_uses_is_named(new_home: Home, taken_port: int) -> None:
    answer = new_home.run("up", "--port", str(taken_port))
    assert answer == Answer(
        10,
        "",
        f"fivestar: port {taken_port} on 127.0.0.1 is in use by a program. End that one, or choose another port "
        "with --port.\n",
    )
    assert list_records(new_home) == []


def test_another_port_than_the_running_servers_is_refused(new_home: Home) -> None:
    record_running(new_home, 4321)
    answer = new_home.run("up", "--port", "4322")
    assert answer.code == 2
    assert "this installation runs on port 4321" in answer.err


def test_a_server_that_cannot_open_its_database_leaves_nothing_running(
    new_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://city:word@127.0.0.1:9/prefect")
    answer = new_home.run("up", "--port", str(port))
    assert answer.code == 10
    assert "the Prefect server did not come up" in answer.err
    assert "server.log" in answer.err
    assert "Connect call failed ('127.0.0.1', 9)" in answer.err
    assert "Its database is the one that PREFECT_API_DATABASE_CONNECTION_URL names" in answer.err
    assert "word@" not in answer.err
    assert list_records(new_home) == []


@pytest.mark.parametrize("command", ["up", "down"])
def test_two_commands_at_once_do_not_mix(new_home: Home, command: str) -> None:
    place = Place(load_settings(new_home.path, new_home.config))
    with place.lock():
        answer = new_home.run(command)
    assert answer.code == 11
    assert "another fivestar up or down is at work there" in answer.err


def test_down_where_nothing_runs_ends_well(new_home: Home) -> None:
    assert new_home.run("down") == Answer(0, "nothing runs\n", "")
    assert not new_home.path.exists()


def test_down_leaves_a_process_alone_that_has_come_by_the_servers_pid(new_home: Home) -> None:
    place = record_running(new_home, 4321)
    told = place.server.read_bytes()
    place.server.write_bytes(told.replace(b'"started":"', b'"started":"of another boot '))
    # It would have ended this very process.
    assert new_home.run("down") == Answer(0, "nothing runs\n", "")
    assert list_records(new_home) == []


def test_deploying_needs_a_server_that_answers(new_home: Home) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        answer = new_home.run("deploy")
    assert answer.code == 10
    assert "PREFECT_API_URL is not set" in answer.err
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        answer = new_home.run("deploy")
    assert answer.code == 11
    assert "no Prefect server answers at http://127.0.0.1:9/api" in answer.err


def test_sources_and_deployments_that_do_not_fit_each_other_are_told() -> None:
    deployed = [it["parameters"]["platform"] for it in list_deployments() if it["name"].startswith("ingest-")]
    assert compare_sources(deployed) == []
    assert compare_sources([*deployed[1:], "water_works"]) == [
        "water_works has no deployment in prefect.yaml, so only the monthly run pulls it",
        f"prefect.yaml deploys {deployed[0]}, which config/platforms does not describe: its runs will fail",
    ]


def test_a_programs_last_error_is_told_and_no_password_of_an_address() -> None:
    assert describe_end("first\n  at postgresql://city:word@db:5432/prefect \n\n") == (
        "at postgresql://***@db:5432/prefect"
    )
    assert describe_end("a.b.WrongError: no\n\nServer stopped!\n") == "a.b.WrongError: no"
    assert describe_end("") == "nothing."


def test_the_options_of_port_and_wait_have_bounds(new_home: Home) -> None:
    for arguments in (("up", "--port", "0"), ("up", "--port", "65536"), ("down", "--wait", "-1")):
        assert run_fivestar(*arguments).code == 2
