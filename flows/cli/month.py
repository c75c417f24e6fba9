"""Commands of the monthly cycle: demo, ingest, run, evaluate, publish."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Home, MonthText, check_word, open_installation, parse_instant, read_clock
from flows.errors import FivestarError, UsageError, join_failures
from flows.month import Month

if TYPE_CHECKING:
    from flows.house import House
    from flows.ingest.reports import PullReport
    from flows.revisions import Assessment

SCALES = ("small", "city")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (demo, ingest, run, evaluate, publish):
        app.command()(command)


def demo(
    home: Home = None,
    config: Config = None,
    scale: Annotated[str, typer.Option(metavar="SCALE", help="How large a city: small or city.")] = "small",
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="The month to run.")] = "2024-03",
    prefect: Annotated[
        bool, typer.Option("--prefect", help="Run the month as a Prefect flow, on a server started for it.")
    ] = False,
    faults: Annotated[
        bool, typer.Option("--faults", help="Let the platforms fail in every way that a pull gets over.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", metavar="NAME", help="Let the platforms have this fault of docs/sandbox.md; may be repeated."
        ),
    ] = None,
) -> None:
    """Start the sandbox city, run the month, and say where everything is."""
    from flows.cli.progress import show_progress
    from flows.demo import list_demo_outputs, run_demo
    from flows.sandbox.faults import RECOVERABLE
    from flows.settings import load_settings

    check_word("--scale", scale, SCALES)
    names = list(dict.fromkeys([*(RECOVERABLE if faults else ()), *(fault or ())]))
    settings = load_settings(home, config)
    chosen = Month.parse(month)
    with show_progress() as progress:
        run = _run_as_flow if prefect else None
        run_demo(settings, scale=scale, month=chosen, clock=read_clock, progress=progress, run=run, faults=names)
    typer.echo(f"The sandbox city's {chosen} is done.")
    for title, path in list_demo_outputs(settings.home, chosen):
        typer.echo(f"  {title}: {path}")
    typer.echo(
        f"Judge it again: fivestar run --offline --month {chosen} "
        f"--home {settings.home} --config {settings.home / 'sandbox' / 'config'}"
    )


def _run_as_flow(house: "House", month: Month) -> None:
    from flows.monthly import monthly_assessment

    monthly_assessment(str(month), home=str(house.settings.home), config=str(house.settings.config))


def ingest(
    home: Home = None,
    config: Config = None,
    platform: Annotated[str | None, typer.Option(metavar="ID", help="Only this source.")] = None,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM[..YYYY-MM]", help="The month to pull, or the first and the last.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="ISO", help="Pull what changed since this instant, such as 2024-03-01.")
    ] = None,
) -> None:
    """Pull the sources, check what they sent, and land it; by default what changed since the last pull."""
    from flows.cli.progress import show_progress
    from flows.cycle import check_contacts, document_quality
    from flows.ingest.ingestion import ingest_months, ingest_sources, read_sources

    if month is not None and since is not None:
        raise UsageError("--month and --since can't be meant together. Give one of them.")
    months = [] if month is None else _parse_months(month)
    if months and months[-1].starts_at >= read_clock():
        raise UsageError(f"--month {month!r}: {months[-1]} has not begun, so nothing can be pulled for it.")
    window = None if since is None else _open_window(since, read_clock())
    with open_installation(home, config) as house:
        sources = read_sources(house, platform)
        with show_progress() as progress:
            if months:
                reports = ingest_months(house, sources, months, read_clock, progress=progress)
                for each in months:
                    document_quality(house, each, read_clock, progress=progress)
            else:
                reports = ingest_sources(house, sources, window, read_clock, progress=progress)
        has_contacts = any("contacts" in source.tables for source in sources)
        contact_faults = check_contacts(house, read_clock) if has_contacts else []
    _echo_pulls(reports)
    _echo_warnings(contact_faults)
    _raise_failures([report.error for report in reports])


def run(
    month: MonthText,
    home: Home = None,
    config: Config = None,
    offline: Annotated[bool, typer.Option("--offline", help="Pull nothing; use what has landed.")] = False,
) -> None:
    """Run the whole monthly cycle, up to open review."""
    from flows.cli.progress import show_progress
    from flows.cycle import run_month
    from flows.notify.missing import describe_unreached

    chosen = Month.parse(month)
    with open_installation(home, config) as house, show_progress() as progress:
        report = run_month(house, chosen, read_clock, offline=offline, progress=progress)
    _echo_pulls(report.pulls)
    _echo_warnings(report.contact_faults)
    _echo_assessment(report.assessment)
    typer.echo(f"messages queued: {report.queued.queued}")
    _echo_warnings(filter(None, [describe_unreached(report.queued.without_contact)]))
    _raise_failures(report.failures)


def evaluate(
    month: MonthText,
    home: Home = None,
    config: Config = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="DIR", help="By this policy folder, not the one in use.")
    ] = None,
) -> None:
    """Judge a month from landed data only."""
    from flows.cli.progress import show_progress
    from flows.cycle import assess_month

    chosen = Month.parse(month)
    with open_installation(home, config) as house, show_progress() as progress:
        assessment = assess_month(house, chosen, read_clock, policy_folder=policy, progress=progress)
    _echo_assessment(assessment)


def publish(month: MonthText, home: Home = None, config: Config = None) -> None:
    """Put approved proposals into the register, write arrears and payroll's files, and queue the notice."""
    from flows.cycle import publish_month

    chosen = Month.parse(month)
    with open_installation(home, config) as house:
        report = publish_month(house, chosen, read_clock)
    typer.echo(f"entered in the register: {report.entered_count}")
    typer.echo(f"in the register already: {report.already_count}")
    if report.reversed_count:
        typer.echo(f"taken back: {report.reversed_count}")
    typer.echo(f"still open: {report.open_count}")
    typer.echo(f"lines of arrears: {len(report.arrears)}")
    if report.reversed_count:
        typer.echo(
            f"{report.reversed_count} published grades were taken back: a person must settle what was paid by them "
            "since, and write to the workers.",
            err=True,
        )
    if report.arrears_unreckoned_count:
        typer.echo(
            f"{report.arrears_unreckoned_count} late approvals have no arrears line: no current grade, no pay base, "
            "or a correction of a grade paid already. A person must reckon what they are owed.",
            err=True,
        )


