"""Dated policy: strict loading, the values of a day, where each stands, and one fingerprint for all of it.

`config/policy/` holds four files of dated values (policy.md, preamble). How a file is written stands in
`flows.policy_files`; what it may hold, in `flows.policy_terms`; what its values must be together, in
`flows.policy_checks`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from flows.errors import ConfigurationError
from flows.exact import parse_exact
from flows.month import Month
from flows.policy_checks import (
    check_category_stars,
    check_days,
    check_ladders,
    check_terms,
    check_weights,
    find_end,
    find_first_day,
)
from flows.policy_files import Dated, Leaf, parse_policy_file, read_policy_text
from flows.policy_terms import TERMS
from flows.policy_values import is_decimal
from flows.policy_words import ENDED, describe_value

FINGERPRINT_DIGITS = 12
"""Of 64: enough to tell policies apart by eye."""

WORKER_FILES = ("grades.", "pay.")
"""Where the paths begin of the values that are asked for at the effective date (policy, preamble)."""

FILES = tuple(TERMS)
SOURCES_PREFIX = "five_star.sources."


@dataclass(frozen=True)
class PolicyValue:
    """One policy value in force: where it stands, what it is, and how far it can be trusted.

    `confirmed_on` is the day on which somebody last compared it with its reference.
    """

    path: str
    title: str
    value: str
    unit: str
    tag: str
    reference: str
    start_on: date
    confirmed_on: date


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

    @cached_property
    def first_on(self) -> date:
        """The first day on which the policy is in force."""
        return find_first_day(self.leaves)

    @cached_property
    def ended_on(self) -> date | None:
        """The first day on which it no longer is, for a value that the rules need was ended; mostly there is none."""
        return find_end(self.leaves)

    def refuse_unless_in_force(self, on: date) -> None:
        """Raise `ConfigurationError`, which names the days in force, if the policy is not in force on `on`."""
        if on < self.first_on or (self.ended_on is not None and on >= self.ended_on):
            until = f" until before {self.ended_on}" if self.ended_on is not None else ""
            raise ConfigurationError(
                f"the policy is not in force on {on}. It holds from {self.first_on}{until}. "
                "Ask for a day in force, or add values that start by that day."
            )

    def list_tags(self, on: date | None = None) -> list[str]:
        """How far each value in force on `on` can be trusted, or without a day each value that ever holds."""
        if on is not None:
            return [value.tag for value in self.at(on).values()]
        return [entry.tag for leaf in self.leaves.values() for entry in leaf.entries if leaf.is_set(entry)]

    def list_absent_sources(self, platforms: Path, on: date | None = None) -> list[str]:
        """What to tell of each source that a star needs on `on`, or ever, and that has no file in `platforms`."""
        stars_by_source: dict[str, list[str]] = {}
        for leaf in self.leaves.values():
            if leaf.path.startswith(SOURCES_PREFIX):
                entries = leaf.entries if on is None else filter(None, [leaf.find_entry(on)])
                for source in dict.fromkeys(source for entry in entries for source in entry.value or ()):
                    stars_by_source.setdefault(source, []).append(leaf.path.removeprefix(SOURCES_PREFIX))
        return [
            f"{SOURCES_PREFIX}{', '.join(stars)}: {source} is needed, but {platforms.name}/{source}.yaml "
            "is not there, so data will always be missing. Correct the id, or add the file."
            for source, stars in stars_by_source.items()
            if not any((platforms / f"{source}{ending}").is_file() for ending in (".yaml", ".yml"))
        ]

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
        if not is_decimal(value):
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
        return describe_entry(leaf, self._find_entry(leaf))

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
        if entry is None or not leaf.is_set(entry):
            raise ConfigurationError(
                f"{leaf.path} is not in force on {self.on}. It holds {_list_periods(leaf)}. "
                "Ask for a day in force, or add a value that starts by that day."
            )
        return entry

    def _is_in_force(self, leaf: Leaf) -> bool:
        entry = leaf.find_entry(self.on)
        return entry is not None and leaf.is_set(entry)

    def _refuse_kind(self, path: str, value: Any, kind: str) -> None:
        raise ConfigurationError(f"{path}, {self.on}: value is {value!r}. It must be {kind}; correct the file.")


def describe_entry(leaf: Leaf, entry: Dated) -> PolicyValue:
    """One dated value of the leaf, in force or not, for people; one that was ended says so."""
    return PolicyValue(
        path=leaf.path,
        title=leaf.title,
        value=describe_value(entry.value) if leaf.is_set(entry) else ENDED,
        unit=leaf.unit,
        tag=entry.tag,
        reference=entry.reference,
        start_on=entry.start_on,
        confirmed_on=entry.confirmed_on,
    )


def shorten_fingerprint(fingerprint: str) -> str:
    """As much of a fingerprint as people read and compare; `run.json` has it in full."""
    return fingerprint[:FINGERPRINT_DIGITS]


def read_archived_policy(files: Mapping[str, str]) -> Policy:
    """The policy whose files are given by name, as an old revision was judged by it.

    It was checked when it was used. What today's files must hold besides is not asked of it: a value that the program
    needs only since then must not make old revisions unreadable.
    """
    names = [f"{name}.yaml" for name in FILES]
    leaves: dict[str, Leaf] = {}
    for name in sorted(files, key=lambda name: names.index(name) if name in names else len(names)):
        leaves.update(parse_policy_file(name, files[name]))
    return Policy(leaves, files)


def load_policy(folder: Path) -> Policy:
    """The policy of `folder`, every value checked.

    Raises `ConfigurationError` for a missing or unknown file, an unknown, duplicate or missing key, an impossible
    date, a value of the wrong kind, a day without a value that the rules need, weights that don't total 100 and
    values that contradict each other, saying file, key, date and line.
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
    files: dict[str, str] = {}
    for name in FILES:
        file = folder / f"{name}.yaml"
        if not file.is_file():
            raise ConfigurationError(
                f"{file.name}: missing from {folder}. All of {_name_files()} are needed; restore it."
            )
        # Read once, so that what is archived is what the fingerprint is of.
        files[file.name] = read_policy_text(file)
        found_leaves = parse_policy_file(file.name, files[file.name])
        check_terms(name, found_leaves)
        leaves.update(found_leaves)
    check_days(leaves)
    check_weights(leaves)
    check_ladders(leaves)
    check_category_stars(leaves)
    return Policy(leaves, files)


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


def list_policy_values(policy: Policy, month: Month) -> list[PolicyValue]:
    """The values that the month is judged by, in file order, communities' before workers'."""
    return [
        value
        for day in (month.last_on, month.plus(1).first_on)
        for value in policy.at(day).values()
        if find_policy_day(value.path, month) == day
    ]


def find_policy_day(path: str, month: Month) -> date:
    """The day for which the month asks a value: its last for stars, else the effective date (policy, preamble)."""
    return month.plus(1).first_on if path.startswith(WORKER_FILES) else month.last_on
