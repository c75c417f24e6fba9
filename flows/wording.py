"""What codes are called in Chinese: the one place where the workbook, the report and the messages take their words.

A code without words of its own is shown as it is, so that nothing is hidden.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from flows.exact import format_decimal
from flows.month import CITY_ZONE, Month
from flows.policy import PolicyValue
from flows.results import STAR_TITLES, MonthResult

MONITORING = "月度监测（暂定）"
NO_PAY_BASE = "未设定基数"
UNSET = "未设定"

FEN_PER_YUAN = 100

POSTS = {"principal": "正职", "deputy": "副职", "other": "其他"}
KINDS = {
    "initial": "首次定级",
    "raise": "晋级",
    "post_change": "岗位变动",
    "review": "等级复核",
    "hold": "暂缓晋级",
    "none": "等级不变",
}
PROPOSAL_REASONS = {
    "appraisal_basic": "考核年度结果为基本合格，暂缓晋级。",
    "appraisal_incompetent": "考核年度结果为不合格，暂缓晋级。",
    "appraisal_missing": "应有年度考核结果而未见，补录后再定。",
    "sanction": "处分期未满，期内暂缓晋级。",
    "entitled_below_current": "按规则应得等级低于现等级，等级不自动下调，请人工核查。",
    "more_than_one_step": "一次晋升超过一级，而学历、证书未变，请人工核查。",
}
TAGS = {
    "sourced": "有出处",
    "secondary": "二手资料",
    "derived": "推算",
    "assumed": "系统假定（非本市规定）",
}
UNITS = {
    "points": "分",
    "percent": "%",
    "ratio": "比例",
    "months": "月",
    "days": "天",
    "hours": "小时",
    "fen": "元",
    "count": "个",
    "grades": "级",
    "day_of_year": "月-日",
    "truth": "是否",
    "text": "文字",
    "list": "清单",
    "table": "对照表",
}
_FIGURE_UNITS = frozenset({"points", "percent", "months", "days", "hours", "fen", "count", "grades"})

STAR_STATES = {
    "lit": "亮星",
    "unlit": "未亮",
    "withheld": "暂缓",
    "vetoed": "否决",
    "insufficient_data": "数据不足",
}
STAR_MARKS = {"lit": "★", "unlit": "○", "withheld": "△", "vetoed": "×", "insufficient_data": "？"}
"""One sign a state, so that a picture is read without colour."""

STAR_REASONS = {
    "weak_branch": "列为软弱涣散党组织",
    "secretary_under_investigation": "书记被立案审查",
    "incident": "当月发生经核实的“三零”事件",
    "source_missing": "数据来源未到位",
    "weight_share": "有数据的指标权重不足",
    "no_data": "门槛指标无数据",
    "false_closures": "虚假办结过多",
    "gate": "未达门槛",
    "score": "得分未达亮星线",
}

PLATFORMS = {
    "comprehensive_governance": "综合治理平台",
    "law_enforcement": "执法监管平台",
    "public_service": "便民服务平台",
    "supervision": "综合监督平台",
    "sheets": "手工报表",
}
TABLES = {
    "communities": "社区名册",
    "grids": "网格名册",
    "events": "事件",
    "incidents": "三零事件",
    "checks": "核查",
    "branch_sheet": "支部月报",
    "staff": "人员名册",
    "appraisals": "年度考核",
    "sanctions": "处分",
    "annual_titles": "年度星级",
    "contacts": "通讯录",
}

QUALITY_REASONS: dict[str, str] = {}

_POLICY_WORDS = {
    **STAR_TITLES,
    **POSTS,
    **PLATFORMS,
    "star": "星",
    "weight": "权重",
    "full": "满分线",
    "zero": "零分线",
    "gate": "门槛",
    "lower_is_better": "越低越好",
    "no_data": "无数据时",
    "insufficient": "判为数据不足",
    "leave_out": "该指标不计",
    "pass": "视为通过",
    "minimum": "最小分母",
    "window_months": "合并月数",
    "floor": "最低级",
    "ceiling": "最高级",
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
    "responded": "响应",
    "solved": "解决",
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
    "service": "便民服务",
}
_CODE = re.compile(r"[a-z][a-z_]*")
_CATEGORY_VALUES = "five_star.category_stars"
_INDICATORS = "five_star.indicators."


def describe_star_reason(reason: str, indicator_titles: Mapping[str, str]) -> str:
    """What a star's reason says (policy §3.3), such as 未达门槛：网格党组织覆盖率."""
    code, _, subject = reason.partition(":")
    text = STAR_REASONS.get(code, code)
    if not subject:
        return text
    return f"{text}：{PLATFORMS.get(subject, indicator_titles.get(subject, subject))}"


