"""An installation's server and worker on this machine started, and a server given what it must hold.

What runs and what is there is left alone, so doing it again changes nothing.
"""

import platform
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate

from flows.doctor import check_configuration, list_unset_placeholders
from flows.errors import ConfigurationError, SourceUnavailable, UsageError
from flows.house import Clock, open_house
from flows.ingest.describe.source import Source
from flows.month import CITY_ZONE
from flows.server.asking import POOL, find_api_url, find_heartbeat, is_answering, list_next, open_client
from flows.server.deploying import (
    compare_sources,
    deploy_all,
    describe_end,
    fingerprint_program,
    list_forgotten,
    make_limits,
    make_pool,
)
from flows.server.place import HOST, Place, find_project, make_environment, name_api
from flows.server.processes import (
    END_SECONDS,
    Tell,
    end_process,
    find_recorded,
    identify_process,
    record_process,
    start_process,
    wait_until,
)
from flows.settings import CITY, Settings, read_environment

PORT = 4200
CONNECT_SECONDS = 2
READY_SECONDS = 180
ONLINE_SECONDS = 120
NEXT_COUNT = 3
DATABASE_NAMES = ("PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL")
PREFECT = [sys.executable, "-m", "prefect"]


def bring_up(settings: Settings, port: int | None, clock: Clock, tell: Tell) -> None:
    """Start what of server and worker doesn't run, give the server what it lacks, and tell what was done.

    Nothing starts before the configuration is found good and the ledger opens; if a step fails, what this call
    started is ended again. Raises `ConfigurationError` for a fault in the configuration, a port in use, or a server
    or worker that doesn't come up, `UsageError` for another port than the running server's.
    """
    sources = check_configuration(settings, clock)
    open_house(settings).ledger.close()
    place, version = Place(settings), fingerprint_program()
    with place.lock(), ExitStack() as undo:
        chosen = _choose_port(place, port)
        environment = make_environment(settings, name_api(chosen), version)
        if find_recorded(place.server) is None:
            _start_server(place, chosen, environment, undo)
            tell(f"server: started on port {chosen}")
        else:
            tell(f"server: runs on port {chosen}")
        with open_client(name_api(chosen)) as client:
            _equip(client, sources, environment, version, tell)
            if place.draining.exists():
                client.update_work_pool(POOL, WorkPoolUpdate(is_paused=False))
                place.draining.unlink()
            if find_recorded(place.worker) is None:
                _start_worker(place, client, chosen, environment, undo)
                tell("worker: started")
            else:
                tell("worker: runs")
            _tell_what_to_look_at(client, settings, sources, tell)
            _tell_where(place, client, chosen, tell)
        undo.pop_all()


def equip_server(settings: Settings, clock: Clock, tell: Tell) -> None:
    """Give the server that PREFECT_API_URL names the work pool, limits and deployments that it lacks; start nothing.

    Raises `ConfigurationError` for a fault in the configuration or no address, `SourceUnavailable` if nobody answers.
    """
    sources = check_configuration(settings, clock)
    api_url = find_api_url()
    if not api_url:
        raise ConfigurationError(
            "PREFECT_API_URL is not set. Set it to the server's address, for example http://127.0.0.1:4200/api, or "
            "start a server on this machine with fivestar up."
        )
    if not is_answering(api_url):
        raise SourceUnavailable(f"no Prefect server answers at {describe_end(api_url)}. Start it, then try again.")
    version = fingerprint_program()
    with open_client(api_url) as client:
        _equip(client, sources, make_environment(settings, api_url, version), version, tell)
        _tell_what_to_look_at(client, settings, sources, tell)


def _choose_port(place: Place, port: int | None) -> int:
    """The port of what runs, else the one asked for; if the server is to be started, it must be free."""
    running = find_recorded(place.server) or find_recorded(place.worker)
    if running is not None and port not in {None, running["port"]}:
        raise UsageError(
            f"--port {port}: this installation runs on port {running['port']}. Leave the option out, or run fivestar "
            "down first."
        )
    chosen = int(running["port"]) if running is not None else port or PORT
    if find_recorded(place.server) is None:
        _refuse_taken(chosen)
    return chosen


