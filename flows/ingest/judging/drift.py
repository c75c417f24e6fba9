"""How records differ from what their resource promises: new, missing and retyped fields, and what its contract does.

Promised are the mapped fields, and of each the kinds of values that the latest landed batch knew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from flows.errors import ContractBroken
from flows.ingest.describe.masking import mask_value
from flows.ingest.describe.records import Record
from flows.ingest.describe.source import Resource
from flows.ingest.judging.fields import PageFields, Path
from flows.ingest.judging.kinds import NOTHING, Kinds, find_kind, is_nothing
from flows.ingest.judging.readings import Mask, Reading

ABSENT = "absent"
"""Stands among a column's kinds once records without its field have landed."""

FIELDS_SHOWN = 12

KnownTypes = Mapping[str, Iterable[str]]
"""The kinds of values known of each mapped column."""

DriftKind = Literal["new", "missing", "retyped"]

_TOLD: Mapping[DriftKind, str] = {
    "new": "new fields that nothing maps",
    "missing": "mapped fields that records lack",
    "retyped": "mapped fields whose values are of another kind than before",
}
_ADVICE: Mapping[tuple[str, DriftKind], str] = {
    ("evolve", "new"): "Map them, or list them under ignore.",
    ("evolve", "missing"): "These rows were kept, with nothing there. If that is new, ask the source.",
    ("evolve", "retyped"): "What can be read was kept. If that is wrong, correct fields or ask the source.",
    ("discard_row", "new"): "These rows were rejected. Map the fields, or list them under ignore.",
    ("discard_row", "missing"): "These rows were rejected. Ask the source for the fields.",
    ("discard_row", "retyped"): "These rows were rejected. Ask the source, or let one pull evolve to accept them.",
}


@dataclass
class Drift:
    """One field that differs, in how many records, and where one stands: the first that has a value, masked."""

    kind: DriftKind
    field: str
    column: str = ""
    was: Kinds = NOTHING
    now: Kinds = NOTHING
    count: int = 0
    where: str = ""
    example: str = ""

    def describe(self) -> str:
        """The drift as a message lists it, such as `level (for tier; text, was number; 2 records, such as ...)`."""
        told = [f"for {self.column}"] if self.column else []
        if self.kind == "retyped":
            told.append(f"{_join(self.now)}, was {_join(self.was)}")
        example = f": {self.example}" if self.example else ""
        told.append(f"{self.count} record{'s' if self.count > 1 else ''}, such as {self.where}{example}")
        return f"{self.field} ({'; '.join(told)})"


