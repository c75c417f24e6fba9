"""What each quality rule asks for, in Chinese: one sentence a rule and column, and what follows if it is broken."""

from collections.abc import Sequence

from flows.ingest.describe.row_rules import (
    Band,
    Between,
    KnownCommunity,
    KnownGrid,
    Listed,
    NotAbove,
    NotBefore,
    NotBeforeDay,
    NotFuture,
    NotFutureYear,
    Once,
    OwnGrid,
    Pattern,
    Required,
    RequiredWhen,
    StartsByNextMonth,
)
from flows.ingest.describe.rules import ClosureRate, CrossRule, MonthCount, NotEmpty, PullRule, RejectedShare, Silence
from flows.ingest.judging.predicates import Bands, Check
from flows.wording import POSTS, describe_column

SEVERITY_WORDS = {"stop": "严重", "reject": "警告", "warn": "提示"}
CONSEQUENCES = {
    "stop": "整批拒收：不符合时，这次取数一行也不入库。",
    "reject": "不通过的行进入隔离区：其余各行照常入库。",
    "warn": "仅提示：数据照常入库。",
}


def explain_check(check: Check, bands: Bands) -> str:
    """What a rule asks of one column of each row, such as 办结时间不得早于上报时间。"""
    rule, column = check.rule, describe_column(check.column.name)
    if isinstance(rule, Required):
        return f"{column}必须填写。"
    if isinstance(rule, RequiredWhen):
        return f"{describe_column(rule.other)}为 {_list(rule.values)} 时，{column}必须填写。"
    if isinstance(rule, Listed):
        return f"{column}只能取：{_list(check.column.values)}。"
    if isinstance(rule, Pattern):
        return f"{column}的写法须完全符合 {rule.pattern}。"
    if isinstance(rule, Between):
        return f"{column}须{_limit(rule)}。"
    if isinstance(rule, NotBeforeDay):
        return f"{column}不得早于 {rule.minimum}。"
    if isinstance(rule, Band):
        low, high = bands[check.post or ""]
        post = POSTS.get(check.post or "", check.post)
        return f"{describe_column(rule.other)}为{post}时，{column}应在 {low} 至 {high} 级。"
    if isinstance(rule, KnownCommunity):
        return f"{column}须在社区名册中；名册的历次版本都算。"
    if isinstance(rule, KnownGrid):
        return f"{column}应在网格名册中；名册的历次版本都算。"
    if isinstance(rule, OwnGrid):
        return f"{column}在网格名册中须属于本行的{describe_column(rule.other)}；名册没有的网格不在此列。"
    if isinstance(rule, Once):
        together = "、".join(describe_column(name) for name in rule.columns)
        return f"同一文件（平台为一次取数）内，{together}相同的行只能有一行；多于一行时各行都不符合。"
    return _explain_limit(rule, column)


def _explain_limit(rule: NotBefore | NotAbove | NotFuture | NotFutureYear | StartsByNextMonth, column: str) -> str:
    """What a rule asks of a column against another one, or against the pull."""
    if isinstance(rule, NotFuture):
        return f"{column}不得晚于取数时间。"
    if isinstance(rule, NotFutureYear):
        return f"{column}不得晚于取数当年。"
    other = describe_column(rule.other)
    if isinstance(rule, StartsByNextMonth):
        return f"{column}不得晚于{other}的次月首日。"
    return f"{column}不得早于{other}。" if isinstance(rule, NotBefore) else f"{column}不得大于{other}。"


def explain_pull_rule(rule: PullRule) -> str:
    """What a rule asks of a whole pull, such as 一次取数中被隔离的行不得超过 20%。"""
    if isinstance(rule, RejectedShare):
        return f"一次取数中被隔离的行不得超过 {rule.maximum_pct}%。"
    if isinstance(rule, NotEmpty):
        return "至少有一个文件，且每个文件至少有一行。"
    if isinstance(rule, MonthCount):
        return f"当月行数与前三个月均值之差不应超过 {rule.maximum_pct}%；前三个月不全时不测。"
    if isinstance(rule, ClosureRate):
        return f"整月的办结率不应高于 {rule.maximum_pct}%；取数不含整月时不测。"
    assert isinstance(rule, Silence)  # noqa: S101 -- the last kind; a test goes through all
    return f"从最近一次更新到取数窗口结束不应超过 {rule.maximum_hours} 小时。"


def explain_cross_rule(rule: CrossRule) -> str:
    """What a rule asks across tables."""
    return f"{describe_column(rule.column)}所指的事件（{describe_column(rule.other)}一栏所示平台的）应已入库。"


def write_measure_unit(rule: PullRule) -> str:
    """What the rule's measure and limit are counted in."""
    if isinstance(rule, NotEmpty):
        return "个空文件"
    return "小时" if isinstance(rule, Silence) else "%"


def _limit(rule: Between) -> str:
    if rule.minimum is None:
        return f"不大于 {rule.maximum}"
    return f"不小于 {rule.minimum}" if rule.maximum is None else f"在 {rule.minimum} 至 {rule.maximum} 之间"


def _list(values: Sequence[str]) -> str:
    return "、".join(values)
