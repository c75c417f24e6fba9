"""One job measured in a process of its own, already warm, with its figures as JSON; and rounds of them compared."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figures:
    """What one job took. The peak is that of the whole process, interpreter and libraries included."""

    wall_seconds: float
    cpu_seconds: float
    result_count: int
    peak_bytes: int


Rounds = Sequence[dict[str, Figures]]
"""What each round took, by the name of what was measured."""


def measure(job: Callable[[str, Path], int], url: str, warm_up_count: int, count: int) -> None:
    """Print the figures of `job`, which is handed an address and an empty folder and tells how much came of it.

    The first, short one loads what is loaded on first use; only the second counts.
    """
    for number in (warm_up_count, count):
        with TemporaryDirectory(prefix="fivestar-benchmark-") as folder:
            started, used = time.perf_counter(), time.process_time()
            result_count = job(f"{url}/{number}", Path(folder))
            wall_seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - used
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(asdict(Figures(wall_seconds, cpu_seconds, result_count, peak_bytes))))


def run_measured(
    module: str, url: str, counts: Sequence[int], *options: str, python: str = sys.executable
) -> Figures:
    """The figures of `module`, run by `python` in a fresh process."""
    command = [python, "-m", f"benchmarks.{module}", url, *map(str, counts), *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def compare_rounds(rounds: Rounds, name: str, other: str, read: Callable[[Figures], float]) -> float:
    """How many times the figure of `other` that of `name` is: within each round that has both, then the median."""
    return median(read(each[name]) / read(each[other]) for each in rounds if name in each)


def write_ratio(rounds: Rounds, name: str, other: str) -> str:
    """How many times as long as `other` it took, by the clock and in CPU."""
    wall, cpu = (compare_rounds(rounds, name, other, read) for read in (read_wall, read_cpu))
    return f"{wall:.2f} times ({cpu:.2f} times in CPU)"


def read_cpu_seconds() -> float:
    """The CPU that this process and the children that it has waited for have used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def read_wall(figures: Figures) -> float:
    """The seconds by the clock."""
    return figures.wall_seconds


def read_cpu(figures: Figures) -> float:
    """The seconds of CPU."""
    return figures.cpu_seconds


def read_peak(figures: Figures) -> float:
    """The bytes of memory at the most."""
    return figures.peak_bytes
