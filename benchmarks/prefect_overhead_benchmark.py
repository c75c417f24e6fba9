"""One city's month, run plainly or as Prefect's flow, in this fresh process; its figures as JSON.

    python -m benchmarks.prefect_overhead_benchmark plain|flow HOME CONFIG MONTH

The flow finds a server running that was started for it; how long that took is told apart.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from prefect.testing.utilities import prefect_test_harness

from benchmarks.measure import read_cpu_seconds
from flows.cycle import deliver, run_month
from flows.house import open_house
from flows.ingest.flow import read_clock
from flows.month import Month
from flows.monthly import monthly_assessment
from flows.settings import load_settings

SERVER_SECONDS_MAX = 300


@dataclass(frozen=True)
class MonthFigures:
    """What a month took. CPU is this process's and its server's, start and end included."""

    wall_seconds: float
    cpu_seconds: float
    server_start_seconds: float
    peak_bytes: int


def run_plainly(home: Path, config: Path, month: Month) -> None:
    """The steps that the flow calls, called in turn."""
    with open_house(load_settings(home, config)) as house:
        report = run_month(house, month, read_clock)
        if report.failures:
            raise report.failures[0]
        deliver(house, read_clock)


def run_as_flow(home: Path, config: Path, month: Month) -> None:
    """The deployed flow."""
    monthly_assessment(str(month), home=str(home), config=str(config))


@contextmanager
def start_server(kind: str) -> Iterator[None]:
    """A Prefect server with an empty database, if the month is to run as a flow."""
    if kind == "plain":
        yield
        return
    with prefect_test_harness(server_startup_timeout=SERVER_SECONDS_MAX):
        yield


def main() -> None:
    """Run the month and print its figures."""
    kind, home, config, month = sys.argv[1:]
    run = run_plainly if kind == "plain" else run_as_flow
    used, asked = read_cpu_seconds(), time.perf_counter()
    with start_server(kind):
        started = time.perf_counter()
        run(Path(home), Path(config), Month.parse(month))
        wall_seconds = time.perf_counter() - started
    figures = MonthFigures(
        wall_seconds=wall_seconds,
        cpu_seconds=read_cpu_seconds() - used,
        server_start_seconds=started - asked,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
