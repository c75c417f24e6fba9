"""Working days and deadlines by the official calendar (policy §1)."""

from datetime import UTC, date, datetime

import pytest
from city_runs import CONFIG

from flows.calendar import CalendarYear, CityCalendar
from flows.errors import ConfigurationError
from flows.month import end_of_day
from flows.policy import load_policy

LIMITS = {2: 3, 3: 7, 4: 15}


def plain_year(year, holidays=(), workdays=()):
    return CityCalendar({year: CalendarYear(frozenset(holidays), frozenset(workdays))})


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2024, 3, 29), True),  # Friday
        (date(2024, 3, 30), False),  # Saturday
        (date(2024, 4, 4), False),  # Thursday, Qingming
        (date(2024, 4, 7), True),  # Sunday, made up for Qingming
        (date(2024, 2, 18), True),  # Sunday, made up for Spring Festival
    ],
)
def test_holidays_are_off_and_make_up_days_work(day, working):
    assert CityCalendar().is_working_day(day) is working


def test_the_day_itself_does_not_count():
    # After Friday 1 March 2024 the first working day is Monday the 4th.
    assert CityCalendar().nth_working_day(date(2024, 3, 1), 1) == date(2024, 3, 4)


def test_a_make_up_sunday_counts_as_the_first_working_day_after_a_holiday():
    # After Wednesday 3 April 2024: 4, 5, 6 off; Sunday the 7th works, then the 8th and 9th.
    assert CityCalendar().nth_working_day(date(2024, 4, 3), 1) == date(2024, 4, 7)
    assert CityCalendar().nth_working_day(date(2024, 4, 3), 3) == date(2024, 4, 9)


def test_counting_runs_over_the_turn_of_the_year():
    # After Friday 29 December 2023: 30 and 31 weekend, 1 January holiday; 2, 3, 4 January work.
    assert CityCalendar().nth_working_day(date(2023, 12, 29), 3) == date(2024, 1, 4)


def test_a_year_without_a_published_calendar_is_an_error_that_names_it():
    with pytest.raises(ConfigurationError, match=r"published for 2099.*2099-03-02.*extra_years.*chinesecalendar"):
        CityCalendar().is_working_day(date(2099, 3, 2))
    with pytest.raises(ConfigurationError, match="2099") as caught:
        CityCalendar().nth_working_day(date(2099, 3, 2), 1)
    assert caught.value.exit_code == 10


def test_a_year_entered_by_the_city_is_used():
    # 2099-03-02 is a Monday and 2099-03-08 a Sunday.
    calendar = plain_year(2099, holidays=[date(2099, 3, 3)], workdays=[date(2099, 3, 8)])
    assert calendar.nth_working_day(date(2099, 3, 2), 1) == date(2099, 3, 4)
    assert calendar.nth_working_day(date(2099, 3, 6), 1) == date(2099, 3, 8)


def test_a_year_entered_by_the_city_replaces_the_published_one():
    calendar = plain_year(2024, holidays=[date(2024, 3, 4)])
    assert not calendar.is_working_day(date(2024, 3, 4))
    assert calendar.is_working_day(date(2024, 4, 4))


def test_the_shipped_policy_enters_no_further_year():
    assert CityCalendar.from_policy(load_policy(CONFIG / "policy").at(date(2024, 3, 31))).is_working_day(
        date(2024, 3, 1)
    )


def find(reported, first_on, last_on, calendar=None):
    return (calendar or CityCalendar()).find_deadlines(reported, LIMITS, first_on, last_on)


def test_a_deadline_is_the_last_second_of_the_nth_working_day():
    # Friday 1 March 2024 + 3 working days (4, 5, 6) = Wednesday 6 March 23:59:59 in the city = 15:59:59 UTC.
    found = find([(2, date(2024, 3, 1))], date(2024, 1, 1), date(2024, 3, 31))
    assert found == {(2, date(2024, 3, 1)): datetime(2024, 3, 6, 15, 59, 59, tzinfo=UTC)}


def test_each_tier_has_its_own_limit():
    # From Friday 1 March 2024: 7 working days end on the 12th, 15 on the 22nd.
    found = find([(3, date(2024, 3, 1)), (4, date(2024, 3, 1))], date(2024, 1, 1), date(2024, 3, 31))
    assert [at.day for at in found.values()] == [12, 22]


