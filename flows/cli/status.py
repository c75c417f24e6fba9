"""The command that shows an installation at a glance: status."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Home, open_installation, read_clock
from flows.errors import ConfigurationError, FivestarError, UsageError, classify_exit, rank_failure
from flows.month import Month

if TYPE_CHECKING:
    from rich.table import Table

    from flows.status.board import Board

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red", "none": "dim"}
MONTHS_MAX = 120


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(status)


def status(
    home: Home = None,
    config: Config = None,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only this month.")] = None,
    months: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=MONTHS_MAX, help="The last N closed months (default: 6)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page, in Chinese, here too.")] = None,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write metrics for Prometheus here too.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Say only in one line what fails or is overdue, or ok, and end with the gravest code."
        ),
    ] = False,
) -> None:
    """Show what ran, what fails since when, and what is overdue: months by sources and steps. Changes nothing."""
    from flows.status.board import MONTHS_SHOWN, look_at_installation

    if month is not None and months is not None:
        raise UsageError("--month and --months can't be meant together. Give one of them.")
    chosen = None if month is None else Month.parse(month)
    _refuse_missing_ledger(home, config)
    with open_installation(home, config) as house:
        board = look_at_installation(house, read_clock(), month=chosen, month_count=months or MONTHS_SHOWN)
    _write_files(board, html, metrics)
    fault = _find_gravest(board) if check else None
    if as_json:
        _echo_json(board)
    elif check:
        typer.echo(fault or "ok")
    else:
        _echo_tables(board)
    if fault is not None:
        raise fault if as_json else typer.Exit(fault.exit_code)


def _refuse_missing_ledger(home: Path | None, config: Path | None) -> None:
    """Raise `ConfigurationError` where nothing ever ran: a look at the wrong home must not say that all is well."""
    from flows.ledger.checkup import holds_ledger
    from flows.ledger.engine import describe_url
    from flows.settings import load_settings

    url = load_settings(home, config).database_url
    if not holds_ledger(url):
        raise ConfigurationError(
            f"{describe_url(url)}: there is no ledger in it, so nothing ever ran here. Name the installation's home "
            "with --home, or its database in FIVESTAR_DATABASE_URL."
        )


def _write_files(board: "Board", html: Path | None, metrics: Path | None) -> None:
    from flows.status.metrics import write_metrics
    from flows.status.page import write_file, write_page

    for option, path, write in (("--html", html, write_page), ("--metrics", metrics, write_metrics)):
        if path is not None:
            try:
                write_file(path, write(board))
            except OSError as error:
                raise UsageError(
                    f"{option} {path}: cannot be written ({error.strerror}). Name another file."
                ) from None


def _echo_json(board: "Board") -> None:
    import orjson

    from flows.status.document import describe_board

    typer.echo(orjson.dumps(describe_board(board), option=orjson.OPT_INDENT_2).decode())


def _echo_tables(board: "Board") -> None:
    """Tables on a terminal, tab-separated lines elsewhere."""
    from rich.console import Console

    from flows.status.text import list_lines

    console = Console()
    if not console.is_terminal:
        for line in list_lines(board):
            typer.echo("\t".join(line))
        return
    for table in _make_tables(board):
        if table.row_count:
            console.print(table)


def _make_tables(board: "Board") -> "Iterable[Table]":
    from rich.text import Text

    from flows.status.due import list_due
    from flows.status.grid import Cell, lay_out_grid, show_standing
    from flows.status.text import describe_cell, describe_counts, describe_failing, name_step
    from flows.status.words import describe_due, write_instant

    def show(cell: Cell, *, counts: bool = True) -> Text:
        lines = [describe_cell(cell, board.at), describe_counts(cell) if counts else ""]
        return Text("\n".join(filter(None, lines)), style=COLOURS[cell.level])

    grid = _make_table(str(write_instant(board.at)), ["", *(str(it.month) for it in board.months)])
    for row in lay_out_grid(board):
        if any(cell.word for cell in row.cells):
            grid.add_row(row.name, *(show(cell, counts=row.kind != "step") for cell in row.cells))
    between = _make_table("between months", ["step", "last", "counts"])
    for step in board.between:
        cell = show_standing(step)
        between.add_row(name_step(step), show(cell, counts=False), describe_counts(cell))
    due = _make_table("overdue or open", ["what", "since"])
    for it in list_due(board):
        due.add_row(describe_due(it), write_instant(it.since_at) if it.since_at else "")
    failing = _make_table("failing", ["step", "month", "since", "message"])
    for step in board.list_failing():
        failing.add_row(name_step(step), step.month or "", describe_failing(step), Text(step.message))
    return grid, between, due, failing


def _make_table(title: str, columns: Sequence[str]) -> "Table":
    from rich.table import Table

    return Table(*columns, title=title, title_justify="left", show_lines=False)


def _find_gravest(board: "Board") -> FivestarError | None:
    """All that fails or is overdue in one line, as an error of its gravest class; nothing if all is well."""
    from flows.status.due import ERRORS, list_due
    from flows.status.text import describe_failing, name_step
    from flows.status.words import describe_due

    errors: list[FivestarError] = [
        classify_exit(step.exit_code)(
            f"{' '.join(filter(None, (name_step(step), step.month)))}: {describe_failing(step)}"
        )
        for step in board.list_failing()
    ]
    errors += [kind(describe_due(it)) for it in list_due(board) if (kind := ERRORS[it.kind]) is not None]
    if not errors:
        return None
    told = "; ".join(" ".join(str(error).split()) for error in errors)
    return type(min(errors, key=rank_failure))(f"{told}. fivestar status says more.")
