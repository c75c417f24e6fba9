"""How fast a month is judged: our rules and one hand-written query on the same batches, in turn; grades and pay.

    python -m benchmarks.evaluate [--events N] [--large N] [--workers N] [--repeats N] [--folder DIR]

Every figure comes from a fresh process that was warm when it began; what is compared ran in the same round.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measure import (
    ROOT,
    Figures,
    Rounds,
    compare_rounds,
    read_cpu,
    read_peak,
    read_wall,
    run_measured,
    write_ratio,
)

WARM_UP_COUNT = 2_000
OURS, QUERY, LIMITED = "our rules, batches to ratings", "hand-written query", "hand-written query in our memory limit"
LARGE = "our rules, a larger month"
STAFF, MORE_STAFF = "grades and pay", "grades and pay, ten times the workers"


@dataclass(frozen=True)
class Contender:
    """One thing to measure: the module that is run, over how many events a month or workers, and how."""

    name: str
    module: str
    count: int
    options: tuple[str, ...] = ()


def list_contenders(events: int, large: int, workers: int) -> list[Contender]:
    """What is measured, in the order of a round; a count of 0 leaves out what it stands for."""
    contenders = [
        Contender(QUERY, "evaluate_benchmark", events, ("--query",)),
        Contender(OURS, "evaluate_benchmark", events),
        Contender(LIMITED, "evaluate_benchmark", events, ("--limited-query",)),
        Contender(LARGE, "evaluate_benchmark", large),
        Contender(STAFF, "workers_benchmark", workers),
        Contender(MORE_STAFF, "workers_benchmark", 10 * workers),
    ]
    return [it for it in contenders if it.count]


def land_cities(folder: Path, counts: Sequence[int]) -> None:
    """The cities that are judged, each landed once; in processes of their own, whose memory is not to be measured."""
    for count in counts:
        if count and not (folder / str(count)).exists():
            print(f"landing three months of {count:,} events", file=sys.stderr)
            subprocess.run(
                [sys.executable, "-m", "benchmarks.landed_city", str(folder), str(count)], cwd=ROOT, check=True
            )


def measure_rounds(contenders: Sequence[Contender], folder: Path, repeats: int) -> Rounds:
    """The figures of each round, by the contender's name; what is there for its memory runs in the first alone."""
    rounds: list[dict[str, Figures]] = []
    for number in range(repeats):
        rounds.append({})
        for it in contenders:
            if it.name == LARGE and number:
                continue
            figures = run_measured(it.module, str(folder), (WARM_UP_COUNT, it.count), *it.options)
            rounds[-1][it.name] = figures
            print(f"round {number + 1}, {it.name}: {figures.wall_seconds:.1f} s", file=sys.stderr)
    return rounds


def write_table(contenders: Sequence[Contender], rounds: Rounds) -> str:
    """The table: medians over the rounds, with the least and the most."""
    lines = [
        "| what | events a month or workers | seconds (least–most) | CPU seconds | times the query | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for it in contenders:
        figures = [each[it.name] for each in rounds if it.name in each]
        walls = [each.wall_seconds for each in figures]
        ratio = (
            f"{compare_rounds(rounds, it.name, QUERY, read_wall):.2f}" if it.name in (OURS, LIMITED, QUERY) else ""
        )
        lines.append(
            f"| {it.name} | {it.count:,} | {median(walls):.2f} ({min(walls):.2f}–{max(walls):.2f}) "
            f"| {median(map(read_cpu, figures)):.2f} | {ratio} | {max(map(read_peak, figures)) / 1e6:.0f} MB |"
        )
    return "\n".join(lines)


def write_verdicts(rounds: Rounds) -> str:
    """Each target with what was measured: ratios within a round, the median over the rounds."""
    told = [f"Our rules take {write_ratio(rounds, OURS, QUERY)} as long as the query. Asked: at most 2."]
    if LARGE in rounds[0]:
        growth = compare_rounds(rounds, LARGE, OURS, read_peak)
        told.append(f"The larger month needs {growth:.2f} times the memory. Asked: at most 1.3.")
    if STAFF in rounds[0]:
        seconds, peak = (max(read(each[STAFF]) for each in rounds) for read in (read_cpu, read_peak))
        told.append(
            f"Grades and pay took at most {seconds:.2f} s of one core and {peak / 1e6:.0f} MB. "
            "Asked: under 3 s and 500 MB."
        )
        told.append(
            f"Ten times the workers take {write_ratio(rounds, MORE_STAFF, STAFF)} as long. Asked: at most 11."
        )
    return "\n".join(f"- {line}" for line in told)


def describe_machine() -> str:
    """Where the figures come from."""
    libraries = ", ".join(f"{it} {version(it)}" for it in ("duckdb", "ibis-framework", "pyarrow"))
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {libraries}"


def main() -> None:
    """Measure as the command line says and print the table."""
    parser = argparse.ArgumentParser(description="Measure judging against a hand-written query, and proposals.")
    parser.add_argument("--events", type=int, default=1_170_000, help="a month; three months land")
    parser.add_argument("--large", type=int, default=12_000_000, help="for the peak of memory; 0 leaves it out")
    parser.add_argument("--workers", type=int, default=32_000, help="0 leaves them out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where cities are kept for another run, else nowhere")
    given = parser.parse_args()
    contenders = list_contenders(given.events, given.large, given.workers)
    with TemporaryDirectory(prefix="fivestar-cities-") as passing:
        folder = given.folder or Path(passing)
        land_cities(folder, (WARM_UP_COUNT, given.events, given.large))
        rounds = measure_rounds(contenders, folder.resolve(), given.repeats)
    print(f"{write_table(contenders, rounds)}\n\n{write_verdicts(rounds)}\n\n{describe_machine()}")


if __name__ == "__main__":
    main()
