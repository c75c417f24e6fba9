"""The comparison's page: what it tells those who decide on a rule, and what it must never show."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import month_factory
import pytest
from test_report_page import read_text

from flows.evaluate.compare import compare_results
from flows.moves import Comparison
from flows.policy import PolicyValue
from flows.report import comparison_figures as figures
from flows.report import pictures
from flows.report.comparison_page import write_comparison_page
from flows.results import MonthResult

Make = Callable[..., MonthResult]
Render = Callable[[Comparison], str]


def change_values(result: MonthResult, fingerprint: str = "e" * 64, **changes: dict[str, Any]) -> MonthResult:
    """The month judged by another policy as far as its values tell: `changes` by a path's last part."""
    values: list[PolicyValue] = [
        replace(value, **changes.get(value.path.rpartition(".")[2], {})) for value in result.policy_values
    ]
    return replace(result, policy_values=values, inputs=replace(result.inputs, policy_fingerprint=fingerprint))


@pytest.fixture
def render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    """Makes the page with an empty place for each picture."""
    for name in ("draw_bars", "draw_changes", "draw_pairs"):
        monkeypatch.setattr(pictures, name, lambda *args, **options: "<svg></svg>")

    def render(comparison: Comparison) -> str:
        write_comparison_page(tmp_path / "compare.html", comparison)
        return (tmp_path / "compare.html").read_text(encoding="utf-8")

    return render


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, str]:
    """Two months of other stars, proposals and pay as if by two policies, with an odd name, drawn once."""
    before, after = (month_factory.make_month(seed=seed) for seed in (1, 2))
    odd = replace(before.communities[0], name="<i>甲</i>&乙")
    current = {row.staff_id: row.current_grade for row in before.proposals}
    proposals = [replace(row, current_grade=current[row.staff_id]) for row in after.proposals]
    after = replace(
        change_values(after, lit_score={"value": "75.00"}),
        communities=[odd, *after.communities[1:]],
        proposals=proposals,
    )
    comparison = compare_results(before, after)
    folder = tmp_path_factory.mktemp("comparison")
    pages = []
    for name in ("one.html", "two.html"):
        write_comparison_page(folder / name, comparison)
        pages.append((folder / name).read_bytes())
    assert pages[0] == pages[1], "equal content gives equal bytes"
    return comparison, pages[0].decode("utf-8")


def test_no_worker_is_named_or_numbered(drawn: tuple[Comparison, str]) -> None:
    comparison, page = drawn
    assert comparison.workers
    for move in comparison.workers:
        assert move.after.staff_id not in page
        assert move.after.name not in page
        assert move.before.name not in page


def test_the_page_needs_nothing_from_elsewhere(drawn: tuple[Comparison, str]) -> None:
    _, page = drawn
    assert "<script" not in page
    assert not re.search(r'(src|href)="', page)
    assert "url(" not in page
    assert "@import" not in page
    links = set(re.findall(r"https?://[^\"' ]+", page))
    assert links == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_texts_are_escaped(drawn: tuple[Comparison, str]) -> None:
    comparison, page = drawn
    assert comparison.communities[0].direction != "same"
    assert "<i>甲" not in page
    assert "&lt;i&gt;甲&lt;/i&gt;&amp;乙" in page


def test_it_says_that_it_is_a_trial_and_that_stars_are_provisional(drawn: tuple[Comparison, str]) -> None:
    text = read_text(drawn[1])
    assert "2024年3月 政策调整测算" in text
    assert "只作测算，不改变任何结果，也不是决定。星级为月度监测（暂定）" in text
    assert "二、星级：月度监测（暂定）" in text


def test_every_moved_community_stands_there_with_its_stars(drawn: tuple[Comparison, str]) -> None:
    comparison, page = drawn
    text = read_text(page)
    for move in figures.list_moved_communities(comparison.communities):
        assert f"{move.community.name}\n{move.before.stars} → {move.after.stars}" in text


def test_pictures_show_stars_moves_grades_and_costs(drawn: tuple[Comparison, str]) -> None:
    comparison, page = drawn
    # Three of stars, one for each of the three posts, two of costs.
    assert {move.after.post for move in comparison.workers} == {"principal", "deputy", "other"}
    assert page.count("<svg") == 8


def test_a_changed_value_stands_there_twice_each_with_its_tag(make_result: Make, render: Render) -> None:
    result = make_result()
    after = change_values(
        result,
        step_months={"value": "30"},
        base_fen={"value": "350000", "tag": "sourced", "reference": "市发〔2024〕1号"},
    )
    text = read_text(render(compare_results(result, after)))
    reference = "自 2020-01-01　某文件第三条"
    assert f"每晋一级所需月数\n取值改变\n36 月\n{reference}\n二手资料\n30 月\n{reference}\n二手资料" in text
    assert (
        "3,400.00 元\n" + reference + "\n系统假定（非本市规定）\n3,500.00 元\n自 2020-01-01　市发〔2024〕1号\n有出处"
        in text
    )


