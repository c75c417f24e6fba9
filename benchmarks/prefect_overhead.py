"""What Prefect costs: a city's month run plainly and as the deployed flow, in turn, from the same state.

    python -m benchmarks.prefect_overhead [--scale city] [--repeats N] [--folder DIR]

Each run begins with a copy of the home as it was before the month, in a fresh process; the platforms' servers run
beside it, and their CPU isn't counted. Both must write files of the same digests.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measure import ROOT
from benchmarks.prefect_overhead_benchmark import MonthFigures
from flows.demo import run_demo
from flows.house import House
from flows.ingest.flow import read_clock
from flows.month import Month
from flows.sandbox.city import Sandbox, build_sandbox
from flows.settings import load_settings

MONTH = Month(2024, 3)
KINDS = ("plain", "flow")
SECONDS_MAX, SHARE_MAX = 25.0, 0.10

Rounds = Sequence[dict[str, MonthFigures]]


def build_city(folder: Path, scale: str) -> Sandbox:
    """The sandbox city; `before` in the folder is a home as it is just before its month runs. Made once."""
    home, before = folder / "home", folder / "before"
    if not before.exists():

        def keep(house: House, _: Month) -> None:
            shutil.copytree(house.settings.home, before, ignore=shutil.ignore_patterns("sandbox"))

        settings = load_settings(home, ROOT / "config")
        run_demo(
            settings,
            scale=scale,
            month=MONTH,
            clock=read_clock,
            progress=lambda text, _: print(text, file=sys.stderr) if "building" in text else None,
            run=keep,
        )
    return build_sandbox(home / "sandbox", scale=scale, month=MONTH)


def measure_rounds(folder: Path, sandbox: Sandbox, repeats: int) -> Rounds:
    """The figures of each round. Raises `RuntimeError` if the two differ in what they write."""
    rounds = []
    config = folder / "home" / "sandbox" / "config"
    with sandbox:
        for number in range(repeats):
            figures, digests = {}, []
            for kind in KINDS if number % 2 == 0 else reversed(KINDS):
                home = folder / "work"
                shutil.rmtree(home, ignore_errors=True)
                shutil.copytree(folder / "before", home)
                figures[kind] = run_measured(kind, home, config, sandbox.environment)
                digests.append(json.loads((home / "outputs" / str(MONTH) / "run.json").read_bytes())["digests"])
                print(f"round {number + 1}, {kind}: {figures[kind].wall_seconds:.1f} s", file=sys.stderr)
            if digests[0] != digests[1]:
                raise RuntimeError("the flow wrote other files than the plain run: the figures compare nothing")
            rounds.append(figures)
    return rounds


def run_measured(kind: str, home: Path, config: Path, environment: dict[str, str]) -> MonthFigures:
    """The figures of one month in a fresh process."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.prefect_overhead_benchmark",
        kind,
        str(home),
        str(config),
        str(MONTH),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=make_environment(environment), stdout=subprocess.PIPE, text=True, check=True
    )
    return MonthFigures(**json.loads(done.stdout.splitlines()[-1]))


def make_environment(sandbox: dict[str, str]) -> dict[str, str]:
    """The environment of a month: the sandbox's, without this process's settings: building the city left some."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIVESTAR_")}
    return {**kept, **sandbox, "PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1"}


def write_table(rounds: Rounds) -> str:
    """The table: medians over the rounds, with the least and the most."""
    lines = [
        "| the city's month | seconds (least–most) | CPU seconds | peak memory |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kind, name in zip(KINDS, ("called plainly", "as Prefect's flow, its server's CPU included"), strict=True):
        walls = [each[kind].wall_seconds for each in rounds]
        cpu = median(each[kind].cpu_seconds for each in rounds)
        peak = max(each[kind].peak_bytes for each in rounds)
        lines.append(
            f"| {name} | {median(walls):.1f} ({min(walls):.1f}–{max(walls):.1f}) | {cpu:.1f} | {peak / 1e6:.0f} MB |"
        )
    return "\n".join(lines)


def write_verdict(rounds: Rounds) -> str:
    """What the flow took beyond the plain run of its round, against what is asked."""
    wall, cpu = (compare(rounds, read) for read in (lambda it: it.wall_seconds, lambda it: it.cpu_seconds))
    server = median(each["flow"].server_start_seconds for each in rounds)
    return (
        f"- Prefect takes {wall[0]:.1f} s and {wall[1]:.1%} more by the clock, {cpu[0]:.1f} s more of CPU. "
        f"Asked: at most {SECONDS_MAX:.0f} s and {SHARE_MAX:.0%}.\n"
        f"- A server that is started for the run alone takes {server:.1f} s before it."
    )


def compare(rounds: Rounds, read: Callable[[MonthFigures], float]) -> tuple[float, float]:
    """How much more the flow took than the plain run of its round, and as a share of it: medians."""
    more = [read(each["flow"]) - read(each["plain"]) for each in rounds]
    return median(more), median(it / read(each["plain"]) for it, each in zip(more, rounds, strict=True))


def main() -> None:
    """Measure as the command line says and print the table."""
    parser = argparse.ArgumentParser(description="Measure what Prefect adds to a city's month.")
    parser.add_argument("--scale", choices=("small", "city"), default="city")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the city is kept for another run; else it is removed")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="fivestar-benchmark-") as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rounds = measure_rounds(folder, build_city(folder, given.scale), given.repeats)
    machine = f"{os.cpu_count()} cores, prefect {version('prefect')}, {given.scale} city"
    print(f"{write_table(rounds)}\n\n{write_verdict(rounds)}\n\n{machine}")


if __name__ == "__main__":
    main()
