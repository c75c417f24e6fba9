"""Commands of HR's workbook: review export."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Config, Home, MonthText, open_installation
from flows.errors import QualityGate, UsageError
from flows.month import Month


def register(app: typer.Typer) -> None:
    """Add these commands to `fivestar review`."""
    app.command()(export)


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to put the workbook.")],
    month: MonthText,
    home: Home = None,
    config: Config = None,
) -> None:
    """Copy the newest revision's workbook."""
    from flows.outputs import WORKBOOK, MonthFolder
    from flows.review.rows import find_revision

    with open_installation(home, config) as house:
        record = find_revision(house.ledger, Month.parse(month))
        workbook = MonthFolder(house.settings.home, record.month).path / WORKBOOK
        if not workbook.is_file():
            raise QualityGate(f"{workbook} is not there. Write it again: fivestar evaluate --month {record.month}.")
        try:
            shutil.copyfile(workbook, file)
        except OSError as error:
            raise UsageError(f"{file} cannot be written ({error.strerror}). Name another file.") from error
    typer.echo(file)