def test_of_a_table_the_line_that_differs_is_marked(make_result: Make, render: Render) -> None:
    result = make_result()
    other = "star：branch；weight：40；full：0.90；no_data：insufficient"
    page = render(compare_results(result, change_values(result, grid_party_coverage={"value": other})))
    assert "star：branch；weight：40；<b>full：1.00</b>；no_data：insufficient" in page
    assert "star：branch；weight：40；<b>full：0.90</b>；no_data：insufficient" in page


def test_added_and_ended_values_have_one_side_only(make_result: Make, render: Render) -> None:
    result = make_result()
    fewer = replace(result, policy_values=[row for row in result.policy_values if "wish_closed" not in row.path])
    assert "微心愿办结率\n新增\n（无）\nstar：co_building" in read_text(render(compare_results(fewer, result)))
    ended = read_text(render(compare_results(result, fewer)))
    assert "微心愿办结率\n停用\nstar：co_building" in ended


def test_equal_policies_say_that_nothing_differs(make_result: Make, render: Render) -> None:
    result = make_result()
    text = read_text(render(compare_results(result, result)))
    assert "两套政策完全相同，没有差别。" in text
    assert "本月适用的参数没有差别。" in text
    assert "各社区亮的星不变。" in text


def test_a_change_that_the_month_does_not_ask_for_is_told_as_not_reckoned(make_result: Make, render: Render) -> None:
    result = make_result()
    later = compare_results(result, change_values(result, lit_score={"value": "75.00"})).policy_changes
    text = read_text(render(compare_results(result, change_values(result), unseen_changes=later)))
    assert "两套政策文件不同，但本月适用的参数没有差别，测算结果因此相同。" in text
    assert "以下改动本月不适用（起始日不在本月适用的日期），\n没有计入测算" in text
    assert "75.00 分" in text


def test_without_a_base_the_costs_are_open_and_no_zero_is_shown(make_result: Make, render: Render) -> None:
    paid, unpaid = make_result(), make_result(paid=False)
    for before, after, who in (
        (paid, unpaid, "拟议政策"),
        (unpaid, paid, "现行政策"),
        (unpaid, unpaid, "两套政策都"),
    ):
        text = read_text(render(compare_results(before, after)))
        assert f"：{who}没有设定月工资基数，两者的费用无法相比，费用各栏为空（不是零）。" in text
        assert "每月费用增减\n未设定基数\n未计算工资" in text
        assert "各区县每月费用增减" not in text


def test_costs_are_shown_in_yuan_with_their_sign_for_month_and_year(make_result: Make, render: Render) -> None:
    result = make_result(community_count=1, staff_per_community=1)
    more = [replace(line, total_fen=line.total_fen + 12_345) for line in result.pay_lines]
    before_fen = next(line.total_fen for line in result.pay_lines if line.basis == "proposed")
    text = read_text(render(compare_results(result, replace(result, pay_lines=more))))
    # 123.45 yuan a month more is 1,481.40 a year.
    assert "每月费用增减\n+123.45\n元，建议工资合计之差" in text
    assert "全年费用增减\n+1,481.40\n元，按 12 个月推算" in text
    assert f"合计\n1\n1\n0\n{before_fen // 100:,}.00" in text
    assert "不含补发、工作经费和单位缴费" in text


def test_communities_are_counted_by_stars_and_by_district() -> None:
    before, after = (month_factory.make_month(seed=seed, staff_per_community=0) for seed in (1, 2))
    moves = compare_results(before, after).communities
    counts = figures.count_stars(moves)
    assert list(counts) == ["5", "4", "3", "2", "1", "0"]
    assert {side: sum(line[side] for line in counts.values()) for side in ("before", "after")} == {
        "before": 6,
        "after": 6,
    }
    by_district = figures.count_moves_by_district(moves)
    directions = [move.direction for move in moves]
    assert sum(line["gained"] for line in by_district.values()) == directions.count("up")
    assert sum(line["lost"] for line in by_district.values()) == directions.count("down")


def test_kinds_that_become_another_are_counted_most_frequent_first(make_result: Make) -> None:
    result = make_result(community_count=1, staff_per_community=3)
    none = [replace(row, kind="none") for row in result.proposals]
    others = [replace(row, kind=kind) for row, kind in zip(none, ("review", "raise", "raise"), strict=True)]  # type: ignore[arg-type]
    moves = compare_results(replace(result, proposals=none), replace(result, proposals=others)).workers
    assert figures.count_transitions(moves) == [("等级不变", "晋级", 2), ("等级不变", "等级复核", 1)]
    assert figures.count_transitions(compare_results(result, result).workers) == []


def test_grades_are_counted_from_the_lowest_held_to_the_highest(make_result: Make) -> None:
    result = make_result(community_count=1, staff_per_community=1)
    low, high = ([replace(result.proposals[0], proposed_grade=grade)] for grade in (8, 10))
    moves = compare_results(replace(result, proposals=low), replace(result, proposals=high)).workers
    assert figures.count_grades_by_post(moves) == {
        "principal": {
            "8": {"before": 1, "after": 0},
            "9": {"before": 0, "after": 0},
            "10": {"before": 0, "after": 1},
        }
    }
