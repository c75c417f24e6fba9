"""The watch over reviews as a plain function: who must be reminded, and which months wait for their publication."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flows.calendar import CityCalendar
from flows.house import Clock, House, record_step
from flows.month import Month, city_day
from flows.notify.config import load_notify_config
from flows.notify.recipients import load_contacts
from flows.notify.reminders import queue_review_reminder, was_reminded_since, withdraw_reminders
from flows.policy import load_policy
from flows.review.people import load_review_settings
from flows.review.reminding import find_due_reminder
from flows.review.standing import ReviewStanding, find_standing


@dataclass(frozen=True)
class WatchReport:
    """What watching the reviews found; on a day off it looks at nothing."""

    is_working_day: bool
    reminded: Sequence[ReviewStanding] = ()
    """The months of which HR is reminded now."""
    unpublished: Sequence[ReviewStanding] = ()
    """The months in which all is decided and something approved is not in the register."""
    without_contact: Sequence[str] = ()


def watch_reviews(house: House, clock: Clock) -> WatchReport:
    """Queue the reminders that are due, and find the months that wait for publication; on days off do nothing.

    Of a review that stands open HR is reminded every `remind_after_working_days` (config/review.yaml), once for each;
    a reminder that still waits when all is decided is suppressed.
    """
    with record_step(house, "watch_reviews", clock) as counts:
        now = clock()
        calendar = CityCalendar.from_policy(load_policy(house.settings.config / "policy").at(city_day(now)))
        if not calendar.is_working_day(city_day(now)):
            return WatchReport(is_working_day=False)
        months = [Month.parse(month) for month in house.ledger.results.list_months()]
        standings = [find_standing(house.ledger, month) for month in months]
        for standing in standings:
            if standing.state != "open":
                withdraw_reminders(house.ledger, standing.month, now)
        reminded, missing = _remind(house, standings, calendar, now)
        unpublished = [
            each
            for each in standings
            if each.state != "open" and (each.waiting_count or _publication_broke_off(house, each.month))
        ]
        counts.update(
            open=sum(standing.state == "open" for standing in standings),
            reminded=len(reminded),
            unpublished=len(unpublished),
            without_contact=missing,
        )
    return WatchReport(True, reminded, unpublished, missing)


def _publication_broke_off(house: House, month: Month) -> bool:
    """Whether the register has records of the month that no publication saw through: its files may be missing."""
    lines = house.ledger.register.list_month(str(month))
    if not lines:
        return False
    finished = [
        outcome["finished_at"]
        for outcome in house.ledger.list_outcomes(str(month))
        if outcome["step"] == "publish" and outcome["ok"]
    ]
    return max(line.recorded_at for line in lines) > max(finished, default=datetime.min.replace(tzinfo=UTC))


def _remind(
    house: House, standings: Sequence[ReviewStanding], calendar: CityCalendar, now: datetime
) -> tuple[list[ReviewStanding], list[str]]:
    """The months of which HR is reminded now, and the units that have no contact for it."""
    every = load_review_settings(house.settings.config).remind_after_working_days
    config = load_notify_config(house.settings.config)
    with house.view() as view:
        contacts = load_contacts(view, config.channels)
    reminded = []
    missing: set[str] = set()
    for standing in standings:
        if standing.opened_at is None:
            continue
        opened_on = city_day(standing.opened_at)
        due = find_due_reminder(calendar, opened_on, city_day(now), every)
        if due is None or was_reminded_since(house.ledger, standing.month, due.due_on):
            continue
        report = queue_review_reminder(
            house.ledger,
            config,
            contacts,
            month=standing.month,
            opened_on=opened_on,
            due_on=due.due_on,
            working_day_count=due.working_day_count,
            open_count=standing.open_count,
            manual_count=standing.manual_count,
            queued_at=now,
        )
        missing.update(report.without_contact)
        if report.queued:
            reminded.append(standing)
    return reminded, sorted(missing)
