"""An installation's worker and server on this machine ended: those that were started for it and no other process."""

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

from flows.errors import FivestarError
from flows.server.asking import POOL, is_answering, list_in_flight, open_client
from flows.server.place import Place, name_api
from flows.server.processes import END_SECONDS, Tell, end_process, find_recorded, list_children, wait_until
from flows.settings import Settings


def take_down(settings: Settings, wait_seconds: float, tell: Tell) -> None:
    """End the worker, then the server; runs in flight have so many seconds to end by themselves.

    A run that takes longer is ended and Prefect shows it as crashed; running it again is safe.
    """
    place = Place(settings)
    if not place.folder.is_dir():
        tell("nothing runs")
        return
    with place.lock():
        server, worker = find_recorded(place.server), find_recorded(place.worker)
        if worker is not None:
            if server is not None and is_answering(name_api(server["port"])):
                try:
                    with open_client(name_api(server["port"])) as client:
                        _drain(place, client, worker["pid"], wait_seconds, tell)
                except FivestarError as error:
                    tell(f"runs in flight are not waited for: {error}")
                except ObjectNotFound:
                    tell(f"runs in flight are not waited for: the work pool {POOL} is gone")
            _end_worker(worker["pid"])
            tell("worker: ended")
        place.worker.unlink(missing_ok=True)
        if server is not None:
            end_process(server["pid"], seconds=END_SECONDS)
            tell("server: ended")
        place.server.unlink(missing_ok=True)
        if worker is None and server is None:
            tell("nothing runs")


def _drain(place: Place, client: SyncPrefectClient, worker_pid: int, wait_seconds: float, tell: Tell) -> None:
    """End the worker once nothing is in flight: while its pool is paused, it takes nothing new.

    A pool that somebody else paused stays so.
    """
    was_paused = client.read_work_pool(POOL).is_paused
    if not was_paused:
        place.draining.touch()
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=True))
    in_flight = list_in_flight(client)
    if in_flight:
        tell(f"waiting up to {wait_seconds:.0f} seconds for runs in flight: {', '.join(it.name for it in in_flight)}")
        wait_until(lambda: not list_in_flight(client), wait_seconds)
    for run in list_in_flight(client):
        tell(f"ended before it was done: {run.name}. Run it again")
    _end_worker(worker_pid)
    if place.draining.exists():
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=False))
        place.draining.unlink()


def _end_worker(pid: int) -> None:
    """End the worker's runs first, as long as they can tell the server: the worker would kill them without a word."""
    for child in list_children(pid):
        end_process(child, seconds=END_SECONDS)
    end_process(pid, seconds=END_SECONDS)
