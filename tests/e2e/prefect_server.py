"""A Prefect server and a process worker of their own, as an installation runs them, in processes of this test's."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from city_runs import Home
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import RRuleSchedule

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WAIT_SECONDS = 300
POLL_SECONDS = 0.5
END_SECONDS = 20
LOG_LINES_SHOWN = 40

Found = TypeVar("Found")


@dataclass(frozen=True)
class Installation:
    """A server that runs, how to reach it, and the folder of its state and logs."""

    folder: Path
    port: int
    environment: Mapping[str, str]
    client: SyncPrefectClient

    @contextmanager
    def start_worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that runs what is due; it ends with the block."""
        options = ("--pool", "fivestar", "--type", "process", "--name", "worker of a test")
        command = (str(BIN / "prefect"), "worker", "start", *options)
        with start_process(command, self.environment, self.folder / "worker.log") as process:
            yield process

    def find_processes(self, run: FlowRun) -> list[int]:
        """The processes that the run runs in, by what their environment says."""
        wanted = f"PREFECT__FLOW_RUN_ID={run.id}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if wanted in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of this environment, run in the checkout until it ends well."""
        return run(self.environment, *command)

    def wait_for(self, what: str, find: Callable[[], Found | None]) -> Found:
        """What `find` gives as soon as it gives anything; fails with the logs' ends once too much time has passed."""
        return wait_for(what, find, self.folder)

    def list_runs(self, deployment: str) -> list[FlowRun]:
        """The flow runs of the deployment `flow/name`, whatever their state."""
        found = self.client.read_deployment_by_name(deployment)
        chosen = DeploymentFilter(id=DeploymentFilterId(any_=[found.id]))
        return self.client.read_flow_runs(deployment_filter=chosen)

    def list_events(self, name: str) -> list[dict[str, Any]]:
        """The events of that name that the server holds."""
        content = {"filter": {"event": {"name": [name]}}}
        answer = self.client.request("POST", "/events/filter", json=content)
        answer.raise_for_status()
        return list(answer.json()["events"])

    def stop_schedules(self) -> None:
        """Take away the deployments' own schedules: whether one falls due meanwhile depends on the hour of day."""
        for deployment in self.client.read_deployments():
            for schedule in deployment.schedules:
                self.client.delete_deployment_schedule(deployment.id, schedule.id)

    def schedule_once(self, deployment: str, parameters: dict[str, Any], *, in_seconds: int) -> None:
        """Let the server's scheduler start the deployment once, that many seconds from now."""
        starts_at = datetime.now(UTC) + timedelta(seconds=in_seconds)
        rule = f"DTSTART:{starts_at:%Y%m%dT%H%M%SZ}\nRRULE:FREQ=YEARLY;COUNT=1"
        found = self.client.read_deployment_by_name(deployment)
        self.client.create_deployment_schedules(found.id, [(RRuleSchedule(rrule=rule), True)], parameters=parameters)


@contextmanager
def start_installation(home: Home, settings: Mapping[str, str]) -> Iterator[Installation]:
    """What `fivestar up` brings up for the home, with no schedule; `fivestar down` ends it with the block.

    `settings` are added to the environment; nothing of this process's own Prefect reaches it.
    """
    port = find_free_port()
    environment = make_environment(port, home, settings)
    try:
        with SyncPrefectClient(environment["PREFECT_API_URL"]) as client:
            installation = Installation(home.path / "prefect", port, environment, client)
            installation.run("fivestar", "up", "--port", str(port))
            yield installation
    finally:
        run(environment, "fivestar", "down", "--wait", "0")


@contextmanager
def start_server(home: Home, settings: Mapping[str, str]) -> Iterator[Installation]:
    """A server that `fivestar deploy` has filled, with no schedule and no worker; it ends with the block."""
    port = find_free_port()
    environment = make_environment(port, home, settings)
    folder = home.path / "prefect"
    folder.mkdir()
    server = (str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui")
    with (
        start_process(server, environment, folder / "server.log"),
        SyncPrefectClient(environment["PREFECT_API_URL"]) as client,
    ):
        installation = Installation(folder, port, environment, client)
        installation.wait_for("the server answers", lambda: client.api_healthcheck() is None or None)
        installation.run("fivestar", "deploy")
        installation.stop_schedules()
        yield installation


def make_environment(port: int, home: Home, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of an installation's commands: its own server and home, and quicker than the real one."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "FIVESTAR_"))}
    return {
        **own,
        "PATH": f"{BIN}{os.pathsep}{own['PATH']}",
        "PREFECT_HOME": str(home.path / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "3",
        "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "FIVESTAR_HOME": str(home.path),
        "FIVESTAR_CONFIG": str(home.config),
        "FIVESTAR_CHECKOUT": str(ROOT),
        **settings,
    }


def run(environment: Mapping[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """A command of that environment, run in the checkout until it ends well."""
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def wait_for(what: str, find: Callable[[], Found | None], logs: Path) -> Found:
    """What `find` gives as soon as it gives anything; fails with the ends of `logs` once too much time has passed."""
    pause = threading.Event()
    ends_at = monotonic() + WAIT_SECONDS
    while monotonic() < ends_at:
        found = find()
        if found is not None:
            return found
        pause.wait(POLL_SECONDS)
    ends = [f"== {log.name}\n" + "\n".join(_read_end(log)) for log in sorted(logs.glob("*.log"))]
    raise AssertionError("\n".join([f"not within {WAIT_SECONDS} seconds: {what}", *ends]))


@contextmanager
def start_process(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The command running in a process group of its own, which is ended with the block."""
    with log.open("ab") as written:
        process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdout=written, stderr=written, start_new_session=True
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, and make an end of its group if it doesn't or leaves children."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_end(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]


def find_free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
