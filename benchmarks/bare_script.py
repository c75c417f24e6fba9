"""The least that gets the events into Parquet: request, parse with orjson, write. The measure of our ingest."""

import sys
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import requests

from benchmarks.measure import measure


def pull_bare(url: str, folder: Path) -> int:
    """How many events were written, as they came: nothing is mapped, judged or compared with a total."""
    count = 0
    with requests.Session() as session:
        session.trust_env = False
        writer: pq.ParquetWriter | None = None
        cursor = None
        while True:
            answer = session.get(f"{url}/events", params={"cursor": cursor} if cursor else {}, timeout=30)
            data = orjson.loads(answer.content)["data"]
            rows = pa.Table.from_pylist(data["items"], schema=writer.schema if writer else None)
            writer = writer or pq.ParquetWriter(folder / "events.parquet", rows.schema)
            writer.write_table(rows)
            count += rows.num_rows
            cursor = data["next"]
            if cursor is None:
                writer.close()
                return count


if __name__ == "__main__":
    measure(pull_bare, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
