"""Two policies side by side: which values changed, which changes the month cannot show, and what its banners say."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from compare_city import unset_base

from flows.evaluate.compare import compare_policy_values, compare_results, list_unseen_changes
from flows.month import Month
from flows.moves import PolicyChange
from flows.policy import Policy, PolicyValue
from flows.policy_files import Dated, Leaf
from flows.results import MonthResult, SourceStatus

MARCH = Month(2024, 3)


def value(path: str, text: str, *, tag: str = "assumed", start_on: date = date(2020, 1, 1)) -> PolicyValue:
    return PolicyValue(path, "名称", text, "months", tag, "某文件", start_on, date(2026, 11, 23))


def test_policy_values_are_compared_with_their_tags() -> None:
    kept, changed, ended = value("grades.kept", "1"), value("grades.step_months", "36"), value("grades.ended", "2")
    confirmed = value("grades.confirmed", "3")
    after = [
        kept,
        value("grades.step_months", "30"),
        value("grades.confirmed", "3", tag="sourced"),
        value("grades.added", "4"),
    ]
    found = compare_policy_values([kept, changed, ended, confirmed], after)
    assert [(change.known.path, change.kind) for change in found] == [
        ("grades.step_months", "value"),
        ("grades.ended", "ended"),
        ("grades.confirmed", "standing"),
        ("grades.added", "added"),
    ]


def test_equal_policies_have_no_change() -> None:
    assert compare_policy_values([value("grades.kept", "1")], [value("grades.kept", "1")]) == []


def test_a_change_knows_at_least_one_value() -> None:
    with pytest.raises(ValueError, match="before or after"):
        _ = PolicyChange(None, None).known


def make_policy(path: str, *entries: tuple[date, Any]) -> Policy:
    dated = tuple(Dated(on, what, "assumed", "某文件", date(2024, 1, 1), 1) for on, what in entries)
    return Policy({path: Leaf(path, "名称", "months", False, dated, 1)})


OLD = (date(2020, 1, 1), 36)


@pytest.mark.parametrize(
    ("path", "after", "unseen"),
    [
        # March's grades are asked for on 1 April 2024, its stars on 31 March: both sides of each.
        ("grades.step_months", [OLD, (date(2024, 4, 1), 30)], []),
        ("grades.step_months", [OLD, (date(2024, 4, 2), 30)], [("30", date(2024, 4, 2))]),
        ("five_star.lit_score", [OLD, (date(2024, 3, 31), 30)], []),
        ("five_star.lit_score", [OLD, (date(2024, 4, 1), 30)], [("30", date(2024, 4, 1))]),
        # Ended in time is a change that the month shows.
        ("grades.step_months", [OLD, (date(2024, 1, 1), None)], []),
        ("grades.step_months", [OLD, (date(2025, 1, 1), None)], [("停止适用", date(2025, 1, 1))]),
        # A value between two others, replaced before the month.
        (
            "grades.step_months",
            [OLD, (date(2021, 1, 1), 40), (date(2022, 1, 1), 36)],
            [("40", date(2021, 1, 1))],
        ),
        ("grades.step_months", [OLD], []),
    ],
)
def test_a_value_that_the_month_is_not_judged_by_is_unseen(
    path: str, after: list[tuple[date, Any]], unseen: list[tuple[str, date]]
) -> None:
    found = list_unseen_changes(make_policy(path, OLD), make_policy(path, *after), MARCH)
    assert [(change.known.value, change.known.start_on) for change in found] == unseen


def test_a_later_value_that_only_the_policy_in_use_has_is_unseen_too() -> None:
    path = "grades.step_months"
    found = list_unseen_changes(make_policy(path, OLD, (date(2030, 1, 1), 24)), make_policy(path, OLD), MARCH)
    assert [(change.kind, change.known.value) for change in found] == [("ended", "24")]


def test_a_banner_says_under_which_policy_it_holds(month: MonthResult) -> None:
    missing = replace(
        month.inputs,
        sources=tuple(
            SourceStatus(source.platform, "missing" if source.platform == "sheets" else source.status, "")
            for source in month.inputs.sources
        ),
    )
    without = replace(month, inputs=missing)
    assert compare_results(month, month).banners == []
    assert compare_results(without, without).banners == ["手工报表本月数据未到位。"]
    assert compare_results(month, without).banners == ["拟议政策下，手工报表本月数据未到位。"]
    assert compare_results(without, month).banners == ["现行政策下，手工报表本月数据未到位。"]


def test_the_lack_of_a_base_is_no_banner_for_the_costs_tell_it(month: MonthResult) -> None:
    assert compare_results(month, unset_base(month)).banners == []
