"""Messages queued once under their keys, and queued again when a person says so.

A key is `message:unit:role:month:rN`, with a further number where one revision may need the message again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flows.errors import UsageError
from flows.ledger import Ledger
from flows.ledger.outbox import PENDING, WAITING, Message, OutboxRow
from flows.month import Month
from flows.notify.config import NotifyConfig
from flows.notify.contents import Content, MessageName
from flows.notify.corrections import Earlier, correct_message, find_unchanged
from flows.notify.messages import MonthContents, describe_publication, list_month_contents
from flows.notify.missing import describe_missing_contacts
from flows.notify.recipients import Contacts
from flows.policy import PolicyValue

MONTH_MESSAGES: tuple[MessageName, ...] = (
    "star_card",
    "district_ranking",
    "hr_digest",
    "sanity_alarm",
    "missing_contacts",
)
FIRST_REVISION = 1
OUTDATED = "A newer result took its place before it went out."

Target = tuple[str, str, str]
"""Message, unit and role: who is told what, whatever the revision."""


@dataclass(frozen=True)
class QueueReport:
    """How many messages are new, were there already, or say what an earlier revision said; and who has no contact.

    `without_contact` holds unit codes in order, each once.
    """

    queued: int
    already: int
    unchanged: int
    without_contact: list[str]


def queue_month_messages(
    ledger: Ledger,
    config: NotifyConfig,
    contacts: Contacts,
    *,
    month: Month,
    policy_values: Iterable[PolicyValue],
    queued_at: datetime,
) -> QueueReport:
    """Queue what the month's newest revision says to communities, districts, HR and engineers.

    A message that its reader has from an earlier revision is not queued again, and where he has another one, what
    changed goes before it; a waiting one that is outdated is suppressed. Raises `QualityGate` if the month has not
    been evaluated.
    """
    values = list(policy_values)

    def contents_of(revision: int) -> dict[tuple[str, str], Content]:
        found = list_month_contents(ledger, month, values, revision)
        return {(it.message, it.unit_code): it.content for it in found.contents}

    newest = list_month_contents(ledger, month, values)
    communities = ledger.results.list_communities(str(month), newest.revision)
    missing = describe_missing_contacts(config, contacts, communities, month)
    contents = replace(newest, contents=[*newest.contents, *missing])
    earlier = Earlier(contents_of)
    return queue_contents(
        ledger, config, contacts, contents, MONTH_MESSAGES, month=month, queued_at=queued_at, earlier=earlier
    )


def queue_publication_notice(
    ledger: Ledger,
    config: NotifyConfig,
    contacts: Contacts,
    *,
    month: Month,
    entered_count: int,
    left_count: int,
    register_no: int,
    queued_at: datetime,
) -> QueueReport:
    """Queue for HR how many of the month's grades are in the register.

    `register_no` is the month's newest record, so that each publication that adds one gets its own notice.
    """
    contents = describe_publication(ledger, month, entered_count=entered_count, left_count=left_count)
    names: tuple[MessageName, ...] = ("publication_notice",)
    return queue_contents(
        ledger, config, contacts, contents, names, month=month, queued_at=queued_at, number=register_no
    )


def requeue_messages(
    ledger: Ledger, contacts: Contacts, *, month: Month | None = None, keys: Sequence[str] = ()
) -> QueueReport:
    """Let messages that failed or were suppressed go out again, to the contacts as they are now.

    With `keys` exactly these, delivered ones and those that will be tried again too. One that is queued or being
    sent, an outdated message, or one with a newer one for the same reader, stays as it is. Raises `UsageError` for a
    key that is not in the outbox.
    """
    rows = ledger.outbox.list_messages(month=str(month) if month else None)
    for key in sorted(set(keys).difference(row.key for row in rows)):
        raise UsageError(f"message {key!r} is not in the outbox. `fivestar notify list` shows the keys.")
    # A month's later message takes the earlier one's place; an alert, which has no revision, stands for itself.
    newest = {((row.month, *_target(row)) if row.revision else row.key): row for row in rows}
    queued = already = 0
    missing: set[str] = set()
    for row in newest.values():
        wanted = row.key in keys if keys else row.status in ("permanent_failure", "suppressed")
        if not wanted:
            continue
        contact = contacts.find(row.unit_code, row.role)
        if row.status in ("queued", "sending") or row.detail == OUTDATED:
            already += 1
        elif contact is None:
            missing.add(row.unit_code)
        else:
            ledger.outbox.requeue(row.id, channel=contact.channel, address=contact.address)
            queued += 1
    return QueueReport(queued, already, 0, sorted(missing))


def queue_contents(
    ledger: Ledger,
    config: NotifyConfig,
    contacts: Contacts,
    month_contents: MonthContents,
    names: Sequence[MessageName],
    *,
    month: Month,
    queued_at: datetime,
    number: int | None = None,
    earlier: Earlier | None = None,
) -> QueueReport:
    """Queue the contents and suppress waiting messages of `names` that they outdate, in one transaction.

    A message that waits already goes to its unit's contact as it is now. `earlier` tells what earlier revisions said:
    with it, a message that says otherwise than the one its reader has becomes a correction.
    """
    revision = month_contents.revision
    drafts, missing = _address_contents(config, contacts, month_contents, month, number)
    rows = [row for row in ledger.outbox.list_messages(month=str(month)) if row.message in names]
    by_target: dict[Target, list[OutboxRow]] = {}
    for row in rows:
        by_target.setdefault(_target(row), []).append(row)
    messages = [message for message, _ in drafts]
    found = {
        message.key: find_unchanged(by_target.get(_target(message), []), message, content, earlier)
        for message, content in drafts
    }
    fresh = [
        correct_message(config.correction, by_target.get(_target(message), []), message, content, earlier)
        for message, content in drafts
        if found[message.key] is None
    ]
    kept_keys = {row.key for row in found.values() if row is not None}
    # What was outdated and holds again after all takes its place back.
    revived = [message for message in messages if _was_outdated(found[message.key])]
    stale_targets = {_target(message) for message in (*fresh, *revived)} | _list_settled(rows, messages)
    outdated_ids = [
        row.id
        for row in rows
        if row.status in PENDING
        and row.key not in kept_keys
        and (row.revision < revision or _target(row) in stale_targets)
    ]
    queued = ledger.outbox.queue(fresh, queued_at, outdated_ids=outdated_ids, outdated_detail=OUTDATED)
    for message in revived:
        kept = found[message.key]
        if kept is not None:
            ledger.outbox.requeue(kept.id, channel=message.channel, address=message.address)
    for message in messages:
        kept = found[message.key]
        if kept is not None and kept.status in WAITING and _contact(kept) != _contact(message):
            ledger.outbox.readdress(kept.id, channel=message.channel, address=message.address)
    already = len(kept_keys.intersection(found))
    unchanged = len(messages) - already - len(fresh)
    return QueueReport(queued + len(revived), already - len(revived), unchanged, missing)


def _address_contents(
    config: NotifyConfig, contacts: Contacts, month_contents: MonthContents, month: Month, number: int | None
) -> tuple[list[tuple[Message, Content]], list[str]]:
    """The contents rendered, each for its own unit's contacts, and the codes of the units that have none."""
    revision = month_contents.revision
    drafts: list[tuple[Message, Content]] = []
    missing: set[str] = set()
    for content in month_contents.contents:
        template = config.messages.get(content.message)
        if template is None:
            continue
        subject, body = template.render(content.content)
        for role in template.roles:
            contact = contacts.find(content.unit_code, role)
            if contact is None:
                missing.add(content.unit_code)
                continue
            parts = [content.message, content.unit_code, role, str(month), f"r{revision}", content.number]
            message = Message(
                key=":".join([*filter(None, parts), *([] if number is None else [str(number)])]),
                message=content.message,
                month=str(month),
                revision=revision,
                unit_code=content.unit_code,
                role=role,
                channel=contact.channel,
                address=contact.address,
                subject=subject if revision == FIRST_REVISION else f"{subject}（第 {revision} 版）",
                body=body,
            )
            drafts.append((message, content.content))
    return drafts, sorted(missing)


def _list_settled(rows: Iterable[OutboxRow], messages: Iterable[Message]) -> set[Target]:
    """Who was to be told of missing contacts, of which none is missing any more."""
    return {_target(row) for row in rows if row.message == "missing_contacts"} - set(map(_target, messages))


def _was_outdated(row: OutboxRow | None) -> bool:
    return row is not None and row.status == "suppressed" and row.detail == OUTDATED


def _contact(message: Message) -> tuple[str, str]:
    return message.channel, message.address


def _target(message: Message) -> Target:
    return message.message, message.unit_code, message.role
