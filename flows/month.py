"""Months of the city's calendar: their days, their instants, and spans of full months.

Instants are aware datetimes in UTC; days are those of Asia/Shanghai (data.md, preamble).
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flows.errors import UsageError

CITY_ZONE = ZoneInfo("Asia/Shanghai")
CITY_OFFSET = timedelta(hours=8)
"""Asia/Shanghai against UTC: constant since 1992, which lets the engines derive a local day by addition."""

MONTHS_IN_YEAR = 12
MONTH_PATTERN = r"^((?:19|20|21)[0-9]{2})-(0[1-9]|1[0-2])$"
"""A month as it is written, from 1900 to 2199."""
LAST_SECOND_OF_DAY = time(23, 59, 59)


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month of the city, `[first day 00:00, first day of the next month 00:00)`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """The month written `YYYY-MM`, from 1900 to 2199. Raises `UsageError` for anything else."""
        match = re.fullmatch(MONTH_PATTERN, text)
        if match is None:
            raise UsageError(f"month {text!r} cannot be read. Write it as YYYY-MM, for example 2024-03.")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month that holds `day`."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    def plus(self, months: int) -> "Month":
        """The month that many months later (earlier if negative)."""
        year, index = divmod(self.year * MONTHS_IN_YEAR + self.number - 1 + months, MONTHS_IN_YEAR)
        return Month(year, index + 1)

    @property
    def first_on(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last_on(self) -> date:
        return date(self.year, self.number, calendar.monthrange(self.year, self.number)[1])

    @property
    def starts_at(self) -> datetime:
        return start_of_day(self.first_on)

    @property
    def ends_at(self) -> datetime:
        """The first instant after the month."""
        return self.plus(1).starts_at

    def cutoff_at(self, cutoff_day: int) -> datetime:
        """The instant at which the month is judged: day `cutoff_day` of the next month, 00:00 (policy §1)."""
        following = self.plus(1)
        return start_of_day(date(following.year, following.number, cutoff_day))


def start_of_day(day: date) -> datetime:
    """The instant, in UTC, at which `day` begins in the city."""
    return datetime.combine(day, time.min, CITY_ZONE).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """23:59:59 of `day` in the city, in UTC: the last second that a deadline on that day allows (policy §1)."""
    return datetime.combine(day, LAST_SECOND_OF_DAY, CITY_ZONE).astimezone(UTC)


def city_day(instant: datetime) -> date:
    """The city's calendar day on which `instant` falls."""
    return instant.astimezone(CITY_ZONE).date()


def count_full_months(start_on: date, end_on: date) -> int:
    """Full months from `start_on` to `end_on`, at least 0.

    The last one counts only once `end_on` reaches the day number of `start_on` (policy §4).
    """
    months = (end_on.year - start_on.year) * MONTHS_IN_YEAR + end_on.month - start_on.month
    return max(0, months - (1 if end_on.day < start_on.day else 0))


def find_last_closed_month(now: datetime) -> Month:
    """The month before the one in which `now` falls in the city."""
    return Month.of(city_day(now)).plus(-1)
