"""Rows of a pull on their way to a batch: mapped, judged, split into those that pass and those that don't."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from flows.errors import ContractBroken, QualityGate
from flows.ingest.describe.records import Record
from flows.ingest.describe.rules import TableRules
from flows.ingest.judging.gates import PullFacts
from flows.ingest.judging.mapping import Mapped, Mapper
from flows.ingest.judging.predicates import References, compares_rows, find_breaches, list_checks
from flows.ingest.judging.quality import DELIVERY, confirm_breaches
from flows.ingest.judging.raw import write_raw
from flows.ingest.judging.readings import Mask
from flows.lake import PART_ROWS_MAX, QUARANTINE_SCHEMA

RECORDS_AT_ONCE = 10_000
"""Records turned into columns together: what is held as Python objects at any time."""


def cut_evenly(pages: Iterable[Sequence[Record]]) -> Iterator[list[Record]]:
    """The same records in pieces of one size, so that a batch's content doesn't depend on the platform's pages."""
    held: list[Record] = []
    for page in pages:
        held.extend(page)
        while len(held) >= RECORDS_AT_ONCE:
            yield held[:RECORDS_AT_ONCE]
            held = held[RECORDS_AT_ONCE:]
    if held:
        yield held


class Parts(Protocol):
    """What takes judged rows part by part: those that passed, and the rejected ones in `QUARANTINE_SCHEMA`."""

    def add(self, rows: pa.Table, rejected: pa.Table) -> None: ...


@dataclass(frozen=True)
class _Piece:
    """Records that were judged, the rows made of them, and why which of them are rejected."""

    records: Sequence[Record]
    rows: pa.Table
    reasons: Mapping[str, Mask]


