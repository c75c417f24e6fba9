"""Days, deadlines and cutoffs of the sandbox as arrays of epoch seconds."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import chinese_calendar
import numpy as np

from flows.errors import UsageError
from flows.month import CITY_OFFSET, Month
from flows.sandbox.arrays import Array

DAY_SECONDS = 86_400
OFFSET_SECONDS = int(CITY_OFFSET.total_seconds())
EPOCH_ON = date(1970, 1, 1)
CUTOFF_DAY = 3
"""The policy judges a month at day 3 of the next; the sandbox's city is seen at that instant."""

FRIDAY = 4


def to_epoch(instant: datetime) -> int:
    """The instant in whole seconds since 1970."""
    return int(instant.timestamp())


def number_day(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH_ON).days


@dataclass(frozen=True)
class Calendar:
    """The span of a sandbox: its months, and the working days after them that a deadline may need."""

    months: list[Month]
    working_days: Array
    cutoffs: Array
    first_day: int
    published_until: int

    @property
    def month(self) -> Month:
        return self.months[-1]

    @property
    def seen_at(self) -> int:
        """The instant at which the city is seen: nothing has happened after it."""
        return to_epoch(self.month.cutoff_at(CUTOFF_DAY))

    def end_working_day(self, reported_at: Array, working_days: Array) -> Array:
        """23:59:59 of the N-th working day after the day of `reported_at` (policy §1)."""
        day = (reported_at + OFFSET_SECONDS) // DAY_SECONDS
        first_after = np.searchsorted(self.working_days, day, side="right")
        last = self.working_days[first_after + working_days - 1]
        end: Array = (last + 1) * DAY_SECONDS - OFFSET_SECONDS - 1
        return end

    def find_cutoff(self, deadline: Array) -> Array:
        """The cutoff of the month in which each deadline falls."""
        found: Array = self.cutoffs[(deadline + OFFSET_SECONDS) // DAY_SECONDS - self.first_day]
        return found

    def is_published(self, instant: Array) -> Array:
        """Whether the official calendar covers the year of each instant."""
        known: Array = (instant + OFFSET_SECONDS) // DAY_SECONDS < self.published_until
        return known


def is_working_day(day: date) -> bool:
    """By the official calendar; in a year not yet published, Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() <= FRIDAY


def lay_out(month: Month, history_months: int) -> Calendar:
    """The calendar of `month` and the `history_months` before it.

    Raises `UsageError` if the official calendar of one of the months' years is not published.
    """
    months = [month.plus(back) for back in range(-history_months, 1)]
    for each in (months[0], month):
        try:
            chinese_calendar.is_workday(each.first_on)
        except NotImplementedError as error:
            raise UsageError(
                f"the sandbox cannot show {each}: the official calendar of {each.year} is not in chinesecalendar. "
                "Ask for another month, or update that package."
            ) from error
    first = months[0].first_on
    days = [first + timedelta(days=n) for n in range((month.plus(4).last_on - first).days)]
    working = np.array([number_day(day) for day in days if is_working_day(day)], dtype=np.int64)
    cutoffs = np.array([to_epoch(Month.of(day).cutoff_at(CUTOFF_DAY)) for day in days], dtype=np.int64)
    last_year = max(month.year, published_year(month.year + 1))
    return Calendar(months, working, cutoffs, number_day(first), number_day(date(last_year + 1, 1, 1)))


def published_year(year: int) -> int:
    """`year` if its official calendar is published, else 0."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return 0
    return year
