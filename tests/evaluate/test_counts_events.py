"""The due set and what became of it, at the second (policy §1)."""

from dataclasses import replace
from datetime import date

import pytest
from memory_view import make_table
from star_city import HOME, MARCH, NEIGHBOUR, count_home, event, scheme

from flows.calendar import CalendarYear, CityCalendar
from flows.errors import ConfigurationError
from flows.evaluate.counts import EventCounts, count_events
from flows.month import Month

FEBRUARY = Month(2024, 2)
UNDATED = {"due_at": None, "extended_to": None}


def is_due(**changes):
    return count_home([event(**changes)]) is not None


# The due set


@pytest.mark.parametrize(
    ("due_at", "due"),
    [
        ("2024-02-29 23:59:59", False),
        ("2024-03-01 00:00:00", True),
        ("2024-03-31 23:59:59", True),
        ("2024-04-01 00:00:00", False),
    ],
)
def test_a_deadline_belongs_to_the_month_from_its_first_to_its_last_instant(due_at, due):
    found = count_home([event(reported_at="2024-02-10 08:00:00", due_at=due_at)])
    assert (found is not None) is due


def test_an_extension_moves_the_deadline():
    assert not is_due(due_at="2024-03-15 12:00:00", extended_to="2024-04-15 12:00:00")
    assert is_due(due_at="2024-02-15 12:00:00", reported_at="2024-02-10 08:00:00", extended_to="2024-03-01 12:00:00")


def test_a_void_event_is_not_due():
    assert not is_due(status="void")


def test_an_event_of_no_star_is_not_counted():
    assert count_home([event(category="other")], category="other") is None


def test_every_tier_counts_until_policy_says_otherwise():
    events = [event(tier=tier) for tier in (1, 2, 3, 4)]
    assert count_home(events).due == 4
    assert count_home(events, by=replace(scheme(), counted_tiers=(2, 3, 4))).due == 3


def test_an_event_of_the_first_instant_of_all_is_not_due_and_stops_no_other():
    # 00:00 UTC of 1 January of the year 1, as some programs write "never".
    never = event(due_at=None, extended_to=None, reported_at="0001-01-01 08:00:00", closed_at=None, status="open")
    assert count_home([event(), never]).due == 1


# Deadlines that nobody set


@pytest.mark.parametrize(("closed_at", "on_time"), [("2024-03-15 12:00:00", 1), ("2024-03-15 12:00:01", 0)])
@pytest.mark.parametrize("kind", [{"urgent": True, "tier": 4}, {"urgent": False, "tier": 1}])
def test_urgent_and_grid_events_have_twenty_four_hours(kind, closed_at, on_time):
    # Reported 2024-03-14 12:00:00 + 24 h = 2024-03-15 12:00:00.
    assert count_home([event(**UNDATED, **kind, closed_at=closed_at)]).on_time == on_time


@pytest.mark.parametrize(
    ("tier", "last_on"),
    [
        # Working days after Friday 1 March 2024: 4 5 6 | 7 8 11 12 | 13 14 15 18 19 20 21 22.
        (2, "2024-03-06"),
        (3, "2024-03-12"),
        (4, "2024-03-22"),
    ],
)
def test_other_tiers_have_until_the_last_second_of_their_last_working_day(tier, last_on):
    undated = {**UNDATED, "tier": tier, "reported_at": "2024-03-01 09:00:00"}
    # The next second is midnight of the following day.
    following = f"{last_on[:-2]}{int(last_on[-2:]) + 1:02d}"
    assert count_home([event(**undated, closed_at=f"{last_on} 23:59:59")]).on_time == 1
    assert count_home([event(**undated, closed_at=f"{following} 00:00:00")]).on_time == 0


def test_the_reporting_day_is_the_citys_day():
    # 2024-03-01 00:30 in the city is still 29 February in UTC. Three working days after 1 March end on the 6th.
    early = event(**UNDATED, reported_at="2024-03-01 00:30:00", closed_at="2024-03-06 12:00:00")
    assert count_home([early]).on_time == 1
    # 23:59:59 on 29 February is the day before: 1, 4, 5 March.
    late = event(**UNDATED, reported_at="2024-02-29 23:59:59", closed_at="2024-03-06 12:00:00")
    assert count_home([late]).on_time == 0


def test_a_set_deadline_needs_no_limit_and_an_extension_wins():
    found = count_home(
        [
            event(extended_to="2024-03-20 12:00:00", closed_at="2024-03-20 12:00:00"),
            event(closed_at="2024-03-15 12:00:01"),
        ]
    )
    assert (found.due, found.on_time) == (2, 1)


def test_a_limit_that_leads_out_of_the_month_leaves_its_due_set():
    # Three working days after Tuesday 26 March 2024 end on the 29th; after the 27th on 1 April.
    assert is_due(**UNDATED, reported_at="2024-03-26 09:00:00", closed_at="2024-03-27 09:00:00")
    assert not is_due(**UNDATED, reported_at="2024-03-27 09:00:00", closed_at="2024-03-27 09:00:00")


# Closed, on time


@pytest.mark.parametrize(("closed_at", "closed"), [("2024-04-03 00:00:00", 1), ("2024-04-03 00:00:01", 0)])
def test_a_closure_counts_up_to_the_cutoff(closed_at, closed):
    found = count_home([event(closed_at=closed_at)])
    assert (found.due, found.closed, found.on_time) == (1, closed, 0)


def test_a_closure_on_the_deadline_is_on_time_and_a_second_later_it_is_not():
    assert count_home([event(closed_at="2024-03-15 12:00:00")]).on_time == 1
    found = count_home([event(closed_at="2024-03-15 12:00:01")])
    assert (found.closed, found.on_time) == (1, 0)


