"""The command that watches the reviews: review remind."""

import typer

from flows.cli.decided import tell_decided
from flows.cli.options import Config, Home, open_installation, read_clock


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(remind)


def remind(home: Home = None, config: Config = None) -> None:
    """Queue the reminders that are due for reviews that stand open, and name the months that wait for publication.

    On days off it does nothing. Prefect, if there is one, is told again of months that are decided.
    """
    from flows.watching import watch_reviews

    with open_installation(home, config) as house:
        report = watch_reviews(house, read_clock)
        if not report.is_working_day:
            typer.echo("today is not a working day: nothing is reminded")
            return
        typer.echo(f"reminders queued: {len(report.reminded)}")
        for standing in report.reminded:
            typer.echo(f"  {standing.month}: {standing.open_count} open")
        for unit in report.without_contact:
            typer.echo(f"warning: unit {unit} has no contact for reminders. Add one to the contacts.", err=True)
        typer.echo(f"decided and not published: {len(report.unpublished)}")
        for standing in report.unpublished:
            typer.echo(f"  {standing.month}: {standing.waiting_count} wait for the register")
            tell_decided(house, standing.month)
