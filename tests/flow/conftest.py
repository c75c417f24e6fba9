"""A Prefect server of the session's own, for flows that run in this process."""

from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """Flows run against a server that is started for them."""
    with prefect_test_harness():
        yield
