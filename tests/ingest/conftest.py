"""A platform, sources, a folder of files, a house with one landed register, and time that passes when asked to."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from doctor_kit import Examine
from ingest_kit import CONFIG, LATER, MARCH, NOW, STILL, Pauses, land_rows
from platform_server import CARD, PlatformServer
from postgresql_server import PostgresqlServer

from flows.house import House, open_house
from flows.ingest.connect.files import read_records
from flows.ingest.connect.folder import find_files
from flows.ingest.connect.rest import RestClient
from flows.ingest.describe.source import FilesSource, RestSource, Source, load_source
from flows.ingest.doctor import Finding, SourceDoctor
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


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """The folder that a source of files looks into, empty."""
    folder = tmp_path / "config" / "drop"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def make_files_source(make_source: Callable[[str], Source]) -> Callable[[str], FilesSource]:
    """A source of sanctions from the folder `drop`, with the given lines in its resource."""

    def make(lines: str) -> FilesSource:
        text = f"""
platform: sheets
title: Sheets
{CARD}
connection: {{kind: files, path: drop}}
resources:
  sanctions:
    table: sanctions
    fields: {{staff_id: 工号, kind: 种类, effective_on: 日期}}
"""
        source = make_source(text + "".join(f"    {line}\n" for line in lines.splitlines()))
        assert isinstance(source, FilesSource)
        return source

    return make


@pytest.fixture
def read(make_files_source: Callable[[str], FilesSource]) -> Callable[..., list[dict[str, Any]]]:
    """All records of all files that match."""

    def run(lines: str) -> list[dict[str, Any]]:
        source = make_files_source(lines)
        resource = source.resources["sanctions"]
        return [
            record
            for file in find_files(source, resource, STILL)[0]
            for records in read_records(file, resource, "sheets, sanctions")
            for record in records
        ]

    return run


@pytest.fixture
def examine(house: House, make_source: Callable[[str], Source], pauses: Pauses) -> Examine:
    """What is found of the source in a platform file's text, on 5 April 2024."""

    def run(text: str, *, stores: House | None = house) -> list[Finding]:
        return SourceDoctor(house.settings.config, stores, NOW, pauses.timing).examine_source(make_source(text))

    return run
