"""Codes in Chinese: every code of the result rows has words, and amounts and instants read well."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest

from flows import wording
from flows.month import Month
from flows.policy import PolicyValue
from flows.results import ProposalKind, StarState
from flows.schema import POSTS, TABLES


def test_every_kind_state_post_and_table_has_words() -> None:
    assert set(wording.KINDS) == set(get_args(ProposalKind))
    assert set(wording.STAR_STATES) == set(get_args(StarState)) == set(wording.STAR_MARKS)
    assert set(wording.POSTS) == set(POSTS)
    assert set(wording.TABLES) == set(TABLES)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("weak_branch", "列为软弱涣散党组织"),
        ("source_missing:supervision", "数据来源未到位：综合监督平台"),
        ("gate:grid_party_coverage", "未达门槛：网格党组织覆盖率"),
        ("no_data:unknown", "门槛指标无数据：unknown"),
        ("something_new", "something_new"),
    ],
)
def test_a_star_reason_is_told_in_words(reason: str, words: str) -> None:
    assert wording.describe_star_reason(reason, {"grid_party_coverage": "网格党组织覆盖率"}) == words


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (1, "0.01"), (-5, "-0.05"), (123_456_789, "1,234,567.89"), (-100_000, "-1,000.00")],
)
def test_amounts_are_written_in_yuan_to_the_fen(fen: int, text: str) -> None:
    assert wording.format_yuan(fen) == text


def test_an_instant_is_told_on_the_citys_clock() -> None:
    # 16:00 UTC is midnight in the city.
    assert wording.format_instant(datetime(2024, 4, 2, 16, tzinfo=UTC)) == "2024-04-03 00:00"
    assert wording.format_month(Month(2024, 3)) == "2024年3月"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("2000000", "fen", "20,000.00 元"),
        ("未设定", "fen", "未设定"),
        ("36", "months", "36 月"),
        ("0.05", "ratio", "0.05"),
        ("04-01", "day_of_year", "04-01"),
    ],
)
def test_a_policy_value_reads_with_its_unit(value: str, unit: str, text: str) -> None:
    found = PolicyValue("pay.some", "某值", value, unit, "assumed", "出处", date(2020, 1, 1), date(2026, 11, 23))
    assert wording.describe_policy_figure(found) == text


def test_a_quality_reason_names_the_column() -> None:
    assert wording.describe_quality_reason("before_reported:closed_at") == "早于上报时间（办结时间）"
    assert wording.describe_quality_reason("in_future") == "时间晚于取数时间"
    assert wording.describe_quality_reason("rule_of_ours:field_of_ours") == "rule_of_ours（field_of_ours）"
