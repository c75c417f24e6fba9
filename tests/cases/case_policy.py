"""The policy that a case is judged by: the shipped one, with the values that the case sets."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from case_words import NOTHING, Place, check_keys, day, read_value

from flows.policy import Policy, load_policy
from flows.policy_terms import OPTIONAL, TERMS, UNITS

FOLDER = Path(__file__).parents[2] / "config" / "policy"


@cache
def shipped_policy() -> Policy:
    return load_policy(FOLDER)


def make_policy(facts: Mapping[str, Any], place: Place) -> Policy:
    """The shipped policy with `policy` (since ever) and `policy_from` (from a day on) of a case's facts.

    A path may lead into a table: `five_star.indicators.wish_closed.minimum`.
    """
    changes: list[tuple[date | None, str, Any, Place]] = []
    here = place.inside("policy")
    for path, value in _read_table(facts.get("policy", {}), here).items():
        changes.append((None, path, value, here.inside(path)))
    here = place.inside("policy_from")
    for start, values in _read_table(facts.get("policy_from", {}), here).items():
        start_on = read_value(start, day, here)
        within = here.inside(start)
        changes += [
            (start_on, path, value, within.inside(path)) for path, value in _read_table(values, within).items()
        ]
    policy = shipped_policy()
    for start_on, path, value, at in changes:
        policy = _change(policy, start_on, path, value, at)
    return policy


def _read_table(value: Any, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        place.refuse(f"{value!r} stands here. It must be a mapping of policy paths such as five_star.lit_score.")
    return value


def _change(policy: Policy, start_on: date | None, path: str, text: Any, place: Place) -> Policy:
    name = next((each for each in policy.leaves if f"{path}.".startswith(f"{each}.")), None)
    if name is None:
        first = path.rpartition(".")[0]
        beside = [each for each in policy.leaves if each.startswith(first)] or [f"{each}.…" for each in TERMS]
        place.refuse(f"no such policy value. Known are {', '.join(beside)}; correct the path.")
    leaf = policy.leaves[name]
    newest = leaf.entries[-1]
    value = _guess(text)
    inner = path.removeprefix(name).lstrip(".")
    if inner:
        table = check_keys({inner: value}, tuple(newest.value) if isinstance(newest.value, dict) else (), place)
        value = {**newest.value, **table}
    problem = None if value is None and name in OPTIONAL else _check(name, leaf.unit, value)
    if problem is not None:
        place.refuse(problem)
    if start_on is None:
        entries = (replace(newest, value=value),)
    else:
        entries = (*leaf.entries, replace(newest, start_on=start_on, value=value))
    return Policy({**policy.leaves, name: replace(leaf, entries=entries)})


def _check(name: str, unit: str, value: Any) -> str | None:
    file, _, key = name.partition(".")
    terms = TERMS[file]
    term = terms.get(key) or terms[f"{key.rpartition('.')[0]}.*"]
    return (term.check or UNITS[unit])(value)


def _guess(value: Any) -> Any:
    """The value as a policy file would hold it; decimals stay text, which keeps them exact."""
    if isinstance(value, dict):
        return {key: _guess(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_guess(item) for item in value]
    if value in NOTHING:
        return None
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"\d+", value):
        return int(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return date.fromisoformat(value)
    return value
