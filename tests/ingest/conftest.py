"""A platform, sources, a house with one landed register, and time that passes only when asked to."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest
from ingest_kit import CONFIG, LATER, MARCH, NOW, Pauses, land_rows
from platform_server import PlatformServer
from postgresql_server import PostgresqlServer

from flows.house import House, open_house
from flows.ingest.connect.rest import RestClient
from flows.ingest.describe.source import RestSource, Source, load_source
from flows.ingest.pull import pull_source
from flows.ingest.rejected.replay import ReplayReport, replay_quarantine
from flows.ingest.reports import PullReport
from flows.settings import load_settings


@pytest.fixture(scope="session")
def _server() -> Iterator[PlatformServer]:
    server = PlatformServer()
    yield server
    server.close()


@pytest.fixture
def platform(_server: PlatformServer) -> PlatformServer:
    """A platform that nobody has asked yet."""
    _server.asked.clear()
    _server.answer_in_turn()
    return _server


@pytest.fixture
def values(platform: PlatformServer) -> dict[str, str]:
    """What answers `${NAME}`."""
    return {"TEST_URL": platform.url, "TEST_TOKEN": "s3cret-token", "TEST_SECRET": "s3cret-key"}


@pytest.fixture
def postgresql(postgresql_server: PostgresqlServer, values: dict[str, str]) -> PostgresqlServer:
    """A real PostgreSQL with nothing in it, which `EXCHANGE_URL` names."""
    postgresql_server.empty()
    values["EXCHANGE_URL"] = postgresql_server.write_url()
    return postgresql_server


@pytest.fixture
def make_source(tmp_path: Path, values: dict[str, str]) -> Callable[[str], Source]:
    """Loads the text of a platform file; its folder of files is `tmp_path / "config"`."""

    def make(text: str) -> Source:
        name = next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("platform:"))
        folder = tmp_path / "config" / "platforms"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return load_source(folder / f"{name}.yaml", values.get)

    return make


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def make_client(make_source: Callable[[str], Source], pauses: Pauses) -> Iterator[Callable[[str], RestClient]]:
    """A client of the source in a platform file's text."""
    clients: list[RestClient] = []

    def make(text: str) -> RestClient:
        source = make_source(text)
        assert isinstance(source, RestSource)
        clients.append(RestClient(source, pauses.timing))
        return clients[-1]

    yield make
    for client in clients:
        client.__exit__()


@pytest.fixture(scope="session")
def _registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of an installation with the register of two communities with a grid each; not to be changed."""
    home = tmp_path_factory.mktemp("registered") / "home"
    opened = open_house(load_settings(home, CONFIG, lambda _: None))
    land_rows(opened, "communities", [{"community_code": code} for code in ("410202001001", "410202001002")])
    land_rows(opened, "grids", [{"grid_code": "G1", "community_code": "410202001001"}])
    land_rows(opened, "grids", [{"grid_code": "G2", "community_code": "410202001002"}])
    opened.ledger.close()
    return home


@pytest.fixture
def house(tmp_path: Path, _registered: Path) -> Iterator[House]:
    """An installation with the shipped quality files, no policy, and the register of two communities."""
    config = tmp_path / "config"
    config.mkdir(exist_ok=True)
    (config / "quality").symlink_to(CONFIG / "quality")
    copytree(_registered, tmp_path / "home")
    opened = open_house(load_settings(tmp_path / "home", config, lambda _: None))
    yield opened
    opened.ledger.close()


@pytest.fixture
def pull(house: House, make_source: Callable[[str], Source], pauses: Pauses) -> Callable[..., PullReport]:
    """Pulls the source in a platform file's text for March 2024, seen from 5 April."""

    def run(text: str, **options: object) -> PullReport:
        arguments = {"window": MARCH, "now": NOW, "timing": pauses.timing, "bands": {}, **options}
        return pull_source(house, make_source(text), **arguments)  # type: ignore[arg-type]

    return run


@pytest.fixture
def replay(house: House, make_source: Callable[[str], Source]) -> Callable[..., ReplayReport]:
    """Replays as seen from 14 April, with the source's file as the text says by then."""

    def run(text: str = "", **options: object) -> ReplayReport:
        if text:
            make_source(text)
        arguments = {"bands": {}, **options}
        return replay_quarantine(house, lambda: LATER, **arguments)  # type: ignore[arg-type]

    return run
