"""dlt's `rest_api` source into DuckDB, for comparison; runs in the environment of requirements-bench.lock."""

import os
import sys
from functools import partial
from pathlib import Path

from benchmarks.measure import measure

# Read when dlt is imported.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source


def pull_with_dlt(url: str, folder: Path, loader: str | None) -> int:
    """How many of the events at `url` dlt loaded as its documentation has it done; `loader` is the file format."""
    config: RESTAPIConfig = {
        "client": {
            "base_url": f"{url}/",
            "paginator": {"type": "cursor", "cursor_path": "data.next", "cursor_param": "cursor"},
        },
        "resources": [{"name": "events", "endpoint": {"path": "events", "data_selector": "data.items"}}],
    }
    pipeline = dlt.pipeline(
        pipeline_name="benchmark",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "events.duckdb")),
        dataset_name="landed",
    )
    pipeline.run(rest_api_source(config), loader_file_format=loader)
    with pipeline.sql_client() as client:
        [(count,)] = client.execute_sql("SELECT count(*) FROM events")
    return int(count)


if __name__ == "__main__":
    chosen = "parquet" if "--parquet" in sys.argv else None
    measure(partial(pull_with_dlt, loader=chosen), sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