def describe_quality_reason(reason: str) -> str:
    """Why a row was not let in, as its rule words it."""
    return QUALITY_REASONS.get(reason, reason)


def describe_proposal_reasons(reasons: Iterable[str]) -> str:
    """One plain sentence for each reason, in the order given."""
    return "".join(PROPOSAL_REASONS.get(reason, f"{reason}。") for reason in reasons)


def list_indicator_titles(policy_values: Iterable[PolicyValue]) -> dict[str, str]:
    """Each indicator's title, as the policy has it."""
    return {
        value.path.removeprefix(_INDICATORS): value.title
        for value in policy_values
        if value.path.startswith(_INDICATORS)
    }


def describe_policy_value(value: PolicyValue) -> str:
    """A policy value with its codes in words; an amount in yuan."""
    if value.unit == "fen":
        return format_yuan(int(value.value)) if value.value.lstrip("-").isdigit() else value.value
    words = {**_POLICY_WORDS, "other": "其他事件"} if value.path == _CATEGORY_VALUES else _POLICY_WORDS
    return _CODE.sub(lambda match: words.get(match[0], match[0]), value.value)


def describe_policy_figure(value: PolicyValue) -> str:
    """A policy value in words with its unit, such as 36 月."""
    text = describe_policy_value(value)
    is_figure = text[:1].isdigit() and value.unit in _FIGURE_UNITS
    return f"{text} {UNITS[value.unit]}" if is_figure else text


def describe_missing_source(platform: str, stars: Iterable[str], community_count: int) -> str:
    """The banner of a source that is not present for the month (policy §3.3): missing is never zero."""
    told = f"{PLATFORMS.get(platform, platform)}本月数据未到位。"
    names = "、".join(STAR_TITLES.get(star, star) for star in stars)
    if not names:
        return told
    return f"{told}{community_count} 个社区的{names}因此判为“数据不足”，不代表未达标；数据补齐后重新评估。"


def list_banners(result: MonthResult) -> list[str]:
    """What a reader must know first: each source not present, then the month's notices; nothing twice."""
    banners = []
    for source in result.inputs.sources:
        if not source.present:
            reason = f"source_missing:{source.platform}"
            hit = [row for row in result.stars if reason in row.reasons]
            stars = [star for star in STAR_TITLES if any(row.star == star for row in hit)]
            banners.append(describe_missing_source(source.platform, stars, len({row.community_code for row in hit})))
    return list(dict.fromkeys([*banners, *result.notices]))


def lacks_pay_base(result: MonthResult) -> bool:
    """Whether pay could not be computed because the city's base is not set (policy §5)."""
    base = next((value.value for value in result.policy_values if value.path == "pay.base_fen"), None)
    return not result.pay_lines and (base == UNSET or bool(result.proposals))


def convert_to_yuan(fen: int) -> Decimal:
    """An amount in yuan, exact to the fen."""
    return Decimal(fen) / FEN_PER_YUAN


def format_yuan(fen: int) -> str:
    """An amount in yuan for reading, such as 1,234.50."""
    sign = "-" if fen < 0 else ""
    whole, _, cents = format_decimal(convert_to_yuan(abs(fen)), 2).partition(".")
    return f"{sign}{int(whole):,}.{cents}"


def format_month(month: Month) -> str:
    """The month as people write it, such as 2024年3月."""
    return f"{month.year}年{month.number}月"


def format_instant(instant: datetime) -> str:
    """An instant on the city's clock, to the minute."""
    return f"{instant.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}"
