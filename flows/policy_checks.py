"""What the policy's values must be together: all known, none missing, in force without a gap, and of one mind.

Each check raises `ConfigurationError` with the file, the key, the day and the line at fault.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from flows.errors import ConfigurationError
from flows.exact import parse_exact
from flows.policy_files import Leaf, Place
from flows.policy_tables import FULL_WEIGHT
from flows.policy_terms import INDICATOR_CATEGORIES, LADDERS, OPTIONAL, TERMS, UNITS
from flows.schema import STARS

INDICATOR_PREFIX = "five_star.indicators."
CATEGORY_STARS = "five_star.category_stars"


def check_terms(name: str, leaves: Mapping[str, Leaf]) -> None:
    """Every leaf of the file `name` is known and holds what its term says; no term is without a leaf."""
    terms = TERMS[name]
    for leaf in leaves.values():
        _check_leaf(leaf, name)
    for pattern in terms:
        if not any(_matches(pattern, path.partition(".")[2]) for path in leaves):
            raise ConfigurationError(
                f"{name}.yaml, {pattern}: missing. The rules need this value; add it with its tag and reference."
            )


def _check_leaf(leaf: Leaf, name: str) -> None:
    terms, place = TERMS[name], _place(leaf)
    pattern = next((pattern for pattern in terms if _matches(pattern, place.key)), None)
    if pattern is None:
        place.refuse(
            f"no such policy value. Known here are {_list_neighbours(place.key, terms)}; correct or remove it."
        )
    term, own_name = terms[pattern], place.key.rpartition(".")[2]
    if term.names and own_name not in term.names:
        place.refuse(f"no rule counts {own_name}. Known here are {', '.join(term.names)}; correct or remove it.")
    if leaf.unit != term.unit:
        place.refuse(f"unit is {leaf.unit!r}. It must be {term.unit}; correct it.")
    if leaf.optional != (leaf.path in OPTIONAL):
        place.refuse(
            f"optional is {str(leaf.optional).lower()}. Only {', '.join(OPTIONAL)} may be unset; correct it."
        )
    check = term.check or UNITS[term.unit]
    for entry in leaf.entries:
        problem = check(entry.value) if entry.value is not None else None
        if problem is not None:
            _place(leaf, entry.start_on).refuse(problem)


def check_days(leaves: Mapping[str, Leaf]) -> None:
    """Every value holds from the policy's first day on, without a gap, until it is ended for good.

    An indicator may start later or be ended for a time, for the others of its star then make up the weight. An
    optional value may be unset, which it says with null.
    """
    first_on = find_first_day(leaves)
    for leaf in leaves.values():
        if leaf.path.startswith(INDICATOR_PREFIX):
            continue
        start_on = leaf.entries[0].start_on
        if start_on > first_on:
            _place(leaf, start_on).refuse(
                f"the first entry starts later than the policy, {first_on}. Every day of the policy needs the value; "
                f"let it start on {first_on}."
            )
        for entry, later in pairwise(leaf.entries):
            if not leaf.is_set(entry) and later.value is not None:
                _place(leaf, entry.start_on).refuse(
                    f"value is null, yet another starts on {later.start_on}. The rules need this value on every day; "
                    "write the one that holds in between, or remove this entry."
                )
        if not any(leaf.is_set(entry) for entry in leaf.entries):
            _place(leaf, start_on).refuse(
                f"value is null, and no other follows. Only {', '.join(OPTIONAL)} may be unset; write the value."
            )


def find_first_day(leaves: Mapping[str, Leaf]) -> date:
    """The earliest day from which any value holds: the policy's first."""
    return min(leaf.entries[0].start_on for leaf in leaves.values())


def find_end(leaves: Mapping[str, Leaf]) -> date | None:
    """The first day on which a value that must always hold no longer does; nothing if none was ended."""
    ends = [
        leaf.entries[-1].start_on
        for leaf in leaves.values()
        if not leaf.is_set(leaf.entries[-1]) and not leaf.path.startswith(INDICATOR_PREFIX)
    ]
    return min(ends, default=None)


