"""What a policy value that is a table looks like: a check for each kind of table.

A check returns what is wrong, as in `flows.policy_values`, with the name in the table in front.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from flows.exact import parse_exact
from flows.month import MONTHS_IN_YEAR
from flows.policy_values import Check, check_between, check_share, check_star, check_truth, check_whole, is_decimal
from flows.schema import CATEGORIES, OUTCOMES, POSTS

FULL_WEIGHT = 100
"""What the weights of one star total, and those of the three rates."""
MOST_FACTOR = 2
"""Twice the performance pay, far above any city's; beyond it a point has slipped, as in "11.0" for "1.10"."""
SATURDAY = 5


def check_table(value: Any) -> str | None:
    """A mapping that isn't empty."""
    if not isinstance(value, dict) or not value:
        return f"value is {value!r}. It must be a mapping of names to values; write it so."
    return None


def check_names(names: Sequence[str], each: Check) -> Check:
    """A check for a table with exactly these names, each of whose values passes `each`."""

    def check(table: Any) -> str | None:
        problem = check_table(table)
        if problem is not None:
            return problem
        for name in table:
            if name not in names:
                return f"{name} is not known here. The names are {', '.join(names)}; correct or remove it."
        for name in names:
            if name not in table:
                return f"{name} is missing. The names are {', '.join(names)}; add it."
            problem = each(table[name])
            if problem is not None:
                return f"{name}: {problem}"
        return None

    return check


def check_rising(names: Sequence[str], each: Check, rule: str, ladder: Sequence[str] = ()) -> Check:
    """A check for a table with exactly these names, whose values don't fall along `ladder` (default: all names)."""
    check_each = check_names(names, each)

    def check(table: Any) -> str | None:
        problem = check_each(table)
        if problem is not None:
            return problem
        for lower, higher in pairwise(ladder or names):
            if parse_exact(table[higher]) < parse_exact(table[lower]):
                return f"{higher}, {table[higher]}, is below {lower}, {table[lower]}. {rule}; change one of them."
        return None

    return check


def check_band(value: Any) -> str | None:
    """A post's band of grades, its floor not above its ceiling."""
    problem = check_names(("floor", "ceiling"), check_whole("grades", least=1))(value)
    if problem is not None:
        return problem
    if value["floor"] > value["ceiling"]:
        return f"floor {value['floor']} is above ceiling {value['ceiling']}. A band runs upward; change one of them."
    return None


def check_bands(value: Any) -> str | None:
    """Bands that rise with the post and together leave no grade out (policy §4)."""
    problem = check_names(POSTS, check_band)(value)
    if problem is not None:
        return problem
    for lower, higher in pairwise(reversed(POSTS)):
        for end in ("floor", "ceiling"):
            if value[higher][end] <= value[lower][end]:
                return (
                    f"{higher}'s {end} {value[higher][end]} is not above {lower}'s {value[lower][end]}. "
                    "Bands rise with the post, at both ends; change one of them."
                )
        if value[higher]["floor"] > value[lower]["ceiling"] + 1:
            return (
                f"grade {value[lower]['ceiling'] + 1} is in no band, between {lower} and {higher}. "
                "The bands together leave no grade out; raise a ceiling or lower a floor."
            )
    return None


def check_factors(value: Any) -> str | None:
    """The performance factor of each outcome, which falls with it, and of a year without one (policy §5)."""
    problem = check_rising(
        (*OUTCOMES, "absent"), check_factor, "A better outcome must not pay less", tuple(reversed(OUTCOMES))
    )(value)
    if problem is not None:
        return problem
    if parse_exact(value["absent"]) > parse_exact(value["excellent"]):
        return (
            f"absent, {value['absent']}, is above excellent, {value['excellent']}. "
            "A year without an appraisal must not pay more than the best one; change one of them."
        )
    return None


def check_factor(value: Any) -> str | None:
    """A performance factor: exact decimals up to twice the performance pay."""
    if not is_decimal(value) or parse_exact(value) > MOST_FACTOR:
        return (
            f'value is {value!r}. It must lie from 0 to {MOST_FACTOR}, as quoted decimals such as "1.10"; '
            "above that a point has slipped."
        )
    return None