class Judge:
    """Fills the batches of one pull of one resource; `name` is how messages call it."""

    def __init__(self, mapper: Mapper, rules: TableRules, references: References, name: str) -> None:
        self.facts = PullFacts()
        self.reason_counts: dict[str, int] = {}
        self._mapper = mapper
        self._rules = rules
        self._references = references
        self._name = name
        self._checks = list_checks(rules, references.bands)
        self._compares_rows = compares_rows(rules)
        self._delivery_no = 0
        self._warned: dict[str, int] = {}
        self._breach_counts: dict[str, int] = {}
        self._seen: list[pa.Table] = []
        self._passed: list[pa.Table] = []
        self._rejected: list[pa.Table] = []
        self._seen_counts: dict[str, int] = {}
        self._seen_count = 0

    def fill_batch(self, batch: Parts, pages: Iterable[Sequence[Record]], part: str = "") -> Iterator[int]:
        """Judge the records of `pages` into `batch`; yields how many of the pull have been judged so far.

        Raises `ContractBroken` where the mapper does; `part` is what it calls the batch.
        """
        number = 0
        self._delivery_no += 1
        self._mapper.start_batch(part)
        for piece in self._judge_together(pages) if self._compares_rows else self._judge_apart(pages):
            self._split(piece)
            number += len(piece.records)
            if number % PART_ROWS_MAX == 0:
                self._write_part(batch)
            if self._seen_count >= PART_ROWS_MAX and not self._compares_rows:
                self._confirm()
            yield self.facts.received_count
        self._mapper.finish_batch(part)
        if self._seen_count >= PART_ROWS_MAX:
            self._confirm()
        if self._passed:
            self._write_part(batch)
        self.facts.empty_count += number == 0

    def finish(self) -> list[str]:
        """Warnings about rows that were kept, rule by rule.

        Raises `QualityGate` if a `stop` rule found any, or if the second judge disagrees.
        """
        self._confirm()
        for check in self._checks:
            count = self._warned.get(check.key, 0)
            if count and check.rule.severity == "stop":
                raise QualityGate(
                    f"{self._name}: {count} rows break the rule {check.rule.id} ({check.reason}), which allows none. "
                    "Nothing was landed: mend the source, then pull again."
                )
        counts: dict[str, int] = {}
        for check in self._checks:
            if check.key in self._warned:
                counts[check.reason] = counts.get(check.reason, 0) + self._warned[check.key]
        return [f"{self._name}: {reason} in {count} rows, which were kept." for reason, count in counts.items()]

    def describe_checks(self) -> list[dict[str, Any]]:
        """For the ledger: each rule on each column, rows judged and rows at fault; then the pull's rules."""
        judged = [
            {
                "key": check.key,
                "rule": check.rule.id,
                "column": check.column.name,
                "reason": check.reason,
                "severity": check.rule.severity,
                "title": check.rule.title,
                "judged_count": self.facts.received_count,
                "breach_count": self._breach_counts.get(check.key, 0),
            }
            for check in self._checks
        ]
        return [*judged, *self.facts.measures]

    def _judge_apart(self, pages: Iterable[Sequence[Record]]) -> Iterator[_Piece]:
        """Each piece by itself, so that no more than one is held."""
        for records, mapped in self._map(pages):
            yield _Piece(records, mapped.rows, self._find_reasons(mapped))

    def _judge_together(self, pages: Iterable[Sequence[Record]]) -> Iterator[_Piece]:
        """All pieces of a delivery with each other, which are held until its end: for registers, not for events."""
        held = list(self._map(pages))
        if not held:
            return
        whole = pa.concat_tables([mapped.rows for _, mapped in held]).combine_chunks()
        reasons = self._find_reasons(Mapped(whole, _join_masks([mapped for _, mapped in held])))
        first = 0
        for records, mapped in held:
            end = first + len(records)
            found = {reason: mask[first:end] for reason, mask in reasons.items() if mask[first:end].any()}
            yield _Piece(records, mapped.rows, found)
            first = end

    def _map(self, pages: Iterable[Sequence[Record]]) -> Iterator[tuple[list[Record], Mapped]]:
        first_no = 0
        for records in cut_evenly(pages):
            yield records, self._mapper.map_records(records, first_no)
            first_no += len(records)

    def _find_reasons(self, mapped: Mapped) -> dict[str, Mask]:
        """Why rows are rejected, by the reason: those of the mapping, then those of the rules; all are counted."""
        reasons: dict[str, Mask] = dict(mapped.reasons)
        for check in self._checks:
            breaches = find_breaches(check, mapped.rows, self._references)
            count = int(np.count_nonzero(breaches))
            if not count:
                continue
            self._seen_counts[check.key] = self._seen_counts.get(check.key, 0) + count
            self._breach_counts[check.key] = self._breach_counts.get(check.key, 0) + count
            if check.rule.severity != "reject":
                self._warned[check.key] = self._warned.get(check.key, 0) + count
                continue
            for cause in ("unreadable", "unmapped", "missing"):
                # That says already why there is no value.
                known = mapped.reasons.get(f"{cause}:{check.column.name}")
                breaches = breaches if known is None else breaches & ~known
            reasons[check.reason] = reasons[check.reason] | breaches if check.reason in reasons else breaches
        return reasons

    def _split(self, piece: _Piece) -> None:
        rows, records = piece.rows, piece.records
        listed: dict[int, list[str]] = {}
        for reason, mask in piece.reasons.items():
            for place in np.flatnonzero(mask).tolist():
                listed.setdefault(place, []).append(reason)
        passed = rows
        if listed:
            places = sorted(listed)
            keep = np.ones(len(records), bool)
            keep[places] = False
            passed = rows.filter(pa.array(keep))
            self._rejected.append(self._describe_rejected(rows.take(places), places, records, listed))
        self._seen.append(self._number(rows))
        self._seen_count += len(records)
        self._passed.append(passed)
        self.facts.rejected_count += len(listed)
        self.facts.note_received(rows, self._rules)
        self.facts.note_passed(passed, self._rules)

    def _number(self, rows: pa.Table) -> pa.Table:
        """The rows with their delivery, where the second judge compares those of one with each other."""
        if not self._compares_rows:
            return rows
        return rows.append_column(DELIVERY, pa.repeat(pa.scalar(self._delivery_no), rows.num_rows))

    def _describe_rejected(
        self, rows: pa.Table, places: Sequence[int], records: Sequence[Record], listed: Mapping[int, list[str]]
    ) -> pa.Table:
        for reasons in listed.values():
            for reason in reasons:
                self.reason_counts[reason] = self.reason_counts.get(reason, 0) + 1
        keys = zip(*(rows.column(name).to_pylist() for name in self._rules.canonical.key), strict=True)
        return pa.table(
            {
                "record_no": rows.column("record_no"),
                "row_key": [None if None in key else "|".join(map(str, key)) for key in keys],
                "reasons": [listed[place] for place in places],
                "raw": [self._write_raw(records[place]) for place in places],
            },
            schema=QUARANTINE_SCHEMA,
        )

    def _write_raw(self, record: Record) -> str:
        try:
            return write_raw(record)
        except RecursionError:
            raise ContractBroken(
                f"{self._name}: a rejected record can't be kept: it is nested some 250 levels deep, or its text is "
                "no Unicode. Ask its owner."
            ) from None

    def _write_part(self, batch: Parts) -> None:
        rejected = pa.concat_tables(self._rejected) if self._rejected else QUARANTINE_SCHEMA.empty_table()
        batch.add(pa.concat_tables(self._passed), rejected)
        self._passed, self._rejected = [], []

    def _confirm(self) -> None:
        """Let the second judge see the rows since it was last asked; small files are judged together."""
        if self._seen:
            seen = pa.concat_tables(self._seen).combine_chunks()
            confirm_breaches(self._checks, seen, self._seen_counts, self._references, self._name)
        self._seen, self._seen_counts, self._seen_count = [], {}, 0


def _join_masks(mapped: Sequence[Mapped]) -> dict[str, Mask]:
    """The mapping's reasons of several pieces, over all their rows."""
    names = dict.fromkeys(reason for it in mapped for reason in it.reasons)
    nothing = [np.zeros(it.rows.num_rows, bool) for it in mapped]
    return {
        name: np.concatenate([it.reasons.get(name, none) for it, none in zip(mapped, nothing, strict=True)])
        for name in names
    }
