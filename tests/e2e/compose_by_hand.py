"""compose.yaml without a container engine: each service's own command, environment and health check, on this machine.

What only an engine does is left out: building the image, users, read-only file systems, networks, limits.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from container_files import read_compose, read_image_environment
from prefect_server import BIN, ROOT, WAIT_SECONDS, start_process, wait_for

Translate = Callable[[str], str]


@dataclass(frozen=True)
class Service:
    """What one service of compose.yaml runs, said in this machine's terms."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health_check: Sequence[str]
    folder: Path

    @contextmanager
    def start(self) -> Iterator[subprocess.Popen[bytes]]:
        """The service running and well by its own health check; it ends with the block."""
        with start_process(self.command, self.environment, self.folder / f"{self.name}.log") as process:

            def is_well() -> bool | None:
                assert process.poll() is None, f"{self.name} ended:\n{self.read_log()}"
                return self.check_health() or None

            wait_for(f"{self.name} is well", is_well, self.folder)
            yield process

    def check_health(self) -> bool:
        """Whether the health check ends as that of a healthy service does."""
        command = self.health_check
        return subprocess.run(command, env=dict(self.environment), capture_output=True, check=False).returncode == 0

    def run(self) -> None:
        """Run the service's command to its end, which must be a good one."""
        with start_process(self.command, self.environment, self.folder / f"{self.name}.log") as process:
            assert process.wait(WAIT_SECONDS) == 0, self.read_log()

    def read_log(self) -> str:
        """All that the service has said."""
        return (self.folder / f"{self.name}.log").read_text(encoding="utf-8", errors="replace")


def read_service(name: str, folder: Path, translate: Translate) -> Service:
    """The service of that name, as the image and compose.yaml describe it."""
    written = read_compose()["services"][name]
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "FIVESTAR_"))}
    image = {key: translate(value).replace("${PATH}", own["PATH"]) for key, value in read_image_environment().items()}
    stated = {key: translate(value) for key, value in written["environment"].items()}
    environment = {**own, **image, **stated}
    kind, *check = written.get("healthcheck", {}).get("test", ["NONE"])
    assert kind in {"CMD", "NONE"}
    return Service(
        name=name,
        command=_find_programs(written.get("command", []), translate),
        environment=environment,
        health_check=_find_programs(check, translate),
        folder=folder,
    )


def make_translate(folder: Path, *, ports: Mapping[str, int]) -> Translate:
    """What turns the image's folders and the network's names and ports into those of this machine.

    `ports` are this machine's by compose.yaml's.
    """
    places = {
        "/run/secrets": str(folder / "secrets"),
        "/var/lib/fivestar": str(folder / "state"),
        "/var/lib/prefect": str(folder / "prefect"),
        "/var/lib/sheets": str(folder / "sheets"),
        "/opt/fivestar/bin": str(BIN),
        "/app": str(ROOT),
        "//server": "//127.0.0.1",
        "@database": "@127.0.0.1",
        "0.0.0.0": "127.0.0.1",
        **{port: str(own) for port, own in ports.items()},
    }
    pattern = re.compile("|".join(rf"{re.escape(place)}(?!\w)" for place in places))

    def translate(text: str) -> str:
        return "127.0.0.1" if text == "database" else pattern.sub(lambda match: places[match[0]], text)

    return translate


def _find_programs(command: Sequence[str], translate: Translate) -> list[str]:
    """The command with its words translated and its program found where this environment has it."""
    if not command:
        return []
    program, *words = command
    own = BIN / program
    return [str(own) if own.exists() else program, *map(translate, words)]
