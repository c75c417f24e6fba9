"""Records become canonical rows: paths followed, codes translated, values read, whole columns at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from flows.errors import ContractBroken
from flows.ingest.describe.headers import tidy_header
from flows.ingest.describe.records import Record
from flows.ingest.describe.source import FileResource, Resource, Source
from flows.ingest.describe.terms import CODE_DEFAULT, code_text
from flows.ingest.judging.drift import DriftWatch, KnownTypes
from flows.ingest.judging.fields import PageFields, Path, has_field
from flows.ingest.judging.moments import Style
from flows.ingest.judging.readings import (
    Mask,
    Reading,
    read_booleans,
    read_dates,
    read_instants,
    read_integers,
    read_months,
    read_text,
)
from flows.lake import arrow_type
from flows.schema import Column

ENDS_DAY = frozenset({"due_at", "extended_to"})
"""Columns in which a date without a time means the day's last second (data.md, preamble)."""


@dataclass(frozen=True)
class Mapped:
    """Rows in the table's columns and `record_no`, and for each reason the rows that it forbids."""

    rows: pa.Table
    reasons: Mapping[str, Mask]


class Mapper:
    """Maps the records of one pull of one resource, some thousands at a time; `name` is how messages call it.

    `known_types` are the kinds of values that the latest landed batch knew of each column.
    """

    def __init__(self, source: Source, resource: Resource, name: str, known_types: KnownTypes | None = None) -> None:
        self._resource = resource
        self._table = resource.canonical
        self._platform = source.platform
        self._name = name
        self._is_tabular = isinstance(resource, FileResource) and resource.format != "jsonl"
        self._paths = {column: self._split(path) for column, path in resource.fields.items()}
        self._codes = {
            column: {code_text(code): value for code, value in codes.items()}
            for column, codes in resource.codes.items()
        }
        self._drift = DriftWatch(resource, self._paths, [self._split(path) for path in resource.ignore], name)
        self._drift.recall(known_types or {})
        self.start_batch()

    def map_records(self, records: Sequence[Record], first_no: int) -> Mapped:
        """The rows of `records`, numbered from `first_no`.

        Raises `ContractBroken` under `freeze` for a new field, or a mapped one that a record lacks or has of another
        kind than is known.
        """
        reasons: dict[str, Mask] = {}
        self._received_count += len(records)
        fields = self._drift.start_page(records, first_no)
        columns: dict[str, pa.Array] = {}
        for column in self._table.columns:
            columns[column.name] = self._map_column(column, records, fields, reasons)
        for name in self._resource.overrides:
            columns[name] = self._override(name, columns)
        if self._table.name == "events":
            self._check_platform(columns["platform"], reasons)
        columns["record_no"] = pa.array(range(first_no, first_no + len(records)), pa.int64())
        return Mapped(pa.table(columns), {**self._drift.judge_page(), **reasons})

    def start_batch(self, part: str = "") -> None:
        """From here on records are those of another batch; `part` names it in messages where a pull has several."""
        self._absent = set(self._paths)
        self._received_count = 0
        self._drift.start_batch(part)

    def finish_batch(self, part: str = "") -> None:
        """Raise `ContractBroken` if a mapped field was in none of the batch's records (data.md, `stop`)."""
        if self._received_count and self._absent:
            missing = [f"{self._resource.fields[column]} (for {column})" for column in sorted(self._absent)]
            raise ContractBroken(
                f"{self._name}: not one of {self._received_count} records{f' of {part}' if part else ''} has "
                f"{', '.join(missing)}. The source has changed, or the mapping is wrong: correct fields."
            )
        self.start_batch()

    def finish(self) -> list[str]:
        """Warnings of the whole pull: how its fields differ from what is mapped and known."""
        return self._drift.list_warnings()

    def describe_contract(self) -> dict[str, Any]:
        """For the manifest: what is mapped, what becomes of drift, and the kinds of values known from now on."""
        return {
            "kind": self._resource.contract,
            "fields": dict(self._resource.fields),
            "types": self._drift.describe_types(),
        }

    def _split(self, path: str) -> Path:
        return (tidy_header(path),) if self._is_tabular else tuple(path.split("."))

    def _map_column(
        self, column: Column, records: Sequence[Record], fields: PageFields, reasons: dict[str, Mask]
    ) -> pa.Array:
        default = self._resource.defaults.get(column.name)
        path = self._paths.get(column.name)
        if path is None:
            if self._table.name == "events" and column.name == "platform":
                default = self._platform
            return pa.repeat(_scalar(column, default), len(records))
        values = fields.pick(path)
        reading = self._read(column, values, reasons)
        self._drift.note_column(column.name, values, reading)
        if column.name in self._absent:
            self._look_for(column.name, path, records, reading.values)
        if reading.unreadable.any():
            reasons[f"unreadable:{column.name}"] = reading.unreadable
        if default is None or not reading.values.null_count:
            return reading.values
        return reading.values.fill_null(_scalar(column, default))

    def _read(self, column: Column, values: Sequence[Any], reasons: dict[str, Mask]) -> Reading:
        if column.name in self._codes:
            reading, unmapped = _translate(values, self._codes[column.name], column)
            if unmapped.any():
                reasons[f"unmapped:{column.name}"] = unmapped
            return reading
        if column.kind == "text":
            return read_text(values)
        if column.kind == "integer":
            return read_integers(values)
        if column.kind == "boolean":
            return read_booleans(values)
        style = Style(
            self._resource.timezone,
            self._resource.formats.get(column.name),
            ends_day=column.name in ENDS_DAY,
            counts_days=isinstance(self._resource, FileResource) and self._resource.is_workbook,
            drops_time=column.name in self._resource.days,
        )
        if column.kind == "instant":
            return read_instants(values, style)
        return read_dates(values, style) if column.kind == "date" else read_months(values, style)

    def _override(self, name: str, columns: Mapping[str, pa.Array]) -> pa.Array:
        """The column with the listed values put where the other column has their keys."""
        override = self._resource.overrides[name]
        column = self._table.by_name[name]
        by = columns[override.by].cast(pa.string())
        keys = pa.array([code_text(key) for key in override.values], pa.string())
        places = pc.index_in(by, keys)
        listed = pa.array(list(override.values.values()), arrow_type(column)).take(places)
        return pc.if_else(places.is_valid(), listed, columns[name])

    def _check_platform(self, platforms: pa.Array, reasons: dict[str, Mask]) -> None:
        differs = pc.not_equal(platforms, self._platform).fill_null(False)
        mask = cast(Mask, differs.to_numpy(zero_copy_only=False))
        if mask.any():
            reasons["other_platform"] = mask

    def _look_for(self, column: str, path: Path, records: Sequence[Record], values: pa.Array) -> None:
        """Note that a mapped field exists: it has a value, or is there without one."""
        if values.null_count < len(values) or any(has_field(record, path) for record in records):
            self._absent.discard(column)


def _scalar(column: Column, value: Any) -> pa.Scalar:
    if column.kind == "instant" and value is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return pa.scalar(value, arrow_type(column))


def _translate(values: Sequence[Any], codes: Mapping[str, Any], column: Column) -> tuple[Reading, Mask]:
    """The codes' values, and which codes have none."""
    reading = read_text(values)
    encoded = reading.values.dictionary_encode()
    listed = encoded.dictionary.to_pylist()
    otherwise = codes.get(CODE_DEFAULT)
    translated = pa.array([codes.get(code, otherwise) for code in listed], arrow_type(column))
    is_unmapped = pa.array([code not in codes and CODE_DEFAULT not in codes for code in listed], pa.bool_())
    unmapped = is_unmapped.take(encoded.indices).fill_null(False).to_numpy(zero_copy_only=False)
    return Reading(translated.take(encoded.indices), reading.unreadable, reading.kinds), unmapped
