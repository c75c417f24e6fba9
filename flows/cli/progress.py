"""Progress on stderr: live rows on a terminal, a line for each step elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.house import Progress, ignore_progress
from flows.settings import read_log_format

LIVE_ROWS_MAX = 8

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A callback that takes a step's label and how many rows it has done so far.

    Where a program reads the log, nothing of it is shown: each line is to be an object.
    """
    if read_log_format() == "json":
        yield ignore_progress
    elif sys.stderr.isatty():
        with _show_rows() as report:
            yield report
    else:
        yield _make_line_writer()


@contextmanager
def _show_rows() -> Iterator[Progress]:
    """A row for each step, with its count so far and when that was told; the latest ones stay live."""
    from rich.console import Console
    from rich.progress import Progress as Rows
    from rich.progress import SpinnerColumn, TextColumn

    columns = (TextColumn("{task.fields[told]}"), TextColumn("{task.description}"), TextColumn("{task.fields[rows]}"))
    started = time.monotonic()
    with Rows(SpinnerColumn(), *columns, console=Console(stderr=True)) as table:
        tasks: dict[str, TaskID] = {}
        lock = threading.Lock()

        def settle(label: str) -> None:
            """Leave the row above the live ones, which would otherwise outgrow the terminal."""
            task = next(task for task in table.tasks if task.id == tasks[label])
            table.console.print(f"  {task.fields['told']} {label} {task.fields['rows']}", highlight=False)
            table.remove_task(tasks.pop(label))

        def report(label: str, count: int) -> None:
            told = f"{time.monotonic() - started:6.1f} s"
            with lock:
                if label not in tasks:
                    if len(tasks) == LIVE_ROWS_MAX:
                        settle(next(iter(tasks)))
                    tasks[label] = table.add_task(label, total=None, rows="", told=told)
                table.update(tasks[label], rows=f"{count:,}" if count else "", told=told)

        yield report


def _make_line_writer() -> Progress:
    started = time.monotonic()
    seen: set[str] = set()
    lock = threading.Lock()

    def report(label: str, _: int) -> None:
        with lock:
            if label not in seen:
                seen.add(label)
                print(f"[{time.monotonic() - started:6.1f} s] {label}", file=sys.stderr)  # noqa: T201

    return report
