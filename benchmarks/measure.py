"""One job measured in a process of its own, already warm: the figures go to standard output as JSON."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figures:
    """What one job took. The peak is that of the whole process, interpreter and libraries included."""

    wall_seconds: float
    cpu_seconds: float
    result_count: int
    peak_bytes: int


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
