"""Policy files as written: dated leaves, with their file, key and line, refused if anything in them is doubtful.

A file is a tree of mappings; a mapping with a leaf's keys (`title`, `unit`, `values`) is one policy value with its
history. Whether a leaf is known, and what its value must look like, stands in `flows.policy_terms`. What YAML can say
in more ways than one is refused: directives, tags, anchors and aliases, and numbers in anything but plain digits.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from flows.errors import ConfigurationError

TAGS = ("sourced", "secondary", "derived", "assumed")
LEAF_KEYS = ("title", "unit", "optional", "values")
ENTRY_KEYS = ("start", "value", "tag", "reference", "confirmed_on")
KEY_PATTERN = re.compile(r"[a-z0-9][a-z0-9_]*")
WHOLE_PATTERN = re.compile(r"-?(0|[1-9][0-9]*)")
DEPTH_MAX = 16
"""How deep a file may be nested: more than twice as deep as any value is."""


@dataclass(frozen=True)
class Dated:
    """A value from `start_on` until the next one starts; `None` ends it, or leaves an optional one unset."""

    start_on: date
    value: Any
    tag: str
    reference: str
    confirmed_on: date
    line: int


@dataclass(frozen=True)
class Leaf:
    """One policy value and its history, oldest first; `path` is `<file>.<key>.<key>`."""

    path: str
    title: str
    unit: str
    optional: bool
    entries: tuple[Dated, ...]
    line: int

    def find_entry(self, on: date) -> Dated | None:
        """The newest entry that has started by `on`."""
        return next((entry for entry in reversed(self.entries) if entry.start_on <= on), None)

    def is_set(self, entry: Dated) -> bool:
        """Whether this entry gives the value: null ends one, unless it may be unset."""
        return entry.value is not None or self.optional


@dataclass(frozen=True)
class Place:
    """Where in the policy something stands, for messages."""

    file: str
    key: str
    line: int
    start_on: date | None = None

    def refuse(self, problem: str) -> NoReturn:
        """Raise `ConfigurationError` with the place in front of the problem."""
        parts = [self.file, self.key, self.start_on.isoformat() if self.start_on else ""]
        raise ConfigurationError(f"{', '.join(part for part in parts if part)} (line {self.line}): {problem}")


def read_policy_text(file: Path) -> str:
    """What a policy file holds; `ConfigurationError` if it isn't UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file.name}: not UTF-8 text ({error.reason}). Save the file as UTF-8.") from None


def parse_policy_file(file: str, text: str) -> dict[str, Leaf]:
    """Every leaf of one policy file, which is called `file` and holds `text`, by its path, in file order.

    `ConfigurationError` names file, key and line.
    """
    return {leaf.path: leaf for leaf in _read_leaves(file, text)}


@lru_cache(maxsize=32)
def _read_leaves(file: str, text: str) -> tuple[Leaf, ...]:
    """The file read; once for the policy in use and for the archived ones that hold the very same file."""
    return tuple(_walk(_compose(file, text), file, (file.removesuffix(".yaml"),)))


def _compose(file: str, text: str) -> MappingNode:
    """The file's YAML tree, whose nodes remember their lines."""
    try:
        _check_events(file, YAML(typ="safe", pure=True).parse(text))
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{file} (line {line}): not YAML: {error.problem}. Mend that line.") from None
    except YAMLError:
        raise ConfigurationError(f"{file}: not YAML: it holds a character that YAML forbids. Remove it.") from None
    if not isinstance(root, MappingNode):
        raise ConfigurationError(f"{file}: holds no policy values. It must be a tree of keys; restore the file.")
    return root


