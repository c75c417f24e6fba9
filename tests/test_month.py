from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import UsageError
from flows.month import Month, city_day, count_full_months, end_of_day, start_of_day


def test_a_month_is_read_and_written_the_same_way() -> None:
    assert str(Month.parse("2024-03")) == "2024-03"


@pytest.mark.parametrize("text", ["2024-3", "2024-13", "2024-00", "0000-01", "2024/03", "202403", "2024-03-01", ""])
def test_anything_else_than_a_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="for example 2024-03"):
        Month.parse(text)


def test_months_carry_over_the_year_both_ways() -> None:
    assert Month(2024, 12).plus(1) == Month(2025, 1)
    assert Month(2024, 1).plus(-2) == Month(2023, 11)
    assert Month(2024, 3).plus(0) == Month(2024, 3)


def test_the_last_day_of_february_follows_the_leap_year() -> None:
    assert (Month(2024, 2).last_on, Month(2023, 2).last_on) == (date(2024, 2, 29), date(2023, 2, 28))


def test_a_month_begins_at_midnight_in_the_city_and_ends_where_the_next_begins() -> None:
    # Asia/Shanghai is UTC+8: 1 March 00:00 there is 29 February 16:00 UTC.
    assert Month(2024, 3).starts_at == datetime(2024, 2, 29, 16, tzinfo=UTC)
    assert Month(2024, 3).ends_at == Month(2024, 4).starts_at


def test_the_cutoff_is_midnight_of_day_3_of_the_next_month() -> None:
    # §1: day 3 of M+1, 00:00; 2024-01-03 00:00 in the city is 2024-01-02 16:00 UTC.
    assert Month(2023, 12).cutoff_at(3) == datetime(2024, 1, 2, 16, tzinfo=UTC)


def test_a_day_lasts_to_23_59_59() -> None:
    assert start_of_day(date(2024, 3, 1)) == datetime(2024, 2, 29, 16, tzinfo=UTC)
    assert end_of_day(date(2024, 3, 1)) == datetime(2024, 3, 1, 15, 59, 59, tzinfo=UTC)


def test_an_instant_belongs_to_the_citys_day() -> None:
    assert city_day(datetime(2024, 2, 29, 15, 59, 59, tzinfo=UTC)) == date(2024, 2, 29)
    assert city_day(datetime(2024, 2, 29, 16, tzinfo=UTC)) == date(2024, 3, 1)


@pytest.mark.parametrize(
    ("start_on", "end_on", "months"),
    [
        (date(2021, 4, 1), date(2024, 4, 1), 36),  # 12·3 + 0
        (date(2021, 4, 2), date(2024, 4, 1), 35),  # one less: day 1 is before day 2
        (date(2021, 5, 2), date(2024, 4, 1), 34),  # 12·3 - 1 - 1
        (date(2024, 1, 31), date(2024, 2, 29), 0),  # day 29 is before day 31, though it is the last
        (date(2024, 1, 31), date(2024, 3, 1), 1),  # 2 - 1
        (date(2024, 4, 1), date(2024, 4, 1), 0),
        (date(2024, 5, 1), date(2024, 4, 1), 0),  # never under 0
    ],
)
def test_full_months_are_counted_by_day_number(start_on: date, end_on: date, months: int) -> None:
    assert count_full_months(start_on, end_on) == months


@given(st.dates(date(1950, 1, 1), date(2050, 1, 1)), st.dates(date(1950, 1, 1), date(2050, 1, 1)))
def test_an_earlier_start_never_counts_fewer_months(one: date, other: date) -> None:
    end_on = date(2024, 4, 1)
    earlier, later = sorted((one, other))
    assert count_full_months(earlier, end_on) >= count_full_months(later, end_on)


@given(st.integers(1990, 2100), st.integers(1, 12), st.integers(-500, 500))
def test_going_forth_and_back_returns_to_the_month(year: int, number: int, months: int) -> None:
    assert Month(year, number).plus(months).plus(-months) == Month(year, number)
