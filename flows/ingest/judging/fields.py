"""Fields of records by their path, and which of them the records of a page have."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from flows.ingest.describe.records import Record
from flows.ingest.judging.readings import Mask

Path = tuple[str, ...]


def has_field(record: Record, path: Path) -> bool:
    """Whether the field is there, if only without a value; an object that is null may hold it."""
    found: Any = record
    for key in path:
        if found is None:
            return True
        if not isinstance(found, dict) or key not in found:
            return False
        found = found[key]
    return True


class _Level:
    """What stands at one path of a page's records: `found` for each, the objects there, and every name in them."""

    def __init__(self, found: Sequence[Any]) -> None:
        self.found = found
        self.objects = [it for it in found if type(it) is dict]
        self.names: frozenset[str] = frozenset(set().union(*self.objects))

    def find_lacking(self, key: str) -> Mask | None:
        """Where there is something, but not an object with `key`; nothing if there is no such place."""
        if self._is_uniform and (key in self.names or not self.objects):
            return None
        if len(self.objects) == len(self.found):
            lacking = (key not in it for it in self.objects)
        else:
            lacking = (it is not None and (type(it) is not dict or key not in it) for it in self.found)
        mask = np.fromiter(lacking, bool, len(self.found))
        return mask if mask.any() else None

    @cached_property
    def _is_uniform(self) -> bool:
        """Whether there are only objects, or nothing, and every object has every name."""
        if len(self.objects) < len(self.found) and any(it is not None and type(it) is not dict for it in self.found):
            return False
        # Then they are as many names in all as that would make.
        return sum(map(len, self.objects)) == len(self.objects) * len(self.names)


class PageFields:
    """The fields of a page's records below the given parents, each after its own; the record itself is `()`."""

    def __init__(self, records: Sequence[Record], parents: Iterable[Path]) -> None:
        self._levels: dict[Path, _Level] = {}
        for parent in parents:
            self._levels[parent] = _Level(self.pick(parent) if parent else records)

    def list_names(self, parent: Path) -> frozenset[str]:
        """Every name that one of the objects at `parent` has."""
        return self._levels[parent].names

    def pick(self, path: Path) -> Sequence[Any]:
        """What stands at `path` in each record; nothing where the way there is cut."""
        if path in self._levels:
            return self._levels[path].found
        return _pick_each(self._levels[path[:-1]].found, path[-1])

    def find_lacking(self, path: Path) -> Mask | None:
        """The records without the field, by `has_field`; nothing if all have it."""
        lacking: Mask | None = None
        for depth, key in enumerate(path):
            found = self._levels[path[:depth]].find_lacking(key)
            if found is not None:
                lacking = found if lacking is None else lacking | found
        return lacking


def _pick_each(found: Sequence[Any], key: str) -> list[Any]:
    """What each of `found` has under `key`; nothing where it has none or is no object."""
    try:
        return list(map(itemgetter(key), found))
    except (KeyError, TypeError):
        return [it.get(key) if type(it) is dict else None for it in found]
