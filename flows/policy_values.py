"""What a single policy value looks like: a check for each kind of figure, word and list.

A check returns what is wrong with a value, by which rule, and what to do, in a sentence or two; nothing if the value
is right. Tables of values stand in `flows.policy_tables`; what concerns several values together, in
`flows.policy_checks`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flows.exact import parse_exact
from flows.schema import ANNUAL_TITLES, EVENTS, STARS

FULL_SCORE = 100
"""The highest score of an indicator and of a star (policy §2)."""
MOST: Mapping[str, int] = {
    "months": 1200,  # a century
    "days": 366,  # a leap year
    "hours": 8784,  # a leap year
    "fen": 1_000_000_000_000,  # ten thousand million yuan, more than a city pays for this
    "count": 9999,
    "grades": 99,
}
"""The most that a whole number of each unit can mean: beyond it a key was held down, and no day can be reckoned."""
SHORTEST_MONTH_DAYS = 28
LEAP_YEAR = 2000
DECIMAL_PATTERN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
WORD_PATTERN = re.compile(r"[a-z0-9][a-z0-9_]*")
DAY_OF_YEAR_PATTERN = re.compile(r"[0-9]{2}-[0-9]{2}")

Check = Callable[[Any], str | None]


def check_between(least: int, most: int) -> Check:
    """A check for a whole number from `least` to `most`."""

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            return f"value is {value!r}. It must be a whole number, {least} to {most}; correct it."
        return None

    return check


def check_whole(unit: str, least: int = 0) -> Check:
    """A check for a whole number from `least` to the most that one of `unit` can mean."""
    return check_between(least, MOST[unit])


def is_decimal(value: Any) -> bool:
    """Whether it is a whole number, or exact decimals as quoted text, twelve digits on either side; not negative."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    return (isinstance(value, int) or DECIMAL_PATTERN.fullmatch(value) is not None) and parse_exact(value) >= 0


def check_share(value: Any) -> str | None:
    """Exact decimals from 0 to 1."""
    if not is_decimal(value) or parse_exact(value) > 1:
        return f'value is {value!r}. It must lie from 0 to 1, written as quoted decimals such as "0.70".'
    return None


def check_score(value: Any) -> str | None:
    """Exact decimals from 0 to the highest score."""
    if not is_decimal(value) or parse_exact(value) > FULL_SCORE:
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
    if check_between(1, most)(value) is not None:
        return f"value is {value!r}. It must be a number of stars, 1 to {most}; correct it."
    return None


def check_day_of_year(value: Any) -> str | None:
    """A month and a day, quoted, such as `"04-01"`; 29 February has no place in every year."""
    try:
        # The pattern too, for ISO's weeks, such as "W14-1", are also dates.
        written = isinstance(value, str) and DAY_OF_YEAR_PATTERN.fullmatch(value) is not None
        day = date.fromisoformat(f"{LEAP_YEAR}-{value}") if written else None
    except ValueError:
        day = None
    if day is None or (day.month, day.day) == (2, 29):
        return f'value is {value!r}. It must be a day of every year as quoted month and day, such as "04-01".'
    return None


def check_day_of_month(value: Any) -> str | None:
    """A day that every month has."""
    if check_between(1, SHORTEST_MONTH_DAYS)(value) is not None:
        return f"value is {value!r}. It must be a day that every month has, 1 to {SHORTEST_MONTH_DAYS}."
    return None
