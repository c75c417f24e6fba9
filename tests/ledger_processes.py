"""What tests let other processes do with a ledger; apart from the tests, so that these load no more than they need.

They come from a fork server: a copy of a test's own process would hold the threads that earlier tests have started in
it. That server is one for the process, with the environment of when it was first asked; all else comes as arguments.
"""

import multiprocessing
import signal
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier, Event

from flows.house import open_house
from flows.ledger import Ledger
from flows.month import Month
from flows.settings import Settings

PATIENCE_SECONDS = 60
"""How long processes wait for each other, and a test for them, before it calls them stuck."""

PROCESSES = multiprocessing.get_context("forkserver")
NOW = datetime(2024, 4, 5, 2, tzinfo=UTC)


def read_clock() -> datetime:
    return NOW


def open_at_once(url: str, start: Barrier) -> None:
    """Open the ledger as soon as all who wait for it are there."""
    start.wait(PATIENCE_SECONDS)
    Ledger.open(url).close()


def hold_month(settings: Settings, month: Month, step: str, has_it: Event) -> None:
    """Hold the month until the process is killed."""
    with open_house(settings) as own, own.hold_month(month, step, read_clock):
        has_it.set()
        signal.pause()