def _parse_months(text: str) -> list[Month]:
    """The month written YYYY-MM, or all from the first to the last written YYYY-MM..YYYY-MM."""
    first, dots, last = text.partition("..")
    start = Month.parse(first)
    end = Month.parse(last) if dots else start
    if end < start:
        raise UsageError(f"--month {text!r} ends before it begins. Write the earlier month first.")
    months = [start]
    while months[-1] < end:
        months.append(months[-1].plus(1))
    return months


def _open_window(text: str, now: datetime) -> tuple[datetime, datetime]:
    """From the instant written in ISO 8601 until now; without an offset it is read in the city's calendar."""
    since_at = parse_instant("--since", text)
    if since_at >= now:
        raise UsageError(
            f"--since {text!r} lies in the future, so nothing can have changed since. Name an earlier one."
        )
    return since_at, now


def _echo_pulls(reports: Iterable["PullReport"]) -> None:
    for report in reports:
        for pull in report.pulls:
            typer.echo(
                f"{report.platform}/{pull.resource}: {pull.status}, {pull.received_count} received, "
                f"{pull.landed_count} landed, {pull.rejected_count} rejected"
            )
        _echo_warnings(report.warnings)


def _echo_warnings(warnings: Iterable[str]) -> None:
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)


def _echo_assessment(assessment: "Assessment") -> None:
    state = "new" if assessment.is_new else "unchanged"
    typer.echo(f"{assessment.record.month} revision {assessment.record.revision} ({state}): {assessment.folder}")
    for notice in assessment.result.notices:
        typer.echo(f"note: {notice}", err=True)
    _echo_warnings(assessment.result.alarms)


def _raise_failures(errors: Iterable[FivestarError | None]) -> None:
    failures = [error for error in errors if error is not None]
    if failures:
        raise join_failures(failures)
