"""How long HR waits for its workbook: `review export` and `review import` as commands, at two sizes of a month.

    python -m benchmarks.review [--proposals N [N ...]] [--repeats N]

Each command is a process of its own, its start included; every line of the workbook is filled in. An import has a
fresh copy of the ledger, and records what it takes.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile

from benchmarks.measure import ROOT, Figures
from benchmarks.review_month import MONTH, fill_in

EXPORT, IMPORT = "review export", "review import"
ASKED_SECONDS = {3_000: 5, 32_000: 60}
ASKED_BYTES = 700e6

Measured = dict[tuple[str, int], list[Figures]]
"""What each round took, by the command and the number of proposals."""


def run_command(home: Path, *arguments: str, count: int) -> Figures:
    """What `fivestar` took with these arguments. The peak is that of its whole process."""
    command = [sys.executable, "-c", "from flows.cli import main; main()", *arguments, "--home", str(home)]
    started = time.perf_counter()
    with TemporaryFile() as told:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=told)
        _, status, used = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise SystemExit(f"{' '.join(arguments)} failed: {told.read().decode()}")
    return Figures(wall_seconds, used.ru_utime + used.ru_stime, count, used.ru_maxrss * 1024)


def measure_round(folder: Path, count: int, measured: Measured) -> None:
    """One export and one import of a month with so many proposals."""
    home, book, filled = folder / str(count), folder / "exported.xlsx", folder / "filled.xlsx"
    month = ("--month", str(MONTH))
    export = run_command(home, "review", "export", str(book), *month, count=count)
    fill_in(book, filled, count)
    fresh = folder / "fresh"
    shutil.copytree(home, fresh)
    report = folder / "findings.xlsx"
    options = ("--reviewer", "benchmark", "--report", str(report))
    taken = run_command(fresh, "review", "import", str(filled), *month, *options, count=count)
    shutil.rmtree(fresh)
    for name, figures in ((EXPORT, export), (IMPORT, taken)):
        measured.setdefault((name, count), []).append(figures)
        print(f"{name}, {count:,} proposals: {figures.wall_seconds:.1f} s", file=sys.stderr)


def write_table(measured: Measured) -> str:
    """The table: medians over the rounds, with the least and the most, and what was asked."""
    lines = [
        "| command | proposals | seconds (least–most) | CPU seconds | peak memory | asked |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for (name, count), rounds in measured.items():
        walls = [figures.wall_seconds for figures in rounds]
        asked = f"under {ASKED_SECONDS[count]} s, {ASKED_BYTES / 1e6:.0f} MB" if count in ASKED_SECONDS else ""
        lines.append(
            f"| `{name}` | {count:,} | {median(walls):.1f} ({min(walls):.1f}–{max(walls):.1f}) "
            f"| {median(figures.cpu_seconds for figures in rounds):.1f} "
            f"| {max(figures.peak_bytes for figures in rounds) / 1e6:.0f} MB | {asked} |"
        )
    return "\n".join(lines)


def measure_all(folder: Path, counts: Sequence[int], repeats: int) -> Measured:
    """The figures of every command and size; months are stored by processes of their own."""
    measured: Measured = {}
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.review_month", str(folder), str(count)]
        subprocess.run(command, cwd=ROOT, check=True)
        for _ in range(repeats):
            measure_round(folder, count, measured)
    return measured


def main() -> None:
    """Measure as the command line says and print the table."""
    parser = argparse.ArgumentParser(description="Measure the export and the import of HR's workbook.")
    parser.add_argument("--proposals", type=int, nargs="+", default=list(ASKED_SECONDS))
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="fivestar-review-") as folder:
        measured = measure_all(Path(folder), given.proposals, given.repeats)
    libraries = ", ".join(f"{it} {version(it)}" for it in ("xlsxwriter", "python-calamine"))
    print(f"{write_table(measured)}\n\n{os.cpu_count()} cores, Python {platform.python_version()}, {libraries}")


if __name__ == "__main__":
    main()
