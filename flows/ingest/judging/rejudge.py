"""Records that were rejected, mapped and judged again: each for itself, for the pull that they came with is over.

But a rule that compares the rows of a delivery still sees those of it that landed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from flows.errors import ContractBroken
from flows.ingest.describe.records import Record
from flows.ingest.describe.row_rules import Once
from flows.ingest.describe.rules import TableRules
from flows.ingest.describe.source import Resource, Source
from flows.ingest.judging.drift import KnownTypes
from flows.ingest.judging.fields import has_field
from flows.ingest.judging.judge import Judge
from flows.ingest.judging.mapping import Mapped, Mapper
from flows.ingest.judging.predicates import Check, References, find_breaches, list_checks
from flows.ingest.judging.quality import confirm_breaches
from flows.ingest.judging.readings import Mask
from flows.lake import arrow_schema

ReadLanded = Callable[[Sequence[str]], pa.Table]
"""The columns named, of the rows of the delivery that landed."""


@dataclass(frozen=True)
class Verdict:
    """The rows that pass, with the numbers that they had, and the reasons of the others by their number."""

    passed: pa.Table
    stays: Mapping[int, tuple[str, ...]]
    warnings: Sequence[str]


class LenientMapper(Mapper):
    """Maps records that were pulled before, some of each batch.

    What would refuse a whole pull rejects the record: one strange record must not hold up the others. That a mapped
    field is in none of them says little, for few they may be, unless it is mapped otherwise since: `new_columns`.
    """

    def __init__(
        self, source: Source, resource: Resource, name: str, known_types: KnownTypes, new_columns: Collection[str]
    ) -> None:
        contract = "discard_row" if resource.contract == "freeze" else resource.contract
        super().__init__(source, resource.model_copy(update={"contract": contract}), name, known_types)
        self._stated_contract = resource.contract
        self._unseen = set(new_columns)

    def map_records(self, records: Sequence[Record], first_no: int) -> Mapped:
        """The rows of `records`, numbered from `first_no`."""
        for column in sorted(self._unseen):
            if any(has_field(record, self._paths[column]) for record in records):
                self._unseen.discard(column)
        return super().map_records(records, first_no)

    def finish_batch(self, part: str = "") -> None:
        """Nothing is asked of a batch by itself."""
        self.start_batch(part)

    def describe_contract(self) -> dict[str, Any]:
        """For the manifest, as of a pull."""
        return {**super().describe_contract(), "kind": self._stated_contract}

    def refuse_unseen(self) -> None:
        """Raise `ContractBroken` if a field that is mapped otherwise since was in none of the records."""
        if self._unseen:
            missing = [f"{self._resource.fields[column]} (for {column})" for column in sorted(self._unseen)]
            raise ContractBroken(
                f"{self._name}: mapped otherwise since these rows were rejected, and not one of them has "
                f"{', '.join(missing)}. Correct fields; if they are right, pull the rows again instead."
            )


class _Collected:
    """Judged rows, held together instead of written."""

    def __init__(self) -> None:
        self.passed: list[pa.Table] = []
        self.stays: dict[int, tuple[str, ...]] = {}

    def add(self, rows: pa.Table, rejected: pa.Table) -> None:
        self.passed.append(rows)
        for row in rejected.select(["record_no", "reasons"]).to_pylist():
            self.stays[row["record_no"]] = tuple(row["reasons"])


def judge_again(
    mapper: LenientMapper,
    rules: TableRules,
    references: References,
    records: Mapping[int, Record],
    name: str,
) -> Verdict:
    """What becomes of `records`, which stand under the numbers that they had in their batch, ascending.

    A row rule whose severity is `stop` keeps its row out. Raises `QualityGate` if the two judges disagree.
    """
    judge = Judge(mapper, _soften_rules(rules), references, name)
    collected = _Collected()
    for _ in judge.fill_batch(collected, [list(records.values())]):
        pass
    warnings = judge.finish()
    schema = arrow_schema(rules.canonical)
    passed = pa.concat_tables([rows.cast(schema) for rows in collected.passed] or [schema.empty_table()])
    numbers = list(records)
    renumbered = pa.array(numbers, pa.int64()).take(passed.column("record_no"))
    place = schema.get_field_index("record_no")
    return Verdict(
        passed=passed.set_column(place, schema.field(place), renumbered),
        stays={numbers[number]: reasons for number, reasons in sorted(collected.stays.items())},
        warnings=warnings,
    )


def reject_repeated(
    verdict: Verdict, rules: TableRules, references: References, read_landed: ReadLanded, name: str
) -> Verdict:
    """`verdict` with those rows kept out that repeat a landed row of their delivery: nobody can say which is right.

    The landed one is told, for a replay takes nothing back. Raises `QualityGate` if the two judges disagree.
    """
    stays = {number: list(reasons) for number, reasons in verdict.stays.items()}
    warnings = list(verdict.warnings)
    keep = np.ones(verdict.passed.num_rows, bool)
    for check in list_checks(rules, references.bands):
        if not isinstance(check.rule, Once) or check.rule.severity == "warn" or not verdict.passed.num_rows:
            continue
        repeats = _find_repeats(check, read_landed(check.rule.columns), verdict.passed, references, name)
        keep &= ~repeats
        numbers = verdict.passed.column("record_no").filter(pa.array(repeats)).to_pylist()
        for number in numbers:
            stays.setdefault(number, []).append(check.reason)
        if numbers:
            warnings.append(
                f"{name}: {len(numbers)} rejected rows stay, for they repeat rows of the same delivery that landed "
                f"({check.reason}). Those count, and may be wrong too: unless it is put right already, have the "
                "source send each of them once."
            )
    return replace(
        verdict,
        passed=verdict.passed.filter(pa.array(keep)),
        stays={number: tuple(reasons) for number, reasons in sorted(stays.items())},
        warnings=warnings,
    )


def _find_repeats(check: Check, landed: pa.Table, passed: pa.Table, references: References, name: str) -> Mask:
    """The rows of `passed` that break a rule which compares rows, beside those of `landed`."""
    together = pa.concat_tables([landed, passed.select(landed.column_names)])
    breaches = find_breaches(check, together, references)
    confirm_breaches([check], together, {check.key: int(np.count_nonzero(breaches))}, references, name)
    return breaches[landed.num_rows :]


def _soften_rules(rules: TableRules) -> TableRules:
    """The rules with rows rejected by what would stop a pull."""
    softened = [
        rule.model_copy(update={"severity": "reject"})
        if rule in rules.row_rules and rule.severity == "stop"
        else rule
        for rule in rules.rules
    ]
    return rules.model_copy(update={"rules": softened})
