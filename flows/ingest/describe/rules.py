"""Quality files: which rows and which pulls must not pass, one file a table (data.md, "Rows that must not pass")."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from flows.errors import ConfigurationError
from flows.ingest.describe.grammar import Place, Strict, build_model, read_yaml
from flows.schema import TABLES, Table

Severity = Literal["reject", "stop", "warn"]
PullSeverity = Literal["stop", "warn"]
CrossSeverity = Literal["warn"]


class _Rule(Strict):
    """`reason` is written on each row; `title` is what people read."""

    id: str
    title: str
    reason: str


class _RowRule(_Rule):
    severity: Severity


class Required(_RowRule):
    """Columns that must not be empty: those named, else all that the table does not let be empty."""

    kind: Literal["required"]
    columns: list[str] | None = None


class Listed(_RowRule):
    """Columns whose values come from a list: those named, else all for which the table has one."""

    kind: Literal["listed"]
    columns: list[str] | None = None


class Pattern(_RowRule):
    """Text that must match a regular expression wholly, one that both judges' engines know."""

    kind: Literal["pattern"]
    columns: list[str]
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str) -> str:
        try:
            re.compile(f"(?:{pattern})")
            pc.match_substring_regex(pa.array([""]), f"(?:{pattern})")
        except (re.error, pa.ArrowInvalid) as error:
            raise ValueError(
                f"is {pattern!r}, which cannot be used: {error}. Write it without look-around, references, flags."
            ) from None
        return pattern


class Between(_RowRule):
    """Whole numbers between two limits, both allowed."""

    kind: Literal["between"]
    columns: list[str]
    minimum: int | None = None
    maximum: int | None = None


class NotBefore(_RowRule):
    """Instants that may not lie before another column's."""

    kind: Literal["not_before"]
    columns: list[str]
    other: str


class NotAbove(_RowRule):
    """Numbers that may not exceed another column's."""

    kind: Literal["not_above"]
    columns: list[str]
    other: str


class NotFuture(_RowRule):
    """Instants that may not lie after the pull."""

    kind: Literal["not_future"]
    columns: list[str]


class RequiredWhen(_RowRule):
    """Columns that must not be empty where another column has one of the values."""

    kind: Literal["required_when"]
    columns: list[str]
    other: str
    values: list[str] = Field(min_length=1)


class KnownCommunity(_RowRule):
    """Community codes that must stand in the register of communities."""

    kind: Literal["known_community"]
    columns: list[str]


class KnownGrid(_RowRule):
    """Grid codes that should stand in the register of grids."""

    kind: Literal["known_grid"]
    columns: list[str]


class OwnGrid(_RowRule):
    """Grid codes that the register must not know under other communities only."""

    kind: Literal["own_grid"]
    columns: list[str]
    other: str


class Band(_RowRule):
    """Grades that should lie in the band of their post; `other` is the post."""

    kind: Literal["band"]
    columns: list[str]
    other: str


class RejectedShare(_Rule):
    """The share of a pull's rows that may be rejected."""

    kind: Literal["rejected_share"]
    severity: PullSeverity
    maximum_pct: int = Field(ge=0)


class NotEmpty(_Rule):
    """Every file, or the pull of a platform, must bring a row."""

    kind: Literal["not_empty"]
    severity: PullSeverity


class MonthCount(_Rule):
    """The month's row count against the mean of the three months before; `column` tells a row's month."""

    kind: Literal["month_count"]
    severity: PullSeverity
    maximum_pct: int = Field(ge=0)
    column: str | None = None


class ClosureRate(_Rule):
    """The share of closed events among those not void. `maximum_pct` is decimal text."""

    kind: Literal["closure_rate"]
    severity: PullSeverity
    maximum_pct: str = Field(pattern=r"^\d{1,3}(\.\d+)?$")


class Silence(_Rule):
    """The time between the newest `updated_at` and the end of the pull's window."""

    kind: Literal["silence"]
    severity: PullSeverity
    maximum_hours: int = Field(ge=0)


class KnownEvent(_Rule):
    """Event numbers that should have landed as events; `other` names the platform that each is of.

    Events and what refers to them land at the same time, so it is judged after both, and only told.
    """

    kind: Literal["known_event"]
    severity: CrossSeverity
    column: str
    other: str