def _refuse_taken(port: int) -> None:
    try:
        socket.create_connection((HOST, port), CONNECT_SECONDS).close()
    except OSError:
        return
    user = "a Prefect server that this installation did not start" if is_answering(name_api(port)) else "a program"
    raise ConfigurationError(
        f"port {port} on {HOST} is in use by {user}. End that one, or choose another port with --port."
    )


def _start_server(place: Place, port: int, environment: Mapping[str, str], undo: ExitStack) -> None:
    command = [*PREFECT, "server", "start", "--host", HOST, "--port", str(port)]
    pid = start_process(command, environment, folder=find_project(), log=place.server_log)
    undo.callback(_undo_start, place.server, pid)
    record_process(place.server, pid, port=port)
    answers = wait_until(lambda: is_answering(name_api(port)) or not identify_process(pid), READY_SECONDS)
    if not answers or not identify_process(pid):
        named = next((name for name in DATABASE_NAMES if read_environment(name)), None)
        hint = f"\nIts database is the one that {named} names: look whether that runs, too." if named else ""
        raise ConfigurationError(_describe_failure("the Prefect server", place.server_log) + hint)


def _start_worker(
    place: Place, client: SyncPrefectClient, port: int, environment: Mapping[str, str], undo: ExitStack
) -> None:
    name = f"fivestar on {platform.node()}"
    before_at = find_heartbeat(client, name)
    command = [*PREFECT, "worker", "start", "--pool", POOL, "--type", "process", "--name", name]
    pid = start_process(command, environment, folder=find_project(), log=place.worker_log)
    undo.callback(_undo_start, place.worker, pid)
    record_process(place.worker, pid, port=port)
    is_online = wait_until(
        lambda: find_heartbeat(client, name) != before_at or not identify_process(pid), ONLINE_SECONDS
    )
    if not is_online or not identify_process(pid):
        raise ConfigurationError(_describe_failure("the worker", place.worker_log))


def _undo_start(record: Path, pid: int) -> None:
    end_process(pid, seconds=END_SECONDS)
    record.unlink(missing_ok=True)


def _equip(
    client: SyncPrefectClient, sources: Sequence[Source], environment: Mapping[str, str], version: str, tell: Tell
) -> None:
    tell(f"work pool {POOL}: {'made' if make_pool(client) else 'is there'}")
    made_count = make_limits(client, [source.platform for source in sources])
    tell(f"limits, one a source: {made_count} made, {len(sources) - made_count} there")
    is_new = deploy_all(client, environment, version)
    tell(f"deployments of prefect.yaml: {'deployed' if is_new else 'unchanged'}, version {version}")


def _tell_what_to_look_at(
    client: SyncPrefectClient, settings: Settings, sources: Sequence[Source], tell: Tell
) -> None:
    for text in compare_sources([source.platform for source in sources]):
        tell(f"note: {text}")
    for name in list_forgotten(client):
        tell(f"note: the deployment {name} is no longer in prefect.yaml and still runs: delete it in Prefect")
    if client.read_work_pool(POOL).is_paused:
        tell(f"note: the work pool {POOL} is paused, so nothing runs before somebody resumes it")
    if (settings.home / CITY).exists():
        tell(f"note: {settings.home} holds the demo's invented city. Name another folder with --home")
    unset = list_unset_placeholders(settings, sources)
    if unset:
        tell(
            f"note: not set here: {', '.join(unset)}. Until they are, or Secret blocks hold them, their sources' "
            "runs fail. What is set later reaches the worker with fivestar down and fivestar up"
        )


def _tell_where(place: Place, client: SyncPrefectClient, port: int, tell: Tell) -> None:
    for at, name in list_next(client, NEXT_COUNT):
        tell(f"next: {name}, {at.astimezone(CITY_ZONE):%Y-%m-%d %H:%M} in {CITY_ZONE.key}")
    tell(f"pages: http://{HOST}:{port}")
    tell(f"for commands: export PREFECT_API_URL={name_api(port)}")
    tell(f"logs: {place.server_log}, {place.worker_log}")


def _describe_failure(what: str, log: Path) -> str:
    said = describe_end(log.read_text(encoding="utf-8", errors="replace"))
    return f"{what} did not come up. What {log} says last: {said}\nMend that, then try again."
