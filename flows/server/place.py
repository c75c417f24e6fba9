"""Where an installation's Prefect lives on this machine, and in which environment its processes run."""

import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from flows.locks import hold_file
from flows.settings import Settings, copy_environment, read_environment

HOST = "127.0.0.1"
"""Prefect's server asks nobody who they are, so it can be reached from this machine only."""

PROGRAM = Path(__file__).parents[2]
"""The folder that holds this program."""
PROJECT_FILE = "prefect.yaml"


@dataclass(frozen=True)
class Place:
    """An installation's folder for Prefect: pid files, logs, and Prefect's own state unless PREFECT_HOME is set."""

    settings: Settings

    @property
    def folder(self) -> Path:
        return self.settings.home / "prefect"

    @property
    def server(self) -> Path:
        """What is written down of the server that was started."""
        return self.folder / "server.json"

    @property
    def worker(self) -> Path:
        """What is written down of the worker that was started."""
        return self.folder / "worker.json"

    @property
    def server_log(self) -> Path:
        return self.folder / "server.log"

    @property
    def worker_log(self) -> Path:
        return self.folder / "worker.log"

    @property
    def draining(self) -> Path:
        """There while the work pool is paused because the worker is being taken down, and for no other reason."""
        return self.folder / "draining"

    def lock(self) -> AbstractContextManager[None]:
        """No other command brings this installation up or down inside; `SourceUnavailable` if one is at it."""
        return hold_file(self.folder / "lock", f"{self.folder}: another fivestar up or down is at work there.")


def name_api(port: int) -> str:
    """The address of the API of a server on this machine."""
    return f"http://{HOST}:{port}/api"


def find_checkout() -> str:
    """The folder in which runs start: this program's, unless FIVESTAR_CHECKOUT names where workers have it."""
    return read_environment("FIVESTAR_CHECKOUT") or str(PROGRAM)


def find_project() -> Path:
    """The folder of prefect.yaml and prefect.toml: this program's, or the checkout where an image has them apart."""
    return PROGRAM if (PROGRAM / PROJECT_FILE).is_file() else Path(find_checkout())


def make_environment(settings: Settings, api_url: str, version: str) -> dict[str, str]:
    """The environment of server, worker and deploying: this installation's, whoever calls and from where."""
    return copy_environment(
        {
            "PATH": f"{Path(sys.executable).parent}:{read_environment('PATH') or ''}",
            "PREFECT_HOME": read_environment("PREFECT_HOME") or str(Place(settings).folder),
            "PREFECT_API_URL": api_url,
            "FIVESTAR_HOME": str(settings.home),
            "FIVESTAR_CONFIG": str(settings.config),
            "FIVESTAR_CHECKOUT": find_checkout(),
            "FIVESTAR_VERSION": version,
        }
    )
