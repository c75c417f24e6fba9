"""Of what kind values are: said alike by every reading, however quickly it read, and by a look at each value."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ingest.judging.kinds import find_kind, list_kinds
from flows.ingest.judging.moments import Style
from flows.ingest.judging.readings import (
    Reading,
    read_booleans,
    read_dates,
    read_instants,
    read_integers,
    read_months,
    read_text,
)

STYLE = Style(ZoneInfo("Asia/Shanghai"))
READERS: dict[str, Callable[[Sequence[Any]], Reading]] = {
    "text": read_text,
    "integer": read_integers,
    "boolean": read_booleans,
    "instant": lambda values: read_instants(values, STYLE),
    "date": lambda values: read_dates(values, STYLE),
    "month": lambda values: read_months(values, STYLE),
}
VALUES: list[tuple[Any, str | None]] = [
    ("x", "text"),
    ("2024-03-05 08:00:00", "text"),
    ("2024-03-05T08:00:00+08:00", "text"),
    ("12", "text"),
    (UUID(int=1), "text"),
    (12, "number"),
    (1709596800, "number"),
    (1.5, "number"),
    (Decimal(1), "number"),
    (True, "truth"),
    (False, "truth"),
    (datetime(2024, 3, 5), "date"),
    (date(2024, 3, 5), "date"),
    (time(8), "date"),
    ({"a": 1}, "object"),
    ([1], "list"),
    (None, None),
    ("", None),
    (" \t", None),
    (float("nan"), None),
    (object(), None),
]


@pytest.mark.parametrize(("value", "kind"), VALUES, ids=lambda it: type(it).__name__)
def test_a_value_is_of_one_kind_and_nothing_of_none(value: Any, kind: str | None) -> None:
    assert find_kind(value) == kind
    kinds = {kind} if kind else set()
    assert list_kinds([None, value, value]) == kinds
    # A column of one kind takes the quick way.
    assert {name: read([None, value, value]).kinds for name, read in READERS.items()} == dict.fromkeys(READERS, kinds)


@pytest.mark.parametrize("reader", READERS)
@given(values=st.lists(st.sampled_from([value for value, _ in VALUES]), max_size=4))
def test_every_reading_names_the_kinds_that_it_read(reader: str, values: list[Any]) -> None:
    kinds = {kind for value in values if (kind := find_kind(value)) is not None}
    assert READERS[reader](values).kinds == list_kinds(values) == kinds
