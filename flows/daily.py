"""What Prefect runs between two months: digests, deliveries, freshness, the alarm of a failed run, and retention.

Each is a plain function of `flows.alerting`, `flows.cycle` or `flows.retention`, which the command line calls too.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.states import Completed, Crashed

from flows import errors
from flows.alerting import queue_daily_digests, report_failure, watch_platforms
from flows.cycle import deliver
from flows.findings import FailedRun
from flows.forms import ConfigFolder, HomeFolder, RunId
from flows.ingest.flow import open_flow_house, read_clock
from flows.ledger.outbox import PENDING
from flows.ledger.retention import RetentionItem
from flows.month import city_day
from flows.retention.applying import apply_retention
from flows.retention.candidates import Candidate
from flows.status.board import look_at_installation
from flows.status.page import write_status_files
from flows.status.text import write_markdown

RUN = "prefect.flow-run."
"""What a run's id is called in events, before the id itself."""

UNIT_CODES_SHOWN = 5
DELIVER_SECONDS = 240
"""How long a delivery may wait for its providers' limits: the next one starts after five minutes."""
REPORT_RETRIES = 3
REPORT_RETRY_SECONDS = 60
STATES = {"FAILED": "失败", "CRASHED": "进程意外中止"}
UNFINISHED = frozenset({StateType.PENDING, StateType.RUNNING})
LOST = "No sign of life: its process or its machine is gone. What it had written stands; run it again."
SPEAKS_FOR_ITSELF = frozenset(name for name, kind in vars(errors).items() if isinstance(kind, type))
"""Errors whose text holds no person's data (flows/errors.py); any other's stays in the run's log."""


def name_day() -> str:
    """The run's name: what it is and on which day of the city."""
    return f"{flow_run.flow_name} {city_day(read_clock())}"


@flow(name="daily_alerts", flow_run_name=name_day)
def daily_alerts(home: HomeFolder = None, config: ConfigFolder = None) -> None:
    """Queue each unit's digest of overdue events; on days that aren't working days do nothing.

    Running it again on the same day adds nothing. What is queued goes out with the next `deliver_messages`.
    """
    with open_flow_house(home, config) as house:
        report = queue_daily_digests(house, read_clock)
    _warn_of_missing(report.without_contact)


@flow(name="deliver_messages")
def deliver_messages(home: HomeFolder = None, config: ConfigFolder = None) -> State[None] | None:
    """Deliver what waits in the outbox, in the configured mode. Raises `DeliveryIncomplete` if some did not go."""
    with open_flow_house(home, config) as house:
        # Also what a killed process left half sent must be settled.
        if not house.ledger.outbox.list_messages(statuses=PENDING):
            return Completed(message="Nothing waits.")
        delivery = deliver(house, read_clock, for_seconds=DELIVER_SECONDS)
    delivery.refuse_incomplete()
    return None


@flow(name="platform_freshness")
def platform_freshness(home: HomeFolder = None, config: ConfigFolder = None) -> None:
    """Queue for engineers which sources have fallen silent, and which pulls to look at."""
    with open_flow_house(home, config) as house:
        report = watch_platforms(house, read_clock)
    for source in report.silent:
        get_run_logger().warning(f"{source.platform} is silent: {', '.join(source.resources)} are not read.")
    _warn_of_missing(report.without_contact)


@flow(name="report_failed_run", retries=REPORT_RETRIES, retry_delay_seconds=REPORT_RETRY_SECONDS)
def report_failed_run(run: RunId, home: HomeFolder = None, config: ConfigFolder = None) -> State[None] | None:
    """Queue for engineers that the run failed; one that gives no sign of life any more is ended as crashed first.

    `run` is its id, as events write it. A run that ended well meanwhile is none of theirs.
    """
    with get_client(sync_client=True) as client:
        failed = _describe_failure(client, UUID(run.removeprefix(RUN)))
    if failed is None:
        return Completed(message="The run did not fail.")
    with open_flow_house(home, config) as house:
        report = report_failure(house, failed, read_clock)
    _warn_of_missing(report.without_contact)
    return None


@flow(name="status_page")
def status_page(home: HomeFolder = None, config: ConfigFolder = None) -> None:
    """Write the page and the metrics of `<home>/status/` anew, and show the status as an artifact."""
    with open_flow_house(home, config) as house:
        board = look_at_installation(house, read_clock())
        write_status_files(house.settings.home, board)
    create_markdown_artifact(key="status", markdown=write_markdown(board), description="The installation at a glance")


@flow(name="retention", flow_run_name=name_day)
def retention(home: HomeFolder = None, config: ConfigFolder = None) -> None:
    """Delete what an earlier run announced and nobody needs, announce what has outlived its time; show both.

    Killed, the next run makes it good.
    """
    with open_flow_house(home, config) as house:
        report = apply_retention(house, read_clock)
    deleted = [_show_item(it, "now") for it in report.deleted]
    waiting = [_show_item(it, f"from {city_day(due_at)} on" if due_at else "") for it, due_at in report.waiting]
    create_table_artifact(
        key="retention",
        table=[*deleted, *waiting],
        description=f"Deleted: {len(deleted)}. Announced: {len(waiting)}; say so before the day if one must stay.",
    )


def _show_item(item: Candidate | RetentionItem, deleted: str) -> dict[str, str | int]:
    size = {"files": item.file_count, "bytes": item.byte_count}
    return {"what": item.kind, "subject": item.subject, **size, "deleted": deleted}


def _describe_failure(client: SyncPrefectClient, run_id: UUID) -> FailedRun | None:
    """What engineers are told of the run; nothing if it is gone, or is neither failed nor lost."""
    try:
        run = client.read_flow_run(run_id)
    except ObjectNotFound:
        return None
    if run.state is not None and run.state.type in UNFINISHED:
        client.set_flow_run_state(run_id, Crashed(message=LOST), force=True)
        run = client.read_flow_run(run_id)
    if run.state is None or run.state.type.value not in STATES:
        return None
    name, description = _find_deployment(client, run)
    return FailedRun(
        deployment=name,
        description=description,
        run_name=run.name,
        state=STATES[run.state.type.value],
        message=clean_message(run.state.message or ""),
        failed_at=run.state.timestamp,
    )


def _find_deployment(client: SyncPrefectClient, run: FlowRun) -> tuple[str, str]:
    try:
        found = client.read_deployment(run.deployment_id) if run.deployment_id else None
    except ObjectNotFound:
        found = None
    return (found.name, found.description or "") if found else (run.name, "")


def clean_message(message: str) -> str:
    """A state's message as far as it may be told: of an error that isn't the program's own, the name alone."""
    match = re.search(r"exception: ?(?:[\w.]*\.)?(\w+)", message)
    if match is None or match[1] in SPEAKS_FOR_ITSELF:
        return message
    return f"{message[: match.end()]}. Its text is in the run's log."


def _warn_of_missing(codes: Sequence[str]) -> None:
    if codes:
        more = f" and {len(codes) - UNIT_CODES_SHOWN} more" if len(codes) > UNIT_CODES_SHOWN else ""
        shown = ", ".join(codes[:UNIT_CODES_SHOWN])
        get_run_logger().warning(f"Nobody is told in {shown}{more}: no contact. Add them to the contacts.")
