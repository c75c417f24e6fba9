"""Two judgements side by side: who moves, which way, and what it costs, from rows small enough to work out by hand.

Pay in these rows is 3,400.00 yuan at grade 1 and 170.00 more for each further grade (`month_factory`), so grade 3 has
374,000 fen, 4 has 391,000, 5 has 408,000, 6 has 425,000 and 8 has 459,000.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import month_factory
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluate.assessment import NO_BASE_NOTICE
from flows.evaluate.compare import compare_policy_values, compare_results, list_unseen_changes
from flows.month import Month
from flows.moves import Comparison, CostLine, MonthlyPay, PolicyChange
from flows.policy import Policy, PolicyValue
from flows.policy_files import Dated, Leaf
from flows.results import STARS, Community, MonthResult, PayLine, Proposal, RatingRow, SourceStatus, StarRow

Make = Callable[..., MonthResult]

MARCH = Month(2024, 3)
LONGTING = Community("410202001001", "甲社区", "410202001", "一街道", "410202", "龙亭区")
SHUNHE = Community("410203001001", "乙社区", "410203001", "一街道", "410203", "顺河区")
FIRST_PAY_FEN, STEP_FEN = 340_000, 17_000


@pytest.fixture
def month(make_result: Make) -> MonthResult:
    """Two communities without stars lit and without workers."""
    result = make_result(community_count=0, staff_per_community=0)
    result = replace(result, communities=[LONGTING, SHUNHE])
    return light(light(result, LONGTING), SHUNHE)


def light(result: MonthResult, community: Community, *lit: str) -> MonthResult:
    """The month with these stars of one community lit, and its others unlit for their score."""
    code = community.community_code
    own = [
        StarRow(code, star, Decimal("85.00"), "lit", ())
        if star in lit
        else StarRow(code, star, Decimal("70.00"), "unlit", ("score",))
        for star in STARS
    ]
    rating = RatingRow(code, community.district_code, len(lit), Decimal("76.00"), True, None)
    return replace(
        result,
        stars=[*(row for row in result.stars if row.community_code != code), *own],
        ratings=[*(row for row in result.ratings if row.community_code != code), rating],
    )


def propose(staff_id: str, post: str, current: int | None, proposed: int, kind: str, **others: Any) -> Proposal:
    about = {
        "community_code": LONGTING.community_code,
        "entitled_grade": proposed,
        "needs_manual": False,
        "reasons": (),
    }
    return Proposal(
        staff_id=staff_id, post=post, current_grade=current, proposed_grade=proposed, kind=kind,  # type: ignore[arg-type]
        effective_on=date(2024, 4, 1), name="某人", committee_member=False, degree="none", certificate="none",
        trace=(), **{**about, **others},
    )  # fmt: skip


def pay(proposals: Sequence[Proposal], first_fen: int = FIRST_PAY_FEN) -> list[PayLine]:
    lines = []
    for row in proposals:
        for basis, grade in (("current", row.current_grade), ("proposed", row.proposed_grade)):
            if grade is not None:
                total_fen = first_fen + STEP_FEN * (grade - 1)
                lines.append(PayLine(row.staff_id, basis, grade, "absent", total_fen, 0, 0, total_fen))  # type: ignore[arg-type]
    return lines


def staffed(result: MonthResult, proposals: Sequence[Proposal], first_fen: int = FIRST_PAY_FEN) -> MonthResult:
    return replace(result, proposals=proposals, pay_lines=pay(proposals, first_fen))


def find_line(comparison: Comparison, level: str, district_code: str = "", post: str = "") -> CostLine:
    (line,) = (
        line
        for line in comparison.costs
        if (line.level, line.district_code, line.post) == (level, district_code, post)
    )
    return line


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ((), ("safety",), ("up", ("safety",), ())),
        (("branch", "safety"), ("safety",), ("down", (), ("branch",))),
        (("branch",), ("safety",), ("swapped", ("safety",), ("branch",))),
        # One lost and two gained is one more.
        (("branch",), ("co_building", "safety"), ("up", ("co_building", "safety"), ("branch",))),
        (("branch",), ("branch",), ("same", (), ())),
    ],
)
def test_a_community_moves_by_the_number_of_its_stars(
    month: MonthResult, before: tuple[str, ...], after: tuple[str, ...], moved: tuple[Any, ...]
) -> None:
    found = compare_results(light(month, SHUNHE, *before), light(month, SHUNHE, *after))
    still, move = found.communities
    assert (still.community, still.direction) == (LONGTING, "same")
    assert (move.community, move.direction, move.gained, move.lost) == (SHUNHE, *moved)
    assert (move.before.stars, move.after.stars) == (len(before), len(after))


def test_a_star_that_falls_from_unlit_to_insufficient_is_no_loss(month: MonthResult) -> None:
    after = replace(
        month, stars=[replace(row, state="insufficient_data", reasons=("weight_share",)) for row in month.stars]
    )
    assert [move.direction for move in compare_results(month, after).communities] == ["same", "same"]


def test_a_score_that_moves_without_its_star_is_kept_on_both_sides(month: MonthResult) -> None:
    after = replace(month, stars=[replace(row, score=Decimal("71.00")) for row in month.stars])
    move = compare_results(month, after).communities[0]
    assert move.direction == "same"
    assert [(row.score, other.score) for row, other in zip(move.stars_before, move.stars_after, strict=True)] == [
        (Decimal("70.00"), Decimal("71.00"))
    ] * 5


def make_four(month: MonthResult) -> tuple[MonthResult, MonthResult]:
    """Four workers, one for each way to move; what they cost is worked out in the tests.

    A (other) gets a raise only after; B (deputy, another district) only before, and is on hold after; C (other) is
    graded for the first time, one grade higher after; D (principal) comes under review and keeps the grade.
    """
    elsewhere = {"community_code": SHUNHE.community_code}
    before = [
        propose("A", "other", 3, 3, "none"),
        propose("B", "deputy", 5, 6, "raise", **elsewhere),
        propose("C", "other", None, 1, "initial"),
        propose("D", "principal", 8, 8, "none"),
    ]
    after = [
        propose("A", "other", 3, 4, "raise"),
        propose("B", "deputy", 5, 5, "hold", entitled_grade=6, reasons=("appraisal_missing",), **elsewhere),
        propose("C", "other", None, 2, "initial"),
        propose(
            "D", "principal", 8, 8, "review", entitled_grade=7, needs_manual=True, reasons=("entitled_below_current",)
        ),
    ]
    return staffed(month, before), staffed(month, after)


def test_workers_move_by_their_proposed_grade_and_pay(month: MonthResult) -> None:
    moves = compare_results(*make_four(month)).workers
    assert [(move.after.staff_id, move.direction, move.monthly_change_fen) for move in moves] == [
        ("A", "up", 17_000),
        ("B", "down", -17_000),
        ("C", "up", 17_000),
        ("D", "same", 0),
    ]
    assert [move.pay_direction for move in moves] == ["up", "down", "up", "same"]
    # D keeps grade and pay, but a person must look at it.
    assert all(move.is_treated_otherwise for move in moves)


def test_a_worker_whom_nothing_changes_for_is_not_treated_otherwise(month: MonthResult) -> None:
    same = staffed(month, [propose("A", "other", 3, 3, "none")])
    (move,) = compare_results(same, same).workers
    assert (move.direction, move.pay_direction, move.is_treated_otherwise) == ("same", "same", False)


def test_the_citys_cost_is_the_difference_of_all_proposed_pay(month: MonthResult) -> None:
    line = find_line(compare_results(*make_four(month)), "city")
    # Before: A 374,000 + B 425,000 + C 340,000 + D 459,000. After: A 391,000 + B 408,000 + C 357,000 + D 459,000.
    assert (line.before_fen, line.after_fen) == (1_598_000, 1_615_000)
    assert (line.monthly_change_fen, line.yearly_change_fen) == (17_000, 204_000)
    assert (line.worker_count, line.without_pay_count) == (4, 0)
    assert (line.grade_up_count, line.grade_down_count, line.pay_up_count, line.pay_down_count) == (2, 1, 2, 1)


def test_the_cost_is_told_by_what_it_is_made_of(month: MonthResult) -> None:
    line = find_line(compare_results(*make_four(month)), "city")
    # One raise of one grade on each side, B's before and A's after; C's first grade is one higher.
    assert (line.raise_cost_before_fen, line.raise_cost_after_fen) == (17_000, 17_000)
    assert (line.standard_change_fen, line.initial_change_fen) == (0, 17_000)


def test_costs_are_told_by_district_by_post_and_by_both_highest_post_first(month: MonthResult) -> None:
    found = compare_results(*make_four(month))
    assert [(line.level, line.district_code, line.post, line.monthly_change_fen) for line in found.costs] == [
        ("city", "", "", 17_000),
        ("district", "410202", "", 34_000),
        ("district", "410203", "", -17_000),
        ("post", "", "principal", 0),
        ("post", "", "deputy", -17_000),
        ("post", "", "other", 34_000),
        ("district_post", "410202", "principal", 0),
        ("district_post", "410202", "other", 34_000),
        ("district_post", "410203", "deputy", -17_000),
    ]


def test_what_lies_before_hr_is_counted_on_both_sides(month: MonthResult) -> None:
    before, after = compare_results(*make_four(month)).count_workloads()
    # Before: B's raise and C's first grade. After: A's raise, C's first grade and D's review; B on hold.
    assert (before.awaiting_count, before.manual_count, before.held_count, before.review_count) == (2, 0, 0, 0)
    assert (after.awaiting_count, after.manual_count, after.held_count, after.review_count) == (3, 1, 1, 1)


def test_another_base_pays_the_same_grades_otherwise(month: MonthResult) -> None:
    workers = [propose("A", "other", 3, 4, "raise"), propose("B", "other", 5, 5, "hold")]
    line = find_line(compare_results(staffed(month, workers), staffed(month, workers, 350_000)), "city")
    # 10,000 more for each of two; the raise is one step of 17,000 under both.
    assert (line.monthly_change_fen, line.standard_change_fen) == (20_000, 20_000)
    assert (line.raise_cost_before_fen, line.raise_cost_after_fen) == (17_000, 17_000)
    assert (line.grade_up_count, line.pay_up_count) == (0, 2)


def test_a_worker_without_a_pay_line_under_one_policy_is_counted_apart(month: MonthResult) -> None:
    before, after = make_four(month)
    after = replace(after, pay_lines=[line for line in after.pay_lines if line.staff_id != "B"])
    line = find_line(compare_results(before, after), "city")
    # Without B: 374,000 + 340,000 + 459,000 and 391,000 + 357,000 + 459,000.
    assert (line.before_fen, line.after_fen, line.without_pay_count) == (1_173_000, 1_207_000, 1)
    assert line.worker_count == 4
    # Of the 34,000 more A's raise is one half and C's higher first grade the other; B's raise stays out too.
    assert (line.raise_cost_before_fen, line.raise_cost_after_fen, line.initial_change_fen) == (0, 17_000, 17_000)


def unset_base(result: MonthResult) -> MonthResult:
    return replace(
        result,
        pay_lines=[],
        policy_values=[
            replace(value, value="未设定") if value.path == "pay.base_fen" else value
            for value in result.policy_values
        ],
        notices=[NO_BASE_NOTICE],
    )


def test_without_a_base_under_one_policy_the_cost_is_open_and_the_others_raises_are_told(month: MonthResult) -> None:
    before, after = make_four(month)
    found = compare_results(before, unset_base(after))
    line = found.total
    assert (found.is_paid_before, found.is_paid_after) == (True, False)
    assert (line.before_fen, line.after_fen, line.monthly_change_fen, line.yearly_change_fen) == (None,) * 4
    assert (line.standard_change_fen, line.initial_change_fen, line.raise_cost_after_fen) == (None,) * 3
    assert (line.raise_cost_before_fen, line.without_pay_count) == (17_000, 4)
    # Grades are compared all the same.
    assert (line.grade_up_count, line.grade_down_count, line.pay_up_count) == (2, 1, 0)


def test_without_any_base_nothing_is_called_free(month: MonthResult) -> None:
    before, after = make_four(month)
    line = compare_results(unset_base(before), unset_base(after)).total
    assert (line.monthly_change_fen, line.raise_cost_before_fen, line.raise_cost_after_fen) == (None,) * 3


def test_a_month_without_workers_costs_nothing_more(month: MonthResult) -> None:
    found = compare_results(month, month)
    assert [line.level for line in found.costs] == ["city"]
    assert (found.total.monthly_change_fen, found.total.worker_count) == (0, 0)


def test_a_worker_whose_community_is_no_longer_valid_stands_under_elsewhere(month: MonthResult) -> None:
    lost = staffed(
        month,
        [
            propose("A", "other", 3, 3, "none", community_code="410299001001"),
            propose("B", "other", 3, 3, "none"),
        ],
    )
    districts = compare_results(lost, lost).list_costs("district")
    assert [(line.district_code, line.district_name) for line in districts] == [("410202", "龙亭区"), ("", "其他")]


def test_the_order_of_rows_changes_nothing(month: MonthResult) -> None:
    before, after = make_four(month)
    turned = [
        replace(
            result,
            proposals=result.proposals[::-1],
            pay_lines=result.pay_lines[::-1],
            stars=result.stars[::-1],
            ratings=result.ratings[::-1],
            communities=result.communities[::-1],
        )
        for result in (before, after)
    ]
    assert compare_results(*turned) == compare_results(before, after)


WORKER = st.tuples(
    st.sampled_from([LONGTING.community_code, SHUNHE.community_code, "410299001001"]),
    st.sampled_from(["principal", "deputy", "other"]),
    st.one_of(st.none(), st.integers(1, 18)),
    st.integers(1, 18),
    st.integers(1, 18),
)


@given(workers=st.lists(WORKER, max_size=12), bases=st.tuples(st.integers(1, 500_000), st.integers(1, 500_000)))
def test_every_total_is_the_sum_of_its_parts_to_the_fen(workers: list[Any], bases: tuple[int, int]) -> None:
    empty = month_factory.make_month(community_count=0, staff_per_community=0)
    empty = replace(empty, communities=[])
    sides = []
    for side, base in enumerate(bases):
        proposals = [
            propose(f"K{index}", post, current, (before, after)[side], "none", community_code=code)
            for index, (code, post, current, before, after) in enumerate(workers)
        ]
        sides.append(staffed(empty, proposals, base))
    found = compare_results(*sides)
    for line in found.costs:
        assert line.monthly_change_fen is not None
        assert line.raise_cost_before_fen is not None
        assert line.raise_cost_after_fen is not None
        assert line.standard_change_fen is not None
        assert line.initial_change_fen is not None
        raises_fen = line.raise_cost_after_fen - line.raise_cost_before_fen
        assert line.monthly_change_fen == line.standard_change_fen + raises_fen + line.initial_change_fen
    total = found.total
    assert total.monthly_change_fen == sum(move.monthly_change_fen or 0 for move in found.workers)
    for level in ("district", "post", "district_post"):
        lines = found.list_costs(level)  # type: ignore[arg-type]
        assert sum(line.monthly_change_fen or 0 for line in lines) == total.monthly_change_fen
        assert sum(line.worker_count for line in lines) == total.worker_count == len(workers)


def test_the_cost_of_a_proposal_is_open_for_a_worker_without_a_grade() -> None:
    assert MonthlyPay(None, 340_000).raise_fen is None
    assert MonthlyPay(340_000, 357_000).raise_fen == 17_000


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
