"""What many tests share."""

from collections.abc import Callable

import month_factory
import pytest

from flows.results import MonthResult


@pytest.fixture
def make_result() -> Callable[..., MonthResult]:
    """Makes an invented month: `make_result(community_count=6, staff_per_community=4, paid=True, missing=())`."""
    return month_factory.make_month
