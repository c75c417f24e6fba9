"""Queueing: once a key, not again if the reader has it, outdated ones held back, missing contacts told."""

from dataclasses import replace
from time import perf_counter

import pytest
from notify_city import NOW, make_contacts

from flows.errors import UsageError
from flows.month import Month
from flows.notify.outbox import OUTDATED, queue_publication_notice, requeue_messages
from flows.notify.recipients import Contacts

MARCH = Month(2024, 3)


def raise_stars(result, count: int):
    """Other stars for the first community: its card and its district's ranking change, nothing else does."""
    first, *rest = result.ratings
    return replace(result, ratings=[replace(first, stars=count, rank=1, complete=True), *rest])


def statuses(ledger, message: str = "star_card", unit_code: str | None = None) -> list[tuple[int, str]]:
    return [
        (row.revision, row.status)
        for row in ledger.outbox.list_messages()
        if row.message == message and unit_code in (None, row.unit_code)
    ]


def test_queueing_twice_queues_once(make_result, save, queue, ledger):
    result = save(make_result())
    first = queue(result)
    # 6 cards, a ranking for each district, and HR's digest.
    districts = len({community.district_code for community in result.communities})
    assert (first.queued, first.already, first.unchanged) == (6 + districts + 1, 0, 0)
    again = queue(result)
    assert (again.queued, again.already, again.unchanged) == (0, first.queued, 0)
    assert len(ledger.outbox.list_messages()) == first.queued


def test_a_key_names_message_unit_role_month_and_revision(make_result, save, queue, ledger):
    result = save(make_result())
    queue(result)
    keys = {row.key for row in ledger.outbox.list_messages()}
    assert "hr_digest:city:hr:2024-03:r1" in keys
    assert f"star_card:{result.communities[0].community_code}:secretary:2024-03:r1" in keys


def test_a_new_revision_queues_only_what_changed(make_result, save, queue, ledger):
    result = raise_stars(make_result(), 1)
    queue(save(result))
    code = result.communities[0].community_code
    report = queue(save(raise_stars(result, 2), 2))
    assert report.queued == 2
    assert report.already == 0
    assert report.unchanged == len(ledger.outbox.list_messages()) - 4
    assert statuses(ledger, unit_code=code) == [(1, "suppressed"), (2, "queued")]
    card = ledger.outbox.list_messages()[-2]
    assert card.subject.endswith("（第 2 版）")
    assert "版" not in card.body
    assert {row.detail for row in ledger.outbox.list_messages(statuses=["suppressed"])} == {OUTDATED}
    again = queue(result)
    assert (again.queued, again.already) == (0, 2)


def test_a_reader_who_has_it_is_not_told_again_after_a_change_that_he_never_saw(make_result, save, queue, ledger):
    result = raise_stars(make_result(), 1)
    code = result.communities[0].community_code
    queue(save(result))
    for row in ledger.outbox.list_messages():
        ledger.outbox.set_status(row.id, "delivered", delivered_at=NOW)
    queue(save(raise_stars(result, 2), 2))
    assert queue(save(result, 3)).queued == 0
    assert statuses(ledger, unit_code=code) == [(1, "delivered"), (2, "suppressed")]


def test_a_reader_who_was_told_otherwise_in_between_is_told_again(make_result, save, queue, ledger):
    result = raise_stars(make_result(), 1)
    code = result.communities[0].community_code
    for revision, stars in ((1, 1), (2, 2), (3, 1)):
        queue(save(raise_stars(result, stars), revision))
        for row in ledger.outbox.list_messages(statuses=["queued"]):
            ledger.outbox.set_status(row.id, "delivered", delivered_at=NOW)
    assert statuses(ledger, unit_code=code) == [(1, "delivered"), (2, "delivered"), (3, "delivered")]