class DriftWatch:
    """Compares the records of one pull, page by page, with what is promised; `name` is how messages call it."""

    def __init__(self, resource: Resource, paths: Mapping[str, Path], ignored: Iterable[Path], name: str) -> None:
        self._contract = resource.contract
        self._fields = resource.fields
        self._paths = paths
        self._named = _list_named_fields([*paths.values(), *ignored])
        self._name = name
        self._known: Mapping[str, Kinds] = {}
        self._seen: dict[str, Kinds] = {}
        self._drifts: dict[tuple[DriftKind, str], Drift] = {}
        self._part = ""
        self._first_no = 0
        self._page = PageFields((), ())
        self._reasons: dict[str, Mask] = {}

    def recall(self, known_types: KnownTypes) -> None:
        """Hold the pull to the kinds of values that are known; of a column without any all are taken."""
        self._known = {column: frozenset(kinds) for column, kinds in known_types.items()}

    def start_batch(self, part: str) -> None:
        """From here on records are those of `part`, as messages call it; they are numbered anew."""
        self._part = part

    def start_page(self, records: Sequence[Record], first_no: int) -> PageFields:
        """The fields of `records`, the next of the batch, looked through for new ones."""
        self._first_no, self._reasons = first_no, {}
        self._page = PageFields(records, self._named)
        unheard = [
            (*parent, name)
            for parent, named in self._named.items()
            for name in sorted(self._page.list_names(parent) - named)
        ]
        # Where nothing stands that is mapped, names may be a person's data: a row read as a header.
        names_fields = bool(unheard) and any(self._is_there(path) for path in self._paths.values())
        for path in unheard:
            parents = self._page.pick(path[:-1])
            values = [(path[-1] in it, it.get(path[-1])) if type(it) is dict else (False, None) for it in parents]
            mask = np.fromiter((is_there for is_there, _ in values), bool, len(values))
            field = ".".join(path)
            self._note(Drift("new", field if names_fields else mask_value(field)), mask, [it for _, it in values])
            self._add_reason("new_field", mask)
        return self._page

    def note_column(self, column: str, values: Sequence[Any], reading: Reading) -> None:
        """Compare one mapped column of the page."""
        known = self._known.get(column, NOTHING)
        if reading.values.null_count and not (self._contract == "evolve" and ABSENT in known):
            self._look_for_missing(column)
        kinds = known - {ABSENT}
        strange = reading.kinds - kinds if kinds else NOTHING
        if strange:
            mask = np.fromiter((find_kind(value) in strange for value in values), bool, len(values))
            self._note(Drift("retyped", self._fields[column], column, kinds, strange), mask, values)
            self._add_reason(f"retyped:{column}", mask)
        # What a contract rejects doesn't become known.
        self._add_seen(column, reading.kinds - strange if self._contract == "discard_row" else reading.kinds)

    def judge_page(self) -> dict[str, Mask]:
        """The rows of the page that the contract rejects, by reason. Raises `ContractBroken` under `freeze`."""
        if self._contract == "freeze" and self._drifts:
            told = " ".join(f"{_capitalise(self._tell(kind))}." for kind in _TOLD if self._list(kind))
            raise ContractBroken(
                f"{self._name}: the source has changed, and the contract is freeze. {told} Nothing was landed. Ask "
                "the source; map new fields or list them under ignore; or let one pull evolve to accept the change."
            )
        return self._reasons if self._contract == "discard_row" else {}

    def list_warnings(self) -> list[str]:
        """What differed in the pull, kind by kind."""
        return [
            f"{self._name}: {self._tell(kind)}. {_ADVICE[self._contract, kind]}" for kind in _TOLD if self._list(kind)
        ]

    def describe_types(self) -> dict[str, list[str]]:
        """The kinds of values known of each mapped column, those of this pull among them; for the manifest."""
        types = {column: self._known.get(column, NOTHING) | self._seen.get(column, NOTHING) for column in self._paths}
        return {column: sorted(kinds) for column, kinds in types.items() if kinds}

    def _is_there(self, path: Path) -> bool:
        return path[-1] in self._page.list_names(path[:-1])

    def _look_for_missing(self, column: str) -> None:
        mask = self._page.find_lacking(self._paths[column])
        if mask is None:
            return
        self._note(Drift("missing", self._fields[column], column), mask)
        self._add_reason(f"missing:{column}", mask)
        if self._contract == "evolve":
            self._add_seen(column, frozenset({ABSENT}))

    def _note(self, drift: Drift, mask: Mask, values: Sequence[Any] = ()) -> None:
        found = self._drifts.setdefault((drift.kind, drift.column or drift.field), drift)
        if not found.count:
            places = np.flatnonzero(mask).tolist()
            place = next((it for it in places if values and not is_nothing(values[it])), places[0])
            found.where = f"record_no {self._first_no + place}{f' of {self._part}' if self._part else ''}"
            found.example = mask_value(values[place]) if values else ""
        found.count += int(np.count_nonzero(mask))
        found.now |= drift.now

    def _add_reason(self, reason: str, mask: Mask) -> None:
        self._reasons[reason] = self._reasons[reason] | mask if reason in self._reasons else mask

    def _add_seen(self, column: str, kinds: Kinds) -> None:
        self._seen[column] = self._seen.get(column, NOTHING) | kinds

    def _list(self, kind: DriftKind) -> list[Drift]:
        return [drift for drift in self._drifts.values() if drift.kind == kind]

    def _tell(self, kind: DriftKind) -> str:
        drifts = self._list(kind)
        more = f", and {len(drifts) - FIELDS_SHOWN} more" if len(drifts) > FIELDS_SHOWN else ""
        return f"{_TOLD[kind]}: {', '.join(drift.describe() for drift in drifts[:FIELDS_SHOWN])}{more}"


def _list_named_fields(paths: Iterable[Path]) -> dict[Path, frozenset[str]]:
    """For each object that holds a mapped field, the names in it that are mapped, opened or ignored."""
    named: dict[Path, set[str]] = {(): set()}
    for path in paths:
        for depth, key in enumerate(path):
            named.setdefault(path[:depth], set()).add(key)
    return {parent: frozenset(names) for parent, names in named.items()}


def _join(kinds: Kinds) -> str:
    return " or ".join(sorted(kinds))


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