RowRule = (
    Required
    | Listed
    | Pattern
    | Between
    | NotBefore
    | NotAbove
    | NotFuture
    | RequiredWhen
    | KnownCommunity
    | KnownGrid
    | OwnGrid
    | Band
)
PullRule = RejectedShare | NotEmpty | MonthCount | ClosureRate | Silence
CrossRule = KnownEvent
Rule = Annotated[RowRule | PullRule | CrossRule, Field(discriminator="kind")]


class TableRules(Strict):
    """The rules of one table, in the order in which reasons are given."""

    table: str
    rules: list[Rule]

    @property
    def canonical(self) -> Table:
        return TABLES[self.table]

    @property
    def row_rules(self) -> Sequence[RowRule]:
        return [rule for rule in self.rules if isinstance(rule, _RowRule)]

    @property
    def pull_rules(self) -> Sequence[PullRule]:
        return [rule for rule in self.rules if isinstance(rule, PullRule)]

    @property
    def cross_rules(self) -> Sequence[CrossRule]:
        return [rule for rule in self.rules if isinstance(rule, CrossRule)]

    @model_validator(mode="after")
    def _check_rules(self) -> "TableRules":
        if self.table not in TABLES:
            raise ValueError(f"table is {self.table!r}. Canonical tables: {', '.join(TABLES)}.")
        for number, rule in enumerate(self.rules):
            if any(other.id == rule.id for other in self.rules[:number]):
                raise ValueError(f"rules.{rule.id}: the id stands twice. Rename one.")
            _check_columns(rule, self.canonical)
        return self


def _check_columns(rule: RowRule | PullRule | CrossRule, table: Table) -> None:
    """Refuse a rule about columns that the table doesn't have, or of a kind that the rule can't judge."""
    named = [*(getattr(rule, "columns", None) or []), getattr(rule, "other", None), getattr(rule, "column", None)]
    for name in named:
        if name is not None and name not in table.by_name:
            raise ValueError(
                f"rules.{rule.id}: {table.name} has no column {name}. It has: {', '.join(table.by_name)}."
            )
    kinds = {
        "between": "integer",
        "not_above": "integer",
        "band": "integer",
        "not_before": "instant",
        "not_future": "instant",
        "pattern": "text",
    }
    wanted = kinds.get(rule.kind)
    for name in getattr(rule, "columns", None) or []:
        if wanted is not None and table.by_name[name].kind != wanted:
            raise ValueError(f"rules.{rule.id}: {name} is not {wanted}, which the kind {rule.kind} judges. Drop it.")
    needs = {"closure_rate": "status", "silence": "updated_at"}.get(rule.kind)
    if needs is not None and needs not in table.by_name:
        raise ValueError(f"rules.{rule.id}: {table.name} has no column {needs}, which {rule.kind} needs. Drop it.")


def load_rules(folder: Path, tables: Collection[str] = ()) -> dict[str, TableRules]:
    """The rules of each canonical table that has a file, by the table's name.

    Raises `ConfigurationError` if a file is doubtful, or one of `tables` has none: unjudged rows must not pass.
    """
    stamps = [(file.name, file.stat()) for file in sorted(folder.glob("*.yaml"))]
    rules = _load_rules(folder, tuple((name, stamp.st_mtime_ns, stamp.st_size) for name, stamp in stamps))
    for name in TABLES:
        if name in tables and name not in rules:
            raise ConfigurationError(
                f"{folder.name}/{name}.yaml: is missing, so nothing judges {name}. Write or restore the file."
            )
    return dict(rules)


@lru_cache(maxsize=8)
def _load_rules(folder: Path, _: tuple[tuple[str, int, int], ...]) -> dict[str, TableRules]:
    """The files read; once for every pull of a run, unless one of them changes."""
    rules: dict[str, TableRules] = {}
    for file in (folder / f"{name}.yaml" for name in TABLES):
        if not file.is_file():
            continue
        name = file.stem
        found = build_model(TableRules, read_yaml(file), file.name)
        if found.table != name:
            raise Place(file.name, "table").error(
                f"is {found.table!r}, but the file is named {name}. Make them agree."
            )
        rules[name] = found
    strangers = sorted(file.name for file in folder.glob("*.yaml") if file.stem not in TABLES)
    if strangers:
        raise ConfigurationError(f"{folder.name}/{strangers[0]}: no canonical table has that name. Remove the file.")
    return rules
