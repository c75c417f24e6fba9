"""When a message may go out: both sides of each limit, by the city's clock and the official calendar.

May 2024 (State Council): off from Wednesday 1 to Sunday 5 May; made up for on Sunday 28 April and Saturday 11 May.
"""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from notify_city import make_message

from flows.calendar import CityCalendar
from flows.month import CITY_ZONE
from flows.notify.timing import MessageTiming, QuietHours, TimingRules, find_release_at, make_hold

NIGHT = QuietHours(time(21), time(7))
RULES = TimingRules(
    quiet_hours=NIGHT,
    daily_limit=3,
    silent_channels=frozenset({"files"}),
    messages={
        "district_ranking": MessageTiming(days="working"),
        "sanity_alarm": MessageTiming(days="any"),
        "run_failure": MessageTiming(days="any", urgent=True),
    },
)


def release(
    text: str, message: str = "sanity_alarm", *, sent_today: int = 0, rules: TimingRules = RULES, channel: str = "x"
) -> str | None:
    """When a message may go out, in the city's time, seen from `Friday 2024-04-26 20:59:59` there."""
    local = datetime.strptime(text, "%A %Y-%m-%d %H:%M:%S").replace(tzinfo=CITY_ZONE)
    assert f"{local:%A}" == text.partition(" ")[0], "the weekday of the example is wrong"
    row = replace(make_message(), message=message, channel=channel)
    found = find_release_at(rules, row, local.astimezone(UTC), CityCalendar(), sent_today)
    if found is None:
        return None
    assert found.tzinfo is UTC
    return f"{found.astimezone(CITY_ZONE):%A %Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("Friday 2024-04-26 20:59:59", None),
        ("Friday 2024-04-26 21:00:00", "Saturday 2024-04-27 07:00:00"),
        ("Friday 2024-04-26 23:59:59", "Saturday 2024-04-27 07:00:00"),
        ("Saturday 2024-04-27 00:00:00", "Saturday 2024-04-27 07:00:00"),
        ("Saturday 2024-04-27 06:59:59", "Saturday 2024-04-27 07:00:00"),
        ("Saturday 2024-04-27 07:00:00", None),
    ],
)
def test_quiet_hours_hold_a_message_until_the_morning(now: str, expected: str | None):
    assert release(now) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("Friday 2024-04-26 12:59:59", None),
        ("Friday 2024-04-26 13:00:00", "Friday 2024-04-26 14:00:00"),
        ("Friday 2024-04-26 13:59:59", "Friday 2024-04-26 14:00:00"),
        ("Friday 2024-04-26 14:00:00", None),
    ],
)
def test_quiet_hours_within_a_day_end_on_it(now: str, expected: str | None):
    assert release(now, rules=replace(RULES, quiet_hours=QuietHours(time(13), time(14)))) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # The Saturday before May Day is free, the Sunday is made a working day.
        ("Friday 2024-04-26 20:59:59", None),
        ("Friday 2024-04-26 21:00:00", "Sunday 2024-04-28 07:00:00"),
        ("Saturday 2024-04-27 12:00:00", "Sunday 2024-04-28 07:00:00"),
        ("Sunday 2024-04-28 06:59:59", "Sunday 2024-04-28 07:00:00"),
        ("Sunday 2024-04-28 07:00:00", None),
        # Tuesday is the last working day before five days off; Monday 6 May is the next.
        ("Tuesday 2024-04-30 20:59:59", None),
        ("Tuesday 2024-04-30 21:00:00", "Monday 2024-05-06 07:00:00"),
        ("Wednesday 2024-05-01 00:00:00", "Monday 2024-05-06 07:00:00"),
        ("Sunday 2024-05-05 23:59:59", "Monday 2024-05-06 07:00:00"),
        ("Monday 2024-05-06 00:00:00", "Monday 2024-05-06 07:00:00"),
        ("Monday 2024-05-06 07:00:00", None),
        # Saturday 11 May is made a working day, Sunday is free.
        ("Saturday 2024-05-11 07:00:00", None),
        ("Sunday 2024-05-12 12:00:00", "Monday 2024-05-13 07:00:00"),
    ],
)
def test_a_supervisors_message_waits_for_a_working_day(now: str, expected: str | None):
    assert release(now, "district_ranking") == expected


def test_without_quiet_hours_a_working_day_begins_at_midnight():
    rules = replace(RULES, quiet_hours=None)
    assert release("Saturday 2024-04-27 23:59:59", "district_ranking", rules=rules) == "Sunday 2024-04-28 00:00:00"
    assert release("Sunday 2024-04-28 00:00:00", "district_ranking", rules=rules) is None


@pytest.mark.parametrize(
    ("sent_today", "message", "expected"),
    [
        (2, "sanity_alarm", None),
        (3, "sanity_alarm", "Wednesday 2024-05-01 07:00:00"),
        (4, "sanity_alarm", "Wednesday 2024-05-01 07:00:00"),
        (2, "district_ranking", None),
        (3, "district_ranking", "Monday 2024-05-06 07:00:00"),
    ],
)
def test_beyond_the_daily_limit_a_message_waits_for_the_next_day(sent_today: int, message: str, expected: str | None):
    assert release("Tuesday 2024-04-30 12:00:00", message, sent_today=sent_today) == expected


def test_a_day_ends_at_midnight_not_with_the_quiet_hours():
    # At 02:00 on Tuesday that day has begun: if it has had its three, the next is Wednesday.
    assert release("Tuesday 2024-04-30 02:00:00", sent_today=2) == "Tuesday 2024-04-30 07:00:00"
    assert release("Tuesday 2024-04-30 02:00:00", sent_today=3) == "Wednesday 2024-05-01 07:00:00"


def test_without_a_daily_limit_nothing_is_held_for_it():
    assert release("Tuesday 2024-04-30 12:00:00", sent_today=999, rules=replace(RULES, daily_limit=None)) is None


@pytest.mark.parametrize("now", ["Wednesday 2024-05-01 02:00:00", "Tuesday 2024-04-30 12:00:00"])
def test_an_urgent_message_waits_for_nothing(now: str):
    assert release(now, "run_failure", sent_today=99) is None


def test_a_channel_that_disturbs_nobody_takes_messages_at_any_time():
    assert release("Wednesday 2024-05-01 02:00:00", "district_ranking", sent_today=99, channel="files") is None


def test_a_year_without_a_published_calendar_has_working_days_from_monday_to_friday():
    # 2099-01-01 is a Thursday; nobody has published 2099.
    assert release("Thursday 2099-01-01 12:00:00", "district_ranking") is None
    assert release("Saturday 2099-01-03 12:00:00", "district_ranking") == "Monday 2099-01-05 07:00:00"


def test_what_an_address_got_is_counted_from_the_citys_midnight_for_each_message():
    asked = []

    def count_sent(*question: object) -> int:
        asked.append(question)
        return 3 if len(asked) > 1 else 2

    hold = make_hold(RULES, CityCalendar(), count_sent)
    # 12:00 in the city on Tuesday 30 April is 04:00 in UTC; that day began at 16:00 in UTC on the 29th.
    noon = datetime(2024, 4, 30, 4, 0, tzinfo=UTC)
    row = replace(make_message(address="gulou"), message="sanity_alarm")
    assert hold(row, noon) is None
    assert hold(row, noon) == datetime(2024, 4, 30, 23, 0, tzinfo=UTC)
    assert asked == [("x", "gulou", datetime(2024, 4, 29, 16, 0, tzinfo=UTC))] * 2
