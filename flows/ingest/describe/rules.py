"""Quality files: which rows and which pulls must not pass, one file a table (data.md, "Rows that must not pass")."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from flows.errors import ConfigurationError
from flows.ingest.describe.grammar import Place, Strict, build_model, read_yaml
from flows.ingest.describe.row_rules import COLUMN_KINDS, OTHER_KINDS, BaseRowRule, BaseRule, RowRule
from flows.schema import TABLES, Table

PullSeverity = Literal["stop", "warn"]
CrossSeverity = Literal["warn"]


class RejectedShare(BaseRule):
    """The share of a pull's rows that may be rejected."""

    kind: Literal["rejected_share"]
    severity: PullSeverity
    maximum_pct: int = Field(ge=0)


class NotEmpty(BaseRule):
    """Every file, or the pull of a platform, must bring a row."""

    kind: Literal["not_empty"]
    severity: PullSeverity


class MonthCount(BaseRule):
    """The month's row count against the mean of the three months before; `column` tells a row's month."""

    kind: Literal["month_count"]
    severity: PullSeverity
    maximum_pct: int = Field(ge=0)
    column: str | None = None


class ClosureRate(BaseRule):
    """The share of closed events among those not void. `maximum_pct` is decimal text."""

    kind: Literal["closure_rate"]
    severity: PullSeverity
    maximum_pct: str = Field(pattern=r"^\d{1,3}(\.\d+)?$")


class Silence(BaseRule):
    """The time between the newest `updated_at` and the end of the pull's window."""

    kind: Literal["silence"]
    severity: PullSeverity
    maximum_hours: int = Field(ge=0)


class KnownEvent(BaseRule):
    """Event numbers that should have landed as events; `other` names the platform that each is of.

    Events and what refers to them land at the same time, so it is judged after both, and only told.
    """

    kind: Literal["known_event"]
    severity: CrossSeverity
    column: str
    other: str


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
        return [rule for rule in self.rules if isinstance(rule, BaseRowRule)]

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
    wanted = COLUMN_KINDS.get(rule.kind)
    for name in getattr(rule, "columns", None) or []:
        if wanted is not None and table.by_name[name].kind != wanted:
            raise ValueError(f"rules.{rule.id}: {name} is not {wanted}, which the kind {rule.kind} judges. Drop it.")
    wanted, other = OTHER_KINDS.get(rule.kind), getattr(rule, "other", None)
    if wanted is not None and other is not None and table.by_name[other].kind != wanted:
        raise ValueError(f"rules.{rule.id}: {other} is not {wanted}, which {rule.kind} compares with. Correct other.")
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
