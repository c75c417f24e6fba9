"""Our masks and Great Expectations count alike on every rule of every shipped file, whatever rows come together."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_kit import CONFIG
from quality_cases import GOOD, PULLED, REFERENCES, REPORTED, list_cases

from flows.ingest.describe.rules import TableRules, load_rules
from flows.ingest.judging.gates import PullFacts, judge_pull
from flows.ingest.judging.predicates import find_breaches, list_checks
from flows.ingest.judging.quality import build_expectation, confirm_breaches, count_unexpected, prepare_rows
from flows.lake import arrow_type
from flows.schema import TABLES, Column

RULES = load_rules(CONFIG / "quality")
SECOND = timedelta(seconds=1)

ODD: dict[str, list[Any]] = {
    "text": [
        "",
        " ",
        "None",
        "nan",
        "null",
        "410202001001\n",
        "410202001001 ",
        "４１０２０２００１００１",
        "G1@x",
        "'",
        "王",
    ],
    "integer": [-1, 0, 1, 12, 18, 19, 10**9, -(10**9)],
    "boolean": [True, False],
    "instant": [REPORTED, REPORTED - SECOND, PULLED, PULLED + timedelta(microseconds=1), datetime(1970, 1, 1)],
    "date": [date(1970, 1, 1), date(2024, 2, 29), date(9999, 12, 31)],
    "month": ["2024-03", "2024-13", "9999-12", "0000-05", ""],
}
"""Values that either judge might take for something else."""


def list_values(rules: TableRules, column: Column) -> list[Any]:
    """What may stand in the column: nothing, good values, those on both sides of each rule's limit, and odd ones."""
    values = [None, GOOD[rules.table][column.name], *ODD[column.kind], *column.values]
    for check in list_checks(rules, REFERENCES.bands):
        values += [
            change[column.name] for side in list_cases(check, rules.table) for change in side if column.name in change
        ]
    if column.kind == "integer":
        values = [int(it) if isinstance(it, str) else it for it in values]
    return list(dict.fromkeys(values))


def make_table(rules: TableRules, rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = TABLES[rules.table].columns
    return pa.table(
        {
            column.name: pa.array([row[place] for row in rows], arrow_type(column))
            for place, column in enumerate(columns)
        }
    )


def count_both(rules: TableRules, rows: pa.Table) -> tuple[dict[str, int], dict[str, int | None]]:
    """What our masks find at fault by each rule, and what Great Expectations finds."""
    checks = list_checks(rules, REFERENCES.bands)
    ours = {check.key: int(find_breaches(check, rows, REFERENCES).sum()) for check in checks}
    expectations = [(check.key, build_expectation(check, REFERENCES)) for check in checks]
    return ours, count_unexpected(expectations, prepare_rows(checks, rows, REFERENCES))


@pytest.mark.parametrize("table", RULES)
@given(data=st.data())
@settings(max_examples=8)
def test_both_count_alike_in_any_mixture(table: str, data: st.DataObject) -> None:
    pools = [list_values(RULES[table], column) for column in TABLES[table].columns]
    drawn = data.draw(st.lists(st.tuples(*map(st.sampled_from, pools)), min_size=1, max_size=25))
    ours, theirs = count_both(RULES[table], make_table(RULES[table], drawn))
    assert theirs == ours


@pytest.mark.parametrize("table", RULES)
def test_both_count_alike_where_every_rule_is_broken_many_times(table: str) -> None:
    rules = RULES[table]
    draw = random.Random(table)
    pools = [list_values(rules, column) for column in TABLES[table].columns]
    rows = make_table(rules, [tuple(draw.choice(pool) for pool in pools) for _ in range(3000)])
    ours, theirs = count_both(rules, rows)
    assert theirs == ours
    assert all(ours.values())
    confirm_breaches(list_checks(rules, REFERENCES.bands), rows, ours, REFERENCES, table)


@pytest.mark.parametrize("table", RULES)
@given(data=st.data())
@settings(max_examples=8)
def test_both_judge_a_pull_alike(table: str, data: st.DataObject) -> None:
    received = data.draw(st.integers(0, 200_000))
    not_void = data.draw(st.integers(0, received))
    silent = data.draw(st.sampled_from([0, 1, 26 * 3600 - 1, 26 * 3600, 26 * 3600 + 1, 10**7]))
    facts = PullFacts(
        received_count=received,
        rejected_count=data.draw(st.sampled_from([0, received // 5, min(received, received // 5 + 1), received])),
        empty_count=data.draw(st.integers(0, 2)),
        not_void_count=not_void,
        closed_count=data.draw(st.sampled_from([0, not_void, not_void - not_void // 10_000])),
        newest_received_at=PULLED - timedelta(seconds=silent),
        month_counts=data.draw(st.dictionaries(st.sampled_from(["2024-01", "2024-02", "2024-03", "2024-04"]),
                                               st.integers(0, 300))),
        earlier_counts=data.draw(st.lists(st.integers(0, 200_000), max_size=3)),
    )  # fmt: skip
    calm = [rule.model_copy(update={"severity": "warn"}) for rule in RULES[table].pull_rules]
    rules = RULES[table].model_copy(update={"rules": calm})
    # A disagreement would be raised; what is told is what broke.
    told = judge_pull(rules, facts, (datetime.fromisoformat("2024-02-29T16:00Z"), REFERENCES.pulled_at), {}, "p, r")
    assert len(told) == sum(measure["broken"] for measure in facts.measures)


def test_a_pattern_means_the_same_to_both() -> None:
    """`$` lets a line feed pass and `\\d` a wide digit in one of the two engines, unless they are told not to."""
    file = RULES["communities"]
    rules = file.model_copy(
        update={
            "rules": [
                rule.model_copy(update={"pattern": r"\d{12}|\w\s"}) if rule.kind == "pattern" else rule
                for rule in file.rules
            ]
        }
    )
    texts = ["410202001001", "410202001001\n", "４１０２０２００１００１", "a ", "a ", "é ", "王 ", "", None]
    good = GOOD["communities"]
    columns = TABLES["communities"].columns
    rows = make_table(
        rules, [tuple({**good, "community_code": it}[column.name] for column in columns) for it in texts]
    )
    ours, theirs = count_both(rules, rows)
    assert theirs == ours
    assert ours["community_code_pattern:community_code"] == 5
