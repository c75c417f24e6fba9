"""The flow that pulls one source, and the task that both it and the monthly cycle pull with."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run, task_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task, exponential_backoff

from flows.errors import ConfigurationError, SourceUnavailable
from flows.forms import ConfigFolder, HomeFolder, MonthOrLatest, Platform
from flows.house import House, open_house
from flows.ingest.crosscheck import judge_across_tables
from flows.ingest.describe.source import Source
from flows.ingest.ingestion import PARTS, PULLS_AT_ONCE, ingest_source, month_window, read_sources
from flows.ingest.reports import PullReport
from flows.logs import write_logs
from flows.month import Month
from flows.settings import THREADS, Settings, load_settings, read_environment, read_log_format

if TYPE_CHECKING:
    from prefect_dask import DaskTaskRunner

LATEST = "latest"
"""What runs and artifacts are called that go on from where a source was read to."""

PULL_RETRIES = 2
FIRST_RETRY_SECONDS = 30

TURN_SECONDS = 1800
"""How long a pull waits for another run's pull of the same source."""
LEASE_SECONDS = 60
"""How long after its last sign of life a killed run still keeps others from its source; Prefect takes no less."""
DASK_SECONDS = 15
"""How long a scheduler may take to answer."""


def read_clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def look_up(name: str) -> str | None:
    """The value of `${NAME}`: from the environment, else from the Secret block `name` (`-` for `_`, lower case)."""
    value = read_environment(name)
    if value:
        return value
    try:
        block = Secret.load(name.lower().replace("_", "-"))
    except ValueError:
        return None
    return str(cast(Secret[str], block).get())


def open_flow_house(home: str | None, config: str | None) -> House:
    """The installation that a flow works on; what its steps say goes to stderr too, if `FIVESTAR_LOG` asks for it."""
    write_logs(read_log_format())
    return open_house(load_flow_settings(home, config))


def load_flow_settings(home: str | None, config: str | None) -> Settings:
    """The settings of the installation that a flow works on."""
    return load_settings(Path(home) if home else None, Path(config) if config else None, look_up)


@contextmanager
def open_task_runner(home: str | None, config: str | None) -> Iterator[TaskRunner[Any]]:
    """What pulls run on, as the settings say: threads of this process, or the processes of a Dask cluster.

    Raises `ConfigurationError` if Dask is not installed, `SourceUnavailable` if its scheduler doesn't answer.
    """
    settings = load_flow_settings(home, config)
    if settings.task_runner == THREADS:
        threads: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=PULLS_AT_ONCE)
        with threads:
            yield threads
        return
    with make_dask_runner(settings.dask_address) as dask:
        try:
            dask.client  # noqa: B018 -- it connects, or starts the cluster
        except OSError as error:
            raise SourceUnavailable(
                f"Dask's scheduler at {settings.dask_address or '127.0.0.1, started here,'} did not answer in time "
                f"({type(error).__name__}). Start it, or mend FIVESTAR_DASK_ADDRESS, then run again."
            ) from None
        yield dask


def make_dask_runner(address: str | None) -> "DaskTaskRunner":
    """A runner on the cluster at `address`, else on one of this machine that it starts and ends: a process a core.

    Raises `ConfigurationError` if prefect-dask is not installed.
    """
    try:
        from prefect_dask import DaskTaskRunner  # noqa: PLC0415 -- an optional extra
    except ImportError as error:
        raise ConfigurationError(
            f"FIVESTAR_TASK_RUNNER is 'dask', and {error.name} is not there. Install it into a checkout with "
            "`make dask`, or unset FIVESTAR_TASK_RUNNER to pull in threads."
        ) from None
    if address is not None:
        return DaskTaskRunner(address=address, client_kwargs={"timeout": DASK_SECONDS})
    process_count = min(PULLS_AT_ONCE, len(os.sched_getaffinity(0)))
    cluster = {
        "n_workers": process_count,
        "threads_per_worker": PULLS_AT_ONCE // process_count,
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
    }
    return DaskTaskRunner(cluster_kwargs=cluster)


def name_limit(platform: str) -> str:
    """The global concurrency limit on the server by which the source's pulls take turns."""
    return f"fivestar-platform-{platform}"


