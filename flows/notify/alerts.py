"""Alerts between two monthly results: supervisors' daily digests, and what engineers are told of at once.

A key ends with the day of the city and whatever tells two alerts of one day apart, so each is queued once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flows.findings import (
    Backlog,
    Backlogs,
    DoubtfulPulls,
    FailedRun,
    PullFinding,
    SilentSource,
    UnitTier,
    WaitingEvent,
)
from flows.ledger import Ledger
from flows.ledger.outbox import PENDING, WAITING, Message, OutboxRow
from flows.month import Month, city_day
from flows.notify.alert_contents import (
    DataQualityAlarm,
    DoubtfulPull,
    OverdueDigest,
    OverdueEvent,
    PlatformSilent,
    RunFailure,
)
from flows.notify.config import NotifyConfig
from flows.notify.contents import Content, MessageName
from flows.notify.outbox import OUTDATED, QueueReport
from flows.notify.recipients import CITY, Contact, Contacts
from flows.notify.templates import MessageTemplate
from flows.policy_words import WORDS
from flows.wording import describe_quality_reason, format_day, format_instant

DIGESTS: Mapping[UnitTier, MessageName] = {
    "community": "overdue_digest",
    "street": "overdue_digest_street",
    "district": "overdue_digest_district",
}
NO_REVISION = 0
"""Alerts belong to no month's result."""

KEPT_A_WEEK: frozenset[MessageName] = frozenset({"data_quality_alarm", "run_failure"})

HOUR = timedelta(hours=1)
LINES_SHOWN = 5

PULL_STATUSES = {
    "running": "没有结束",
    "complete": "完成",
    "partial": "部分完成",
    "refused": "质量规则拦下",
    "unavailable": "没有响应",
    "broken": "不符合约定",
    "skipped": "已跳过",
}


@dataclass(frozen=True)
class Alert:
    """One alert to one unit; its key is made of the message, the unit, the role, the day and the `tail`."""

    message: MessageName
    unit_code: str
    content: Content
    on: date
    tail: str = ""


def queue_overdue_digests(
    ledger: Ledger, config: NotifyConfig, contacts: Contacts, backlogs: Backlogs, stale_sources: Sequence[str]
) -> QueueReport:
    """Queue one digest for each unit that has something waiting; those of earlier days still waiting are outdated."""
    today = city_day(backlogs.at)
    alerts = [
        Alert(
            DIGESTS[unit.tier],
            unit.unit_code,
            _describe_backlog(unit, backlogs, stale_sources),
            today,
        )
        for unit in backlogs.units
    ]
    return queue_alerts(
        ledger,
        config,
        contacts,
        alerts,
        queued_at=backlogs.at,
        is_outdated=lambda row: row.message in DIGESTS.values() and not row.key.endswith(f":{today}"),
    )


def queue_silence_alarms(
    ledger: Ledger, config: NotifyConfig, contacts: Contacts, silent: Sequence[SilentSource], now: datetime
) -> QueueReport:
    """Queue for engineers which sources are silent: each silence once, and again every `silence_repeat_days`.

    An alarm that still waits when its source is read again, or when the next one falls due, is outdated.
    """
    every = timedelta(days=config.alarms.silence_repeat_days)
    alerts = []
    for source in silent:
        due_at = source.late_since_at + (now - source.late_since_at) // every * every
        content = PlatformSilent(
            title=source.title,
            platform=source.platform,
            resources=tuple(source.resources),
            read_at=format_instant(source.read_at) if source.read_at else "",
            silent_hours=(now - (source.read_at or source.late_since_at)) // HOUR,
            last_status=PULL_STATUSES.get(source.last_status, source.last_status),
            next_at=format_instant(due_at + every),
        )
        tail = f"{source.platform}:p{source.pull_id}"
        alerts.append(Alert("platform_silent", CITY, content, city_day(due_at), tail))
    ends = tuple(f":{alert.on}:{alert.tail}" for alert in alerts)
    return queue_alerts(
        ledger,
        config,
        contacts,
        alerts,
        queued_at=now,
        is_outdated=lambda row: row.message == "platform_silent" and not row.key.endswith(ends),
    )


def queue_quality_alarms(
    ledger: Ledger, config: NotifyConfig, contacts: Contacts, doubtful: Sequence[DoubtfulPulls], now: datetime
) -> QueueReport:
    """Queue for engineers which pulls to look at: once a source and day, and once more if any was stopped."""
    alerts = [
        Alert(
            "data_quality_alarm",
            CITY,
            DataQualityAlarm(
                title=found.title,
                platform=found.platform,
                day=format_day(found.day),
                is_stopped=found.is_stopped,
                pulls=tuple(_describe_pull(pull) for pull in found.pulls),
            ),
            found.day,
            f"{found.platform}:{'stopped' if found.is_stopped else 'doubted'}",
        )
        for found in doubtful
    ]
    return queue_alerts(ledger, config, contacts, alerts, queued_at=now)


def queue_failure_alarm(
    ledger: Ledger, config: NotifyConfig, contacts: Contacts, failed: FailedRun, now: datetime
) -> QueueReport:
    """Queue for engineers that a run failed: once a deployment and day."""
    content = RunFailure(
        deployment=failed.deployment,
        run_name=failed.run_name,
        state=failed.state,
        failed_at=format_instant(failed.failed_at),
        message=_shorten(failed.message),
        description=failed.description,
    )
    alert = Alert("run_failure", CITY, content, city_day(failed.failed_at), failed.deployment)
    return queue_alerts(ledger, config, contacts, [alert], queued_at=now)


