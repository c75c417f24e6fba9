"""When a message may go out: quiet hours, working days and how many a day, as `notify.yaml` sets them.

Hours and days are the city's (Asia/Shanghai); instants are UTC. Nothing here reads a clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from flows.calendar import SATURDAY, CityCalendar
from flows.errors import ConfigurationError
from flows.ledger.outbox import Message, OutboxRow
from flows.month import CITY_ZONE, city_day, start_of_day

Days = Literal["any", "working"]
Hold = Callable[[OutboxRow, datetime], datetime | None]
"""Until when a message waits although it could go, seen from an instant; nothing if it may go now."""
CountSent = Callable[[str, str, datetime], int]
"""How many messages went to a channel's address since an instant."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class QuietHours:
    """From when to when, each day, nobody is disturbed: `start` is in it, `end` no more. It may span midnight."""

    start: time
    end: time

    def find_end(self, moment: datetime) -> datetime | None:
        """When the quiet hours end that `moment`, in the city's time, lies in; nothing if it lies in none."""
        clock = moment.time()
        spans_midnight = self.start > self.end
        is_after, is_before = clock >= self.start, clock < self.end
        if not (is_after or is_before if spans_midnight else is_after and is_before):
            return None
        day = moment.date() + ONE_DAY if spans_midnight and is_after else moment.date()
        return datetime.combine(day, self.end, CITY_ZONE)


@dataclass(frozen=True)
class MessageTiming:
    """What holds for one kind of message: an `urgent` one waits for nothing."""

    days: Days = "any"
    urgent: bool = False


@dataclass(frozen=True)
class TimingRules:
    """The city's quiet hours, what one address gets in a day at most, and what holds for each kind of message.

    `silent_channels` disturb nobody, so that nothing holds a message to them.
    """

    quiet_hours: QuietHours | None = None
    daily_limit: int | None = None
    silent_channels: frozenset[str] = frozenset()
    messages: Mapping[str, MessageTiming] = field(default_factory=dict)


def find_release_at(
    rules: TimingRules, message: Message, now: datetime, calendar: CityCalendar, sent_today: int
) -> datetime | None:
    """The first instant, in UTC, at which the message may go out; nothing if it may now.

    `sent_today` counts what its address was sent on the city's present day. Beyond the limit a message waits for the
    next day: it stays in the outbox, so nothing is lost.
    """
    timing = rules.messages.get(message.message, MessageTiming())
    if timing.urgent or message.channel in rules.silent_channels:
        return None
    local_now = now.astimezone(CITY_ZONE)
    moment = local_now
    if rules.daily_limit is not None and sent_today >= rules.daily_limit:
        moment = _begin_next_day(moment)
    while True:
        if timing.days == "working" and not _is_working_day(calendar, moment.date()):
            moment = _begin_next_day(moment)
            continue
        quiet_until = rules.quiet_hours and rules.quiet_hours.find_end(moment)
        if not quiet_until:
            break
        moment = quiet_until
    return None if moment == local_now else moment.astimezone(UTC)


def make_hold(rules: TimingRules, calendar: CityCalendar, count_sent: CountSent) -> Hold:
    """The rules as a delivery asks them; what an address got today is counted anew for each message."""

    def hold(row: OutboxRow, now: datetime) -> datetime | None:
        is_limited = rules.daily_limit is not None and row.channel not in rules.silent_channels
        sent_today = count_sent(row.channel, row.address, start_of_day(city_day(now))) if is_limited else 0
        return find_release_at(rules, row, now, calendar, sent_today)

    return hold


def _begin_next_day(moment: datetime) -> datetime:
    return datetime.combine(moment.date() + ONE_DAY, time.min, CITY_ZONE)


def _is_working_day(calendar: CityCalendar, day: date) -> bool:
    """By the official calendar; in a year without one Monday to Friday, so that no message waits for it to appear."""
    try:
        return calendar.is_working_day(day)
    except ConfigurationError:
        return day.weekday() < SATURDAY
