"""Dated policy: strict loading, the values of a day, where each stands, and one fingerprint for all of it.

`config/policy/` holds four files of dated values (policy.md, preamble). What a file may hold stands in
`flows.policy_terms`; how it is written, in `flows.policy_files`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from flows.errors import ConfigurationError
from flows.exact import parse_exact
from flows.policy_files import Dated, Leaf, Place, read_policy_file
from flows.policy_terms import FULL_WEIGHT, OPTIONAL, TERMS, UNITS, check_decimal
from flows.policy_words import describe_value

FILES = tuple(TERMS)


@dataclass(frozen=True)
class PolicyValue:
    """One policy value in force: where it stands, what it is, and how far it can be trusted."""

    path: str
    title: str
    value: str
    unit: str
    tag: str
    reference: str
    start_on: date


@dataclass(frozen=True)
class Policy:
    """All policy values with their history, by path, in file order; `files` is what was read, by file name."""

    leaves: Mapping[str, Leaf]
    files: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything the files say; comments and layout don't count, the order of values does."""
        content = [
            [leaf.path, leaf.title, leaf.unit, leaf.optional, [_list_content(entry) for entry in leaf.entries]]
            for leaf in self.leaves.values()
        ]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=date.isoformat)
        return hashlib.sha256(text.encode()).hexdigest()

    def at(self, on: date) -> "PolicyAt":
        """The policy of one day."""
        return PolicyAt(self.leaves, on)


@dataclass(frozen=True)
class PolicyAt:
    """The policy values in force on one day. Asking for one that isn't raises `ConfigurationError`."""

    leaves: Mapping[str, Leaf]
    on: date

    def get(self, path: str) -> Any:
        """The value at `path` (`<file>.<key>.<key>`) as the file writes it; `None` only where it may be unset."""
        leaf = self._find_leaf(path)
        return self._find_entry(leaf).value

    def exact(self, path: str) -> Fraction:
        """The value at `path` as an exact number."""
        value = self.get(path)
        if check_decimal(value) is not None:
            self._refuse_kind(path, value, "a number")
        return parse_exact(value)

    def integer(self, path: str) -> int:
        """The value at `path` as a whole number."""
        value = self.get(path)
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse_kind(path, value, "a whole number")
        return int(value)

    def text(self, path: str) -> str:
        """The value at `path` as text."""
        value = self.get(path)
        if not isinstance(value, str):
            self._refuse_kind(path, value, "text")
        return str(value)

    def mapping(self, path: str) -> Mapping[str, Any]:
        """The value at `path` as a mapping, in file order."""
        value = self.get(path)
        if not isinstance(value, dict):
            self._refuse_kind(path, value, "a mapping")
        return dict(value)

    def children(self, path: str) -> list[str]:
        """The names right under `path` with any value in force, in file order."""
        prefix = f"{path}."
        names = (
            leaf.path.removeprefix(prefix).partition(".")[0]
            for leaf in self.leaves.values()
            if leaf.path.startswith(prefix) and self._is_in_force(leaf)
        )
        return list(dict.fromkeys(names))

    def describe(self, path: str) -> PolicyValue:
        """The value at `path` with its title, tag and reference, for people."""
        leaf = self._find_leaf(path)
        entry = self._find_entry(leaf)
        return PolicyValue(
            leaf.path, leaf.title, describe_value(entry.value), leaf.unit, entry.tag, entry.reference, entry.start_on
        )

    def values(self) -> list[PolicyValue]:
        """Every value in force, in file order, for people."""
        return [self.describe(leaf.path) for leaf in self.leaves.values() if self._is_in_force(leaf)]

    def _find_leaf(self, path: str) -> Leaf:
        leaf = self.leaves.get(path)
        if leaf is None:
            raise ConfigurationError(
                f"policy value {path} was asked for on {self.on}, but no file holds it. "
                f"Add it to {path.partition('.')[0]}.yaml."
            )
        return leaf

    def _find_entry(self, leaf: Leaf) -> Dated:
        entry = leaf.find_entry(self.on)
        if entry is None or (entry.value is None and not leaf.optional):
            raise ConfigurationError(
                f"{leaf.path} is not in force on {self.on}. It holds {_list_periods(leaf)}. "
                "Ask for a day in force, or add a value that starts by that day."
            )
        return entry

    def _is_in_force(self, leaf: Leaf) -> bool:
        entry = leaf.find_entry(self.on)
        return entry is not None and (entry.value is not None or leaf.optional)

    def _refuse_kind(self, path: str, value: Any, kind: str) -> None:
        raise ConfigurationError(f"{path}, {self.on}: value is {value!r}. It must be {kind}; correct the file.")


