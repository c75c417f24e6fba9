"""Value, score, state and window of every indicator (policy §2)."""

from dataclasses import replace
from fractions import Fraction

import pytest
from star_city import HOME, MARCH, community, scheme

from flows.evaluate.counts import BranchSheet, Counts, EventCounts, GridCounts
from flows.evaluate.indicators import DEFINITIONS, measure_indicators

SHEET = BranchSheet(
    meetings_required=4,
    meetings_held=4,
    centre_standard=True,
    property_covered=10,
    property_total=10,
    weak_branch=False,
    secretary_under_investigation=False,
)


def measure(name, *, events=None, by=None, **counts):
    """The home community's row of one indicator; `events` maps (months back, category) to counts."""
    by_month = {(HOME, MARCH.plus(-back), category): found for (back, category), found in (events or {}).items()}
    rows = measure_indicators(Counts(MARCH, events=by_month, **counts), by or scheme(), [community()])
    return next(row for row in rows if row.indicator == name)


def measure_events(name, numerator, denominator, back=0):
    """The row of an event indicator whose month holds these two counts."""
    category, top, bottom = EVENT_INDICATORS[name]
    return measure(name, events={(back, category): EventCounts(**{top: numerator, bottom: denominator})})


EVENT_INDICATORS = {
    "wish_closed": ("wish", "closed", "due"),
    "city_case_on_time": ("city_case", "on_time", "due"),
    "city_case_rework": ("city_case", "reworked", "due"),
    "market_case_on_time": ("market_case", "on_time", "due"),
    "market_hazard_closed": ("market_hazard_general", "closed", "due"),
    "market_hazard_major_closed": ("market_hazard_major", "closed", "due"),
    "employment_satisfaction": ("employment", "satisfied", "answered"),
    "dispute_closed": ("dispute", "closed", "due"),
    "hazard_closed": ("hazard_general", "closed", "due"),
    "hazard_major_closed": ("hazard_major", "closed", "due"),
    "service_on_time": ("service", "on_time", "due"),
    "service_satisfaction": ("service", "satisfied", "answered"),
}


def test_the_table_of_policy_is_shipped_whole():
    table = {
        each.name: (each.star, each.weight, each.full, each.zero, each.gate, each.no_data, each.minimum)
        for each in scheme().indicators
    }
    percent = {name: Fraction(name, 100) for name in (0, 5, 25, 50, 60, 70, 80, 85, 90, 95, 97, 98, 100)}
    p, out = percent, "leave_out"
    assert table == {
        "grid_party_coverage": ("branch", 40, p[100], p[80], p[100], "insufficient", 1),
        "meetings_held": ("branch", 40, p[95], p[60], None, out, 1),
        "centre_standard": ("branch", 20, p[100], p[0], None, out, 1),
        "property_coverage": ("co_building", 30, p[97], p[50], None, out, 1),
        "wish_closed": ("co_building", 20, p[90], p[50], None, out, 10),
        "city_case_on_time": ("co_building", 30, p[85], p[50], None, out, 10),
        "city_case_rework": ("co_building", 20, p[5], p[25], None, out, 10),
        "market_case_on_time": ("enterprise", 40, p[95], p[70], None, out, 10),
        "market_hazard_closed": ("enterprise", 30, p[98], p[80], None, out, 10),
        "market_hazard_major_closed": ("enterprise", 0, None, None, p[100], "pass", 1),
        "employment_satisfaction": ("enterprise", 30, p[85], p[50], None, out, 10),
        "dispute_closed": ("safety", 50, p[98], p[80], None, out, 10),
        "hazard_closed": ("safety", 50, p[98], p[80], None, out, 10),
        "hazard_major_closed": ("safety", 0, None, None, p[100], "pass", 1),
        "service_on_time": ("wellbeing", 40, p[98], p[80], None, out, 10),
        "three_rates": ("wellbeing", 60, p[85], p[50], None, out, 10),
        "service_satisfaction": ("wellbeing", 0, None, None, p[85], "pass", 10),
    }
    assert {each.name for each in scheme().indicators if each.window_months == 3} == {
        name for name, row in table.items() if row[-1] == 10
    }
    assert [each.name for each in scheme().indicators if each.lower_is_better] == ["city_case_rework"]


