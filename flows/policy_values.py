"""What a policy value looks like: a check for each kind of value.

A check returns what is wrong with a value, by which rule, and what to do, in a sentence or two; nothing if the value
is right. What concerns several values together stands in `flows.policy_checks`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from flows.exact import parse_exact
from flows.schema import ANNUAL_TITLES, CATEGORIES, EVENTS, POSTS, STARS

FULL_WEIGHT = 100
"""What the weights of one star total, and those of the three rates."""
FULL_SCORE = 100
"""The highest score of an indicator and of a star (policy §2)."""
SHORTEST_MONTH_DAYS = 28
LEAP_YEAR = 2000
SATURDAY = 5
DECIMAL_PATTERN = re.compile(r"-?\d+(\.\d+)?")
WORD_PATTERN = re.compile(r"[a-z0-9][a-z0-9_]*")

Check = Callable[[Any], str | None]


def check_whole(value: Any) -> str | None:
    """A whole number that isn't negative."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return f"value is {value!r}. It must be a whole number, 0 or more; correct it."
    return None


def check_positive(value: Any) -> str | None:
    """A whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        return f"value is {value!r}. It must be a whole number, 1 or more; correct it."
    return None


def check_decimal(value: Any) -> str | None:
    """A whole number, or exact decimals as quoted text, not negative."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    written = isinstance(value, str) and DECIMAL_PATTERN.fullmatch(value) is not None
    if not (whole or written) or parse_exact(value) < 0:
        return f'value is {value!r}. It must be 0 or more: a whole number, or quoted decimals such as "0.05".'
    return None


def check_share(value: Any) -> str | None:
    """Exact decimals from 0 to 1."""
    if check_decimal(value) is not None or parse_exact(value) > 1:
        return f'value is {value!r}. It must lie from 0 to 1, written as quoted decimals such as "0.70".'
    return None


def check_score(value: Any) -> str | None:
    """Exact decimals from 0 to the highest score."""
    if check_decimal(value) is not None or parse_exact(value) > FULL_SCORE:
        return f'value is {value!r}. It must lie from 0 to {FULL_SCORE}, as quoted decimals such as "80.00".'
    return None


def check_truth(value: Any) -> str | None:
    """True or false."""
    if not isinstance(value, bool):
        return f"value is {value!r}. It must be true or false; write one of them."
    return None


def check_list(value: Any) -> str | None:
    """A list that names nothing twice."""
    if not isinstance(value, list):
        return f"value is {value!r}. It must be a list; write it in brackets."
    for place, item in enumerate(value):
        if item in value[:place]:
            return f"{item} stands twice in the list. Each must stand once; remove one."
    return None


def check_tiers(value: Any) -> str | None:
    """Some of the tiers that an event can have."""
    tiers = [int(tier) for tier in EVENTS.by_name["tier"].values]
    if not isinstance(value, list) or not value or not all(type(tier) is int and tier in tiers for tier in value):
        return f"value is {value!r}. It must be a list with one or more of {', '.join(map(str, tiers))}."
    return check_list(value)


def check_star(value: Any) -> str | None:
    """One of the five stars."""
    if value not in STARS:
        return f"no star is called {value!r}. The stars are {', '.join(STARS)}; write one of them."
    return None


def check_stars(value: Any) -> str | None:
    """A list of stars, which may be empty."""
    problem = check_list(value)
    return problem or next((wrong for star in value if (wrong := check_star(star))), None)


def check_sources(value: Any) -> str | None:
    """A list with the ids of one or more sources."""
    problem = check_list(value)
    if problem is not None:
        return problem
    if not value:
        return "the list is empty. A star needs one source or more; write the name of its file in config/platforms."
    for source in value:
        if not isinstance(source, str) or WORD_PATTERN.fullmatch(source) is None:
            return f"{source!r} is not the id of a source. Write the name of its file in config/platforms."
    return None


def check_star_count(value: Any) -> str | None:
    """A number of stars that a community can have, from 1."""
    most = max(int(stars) for stars in ANNUAL_TITLES.by_name["stars"].values)
    if check_positive(value) is not None or value > most:
        return f"value is {value!r}. It must be a number of stars, 1 to {most}; correct it."
    return None


def check_table(value: Any) -> str | None:
    """A mapping that isn't empty."""
    if not isinstance(value, dict) or not value:
        return f"value is {value!r}. It must be a mapping of names to values; write it so."
    return None


def check_day_of_year(value: Any) -> str | None:
    """A month and a day, quoted, such as `"04-01"`; 29 February has no place in every year."""
    try:
        day = date.fromisoformat(f"{LEAP_YEAR}-{value}")
    except ValueError:
        day = None
    if not isinstance(value, str) or day is None or (day.month, day.day) == (2, 29):
        return f'value is {value!r}. It must be a day of every year as quoted month and day, such as "04-01".'
    return None


def check_day_of_month(value: Any) -> str | None:
    """A day that every month has."""
    if check_positive(value) is not None or value > SHORTEST_MONTH_DAYS:
        return f"value is {value!r}. It must be a day that every month has, 1 to {SHORTEST_MONTH_DAYS}."
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
    problem = check_names(("floor", "ceiling"), check_positive)(value)
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


def check_rate_weights(value: Any) -> str | None:
    """The weights of the three rates, which total 100 (policy §2)."""
    problem = check_names(("responded", "solved", "satisfied"), check_whole)(value)
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
        "weight": check_whole,
        "minimum": check_positive,
        "window_months": check_positive,
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
    """Years with their days off and make-up days, each in its year and none in both; there may be no year at all."""
    if not isinstance(value, dict):
        return f"value is {value!r}. It must be a mapping of years; write {{}} if there are none."
    return next((problem for year, days in value.items() if (problem := _check_year(year, days))), None)


def _check_year(year: str, days: Any) -> str | None:
    if re.fullmatch(r"\d{4}", year) is None:
        return f"{year} is not a year. Write four digits."
    if not isinstance(days, dict) or set(days) != {"holidays", "workdays"}:
        return f"{year} must hold exactly the lists holidays and workdays; write both, [] for an empty one."
    for name, listed in days.items():
        if not isinstance(listed, list):
            return f"{year}.{name} is {listed!r}. It must be a list of days such as [{year}-01-01]."
        for day in listed:
            if not isinstance(day, date) or str(day.year) != year:
                return f"{year}.{name} holds {day}. Each must be a day of {year}, written as YYYY-MM-DD."
    for day in days["workdays"]:
        if day in days["holidays"]:
            return f"{year}: {day} is both a holiday and a workday. Remove one of them."
        if day.weekday() < SATURDAY:
            return f"{year}.workdays holds {day}, from Monday to Friday. A make-up day is at a weekend; correct it."
    return None
