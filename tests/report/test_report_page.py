"""The report's page: what it shows, what it must never show, and that equal content gives equal bytes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import month_factory
import pytest

from flows.report import heat_map, pictures
from flows.report.page import write_report
from flows.results import MonthResult, StarRow, TableQuality

Make = Callable[..., MonthResult]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.inside_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self.inside_style and data.strip():
            self.parts.append(data.strip())


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., str]:
    """Makes the page with its pictures."""

    def draw(
        result: MonthResult, previous: Sequence[StarRow] | None = None, quality: Sequence[TableQuality] = ()
    ) -> str:
        path = tmp_path / "report.html"
        write_report(path, result, 2, previous_stars=previous, quality=quality)
        return path.read_text(encoding="utf-8")

    return draw


@pytest.fixture
def render(draw: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes the page with an empty place for each picture: drawing takes a second or two."""
    for name in ("draw_stacks", "draw_bars", "draw_changes", "draw_pairs"):
        monkeypatch.setattr(pictures, name, lambda *args, **options: "<svg></svg>")
    monkeypatch.setattr(heat_map, "draw_heat_map", lambda *args, **options: "<svg></svg>")
    return draw


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[MonthResult, str]:
    """A month with odd names and everything that a page may hold, drawn once."""
    result = month_factory.make_month(missing=["supervision"], notices=["<b>注意</b>"])
    odd = replace(result.communities[0], name="<i>甲</i>&乙")
    result = replace(result, communities=[odd, *result.communities[1:]])
    path = tmp_path_factory.mktemp("report") / "report.html"
    found = TableQuality("law_enforcement", "events", 2000, 1990, 10, {"not_registered": 10})
    write_report(path, result, 2, previous_stars=result.stars, quality=[found])
    return result, path.read_text(encoding="utf-8")


def read_text(page: str) -> str:
    parser = _Text()
    parser.feed(page)
    return "\n".join(parser.parts)


def find_banners(page: str) -> list[str]:
    return re.findall(r'<p class="banner" role="note">注意：(.*?)</p>', page)


def test_equal_content_gives_equal_bytes(make_result: Make, draw: Callable[..., str]) -> None:
    small = make_result(community_count=1, staff_per_community=1)
    before = month_factory.relight(small, {(row.community_code, row.star): "unlit" for row in small.stars})
    assert draw(small, before) == draw(small, before)


def test_the_title_says_month_and_provisional(make_result: Make, render: Callable[..., str]) -> None:
    assert "<h1>2024年3月 五星支部月度监测结果（暂定）</h1>" in render(make_result())


def test_no_worker_is_named(drawn: tuple[MonthResult, str]) -> None:
    result, page = drawn
    assert result.proposals
    for proposal in result.proposals:
        assert proposal.staff_id not in page
        assert proposal.name not in page


def test_the_page_needs_nothing_from_elsewhere(drawn: tuple[MonthResult, str]) -> None:
    _, page = drawn
    assert "<script" not in page
    assert not re.search(r'(src|href)="', page)
    assert "url(" not in page
    assert "@import" not in page
    links = set(re.findall(r"https?://[^\"' ]+", page))
    assert links == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_texts_are_escaped_in_page_and_pictures(drawn: tuple[MonthResult, str]) -> None:
    _, page = drawn
    assert "<i>甲" not in page
    assert "&lt;i&gt;甲" in page
    assert find_banners(page)[-1] == "&lt;b&gt;注意&lt;/b&gt;"


def test_every_community_stands_on_the_map_with_its_marks_and_scores(drawn: tuple[MonthResult, str]) -> None:
    result, page = drawn
    marks = {"lit": "★", "unlit": "○", "withheld": "△", "vetoed": "×", "insufficient_data": "缺"}
    texts = set(read_text(page).split("\n"))
    assert {community.name for community in result.communities[1:]} <= texts
    assert {f"{marks[row.state]}{row.score or ''}" for row in result.stars} <= texts


