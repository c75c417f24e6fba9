"""How fast the morning's digests are built: a city's open events, up the ladder, into the outbox.

    python -m benchmarks.digest [--events N] [--repeats N] [--folder DIR]

`--events` are those of all three months together. Each figure is of a fresh process that was warm when it began.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.evaluate import describe_machine, land_cities
from benchmarks.landed_city import MONTHS
from benchmarks.measure import read_cpu, read_peak, read_wall, run_measured

EVENTS = 1_170_000
WARM_UP_COUNT = 2_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Land the city, measure the rounds, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="fivestar-benchmark-") as temporary:
        folder = asked.folder or Path(temporary)
        a_month = asked.events // len(MONTHS)
        land_cities(folder, (WARM_UP_COUNT, a_month))
        rounds = [
            run_measured("digest_benchmark", str(folder), (WARM_UP_COUNT, a_month)) for _ in range(asked.repeats)
        ]
    walls = [figures.wall_seconds for figures in rounds]
    print("| what | events | digests | seconds (least–most) | CPU seconds | peak memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print(
        f"| the morning's digests, batches to outbox | {asked.events:,} | {rounds[0].result_count} "
        f"| {median(map(read_wall, rounds)):.2f} ({min(walls):.2f}–{max(walls):.2f}) "
        f"| {median(map(read_cpu, rounds)):.2f} | {max(map(read_peak, rounds)) / 1e6:.0f} MB |"
    )
    print(f"\n{describe_machine()}")


if __name__ == "__main__":
    main()
