"""What tests of the evaluation share."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from compare_city import LONGTING, SHUNHE, light

from flows.results import MonthResult

Make = Callable[..., MonthResult]


@pytest.fixture
def month(make_result: Make) -> MonthResult:
    """Two communities without stars lit and without workers."""
    result = make_result(community_count=0, staff_per_community=0)
    result = replace(result, communities=[LONGTING, SHUNHE])
    return light(light(result, LONGTING), SHUNHE)
