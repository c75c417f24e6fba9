"""`fivestar ingest`: what changed since the last pull, a month, a range of months; killed, it goes on."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from city_runs import CONFIG, Home, set_environment
from platform_server import Asked, PlatformServer, Reply, make_incidents, write_incident_source

COMMUNITY = {
    "community_code": "410202001001",
    **dict.fromkeys(("name", "street_code", "street_name", "district_code", "district_name"), "x"),
    "valid_from": "2020-01-01",
}
REGISTER = """  communities:
    table: communities
    request: {path: /communities}
    records: items
    fields: {community_code: community_code, name: name, street_code: street_code, street_name: street_name,
      district_code: district_code, district_name: district_name, valid_from: valid_from}
"""
PAGES = "pages: {kind: page, size_param: size, size: 10}\ntotal: total\nsince: {param: since, until_param: until}"
PAGE_COUNT = 4


def answer(asked: Asked) -> Reply:
    """The register's one community, and four pages of ten incidents."""
    if asked.path == "/communities":
        return Reply({"items": [COMMUNITY]})
    number = int(asked.query["page"])
    count = 10 if number <= PAGE_COUNT else 0
    return Reply({"items": make_incidents(count, 10 * (number - 1)), "total": 10 * PAGE_COUNT})


@pytest.fixture
def server() -> Iterator[PlatformServer]:
    server = PlatformServer()
    server.answer = answer
    yield server
    server.close()


@pytest.fixture
def installation(tmp_path: Path) -> Home:
    """An installation with one platform that serves a register and incidents."""
    config = tmp_path / "config"
    (config / "platforms").mkdir(parents=True)
    for name in ("quality", "policy"):
        (config / name).symlink_to(CONFIG / name)
    (config / "platforms" / "test_platform.yaml").write_text(
        write_incident_source(PAGES) + REGISTER, encoding="utf-8"
    )
    return Home(tmp_path / "home", config)


@pytest.fixture
def platform(server: PlatformServer, monkeypatch: pytest.MonkeyPatch) -> PlatformServer:
    monkeypatch.setenv("TEST_URL", server.url)
    return server


def list_windows(home: Home) -> list[tuple[str, str]]:
    """From when to when each pull of the incidents was asked for, as days in UTC."""
    with home.open() as house:
        pulls = house.ledger.list_pulls("test_platform", "incidents")
    return [(f"{it.window_from_at:%Y-%m-%d %H}", f"{it.window_to_at:%Y-%m-%d %H}") for it in pulls]


def test_without_options_it_goes_on_from_where_it_was(installation: Home, platform: PlatformServer) -> None:
    for _ in range(2):
        assert installation.run("ingest").code == 0
    # The command line's clock says 5 April 2024, 02:00 UTC; the newest incident was changed on 6 March, 00:00 UTC.
    first, second = list_windows(installation)
    assert first == ("2024-02-29 16", "2024-04-05 02")
    assert second == ("2024-03-06 00", "2024-04-05 02")


def test_a_range_of_months_is_pulled_month_by_month(installation: Home, platform: PlatformServer) -> None:
    answered = installation.run("ingest", "--month", "2024-01..2024-03")
    assert answered.code == 0
    assert list_windows(installation) == [
        ("2023-12-31 16", "2024-02-02 16"),
        ("2024-01-31 16", "2024-03-02 16"),
        ("2024-02-29 16", "2024-04-02 16"),
    ]
    assert answered.out.count("test_platform/communities: complete") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2024-03..2024-01", "--month '2024-03..2024-01' ends before it begins. Write the earlier month first."),
        ("2024-03..", "month '' cannot be read"),
        ("2024-03..now", "month 'now' cannot be read"),
        # The command line's clock says 5 April 2024.
        ("2024-03..2024-05", "--month '2024-03..2024-05': 2024-05 has not begun"),
    ],
)
def test_a_range_that_cannot_be_meant_is_a_usage_error(installation: Home, text: str, message: str) -> None:
    answered = installation.run("ingest", "--month", text)
    assert answered.code == 2
    assert message in answered.err


@pytest.mark.flow
@pytest.mark.parametrize("last_page", [1, 2, PAGE_COUNT])
def test_killed_while_a_page_is_on_its_way_it_lands_nothing_and_then_everything(
    installation: Home, server: PlatformServer, last_page: int
) -> None:
    """SIGKILL, sent when the page is asked for: nothing of the process tidies up after it."""
    fivestar = str(Path(sys.executable).with_name("fivestar"))
    command = [fivestar, "ingest", "--home", str(installation.path), "--config", str(installation.config)]
    process = subprocess.Popen(command, env={**os.environ, "TEST_URL": server.url}, stderr=subprocess.DEVNULL)
    asked_for = threading.Event()

    def kill(asked: Asked) -> Reply:
        if asked.query.get("page") == str(last_page):
            process.send_signal(signal.SIGKILL)
            asked_for.set()
        return answer(asked)

    server.answer = kill
    assert process.wait(timeout=120) == -signal.SIGKILL
    assert asked_for.is_set()
    server.answer = answer
    with installation.open() as house:
        assert {it.table for it in house.ledger.list_landings()} == {"communities"}
    with set_environment({"TEST_URL": server.url}):
        assert installation.run("ingest").code == 0
    with installation.open() as house:
        assert [it.status for it in house.ledger.list_pulls("test_platform", "incidents")] == ["running", "complete"]
        with house.view() as view:
            assert view.table("incidents").count().execute() == 10 * PAGE_COUNT
    assert list((installation.path / "lake" / ".staging").iterdir()) == []
