"""The command on what has outlived its time: retention."""

from datetime import datetime
from typing import Annotated

import typer

from flows.cli.options import Config, Home, open_installation, read_clock
from flows.month import CITY_ZONE

MEGABYTE = 1_000_000


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(retention)


def retention(
    home: Home = None,
    config: Config = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Delete what was announced long enough ago, and announce what is new.")
    ] = False,
) -> None:
    """List what has outlived its time; nothing is deleted that an earlier --apply has not announced."""
    from flows.retention.applying import apply_retention, preview_retention

    with open_installation(home, config) as house:
        report = apply_retention(house, read_clock) if apply else preview_retention(house, read_clock())
    typer.echo("what\tsubject\tfiles\tMB\tdeleted")
    for item in report.deleted:
        typer.echo(f"{item.kind}\t{item.subject}\t{item.file_count}\t{_format_bytes(item.byte_count)}\tnow")
    for candidate, due_at in report.waiting:
        cells = (candidate.kind, candidate.subject, candidate.file_count, _format_bytes(candidate.byte_count))
        typer.echo("\t".join(map(str, (*cells, _format_due(due_at)))))
    if not apply and report.waiting:
        typer.echo("Nothing was deleted or announced: that is what --apply does.", err=True)


def _format_bytes(count: int) -> str:
    return f"{count / MEGABYTE:.1f}"


def _format_due(due_at: datetime | None) -> str:
    return "not announced" if due_at is None else f"from {due_at.astimezone(CITY_ZONE):%Y-%m-%d} on"