def load_policy(folder: Path) -> Policy:
    """The policy of `folder`, every value checked.

    Raises `ConfigurationError` for a missing or unknown file, an unknown, duplicate or missing key, an impossible
    date, a value of the wrong kind and weights that don't total 100, saying file, key, date and line.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"policy folder {folder} is not there. It must hold {_name_files()}; check --config, or --policy."
        )
    for found in sorted(folder.iterdir()):
        if found.name not in {f"{name}.yaml" for name in FILES} and not found.name.startswith("."):
            raise ConfigurationError(
                f"{found.name}: not a policy file. The folder holds {_name_files()} only; move it away."
            )
    leaves: dict[str, Leaf] = {}
    for name in FILES:
        file = folder / f"{name}.yaml"
        if not file.is_file():
            raise ConfigurationError(
                f"{file.name}: missing from {folder}. All of {_name_files()} are needed; restore it."
            )
        found_leaves = read_policy_file(file)
        _check_terms(name, found_leaves)
        leaves.update(found_leaves)
    _check_weights(leaves)
    _check_work_funds(leaves)
    files = {f"{name}.yaml": (folder / f"{name}.yaml").read_text(encoding="utf-8") for name in FILES}
    return Policy(leaves, files)


def _check_terms(name: str, leaves: Mapping[str, Leaf]) -> None:
    """Every leaf is known and holds what its term says; no term is without a leaf."""
    terms = TERMS[name]
    for leaf in leaves.values():
        key = leaf.path.partition(".")[2]
        place = Place(f"{name}.yaml", key, leaf.line)
        pattern = next((pattern for pattern in terms if _matches(pattern, key)), None)
        if pattern is None:
            place.refuse(
                f"no such policy value. Known here are {_list_neighbours(key, terms)}; correct or remove it."
            )
        term = terms[pattern]
        if leaf.unit not in UNITS or (term.unit and leaf.unit != term.unit):
            place.refuse(
                f"unit is {leaf.unit!r}. It must be {term.unit or 'one of ' + ', '.join(UNITS)}; correct it."
            )
        if leaf.optional != (leaf.path in OPTIONAL):
            place.refuse(
                f"optional is {str(leaf.optional).lower()}. Only {', '.join(OPTIONAL)} may be unset; correct it."
            )
        for entry in leaf.entries:
            if entry.value is not None:
                check = term.check or UNITS[leaf.unit]
                problem = check(entry.value)
                if problem is not None:
                    Place(place.file, key, entry.line, entry.start_on).refuse(problem)
    for pattern in terms:
        if not any(_matches(pattern, path.partition(".")[2]) for path in leaves):
            raise ConfigurationError(
                f"{name}.yaml, {pattern}: missing. The rules need this value; add it with its tag and reference."
            )


def _list_neighbours(key: str, terms: Iterable[str]) -> str:
    """The known names beside `key`: those under the same first part, or all first parts."""
    first = key.partition(".")[0]
    beside = [pattern for pattern in terms if pattern.partition(".")[0] == first]
    return ", ".join(beside or dict.fromkeys(pattern.partition(".")[0] for pattern in terms))


def _matches(pattern: str, key: str) -> bool:
    parts, names = pattern.split("."), key.split(".")
    return len(parts) == len(names) and all(part in ("*", name) for part, name in zip(parts, names, strict=True))


def _check_weights(leaves: Mapping[str, Leaf]) -> None:
    """On every day that an indicator changes, the weights of each star total 100 (policy §2)."""
    prefix = "five_star.indicators."
    indicators = [leaf for leaf in leaves.values() if leaf.path.startswith(prefix)]
    for on in sorted({entry.start_on for leaf in indicators for entry in leaf.entries}):
        weights: dict[str, dict[str, int]] = {}
        for leaf in indicators:
            for entry in leaf.entries:
                if entry.start_on <= on and entry.value is not None:
                    by_name = weights.setdefault(entry.value["star"], {})
                    if entry is leaf.find_entry(on):
                        by_name[leaf.path.removeprefix(prefix)] = entry.value["weight"]
        for star, by_name in weights.items():
            if sum(by_name.values()) != FULL_WEIGHT:
                parts = (
                    ", ".join(f"{name} ({weight})" for name, weight in by_name.items() if weight) or "no indicator"
                )
                raise ConfigurationError(
                    f"five_star.yaml, stars.{star}, {on}: weights total {sum(by_name.values())}. "
                    f"They must total {FULL_WEIGHT}. Change one of {parts}."
                )


def _check_work_funds(leaves: Mapping[str, Leaf]) -> None:
    """On every day that either bound changes, the least work funds are not above the most (policy §5)."""
    least, most = leaves["pay.work_funds_minimum_fen"], leaves["pay.work_funds_maximum_fen"]
    for entry in chain(least.entries, most.entries):
        lower, upper = least.find_entry(entry.start_on), most.find_entry(entry.start_on)
        if lower and upper and lower.value is not None and upper.value is not None and lower.value > upper.value:
            Place("pay.yaml", "work_funds_minimum_fen", entry.line, entry.start_on).refuse(
                f"the minimum, {lower.value} fen, is above work_funds_maximum_fen, {upper.value}. Change one of them."
            )


def _list_content(entry: Dated) -> list[Any]:
    return [entry.start_on, entry.value, entry.tag, entry.reference, entry.confirmed_on]


def _list_periods(leaf: Leaf) -> str:
    """The dates in force, such as "from 2020-01-01 until 2024-06-30"."""
    periods: list[str] = []
    for entry, later in zip(leaf.entries, [*leaf.entries[1:], None], strict=True):
        if entry.value is not None:
            until = f" until before {later.start_on}" if later is not None else ""
            periods.append(f"from {entry.start_on}{until}")
    return ", ".join(periods) or "on no day"


def _name_files() -> str:
    return ", ".join(f"{name}.yaml" for name in FILES)