def withdraw_expired(ledger: Ledger, now: datetime) -> None:
    """Suppress alerts that wait and are too old to be acted on: digests of days before, and alarms of last week's.

    Whatever held them back, quiet hours, a limit, or a mode that sends nothing, their reader is spared the heap.
    """
    today = city_day(now)
    expired = [row.id for row in ledger.outbox.list_messages(statuses=PENDING) if _is_expired(row, today)]
    ledger.outbox.queue([], now, outdated_ids=expired, outdated_detail=OUTDATED)


def _is_expired(row: OutboxRow, today: date) -> bool:
    if row.message in DIGESTS.values():
        return _read_day(row) < today
    return row.message in KEPT_A_WEEK and _read_day(row) + timedelta(weeks=1) <= today


def _read_day(row: OutboxRow) -> date:
    """The day in the key of an alert."""
    prefix = f"{row.message}:{row.unit_code}:{row.role}:"
    return date.fromisoformat(row.key.removeprefix(prefix).partition(":")[0])


def _shorten(message: str) -> str:
    """The first lines of a run's message: a delivery's names every message that failed."""
    lines = message.splitlines()
    more = [f"and {len(lines) - LINES_SHOWN} more lines; see the run"] if len(lines) > LINES_SHOWN else []
    return "\n".join([*lines[:LINES_SHOWN], *more])


def queue_alerts(
    ledger: Ledger,
    config: NotifyConfig,
    contacts: Contacts,
    alerts: Sequence[Alert],
    *,
    queued_at: datetime,
    is_outdated: Callable[[OutboxRow], bool] = lambda _: False,
) -> QueueReport:
    """Queue each alert for its own unit's contact, unless its key is there, and suppress what it outdates."""
    messages: list[Message] = []
    missing: set[str] = set()
    for alert in alerts:
        template = config.messages.get(alert.message)
        for role in template.roles if template is not None else ():
            contact = contacts.find(alert.unit_code, role)
            if contact is None:
                missing.add(alert.unit_code)
            elif template is not None:
                messages.append(_address_alert(alert, contact, template))
    waiting = {row.key: row for row in ledger.outbox.list_messages(statuses=WAITING)}
    for message in messages:
        row = waiting.get(message.key)
        if row is not None and (row.channel, row.address) != (message.channel, message.address):
            ledger.outbox.readdress(row.id, channel=message.channel, address=message.address)
    outdated_ids = [row.id for row in ledger.outbox.list_messages(statuses=PENDING) if is_outdated(row)]
    queued = ledger.outbox.queue(messages, queued_at, outdated_ids=outdated_ids, outdated_detail=OUTDATED)
    return QueueReport(queued, len(messages) - queued, 0, sorted(missing))


def _address_alert(alert: Alert, contact: Contact, template: MessageTemplate) -> Message:
    subject, body = template.render(alert.content)
    parts = [alert.message, alert.unit_code, contact.role, str(alert.on), *([alert.tail] if alert.tail else [])]
    return Message(
        key=":".join(parts),
        message=alert.message,
        month=str(Month.of(alert.on)),
        revision=NO_REVISION,
        unit_code=alert.unit_code,
        role=contact.role,
        channel=contact.channel,
        address=contact.address,
        subject=subject,
        body=body,
    )


def _describe_backlog(unit: Backlog, backlogs: Backlogs, stale_sources: Sequence[str]) -> OverdueDigest:
    return OverdueDigest(
        day=format_day(city_day(backlogs.at)),
        counted_at=format_instant(backlogs.at),
        unit_name=unit.unit_name,
        overdue_hours=backlogs.overdue_hours[unit.tier],
        overdue_count=unit.overdue_count,
        due_soon_hours=backlogs.due_soon_hours,
        due_soon_count=unit.due_soon_count,
        events=tuple(_describe_event(event, backlogs.at) for event in unit.worst),
        left_count=unit.overdue_count + unit.due_soon_count - len(unit.worst),
        stale_sources=tuple(stale_sources),
    )


def _describe_event(event: WaitingEvent, now: datetime) -> OverdueEvent:
    span = now - event.deadline_at if event.is_overdue else event.deadline_at - now
    return OverdueEvent(
        event_id=event.event_id,
        category=WORDS.get(event.category, event.category),
        community_name=event.community_name,
        deadline=format_instant(event.deadline_at),
        is_overdue=event.is_overdue,
        hours=span // HOUR,
    )


def _describe_pull(pull: PullFinding) -> DoubtfulPull:
    """The pull in words: its commonest reasons, and its first warnings."""
    ordered = sorted(pull.reason_counts.items(), key=lambda item: (-item[1], item[0]))
    return DoubtfulPull(
        resource=pull.resource,
        status=PULL_STATUSES.get(pull.status, pull.status),
        received_count=pull.received_count,
        rejected_count=pull.rejected_count,
        reasons=tuple(f"{describe_quality_reason(reason)}：{count} 条" for reason, count in ordered[:LINES_SHOWN]),
        warnings=tuple(pull.warnings[:LINES_SHOWN]),
        left_warning_count=max(0, len(pull.warnings) - LINES_SHOWN),
        message=pull.message,
    )
