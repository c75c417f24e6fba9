"""The five-star policy as read for judging, and values that its terms refuse (policy §1–§3, §6)."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from star_city import rule, scheme, shipped_policy

from flows.errors import ConfigurationError
from flows.evaluate.indicators import COMPOSITE, DEFINITIONS
from flows.evaluate.scheme import read_scheme
from flows.policy_terms import INDICATORS, TERMS


def refuse(path, value):
    """What the terms say against a value, or nothing."""
    file, _, key = path.partition(".")
    return TERMS[file][key].check(value)


def test_the_shipped_numbers_are_those_of_policy():
    limits = scheme().limits
    assert (limits.urgent_hours, limits.tier_1_hours, limits.working_days) == (24, 24, {2: 3, 3: 7, 4: 15})
    assert (limits.urgent_response_hours, limits.response_hours) == (2, 24)
    assert (scheme().cutoff_day, scheme().counted_tiers, scheme().window_months) == (3, (1, 2, 3, 4), 3)
    assert scheme().three_rates_weights == {"responded": 30, "solved": 35, "satisfied": 35}
    assert (scheme().lit_score, scheme().weight_share_minimum) == (80, Fraction(60, 100))
    assert (scheme().false_closure_deduction, scheme().withheld_false_closures) == (1, 3)


def test_the_ladder_of_alerts_is_shipped():
    policy_at = shipped_policy().at(date(2024, 3, 31))
    assert {
        name: policy_at.integer(f"five_star.alerts.{name}") for name in policy_at.children("five_star.alerts")
    } == {
        "community_overdue_hours": 0,
        "street_overdue_hours": 24,
        "district_overdue_hours": 72,
        "due_soon_hours": 24,
        "digest_rows": 10,
    }


def test_every_shipped_value_starts_in_2020():
    leaves = shipped_policy().leaves
    starts = {leaves[path].entries[0].start_on for path in leaves if path.startswith(("five_star.", "calendar."))}
    assert starts == {date(2020, 1, 1)}


def test_a_month_before_the_first_values_is_refused():
    with pytest.raises(ConfigurationError, match="2019-12-31"):
        read_scheme(shipped_policy().at(date(2019, 12, 31)))


@pytest.mark.parametrize(("value", "refused"), [(1, False), (28, False), (29, True), (0, True), ("3", True)])
def test_the_cutoff_is_a_day_that_every_month_has(value, refused):
    assert bool(refuse("five_star.cutoff_day", value)) is refused


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({}, None),
        ({"2027": {"holidays": [date(2027, 1, 1)], "workdays": []}}, None),
        ([], "mapping of years"),
        ({"27": {"holidays": [], "workdays": []}}, "four digits"),
        ({"2027": {"holidays": []}}, "holidays and workdays"),
        ({"2027": {"holidays": None, "workdays": []}}, "list of days"),
        ({"2027": {"holidays": [date(2026, 12, 31)], "workdays": []}}, "a day of 2027"),
        ({"2027": {"holidays": ["2027-01-01"], "workdays": []}}, "a day of 2027"),
        ({"2027": {"holidays": [date(2027, 1, 1)], "workdays": [date(2027, 1, 1)]}}, "both a holiday and a workday"),
        # 2027-02-14 is a Sunday, 2027-02-15 a Monday.
        ({"2027": {"holidays": [date(2027, 2, 8)], "workdays": [date(2027, 2, 14)]}}, None),
        ({"2027": {"holidays": [date(2027, 2, 8)], "workdays": [date(2027, 2, 15)]}}, "from Monday to Friday"),
        ({"2027": {"holidays": [], "workdays": []}}, "No year is without days off"),
    ],
)
def test_a_year_of_the_calendar_is_written_in_its_own_days(value, complaint):
    found = refuse("calendar.extra_years", value)
    assert found is None if complaint is None else complaint in found


def test_every_indicator_that_a_policy_may_name_is_counted():
    assert set(INDICATORS) == {*DEFINITIONS, COMPOSITE}
    assert [rule.name for rule in scheme().indicators] == list(INDICATORS)


def test_a_line_of_lower_is_better_runs_downward_and_its_gate_holds_below():
    rework = replace(rule("city_case_rework"), gate=Fraction(10, 100))
    assert rework.holds_gate(Fraction(10, 100))
    assert not rework.holds_gate(Fraction(11, 100))
    # Halfway from 0.25 to 0.05.
    assert rework.score(Fraction(15, 100)) == 50