def check_rate_weights(value: Any) -> str | None:
    """The weights of the three rates, which total 100 (policy §2)."""
    problem = check_names(("responded", "solved", "satisfied"), check_between(0, FULL_WEIGHT))(value)
    if problem is not None:
        return problem
    if sum(value.values()) != FULL_WEIGHT:
        return f"weights total {sum(value.values())}. They must total {FULL_WEIGHT}; change one of them."
    return None


STAR_CATEGORIES = tuple(category for category in CATEGORIES if category != "other")
"""Every category that belongs to a star; `other` belongs to none (policy §3.2)."""

INDICATOR_KEYS = ("star", "weight", "full", "zero", "gate", "no_data", "minimum", "window_months", "lower_is_better")
INDICATOR_REQUIRED = ("star", "weight", "no_data", "minimum", "window_months")
NO_DATA_RULES = ("leave_out", "insufficient", "pass")


def check_indicator(value: Any) -> str | None:
    """An indicator: its star, its weight and line, its gate, and what having no data means (policy §2)."""
    problem = check_table(value)
    if problem is not None:
        return problem
    for key in value:
        if key not in INDICATOR_KEYS:
            return f"{key} is not known here. An indicator knows {', '.join(INDICATOR_KEYS)}; correct or remove it."
    for key in INDICATOR_REQUIRED:
        if key not in value:
            return f"{key} is missing. An indicator needs {', '.join(INDICATOR_REQUIRED)}; add it."
    checks: dict[str, Check] = {
        "star": check_star,
        "weight": check_between(0, FULL_WEIGHT),
        "minimum": check_whole("count", least=1),
        "window_months": check_between(1, MONTHS_IN_YEAR),
        "full": check_share,
        "zero": check_share,
        "gate": check_share,
        "lower_is_better": check_truth,
    }
    for key, check in checks.items():
        problem = check(value[key]) if key in value else None
        if problem is not None:
            return f"{key}: {problem}"
    if value["no_data"] not in NO_DATA_RULES:
        return f"no_data is {value['no_data']!r}. It must be one of {', '.join(NO_DATA_RULES)}; correct it."
    return _check_line(value)


def _check_line(value: Mapping[str, Any]) -> str | None:
    """Full and zero stand together, on the sides that `lower_is_better` says; a weight needs them."""
    if ("full" in value) != ("zero" in value) or (value["weight"] and "full" not in value):
        return (
            f"full and zero do not both stand beside weight {value['weight']}. A weight above 0 needs both; add them."
        )
    if not value["weight"] and "gate" not in value:
        return "weight is 0 and there is no gate. Such an indicator decides nothing; give it either, or end it."
    if "full" not in value:
        return None
    lower = value.get("lower_is_better", False)
    full, zero = parse_exact(value["full"]), parse_exact(value["zero"])
    if full == zero or (full < zero) != lower:
        side = "below" if lower else "above"
        return (
            f"full {value['full']} and zero {value['zero']} stand the wrong way round. With lower_is_better "
            f"{str(lower).lower()}, full must be {side} zero; change one of them, or lower_is_better."
        )
    return None


def check_calendar_years(value: Any) -> str | None:
    """Years with their days off and make-up days, each in its year and none in both; there may be no year at all.

    A year replaces the published one, so none may be without days off.
    """
    if not isinstance(value, dict):
        return f"value is {value!r}. It must be a mapping of years; write {{}} if there are none."
    return next((problem for year, days in value.items() if (problem := _check_year(year, days))), None)


def _check_year(year: str, days: Any) -> str | None:
    if re.fullmatch(r"\d{4}", year) is None:
        return f"{year} is not a year. Write four digits."
    if not isinstance(days, dict) or set(days) != {"holidays", "workdays"}:
        return f"{year} must hold exactly the lists holidays and workdays; write both, [] for no workdays."
    for name, listed in days.items():
        if not isinstance(listed, list):
            return f"{year}.{name} is {listed!r}. It must be a list of days such as [{year}-01-01]."
        for day in listed:
            if not isinstance(day, date) or str(day.year) != year:
                return f"{year}.{name} holds {day}. Each must be a day of {year}, written as YYYY-MM-DD."
    if not days["holidays"]:
        return (
            f"{year}.holidays is empty. No year is without days off, and these replace the published ones; list them."
        )
    for day in days["workdays"]:
        if day in days["holidays"]:
            return f"{year}: {day} is both a holiday and a workday. Remove one of them."
        if day.weekday() < SATURDAY:
            return f"{year}.workdays holds {day}, from Monday to Friday. A make-up day is at a weekend; correct it."
    return None
