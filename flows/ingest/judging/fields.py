"""Fields of records by their path, and which of them the records of a page have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.ingest.describe.records import Record

Path = tuple[str, ...]


def pick_values(records: Sequence[Record], path: Path) -> list[Any]:
    """What stands at `path` in each record; nothing where the way there is cut."""
    first = path[0]
    values = [record.get(first) for record in records]
    for key in path[1:]:
        values = [value.get(key) if type(value) is dict else None for value in values]
    return values


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


@dataclass(frozen=True)
class _Level:
    """What stands at one path of a page's records: the objects there, and every name in them."""

    objects: Sequence[Record]
    names: frozenset[str]
    has_others: bool

    def may_lack(self, key: str) -> bool:
        if key not in self.names:
            return True
        # As many names in all as would be if every object had each: then every object has each.
        return sum(map(len, self.objects)) != len(self.objects) * len(self.names)


class PageFields:
    """The fields of a page's records below the given parents; the record itself is the parent `()`."""

    def __init__(self, records: Sequence[Record], parents: Mapping[Path, object]) -> None:
        self._levels = {parent: _read_level(records, parent) for parent in parents}

    def list_names(self, parent: Path) -> frozenset[str]:
        """Every name that one of the objects at `parent` has."""
        return self._levels[parent].names

    def may_lack(self, path: Path) -> bool:
        """Whether a record may be without the field; if not, none is. To be sure ask each with `has_field`."""
        for depth, key in enumerate(path):
            level = self._levels[path[:depth]]
            if level.has_others:
                return True
            if not level.objects:
                return False
            if level.may_lack(key):
                return True
        return False


def _read_level(records: Sequence[Record], parent: Path) -> _Level:
    found = pick_values(records, parent) if parent else records
    objects = [it for it in found if type(it) is dict]
    is_mixed = len(objects) < len(found) and any(it is not None and type(it) is not dict for it in found)
    return _Level(objects, frozenset(set().union(*objects)), is_mixed)
