"""What codes are called in Chinese: the one place where the workbook, the report and the messages take their words.

A code without words of its own is shown as it is, so that nothing is hidden.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from flows.exact import format_decimal
from flows.month import CITY_ZONE, Month
from flows.policy import PolicyValue, shorten_fingerprint
from flows.results import STAR_TITLES, MonthResult

MONITORING = "月度监测（暂定）"
MONITORING_RESULT = "月度监测结果（暂定）"
NO_PAY_BASE = "未设定基数"
UNSET = "未设定"
FEN_PER_YUAN = 100

BASES = {"current": "现等级", "proposed": "建议等级"}
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
STAR_MARKS = {"lit": "★", "unlit": "○", "withheld": "△", "vetoed": "×", "insufficient_data": "缺"}
"""One sign a state, so that a picture is read without colour."""

STAR_REASONS = {
    "weak_branch": "列为软弱涣散党组织",
    "secretary_under_investigation": "支部书记相关的一票否决事项（详询组织部门）",
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

QUALITY_REASONS = {
    "null": "必填项为空",
    "not_listed": "取值不在允许范围",
    "malformed": "编码格式不对",
    "not_registered": "社区不在名册",
    "other_community": "网格属于别的社区",
    "before_reported": "早于上报时间",
    "closed_without": "已办结但无办结时间",
    "in_future": "时间晚于取数时间",
    "year_in_future": "年度晚于取数当年",
    "starts_later": "晚于名册月份的次月首日",
    "repeated": "同一份名册中重复出现",
    "out_of_range": "超出合理范围",
    "above_total": "覆盖数大于总数",
    "negative": "数量为负",
    "unreadable": "无法读取",
    "unmapped": "代码未配置对应关系",
    "other_platform": "平台标识不符",
    "event_not_landed": "所指的事件未入库",
    "new_field": "出现未配置的字段",
    "missing": "缺少已配置的字段",
    "retyped": "字段的取值类型变了",
}
_COLUMNS = {
    "address": "地址",
    "category": "事件类别",
    "centre_standard": "服务中心达标",
    "certificate": "证书",
    "certificate_on": "取证日期",
    "channel": "发送渠道",
    "check_id": "核查编号",
    "checked_at": "核查时间",
    "closed_at": "办结时间",
    "committee_member": "两委成员",
    "community_code": "社区代码",
    "current_grade": "现等级",
    "degree": "学历",
    "department": "承办部门",
    "district_code": "区县代码",
    "district_name": "区县名称",
    "due_at": "办结期限",
    "effective_on": "生效日期",
    "employment": "用工方式",
    "event_id": "事件编号",
    "extended_to": "延期时间",
    "finding": "核查结论",
    "forced_close": "强制结案",
    "grid_code": "网格代码",
    "incident_id": "三零事件编号",
    "kind": "类型",
    "meetings_held": "已开会议数",
    "meetings_required": "应开会议数",
    "month": "月份",
    "name": "名称",
    "occurred_on": "发生日期",
    "outcome": "考核结果",
    "party_unit": "党组织",
    "pay_year": "兑现年度",
    "platform": "平台",
    "post": "岗位",
    "prior_service_months": "以往工龄",
    "property_covered": "已覆盖小区数",
    "property_total": "小区总数",
    "rating_year": "评定年度",
    "reopened": "返工次数",
    "reported_at": "上报时间",
    "responded_at": "响应时间",
    "role": "角色",
    "satisfaction": "满意度",
    "secretary_under_investigation": "书记一票否决事项",
    "service_start_on": "到岗日期",
    "solved": "是否解决",
    "staff_id": "员工编号",
    "stars": "星数",
    "status": "状态",
    "street_code": "街道代码",
    "street_name": "街道名称",
    "tier": "层级",
    "unit_code": "单位代码",
    "updated_at": "更新时间",
    "urgent": "是否紧急",
    "valid_from": "生效日",
    "valid_to": "失效日",
    "weak_branch": "软弱涣散党组织",
    "year": "年度",
}

_INDICATORS = "five_star.indicators."

_LINE_ENDS = re.compile("；(?![^（]*）)")
"""Between the lines of a policy table, and not inside one's brackets."""


def describe_star_reason(reason: str, indicator_titles: Mapping[str, str]) -> str:
    """What a star's reason says (policy §3.3), such as 未达门槛：网格党组织覆盖率."""
    code, _, subject = reason.partition(":")
    text = STAR_REASONS.get(code, code)
    if not subject:
        return text
    return f"{text}：{PLATFORMS.get(subject, indicator_titles.get(subject, subject))}"


def describe_column(column: str) -> str:
    """What people call a canonical column, such as 办结时间."""
    return _COLUMNS.get(column, column)


def describe_quality_reason(reason: str) -> str:
    """Why a row was not let in, such as 早于上报时间（办结时间） for `before_reported:closed_at`."""
    code, _, column = reason.partition(":")
    text = QUALITY_REASONS.get(code, code)
    return f"{text}（{describe_column(column)}）" if column else text


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
    """A policy value as people read it; an amount in yuan."""
    is_amount = value.unit == "fen" and value.value.isdigit()
    return format_yuan(int(value.value)) if is_amount else value.value


def describe_policy_figure(value: PolicyValue) -> str:
    """A policy value in words with its unit, such as 36 月."""
    text = describe_policy_value(value)
    is_figure = text[:1].isdigit() and value.unit in _FIGURE_UNITS
    return f"{text} {UNITS[value.unit]}" if is_figure else text


def describe_fingerprint(result: MonthResult) -> str:
    """By which policy files the month was judged, such as 政策指纹 0f46ebf1c2d3; `run.json` has it in full."""
    return f"政策指纹 {shorten_fingerprint(result.inputs.policy_fingerprint)}"


def split_policy_figure(value: PolicyValue, other: PolicyValue | None) -> list[tuple[str, bool]]:
    """A policy value in words, a table's lines each by itself, and whether the other value has the line otherwise."""
    known = set() if other is None else set(_LINE_ENDS.split(describe_policy_figure(other)))
    return [(part, part not in known) for part in _LINE_ENDS.split(describe_policy_figure(value))]


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


def format_signed_yuan(fen: int) -> str:
    """A difference in yuan with its sign, such as +1,234.50."""
    return f"+{format_yuan(fen)}" if fen > 0 else format_yuan(fen)


def format_month(month: Month) -> str:
    """The month as people write it, such as 2024年3月."""
    return f"{month.year}年{month.number}月"


def format_day(day: date) -> str:
    """The day as people write it, such as 2024年4月1日."""
    return f"{day.year}年{day.month}月{day.day}日"


def format_instant(instant: datetime) -> str:
    """An instant on the city's clock, to the minute."""
    return f"{instant.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}"


def format_instant_to_the_second(instant: datetime) -> str:
    """An instant on the city's clock, to the second: what shows which of two came first."""
    return f"{instant.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
