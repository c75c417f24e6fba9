"""The flow that pulls one source, and the task that both it and the monthly cycle pull with."""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.blocks.system import Secret
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from flows.errors import SourceUnavailable
from flows.house import House, open_house
from flows.ingest.ingestion import FACT_TABLES, ingest_source, month_window, read_sources
from flows.ingest.reports import PullReport
from flows.month import Month, find_last_closed_month
from flows.schema import REFERENCE_TABLES
from flows.settings import load_settings, read_environment

PULL_RETRIES = 2
FIRST_RETRY_SECONDS = 30


def read_clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def look_up(name: str) -> str | None:
    """The value of `${NAME}`: from the environment, else from the Secret block `name` (`-` for `_`, lower case)."""
    value = read_environment(name)
    if value is not None:
        return value
    try:
        block = Secret.load(name.lower().replace("_", "-"))
    except ValueError:
        return None
    return str(cast(Secret[str], block).get())


def open_flow_house(home: str | None, config: str | None) -> House:
    """The installation that a flow works on."""
    return open_house(load_settings(Path(home) if home else None, Path(config) if config else None, look_up))


def _is_worth_retrying(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Whether waiting may help: a source that did not answer, not one that broke its contract."""
    return isinstance(state.result(raise_on_failure=False), SourceUnavailable)


@task(
    name="pull_source",
    task_run_name="pull {platform} {month} {part}",
    retries=PULL_RETRIES,
    retry_delay_seconds=exponential_backoff(backoff_factor=FIRST_RETRY_SECONDS),
    retry_jitter_factor=0.5,
    retry_condition_fn=_is_worth_retrying,
    tags=["ingest"],
)
def pull_source_task(  # noqa: PLR0917 -- Prefect passes what the run's name shows as parameters
    platform: str, month: str, part: str, tables: Collection[str], home: str | None, config: str | None
) -> dict[str, Any]:
    """What one source sent for the month, in numbers; raises its error, so that Prefect retries and shows it."""
    chosen = Month.parse(month)
    with open_flow_house(home, config) as house:
        [source] = read_sources(house, platform)
        report = ingest_source(house, source, month_window(house, chosen), read_clock, month=chosen, tables=tables)
    show_pull(report, month, part)
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


@flow(name="ingest_platform", flow_run_name="ingest {platform} {month}", log_prints=False)
def ingest_platform(
    platform: str, month: str | None = None, home: str | None = None, config: str | None = None
) -> None:
    """Pull one source's month: registers first, then facts. `month` is YYYY-MM, by default the last closed one."""
    chosen = month or str(find_last_closed_month(read_clock()))
    with open_flow_house(home, config) as house:
        [source] = read_sources(house, platform)
    for part, tables in (("registers", REFERENCE_TABLES), ("facts", FACT_TABLES)):
        if not source.tables.isdisjoint(tables):
            pull_source_task(platform, chosen, part, tables, home, config)
