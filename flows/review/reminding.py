"""When HR is reminded of a review that stands open."""

from dataclasses import dataclass
from datetime import date, timedelta

from flows.calendar import CityCalendar


@dataclass(frozen=True)
class DueReminder:
    """A reminder that has fallen due: after how many working days, and on which day."""

    working_day_count: int
    due_on: date


def find_due_reminder(
    calendar: CityCalendar, opened_on: date, today: date, after_working_days: int
) -> DueReminder | None:
    """The latest reminder due by `today` of a review opened on `opened_on`, one every `after_working_days`.

    The day of opening doesn't count, as with deadlines (policy §1). Nothing if not even the first is due. Raises
    `ConfigurationError` if a year on the way has no published calendar.
    """
    days = [opened_on + timedelta(days=number) for number in range(1, (today - opened_on).days + 1)]
    working_days = [day for day in days if calendar.is_working_day(day)]
    count = len(working_days) // after_working_days * after_working_days
    return DueReminder(count, working_days[count - 1]) if count else None
