"""HR's reminders: what they say, and that each is queued once, whatever the revision."""

from datetime import UTC, date, datetime

from notify_city import NOW, make_contacts

from flows.ledger import Ledger
from flows.month import Month
from flows.notify.config import NotifyConfig
from flows.notify.messages import describe_open_review
from flows.notify.outbox import OUTDATED
from flows.notify.recipients import Contacts
from flows.notify.reminders import queue_review_reminder, was_reminded_since, withdraw_reminders
from flows.results import MonthResult

MARCH = Month(2024, 3)
OPENED_ON, FIRST_ON, SECOND_ON = date(2024, 4, 3), date(2024, 4, 9), date(2024, 4, 12)
FIRST_AT = datetime(2024, 4, 9, 0, 30, tzinfo=UTC)


def remind(
    ledger: Ledger,
    config: NotifyConfig,
    result: MonthResult,
    *,
    due_on: date = FIRST_ON,
    days: int = 3,
    contacts: Contacts | None = None,
):
    return queue_review_reminder(
        ledger,
        config,
        make_contacts(result) if contacts is None else contacts,
        month=MARCH,
        opened_on=OPENED_ON,
        due_on=due_on,
        working_day_count=days,
        open_count=7,
        manual_count=2,
        queued_at=FIRST_AT,
    )


def list_reminders(ledger: Ledger) -> list[tuple[str, str, str]]:
    rows = ledger.outbox.list_messages()
    return [(row.key, row.status, row.detail) for row in rows if row.message == "review_reminder"]


def test_a_reminder_tells_hr_how_many_are_open_and_since_when(make_result, save, ledger, config):
    remind(ledger, config, save(make_result()))
    [row] = ledger.outbox.list_messages()
    assert (row.unit_code, row.role) == ("city", "hr")
    assert row.subject == "2024年3月等级调整建议待审定已满 3 个工作日：还有 7 条"
    assert "自2024年4月3日起待审定，已满 **3** 个工作日" in row.body
    assert "还有 **7** 条没有审定，其中须逐条审定：**2** 条" in row.body
    assert "`hr-review.xlsx`" in row.body


def test_a_reminder_holds_no_worker_and_no_pay(make_result, save, ledger, config):
    result = save(make_result(community_count=20))
    remind(ledger, config, result)
    [row] = ledger.outbox.list_messages()
    text = row.subject + row.body
    assert "元" not in text
    assert [each.staff_id for each in result.proposals if each.staff_id in text or each.name in text] == []


def test_the_same_reminder_is_queued_once_and_the_next_takes_its_place(make_result, save, ledger, config):
    result = save(make_result())
    assert [remind(ledger, config, result).queued for _ in range(2)] == [1, 0]
    assert remind(ledger, config, result, due_on=SECOND_ON, days=6).queued == 1
    assert list_reminders(ledger) == [
        ("review_reminder:city:hr:2024-03:r1:20240409", "suppressed", OUTDATED),
        ("review_reminder:city:hr:2024-03:r1:20240412", "queued", ""),
    ]


def test_a_reminder_of_an_earlier_revision_counts_as_one(make_result, save, ledger, config):
    remind(ledger, config, save(make_result()))
    save(make_result(), 2)
    # Queued on 9 April, 08:30 in the city.
    assert was_reminded_since(ledger, MARCH, FIRST_ON)
    assert not was_reminded_since(ledger, MARCH, date(2024, 4, 10))
    assert not was_reminded_since(ledger, Month(2024, 2), FIRST_ON)


def test_other_messages_are_no_reminders_and_stay_when_reminders_are_withdrawn(
    make_result, save, queue, ledger, config
):
    result = save(make_result())
    queue(result)
    assert not was_reminded_since(ledger, MARCH, date(2024, 4, 1))
    remind(ledger, config, result)
    assert withdraw_reminders(ledger, MARCH, NOW) == 1
    assert [status for _, status, _ in list_reminders(ledger)] == ["suppressed"]
    others = [row.status for row in ledger.outbox.list_messages() if row.message != "review_reminder"]
    assert set(others) == {"queued"}
    assert withdraw_reminders(ledger, MARCH, NOW) == 0


def test_a_delivered_reminder_is_not_withdrawn(make_result, save, ledger, config):
    remind(ledger, config, save(make_result()))
    [row] = ledger.outbox.list_messages()
    ledger.outbox.set_status(row.id, "delivered", delivered_at=NOW)
    assert withdraw_reminders(ledger, MARCH, NOW) == 0
    assert [status for _, status, _ in list_reminders(ledger)] == ["delivered"]


def test_hr_without_a_contact_is_told_of(make_result, save, ledger, config):
    report = remind(ledger, config, save(make_result()), contacts=Contacts({}))
    assert (report.queued, report.without_contact) == (0, ["city"])
    assert list_reminders(ledger) == []


def test_a_reminder_belongs_to_the_newest_revision(make_result, save, ledger):
    save(make_result())
    save(make_result(), 2)
    contents = describe_open_review(
        ledger, MARCH, opened_on=OPENED_ON, working_day_count=3, open_count=1, manual_count=0
    )
    assert contents.revision == 2
