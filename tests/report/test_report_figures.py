"""The report's counts, from rows small enough to count by hand."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import month_factory

from flows.report import figures
from flows.results import STARS, MonthResult, RatingRow, StarRow

Make = Callable[..., MonthResult]


def make_two(make_result: Make) -> MonthResult:
    """Two communities of one district: the first with two stars lit, the second with none and incomplete."""
    result = make_result(community_count=2, staff_per_community=0)
    first, second = (replace(row, district_code="410202", district_name="龙亭区") for row in result.communities)
    states = ("lit", "lit", "unlit", "vetoed", "withheld")
    reasons = ((), (), ("score",), ("incident",), ("false_closures",))
    stars = [
        StarRow(first.community_code, star, Decimal("81.00"), state, why)  # type: ignore[arg-type]
        for star, state, why in zip(STARS, states, reasons, strict=True)
    ] + [StarRow(second.community_code, star, None, "insufficient_data", ("weight_share",)) for star in STARS]
    ratings = [
        RatingRow(first.community_code, "410202", 2, Decimal("81.00"), True, 1),
        RatingRow(second.community_code, "410202", 0, None, False, None),
    ]
    return replace(result, communities=[second, first], stars=stars, ratings=ratings)


def test_communities_are_counted_by_number_of_stars(make_result: Make) -> None:
    counts = figures.count_stars_by_district(make_two(make_result))
    assert counts == {"龙亭区": {"5": 0, "4": 0, "3": 0, "2": 1, "1": 0, "0": 1}}


def test_ranked_communities_come_before_unranked_ones(make_result: Make) -> None:
    result = make_two(make_result)
    (lines,) = figures.list_lines_by_district(result, None).values()
    assert [line.rating.rank for line in lines if line.rating] == [1, None]
    assert [row.star for row in lines[0].stars if row] == list(STARS)


def test_reasons_are_counted_in_words_most_frequent_first(make_result: Make) -> None:
    assert figures.count_star_reasons(make_two(make_result)) == {
        "有数据的指标权重不足": 5,
        "当月发生经核实的“三零”事件": 1,
        "得分未达亮星线": 1,
        "虚假办结过多": 1,
    }


def test_a_star_that_became_insufficient_is_lost_and_new_communities_are_not_compared(make_result: Make) -> None:
    result = make_two(make_result)
    second = result.communities[0].community_code
    before = [StarRow(second, "branch", Decimal("90.00"), "lit", ())]
    (change,) = figures.list_star_changes(result, before)
    assert (change.community.community_code, change.star, change.direction) == (second, "branch", "lost")
    assert change.reasons == ("有数据的指标权重不足",)


def test_lost_stars_are_counted_by_each_reason_and_gained_ones_are_not(make_result: Make) -> None:
    result = make_two(make_result)
    first, second = result.communities[1].community_code, result.communities[0].community_code
    states = dict.fromkeys([(first, "enterprise"), (first, "safety"), (second, "branch"), (second, "safety")], "lit")
    before = month_factory.relight(result, states | {(first, "branch"): "unlit"})
    changes = figures.list_star_changes(result, before)
    assert sum(change.direction == "gained" for change in changes) == 1
    assert figures.count_loss_reasons(changes) == {
        "有数据的指标权重不足": 2,
        "当月发生经核实的“三零”事件": 1,
        "得分未达亮星线": 1,
    }


def test_a_community_has_the_change_of_each_star_and_of_their_number(make_result: Make) -> None:
    result = make_two(make_result)
    first, second = result.communities[1].community_code, result.communities[0].community_code
    lost = dict.fromkeys([(first, "enterprise"), (first, "safety"), (second, "wellbeing")], "lit")
    before = month_factory.relight(result, lost | {(first, "co_building"): "withheld"})
    ((one, two),) = figures.list_lines_by_district(result, before).values()
    assert one.directions == (None, "gained", "lost", "lost", None)
    # One gained, two lost.
    assert one.net_change == -1
    assert (two.directions, two.net_change) == ((None, None, None, None, "lost"), -1)


def test_as_many_gained_as_lost_is_no_change_in_number(make_result: Make) -> None:
    result = make_two(make_result)
    first = result.communities[1].community_code
    before = month_factory.relight(result, {(first, "branch"): "unlit", (first, "safety"): "lit"})
    ((one, two),) = figures.list_lines_by_district(result, before).values()
    assert (one.directions, one.net_change) == (("gained", None, None, "lost", None), 0)
    assert two.net_change == 0


def test_a_community_that_is_new_has_no_change_and_without_a_month_before_none_has(make_result: Make) -> None:
    result = make_two(make_result)
    first = result.communities[1].community_code
    before = [row for row in result.stars if row.community_code != first]
    ((new, old),) = figures.list_lines_by_district(result, before).values()
    assert (new.directions, new.net_change, old.net_change) == ((None,) * 5, None, 0)
    for previous in (None, []):
        (lines,) = figures.list_lines_by_district(result, previous).values()
        assert [(line.directions, line.net_change) for line in lines] == [((None,) * 5, None)] * 2


def test_key_figures_leave_the_cost_open_while_pay_is_not_computed(make_result: Make) -> None:
    found = figures.count_key_figures(make_two(make_result))
    assert (found.community_count, found.complete_count, found.lit_count) == (2, 1, 2)
    assert found.monthly_difference_fen is None


def test_costs_count_only_workers_whose_pay_is_known_before_and_after(make_result: Make) -> None:
    result = make_result(community_count=1, staff_per_community=3)
    lines = [line for line in result.pay_lines if line.staff_id != result.proposals[0].staff_id]
    only_proposed = next(line for line in result.pay_lines if line.basis == "proposed")
    costs = figures.list_costs_by_district(replace(result, pay_lines=[*lines, only_proposed]))
    assert sum(line.worker_count for line in costs) == len(
        {line.staff_id for line in lines if line.basis == "current"}
    )


def test_the_distribution_runs_from_the_first_grade_to_the_highest_held_or_proposed(make_result: Make) -> None:
    result = make_result(community_count=1, staff_per_community=2)
    first, second = result.proposals
    workers = [
        replace(first, current_grade=9, proposed_grade=8),
        replace(second, current_grade=None, proposed_grade=6),
    ]
    assert list(figures.count_grades(replace(result, proposals=workers))) == [str(grade) for grade in range(1, 10)]
    assert list(figures.count_grades(replace(result, proposals=[]))) == ["1"]


def test_a_worker_without_a_grade_counts_only_as_proposed(make_result: Make) -> None:
    result = make_result(community_count=1, staff_per_community=1)
    worker = replace(result.proposals[0], current_grade=None, proposed_grade=7)
    counts = figures.count_grades(replace(result, proposals=[worker]))
    assert counts["7"] == {"current": 0, "proposed": 1}
    assert sum(line["current"] for line in counts.values()) == 0
