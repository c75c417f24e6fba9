"""The monthly cycle as Prefect runs it: ingest → evaluate → open review → notify; watch the review; publish.

The file to read first. Each step is a plain function of `flows.cycle`; Prefect adds the schedule, retries, and what
can be seen. Nothing but ids and paths passes between tasks, and no rule depends on Prefect. Deployments have tags,
tasks have none: for its tags a task first asks the server for a slot, and one on SQLite that is busy writing answers
only when asked again, two seconds later.
"""

from collections import Counter
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.cycle import (
    add_causes,
    assess_month,
    check_contacts,
    deliver,
    document_quality,
    open_review,
    publish_month,
    queue_messages,
)
from flows.errors import FivestarError, join_failures
from flows.forms import ConfigFolder, GivenMonth, HomeFolder, MonthOrLastClosed, Offline
from flows.ingest.flow import open_flow_house, open_task_runner, pull_source_task, read_clock, tell_across_tables
from flows.ingest.ingestion import PARTS, read_sources, select_sources
from flows.month import Month, city_day, find_last_closed_month
from flows.notify.missing import describe_unreached
from flows.results import MonthResult, count_monthly_cost_fen
from flows.review.flow import emit_decided
from flows.review.standing import find_standing
from flows.watching import watch_reviews
from flows.wording import format_yuan


def name_run() -> str:
    """The run's name: what it is and of which month."""
    month = flow_run.parameters.get("month") or find_last_closed_month(read_clock())
    return f"{flow_run.flow_name} {month}"


def name_watch() -> str:
    """The run's name: what it is and on which day of the city."""
    return f"{flow_run.flow_name} {city_day(read_clock())}"


@flow(name="monthly_assessment", flow_run_name=name_run)
def monthly_assessment(
    month: MonthOrLastClosed = "",
    offline: Offline = False,
    home: HomeFolder = None,
    config: ConfigFolder = None,
) -> None:
    """Run the whole monthly cycle up to open review.

    `month` is YYYY-MM, by default the last closed one; `offline` pulls nothing and uses what has landed. A source
    that fails leaves its stars without data and, once everything is written, fails the run with its message.
    """
    chosen = str(Month.parse(month) if month else find_last_closed_month(read_clock()))
    with open_flow_house(home, config) as house, house.hold_month(Month.parse(chosen), "run", read_clock):
        failures = [] if offline else ingest_month(chosen, home, config)
        write_docs(chosen, home, config, only_missing=offline)
        try:
            evaluate(chosen, home, config)
            notify(chosen, home, config)
        except FivestarError as error:
            raise add_causes(error, failures) from None
    if failures:
        raise join_failures(failures)


def ingest_month(month: str, home: str | None, config: str | None) -> list[FivestarError]:
    """The failures of the sources that could not be used: registers are pulled first, then all the rest at once."""
    failures: dict[str, FivestarError] = {}
    with open_task_runner(home, config) as runner:
        for part, tables in PARTS.items():
            with open_flow_house(home, config) as house:
                chosen = select_sources(house, read_sources(house), tables, failures)
            asked = {"month": month, "part": part, "home": home, "config": config}
            futures = {
                source.platform: runner.submit(pull_source_task, {"platform": source.platform, **asked})
                for source in chosen
            }
            failures |= {name: failure for name, future in futures.items() if (failure := _find_failure(future))}
    with open_flow_house(home, config) as house:
        tell_across_tables(house, read_sources(house))
        for fault in check_contacts(house, read_clock, Month.parse(month)):
            get_run_logger().warning(fault)
    return list(failures.values())


@task(name="data_docs", task_run_name="data docs {month}")
def write_docs(month: str, home: str | None, config: str | None, *, only_missing: bool) -> str:
    """Where the month's Data Docs lie, written anew unless `only_missing` ones are asked for."""
    with open_flow_house(home, config) as house:
        return str(document_quality(house, Month.parse(month), read_clock, only_missing=only_missing))


