"""Commands of what is told between two monthly results: alerts daily, freshness."""

from collections.abc import Sequence

import typer

from flows.cli.options import Config, Home, open_installation, read_clock

app = typer.Typer(help="What supervisors and engineers are told between two results.", no_args_is_help=True)


@app.command()
def daily(home: Home = None, config: Config = None) -> None:
    """Queue each unit's digest of overdue events; on days off do nothing."""
    from flows.alerting import queue_daily_digests

    with open_installation(home, config) as house:
        report = queue_daily_digests(house, read_clock)
    if not report.is_working_day:
        typer.echo("today is not a working day: nobody is told")
        return
    typer.echo(f"units with something overdue: {report.unit_count}")
    typer.echo(f"queued: {report.queued}, there already: {report.already}")
    for title in report.stale_sources:
        typer.echo(f"warning: {title} was not read of late, which the digests say", err=True)
    _warn_of_missing(report.without_contact)


@app.command()
def freshness(home: Home = None, config: Config = None) -> None:
    """Queue for engineers which sources have fallen silent, and which pulls to look at."""
    from flows.alerting import watch_platforms

    with open_installation(home, config) as house:
        report = watch_platforms(house, read_clock)
    typer.echo(f"silent: {len(report.silent)}, with pulls to look at: {len(report.doubtful)}")
    for source in report.silent:
        typer.echo(f"  {source.platform}: {', '.join(source.resources)}")
    for found in report.doubtful:
        typer.echo(f"  {found.platform}, {found.day}: {', '.join(pull.resource for pull in found.pulls)}")
    typer.echo(f"queued: {report.queued}")
    _warn_of_missing(report.without_contact)


def _warn_of_missing(codes: Sequence[str]) -> None:
    for code in codes:
        typer.echo(f"warning: unit {code} has no contact for this. Add one to the contacts.", err=True)
