"""Two judgements side by side: who moves, which way, what it costs, from rows small enough to work out by hand."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import month_factory
import pytest
from compare_city import LONGTING, SHUNHE, light, propose, staffed, unset_base
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluate.compare import compare_results
from flows.moves import Comparison, CostLine, MonthlyPay
from flows.results import MonthResult


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
        lines = found.list_costs(level)
        assert sum(line.monthly_change_fen or 0 for line in lines) == total.monthly_change_fen
        assert sum(line.worker_count for line in lines) == total.worker_count == len(workers)


def test_the_cost_of_a_proposal_is_open_for_a_worker_without_a_grade() -> None:
    assert MonthlyPay(None, 340_000).raise_fen is None
    assert MonthlyPay(340_000, 357_000).raise_fen == 17_000
