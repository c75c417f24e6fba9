"""What the messages say, and what none of them may say."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from jinja2 import StrictUndefined, UndefinedError

from flows.errors import QualityGate
from flows.month import Month
from flows.notify.config import NotifyConfig
from flows.notify.contents import PublicationNotice
from flows.notify.messages import describe_publication
from flows.results import MonthResult, RatingRow


def body_of(ledger, message: str, unit_code: str) -> str:
    found = [row for row in ledger.outbox.list_messages() if (row.message, row.unit_code) == (message, unit_code)]
    assert len(found) == 1
    return found[0].body


def rate(result: MonthResult, code: str, **values: object) -> MonthResult:
    ratings = [replace(row, **values) if row.community_code == code else row for row in result.ratings]
    return replace(result, ratings=ratings)


def set_star(result: MonthResult, code: str, star: str, **values: object) -> MonthResult:
    stars = [
        replace(row, **values) if (row.community_code, row.star) == (code, star) else row for row in result.stars
    ]
    return replace(result, stars=stars)


def test_every_unit_gets_its_own_message(make_result, save, queue, ledger):
    result = save(make_result(community_count=20))
    queue(result)
    rows = ledger.outbox.list_messages()
    cards = {row.unit_code: row for row in rows if row.message == "star_card"}
    rankings = {row.unit_code: row for row in rows if row.message == "district_ranking"}
    assert set(cards) == {community.community_code for community in result.communities}
    assert set(rankings) == {community.district_code for community in result.communities}
    assert [row.role for row in rows if row.message == "hr_digest"] == ["hr"]
    for community in result.communities:
        mine = cards[community.community_code]
        assert community.name in mine.body
        assert (mine.role, mine.address) == ("secretary", f"secretary-{community.community_code}")
        for other in result.communities:
            # Names end in 社区, so that none is a part of another here.
            assert other is community or other.name not in mine.body
            held = other.name in rankings[community.district_code].body
            assert held == (other.district_code == community.district_code)


def test_a_star_card_tells_states_scores_reasons_and_rank(make_result, save, queue, ledger):
    result = make_result()
    code = result.communities[0].community_code
    result = set_star(
        result,
        code,
        "branch",
        state="unlit",
        score=Decimal("79.99"),
        reasons=("gate:grid_party_coverage", "score"),
    )
    result = set_star(result, code, "safety", state="insufficient_data", score=None, reasons=("weight_share",))
    result = rate(result, code, stars=3, total_score=Decimal("85.50"), rank=2, complete=True)
    queue(save(result))
    body = body_of(ledger, "star_card", code)
    assert "月度监测结果（暂定）" in body
    assert "2024年3月亮星 **3** 颗（共五颗），总分 85.50" in body
    assert "列第 **2** 名" in body
    assert "| 支部过硬 | ○ 未亮 | 79.99 | 未达门槛：网格党组织覆盖率；得分未达亮星线 |" in body
    assert "| 平安法治 | 缺 数据不足 | 无 | 有数据的指标权重不足 |" in body
    assert "上月" not in body


def test_a_star_card_without_rank_says_why(make_result, save, queue, ledger):
    result = make_result()
    code = result.communities[0].community_code
    queue(save(rate(result, code, rank=None, complete=False, total_score=None)))
    body = body_of(ledger, "star_card", code)
    assert "总分 无。数据不足，本月不参加排名" in body


@pytest.mark.parametrize(
    ("now", "last", "said"), [(4, 3, "亮星增加 1 颗"), (2, 5, "亮星减少 3 颗"), (3, 3, "亮星数不变")]
)
def test_a_star_card_compares_with_last_month_if_known(*, make_result, save, queue, ledger, now, last, said):
    before = make_result(month="2024-02")
    code = before.communities[0].community_code
    before = rate(before, code, stars=last, total_score=Decimal("70.10"), rank=5)
    save(set_star(before, code, "branch", state="withheld", reasons=("false_closures",)))
    queue(save(rate(make_result(), code, stars=now)))
    body = body_of(ledger, "star_card", code)
    assert f"与上月相比：{said}（上月 {last} 颗）；上月总分 70.10；上月第 5 名。" in body
    assert re.search(r"\| 支部过硬 \|[^|]+\|[^|]+\| 暂缓 \|", body)


def test_a_ranking_lists_by_rank_and_the_rest_apart(make_result, save, queue, ledger):
    result = make_result(community_count=4)
    district = result.communities[0].district_code
    communities = [replace(row, district_code=district, district_name="龙亭区") for row in result.communities]
    codes = [row.community_code for row in communities]
    # Two share the better rank: 1, 1, 3; the last is incomplete.
    ratings = [
        RatingRow(code, district, stars, Decimal("80.00") if rank else None, rank is not None, rank)
        for code, stars, rank in zip(codes, (3, 4, 4, 2), (3, 1, 1, None), strict=True)
    ]
    result = replace(result, communities=communities, ratings=ratings)
    result = replace(result, stars=[replace(row, state="lit", reasons=()) for row in result.stars])
    result = set_star(result, codes[0], "safety", state="vetoed", reasons=("incident",))
    result = set_star(result, codes[1], "wellbeing", state="withheld", reasons=("false_closures",))
    result = set_star(result, codes[3], "branch", state="insufficient_data", reasons=("weight_share",))
    queue(save(result))
    body = body_of(ledger, "district_ranking", district)
    names = [row.name for row in communities]
    assert "月度监测结果（暂定）" in body
    assert "共评估 4 个社区，3 个参加排名" in body
    places = [(line.split(" | ")[0], line.split(" | ")[1]) for line in body.splitlines() if re.match(r"\| \d", line)]
    assert places == [("| 1", names[1]), ("| 1", names[2]), ("| 3", names[0])]
    assert re.search(rf"否决的社区\n\n- {names[0]}（.+）：平安法治", body)
    assert re.search(rf"暂缓的社区（虚假办结过多）\n\n- {names[1]}（.+）：幸福和谐", body)
    assert re.search(rf"不参加排名的社区\n\n- {names[3]}（.+）：支部过硬", body)
    assert "“三零”" not in body, "why a community was vetoed is for its own secretary"


def test_the_hr_digest_counts_what_is_to_decide(make_result, save, queue, ledger):
    result = make_result(community_count=20)
    queue(save(result))
    body = body_of(ledger, "hr_digest", "city")
    kinds = [row.kind for row in result.proposals]
    # Of the six kinds `none` and `hold` await nobody (interfaces.md, `review`).
    to_decide = len(kinds) - kinds.count("none") - kinds.count("hold")
    manual = sum(row.needs_manual for row in result.proposals if row.kind not in ("none", "hold"))
    assert f"待审定：**{to_decide}** 条，其中须逐条审定：**{manual}** 条" in body
    assert f"暂缓晋级：{kinds.count('hold')} 条" in body
    assert f"| 晋级 | {kinds.count('raise')} |" in body
    assert "`hr-review.xlsx`" in body
    assert "2024年4月1日" in body
    assert "基数" not in body


def test_the_hr_digest_says_when_no_pay_base_is_set(make_result, save, queue, ledger):
    queue(save(make_result(paid=False)))
    assert "月工资基数未设定" in body_of(ledger, "hr_digest", "city")


def test_engineers_are_told_only_if_there_is_cause(make_result, save, queue, ledger):
    queue(save(make_result()))
    assert not [row for row in ledger.outbox.list_messages() if row.message == "sanity_alarm"]


def test_engineers_are_told_of_alarms_and_missing_sources(make_result, save, queue, ledger):
    result = make_result(missing=("supervision",))
    queue(save(replace(result, alarms=["41.0 % of communities hold 4 stars or more"])))
    body = body_of(ledger, "sanity_alarm", "city")
    assert "41.0 % of communities hold 4 stars or more" in body
    assert "综合监督平台（supervision）：pull 1" in body
    assert "综合治理平台" not in body


def test_no_message_holds_pay_or_names_or_ids_of_workers(make_result, save, queue, ledger):
    result = make_result(community_count=30, missing=("sheets",))
    queue(save(replace(result, alarms=["something"])))
    rows = ledger.outbox.list_messages()
    assert {row.message for row in rows} == {"star_card", "district_ranking", "hr_digest", "sanity_alarm"}
    texts = [row.subject + row.body for row in rows]
    for text in texts:
        assert "元" not in text
        assert not re.search(r"\d{17}[\dXx]", text)
    every_text = "\n".join(texts)
    for proposal in result.proposals:
        assert proposal.staff_id not in every_text
        assert proposal.name not in every_text
    for line in result.pay_lines:
        assert str(line.total_fen) not in every_text
        assert f"{line.total_fen / 100:,.2f}" not in every_text


def test_names_from_a_register_cannot_break_the_markdown(make_result, save, queue, ledger):
    result = make_result()
    first = replace(result.communities[0], name="甲|[点此](http://x)\n# 乙社区")
    result = replace(result, communities=[first, *result.communities[1:]])
    queue(save(result))
    card = next(row for row in ledger.outbox.list_messages() if row.unit_code == first.community_code)
    assert "**甲\\|\\[点此\\](http://x) # 乙社区**" in card.body
    assert "\n" not in card.subject


def test_a_placeholder_without_a_value_is_an_error(config: NotifyConfig):
    template = config.messages["publication_notice"]
    assert template.body.environment.undefined is StrictUndefined
    with pytest.raises(UndefinedError, match="entered_count"):
        template.body.render(month="2024年3月")


def test_the_publication_notice_tells_what_is_left(config: NotifyConfig):
    template = config.messages["publication_notice"]
    _, some = template.render(PublicationNotice("2024年3月", "2024年4月1日", 12, 3))
    _, none = template.render(PublicationNotice("2024年3月", "2024年4月1日", 15, 0))
    assert "**12** 条" in some
    assert "还有 **3** 条" in some
    assert "没有剩余" in none


def test_a_month_that_was_not_judged_has_no_messages(ledger, make_result, queue):
    with pytest.raises(QualityGate, match="2024-03 has no result"):
        queue(make_result())
    with pytest.raises(QualityGate, match="2024-03 has no result"):
        describe_publication(ledger, Month(2024, 3), entered_count=1, left_count=0)
