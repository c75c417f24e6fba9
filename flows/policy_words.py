"""Policy values in simplified Chinese, as people read them in the workbook, the report and on the command line."""

from collections.abc import Mapping
from typing import Any

WORDS: Mapping[str, str] = {
    "principal": "正职",
    "deputy": "副职",
    "other": "其他",
    "floor": "起点",
    "ceiling": "上限",
    "none": "无",
    "bachelor": "本科",
    "master": "硕士",
    "doctor": "博士",
    "assistant": "助理社会工作师",
    "intermediate": "社会工作师",
    "senior": "高级社会工作师",
    "warning": "警告",
    "demerit": "记过",
    "major_demerit": "记大过",
    "excellent": "优秀",
    "competent": "合格",
    "basic": "基本合格",
    "incompetent": "不合格",
    "absent": "无结果",
    "star": "所属星",
    "branch": "支部过硬",
    "co_building": "共建共享",
    "enterprise": "宜业兴业",
    "safety": "平安法治",
    "wellbeing": "幸福和谐",
    "weight": "权重",
    "full": "满分线",
    "zero": "零分线",
    "gate": "门槛",
    "no_data": "无数据时",
    "leave_out": "不计入",
    "insufficient": "判为数据不足",
    "pass": "视为通过",
    "minimum": "分母下限",
    "window_months": "累计月数",
    "lower_is_better": "越低越好",
    "responded": "按时响应",
    "solved": "已解决",
    "satisfied": "满意",
    "dispute": "矛盾纠纷",
    "hazard_general": "一般隐患",
    "hazard_major": "重大隐患",
    "city_case": "城市管理案件",
    "market_case": "市场监管案件",
    "market_hazard_general": "经营场所一般隐患",
    "market_hazard_major": "经营场所重大隐患",
    "employment": "就业服务",
    "wish": "微心愿",
    "service": "便民服务事项",
    "comprehensive_governance": "综合治理",
    "law_enforcement": "执法监管",
    "public_service": "便民服务",
    "supervision": "综合监督",
    "sheets": "手工报表",
    "holidays": "放假",
    "workdays": "调休上班",
}
"""What a name or word of the policy files is called; others are shown as they stand."""


ENDED = "停止适用"
"""What stands for a value from the day that ends it."""


def describe_value(value: Any) -> str:
    """A policy value on one line: tables as `名称 值；…`, an unset value as 未设定."""
    if value is None:
        return "未设定"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict):
        return "；".join(f"{describe_value(name)}{_describe_part(part)}" for name, part in value.items()) or "无"
    if isinstance(value, list):
        return "、".join(describe_value(part) for part in value) or "无"
    return WORDS.get(str(value), str(value))


def _describe_part(value: Any) -> str:
    return f"（{describe_value(value)}）" if isinstance(value, dict) else f" {describe_value(value)}"
