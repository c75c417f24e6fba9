"""How fast the ingest is: a bare script, our pull and dlt on the same events, in turn, as one Markdown table.

    python -m benchmarks.ingest [--events N] [--large N] [--repeats N] [--dlt-python FILE]

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
from statistics import median

from benchmarks.events_server import PAGE_EVENTS, start_server
from benchmarks.measure import (
    Figures,
    Rounds,
    compare_rounds,
    read_cpu,
    read_peak,
    read_wall,
    run_measured,
    write_ratio,
)

WARM_UP_EVENTS = PAGE_EVENTS
BARE, OURS, UNJUDGED, LARGE = "bare script", "our pull", "our pull, neither judge asked", "our pull of a larger month"
DLT, DLT_PARQUET = "dlt, as it comes", "dlt, told to load Parquet files"
ASK_VERSIONS = "from importlib.metadata import version as v; print('dlt', v('dlt'), 'with duckdb', v('duckdb'))"


@dataclass(frozen=True)
class Contender:
    """One thing to measure: the module that is run, over how many events, and how."""

    name: str
    module: str
    event_count: int
    options: tuple[str, ...] = ()
    python: str = sys.executable


def list_contenders(event_count: int, large_count: int, dlt_python: str | None) -> list[Contender]:
    """What is measured, in the order of a round."""
    contenders = [
        Contender(BARE, "bare_script", event_count),
        Contender(OURS, "ingest_benchmark", event_count),
        Contender(UNJUDGED, "ingest_benchmark", event_count, ("--without-judges",)),
    ]
    if large_count:
        contenders.append(Contender(LARGE, "ingest_benchmark", large_count))
    if dlt_python:
        contenders.append(Contender(DLT_PARQUET, "dlt_benchmark", event_count, ("--parquet",), dlt_python))
        contenders.append(Contender(DLT, "dlt_benchmark", event_count, (), dlt_python))
    return contenders


def measure_rounds(contenders: Sequence[Contender], repeats: int) -> Rounds:
    """The figures of each round, by the contender's name."""
    rounds: list[dict[str, Figures]] = []
    with start_server() as url:
        for number in range(repeats):
            rounds.append({})
            for it in contenders:
                counts = (WARM_UP_EVENTS, it.event_count)
                figures = run_measured(it.module, url, counts, *it.options, python=it.python)
                rounds[-1][it.name] = figures
                print(f"round {number + 1}, {it.name}: {figures.wall_seconds:.1f} s", file=sys.stderr)
    return rounds


def write_table(contenders: Sequence[Contender], rounds: Rounds) -> str:
    """The table: medians over the rounds, with the least and the most."""
    lines = [
        "| what | events | seconds (least–most) | CPU seconds | times the bare script | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for it in contenders:
        walls = [each[it.name].wall_seconds for each in rounds]
        is_comparable = it.event_count == contenders[0].event_count
        ratio = f"{compare_rounds(rounds, it.name, BARE, read_wall):.2f}" if is_comparable else ""
        cpu = median(each[it.name].cpu_seconds for each in rounds)
        peak = max(each[it.name].peak_bytes for each in rounds)
        lines.append(
            f"| {it.name} | {it.event_count:,} | {median(walls):.1f} ({min(walls):.1f}–{max(walls):.1f}) "
            f"| {cpu:.1f} | {ratio} | {peak / 1e6:.0f} MB |"
        )
    return "\n".join(lines)


def write_verdicts(rounds: Rounds) -> str:
    """Each target with what was measured: ratios within a round, the median over the rounds."""
    told = [f"Our pull takes {write_ratio(rounds, OURS, BARE)} as long as the bare script. Asked: at most 2.0."]
    judging, judging_cpu = (compare_rounds(rounds, OURS, UNJUDGED, read) - 1 for read in (read_wall, read_cpu))
    told.append(
        f"Both judges of rows together cost {judging:.2f} times the pull without them ({judging_cpu:.2f} times in "
        "CPU). Asked: at most 1.0."
    )
    if LARGE in rounds[0]:
        growth = compare_rounds(rounds, LARGE, OURS, read_peak)
        told.append(f"The larger month needs {growth:.2f} times the memory. Asked: at most 1.2, and 700 MB.")
    if DLT in rounds[0]:
        told.append(f"dlt takes {write_ratio(rounds, DLT, OURS)} as long as our pull. Asked: at least 25.")
        told.append(f"Told to load Parquet files it takes {write_ratio(rounds, DLT_PARQUET, OURS)} as long.")
    return "\n".join(f"- {line}" for line in told)


def describe_machine(dlt_python: str | None) -> str:
    """Where the figures come from."""
    libraries = [f"{it} {version(it)}" for it in ("pyarrow", "great-expectations", "pandas", "orjson")]
    if dlt_python:
        asked = subprocess.run([dlt_python, "-c", ASK_VERSIONS], stdout=subprocess.PIPE, text=True, check=True)
        libraries.append(asked.stdout.strip())
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(libraries)}"


def main() -> None:
    """Measure as the command line says and print the table."""
    parser = argparse.ArgumentParser(description="Measure the ingest against a bare script and dlt.")
    parser.add_argument("--events", type=int, default=300_000, help=f"a multiple of {PAGE_EVENTS}")
    parser.add_argument("--large", type=int, default=3_000_000, help="for the peak of memory; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dlt-python", help="the interpreter that has dlt; without it dlt is left out")
    given = parser.parse_args()
    contenders = list_contenders(given.events, given.large, given.dlt_python)
    rounds = measure_rounds(contenders, given.repeats)
    print(f"{write_table(contenders, rounds)}\n\n{write_verdicts(rounds)}\n\n{describe_machine(given.dlt_python)}")


if __name__ == "__main__":
    main()
