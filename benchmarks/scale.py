"""What a city's home weighs: bytes in the lake, rows in the ledger, and what a lake on S3 costs the reader.

    python -m benchmarks.scale HOME

HOME has run, such as the one that `make bench-prefect ARGS="--folder DIR"` leaves in DIR/work.
Its lake is copied to an S3 server on loopback, in a process of its own, and read back; CPU is the reader's alone.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from sqlalchemy import create_engine, inspect, text

from benchmarks.measure import read_cpu_seconds
from flows.lake import Lake, open_lake
from flows.settings import LEDGER

KEYS = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark", "AWS_EC2_METADATA_DISABLED": "true"}


def describe_lake(lake: Lake) -> str:
    """Rows, bytes and bytes a row of each table, with quarantine and manifests."""
    rows, sizes, batches = Counter[str](), Counter[str](), Counter[str]()
    for table, batch_id in lake.list_batches():
        rows[table] += lake.read_manifest(table, batch_id)["received_count"]
        sizes[table] += sum(
            file.stat().st_size for file in lake.storage.fetch(f"{table}/batch_id={batch_id}").iterdir()
        )
        batches[table] += 1
    lines = ["| table | batches | records received | MB | bytes a record |", "| --- | ---: | ---: | ---: | ---: |"]
    for table in sorted(rows, key=lambda name: -sizes[name]):
        each = sizes[table] / max(rows[table], 1)
        lines.append(f"| `{table}` | {batches[table]} | {rows[table]:,} | {sizes[table] / 1e6:.1f} | {each:.0f} |")
    return "\n".join(lines)


def describe_ledger(file: Path) -> str:
    """The rows of the fullest tables, and of all."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        counts = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in inspect(engine).get_table_names()
        }
    fullest = ", ".join(f"`{name}` {count:,}" for name, count in Counter(counts).most_common(6))
    return f"Ledger: {sum(counts.values()):,} rows, {file.stat().st_size / 1e6:.1f} MB; {fullest}."


def describe_copying(lake: Lake) -> str:
    """What it takes to put the whole lake on S3, and to read it from there for the first and the second time."""
    batches = lake.list_batches()
    with start_s3() as url, TemporaryDirectory(prefix="fivestar-benchmark-") as folder:
        writer, reader = (open_lake(Path(folder) / name, url) for name in ("writer", "reader"))
        steps = {
            "put there": lambda: [lake.copy_batch(*batch, writer) for batch in batches],
            "read for the first time": lambda: [reader.list_parts(*batch) for batch in batches],
            "read again": lambda: [reader.list_parts(*batch) for batch in batches],
        }
        told = []
        for name, take in steps.items():
            used, started = read_cpu_seconds(), time.perf_counter()
            take()
            told.append(f"{name} {time.perf_counter() - started:.2f} s, {read_cpu_seconds() - used:.2f} s CPU")
    return f"The lake of {len(batches)} batches on S3: {'; '.join(told)}."


@contextmanager
def start_s3() -> Iterator[str]:
    """The URL of an empty lake on an S3 server that runs inside the block."""
    os.environ.update(KEYS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                requests.put(f"http://127.0.0.1:{port}/lakes", timeout=60).raise_for_status()
                break
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield f"s3://lakes/lake?scheme=http&region=us-east-1&endpoint_override=127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Print what the home weighs."""
    parser = argparse.ArgumentParser(description="Weigh an installation's home.")
    parser.add_argument("home", type=Path)
    home = parser.parse_args().home
    lake = Lake(home / "lake")
    print(f"{describe_lake(lake)}\n\n{describe_ledger(home / LEDGER)}\n\n{describe_copying(lake)}")


if __name__ == "__main__":
    main()
