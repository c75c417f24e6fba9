"""Reminders of a review that stands open: each queued once, and taken back when nothing is open any more."""

from datetime import date, datetime

from flows.ledger import Ledger
from flows.ledger.outbox import PENDING
from flows.month import Month, city_day
from flows.notify.config import NotifyConfig
from flows.notify.contents import MessageName
from flows.notify.messages import describe_open_review
from flows.notify.outbox import OUTDATED, QueueReport, queue_contents
from flows.notify.recipients import Contacts

REMINDER: MessageName = "review_reminder"


def queue_review_reminder(
    ledger: Ledger,
    config: NotifyConfig,
    contacts: Contacts,
    *,
    month: Month,
    opened_on: date,
    due_on: date,
    working_day_count: int,
    open_count: int,
    manual_count: int,
    queued_at: datetime,
) -> QueueReport:
    """Queue for HR that the month's review has stood open for `working_day_count` working days.

    The day on which it fell due ends the key, so it is there once; an earlier one that still waits gives way to it.
    """
    contents = describe_open_review(
        ledger,
        month,
        opened_on=opened_on,
        working_day_count=working_day_count,
        open_count=open_count,
        manual_count=manual_count,
    )
    number = int(due_on.strftime("%Y%m%d"))
    return queue_contents(
        ledger, config, contacts, contents, (REMINDER,), month=month, queued_at=queued_at, number=number
    )


def was_reminded_since(ledger: Ledger, month: Month, due_on: date) -> bool:
    """Whether a reminder of the month was queued on that day of the city or later, by whichever revision."""
    rows = ledger.outbox.list_messages(month=str(month))
    return any(row.message == REMINDER and city_day(row.queued_at) >= due_on for row in rows)


def withdraw_reminders(ledger: Ledger, month: Month, at: datetime) -> int:
    """How many reminders of the month had not gone out and are suppressed now: there is nothing left to decide."""
    rows = ledger.outbox.list_messages(month=str(month), statuses=PENDING)
    waiting_ids = [row.id for row in rows if row.message == REMINDER]
    ledger.outbox.queue([], at, outdated_ids=waiting_ids, outdated_detail=OUTDATED)
    return len(waiting_ids)
