"""Which rows break which rule: each rule of a quality file as vectorised masks over the canonical columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flows.ingest.describe.row_rules import (
    Band,
    Between,
    KnownCommunity,
    KnownGrid,
    Listed,
    NotAbove,
    NotBefore,
    NotBeforeDay,
    NotFuture,
    NotFutureYear,
    Once,
    OwnGrid,
    Pattern,
    Required,
    RequiredWhen,
    RowRule,
    StartsByNextMonth,
)
from flows.ingest.describe.rules import TableRules
from flows.ingest.judging.readings import Mask
from flows.month import MONTH_PATTERN, MONTHS_IN_YEAR, city_day
from flows.schema import Column, Table

Bands = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class References:
    """What rows are judged against beyond themselves.

    `communities` are all codes ever landed in the register, `grids` the communities under which each grid was,
    `pulled_at` the instant of the pull in UTC, `bands` the lowest and highest grade of each post; without them bands
    aren't judged.
    """

    communities: frozenset[str]
    grids: Mapping[str, frozenset[str]]
    pulled_at: datetime
    bands: Bands = field(default_factory=dict)

    @property
    def pulled_at_naive(self) -> datetime:
        return self.pulled_at.replace(tzinfo=None)

    @cached_property
    def community_codes(self) -> pa.Array:
        """Every community, as columns are compared with it."""
        return pa.array(sorted(self.communities), pa.string())

    @cached_property
    def grid_codes(self) -> pa.Array:
        """Every grid, likewise."""
        return pa.array(sorted(self.grids), pa.string())

    @cached_property
    def own_grids(self) -> pa.Array:
        """Every grid with each community under which it was, as `grid@community`."""
        return pa.array([f"{grid}@{code}" for grid, codes in self.grids.items() for code in codes], pa.string())


@dataclass(frozen=True)
class Check:
    """One rule on one column (for a band: one post). `reason` is what a row that breaks it is given."""

    rule: RowRule
    column: Column
    reason: str
    post: str | None = None

    @property
    def key(self) -> str:
        return ":".join(filter(None, (self.rule.id, self.column.name, self.post)))


def list_checks(rules: TableRules, bands: Bands) -> list[Check]:
    """Every rule of the table on every column that it judges, in the file's order."""
    return [check for rule in rules.row_rules for check in _expand(rule, rules.canonical, bands)]


def compares_rows(rules: TableRules) -> bool:
    """Whether a rule compares the rows of a delivery with each other, so that they are judged together."""
    return any(isinstance(rule, Once) for rule in rules.row_rules)


def _expand(rule: RowRule, table: Table, bands: Bands) -> Iterator[Check]:
    for column in _find_columns(rule, table):
        reason = f"{rule.reason}:{column.name}"
        if isinstance(rule, Band):
            yield from (Check(rule, column, reason, post) for post in bands)
        else:
            yield Check(rule, column, reason)


def _find_columns(rule: RowRule, table: Table) -> list[Column]:
    if isinstance(rule, Once):
        return [table.by_name[rule.columns[-1]]]
    if rule.columns is not None:
        return [table.by_name[name] for name in rule.columns]
    if isinstance(rule, Required):
        return [column for column in table.columns if not column.nullable]
    return [column for column in table.columns if column.values]


