"""Rows of one delivery compared with each other: across the pieces in which they are read, and by both judges."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_kit import CONFIG
from platform_server import CARD
from quality_cases import GOOD, REFERENCES

from flows.errors import QualityGate
from flows.ingest.describe.rules import load_rules
from flows.ingest.describe.source import Source
from flows.ingest.judging import judge as judging
from flows.ingest.judging.judge import Judge
from flows.ingest.judging.mapping import Mapper
from flows.ingest.judging.predicates import References, find_breaches, list_checks
from flows.ingest.judging.quality import DELIVERY, build_expectation, confirm_breaches, count_unexpected, prepare_rows
from flows.lake import arrow_type
from flows.schema import TABLES

STAFF = load_rules(CONFIG / "quality")["staff"]
[ONCE] = [check for check in list_checks(STAFF, {}) if check.rule.kind == "once"]
ROSTER = f"""
platform: sheets
title: Sheets
{CARD}
connection: {{kind: files, path: drop}}
resources:
  staff:
    table: staff
    files: "*.csv"
    format: csv
    fields: {{{", ".join(f"{name}: {name}" for name in GOOD["staff"])}}}
"""


class Kept:
    """Holds what a batch would be given, part by part."""

    def __init__(self) -> None:
        self.parts: list[tuple[list[str], list[int]]] = []

    def add(self, rows: pa.Table, rejected: pa.Table) -> None:
        self.parts.append((rows.column("staff_id").to_pylist(), rejected.column("record_no").to_pylist()))

    @property
    def passed(self) -> list[str]:
        return [staff_id for passed, _ in self.parts for staff_id in passed]

    @property
    def rejected(self) -> list[int]:
        return [number for _, numbers in self.parts for number in numbers]


@pytest.fixture
def judge(make_source: Callable[[str], Source], monkeypatch: pytest.MonkeyPatch) -> Judge:
    """A judge of rosters, which reads three records at once and writes parts of six."""
    monkeypatch.setattr(judging, "RECORDS_AT_ONCE", 3)
    monkeypatch.setattr(judging, "PART_ROWS_MAX", 6)
    source = make_source(ROSTER)
    return Judge(Mapper(source, source.resources["staff"], "sheets, staff"), STAFF, REFERENCES, "sheets, staff")


def fill(judge: Judge, staff_ids: Sequence[str | None]) -> Kept:
    kept = Kept()
    records = [{**GOOD["staff"], "staff_id": staff_id} for staff_id in staff_ids]
    assert list(judge.fill_batch(kept, [records]))
    return kept


def test_a_worker_who_comes_again_in_a_later_piece_is_found_in_the_earlier_one_too(judge: Judge) -> None:
    kept = fill(judge, ["a", "b", "c", "d", "e", "f", "g", "a", "h", "i", "j", "k", "l", "c"])
    assert kept.rejected == [0, 2, 7, 13]
    assert kept.passed == ["b", "d", "e", "f", "g", "h", "i", "j", "k", "l"]
    # Parts are cut where six records end, as when rows are judged piece by piece.
    assert [len(passed) + len(rejected) for passed, rejected in kept.parts] == [6, 6, 2]
    judge.finish()
    assert judge.reason_counts == {"repeated:staff_id": 4}


def test_a_worker_who_comes_again_in_another_delivery_of_the_pull_is_no_repetition(judge: Judge) -> None:
    assert fill(judge, ["a", "b"]).rejected == []
    assert fill(judge, ["a", "c", "c"]).rejected == [1, 2]
    # The second judge sees both deliveries at once.
    judge.finish()


def test_a_row_without_a_number_repeats_nobody(judge: Judge) -> None:
    kept = fill(judge, ["a", None, "b", None, "c"])
    assert kept.passed == ["a", "b", "c"]
    assert set(judge.reason_counts) == {"null:staff_id"}


def test_no_delivery_is_split_between_two_calls_of_the_second_judge(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[int] = []

    def confirm(checks: object, rows: pa.Table, *others: Any) -> None:
        confirmed.append(rows.num_rows)

    monkeypatch.setattr(judging, "confirm_breaches", confirm)
    fill(judge, [f"a{number}" for number in range(20)])
    fill(judge, ["b", "c"])
    judge.finish()
    assert confirmed == [20, 2]


def make_rows(keys: Sequence[tuple[int, str | None, str | None]]) -> pa.Table:
    """Rows of the roster with these deliveries, months and numbers."""
    rows = [{**GOOD["staff"], "month": month, "staff_id": staff_id} for _, month, staff_id in keys]
    columns = {it.name: pa.array([row[it.name] for row in rows], arrow_type(it)) for it in TABLES["staff"].columns}
    return pa.table({**columns, DELIVERY: pa.array([number for number, _, _ in keys], pa.int64())})


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.sampled_from(["2024-03", "2024-04", None]),
            st.sampled_from(["1", "11", "12", "2", "", "\x1f", None]),
        ),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=25)
def test_both_judges_count_repeated_rows_alike(keys: list[tuple[int, str | None, str | None]]) -> None:
    rows = make_rows(keys)
    ours = sum(
        int(find_breaches(ONCE, make_rows([key for key in keys if key[0] == number]), REFERENCES).sum())
        for number in {key[0] for key in keys}
    )
    expected = sum(None not in key and keys.count(key) > 1 for key in keys)
    found = count_unexpected(
        [(ONCE.key, build_expectation(ONCE, REFERENCES))], prepare_rows([ONCE], rows, REFERENCES)
    )
    assert (ours, found) == (expected, {ONCE.key: expected})


def test_a_repetition_that_only_one_judge_finds_is_a_gate() -> None:
    rows = make_rows([(1, "2024-03", "a"), (1, "2024-03", "a")])
    with pytest.raises(QualityGate, match="worker_once on staff_id finds 0 rows, and Great Expectations 2"):
        confirm_breaches([ONCE], rows, {}, REFERENCES, "sheets, staff")


@pytest.mark.parametrize(
    ("pulled_at", "rejected"),
    [
        # The city's new year begins at 16:00 UTC.
        (datetime(2024, 12, 31, 15, 59, 59, tzinfo=UTC), [False, True]),
        (datetime(2024, 12, 31, 16, tzinfo=UTC), [False, False]),
    ],
)
def test_the_year_of_a_pull_is_the_citys(pulled_at: datetime, rejected: list[bool]) -> None:
    appraisals = load_rules(CONFIG / "quality")["appraisals"]
    [check] = [it for it in list_checks(appraisals, {}) if it.rule.kind == "not_future_year"]
    references = References(frozenset(), {}, pulled_at)
    rows = pa.table({"year": pa.array([2024, 2025], pa.int64())})
    assert find_breaches(check, rows, references).tolist() == rejected
    expectation = build_expectation(check, references)
    found = count_unexpected([(check.key, expectation)], prepare_rows([check], rows, references))
    assert found == {check.key: sum(rejected)}
