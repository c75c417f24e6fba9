"""What an explanation calls things, in simplified Chinese: definitions, reasons, rules."""

from collections.abc import Mapping

from flows.evaluate.indicators import EventRatio
from flows.policy_words import WORDS

COUNTS: Mapping[str, str] = {
    "due": "应结案事件",
    "closed": "截止前已办结（非强制结案）的",
    "on_time": "截止前已办结（非强制结案）且不晚于办结期限的",
    "reworked": "有返工（办结后又重开）的",
    "responded": "在响应时限内响应的",
    "solved": "已解决的",
    "solution_known": "有“是否解决”结论的",
    "satisfied": "满意或基本满意的",
    "answered": "有满意度答复的",
}
"""What is counted under each name of `EventCounts`."""

_REGISTER_DEFINITIONS: Mapping[str, str] = {
    "grid_party_coverage": "月末有效网格中建有党支部或党小组的 ÷ 月末有效网格",
    "meetings_held": "已开会议数（不超过应开数）÷ 应开会议数",
    "centre_standard": "服务中心达标为 1，不达标为 0 ÷ 1",
    "property_coverage": "已有物业服务的小区 ÷ 全部小区",
}

AGAINST: Mapping[str, str] = {
    "open": "未办结",
    "forced_close": "强制结案",
    "closed_after_cutoff": "截止后办结",
    "closed_late": "超期办结",
    "reworked": "返工",
    "not_responded": "未响应",
    "responded_late": "超时响应",
    "not_solved": "未解决",
    "dissatisfied": "不满意",
}
"""Why an event counts against an indicator."""

NO_DATA_RULES: Mapping[str, str] = {
    "leave_out": "无数据时不计入本星得分",
    "insufficient": "无数据时本星判为数据不足",
    "pass": "无数据时视为通过，不适用",
}
INDICATOR_STATES: Mapping[str, str] = {"ok": "有数据", "no_data": "无数据", "not_applicable": "不适用"}


def define_events(ratio: EventRatio) -> str:
    """An event indicator in words, such as 微心愿：截止前已办结（非强制结案）的 ÷ 应结案事件."""
    return f"{WORDS[ratio.category]}：{COUNTS[ratio.numerator]} ÷ {COUNTS[ratio.denominator]}"


def define_register(name: str) -> str:
    """An indicator of the grid register or of the sheet in words."""
    return _REGISTER_DEFINITIONS[name]