def test_texts_in_pictures_can_be_selected_and_take_the_pages_font(drawn: tuple[MonthResult, str]) -> None:
    result, page = drawn
    # Three of stars, one of changes, two of grades, two of costs, one of quality, one of policy, one map a district.
    assert page.count("<svg") == 10 + len({row.district_code for row in result.communities})
    # 10 of 2,000 rejected is 0.5 %.
    assert "0.5%（10 / 2,000）" in read_text(page)
    assert len(re.findall(r"<text[^>]*>[^<]+</text>", page)) > 100
    assert "font-family=" not in page


def test_a_missing_source_is_told_with_its_stars_before_the_notices(
    make_result: Make, render: Callable[..., str]
) -> None:
    page = render(make_result(missing=["public_service"], notices=["名册为补报。"]))
    first, second = find_banners(page)
    assert first.startswith("便民服务平台本月数据未到位。6 个社区的共建共享、宜业兴业、幸福和谐因此判为“数据不足”")
    assert "不代表未达标" in first
    assert second == "名册为补报。"
    assert page.index('class="banner"') < page.index('class="cards"')


def test_with_every_source_and_no_notice_there_is_no_banner(make_result: Make, render: Callable[..., str]) -> None:
    assert find_banners(render(make_result())) == []


def test_the_key_explains_the_signs_of_change_and_is_silent_without_a_month_before(
    make_result: Make, render: Callable[..., str]
) -> None:
    result = make_result()
    with_signs, without = read_text(render(result, result.stars)), read_text(render(result))
    assert "＋\n本月新亮\n－\n上月亮、本月未亮" in with_signs
    assert "粗框格右端的＋、－是与上月相比的变化" in with_signs
    assert "本月新亮" not in without
    assert "粗框格" not in without
    # Once at the map, once in the section that compares.
    assert without.count("没有上月结果，不作比较，图中不标增减。") == 2


def test_why_stars_were_lost_is_drawn_if_any_was(make_result: Make, render: Callable[..., str]) -> None:
    result = make_result()
    unlit = next(row for row in result.stars if row.state == "unlit")
    before = month_factory.relight(result, {(unlit.community_code, unlit.star): "lit"})
    assert "上月亮、本月未亮的星共 1 颗" in read_text(render(result, before))
    assert "什么带走了上月的星" not in render(result, result.stars)


def test_the_card_of_lit_stars_tells_how_many_were_gained_and_lost(
    make_result: Make, render: Callable[..., str]
) -> None:
    result = make_result()
    lit = next(row for row in result.stars if row.state == "lit")
    before = month_factory.relight(result, {(lit.community_code, lit.star): "withheld"})
    # 6 communities of 5 stars.
    assert "共 30 颗，比上月新亮 1、失去 0" in read_text(render(result, before))
    assert "共 30 颗\n" in read_text(render(result))


def test_stars_gained_and_lost_since_last_month_are_named(make_result: Make, render: Callable[..., str]) -> None:
    result = make_result()
    lit = next(row for row in result.stars if row.state == "lit")
    unlit = next(row for row in result.stars if row.state == "unlit" and row.reasons == ("score",))
    before = month_factory.relight(
        result, {(lit.community_code, lit.star): "unlit", (unlit.community_code, unlit.star): "lit"}
    )
    text = read_text(render(result, before))
    titles = {"branch": "支部过硬", "co_building": "共建共享", "enterprise": "宜业兴业", "safety": "平安法治",
              "wellbeing": "幸福和谐"}  # fmt: skip
    assert f"＋{titles[lit.star]}" in text
    assert f"－{titles[unlit.star]}（得分未达亮星线）" in text


def test_an_unchanged_month_and_a_first_month_say_so(make_result: Make, render: Callable[..., str]) -> None:
    result = make_result()
    assert "各社区亮星与上月相同。" in render(result, result.stars)
    assert "没有上月结果，不作比较，图中不标增减。" in render(result)


def test_without_a_pay_base_no_cost_is_shown(make_result: Make, render: Callable[..., str]) -> None:
    text = read_text(render(make_result(paid=False)))
    assert "未设定基数" in text
    assert "各区县每月工资差额" not in text


