"""Progress on stderr: bars on a terminal, a line for each step elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flows.house import Progress


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A callback that takes a step's label and how many rows it has done so far."""
    if sys.stderr.isatty():
        with _show_bars() as report:
            yield report
    else:
        yield _make_line_writer()


@contextmanager
def _show_bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, int] = {}
        lock = threading.Lock()

        def report(label: str, count: int) -> None:
            with lock:
                if label not in tasks:
                    tasks[label] = bars.add_task(label, total=None, rows="")
            bars.update(tasks[label], rows=f"{count:,}" if count else "")  # type: ignore[arg-type]

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
