"""A Prefect server asked for what runs on it and what will."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPException
from urllib.request import urlopen

from httpx import HTTPError, HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType, WorkerStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from flows.errors import ConfigurationError, SourceUnavailable

POOL = "fivestar"
IN_FLIGHT = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
PAGE_SIZE = 200
ANSWER_SECONDS = 5
ANSWER_BYTES = 10


@contextmanager
def open_client(api_url: str) -> Iterator[SyncPrefectClient]:
    """The server at that address, asked with whatever credentials the environment has for it.

    Inside, a server that does not answer is a `SourceUnavailable`, one that refuses a `ConfigurationError`.
    """
    shown = mask_credentials(api_url)
    try:
        with temporary_settings({PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:
            yield client
    except HTTPStatusError as error:
        raise ConfigurationError(
            f"the Prefect server at {shown} answers {error.response.status_code}. Look at its log; if it asks for a "
            "password (401), set PREFECT_API_AUTH_STRING as when it was started."
        ) from None
    except HTTPError as error:
        raise SourceUnavailable(
            f"the Prefect server at {shown} does not answer ({type(error).__name__}). If it is starting, wait; else "
            "look at its log, then fivestar down and fivestar up."
        ) from None


def mask_credentials(text: str) -> str:
    """The text without user and password of any address in it."""
    return re.sub(r"://[^@/\s]*@", "://***@", text)


def find_api_url() -> str | None:
    """The server that this environment, or its Prefect profile, names."""
    return get_current_settings().api.url


def is_answering(api_url: str) -> bool:
    """Whether a Prefect server answers there, within seconds: Prefect's own client would try again for minutes."""
    try:
        with urlopen(f"{api_url}/health", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 -- the address is configured
            return bool(answer.read(ANSWER_BYTES) == b"true")
    except (OSError, HTTPException, ValueError):
        return False


def find_heartbeat(client: SyncPrefectClient, worker: str) -> datetime | None:
    """When the worker of that name last said that it lives, if it is held to be alive."""
    found = [it for it in client.read_workers_for_work_pool(POOL) if it.name == worker]
    return found[0].last_heartbeat_time if found and found[0].status == WorkerStatus.ONLINE else None


def list_in_flight(client: SyncPrefectClient) -> list[FlowRun]:
    """The runs of the work pool that have begun and have not ended."""
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=IN_FLIGHT))
    return _read_runs(client, FlowRunFilter(state=states))


def list_next(client: SyncPrefectClient, count: int) -> Sequence[tuple[datetime, str]]:
    """The next runs of the schedules: when, and of which deployment."""
    states = FlowRunFilterState(name=FlowRunFilterStateName(any_=["Scheduled"]))
    names = {it.id: it.name for it in client.read_deployments(limit=PAGE_SIZE)}
    runs = _read_runs(client, FlowRunFilter(state=states))
    return [
        (run.expected_start_time, names[run.deployment_id])
        for run in runs
        if run.expected_start_time is not None and run.deployment_id in names
    ][:count]


def _read_runs(client: SyncPrefectClient, chosen: FlowRunFilter) -> list[FlowRun]:
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    return client.read_flow_runs(
        flow_run_filter=chosen,
        work_pool_filter=pool,
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=PAGE_SIZE,
    )
