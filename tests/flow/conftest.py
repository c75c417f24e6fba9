"""A Prefect server for each file here, for flows that run in this process: it must not reach other commands."""

from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness

SLOWEST_START_SECONDS = 180
"""How long a server may take to start: a busy machine is no failure."""


@pytest.fixture(scope="module")
def engine() -> Iterator[None]:
    """Flows run against a server that is started for them."""
    with prefect_test_harness(server_startup_timeout=SLOWEST_START_SECONDS):
        yield
