"""The words of the status: English on the command line and in Prefect, Chinese on the page."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from flows.month import CITY_ZONE
from flows.status.due import Due, DueKind
from flows.wording import KINDS

DUE_TEXTS: Mapping[DueKind, tuple[str, str]] = {
    "month_not_judged": ("{month} is past its cutoff and not judged", "{month} 已过截止时间，还没有评定"),
    "source_incomplete": ("{month}: not wholly read: {subjects}", "{month}：数据不完整的来源：{subjects}"),
    "judge_again": (
        "{month} was judged without {subjects}, which is complete now: judge it again",
        "{month} 评定时缺来源 {subjects}，现已完整，请重新评定",
    ),
    "review_open": ("{month}: {count} proposals await HR", "{month}：{count} 条建议待人事审定"),
    "publication_waits": (
        "{month}: {count} approved proposals are not in the register",
        "{month}：{count} 条已同意的建议还没有入册",
    ),
    "messages_failed": ("{month}: {count} messages failed for good", "{month}：{count} 条消息发送失败"),
    "messages_wait": (
        "{count} messages wait, and nobody tries to deliver them",
        "{count} 条消息待发送，一直没有运行发送",
    ),
    "source_silent": ("{subjects} has fallen silent", "来源 {subjects} 超过约定时间没有读到数据"),
    "step_late": ("{subjects} has not run when it should have", "{subjects} 到时没有运行"),
}

STEP_TITLES: Mapping[str, str] = {
    "ingest": "读取数据",
    "check_contacts": "检查通讯录",
    "data_docs": "数据质量页",
    "evaluate": "评定",
    "open_review": "提交审定",
    "notify": "生成消息",
    "publish": "发布入册",
    "deliver": "发送消息",
    "watch_reviews": "催办审定",
    "daily_alerts": "超期提醒",
    "platform_freshness": "检查来源",
    "report_failure": "报告失败",
    "replay": "重放被退数据",
    "replay_revision": "复核旧版",
    "compare": "政策测算",
    "letters": "告知书",
    "review": "人事审定",
    "messages": "消息",
    "run": "按月运行",
    "retention": "清理到期数据",
    "restore": "从备份恢复",
}

WORD_TITLES: Mapping[str, str] = {
    "": "",
    "ok": "正常",
    "failed": "失败",
    "complete": "完整",
    "partial": "不完整",
    "missing": "缺",
    "open": "待审定",
    "decided": "已审定",
    "published": "已发布",
    "waiting": "待发送",
}

COUNT_TITLES: Mapping[str, str] = {
    "received": "收到",
    "landed": "入库",
    "rejected": "退回",
    "open": "待审定",
    "to_publish": "待入册",
    "delivered": "已发",
    "queued": "排队",
    "sending": "发送中",
    "suppressed": "不再发",
    "temporary_failure": "待重试",
    "permanent_failure": "失败",
    "communities": "社区",
    "workers": "人员",
    "needs_manual": "须逐条",
    "entered": "入册",
    "announced": "预告删除",
    "deleted": "已删除",
    **KINDS,
}

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TWO_DAYS = 2 * DAY


def describe_due(due: Due) -> str:
    """What is overdue, in a sentence."""
    return DUE_TEXTS[due.kind][0].format(month=due.month, subjects=", ".join(due.subjects), count=due.count)


def describe_due_in_chinese(due: Due, titles: Mapping[str, str]) -> str:
    """What is overdue, in a sentence with the titles of sources and steps."""
    subjects = "、".join(titles.get(name, name) for name in due.subjects)
    return DUE_TEXTS[due.kind][1].format(month=due.month, subjects=subjects, count=due.count)


def describe_age(at: datetime, now: datetime, *, chinese: bool = False) -> str:
    """How long ago that was, in its largest unit: minutes, from an hour on hours, from two days on days."""
    age = max(now - at, timedelta())
    if age < HOUR:
        count, unit, title = age // MINUTE, "min", "分钟"
    elif age < TWO_DAYS:
        count, unit, title = age // HOUR, "h", "小时"
    else:
        count, unit, title = age // DAY, "d", "天"
    return f"{count} {title if chinese else unit}"


def write_instant(at: datetime) -> str:
    """The instant on the city's clock, to the minute."""
    return at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")
