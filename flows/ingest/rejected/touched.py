"""The earliest month that a row can touch.

A row counts in the month in which it happened and, through windows, corrections and comparisons with the month
before, in later ones; never in an earlier one.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flows.month import Month, city_day
from flows.schema import Table

DECEMBER = 12


def _take_instant(instant: datetime) -> str:
    return str(Month.of(city_day(instant.replace(tzinfo=UTC))))


def _take_day(day: date) -> str:
    return str(Month.of(day))


def _take_day_before(day: date) -> str:
    """A sanction of the first of a month counts for grades effective on that day: those of the month before."""
    return str(Month.of(day - timedelta(days=1))) if day > date.min else "0001-01"


def _take_year(year: int) -> str:
    """A year's appraisal counts once grades take effect in a later year, first those that December proposes."""
    return f"{year:04d}-{DECEMBER:02d}"


def _take_pay_year(year: int) -> str:
    """A title moves money from January of its year of pay, which the December before reckons."""
    return f"{year - 1:04d}-{DECEMBER:02d}"


_EARLIEST: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "communities": ("valid_from", _take_day),
    "grids": ("valid_from", _take_day),
    # Its deadline is not before its report.
    "events": ("reported_at", _take_instant),
    "incidents": ("occurred_on", _take_day),
    "checks": ("checked_at", _take_instant),
    "branch_sheet": ("month", str),
    "staff": ("month", str),
    "appraisals": ("year", _take_year),
    "sanctions": ("effective_on", _take_day_before),
    "annual_titles": ("pay_year", _take_pay_year),
}
"""The column that dates a row, and the earliest month (YYYY-MM) that it can touch. Contacts touch none."""


def list_month_columns(table: Table) -> list[str]:
    """The columns that `find_month` needs."""
    return [_EARLIEST[table.name][0]] if table.name in _EARLIEST else []


def find_month(table: Table, row: Mapping[str, Any]) -> str | None:
    """The earliest month, as YYYY-MM, in which the row can count (policy §1 to §5); none if it counts in no month."""
    if table.name not in _EARLIEST:
        return None
    column, take = _EARLIEST[table.name]
    return None if row[column] is None else take(row[column])
