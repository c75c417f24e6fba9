"""Working days of the city: the official calendar with its make-up days (policy §1)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

import chinese_calendar

from flows.errors import ConfigurationError
from flows.month import end_of_day
from flows.policy import PolicyAt

SATURDAY = 5
DAYS_NAMED_MAX = 5


@dataclass(frozen=True)
class CalendarYear:
    """One published year: days off from Monday to Friday, and make-up days at weekends."""

    holidays: frozenset[date]
    workdays: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        return day in self.workdays or (day.weekday() < SATURDAY and day not in self.holidays)


class CityCalendar:
    """The city's working days: the years that policy enters, else those that `chinesecalendar` has published."""

    def __init__(self, extra_years: Mapping[int, CalendarYear] | None = None) -> None:
        self._extra_years = dict(extra_years or {})
        self._working_days: dict[int, tuple[date, ...] | None] = {}

    @classmethod
    def from_policy(cls, policy_at: PolicyAt) -> "CityCalendar":
        """The calendar with the further years of `calendar.extra_years`."""
        years = policy_at.mapping("calendar.extra_years")
        return cls(
            {
                int(year): CalendarYear(frozenset(days["holidays"]), frozenset(days["workdays"]))
                for year, days in years.items()
            }
        )

    def is_working_day(self, day: date) -> bool:
        """Whether `day` is a working day. Raises `ConfigurationError` if its year has no published calendar."""
        days = self._list_working_days(day.year)
        if days is None:
            raise _refuse_years({day.year}, [day])
        return day in days

    def nth_working_day(self, after: date, count: int) -> date:
        """The `count`-th working day after the day `after`, which itself doesn't count.

        Raises `ConfigurationError` if a year on the way has no published calendar.
        """
        remaining = count
        year = (after + timedelta(days=1)).year
        while True:
            days = self._list_working_days(year)
            if days is None:
                raise _refuse_years({year}, [after])
            following = days[bisect_right(days, after) :]
            if remaining <= len(following):
                return following[remaining - 1]
            remaining -= len(following)
            year += 1

    def find_deadlines(
        self, reported: Iterable[tuple[int, date]], working_days: Mapping[int, int], first_on: date, last_on: date
    ) -> dict[tuple[int, date], datetime]:
        """The deadline in UTC of each (tier, reporting day) whose deadline day lies from `first_on` to `last_on`.

        `working_days` is each tier's limit. A deadline that provably lies outside is left out, so a year without a
        published calendar raises `ConfigurationError` only where it could matter to the span (policy §1).
        """
        deadlines: dict[tuple[int, date], datetime] = {}
        missing_years: set[int] = set()
        doubtful_days: set[date] = set()
        for tier, reported_on in reported:
            day, missing = self._find_day(reported_on, working_days[tier], first_on, last_on)
            if missing:
                missing_years |= missing
                doubtful_days.add(reported_on)
            elif day is not None and first_on <= day <= last_on:
                deadlines[tier, reported_on] = end_of_day(day)
        if missing_years:
            raise _refuse_years(missing_years, sorted(doubtful_days))
        return deadlines

    def _find_day(
        self, reported_on: date, count: int, first_on: date, last_on: date
    ) -> tuple[date | None, frozenset[int]]:
        """The deadline day up to `last_on`, if there is one; and the unpublished years that leave it open.

        Unknown days can only bring a deadline forward. So it is settled if even without them it lies before
        `first_on`, or if even with all of them it lies after `last_on`.
        """
        if reported_on >= last_on:
            return None, frozenset()
        after_on = reported_on + timedelta(days=1)
        found, known_count, unknown_count = None, 0, 0
        missing: set[int] = set()
        for year in range(after_on.year, last_on.year + 1):
            days = self._list_working_days(year)
            if days is None:
                missing.add(year)
                unknown_on = max(after_on, date(year, 1, 1))
                unknown_count += (min(last_on, date(year, 12, 31)) - unknown_on).days + 1
                continue
            span = days[bisect_right(days, reported_on) : bisect_right(days, last_on)]
            if known_count + len(span) >= count:
                found = span[count - known_count - 1]
                break
            known_count += len(span)
        is_before = found is not None and found < first_on
        is_after = found is None and known_count + unknown_count < count
        return found, frozenset() if is_before or is_after else frozenset(missing)

    def _list_working_days(self, year: int) -> tuple[date, ...] | None:
        """The year's working days in order; nothing if no calendar is published for it."""
        if year not in self._working_days:
            extra = self._extra_years.get(year)
            days = _list_published(year) if extra is None else _list_days(year, extra)
            self._working_days[year] = days
        return self._working_days[year]


def _list_days(year: int, published: CalendarYear) -> tuple[date, ...]:
    return tuple(day for day in _walk_year(year) if published.is_working_day(day))


@cache
def _list_published(year: int) -> tuple[date, ...] | None:
    try:
        return tuple(day for day in _walk_year(year) if chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None


def _walk_year(year: int) -> Iterable[date]:
    first_on = date(year, 1, 1)
    return (first_on + timedelta(days=number) for number in range((date(year, 12, 31) - first_on).days + 1))


def _refuse_years(years: Iterable[int], days: list[date]) -> ConfigurationError:
    named = ", ".join(str(day) for day in days[:DAYS_NAMED_MAX])
    more = f" and {len(days) - DAYS_NAMED_MAX} more" if len(days) > DAYS_NAMED_MAX else ""
    text = ", ".join(str(year) for year in sorted(years))
    return ConfigurationError(
        f"calendar.yaml, extra_years: no calendar of working days is published for {text}. It decides working days "
        f"counted from {named}{more} (policy §1). Enter the State Council's holidays and make-up days of {text} "
        "under extra_years, or update the package chinesecalendar."
    )
