"""Columns in which a time beside the date means nothing: the key `days` of a mapping."""

from collections.abc import Callable
from datetime import datetime

import pytest
from platform_server import CARD

from flows.errors import ConfigurationError
from flows.ingest.describe.source import FilesSource, Source
from flows.ingest.judging.mapping import Mapper

TEXT = f"""
platform: sheets
title: Sheets
{CARD}
connection: {{kind: files, path: drop}}
resources:
  events:
    table: events
    files: "*.csv"
    format: csv
    timezone: America/Los_Angeles
    fields: {{event_id: id, reported_at: made, due_at: due, extended_to: later, updated_at: made}}
    defaults:
      {{community_code: "1", category: other, tier: 4, urgent: false, status: open, forced_close: false, reopened: 0}}
    formats: {{due_at: "%m/%d/%Y %I:%M:%S %p"}}
    DAYS
"""
RECORD = {"id": "1", "made": "2018-01-02 15:00:00", "due": "01/05/2018 12:00:00 AM", "later": "2018-01-09 15:00:00"}


@pytest.mark.parametrize(
    ("days", "due_at", "extended_to"),
    [
        # Los Angeles is 8 hours behind UTC: midnight there is 08:00, a day ends at 07:59:59 of the next.
        ("days: []", datetime(2018, 1, 5, 8), datetime(2018, 1, 9, 23)),
        ("days: [due_at]", datetime(2018, 1, 6, 7, 59, 59), datetime(2018, 1, 9, 23)),
        ("days: [due_at, extended_to]", datetime(2018, 1, 6, 7, 59, 59), datetime(2018, 1, 10, 7, 59, 59)),
    ],
)
def test_a_deadline_that_is_a_day_ends_with_it_and_others_do_not(
    make_source: Callable[[str], Source], days: str, due_at: datetime, extended_to: datetime
) -> None:
    source = make_source(TEXT.replace("DAYS", days))
    assert isinstance(source, FilesSource)
    mapped = Mapper(source, source.resources["events"], "sheets, events").map_records([RECORD], 0)
    [row] = mapped.rows.to_pylist()
    assert (row["due_at"], row["extended_to"]) == (due_at, extended_to)
    assert row["reported_at"] == datetime(2018, 1, 2, 23)


def test_the_day_of_any_other_instant_begins_with_it(make_source: Callable[[str], Source]) -> None:
    source = make_source(TEXT.replace("DAYS", "days: [reported_at]"))
    assert isinstance(source, FilesSource)
    mapped = Mapper(source, source.resources["events"], "sheets, events").map_records([RECORD], 0)
    assert mapped.rows.column("reported_at").to_pylist() == [datetime(2018, 1, 2, 8)]


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ("days: [due]", "days.due: events has no such column. It has: platform, event_id"),
        ("days: [closed_at]", "days.closed_at: the column is not mapped in fields. Map it or drop this."),
        ("days: [event_id]", "days.event_id: only instants and dates are days. Drop it."),
        ("days: due_at", "is 'due_at'. It must be a list."),
    ],
)
def test_days_that_cannot_be_are_refused(make_source: Callable[[str], Source], days: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_source(TEXT.replace("DAYS", days))
    assert message in str(raised.value)
