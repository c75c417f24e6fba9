"""Great Expectations as the second judge: every rule again as an expectation, and the counts must agree.

The only place that knows `great_expectations`; it is imported when the first rows are judged, since that takes
seconds.
"""

import gc
import threading
import warnings
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flows.errors import QualityGate
from flows.ingest.describe.row_rules import (
    Band,
    Between,
    KnownCommunity,
    KnownGrid,
    Listed,
    NotAbove,
    NotBefore,
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
from flows.ingest.describe.rules import CrossRule
from flows.ingest.judging.predicates import Check, References
from flows.month import city_day

SEVERITIES = {"stop": "critical", "reject": "warning", "warn": "info"}
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""The least that counts. More lists values, which are nobody's business here, and takes longer."""
COLLECTED_AFTER = 50_000
"""New objects after which the collector runs: the records of one piece of a pull."""
PULLED_AT = "__pulled_at"
PULLED_YEAR = "__pulled_year"
DELIVERY = "__delivery"
"""The number of the delivery that brought a row, where rows of one delivery are compared."""
REGISTERED = "__registered"
_LOCK = threading.RLock()


def confirm_breaches(
    checks: Sequence[Check], rows: pa.Table, counts: Mapping[str, int], references: References, name: str
) -> None:
    """Let Great Expectations judge `rows` by the same rules; `counts` is what the masks found, by the check's key.

    Raises `QualityGate` if the two disagree on a rule: then neither is trusted.
    """
    if rows.num_rows == 0 or not checks:
        return
    expectations = [(check.key, build_expectation(check, references)) for check in checks]
    found = count_unexpected(expectations, prepare_rows(checks, rows, references))
    for check in checks:
        ours, theirs = counts.get(check.key, 0), found[check.key]
        if ours != theirs:
            raise QualityGate(
                f"{name}: the rule {check.rule.id} on {check.column.name} finds {ours} rows, and Great Expectations "
                f"{theirs}. Nothing was landed, for one of them is wrong: report this."
            )


def confirm_lookup(rule: CrossRule, looked_up: pa.Table, count: int, name: str) -> None:
    """Let Great Expectations count the rows whose key was not found; `looked_up` has one column, null for those.

    Raises `QualityGate` if it counts another number than `count`.
    """
    if looked_up.num_rows == 0:
        return
    [column] = looked_up.column_names
    found = count_unexpected([(rule.id, build_lookup(rule.id, column, rule.severity))], looked_up)[rule.id]
    if found != count:
        raise QualityGate(
            f"{name}: the rule {rule.id} on {rule.column} finds {count} rows, and Great Expectations {found}. They "
            "have landed, but one of the two is wrong: report this."
        )


def count_unexpected(expectations: Sequence[tuple[str, Any]], rows: pa.Table) -> dict[str, int | None]:
    """How many rows each expectation finds at fault, by its key; nothing where it could not be judged."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gx, batches = _open_context()
        suite = gx.ExpectationSuite(name="rules", expectations=[expectation for _, expectation in expectations])
        batch = batches.get_batch({"dataframe": rows.to_pandas()})
        outcome = batch.validate(suite, result_format=COUNTS_ONLY)
    counts: dict[str, int | None] = {key: None for key, _ in expectations}
    for result in outcome.results:
        count = (result.result or {}).get("unexpected_count")
        counts[result.expectation_config.meta["key"]] = None if count is None else int(count)
    return counts


def prepare_rows(checks: Sequence[Check], rows: pa.Table, references: References) -> pa.Table:
    """The columns that the expectations judge, with those beside them that they are compared to."""
    names = {check.column.name for check in checks}
    names |= {name for check in checks if (name := getattr(check.rule, "other", None)) is not None}
    together = [check.rule for check in checks if isinstance(check.rule, Once)]
    names |= {name for rule in together for name in rule.columns}
    if together and DELIVERY in rows.column_names:
        names.add(DELIVERY)
    judged = rows.select(sorted(names))
    if together and DELIVERY not in names:
        judged = judged.append_column(DELIVERY, pa.repeat(pa.scalar(0), rows.num_rows))
    for check in checks:
        rule, values = check.rule, rows.column(check.column.name)
        if isinstance(rule, NotFuture) and PULLED_AT not in judged.column_names:
            instant = pa.scalar(references.pulled_at_naive, pa.timestamp("us"))
            judged = judged.append_column(PULLED_AT, pa.repeat(instant, rows.num_rows))
        elif isinstance(rule, NotFutureYear) and PULLED_YEAR not in judged.column_names:
            year = pa.scalar(city_day(references.pulled_at).year, pa.int64())
            judged = judged.append_column(PULLED_YEAR, pa.repeat(year, rows.num_rows))
        elif isinstance(rule, StartsByNextMonth):
            judged = judged.append_column(_helper(check), _look_up_latest_starts(rows.column(rule.other)))
        elif isinstance(rule, KnownCommunity):
            judged = judged.append_column(_helper(check), _look_up(values, {it: it for it in references.communities}))
        elif isinstance(rule, KnownGrid):
            judged = judged.append_column(_helper(check), _look_up(values, {it: it for it in references.grids}))
        elif isinstance(rule, OwnGrid):
            judged = judged.append_column(
                _helper(check), _look_up_community(values, rows.column(rule.other), references)
            )
    return judged


def build_expectation(check: Check, references: References) -> Any:
    """The check as an expectation of Great Expectations, with its severity and its key."""
    with _LOCK:
        gx, _ = _open_context()
    given: dict[str, Any] = {"severity": SEVERITIES[check.rule.severity], "meta": {"key": check.key}}
    kind, terms = _describe(check, references)
    return getattr(gx.expectations, kind)(**terms, **given)


def build_limit(key: str, column: str, severity: str, maximum: float) -> Any:
    """An expectation that no value of `column` exceeds `maximum`."""
    with _LOCK:
        gx, _ = _open_context()
    return gx.expectations.ExpectColumnValuesToBeBetween(
        column=column, max_value=maximum, severity=SEVERITIES[severity], meta={"key": key}
    )


def build_lookup(key: str, column: str, severity: str) -> Any:
    """An expectation that every value of `column`, looked up elsewhere, was found."""
    with _LOCK:
        gx, _ = _open_context()
    return gx.expectations.ExpectColumnValuesToNotBeNull(
        column=column, severity=SEVERITIES[severity], meta={"key": key}
    )


def _describe(check: Check, references: References) -> tuple[str, dict[str, Any]]:
    rule, column = check.rule, check.column.name
    if isinstance(rule, Required):
        return "ExpectColumnValuesToNotBeNull", {"column": column}
    if isinstance(rule, RequiredWhen):
        return "ExpectColumnValuesToNotBeNull", {"column": column, **_condition(rule.other, rule.values)}
    if isinstance(rule, Listed):
        values = [int(it) if check.column.kind == "integer" else it for it in check.column.values]
        return "ExpectColumnValuesToBeInSet", {"column": column, "value_set": values}
    if isinstance(rule, Pattern):
        # As Arrow's engine reads it: digits are ASCII, and a line feed at the end counts. `$` would let it pass.
        return "ExpectColumnValuesToMatchRegex", {"column": column, "regex": f"(?a)^(?:{rule.pattern})(?![\\s\\S])"}
    if isinstance(rule, Between):
        return _between(column, rule.minimum, rule.maximum)
    if isinstance(rule, Band):
        low, high = references.bands[check.post or ""]
        kind, terms = _between(column, low, high)
        return kind, {**terms, **_condition(rule.other, [check.post or ""])}
    if isinstance(rule, Once):
        return "ExpectCompoundColumnsToBeUnique", {
            "column_list": [*rule.columns, DELIVERY],
            "ignore_row_if": "any_value_is_missing",
        }
    return _describe_pair(rule, check)


def _describe_pair(rule: RowRule, check: Check) -> tuple[str, dict[str, Any]]:
    """A rule that compares two columns of one row."""
    column = check.column.name
    if isinstance(rule, NotBefore):
        return _greater(column, rule.other)
    if isinstance(rule, NotAbove):
        return _greater(rule.other, column)
    if isinstance(rule, NotFuture):
        return _greater(PULLED_AT, column)
    if isinstance(rule, NotFutureYear):
        return _greater(PULLED_YEAR, column)
    if isinstance(rule, StartsByNextMonth):
        return _greater(_helper(check), column)
    if isinstance(rule, OwnGrid):
        return _equal(_helper(check), rule.other, "either_value_is_missing")
    return _equal(_helper(check), column, "both_values_are_missing")


def _between(column: str, low: int | None, high: int | None) -> tuple[str, dict[str, Any]]:
    return "ExpectColumnValuesToBeBetween", {"column": column, "min_value": low, "max_value": high}


def _greater(greater: str, less: str) -> tuple[str, dict[str, Any]]:
    terms = {"column_A": greater, "column_B": less, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return "ExpectColumnPairValuesAToBeGreaterThanB", terms


def _equal(first: str, second: str, ignored: str) -> tuple[str, dict[str, Any]]:
    return "ExpectColumnPairValuesToBeEqual", {"column_A": first, "column_B": second, "ignore_row_if": ignored}


def _condition(column: str, values: Sequence[str]) -> dict[str, Any]:
    from great_expectations.expectations.row_conditions import Column  # noqa: PLC0415 -- imported already by then

    return {"row_condition": Column(column).is_in(list(values))}


def _helper(check: Check) -> str:
    return f"{REGISTERED}_{check.rule.id}_{check.column.name}"


def _look_up(values: pa.ChunkedArray, register: Mapping[str, str]) -> pa.ChunkedArray:
    """What the register holds for each value; nothing for a value that it doesn't have."""
    keys = pa.array(register, pa.string())
    return pa.array(register.values(), pa.string()).take(pc.index_in(values, keys))


def _look_up_latest_starts(months: pa.ChunkedArray) -> pa.ChunkedArray:
    """The first day after each month; nothing for what is no month."""
    known = {month: _find_next_month(month) for month in pc.unique(months).to_pylist()}
    return pa.array(known.values(), pa.date32()).take(pc.index_in(months, pa.array(known, pa.string())))


def _find_next_month(month: str | None) -> date | None:
    """The first day after the month written YYYY-MM; nothing for what is no month, or the calendar's last."""
    try:
        last_on = date.fromisoformat(f"{month}-28") + timedelta(days=4)
        return last_on.replace(day=1)
    except (ValueError, OverflowError):
        return None


def _look_up_community(
    grids: pa.ChunkedArray, communities: pa.ChunkedArray, references: References
) -> pa.ChunkedArray:
    """The row's own community if its grid was under it, else one under which it was; nothing for an unknown grid."""
    codes = {grid: sorted(found) for grid, found in references.grids.items()}
    homes = _look_up(grids, {grid: found[0] for grid, found in codes.items()})
    for place in range(1, max(map(len, codes.values()), default=0)):
        others = _look_up(grids, {grid: found[place] for grid, found in codes.items() if len(found) > place})
        homes = pc.if_else(pc.equal(others, communities).fill_null(False), others, homes)
    return homes


@cache
def _open_context() -> tuple[Any, Any]:
    """Great Expectations and a place to hand it rows."""
    import great_expectations as gx  # noqa: PLC0415 -- takes seconds, and only judging needs it
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("part")
    # It brings some hundred thousand objects that stay; the collector need not walk them for every page of a pull.
    gc.freeze()
    # Nor look for cycles after every 700 objects: records have none, and come and go by the million.
    gc.set_threshold(COLLECTED_AFTER)
    return gx, asset.add_batch_definition_whole_dataframe("whole")
