"""What many tests share."""

import gc
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import city_runs
import month_factory
import pytest
from hypothesis import settings
from postgresql_server import PostgresqlServer, start_postgresql
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from flows.engines import OpenEngine, choose_engine
from flows.ledger import Ledger
from flows.results import MonthResult
from flows.settings import ENGINES, load_settings

# A slow machine is no failure. The gate looks at the same examples every time, and at half as many; elsewhere each
# run looks at new ones.
settings.register_profile("anywhere", deadline=None)
settings.register_profile("gate", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gate" if os.environ.get("CI") else "anywhere")

WORKER = "PYTEST_XDIST_WORKER"
"""The variable that names this process among those that pytest-xdist runs."""

LONGEST_FIRST = ("e2e", "drills", "flow")
"""The folders whose files take longest: begun last, one of them would go on when everything else is done."""


class ByFileOrGroup(LoadGroupScheduling):
    """One worker runs all tests of a file, which share what is slow to make, or of a group that has one in common."""

    def _split_scope(self, nodeid: str) -> str:
        return super()._split_scope(nodeid).partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileOrGroup | None:
    return ByFileOrGroup(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores, for what waits: servers start, schedules fall due."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run whatever counts on Spark, whose start takes longer than most files; begin with the slow.

    The workers keep to this order only with `--no-loadscope-reorder`, as the Makefile has it.
    """
    for item in items:
        if "engines" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("spark"))
    if WORKER in os.environ:
        slow = {
            item.path for item in items if any(item.iter_markers("flow")) or any(item.iter_markers("xdist_group"))
        }
        items.sort(key=lambda item: _rank_by_time(item.path, slow))


def _rank_by_time(file: Path, slow: Collection[Path]) -> int:
    """Where a file stands in the order of work, the slowest first."""
    if file.parent.name in LONGEST_FIRST:
        return LONGEST_FIRST.index(file.parent.name)
    return len(LONGEST_FIRST) + (file not in slow)


@pytest.fixture
def make_result() -> Callable[..., MonthResult]:
    """Makes an invented month: `make_result(community_count=6, staff_per_community=4, paid=True, missing=())`."""
    return month_factory.make_month


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger on SQLite in which nothing is yet; tests copy it, since making one takes a tenth of a second."""
    file = tmp_path_factory.mktemp("new_ledger") / "ledger.sqlite"
    Ledger.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A real PostgreSQL, one for the session; who uses it empties it first."""
    with start_postgresql() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> str:
    """Where an empty ledger is, on PostgreSQL."""
    postgresql_server.empty()
    return postgresql_server.write_owner_url()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty ledger is, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(scope="session")
def march(tmp_path_factory: pytest.TempPathFactory) -> city_runs.DemoRun:
    """The small city's March 2024, run once by `fivestar demo`, also for several workers; not to be changed."""
    # Workers' folders lie side by side in the session's; without workers, what lies above belongs to other sessions.
    shared = tmp_path_factory.getbasetemp().parent / "march" if WORKER in os.environ else None
    return city_runs.run_demo_once(tmp_path_factory.mktemp("march"), shared)


@pytest.fixture
def home(march: city_runs.DemoRun, tmp_path: Path) -> city_runs.Home:
    """A copy of the installation after March's cycle, for a test to change."""
    return march.home.copy(tmp_path)


@pytest.fixture
def home_before(march: city_runs.DemoRun, tmp_path: Path) -> city_runs.Home:
    """A copy of the installation as it was just before March's cycle."""
    return march.before.copy(tmp_path)


@pytest.fixture(scope="session")
def servers(march: city_runs.DemoRun) -> Iterator[dict[str, str]]:
    """What answers `${NAME}` while the four platforms' servers run."""
    with march.sandbox:
        yield march.sandbox.environment


@pytest.fixture
def platforms(servers: dict[str, str]) -> Iterator[dict[str, str]]:
    """The four platforms, reachable: the environment answers every `${NAME}` of their files."""
    with city_runs.set_environment(servers):
        yield servers


@pytest.fixture(scope="session")
def subjects(march: city_runs.DemoRun) -> dict[str, str]:
    """The community or worker of each story."""
    return {story.key: story.subject for story in march.sandbox.stories}


@pytest.fixture(scope="session")
def stars(march: city_runs.DemoRun) -> dict[tuple[str, str], city_runs.Row]:
    return {(row["community_code"], row["star"]): row for row in city_runs.read_csv(march.home.march / "stars.csv")}


@pytest.fixture(scope="session")
def ratings(march: city_runs.DemoRun) -> dict[str, city_runs.Row]:
    return {row["community_code"]: row for row in city_runs.read_csv(march.home.march / "ratings.csv")}


@pytest.fixture(scope="session")
def workers(march: city_runs.DemoRun) -> dict[str, city_runs.Row]:
    return {row["staff_id"]: row for row in city_runs.read_csv(march.home.march / "grades.csv")}


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OpenEngine]:
    """Each engine by its name; the process has one Spark session, which whoever asks first starts."""
    home = tmp_path_factory.mktemp("engines")
    given = load_settings(home, city_runs.CONFIG)
    return {name: choose_engine(replace(given, engine=name), home / "scratch") for name in ENGINES}


@pytest.fixture(params=ENGINES)
def open_engine(request: pytest.FixtureRequest, engines: dict[str, OpenEngine]) -> OpenEngine:
    """Each engine in turn."""
    return engines[request.param]


def pytest_sessionfinish() -> None:
    """Let go of what ingest keeps out of the collector's sight, so that DuckDB finds nothing leaked at the end."""
    gc.unfreeze()
    gc.collect()