# The line from zero to full


@pytest.mark.parametrize(
    ("name", "numerator", "denominator", "score"),
    [
        # On full, just under it (a step of 1/1000 over the line's length), on zero, just over it.
        ("wish_closed", 900, 1000, 100),
        ("wish_closed", 899, 1000, Fraction(399, 4)),  # (0.899 − 0.5) / 0.4
        ("wish_closed", 500, 1000, 0),
        ("wish_closed", 501, 1000, Fraction(1, 4)),
        ("city_case_on_time", 850, 1000, 100),
        ("city_case_on_time", 849, 1000, Fraction(698, 7)),  # 349/350
        ("city_case_on_time", 500, 1000, 0),
        ("city_case_on_time", 501, 1000, Fraction(2, 7)),  # 1/350
        ("city_case_rework", 50, 1000, 100),
        ("city_case_rework", 51, 1000, Fraction(199, 2)),  # 199/200
        ("city_case_rework", 250, 1000, 0),
        ("city_case_rework", 249, 1000, Fraction(1, 2)),  # 1/200
        ("city_case_rework", 0, 1000, 100),
        ("city_case_rework", 1000, 1000, 0),
        ("market_case_on_time", 950, 1000, 100),
        ("market_case_on_time", 949, 1000, Fraction(498, 5)),  # 249/250
        ("market_case_on_time", 700, 1000, 0),
        ("market_case_on_time", 701, 1000, Fraction(2, 5)),
        ("market_hazard_closed", 980, 1000, 100),
        ("market_hazard_closed", 979, 1000, Fraction(895, 9)),  # 179/180
        ("market_hazard_closed", 800, 1000, 0),
        ("market_hazard_closed", 801, 1000, Fraction(5, 9)),
        ("employment_satisfaction", 850, 1000, 100),
        ("employment_satisfaction", 849, 1000, Fraction(698, 7)),
        ("employment_satisfaction", 500, 1000, 0),
        ("employment_satisfaction", 501, 1000, Fraction(2, 7)),
        ("dispute_closed", 980, 1000, 100),
        ("dispute_closed", 979, 1000, Fraction(895, 9)),
        ("dispute_closed", 800, 1000, 0),
        ("dispute_closed", 801, 1000, Fraction(5, 9)),
        ("hazard_closed", 980, 1000, 100),
        ("hazard_closed", 979, 1000, Fraction(895, 9)),
        ("hazard_closed", 800, 1000, 0),
        ("hazard_closed", 801, 1000, Fraction(5, 9)),
        ("service_on_time", 980, 1000, 100),
        ("service_on_time", 979, 1000, Fraction(895, 9)),
        ("service_on_time", 800, 1000, 0),
        ("service_on_time", 801, 1000, Fraction(5, 9)),
        ("service_on_time", 1000, 1000, 100),
        ("service_on_time", 0, 1000, 0),
    ],
)
def test_an_event_indicator_scores_on_its_line(name, numerator, denominator, score):
    row = measure_events(name, numerator, denominator)
    assert (row.numerator, row.denominator, row.state, row.window_months) == (numerator, denominator, "ok", 1)
    assert row.value == Fraction(numerator, denominator)
    assert row.score == score


@pytest.mark.parametrize(
    ("total", "with_party_unit", "score"),
    [
        (1000, 1000, 100),
        (1000, 999, Fraction(199, 2)),  # (0.999 − 0.8) / 0.2
        (1000, 800, 0),
        (1000, 801, Fraction(1, 2)),
    ],
)
def test_grid_party_coverage_scores_on_its_line(total, with_party_unit, score):
    row = measure("grid_party_coverage", grids={HOME: GridCounts(total, with_party_unit)})
    assert (row.numerator, row.denominator, row.score) == (with_party_unit, total, score)


