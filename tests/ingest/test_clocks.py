"""How far a platform's clock is from ours, by the date of its answers."""

from datetime import timedelta
from email.utils import formatdate

import pytest

from flows.ingest.connect.clocks import measure_skew

NOON = 1_710_000_000.0


@pytest.mark.parametrize(
    ("there", "asked", "answered", "ahead"),
    [
        (NOON, NOON, NOON, 0),
        # Dates leave out the part of a second: one of .0 may have been written at .999.
        (NOON, NOON + 0.9, NOON + 0.95, 0),
        (NOON, NOON + 1.5, NOON + 1.5, -0.5),
        (NOON + 1, NOON, NOON + 0.5, 0.5),
        # A platform that thinks for a minute wrote its date somewhere in it.
        (NOON + 30, NOON, NOON + 60, 0),
        (NOON + 61, NOON, NOON + 60, 1),
        (NOON - 300, NOON, NOON + 60, -299),
    ],
)
def test_what_an_answers_date_leaves_open_is_no_skew(
    there: float, asked: float, answered: float, ahead: float
) -> None:
    assert measure_skew({"date": formatdate(there, usegmt=True)}, asked, answered) == timedelta(seconds=ahead)


@pytest.mark.parametrize("headers", [{}, {"date": ""}, {"date": "soon"}])
def test_an_answer_without_a_date_says_nothing(headers: dict[str, str]) -> None:
    assert measure_skew(headers, NOON, NOON) is None