def test_a_closure_after_the_cutoff_is_not_on_time_whatever_the_deadline():
    # Judged on day 3 of the month, an event due on the 31st of March must be closed by 3 April.
    late = event(due_at="2024-03-31 23:59:59", closed_at="2024-04-03 00:00:01")
    assert count_home([late]) == EventCounts(due=1)


def test_a_forced_closure_is_no_closure():
    assert count_home([event(forced_close=True)]) == EventCounts(due=1)


def test_a_reopened_case_is_open_whatever_its_old_closing_instant():
    found = count_home([event(status="open", reopened=1)])
    assert (found.due, found.closed, found.on_time, found.reworked) == (1, 0, 0, 1)


def test_a_case_closed_again_is_closed_and_reworked():
    found = count_home([event(reopened=2)])
    assert (found.closed, found.reworked) == (1, 1)


def test_an_open_event_is_due_and_no_more():
    assert count_home([event(status="open", closed_at=None)]) == EventCounts(due=1)


# Responses and answers


@pytest.mark.parametrize(
    ("urgent", "responded_at", "in_time"),
    [
        (True, "2024-03-14 14:00:00", 1),
        (True, "2024-03-14 14:00:01", 0),
        (False, "2024-03-15 12:00:00", 1),
        (False, "2024-03-15 12:00:01", 0),
        (False, None, 0),
    ],
)
def test_a_response_is_in_time_up_to_its_limit(urgent, responded_at, in_time):
    # Reported 2024-03-14 12:00:00; urgent + 2 h, others + 24 h.
    assert count_home([event(urgent=urgent, responded_at=responded_at)]).responded == in_time


def test_only_known_solutions_are_divided():
    found = count_home([event(solved=True), event(solved=False), event(solved=None)])
    assert (found.solved, found.solution_known) == (1, 2)


def test_only_given_answers_are_divided():
    answers = ["satisfied", "basically_satisfied", "dissatisfied", "unreached", None]
    found = count_home([event(satisfaction=answer) for answer in answers])
    assert (found.satisfied, found.answered, found.due) == (2, 3, 5)


# Months, communities, categories


def test_each_month_is_judged_at_its_own_cutoff():
    # Due in February, closed 2024-03-03 00:00:01: after February's cutoff, though long before March's.
    old = {"reported_at": "2024-02-20 08:00:00", "due_at": "2024-02-28 12:00:00"}
    events = [event(**old, closed_at="2024-03-03 00:00:01"), event(**old, closed_at="2024-03-03 00:00:00")]
    found = count_home(events, in_month=FEBRUARY)
    assert (found.due, found.closed) == (2, 1)


def test_three_months_are_counted_and_no_fourth():
    months = ["2023-12-31 23:59:59", "2024-01-01 00:00:00", "2024-02-15 00:00:00", "2024-03-31 23:59:59"]
    events = [event(reported_at="2023-12-20 08:00:00", due_at=due_at) for due_at in months]
    counts = count_events(make_table("events", events), scheme(), CityCalendar(), MARCH)
    assert {month: found.due for (_, month, _), found in counts.items()} == {
        Month(2024, 1): 1,
        FEBRUARY: 1,
        MARCH: 1,
    }


def test_communities_and_categories_are_kept_apart():
    events = [event(), event(community_code=NEIGHBOUR), event(category="dispute")]
    counts = count_events(make_table("events", events), scheme(), CityCalendar(), MARCH)
    assert {key: found.due for key, found in counts.items()} == {
        (HOME, MARCH, "service"): 1,
        (NEIGHBOUR, MARCH, "service"): 1,
        (HOME, MARCH, "dispute"): 1,
    }


def test_no_events_give_no_counts():
    assert count_events(make_table("events", []), scheme(), CityCalendar(), MARCH) == {}


def test_the_order_of_rows_changes_nothing():
    events = [
        event(tier=tier, **UNDATED, category=category) for tier in (1, 2, 3) for category in ("wish", "service")
    ]
    forward = count_events(make_table("events", events), scheme(), CityCalendar(), MARCH)
    assert count_events(make_table("events", events[::-1]), scheme(), CityCalendar(), MARCH) == forward


# Years without a published calendar

IN_2099 = {
    "reported_at": "2099-01-05 09:00:00",
    "due_at": None,
    "extended_to": None,
    "closed_at": None,
    "status": "open",
    "updated_at": "2099-02-04 00:00:00",
}
JANUARY_2099 = Month(2099, 1)


def test_an_event_that_needs_an_unpublished_year_stops_the_count():
    with pytest.raises(ConfigurationError, match=r"2099.*2099-01-05"):
        count_home([event(**IN_2099)], month=JANUARY_2099)


@pytest.mark.parametrize(
    "changes",
    [
        {"due_at": "2099-01-20 00:00:00"},
        {"extended_to": "2099-01-20 00:00:00"},
        {"urgent": True},
        {"tier": 1},
        {"status": "void"},
        {"category": "other"},
        {"reported_at": "2099-02-01 00:00:00"},
    ],
)
def test_an_event_that_needs_no_working_days_asks_for_no_calendar(changes):
    count_home([event(**{**IN_2099, **changes})], month=JANUARY_2099)


def test_a_year_entered_by_the_city_dates_its_events():
    # 5 January 2099 is a Monday: three working days end on Thursday the 8th.
    calendar = CityCalendar({2099: CalendarYear(frozenset(), frozenset())})
    assert date(2099, 1, 5).weekday() == 0
    assert count_home([event(**IN_2099)], month=JANUARY_2099, calendar=calendar) == EventCounts(due=1)