@pytest.mark.parametrize(
    ("held", "required", "numerator", "score"),
    [
        (19, 20, 19, 100),  # 0.95
        (94, 100, 94, Fraction(680, 7)),  # (0.94 − 0.6) / 0.35
        (12, 20, 12, 0),  # 0.60
        (61, 100, 61, Fraction(20, 7)),
        (9, 4, 4, 100),  # more than required counts as required
    ],
)
def test_meetings_held_count_up_to_those_required(held, required, numerator, score):
    found = replace(SHEET, meetings_held=held, meetings_required=required)
    row = measure("meetings_held", sheets={HOME: found})
    assert (row.numerator, row.denominator, row.score) == (numerator, required, score)


def test_a_month_that_required_no_meeting_says_nothing_about_them():
    row = measure("meetings_held", sheets={HOME: replace(SHEET, meetings_held=2, meetings_required=0)})
    assert (row.numerator, row.denominator, row.value, row.score, row.state) == (0, 0, None, None, "no_data")


@pytest.mark.parametrize(("met", "numerator", "score"), [(True, 1, 100), (False, 0, 0)])
def test_the_centre_meets_the_standard_or_not(met, numerator, score):
    row = measure("centre_standard", sheets={HOME: replace(SHEET, centre_standard=met)})
    assert (row.numerator, row.denominator, row.score, row.state) == (numerator, 1, score, "ok")


@pytest.mark.parametrize(
    ("covered", "total", "score"),
    [
        (97, 100, 100),
        (96, 100, Fraction(4600, 47)),  # 0.46 / 0.47
        (50, 100, 0),
        (51, 100, Fraction(100, 47)),
    ],
)
def test_property_coverage_scores_on_its_line(covered, total, score):
    row = measure("property_coverage", sheets={HOME: replace(SHEET, property_covered=covered, property_total=total)})
    assert row.score == score


def test_no_compound_at_all_is_no_data():
    row = measure("property_coverage", sheets={HOME: replace(SHEET, property_covered=0, property_total=0)})
    assert (row.denominator, row.state) == (0, "no_data")


@pytest.mark.parametrize("name", ["grid_party_coverage", "meetings_held", "centre_standard", "property_coverage"])
def test_without_a_register_or_sheet_row_there_is_no_data_and_no_zero_score(name):
    row = measure(name)
    assert (row.numerator, row.denominator, row.value, row.score) == (0, 0, None, None)
    assert (row.state, row.window_months) == ("no_data", 1)


@pytest.mark.parametrize("name", ["market_hazard_major_closed", "hazard_major_closed", "service_satisfaction"])
def test_at_weight_zero_there_is_a_value_but_no_score(name):
    row = measure_events(name, 9, 10)
    assert (row.value, row.score, row.state) == (Fraction(9, 10), None, "ok")


@pytest.mark.parametrize("name", ["market_hazard_major_closed", "hazard_major_closed"])
def test_one_major_hazard_is_enough_and_earlier_months_never_add(name):
    assert measure_events(name, 0, 1).value == 0
    earlier = measure_events(name, 5, 5, back=1)
    assert (earlier.numerator, earlier.denominator, earlier.state, earlier.window_months) == (
        0,
        0,
        "not_applicable",
        1,
    )


# The minimum and the window


WINDOWED = [name for name in EVENT_INDICATORS if not name.endswith("major_closed")]


@pytest.mark.parametrize("name", WINDOWED)
def test_ten_in_the_month_stand_alone(name):
    category, top, bottom = EVENT_INDICATORS[name]
    ten = EventCounts(**{top: 6, bottom: 10})
    row = measure(name, events={(0, category): ten, (1, category): ten})
    assert (row.numerator, row.denominator, row.window_months, row.state) == (6, 10, 1, "ok")