def test_deadlines_outside_the_span_are_left_out():
    # Three working days after 26 March end on the 29th; after the 27th (28, 29, 1 April) they leave March.
    found = find([(2, date(2024, 3, 26)), (2, date(2024, 3, 27))], date(2024, 3, 1), date(2024, 3, 31))
    assert list(found) == [(2, date(2024, 3, 26))]
    # After 27 February they end on 1 March; after the 26th on 29 February, before the span.
    found = find([(2, date(2024, 2, 26)), (2, date(2024, 2, 27))], date(2024, 3, 1), date(2024, 3, 31))
    assert list(found) == [(2, date(2024, 2, 27))]


def test_the_year_after_the_span_is_never_asked_for():
    calendar = plain_year(2098)
    assert find([(4, date(2098, 12, 30))], date(2098, 10, 1), date(2098, 12, 31), calendar) == {}


def test_an_unpublished_year_is_an_error_where_it_decides_a_deadline():
    calendar = plain_year(2098)
    with pytest.raises(ConfigurationError, match=r"published for 2099.*2098-12-30"):
        find([(2, date(2098, 12, 30))], date(2098, 11, 1), date(2099, 1, 31), calendar)


def test_the_error_names_five_days_and_counts_the_rest():
    days = [(2, date(2099, 1, number)) for number in range(1, 8)]
    with pytest.raises(ConfigurationError, match=r"2099-01-05 and 2 more"):
        find(days, date(2098, 11, 1), date(2099, 1, 31))


def test_an_unpublished_year_is_no_error_where_the_limit_ends_before_it():
    # 24 December 2098 is a Wednesday: three working days end on Monday the 29th.
    calendar = plain_year(2098)
    found = find([(2, date(2098, 12, 24))], date(2098, 11, 1), date(2099, 1, 31), calendar)
    assert found == {(2, date(2098, 12, 24)): datetime(2098, 12, 29, 15, 59, 59, tzinfo=UTC)}


def test_an_unpublished_year_is_no_error_where_too_few_days_are_left_in_the_span():
    # After 29 January two days are left in the month: three working days cannot end in it. After the 28th they might.
    assert find([(2, date(2099, 1, 29))], date(2098, 11, 1), date(2099, 1, 31)) == {}
    with pytest.raises(ConfigurationError, match="2099-01-28"):
        find([(2, date(2099, 1, 28))], date(2098, 11, 1), date(2099, 1, 31))


def test_an_unpublished_year_is_no_error_where_the_deadline_ends_before_the_span_anyhow():
    # The official calendar begins with 2004. Whatever 31 December 2003 was, three working days after the 30th end by
    # 6 January 2004: before March, but perhaps in January.
    assert find([(2, date(2003, 12, 30))], date(2004, 3, 1), date(2004, 5, 31)) == {}
    with pytest.raises(ConfigurationError, match="2003"):
        find([(2, date(2003, 12, 30))], date(2004, 1, 1), date(2004, 3, 31))


def test_a_report_in_the_first_year_of_all_is_due_long_before_the_span():
    # The official calendar begins with 2004: even if no day before it worked, 15 working days end in January 2004.
    assert find([(4, date(1, 1, 1)), (4, date(1, 12, 31))], date(2024, 1, 1), date(2024, 3, 31)) == {}


def test_the_first_year_of_all_can_decide_a_deadline():
    # 1 January of the year 1 is a Monday: working days are the 2nd, 3rd and 4th.
    found = find([(2, date(1, 1, 1))], date(1, 1, 1), date(1, 1, 31), plain_year(1))
    assert found == {(2, date(1, 1, 1)): end_of_day(date(1, 1, 4))}
    with pytest.raises(ConfigurationError, match=r"published for 1\. It decides .* 0001-01-28"):
        find([(2, date(1, 1, 28))], date(1, 1, 1), date(1, 1, 31))
    # After the 29th two days are left, whatever they are.
    assert find([(2, date(1, 1, 29))], date(1, 1, 1), date(1, 1, 31)) == {}


def test_the_last_year_of_all_can_decide_a_deadline():
    # 31 December 9999 is a Friday: three working days after Tuesday the 28th end on it, and after the 29th never.
    calendar = plain_year(9999)
    span = date(9999, 12, 1), date.max
    reported = [(2, date(9999, 12, number)) for number in (28, 29, 30, 31)]
    assert find(reported, *span, calendar) == {reported[0]: datetime(9999, 12, 31, 15, 59, 59, tzinfo=UTC)}


def test_a_report_after_the_span_is_not_due_in_it():
    assert find([(2, date(2024, 3, 31)), (2, date.max)], date(2024, 1, 1), date(2024, 3, 31)) == {}