@task(name="evaluate", task_run_name="evaluate {month}")
def evaluate(month: str, home: str | None, config: str | None) -> int:
    """The number of the month's revision, judged, written and before HR."""
    with open_flow_house(home, config) as house:
        assessment = assess_month(house, Month.parse(month), read_clock)
        kinds = open_review(house, assessment, read_clock)
    show_stars(assessment.result)
    show_proposals(month, kinds, count_monthly_cost_fen(assessment.result))
    for line in (*assessment.result.notices, *assessment.result.alarms):
        get_run_logger().warning(line)
    return assessment.record.revision


@task(name="notify", task_run_name="queue messages {month}")
def notify(month: str, home: str | None, config: str | None) -> int:
    """How many messages of the month are new in the outbox; those waiting go out in the configured mode.

    Raises `DeliveryIncomplete` if some did not.
    """
    with open_flow_house(home, config) as house:
        report = queue_messages(house, Month.parse(month), read_clock)
        delivery = deliver(house, read_clock)
    if report.without_contact:
        get_run_logger().warning(describe_unreached(report.without_contact))
    delivery.refuse_incomplete()
    return report.queued


@flow(name="publish_month", flow_run_name=name_run)
def publish_approved(month: GivenMonth, home: HomeFolder = None, config: ConfigFolder = None) -> State[None] | None:
    """Put a month's approved proposals into the register and queue the notice. Running it again changes nothing.

    Started by a person, or by the event that all of the month is decided; if nothing is approved it completes and
    says so.
    """
    chosen = Month.parse(month)
    with open_flow_house(home, config) as house:
        if not find_standing(house.ledger, chosen).waiting_count and not house.ledger.register.list_month(month):
            return Completed(message=f"{month}: no proposal is approved, so nothing was published.")
        publish_month(house, chosen, read_clock)
    return None


@flow(name="review_watch", flow_run_name=name_watch)
def review_watch(home: HomeFolder = None, config: ConfigFolder = None) -> None:
    """Remind HR of reviews that stand open, start the publication of decided months, and deliver what waits.

    On days that aren't working days it does nothing.
    """
    with open_flow_house(home, config) as house:
        report = watch_reviews(house, read_clock)
        if not report.is_working_day:
            return
        delivery = deliver(house, read_clock)
    for unit in report.without_contact:
        get_run_logger().warning(f"Nobody was reminded: unit {unit} has no contact for it. Add one to the contacts.")
    for standing in report.unpublished:
        emit_decided(standing)
    delivery.refuse_incomplete()


def show_stars(result: MonthResult) -> None:
    """Show how many communities hold how many stars, as an artifact of the run."""
    counts = Counter(rating.stars for rating in result.ratings)
    table = [{"stars": stars, "communities": counts[stars]} for stars in sorted(counts, reverse=True)]
    create_table_artifact(
        key=f"stars-{result.month}", table=table, description=f"Provisional stars of {result.month}"
    )


def show_proposals(month: str, kinds: dict[str, Any], monthly_cost_fen: int | None) -> None:
    """Show the proposals by kind and what they would cost, as an artifact of the run."""
    lines = [f"| {kind} | {count} |" for kind, count in sorted(kinds.items())]
    cost = "not computed: no pay base is set" if monthly_cost_fen is None else f"{format_yuan(monthly_cost_fen)} yuan"
    text = "\n".join(["| proposal | workers |", "| --- | ---: |", *lines, "", f"Monthly cost: {cost}"])
    create_markdown_artifact(key=f"proposals-{month}", markdown=text, description=f"Proposals of {month}")


def _find_failure(future: PrefectFuture[Any]) -> FivestarError | None:
    """The error with which the task ended, if it is one that a reader can act on; a bug is raised."""
    outcome = future.result(raise_on_failure=False)
    if isinstance(outcome, BaseException) and not isinstance(outcome, FivestarError):
        raise outcome
    return outcome if isinstance(outcome, FivestarError) else None
