"""Which rows break which rule: each rule of a quality file as vectorised masks over the canonical columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flows.ingest.describe.rules import (
    Band,
    Between,
    KnownCommunity,
    KnownGrid,
    Listed,
    NotAbove,
    NotBefore,
    NotFuture,
    OwnGrid,
    Pattern,
    Required,
    RequiredWhen,
    RowRule,
    TableRules,
)
from flows.ingest.judging.readings import Mask
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


def _expand(rule: RowRule, table: Table, bands: Bands) -> Iterator[Check]:
    for column in _find_columns(rule, table):
        reason = f"{rule.reason}:{column.name}"
        if isinstance(rule, Band):
            yield from (Check(rule, column, reason, post) for post in bands)
        else:
            yield Check(rule, column, reason)


def _find_columns(rule: RowRule, table: Table) -> list[Column]:
    if rule.columns is not None:
        return [table.by_name[name] for name in rule.columns]
    if isinstance(rule, Required):
        return [column for column in table.columns if not column.nullable]
    return [column for column in table.columns if column.values]


def find_breaches(check: Check, rows: pa.Table, references: References) -> Mask:
    """The rows that break the rule. An empty value breaks only a rule that requires one."""
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
    if isinstance(rule, NotBefore):
        return _mask(pc.less(values, _column(rows, rule.other)))
    if isinstance(rule, NotAbove):
        return _mask(pc.greater(values, _column(rows, rule.other)))
    if isinstance(rule, NotFuture):
        return _mask(pc.greater(values, pa.scalar(references.pulled_at_naive, pa.timestamp("us"))))
    if isinstance(rule, KnownCommunity):
        return _outside(values, references.community_codes)
    if isinstance(rule, KnownGrid):
        return _outside(values, references.grid_codes)
    if isinstance(rule, OwnGrid):
        return _find_strange_grids(values, _column(rows, rule.other), references)
    low, high = references.bands[check.post or ""]
    of_post = _mask(pc.equal(_column(rows, rule.other), check.post))
    return of_post & _find_outside(values, low, high)


def _find_outside(values: pa.Array, low: int | None, high: int | None) -> Mask:
    below = _mask(pc.less(values, low)) if low is not None else np.zeros(len(values), bool)
    return below | _mask(pc.greater(values, high)) if high is not None else below


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