def find_breaches(check: Check, rows: pa.Table, references: References) -> Mask:
    """The rows that break the rule. An empty value breaks only a rule that requires one.

    A rule that compares rows takes `rows` for all of one delivery.
    """
    rule, values = check.rule, _column(rows, check.column.name)
    if isinstance(rule, Required):
        return _mask(values.is_null())
    if isinstance(rule, RequiredWhen):
        return _mask(pc.and_(values.is_null(), pc.is_in(_column(rows, rule.other), pa.array(rule.values))))
    if isinstance(rule, Listed):
        return _outside(values, pa.array(check.column.values).cast(values.type))
    if isinstance(rule, Pattern):
        return _mask(pc.invert(pc.match_substring_regex(values, f"^(?:{rule.pattern})$")))
    if isinstance(rule, Between):
        return _find_outside(values, rule.minimum, rule.maximum)
    if isinstance(rule, NotBeforeDay):
        return _mask(pc.less(values, pa.scalar(rule.minimum, pa.date32())))
    if isinstance(rule, Once):
        return _find_repeated([_column(rows, name) for name in rule.columns])
    if isinstance(rule, KnownCommunity):
        return _outside(values, references.community_codes)
    if isinstance(rule, KnownGrid):
        return _outside(values, references.grid_codes)
    if isinstance(rule, OwnGrid):
        return _find_strange_grids(values, _column(rows, rule.other), references)
    if isinstance(rule, Band):
        low, high = references.bands[check.post or ""]
        of_post = _mask(pc.equal(_column(rows, rule.other), check.post))
        return of_post & _find_outside(values, low, high)
    return _find_beyond(rule, values, rows, references)


def _find_beyond(
    rule: NotBefore | NotAbove | NotFuture | NotFutureYear | StartsByNextMonth,
    values: pa.Array,
    rows: pa.Table,
    references: References,
) -> Mask:
    """Values beyond another column's, or beyond the pull."""
    if isinstance(rule, NotBefore):
        return _mask(pc.less(values, _column(rows, rule.other)))
    if isinstance(rule, NotAbove):
        return _mask(pc.greater(values, _column(rows, rule.other)))
    if isinstance(rule, NotFuture):
        return _mask(pc.greater(values, pa.scalar(references.pulled_at_naive, pa.timestamp("us"))))
    if isinstance(rule, NotFutureYear):
        return _mask(pc.greater(values, city_day(references.pulled_at).year))
    return _find_late_starts(values, _column(rows, rule.other))


def _find_outside(values: pa.Array, low: int | None, high: int | None) -> Mask:
    below = _mask(pc.less(values, low)) if low is not None else np.zeros(len(values), bool)
    return below | _mask(pc.greater(values, high)) if high is not None else below


def _find_late_starts(days: pa.Array, months: pa.Array) -> Mask:
    """Days after the first of the month that follows; months are counted from the year 0."""
    read = pc.match_substring_regex(months, MONTH_PATTERN)
    text = pc.if_else(read, months, None)
    year, number = (pc.utf8_slice_codeunits(text, *ends).cast(pa.int64()) for ends in ((0, 4), (5, 7)))
    following = pc.add(pc.multiply(year, MONTHS_IN_YEAR), number)
    starting = pc.add(pc.multiply(pc.year(days), MONTHS_IN_YEAR), pc.subtract(pc.month(days), 1))
    is_first = pc.equal(pc.day(days), 1)
    return _mask(pc.or_(pc.greater(starting, following), pc.and_(pc.equal(starting, following), pc.invert(is_first))))


def _find_repeated(columns: Sequence[pa.Array]) -> Mask:
    """Rows whose values in all the columns another row has too."""
    filled = np.logical_and.reduce([_mask(column.is_valid()) for column in columns])
    keys = np.zeros(len(filled), "int64")
    for column in columns:
        codes = column.dictionary_encode().indices.fill_null(0).to_numpy(zero_copy_only=False)
        _, keys = np.unique(keys * (len(codes) + 1) + codes, return_inverse=True)
    counts = np.bincount(keys[filled], minlength=len(keys))
    return cast(Mask, filled & (counts[keys] > 1))


def _find_strange_grids(grids: pa.Array, communities: pa.Array, references: References) -> Mask:
    """Rows whose grid the register knows, but under other communities only."""
    known = pc.is_in(grids, references.grid_codes)
    agrees = pc.is_in(pc.binary_join_element_wise(grids, communities, "@"), references.own_grids)
    return _mask(pc.and_(pc.and_(known, communities.is_valid()), pc.invert(agrees)))


def _column(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _outside(values: pa.Array, allowed: pa.Array) -> Mask:
    return _mask(pc.and_(values.is_valid(), pc.invert(pc.is_in(values, allowed))))


def _mask(truth: pa.Array) -> Mask:
    return cast(Mask, truth.fill_null(False).to_numpy(zero_copy_only=False))