def test_costs_are_added_up_to_the_fen(make_result: Make, render: Callable[..., str]) -> None:
    result = make_result(community_count=1, staff_per_community=2)
    pay = result.pay_lines[0]
    amounts = {"current": 391_001, "proposed": 408_004}
    lines: list[Any] = [
        replace(pay, staff_id=worker.staff_id, basis=basis, total_fen=fen)
        for worker in result.proposals
        for basis, fen in amounts.items()
    ]
    text = read_text(render(replace(result, pay_lines=lines)))
    # Twice 3,910.01 and 4,080.04: 7,820.02, 8,160.08, difference 340.06.
    assert "7,820.02\n8,160.08\n340.06" in text


def test_a_month_without_proposals_or_communities_is_still_a_page(
    make_result: Make, render: Callable[..., str]
) -> None:
    assert "本月没有等级调整建议。" in render(make_result(staff_per_community=0))
    assert "五星支部" in render(make_result(community_count=0))


def test_data_quality_says_in_chinese_why_rows_were_rejected(make_result: Make, render: Callable[..., str]) -> None:
    found = TableQuality(
        "law_enforcement", "events", 2000, 1990, 10, {"before_reported:closed_at": 7, "not_registered": 3}
    )
    text = read_text(render(make_result(), quality=[found]))
    assert "执法监管平台\n事件\n2,000\n1,990\n10\n早于上报时间（办结时间） 7；社区不在名册 3" in text


def test_assumed_policy_values_are_marked_and_their_share_told(make_result: Make, render: Callable[..., str]) -> None:
    text = read_text(render(make_result()))
    # 5 of 8 = 62.5 %.
    assert text.count("共 8 项，其中系统假定 5 项，占 62.5%。") == 2
    assert text.index("政策参数共 8 项，其中系统假定 5 项") < text.index("一、星级")
    assert "亮星所需得分\n80.00 分\n系统假定（非本市规定）\n某文件第三条" in text


def test_the_foot_names_the_policy_by_the_start_of_its_fingerprint(
    make_result: Make, render: Callable[..., str]
) -> None:
    result = make_result()
    inputs = replace(result.inputs, policy_fingerprint="0123456789abcdef" * 4)
    assert "政策指纹 0123456789ab</footer>" in render(replace(result, inputs=inputs))


def test_a_large_district_is_shown_in_parts_that_fit_a_page(make_result: Make, render: Callable[..., str]) -> None:
    result = make_result(community_count=41, staff_per_community=0)
    one = [replace(row, district_code="410202", district_name="龙亭区") for row in result.communities]
    page = render(replace(result, communities=one))
    # 41 is one more than a part holds.
    assert "龙亭区（1/2）" in page
    assert "龙亭区（2/2）" in page


def test_pages_break_between_pictures_and_rows_and_keep_their_colours_on_paper(
    make_result: Make, render: Callable[..., str]
) -> None:
    style = re.sub(r"\s+", " ", render(make_result()).split("</style>")[0])
    assert "@page { size: A4;" in style
    assert "* { box-sizing: border-box; -webkit-print-color-adjust: exact; print-color-adjust: exact; }" in style
    for rule in (
        r"figure \{[^}]*break-inside: avoid",
        r"tr, \.whole \{ break-inside: avoid",
        r"h2 \{[^}]*break-after: avoid",
    ):
        assert re.search(rule, style), rule


def test_a_city_of_247_communities_weighs_less_than_3_mb(make_result: Make, draw: Callable[..., str]) -> None:
    result = make_result(community_count=247, staff_per_community=1, seed=2)
    # Half of the stars changed: far more signs than a month brings.
    before = month_factory.relight(
        result,
        {(row.community_code, row.star): "unlit" if row.state == "lit" else "lit" for row in result.stars[::2]},
    )
    page = draw(result, before)
    texts = re.findall(r"<text[^>]*>([＋－])</text>", page)
    # 1,235 stars, every second one changed.
    assert len(texts) == 618
    assert len(page.encode()) < 3_000_000