@contextmanager
def take_turn(platform: str) -> Iterator[None]:
    """No other run pulls the source inside the block; where the server has no limit for it, nobody waits.

    Raises `SourceUnavailable` if its turn doesn't come in half an hour.
    """
    with ExitStack() as turn:
        if _has_limit(name_limit(platform)):
            try:
                turn.enter_context(
                    concurrency(name_limit(platform), timeout_seconds=TURN_SECONDS, lease_duration=LEASE_SECONDS)
                )
            except TimeoutError:
                raise SourceUnavailable(
                    f"{platform}: another run has been pulling it for {TURN_SECONDS // 60} minutes, so this one gave "
                    "up waiting for its turn. Look at that run in Prefect, then run this one again."
                ) from None
        yield


def _has_limit(name: str) -> bool:
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return False
    return True


def _is_worth_retrying(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Whether waiting may help: a source that did not answer, not one that broke its contract."""
    return isinstance(state.result(raise_on_failure=False), SourceUnavailable)


def _name_pull() -> str:
    asked = task_run.parameters
    return f"pull {asked.get('platform')} {asked.get('month') or LATEST} {asked.get('part')}"


@task(
    name="pull_source",
    task_run_name=_name_pull,
    retries=PULL_RETRIES,
    retry_delay_seconds=exponential_backoff(backoff_factor=FIRST_RETRY_SECONDS),
    retry_jitter_factor=0.5,
    retry_condition_fn=_is_worth_retrying,
)
def pull_source_task(
    platform: str, month: str | None, part: str, home: str | None, config: str | None
) -> dict[str, Any]:
    """What one source sent, in numbers: for the month, or since it was last read if there is none.

    Raises its error, so that Prefect retries and shows it.
    """
    chosen = Month.parse(month) if month is not None else None
    with take_turn(platform), open_flow_house(home, config) as house:
        [source] = read_sources(house, platform)
        window = month_window(house, chosen) if chosen is not None else None
        report = ingest_source(house, source, window, read_clock, month=chosen, tables=PARTS[part])
    show_pull(report, month or LATEST, part)
    if report.error is not None:
        raise report.error
    return {"platform": platform, "landed": sum(pull.landed_count for pull in report.pulls)}


def show_pull(report: PullReport, month: str, part: str) -> None:
    """Show what was pulled, and what validation found, as artifacts of the run."""
    name = f"{report.platform}-{month}-{part}".replace("_", "-").lower()
    pulls = [
        {
            "resource": pull.resource,
            "status": pull.status,
            "received": pull.received_count,
            "landed": pull.landed_count,
            "rejected": pull.rejected_count,
        }
        for pull in report.pulls
    ]
    reasons = [
        {"resource": pull.resource, "reason": reason, "rows": count}
        for pull in report.pulls
        for reason, count in pull.reason_counts.items()
    ]
    create_table_artifact(key=f"pulled-{name}", table=pulls, description=f"What {report.platform} sent for {month}")
    if reasons:
        create_table_artifact(key=f"quality-{name}", table=reasons, description="Rejected rows by reason")
    for warning in report.warnings:
        get_run_logger().warning(warning)


def tell_across_tables(house: House, sources: Sequence[Source]) -> None:
    """Judge, once `sources` are in, what none of them can be judged for alone, and log what is told."""
    for finding in judge_across_tables(house, sources):
        get_run_logger().warning(finding.warning)


def name_run() -> str:
    """The run's name: which source, and which month if one was asked for."""
    asked = flow_run.parameters
    return f"ingest {asked.get('platform')} {asked.get('month') or LATEST}"


@flow(name="ingest_platform", flow_run_name=name_run)
def ingest_platform(
    platform: Platform, month: MonthOrLatest = "", home: HomeFolder = None, config: ConfigFolder = None
) -> None:
    """Pull one source, registers first: the `month`, as YYYY-MM, or without it what changed since the last pull."""
    chosen = str(Month.parse(month)) if month else None
    with open_flow_house(home, config) as house:
        [source] = read_sources(house, platform)
    for part, tables in PARTS.items():
        if not source.tables.isdisjoint(tables):
            pull_source_task(platform, chosen, part, home, config)
    with open_flow_house(home, config) as house:
        tell_across_tables(house, [source])
