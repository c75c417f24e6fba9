"""The command that examines an installation: doctor."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Home, read_clock
from flows.errors import FivestarError, rank_failure

if TYPE_CHECKING:
    from flows.ingest.doctor import Finding

COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}
LEVEL_WIDTH = 6
AREA_WIDTH = 38
INDENT = " " * (LEVEL_WIDTH + 2)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(doctor)


def doctor(
    home: Home = None,
    config: Config = None,
    platform: Annotated[str | None, typer.Option(metavar="ID", help="Of the sources only this one.")] = None,
) -> None:
    """Check configuration, database, disk, clocks and every source, and say what to mend. Nothing is changed."""
    from flows.doctor import examine_installation
    from flows.settings import load_settings

    errors: list[FivestarError] = []
    counts = dict.fromkeys(COLOURS, 0)
    for finding in examine_installation(load_settings(home, config), read_clock, platform=platform):
        _echo(finding)
        counts[finding.level] += 1
        errors += [finding.error] if finding.error is not None else []
    typer.echo(f"\n{counts['ok']} ok, {counts['warn']} warnings, {counts['fail']} failures")
    if errors:
        gravest = min(errors, key=rank_failure)
        failed = "1 check" if counts["fail"] == 1 else f"{counts['fail']} checks"
        raise type(gravest)(f"doctor: {failed} failed. The lines marked fail say what to mend.")


def _echo(finding: "Finding") -> None:
    level = typer.style(finding.level.ljust(LEVEL_WIDTH), fg=COLOURS[finding.level], bold=finding.level == "fail")
    told = f"{finding.text} — {finding.advice}" if finding.advice else finding.text
    first, *more = told.splitlines()
    typer.echo(f"{level}{finding.area.ljust(AREA_WIDTH)}{first}")
    for line in more:
        typer.echo(f"{' ' * (LEVEL_WIDTH + AREA_WIDTH)}{line}")
    _echo_record(finding)


def _echo_record(finding: "Finding") -> None:
    """The first record, a line for each column: its name, its value's shape, and where it comes from."""
    from rich.cells import set_cell_size

    if not finding.record:
        return
    name_width = max(len(column.name) for column in finding.record)
    for column in finding.record:
        origin = f"← {column.field}" if column.field else ""
        causes = f"  ({', '.join(column.reasons)})" if column.reasons else ""
        shape = set_cell_size(column.shape, 26)
        typer.echo(f"{INDENT}{column.name.ljust(name_width)} = {shape} {origin}{causes}".rstrip())