def test_an_alarm_without_cause_any_more_does_not_go_out(make_result, save, queue, ledger):
    result = make_result()
    queue(save(replace(result, alarms=["41 % hold four stars"])))
    assert statuses(ledger, "sanity_alarm") == [(1, "queued")]
    queue(save(result, 2))
    assert statuses(ledger, "sanity_alarm") == [(1, "suppressed")]
    queue(save(replace(result, alarms=["41 % hold four stars"]), 3))
    assert statuses(ledger, "sanity_alarm") == [(1, "suppressed"), (3, "queued")]


def test_units_without_a_contact_are_told_and_get_nothing(make_result, save, queue, ledger):
    result = save(make_result())
    everyone = make_contacts(result)
    code = result.communities[0].community_code
    known = {unit: contact for unit, contact in everyone.by_unit_role.items() if unit != (code, "secretary")}
    report = queue(result, Contacts(known))
    assert report.without_contact == [code]
    assert statuses(ledger, unit_code=code) == []
    later = queue(result, everyone)
    assert (later.queued, later.without_contact) == (1, [])


def test_each_publication_that_enters_grades_is_told_once(make_result, save, ledger, config):
    result = save(make_result())

    def notify(entered: int, left: int, register_no: int):
        return queue_publication_notice(
            ledger,
            config,
            make_contacts(result),
            month=MARCH,
            entered_count=entered,
            left_count=left,
            register_no=register_no,
            queued_at=NOW,
        ).queued

    # The third publication takes one back and enters another: as many as before, yet something else.
    assert [notify(3, 2, 3), notify(3, 2, 3), notify(3, 1, 5), notify(5, 0, 7)] == [1, 0, 1, 1]
    rows = ledger.outbox.list_messages()
    assert [(row.key.rsplit(":", 2)[1:], row.status) for row in rows] == [
        (["r1", "3"], "suppressed"),
        (["r1", "5"], "suppressed"),
        (["r1", "7"], "queued"),
    ]


def test_month_messages_leave_the_publication_notice_alone(make_result, save, queue, ledger, config):
    result = save(make_result())
    queue_publication_notice(
        ledger,
        config,
        make_contacts(result),
        month=MARCH,
        entered_count=1,
        left_count=0,
        register_no=1,
        queued_at=NOW,
    )
    queue(save(result, 2))
    assert statuses(ledger, "publication_notice") == [(1, "queued")]


def test_a_waiting_message_follows_its_unit_to_a_new_contact(make_result, save, queue, ledger):
    result = save(make_result())
    queue(result)
    queue(result, make_contacts(result, address="successor"))
    assert {row.address for row in ledger.outbox.list_messages()} == {"successor"}


def test_resending_takes_the_contact_as_it_is_now(make_result, save, queue, ledger):
    result = save(make_result())
    queue(result)
    row = ledger.outbox.list_messages()[0]
    ledger.outbox.set_status(row.id, "permanent_failure", detail="the address cannot be a folder name")
    assert requeue_messages(ledger, make_contacts(result, address="new"), month=MARCH).queued == 1
    mended = ledger.outbox.list_messages()[0]
    assert (mended.status, mended.address, mended.detail) == ("queued", "new", "")


def test_resending_leaves_outdated_and_delivered_messages(make_result, save, queue, ledger):
    result = raise_stars(make_result(), 1)
    queue(save(result))
    queue(save(raise_stars(result, 2), 2))
    contacts = make_contacts(result)
    assert requeue_messages(ledger, contacts).queued == 0
    last = ledger.outbox.list_messages()[-1]
    ledger.outbox.set_status(last.id, "delivered", delivered_at=NOW)
    assert requeue_messages(ledger, contacts).queued == 0
    assert requeue_messages(ledger, contacts, keys=[last.key]).queued == 1
    with pytest.raises(UsageError, match="'nothing' is not in the outbox"):
        requeue_messages(ledger, contacts, keys=["nothing"])


def test_a_city_is_queued_in_less_than_two_seconds(make_result, save, queue):
    result = save(make_result(community_count=247, staff_per_community=6))
    started = perf_counter()
    assert queue(result).queued > 247
    assert perf_counter() - started < 2
