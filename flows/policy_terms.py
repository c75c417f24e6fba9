"""Policy vocabulary: which values each file must hold, in which unit, and what such a value looks like.

To add a policy value, add its path here and its leaf to the file of that name in `config/policy/`. A path part `*`
stands for any name; at least one must be there. A check returns what is wrong with a value in a sentence or two.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flows.exact import parse_exact
from flows.schema import CATEGORIES, CERTIFICATES, DEGREES, EVENTS, OUTCOMES, POSTS, SANCTIONS

FULL_WEIGHT = 100
SHORTEST_MONTH_DAYS = 28
LEAP_YEAR = 2000
DECIMAL_PATTERN = re.compile(r"-?\d+(\.\d+)?")

Check = Callable[[Any], str | None]


def check_whole(value: Any) -> str | None:
    """A whole number that isn't negative."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return f"value is {value!r}. It must be a whole number, 0 or more."
    return None


def check_positive(value: Any) -> str | None:
    """A whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        return f"value is {value!r}. It must be a whole number, 1 or more."
    return None


def check_decimal(value: Any) -> str | None:
    """A whole number, or exact decimals as quoted text, not negative."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    written = isinstance(value, str) and DECIMAL_PATTERN.fullmatch(value) is not None
    if not (whole or written) or parse_exact(value) < 0:
        return f'value is {value!r}. It must be 0 or more: a whole number, or quoted decimals such as "0.05".'
    return None


def check_truth(value: Any) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else f"value is {value!r}. It must be true or false."


def check_text(value: Any) -> str | None:
    """Text that isn't empty."""
    return (
        None if isinstance(value, str) and value.strip() else f"value is {value!r}. It must be text that isn't empty."
    )


def check_list(value: Any) -> str | None:
    """A list."""
    return None if isinstance(value, list) else f"value is {value!r}. It must be a list."


def check_tiers(value: Any) -> str | None:
    """Some of the tiers that an event can have."""
    tiers = [int(tier) for tier in EVENTS.by_name["tier"].values]
    if isinstance(value, list) and value and all(tier in tiers and not isinstance(tier, bool) for tier in value):
        return None
    return f"value is {value!r}. It must be a list with one or more of {', '.join(map(str, tiers))}."


def check_table(value: Any) -> str | None:
    """A mapping that isn't empty."""
    return (
        None if isinstance(value, dict) and value else f"value is {value!r}. It must be a mapping of names to values."
    )


def check_day_of_year(value: Any) -> str | None:
    """A month and a day, quoted, such as `"04-01"`; 29 February has no place in every year."""
    try:
        day = date.fromisoformat(f"{LEAP_YEAR}-{value}")
    except ValueError:
        day = None
    if not isinstance(value, str) or day is None or (day.month, day.day) == (2, 29):
        return f'value is {value!r}. It must be a day of every year as quoted month and day, such as "04-01".'
    return None


UNITS: Mapping[str, Check] = {
    "points": check_decimal,
    "percent": check_decimal,
    "ratio": check_decimal,
    "months": check_whole,
    "days": check_whole,
    "hours": check_whole,
    "fen": check_whole,
    "count": check_whole,
    "grades": check_whole,
    "day_of_year": check_day_of_year,
    "truth": check_truth,
    "text": check_text,
    "list": check_list,
    "table": check_table,
}
"""Units of policy values, each with the check that every value of the unit must pass."""


@dataclass(frozen=True)
class Term:
    """What a policy value must be: its unit, and a further check if the unit's isn't enough."""

    unit: str
    check: Check | None = None


def check_names(names: tuple[str, ...], each: Check) -> Check:
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


def check_share(value: Any) -> str | None:
    """Exact decimals from 0 to 1."""
    if check_decimal(value) is not None or parse_exact(value) > 1:
        return f'value is {value!r}. It must lie from 0 to 1, written as quoted decimals such as "0.70".'
    return None


def check_band(value: Any) -> str | None:
    """A post's band of grades, its floor not above its ceiling."""
    problem = check_names(("floor", "ceiling"), check_positive)(value)
    if problem is None and value["floor"] > value["ceiling"]:
        problem = (
            f"floor {value['floor']} is above ceiling {value['ceiling']}. A band runs upward; change one of them."
        )
    return problem


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
        "star": check_text,
        "weight": check_whole,
        "minimum": check_positive,
        "window_months": check_positive,
        "full": check_share,
        "zero": check_share,
        "gate": check_share,
    }
    for key, check in checks.items():
        problem = check(value[key]) if key in value else None
        if problem is not None:
            return f"{key}: {problem}"
    if value["no_data"] not in NO_DATA_RULES:
        return f"no_data is {value['no_data']!r}. It must be one of {', '.join(NO_DATA_RULES)}."
    if not isinstance(value.get("lower_is_better", False), bool):
        return f"lower_is_better is {value['lower_is_better']!r}. It must be true or false."
    return _check_line(value)


