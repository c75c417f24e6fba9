"""Each shipped rule on both sides of its limit, and Great Expectations agreeing on every one of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ingest_kit import CONFIG
from quality_cases import GOOD, PULLED, REFERENCES, REPORTED, list_cases

from flows.errors import ConfigurationError, QualityGate
from flows.ingest.describe.rules import load_rules
from flows.ingest.judging.gates import PullFacts, judge_pull
from flows.ingest.judging.predicates import Check, find_breaches, list_checks
from flows.ingest.judging.quality import build_expectation, confirm_breaches, count_unexpected, prepare_rows
from flows.lake import arrow_type
from flows.schema import TABLES

RULES = load_rules(CONFIG / "quality")
CHECKS = [(table, check) for table, rules in RULES.items() for check in list_checks(rules, REFERENCES.bands)]
WINDOW = (datetime(2024, 2, 29, 16, tzinfo=UTC), PULLED.replace(tzinfo=UTC))


def make_rows(table: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    columns = TABLES[table].columns
    full = [{**GOOD[table], **row} for row in rows]
    return pa.table({it.name: pa.array([row[it.name] for row in full], arrow_type(it)) for it in columns})


@pytest.mark.parametrize(("table", "check"), CHECKS, ids=[f"{table}-{check.key}" for table, check in CHECKS])
def test_a_rule_passes_what_it_allows_and_finds_what_it_does_not(table: str, check: Check) -> None:
    passing, breaking = list_cases(check, table)
    assert not find_breaches(check, make_rows(table, [{}, *passing]), REFERENCES).any()
    assert find_breaches(check, make_rows(table, breaking), REFERENCES).all()


@pytest.mark.parametrize("table", RULES)
def test_great_expectations_counts_what_our_masks_count(table: str) -> None:
    checks = list_checks(RULES[table], REFERENCES.bands)
    cases = [list_cases(check, table) for check in checks]
    rows = make_rows(table, [{}, *(change for passing, breaking in cases for change in (*passing, *breaking))])
    expectations = [(check.key, build_expectation(check, REFERENCES)) for check in checks]
    found = count_unexpected(expectations, prepare_rows(checks, rows, REFERENCES))
    ours = {check.key: int(find_breaches(check, rows, REFERENCES).sum()) for check in checks}
    assert found == ours
    assert all(ours.values())


@pytest.mark.parametrize("table", RULES)
def test_great_expectations_finds_nothing_in_a_good_row(table: str) -> None:
    checks = list_checks(RULES[table], REFERENCES.bands)
    confirm_breaches(checks, make_rows(table, [{}]), {}, REFERENCES, table)


def test_rows_of_nothing_are_counted_alike() -> None:
    checks = list_checks(RULES["events"], REFERENCES.bands)
    rows = make_rows("events", [dict.fromkeys(GOOD["events"]), dict.fromkeys(GOOD["events"])])
    counts = {check.key: int(find_breaches(check, rows, REFERENCES).sum()) for check in checks}
    confirm_breaches(checks, rows, counts, REFERENCES, "events")


def test_a_disagreement_is_a_gate() -> None:
    checks = list_checks(RULES["sanctions"], {})
    with pytest.raises(QualityGate, match="finds 1 rows, and Great Expectations 0"):
        confirm_breaches(checks, make_rows("sanctions", [{}]), {"required:staff_id": 1}, REFERENCES, "sanctions")


def judge(table: str, **facts: Any) -> list[str]:
    return judge_pull(RULES[table], PullFacts(**facts), WINDOW, {"null:tier": 3}, "p, r")


def test_exactly_twenty_percent_rejected_is_let_through() -> None:
    assert judge("incidents", received_count=100_000, rejected_count=20_000) == []


def test_more_than_twenty_percent_rejected_stops_the_pull() -> None:
    with pytest.raises(QualityGate, match=r"20001 of 100000 rows \(20.001 %\) were rejected.*null:tier 3"):
        judge("incidents", received_count=100_000, rejected_count=20_001)


def test_a_pull_without_rows_has_no_share_of_rejected_ones() -> None:
    assert judge("incidents") == []


def test_a_roster_without_a_row_stops_the_pull() -> None:
    with pytest.raises(QualityGate, match="a file without a row"):
        judge("staff", empty_count=1)
    assert judge("appraisals", empty_count=1) == []


@pytest.mark.parametrize(
    # The mean of the three months before is 100: 50 and 150 are just within 50 %.
    ("count", "is_told"),
    [(49, True), (50, False), (150, False), (151, True)],
)
def test_a_month_far_from_the_three_before_is_told(count: int, is_told: bool) -> None:
    told = judge("incidents", received_count=count, earlier_counts=[80, 100, 120])
    assert [("month_count" in text) for text in told] == [True] * is_told
    months = {"2023-12": 80, "2024-01": 100, "2024-02": 120, "2024-03": count}
    assert len(judge("branch_sheet", received_count=count, month_counts=months)) == is_told


def test_a_month_is_not_compared_with_fewer_than_three() -> None:
    assert judge("incidents", received_count=1000, earlier_counts=[1, 1]) == []
    assert judge("branch_sheet", month_counts={"2024-01": 1, "2024-02": 1, "2024-03": 1000}) == []


def test_a_closure_rate_above_9999_of_ten_thousand_is_told() -> None:
    facts = {"newest_received_at": PULLED, "not_void_count": 10_000}
    assert judge("events", closed_count=9_999, **facts) == []
    assert "10000 of 10000 events (100 %) are closed" in judge("events", closed_count=10_000, **facts)[0]


def test_more_than_26_hours_of_silence_are_told() -> None:
    hours = timedelta(hours=26)
    assert judge("checks", newest_received_at=PULLED - hours) == []
    [told] = judge("checks", newest_received_at=PULLED - hours - timedelta(seconds=1))
    assert "nothing was updated for 26" in told


def test_a_pull_that_brought_nothing_is_silent_for_its_whole_window() -> None:
    assert "nothing was updated for 848 hours" in judge("events")[0]


def test_counts_of_rows_that_passed_are_kept_for_the_pull() -> None:
    facts = PullFacts()
    closed = {"status": "closed", "closed_at": REPORTED, "updated_at": REPORTED + timedelta(hours=1)}
    for rows in ([{}, closed, {"status": "void"}], [closed]):
        facts.note_received(make_rows("events", rows), RULES["events"])
        facts.note_passed(make_rows("events", rows), RULES["events"])
    assert (facts.received_count, facts.not_void_count, facts.closed_count) == (4, 3, 2)
    assert facts.newest_received_at == REPORTED + timedelta(hours=1)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{kind: nul}", "unknown kind 'nul'. Valid kinds: required, listed, pattern"),
        (
            "{kind: required, colums: [name]}",
            "unknown key colums. Valid keys: id, title, reason, severity, kind, columns",
        ),
        ("{kind: required, columns: [nam]}", "rules.a: communities has no column nam. It has: community_code"),
        (
            "{kind: pattern, columns: [name], pattern: '(?=a)b'}",
            "pattern: is '(?=a)b', which cannot be used: Invalid regular expression: invalid perl operator: (?=.",
        ),
        ("{kind: pattern, columns: [name], pattern: '['}", "pattern: is '[', which cannot be used"),
        ("{kind: not_future, columns: [name]}", "rules.a: name is not instant, which the kind not_future judges"),
        ("{kind: silence, maximum_hours: 26, severity: warn}", "communities has no column updated_at"),
        (
            "{kind: rejected_share, maximum_pct: 20, severity: reject}",
            "severity: is 'reject'. It must be stop or warn.",
        ),
    ],
)
def test_a_doubtful_rule_is_refused(tmp_path: Path, rule: str, message: str) -> None:
    head = "{id: a, title: t, reason: r, " + ("" if "severity" in rule else "severity: reject, ")
    (tmp_path / "communities.yaml").write_text(
        f"table: communities\nrules:\n  - {head}{rule[1:]}\n", encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as raised:
        load_rules(tmp_path)
    assert message in str(raised.value)


def test_a_table_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"/communities\.yaml: is missing, so nothing judges communities"):
        load_rules(tmp_path, {"communities"})


def test_a_table_that_no_source_fills_needs_no_rules(tmp_path: Path) -> None:
    (tmp_path / "grids.yaml").write_bytes((CONFIG / "quality" / "grids.yaml").read_bytes())
    assert list(load_rules(tmp_path, {"grids"})) == ["grids"]
