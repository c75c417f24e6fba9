"""The command that writes workers' letters: review letters."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Config, Home, MonthText, open_installation, read_clock
from flows.errors import UsageError
from flows.month import Month


def register(app: typer.Typer) -> None:
    """Add the command to HR's."""
    app.command()(letters)


def letters(
    month: MonthText,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder for the letters and their index.")],
    home: Home = None,
    config: Config = None,
    staff: Annotated[
        list[str] | None, typer.Option("--staff", metavar="ID", help="This worker's; may be repeated.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every worker's who is owed one.")] = False,
) -> None:
    """Write a Word letter for each worker: what was decided or held back, why, and how to object."""
    from flows.review.letters.writing import write_letters

    if bool(staff) == everyone:
        raise UsageError("Say whose: either --staff ID (repeatable) or --all.")
    with open_installation(home, config) as house:
        report = write_letters(house, Month.parse(month), to.resolve(), read_clock, staff_ids=staff or None)
    told = ", ".join(f"{outcome} {report.counts.get(outcome, 0)}" for outcome in ("approved", "rejected", "held"))
    typer.echo(f"letters: {sum(report.counts.values())} ({told})")
    typer.echo(f"without a letter, for they await a decision: {report.waiting_count}")
    typer.echo(f"index: {report.index}")
    if report.unexplained_count:
        typer.echo(
            f"{report.unexplained_count} rejections give no reason, and their letters say so. Return them, reject "
            "them again with --comment, and write the letters again.",
            err=True,
        )
    for file in report.dropped_files:
        typer.echo(f"{file} no longer holds: its decision or proposal has changed. Take it back.", err=True)