def _check_line(value: Mapping[str, Any]) -> str | None:
    """Full and zero stand together, on the sides that `lower_is_better` says; a weight needs them."""
    if ("full" in value) != ("zero" in value) or (value["weight"] and "full" not in value):
        return (
            f"full and zero do not both stand beside weight {value['weight']}. A weight above 0 needs both; add them."
        )
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


STAR_CATEGORIES = tuple(category for category in CATEGORIES if category != "other")
"""Every category that belongs to a star; `other` belongs to none (policy §3.2)."""


def check_day_of_month(value: Any) -> str | None:
    """A day that every month has."""
    if check_positive(value) is not None or value > SHORTEST_MONTH_DAYS:
        return f"value is {value!r}. It must be a day that every month has, 1 to {SHORTEST_MONTH_DAYS}."
    return None


def check_calendar_years(value: Any) -> str | None:
    """Years with their days off and make-up days, each in its year and none in both; there may be no year at all."""
    if not isinstance(value, dict):
        return f"value is {value!r}. It must be a mapping of years, {{}} if there are none."
    for year, days in value.items():
        if re.fullmatch(r"\d{4}", str(year)) is None:
            return f"{year} is not a year. Write four digits."
        if not isinstance(days, dict) or set(days) != {"holidays", "workdays"}:
            return f"{year} must hold exactly the lists holidays and workdays; write both, [] for an empty one."
        for name in ("holidays", "workdays"):
            if not isinstance(days[name], list):
                return f"{year}.{name} is {days[name]!r}. It must be a list of days such as [{year}-01-01]."
            for day in days[name]:
                if not isinstance(day, date) or str(day.year) != str(year):
                    return f"{year}.{name} holds {day}. Each must be a day of {year}, written as YYYY-MM-DD."
        both = set(days["holidays"]) & set(days["workdays"])
        if both:
            return f"{year}: {min(both)} is both a holiday and a workday. Remove one of them."
    return None


TERMS: Mapping[str, Mapping[str, Term]] = {
    "five_star": {
        "cutoff_day": Term("days", check_day_of_month),
        "deadlines.urgent_hours": Term("hours"),
        "deadlines.tier_1_hours": Term("hours"),
        "deadlines.tier_2_working_days": Term("days", check_positive),
        "deadlines.tier_3_working_days": Term("days", check_positive),
        "deadlines.tier_4_working_days": Term("days", check_positive),
        "response.urgent_hours": Term("hours"),
        "response.other_hours": Term("hours"),
        "counted_tiers": Term("list", check_tiers),
        "indicators.*": Term("table", check_indicator),
        "three_rates_weights": Term("table", check_names(("responded", "solved", "satisfied"), check_whole)),
        "category_stars": Term("table", check_names(STAR_CATEGORIES, check_text)),
        "sources.*": Term("list"),
        "vetoes.weak_branch": Term("list"),
        "vetoes.secretary_under_investigation": Term("list"),
        "vetoes.incident": Term("list"),
        "lit_score": Term("points"),
        "weight_share_minimum": Term("ratio", check_share),
        "false_closure_deduction": Term("points"),
        "withheld_false_closures": Term("count", check_positive),
        "alerts.community_overdue_hours": Term("hours"),
        "alerts.street_overdue_hours": Term("hours"),
        "alerts.district_overdue_hours": Term("hours"),
        "alerts.due_soon_hours": Term("hours"),
        "alerts.digest_rows": Term("count", check_positive),
        "alarms.many_stars": Term("count", check_positive),
        "alarms.many_stars_share_minimum": Term("ratio", check_share),
        "alarms.many_stars_share_maximum": Term("ratio", check_share),
        "alarms.incident_free_share_minimum": Term("ratio", check_share),
    },
    "grades": {
        "bands": Term("table", check_names(POSTS, check_band)),
        "step_months": Term("months", check_positive),
        "education_months": Term("table", check_names(DEGREES, check_whole)),
        "certificate_steps": Term("table", check_names(CERTIFICATES, check_whole)),
        "incompetent_year_months": Term("months"),
        "appraisal_cut_day": Term("day_of_year"),
        "appraisal_joining_limit": Term("day_of_year"),
        "sanction_period_months": Term("table", check_names(SANCTIONS, check_whole)),
        "sanction_holds_raise": Term("truth"),
        "most_steps_at_once": Term("grades", check_positive),
        "objection_answer_working_days": Term("days", check_positive),
    },
    "pay": {
        "base_fen": Term("fen", check_positive),
        "grade_increment": Term("ratio"),
        "basic_share": Term("ratio", check_share),
        "performance_factors": Term("table", check_names((*OUTCOMES, "absent"), check_decimal)),
        "uplift_share": Term("ratio"),
        "title_stars_minimum": Term("count"),
        "work_funds_minimum_fen": Term("fen"),
        "work_funds_maximum_fen": Term("fen"),
    },
    "calendar": {
        "extra_years": Term("table", check_calendar_years),
    },
}
"""What each policy file must hold, by file and path."""

OPTIONAL = ("pay.base_fen",)
"""The only values that may be left unset with null."""
