"""Commands of data quality: quality docs."""

import typer

from flows.cli.options import Config, Home, MonthText, open_installation, read_clock
from flows.month import Month

app = typer.Typer(help="What validation found.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `docs` a command of its own: a group of one would be that command."""


@app.command()
def docs(month: MonthText, home: Home = None, config: Config = None) -> None:
    """Write the month's Data Docs, a static site of what validation found, from the ledger; say where they lie."""
    from flows.cycle import document_quality

    chosen = Month.parse(month)
    with open_installation(home, config) as house:
        typer.echo(document_quality(house, chosen, read_clock))
