"""What a database's cursor column holds, read as an instant, and windows written like it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from flows.errors import ContractBroken
from flows.ingest.connect.cursors import Cursor
from flows.ingest.describe.source import DatabaseResource

FIELDS = {name: name for name in ("incident_id", "community_code", "kind", "occurred_on", "status", "updated_at")}


def make_cursor(form: str, zone: str = "Asia/Shanghai") -> Cursor:
    described = {"table": "incidents", "from": "t", "cursor": "updated_at", "fields": FIELDS, "timezone": zone}
    return Cursor(DatabaseResource(**described, cursor_format=form), "exchange, incidents")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("epoch_s", Decimal("NaN")),
        ("epoch_s", [1_709_568_000]),
        ("epoch_s", {"seconds": 1_709_568_000}),
        ("local", "2024-13-45 00:00:00"),
        # Before the year 1 in UTC.
        ("native", datetime(1, 1, 1)),
    ],
)
def test_what_is_no_instant_breaks_the_contract(form: str, value: Any) -> None:
    with pytest.raises(ContractBroken, match="is no instant in the cursor_format"):
        make_cursor(form).read(value)


@pytest.mark.parametrize(
    ("form", "like", "first"),
    [
        ("local", "2024-11-03 00:00:00", "2024-11-03 00:50:00"),
        ("native", datetime(2024, 1, 1), datetime(2024, 11, 3, 0, 50)),
    ],
)
def test_a_window_begins_an_hour_earlier_where_clocks_are_about_to_be_set_back(
    form: str, like: Any, first: Any
) -> None:
    # On 3 November 2024 New York's 01:50 was 05:50 and 06:50 UTC. At 06:10 a row was written as of 01:10, which comes
    # before the first 01:50.
    window = datetime(2024, 11, 3, 5, 50, tzinfo=UTC), datetime(2024, 11, 3, 8, tzinfo=UTC)
    assert make_cursor(form, "America/New_York").write(window, like)[0] == first


def test_a_window_begins_when_it_does_on_any_other_day() -> None:
    window = datetime(2024, 3, 10, 7, tzinfo=UTC), datetime(2024, 3, 10, 8, tzinfo=UTC)
    # On 10 March 2024 New York's clocks went from 02:00, 07:00 UTC, to 03:00.
    expected = ("2024-03-10 03:00:00", "2024-03-10 04:00:00")
    assert make_cursor("local", "America/New_York").write(window, "") == expected
