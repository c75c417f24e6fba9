"""A community's explanation as people read it: lines worked out from the rows."""

from dataclasses import replace
from datetime import UTC, datetime

from explain_city import explain
from star_city import MARCH, check, event, grid, incident, sheet

from flows.evaluate.explain.community_text import write_community
from flows.evaluate.explain.heading import Heading

HEADING = Heading(MARCH, 3, datetime(2024, 4, 5, 2, tzinfo=UTC), "f" * 64, "0.1.0", "")


def write(**given: object) -> list[str]:
    return [line.strip() for line in write_community(HEADING, explain(**given)).splitlines()]  # type: ignore[arg-type]


def make_cases(*odd: dict[str, object]) -> list[dict[str, object]]:
    """Ten city cases closed in time, and these."""
    cases = [event(event_id=f"c{number}", platform="law_enforcement", category="city_case") for number in range(10)]
    return [*cases, *(event(platform="law_enforcement", category="city_case", batch_id="b2", **each) for each in odd)]


def test_the_head_says_what_is_explained() -> None:
    assert write()[:6] == [
        "月度监测（暂定）　2024年3月　社区星级说明",
        "结果版次：第 3 版（2024-04-05 10:00 形成，程序版本 0.1.0）",
        f"政策指纹：{'f' * 64}",
        "程序指纹：该版未记录",
        "社区：410202001001 某社区（某区 某街道）",
        "统计截止：2024-04-03 00:00（评估规则 §1）",
    ]


def test_an_event_against_an_indicator_is_told_with_both_instants_on_the_citys_clock() -> None:
    lines = write(
        events=make_cases(
            {"event_id": "late", "closed_at": "2024-03-15 12:00:01"},
            {"event_id": "after", "closed_at": "2024-04-03 00:00:01"},
            {"event_id": "open", "status": "open", "closed_at": None},
        )
    )
    # 10 of 13: (10/13 − 0.50) / (0.85 − 0.50) × 100 = 76.923077.
    start = lines.index("合计 10 / 13 ≈ 0.769231（分母下限 10）")
    assert lines[start - 1] == "2024年3月（截止 2024-04-03 00:00）：10 / 13"
    assert lines[start + 1 : start + 6] == [
        "批次：b1（10 条），b2（3 条）",
        "未计入分子 3：",
        "law_enforcement/after 截止后办结（办结 2024-04-03 00:00:01 ＞ 截止 2024-04-03 00:00:00）（批次 b2）",
        "law_enforcement/late 超期办结（办结 2024-03-15 12:00:01 ＞ 期限 2024-03-15 12:00:00）（批次 b2）",
        "law_enforcement/open 未办结（期限 2024-03-15 12:00:00）（批次 b2）",
    ]
    assert "指标得分：(10/13 − 0.50) / (0.85 − 0.50) × 100 ≈ 76.923077" in lines


def test_without_the_list_the_number_and_how_to_get_it_are_told() -> None:
    lines = write(with_events=False, events=make_cases({"status": "open", "closed_at": None}))
    assert "未计入分子 1，加 --events 列出" in lines


def test_a_late_response_is_told_with_its_limit() -> None:
    services = [event(event_id=f"s{n}", responded_at="2024-03-14 13:00:00") for n in range(9)]
    lines = write(
        events=[
            *services,
            event(event_id="late", responded_at="2024-03-15 12:00:01"),
            event(event_id="silent"),
        ]
    )
    assert "public_service/late 超时响应（响应 2024-03-15 12:00:01 ＞ 时限 2024-03-15 12:00:00）（批次 b1）" in lines
    assert "public_service/silent 未响应（时限 2024-03-15 12:00:00）（批次 b1）" in lines


def test_the_state_is_told_in_the_order_in_which_it_is_judged() -> None:
    # Grids 1 of 1, meetings 4 of 4, centre 1: score 100, all gates hold; the incident takes safety only.
    lines = write(branch_sheet=[sheet()], grids=[grid()], incidents=[incident(incident_id="i1", batch_id="inc-1")])
    start = lines.index("状态判定（§3.3，取第一个成立的）")
    assert [line.partition("〔")[0] for line in lines[start + 1 : start + 7]] == [
        "1. 否决：无",
        "三零事件 i1，2024-03-10（批次 inc-1）",
        "2. 数据：所需来源 综合治理平台、手工报表；未到位：无",
        "有数据指标的权重 100.00% ≥ 60.00%",
        "3. 暂缓：虚假办结 0 件 ＜ 3 件",
        "4. 门槛：全部达到",
    ]
    assert lines[start + 7].startswith("得分：100.00 ≥ 80.00〔")
    assert "一、支部过硬：★ 亮星，得分 100.00" in lines
    assert "四、平安法治：× 否决，无得分" in lines


def test_what_vetoes_rest_on_is_told_of_all_three_each_tag_once() -> None:
    explanation = explain()
    policy = [
        replace(value, tag="sourced") if value.path == "five_star.vetoes.weak_branch" else value
        for value in explanation.policy
    ]
    text = write_community(HEADING, replace(explanation, policy=policy))
    # The shipped policy assumes all three, and the text says so once.
    assert write_community(HEADING, explanation).count("1. 否决：无〔系统假定（非本市规定）〕\n") == 5
    assert text.count("1. 否决：无〔有出处、系统假定（非本市规定）〕\n") == 5


def test_a_grid_without_a_party_unit_and_a_gate_that_does_not_hold_are_told() -> None:
    grids = [grid(grid_code=f"g{number}") for number in range(3)] + [grid(grid_code="bare", party_unit="none")]
    lines = write(grids=grids, branch_sheet=[sheet(meetings_held=3)])
    assert "网格 bare 未建党支部或党小组" in lines
    assert "门槛：≥ 1.00，未达到" in lines
    assert "原因：未达门槛：网格党组织覆盖率" in lines
    assert "报表所填：已开会议数 3，应开会议数 4" in lines


def test_a_missing_source_is_told_and_is_no_zero() -> None:
    lines = write(missing=("sheets",))
    assert "手工报表：未到位（pull 1）" in lines
    assert "一、支部过硬：缺 数据不足，无得分" in lines
    assert "原因：数据来源未到位：手工报表" in lines
    assert "有星数据不足，本月不排名" in lines


def test_a_false_closure_is_told_with_its_check_and_event() -> None:
    events = [event(event_id=f"s{number}") for number in range(10)]
    lines = write(events=events, checks=[check(check_id="k1", event_id="s3", batch_id="checks-1")])
    assert "核查 k1：事件 public_service/s3（2024-03-20 09:00:00 核查，批次 checks-1）" in lines
    assert "虚假办结（§3.1）：1 件，每件扣 1.00 分〔二手资料〕" in lines