def check_weights(leaves: Mapping[str, Leaf]) -> None:
    """On every day that an indicator changes, the weights of each star total 100 (policy §2)."""
    indicators = [leaf for leaf in leaves.values() if leaf.path.startswith(INDICATOR_PREFIX)]
    ended_on = find_end(leaves)
    days = {find_first_day(leaves), *(entry.start_on for leaf in indicators for entry in leaf.entries)}
    for on in sorted(days):
        if ended_on is not None and on >= ended_on:
            continue  # no month is judged by it any more
        weights: dict[str, dict[str, int]] = {star: {} for star in STARS}
        for leaf in indicators:
            entry = leaf.find_entry(on)
            if entry is not None and entry.value is not None and entry.value["weight"]:
                weights[entry.value["star"]][leaf.path.removeprefix(INDICATOR_PREFIX)] = entry.value["weight"]
        for star, by_name in weights.items():
            if not by_name:
                raise ConfigurationError(
                    f"five_star.yaml, stars.{star}, {on}: no indicator has a weight. A star's weights must total "
                    f"{FULL_WEIGHT}. Let an indicator of it hold on that day."
                )
            if sum(by_name.values()) != FULL_WEIGHT:
                parts = ", ".join(f"{name} ({weight})" for name, weight in by_name.items())
                raise ConfigurationError(
                    f"five_star.yaml, stars.{star}, {on}: weights total {sum(by_name.values())}. "
                    f"They must total {FULL_WEIGHT}. Change one of {parts}."
                )


def check_ladders(leaves: Mapping[str, Leaf]) -> None:
    """On every day that one of them changes, values that belong together don't fall."""
    for paths, rule in LADDERS.items():
        for lower, upper in pairwise(leaves[path] for path in paths):
            for leaf in (lower, upper):
                for entry in leaf.entries:
                    low, high = (_find_value(rung, entry.start_on) for rung in (lower, upper))
                    if low is not None and high is not None and parse_exact(low) > parse_exact(high):
                        names = [rung.path.partition(".")[2] for rung in (lower, upper)]
                        _place(leaf, entry.start_on).refuse(
                            f"{names[0]} is {low}, above {names[1]}, {high}. {rule}; change one of them."
                        )


def check_category_stars(leaves: Mapping[str, Leaf]) -> None:
    """On every day that one of them changes, a category belongs to the star of each indicator that counts it.

    Otherwise a false closure would be deducted from another star than the one that it raised (policy §3.1).
    """
    stars = leaves[CATEGORY_STARS]
    for name, category in INDICATOR_CATEGORIES.items():
        indicator = leaves.get(f"{INDICATOR_PREFIX}{name}")
        if indicator is None:
            continue
        for leaf in (indicator, stars):
            for entry in leaf.entries:
                counted, owner = (_find_value(each, entry.start_on) for each in (indicator, stars))
                if counted is not None and owner is not None and counted["star"] != owner[category]:
                    _place(leaf, entry.start_on).refuse(
                        f"{category} belongs to {owner[category]}, but {name}, which counts it, to "
                        f"{counted['star']}. A false closure is deducted from the star that it raised; "
                        "give both the same star."
                    )


def _find_value(leaf: Leaf, on: date) -> Any:
    entry = leaf.find_entry(on)
    return entry.value if entry is not None else None


def _place(leaf: Leaf, start_on: date | None = None) -> Place:
    """Where the leaf stands, or its entry that starts on that day."""
    name, _, key = leaf.path.partition(".")
    line = next((entry.line for entry in leaf.entries if entry.start_on == start_on), leaf.line)
    return Place(f"{name}.yaml", key, line, start_on)


def _list_neighbours(key: str, terms: Iterable[str]) -> str:
    """The known names beside `key`: those under the same first part, or all first parts."""
    first = key.partition(".")[0]
    beside = [pattern for pattern in terms if pattern.partition(".")[0] == first]
    return ", ".join(beside or dict.fromkeys(pattern.partition(".")[0] for pattern in terms))


def _matches(pattern: str, key: str) -> bool:
    parts, names = pattern.split("."), key.split(".")
    return len(parts) == len(names) and all(part in ("*", name) for part, name in zip(parts, names, strict=True))
