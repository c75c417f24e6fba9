"""What a mapping may say: every column, code, default and override checked against the canonical table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from flows.month import MONTH_PATTERN
from flows.schema import TABLES, Column, Table

CODE_DEFAULT = "default"
"""The key of a code map that answers every value not listed."""


class MappingTerms(Protocol):
    """What a resource's mapping says, as far as it is checked here."""

    @property
    def table(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, str]: ...
    @property
    def codes(self) -> Mapping[str, Mapping[Any, Any]]: ...
    @property
    def defaults(self) -> Mapping[str, Any]: ...
    @property
    def overrides(self) -> Mapping[str, Any]: ...
    @property
    def formats(self) -> Mapping[str, str]: ...
    @property
    def days(self) -> Sequence[str]: ...


def check_mapping(terms: MappingTerms) -> None:
    """Raise `ValueError` for the first thing that cannot become a row of the canonical table."""
    if terms.table not in TABLES:
        raise ValueError(f"table is {terms.table!r}. Canonical tables: {', '.join(TABLES)}.")
    table = TABLES[terms.table]
    for part in ("fields", "codes", "defaults", "overrides", "formats", "days"):
        _check_columns(part, getattr(terms, part), table)
    _check_by(terms.overrides, table)
    for part in ("codes", "formats", "days"):
        _check_mapped(part, getattr(terms, part), terms.fields)
    for name in terms.formats:
        if table.by_name[name].kind not in ("instant", "date"):
            raise ValueError(f"formats.{name}: only instants and dates have a format. Drop it.")
    for name in terms.days:
        if table.by_name[name].kind not in ("instant", "date"):
            raise ValueError(f"days.{name}: only instants and dates are days. Drop it.")
    for name, codes in terms.codes.items():
        _check_values(f"codes.{name}", table.by_name[name], codes.values())
    for name, value in terms.defaults.items():
        _check_values(f"defaults.{name}", table.by_name[name], [value])
    for name, override in terms.overrides.items():
        _check_values(f"overrides.{name}.values", table.by_name[name], override.values.values())
    _check_complete(terms, table)


def code_text(value: object) -> str:
    """A source value as code maps are asked for it: text without spaces around it, 1 for 1.0, true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _check_columns(part: str, names: Iterable[str], table: Table) -> None:
    for name in names:
        if name not in table.by_name:
            raise ValueError(f"{part}.{name}: {table.name} has no such column. It has: {', '.join(table.by_name)}.")


def _check_by(overrides: Mapping[str, Any], table: Table) -> None:
    for name, override in overrides.items():
        _check_columns(f"overrides.{name}.by", [override.by], table)


def _check_mapped(part: str, names: Iterable[str], fields: Mapping[str, str]) -> None:
    for name in names:
        if name not in fields:
            raise ValueError(f"{part}.{name}: the column is not mapped in fields. Map it or drop this.")


def _check_values(key: str, column: Column, values: Iterable[Any]) -> None:
    for value in values:
        if value is None and column.nullable:
            continue
        if not _fits(column, value):
            raise ValueError(f"{key}: {value!r} is not a value of {column.name}. {_describe_values(column)}")


def _fits(column: Column, value: Any) -> bool:
    if column.kind == "boolean":
        return isinstance(value, bool)
    if column.kind == "integer":
        right_type = isinstance(value, int) and not isinstance(value, bool)
    elif column.kind == "date":
        return isinstance(value, date) and not isinstance(value, datetime)
    elif column.kind == "instant":
        return isinstance(value, datetime) and value.tzinfo is not None
    elif column.kind == "month":
        return isinstance(value, str) and re.fullmatch(MONTH_PATTERN, value) is not None
    else:
        right_type = isinstance(value, str) and value != ""
    return right_type and (not column.values or str(value) in column.values)


def _describe_values(column: Column) -> str:
    if column.values:
        return f"It may be: {', '.join(column.values)}."
    words = {
        "boolean": "true or false",
        "integer": "a whole number",
        "date": "a date, YYYY-MM-DD",
        "instant": "an instant with its offset",
        "month": "a month in quotes, YYYY-MM",
        "text": "text, in quotes if it looks like a number",
    }
    return f"It must be {words[column.kind]}."


def _check_complete(terms: MappingTerms, table: Table) -> None:
    given = {*terms.fields, *terms.defaults, *(["platform"] if table.name == "events" else [])}
    lacking = [column.name for column in table.columns if not column.nullable and column.name not in given]
    if lacking:
        raise ValueError(
            f"{', '.join(lacking)}: neither mapped nor defaulted, but {table.name} must not be without. "
            "Add to fields or defaults."
        )
