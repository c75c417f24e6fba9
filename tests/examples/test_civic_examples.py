"""The examples on invented exports of the same shape, and every command of their READMEs."""

import re
from pathlib import Path

import city_runs
import pytest
from civic_files import write_civic_files
from example_kit import (
    EXAMPLES,
    check_government_export,
    check_los_angeles,
    check_new_york,
    check_service_days,
    land_example,
)

from flows.errors import ConfigurationError
from flows.ingest.describe.rules import load_rules
from flows.ingest.describe.source import load_sources

ROOT = EXAMPLES.parents[1]
FOLDERS = sorted(folder for folder in EXAMPLES.iterdir() if (folder / "platforms").is_dir())
CIVIC = ("government-export", "los-angeles", "new-york")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all three exports, invented."""
    return write_civic_files(tmp_path_factory.mktemp("civic"))


def test_los_angeles_lands_but_for_what_was_closed_before_it_was_created(exports: Path, tmp_path: Path) -> None:
    landed = land_example("los-angeles", "events", exports, tmp_path)
    check_los_angeles(landed)
    check_service_days(landed)


def test_new_york_lands_whole(exports: Path, tmp_path: Path) -> None:
    check_new_york(land_example("new-york", "events", exports, tmp_path))


def test_the_government_export_lands_without_preamble_and_footnotes(exports: Path, tmp_path: Path) -> None:
    check_government_export(land_example("government-export", "communities", exports, tmp_path))


def test_the_same_exports_again_land_nothing(exports: Path, tmp_path: Path) -> None:
    for _ in range(2):
        landed = land_example("new-york", "events", exports, tmp_path)
        assert len(landed.rows) == 100
    with city_runs.Home(tmp_path, EXAMPLES / "new-york").open() as house:
        assert len(house.ledger.list_landings()) == 1


def test_the_examples_of_other_places_are_all_there() -> None:
    assert set(CIVIC) <= {folder.name for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_example_can_be_loaded_with_rules_for_each_table_that_it_fills(folder: Path) -> None:
    sources = load_sources(folder / "platforms", lambda _: "set")
    if (folder / "quality").is_dir():
        tables = set().union(*(source.tables for source in sources))
        assert set(load_rules(folder / "quality", tables)) == tables
    assert (folder / "README.md").is_file()


@pytest.mark.parametrize("name", CIVIC)
def test_every_command_of_an_examples_page_works_as_it_stands(
    name: str, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [block] = re.findall(r"```sh\n(.*?)```", (EXAMPLES / name / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    setting, *commands = block.splitlines()
    assert setting == "export CIVIC_FOLDER=/path/to/the/folder"
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIVIC_FOLDER", str(exports))
    assert commands
    for command in commands:
        program, *arguments = command.split()
        assert program == ".venv/bin/fivestar"
        answer = city_runs.run_fivestar(*arguments)
        assert answer.code == 0, answer.err


def test_an_example_whose_rules_are_gone_lands_nothing_and_names_the_file(exports: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "platforms").mkdir(parents=True)
    (config / "quality").mkdir()
    platform = EXAMPLES / "new-york" / "platforms" / "new_york.yaml"
    (config / "platforms" / platform.name).write_bytes(platform.read_bytes())
    with city_runs.set_environment({"CIVIC_FOLDER": str(exports)}):
        answer = city_runs.run_fivestar("ingest", "--config", str(config), "--home", str(tmp_path / "home"))
    assert (answer.code, answer.out) == (ConfigurationError.exit_code, "")
    assert "quality/events.yaml: is missing, so nothing judges events. Write or restore the file." in answer.err
