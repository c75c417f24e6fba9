"""A Prefect server and a process worker of their own, as an installation runs them, in processes of this test's."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

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
    """A server and a worker that run, and how to reach them."""

    folder: Path
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
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

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
def start_installation(
    folder: Path, settings: Mapping[str, str], *, with_worker: bool = True
) -> Iterator[Installation]:
    """A server on a free port with everything of prefect.yaml deployed, and a worker; both end with the block.

    `settings` are added to the worker's environment; nothing of this process's own Prefect reaches it.
    """
    port = find_free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "FIVESTAR_"))}
    environment = {
        **own,
        "PATH": f"{BIN}{os.pathsep}{own['PATH']}",
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "3",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "FIVESTAR_CHECKOUT": str(ROOT),
        **settings,
    }
    folder.mkdir()
    server = (str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui")
    with (
        start_process(server, environment, folder / "server.log"),
        SyncPrefectClient(environment["PREFECT_API_URL"]) as client,
    ):
        installation = Installation(folder, environment, client)
        installation.wait_for("the server answers", lambda: client.api_healthcheck() is None or None)
        installation.run("prefect", "work-pool", "create", "fivestar", "--type", "process")
        installation.run("prefect", "--no-prompt", "deploy", "--all")
        installation.stop_schedules()
        with installation.start_worker() if with_worker else nullcontext():
            yield installation


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