@pytest.mark.parametrize("name", WINDOWED)
def test_nine_in_the_month_are_summed_with_the_two_months_before(name):
    category, top, bottom = EVENT_INDICATORS[name]
    row = measure(
        name,
        events={
            (0, category): EventCounts(**{top: 6, bottom: 9}),
            (1, category): EventCounts(**{top: 1, bottom: 2}),
            (2, category): EventCounts(**{top: 2, bottom: 3}),
            (3, category): EventCounts(**{top: 50, bottom: 50}),
        },
    )
    # 6 + 1 + 2 of 9 + 2 + 3; the fourth month back is outside.
    assert (row.numerator, row.denominator, row.value) == (9, 14, Fraction(9, 14))
    assert (row.window_months, row.state) == (3, "ok")


@pytest.mark.parametrize(("earlier", "state"), [(4, "ok"), (3, "no_data")])
def test_three_months_must_reach_the_minimum_together(earlier, state):
    events = {(0, "wish"): EventCounts(due=6, closed=6), (2, "wish"): EventCounts(due=earlier, closed=1)}
    row = measure("wish_closed", events=events)
    assert (row.numerator, row.denominator, row.state, row.window_months) == (7, 6 + earlier, state, 3)
    if state == "no_data":
        assert (row.value, row.score) == (None, None)


def test_a_gate_without_data_that_passes_is_not_applicable():
    row = measure("service_satisfaction")
    assert (row.numerator, row.denominator, row.state, row.window_months) == (0, 0, "not_applicable", 3)


# Three rates


def three_rates(*months):
    events = {(back, "service"): found for back, found in enumerate(months)}
    return measure("three_rates", events=events)


FULL_MONTH = EventCounts(due=20, responded=18, solution_known=10, solved=7, answered=10, satisfied=9)


def test_three_rates_are_the_weighted_mean_of_their_parts():
    # (30·18/20 + 35·7/10 + 35·9/10) / 100 = (27 + 24.5 + 31.5) / 100 = 0.83; score (0.83 − 0.5) / 0.35 = 33/35.
    row = three_rates(FULL_MONTH)
    assert (row.value, row.score) == (Fraction(83, 100), Fraction(660, 7))
    assert (row.numerator, row.denominator, row.state, row.window_months) == (None, None, "ok", 1)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        # Without the responses (under ten due): (24.5 + 31.5) / 70.
        ({"due": 9, "responded": 9}, Fraction(4, 5)),
        # Without the solutions: (27 + 31.5) / 65.
        ({"solution_known": 9, "solved": 9}, Fraction(9, 10)),
        # Without the answers: (27 + 24.5) / 65.
        ({"answered": 9, "satisfied": 9}, Fraction(103, 130)),
    ],
)
def test_a_part_without_data_drops_out_with_its_weight(part, value):
    row = three_rates(replace(FULL_MONTH, **part))
    assert (row.value, row.state, row.window_months) == (value, "ok", 3)


def test_each_part_takes_its_own_window():
    # Answers: 4 of 5, plus 5 of 5 the month before = 9/10; the others stand alone: the value stays 0.83.
    row = three_rates(replace(FULL_MONTH, answered=5, satisfied=4), EventCounts(due=50, answered=5, satisfied=5))
    assert (row.value, row.window_months) == (Fraction(83, 100), 3)


def test_without_any_part_three_rates_have_no_data():
    row = three_rates(EventCounts(due=9, responded=9, answered=9, satisfied=9))
    assert (row.numerator, row.denominator, row.value, row.score) == (None, None, None, None)
    assert (row.state, row.window_months) == ("no_data", 3)


@pytest.mark.parametrize(("solved", "score"), [(17, 100), (16, 95)])
def test_three_rates_are_full_at_eighty_five(solved, score):
    # Responded 17/20 and satisfied 17/20; with solved 17/20 the mean is 0.85, with 16/20 it is 0.85 − 0.35·0.05
    # = 0.8325, which scores (0.8325 − 0.5) / 0.35 = 0.95.
    row = three_rates(EventCounts(due=20, responded=17, solution_known=20, solved=solved, answered=20, satisfied=17))
    assert row.score == score


# Policy


def test_every_definition_is_in_the_shipped_policy():
    assert {*DEFINITIONS, "three_rates"} == {each.name for each in scheme().indicators}
