"""When HR is reminded of an open review, by real days of the city's calendar (policy §1)."""

from datetime import date

import pytest

from flows.calendar import CalendarYear, CityCalendar
from flows.errors import ConfigurationError
from flows.review.reminding import DueReminder, find_due_reminder

AFTER = 3


def find_due(opened_on: date, today: date, after: int = AFTER) -> DueReminder | None:
    return find_due_reminder(CityCalendar(), opened_on, today, after)


@pytest.mark.parametrize(
    ("today", "due"),
    [
        # Opened on Monday 11 March 2024: 12, 13, 14 are the first three working days after it.
        (date(2024, 3, 11), None),
        (date(2024, 3, 13), None),
        (date(2024, 3, 14), DueReminder(3, date(2024, 3, 14))),
        # 15, 18 and 19 are the next three; the 16th and 17th are a weekend.
        (date(2024, 3, 18), DueReminder(3, date(2024, 3, 14))),
        (date(2024, 3, 19), DueReminder(6, date(2024, 3, 19))),
        (date(2024, 3, 21), DueReminder(6, date(2024, 3, 19))),
        (date(2024, 3, 22), DueReminder(9, date(2024, 3, 22))),
    ],
)
def test_the_first_reminder_is_due_after_three_working_days_and_one_after_each_further_three(today, due):
    assert find_due(date(2024, 3, 11), today) == due


def test_holidays_do_not_count_and_the_sunday_that_makes_up_for_them_does():
    # Opened on Wednesday 3 April 2024: 4, 5, 6 are off for Qingming, Sunday the 7th works, then the 8th and 9th.
    assert find_due(date(2024, 4, 3), date(2024, 4, 8)) is None
    assert find_due(date(2024, 4, 3), date(2024, 4, 9)) == DueReminder(3, date(2024, 4, 9))


def test_a_review_opened_on_a_day_off_counts_from_the_next_working_day():
    # Saturday 9 March 2024; 11, 12, 13 work.
    assert find_due(date(2024, 3, 9), date(2024, 3, 12)) is None
    assert find_due(date(2024, 3, 9), date(2024, 3, 13)) == DueReminder(3, date(2024, 3, 13))


def test_days_run_on_over_the_turn_of_the_year():
    # Opened on Friday 29 December 2023: 30, 31 weekend, 1 January holiday; 2, 3, 4 January work.
    assert find_due(date(2023, 12, 29), date(2024, 1, 3)) is None
    assert find_due(date(2023, 12, 29), date(2024, 1, 4)) == DueReminder(3, date(2024, 1, 4))


def test_another_number_of_days_is_followed():
    assert find_due(date(2024, 3, 11), date(2024, 3, 12), after=1) == DueReminder(1, date(2024, 3, 12))
    assert find_due(date(2024, 3, 11), date(2024, 3, 15), after=5) is None
    assert find_due(date(2024, 3, 11), date(2024, 3, 18), after=5) == DueReminder(5, date(2024, 3, 18))


def test_a_year_without_a_calendar_is_asked_for_only_once_it_has_begun():
    # Opened on Wednesday 30 December 2099; 2099 is entered, 2100 is not. Thursday the 31st works, which is one day.
    calendar = CityCalendar({2099: CalendarYear(frozenset(), frozenset())})
    opened_on = date(2099, 12, 30)
    assert find_due_reminder(calendar, opened_on, date(2099, 12, 31), AFTER) is None
    with pytest.raises(ConfigurationError, match="published for 2100"):
        find_due_reminder(calendar, opened_on, date(2100, 1, 1), AFTER)