def _check_events(file: str, events: Iterable[Event]) -> None:
    """Refuse what a reader of the file might read otherwise, or what never ends, before a tree is made of it."""
    depth = 0
    for event in events:
        place = Place(file, "", int(event.start_mark.line) + 1)
        if isinstance(event, DocumentStartEvent) and (event.version is not None or event.tags):
            place.refuse("a line that begins with % changes how YAML is read. Policy files are YAML 1.2; remove it.")
        if isinstance(event, NodeEvent) and event.anchor is not None:
            sign = "*" if isinstance(event, AliasEvent) else "&"
            place.refuse(f"{sign}{event.anchor} lets one value stand in several places. Write each value out.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            place.refuse(f"{tag} says how a value is to be read. Remove it, and write the value as it is meant.")
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEPTH_MAX:
            place.refuse(f"nested more than {DEPTH_MAX} deep. No policy value is; close a bracket, or indent less.")


def _walk(node: MappingNode, file: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    for key, child in _read_keys(node, Place(file, ".".join(path[1:]), _line(node))).items():
        child_path = (*path, key)
        place = Place(file, ".".join(child_path[1:]), _line(child))
        if not isinstance(child, MappingNode):
            place.refuse(
                f"{_shorten(child)!r} stands where a policy value was expected. "
                f"A policy value is a mapping with the keys {', '.join(LEAF_KEYS)}; write it so."
            )
        # A misspelt `values` shall still be read, and refused, as a leaf.
        if any(name.value in LEAF_KEYS for name, _ in child.value):
            yield _read_leaf(child, place, ".".join(child_path))
        else:
            yield from _walk(child, file, child_path)


def _read_leaf(node: MappingNode, place: Place, path: str) -> Leaf:
    keys = _read_keys(node, place)
    _check_keys(keys, LEAF_KEYS, ("title", "unit", "values"), place)
    entries_node = keys["values"]
    if not isinstance(entries_node, SequenceNode) or not entries_node.value:
        place.refuse("values must be a list with one entry for each start date. Write at least one.")
    optional = _read_value(keys["optional"], place) if "optional" in keys else False
    if not isinstance(optional, bool):
        place.refuse(f"optional is {optional!r}. It must be true or false.")
    entries = tuple(_read_entry(entry, place) for entry in entries_node.value)
    for earlier, later in pairwise(entries):
        if later.start_on <= earlier.start_on:
            Place(place.file, place.key, later.line, later.start_on).refuse(
                f"starts on or before the entry above it, {earlier.start_on}. "
                "Start dates must ascend, each once; put the entries in order."
            )
    return Leaf(
        path=path,
        title=_read_text(keys, "title", place),
        unit=_read_text(keys, "unit", place),
        optional=optional,
        entries=entries,
        line=place.line,
    )


def _read_entry(node: Node, leaf: Place) -> Dated:
    place = Place(leaf.file, leaf.key, _line(node))
    if not isinstance(node, MappingNode):
        place.refuse(f"an entry of values must be a mapping with the keys {', '.join(ENTRY_KEYS)}; write it so.")
    keys = _read_keys(node, place)
    _check_keys(keys, ENTRY_KEYS, ENTRY_KEYS, place)
    start_on = _read_date(keys, "start", place)
    place = Place(leaf.file, leaf.key, place.line, start_on)
    tag = _read_text(keys, "tag", place)
    if tag not in TAGS:
        place.refuse(f"tag is {tag!r}. It must be one of {', '.join(TAGS)}; say how far the value can be trusted.")
    return Dated(
        start_on=start_on,
        value=_read_value(keys["value"], place),
        tag=tag,
        reference=_read_text(keys, "reference", place),
        confirmed_on=_read_date(keys, "confirmed_on", place),
        line=place.line,
    )


def _read_keys(node: MappingNode, place: Place) -> dict[str, Node]:
    """A mapping's nodes by key. Refuses a key written twice or one that isn't a plain word."""
    found: dict[str, Node] = {}
    for key, child in node.value:
        here = Place(place.file, place.key, _line(key))
        if not isinstance(key, ScalarNode) or KEY_PATTERN.fullmatch(key.value) is None:
            here.refuse(f"key {_shorten(key)!r} is not a plain word. Use small letters, digits and underscores.")
        if key.value in found:
            here.refuse(
                f"key {key.value} is written twice, first on line {_line(found[key.value])}. Remove one of them."
            )
        found[key.value] = child
    return found


def _check_keys(keys: Mapping[str, Node], known: tuple[str, ...], required: tuple[str, ...], place: Place) -> None:
    for key, node in keys.items():
        if key not in known:
            Place(place.file, place.key, _line(node)).refuse(
                f"key {key} is not known here. Known keys are {', '.join(known)}; correct or remove it."
            )
    for key in required:
        if key not in keys:
            place.refuse(f"key {key} is missing. Every value needs {', '.join(required)}; add it.")


def _read_text(keys: Mapping[str, Node], key: str, place: Place) -> str:
    text = _read_value(keys[key], place)
    if not isinstance(text, str) or not text.strip():
        place.refuse(f"{key} is {text!r}. It must be text that isn't empty; write it.")
    return text


def _read_date(keys: Mapping[str, Node], key: str, place: Place) -> date:
    day = _read_value(keys[key], place)
    if not isinstance(day, date):
        place.refuse(f"{key} is {day!r}. It must be a date; write it as YYYY-MM-DD.")
    return day


def _read_value(node: Node, place: Place) -> Any:
    """The plain value of a node: text, whole number, truth value, date, nothing, or a list or mapping of these."""
    if isinstance(node, MappingNode):
        return {key: _read_value(child, place) for key, child in _read_keys(node, place).items()}
    if isinstance(node, SequenceNode):
        return [_read_value(child, place) for child in node.value]
    here = Place(place.file, place.key, _line(node), place.start_on)
    kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
    if kind == "float":
        here.refuse(
            f"fraction {_shorten(node)} is not quoted, so it would not be exact. Write it as quoted decimals."
        )
    if kind not in _SCALARS:
        here.refuse(f"{node.value!r} is a {kind}, which policy files don't hold. Write text, plain digits or a day.")
    read, form = _SCALARS[kind]
    try:
        return read(node.value)
    except ValueError:
        here.refuse(f"{_shorten(node)!r} is not {form}. Correct it.")


def _read_words(text: str) -> str:
    text.encode()  # half of a character, such as "\\uD800", is a ValueError
    if "\0" in text:
        raise ValueError(text)  # which no database keeps
    return text


def _read_whole(text: str) -> int:
    if WHOLE_PATTERN.fullmatch(text) is None:
        raise ValueError(text)  # such as 036 or 0x24, which people and YAML's versions read differently
    return int(text)


_SCALARS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "str": (_read_words, "text that can be kept"),
    "int": (_read_whole, "a whole number in plain digits"),
    "bool": (lambda text: text.lower() == "true", "true or false"),
    "null": (lambda _: None, "null"),
    "timestamp": (date.fromisoformat, "a day of the calendar, written as YYYY-MM-DD"),
}
"""How each kind of YAML scalar is read, and what it is called. Floating point is absent on purpose."""


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _shorten(node: Node) -> str:
    return str(node.value)[:40] if isinstance(node, ScalarNode) else "a list or mapping"
