from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.month import Month
from flows.sandbox.city import Sandbox, build_sandbox


@pytest.fixture(scope="session")
def small_city(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The small sandbox city of March 2024 with the three months before it; its servers stand still."""
    return build_sandbox(tmp_path_factory.mktemp("sandbox"), scale="small", month=Month(2024, 3))


@pytest.fixture(scope="session")
def running_city(small_city: Sandbox) -> Iterator[Sandbox]:
    with small_city:
        yield small_city


@pytest.fixture(scope="session")
def sheets_folder(small_city: Sandbox) -> Path:
    return small_city.folder / "sheets"
