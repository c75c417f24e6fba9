"""The status in lines: tab-separated for scripts, and as Markdown for Prefect's artifact."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from flows.ledger.watching import StepStanding
from flows.month import CITY_ZONE
from flows.status.board import Board
from flows.status.due import list_due
from flows.status.grid import Cell, GridRow, lay_out_grid, show_standing
from flows.status.words import describe_age, describe_due, write_instant

HEADER = ("section", "month", "name", "state", "at", "age", "counts", "told")


def list_lines(board: Board) -> Iterator[Sequence[str]]:
    """A header, then a line for each cell of the grid, step between months, failing step, and thing overdue."""
    yield HEADER
    for row in lay_out_grid(board):
        for month, cell in zip(board.months, row.cells, strict=True):
            if cell.word:
                yield (row.kind, str(month.month), row.name, *_list_cell(cell, board.at), "")
    for step in board.between:
        yield ("between", "", name_step(step), *_list_cell(show_standing(step), board.at), "")
    for step in board.list_failing():
        told = f"{describe_failing(step)} | {' '.join(step.message.split())}"
        yield ("failing", step.month or "", name_step(step), *_list_cell(show_standing(step), board.at), told)
    for due in list_due(board):
        at = ["", ""] if due.since_at is None else [_write(due.since_at), describe_age(due.since_at, board.at)]
        yield ("due", due.month or "", ",".join(due.subjects), due.kind, *at, "", describe_due(due))


def name_step(step: StepStanding) -> str:
    """The step and what else it was about."""
    return " ".join(filter(None, (step.step, step.subject)))


def describe_failing(step: StepStanding) -> str:
    """Since when a step fails, how often it did, and when it last succeeded."""
    if step.failing is None:
        return ""
    times = "once" if step.failing.count == 1 else f"{step.failing.count} times"
    last = "never" if step.failing.last_ok_at is None else write_instant(step.failing.last_ok_at)
    return f"failing since {write_instant(step.failing.since_at)}, {times}, last ok {last}"


def describe_cell(cell: Cell, now: datetime) -> str:
    """The cell in a few words: its state and its age."""
    age = "" if cell.at is None else describe_age(cell.at, now)
    return ", ".join(filter(None, (cell.word, age)))


def describe_counts(cell: Cell) -> str:
    """The cell's counts by name."""
    return ", ".join(f"{name} {count:,}" for name, count in cell.counts.items())


def write_markdown(board: Board) -> str:
    """The status as one Markdown page: what fails, what is overdue, the grid, and what runs between months."""
    failing = [
        (name_step(step), step.month or "", describe_failing(step), " ".join(step.message.split()))
        for step in board.list_failing()
    ]
    due = [(describe_due(it), write_instant(it.since_at) if it.since_at else "") for it in list_due(board)]
    grid = [(row.name, *(describe_cell(cell, board.at) for cell in row.cells)) for row in _list_filled(board)]
    between = [
        (name_step(step), describe_cell(cell, board.at), describe_counts(cell))
        for step in board.between
        for cell in [show_standing(step)]
    ]
    return "\n\n".join(
        [
            f"Status at {write_instant(board.at)}: {len(failing)} failing, {len(due)} overdue or open.",
            *_write_table("Failing", ("step", "month", "since", "message"), failing),
            *_write_table("Overdue or open", ("what", "since"), due),
            *_write_table("Months", ("", *(str(month.month) for month in board.months)), grid),
            *_write_table("Between months", ("step", "last", "counts"), between),
        ]
    )


def _list_filled(board: Board) -> list[GridRow]:
    return [row for row in lay_out_grid(board) if any(cell.word for cell in row.cells)]


def _write_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    if lines:
        yield f"## {title}"
        yield "\n".join([f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *lines])


def _list_cell(cell: Cell, now: datetime) -> list[str]:
    counts = ",".join(f"{name}={count}" for name, count in cell.counts.items())
    when = ["", ""] if cell.at is None else [_write(cell.at), describe_age(cell.at, now)]
    return [cell.word, *when, counts]


def _write(at: datetime) -> str:
    return at.astimezone(CITY_ZONE).isoformat(timespec="seconds")
