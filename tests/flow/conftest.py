"""A Prefect server for each file here, for flows that run in this process: it must not reach other commands."""

from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness

STARTUP_SECONDS = 300
"""How long a machine that has much else to do may take to start the server."""


@pytest.fixture(scope="module")
def engine() -> Iterator[None]:
    """Flows run against a server that is started for them."""
    with prefect_test_harness(server_startup_timeout=STARTUP_SECONDS):
        yield
