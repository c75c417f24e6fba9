"""Watching the reviews: who is reminded on which day, and which months wait for publication."""

from datetime import UTC, datetime

import pytest
from city_runs import MARCH, Home

from flows.cycle import publish_month
from flows.month import Month
from flows.notify.outbox import OUTDATED
from flows.notify.recipients import Contacts
from flows.review.standing import find_standing
from flows.watching import WatchReport, watch_reviews

pytestmark = pytest.mark.flow

FEBRUARY = Month(2024, 2)
# February and March were judged, and so opened, on Friday 5 April 2024, which is off for Qingming. Sunday the 7th
# makes up for it; so the 7th, 8th and 9th are the first three working days, the 10th, 11th and 12th the next.


def watch(home: Home, day: int, hour: int = 0, minute: int = 30) -> WatchReport:
    """What is found on that day of April; 00:30 UTC is 08:30 in the city."""
    with home.open() as house:
        return watch_reviews(house, lambda: datetime(2024, 4, day, hour, minute, tzinfo=UTC))


def list_reminded(report: WatchReport) -> list[Month]:
    return [standing.month for standing in report.reminded]


def list_reminders(home: Home) -> list[tuple[str, str, str]]:
    with home.open() as house:
        rows = house.ledger.outbox.list_messages(month=str(MARCH))
    return [(row.key, row.status, row.detail) for row in rows if row.message == "review_reminder"]


def test_nothing_is_reminded_until_the_third_working_day_and_then_once(home: Home) -> None:
    # The 8th is the second working day, also a minute before it ends in the city.
    assert list_reminded(watch(home, 8, 15, 59)) == []
    # A minute later it is the 9th there, the third.
    report = watch(home, 8, 16, 0)
    assert list_reminded(report) == [FEBRUARY, MARCH]
    assert report.without_contact == []
    assert list_reminded(watch(home, 9)) == []
    assert list_reminded(watch(home, 11)) == []


def test_each_further_three_working_days_remind_again(home: Home) -> None:
    assert list_reminded(watch(home, 9)) == [FEBRUARY, MARCH]
    assert list_reminded(watch(home, 12)) == [FEBRUARY, MARCH]
    assert list_reminders(home) == [
        ("review_reminder:city:hr:2024-03:r1:20240409", "suppressed", OUTDATED),
        ("review_reminder:city:hr:2024-03:r1:20240412", "queued", ""),
    ]


def test_on_days_off_nothing_is_looked_at_and_what_fell_due_meanwhile_is_reminded_after_them(home: Home) -> None:
    # The 13th and 14th are a weekend; the reminder of the 12th goes out on Monday the 15th.
    assert watch(home, 13) == WatchReport(is_working_day=False)
    assert list_reminders(home) == []
    assert MARCH in list_reminded(watch(home, 15))
    assert [key for key, _, _ in list_reminders(home)] == ["review_reminder:city:hr:2024-03:r1:20240412"]


def test_the_reminder_counts_what_is_open(home: Home) -> None:
    watch(home, 9)
    with home.open() as house:
        standing = find_standing(house.ledger, MARCH)
        [row] = [
            row for row in house.ledger.outbox.list_messages(month="2024-03") if row.message == "review_reminder"
        ]
    assert standing.open_count > standing.manual_count > 0
    assert f"还有 **{standing.open_count}** 条没有审定" in row.body
    assert f"须逐条审定：**{standing.manual_count}** 条" in row.body
    assert "自2024年4月5日起待审定" in row.body


def test_a_decided_month_is_reminded_of_no_more_and_waits_for_publication(home: Home) -> None:
    watch(home, 9)
    home.decide_open("approve", at=datetime(2024, 4, 9, 1, tzinfo=UTC))
    report = watch(home, 12)
    assert list_reminded(report) == [FEBRUARY]
    assert [status for _, status, _ in list_reminders(home)] == ["suppressed"]
    assert [standing.month for standing in report.unpublished] == [MARCH]
    with home.open() as house:
        publish_month(house, MARCH, lambda: datetime(2024, 4, 12, 1, tzinfo=UTC))
    assert watch(home, 15).unpublished == []


def test_a_month_of_which_nothing_is_approved_does_not_wait_for_publication(home: Home) -> None:
    home.decide_open("reject")
    assert watch(home, 12).unpublished == []


def test_what_was_put_off_and_is_approved_later_waits_for_publication(home: Home) -> None:
    home.decide_open("later")
    assert watch(home, 12).unpublished == []
    month = ("--month", "2024-03")
    listed = home.run("review", "list", *month, "--state", "later").out.splitlines()
    staff_id = listed[1].split("\t")[0]
    reviewer = (*month, "--reviewer", "审核人", "--comment", "已核对")
    at = datetime(2024, 4, 12, 1, tzinfo=UTC)
    assert home.run("review", "approve", "--staff", staff_id, *reviewer, at=at).code == 0
    assert [(it.month, it.waiting_count) for it in watch(home, 12).unpublished] == [(MARCH, 1)]


def test_hr_without_a_contact_is_told_of_and_reminded_once_it_has_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("flows.watching.load_contacts", lambda *_: Contacts({}))
        report = watch(home, 9)
    assert (list_reminded(report), report.without_contact) == ([], ["city"])
    assert list_reminded(watch(home, 10)) == [FEBRUARY, MARCH]


def test_watching_leaves_an_outcome(home: Home) -> None:
    watch(home, 9)
    with home.open() as house:
        outcome = house.ledger.list_outcomes()[-1]
    assert (outcome["step"], outcome["month"], outcome["ok"]) == ("watch_reviews", None, True)
    assert outcome["counts"] == {"open": 2, "reminded": 2, "unpublished": 0, "without_contact": []}
