"""Digests of overdue events and engineers' alarms: what they say, to whom, and that each is queued once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from jinja2 import Template

from flows.findings import Backlog, Backlogs, DoubtfulPulls, FailedRun, PullFinding, SilentSource, WaitingEvent
from flows.ledger import Ledger
from flows.ledger.outbox import OutboxRow
from flows.notify.alerts import (
    queue_failure_alarm,
    queue_overdue_digests,
    queue_quality_alarms,
    queue_silence_alarms,
    withdraw_expired,
)
from flows.notify.config import NotifyConfig
from flows.notify.outbox import OUTDATED, requeue_messages
from flows.notify.recipients import Contact, Contacts

NOW = datetime(2024, 4, 8, 23, 30, tzinfo=UTC)
"""07:30 on Tuesday 9 April in the city."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOME, STREET, DISTRICT = "410204001001", "410204001", "410204"
ROLES = {HOME: "secretary", STREET: "supervisor", DISTRICT: "supervisor", "city": "engineer"}
CONTACTS = Contacts({(unit, role): Contact(unit, role, "file", unit) for unit, role in ROLES.items()})
HOURS = {"community": 0, "street": 24, "district": 72}


def waiting(hours: float, event_id: str = "SJ1", category: str = "city_case") -> WaitingEvent:
    deadline_at = NOW - timedelta(hours=hours)
    return WaitingEvent(event_id, category, "某社区", deadline_at, is_overdue=hours > 0)


def backlog(*events: WaitingEvent, tier="community", unit=HOME, name="某社区", overdue=None, due_soon=0) -> Backlog:
    return Backlog(tier, unit, name, len(events) if overdue is None else overdue, due_soon, list(events))


def queue(ledger: Ledger, config: NotifyConfig, *units: Backlog, at=NOW, contacts=CONTACTS, stale=()):
    return queue_overdue_digests(ledger, config, contacts, Backlogs(at, HOURS, 24, units), stale)


def list_rows(ledger: Ledger, message: str | None = None) -> list[OutboxRow]:
    return [row for row in ledger.outbox.list_messages() if message in (None, row.message)]


# Digests


def test_a_digest_names_event_category_community_deadline_and_hours_past(ledger, config):
    queue(
        ledger,
        config,
        backlog(waiting(52.9, "SJ7"), waiting(0.5, "SJ8"), waiting(-5.5, "SJ9"), overdue=2, due_soon=1),
    )
    [row] = list_rows(ledger)
    assert row.subject == "2024年4月9日逾期与临期事件：某社区"
    assert "某社区，截至 2024-04-09 07:30：" in row.body
    assert "逾期未办结：**2** 件" in row.body
    assert "24 小时内到期：**1** 件" in row.body
    # 07:30 on 9 April less 52.9 h is 02:36 on the 7th; whole hours are told, the last one not as 0.
    assert "| SJ7 | 城市管理案件 | 某社区 | 2024-04-07 02:36 | 已逾期 52 小时 |" in row.body
    assert "| SJ8 | 城市管理案件 | 某社区 | 2024-04-09 07:00 | 已逾期 不足 1 小时 |" in row.body
    assert "| SJ9 | 城市管理案件 | 某社区 | 2024-04-09 13:00 | 还剩 5 小时 |" in row.body
    assert "未列出" not in row.body


def test_what_is_not_listed_is_counted(ledger, config):
    queue(ledger, config, backlog(*[waiting(9, f"SJ{number}") for number in range(10)], overdue=23, due_soon=4))
    [row] = list_rows(ledger)
    # 23 + 4 - 10.
    assert "按紧迫程度只列出 10 件，另有 **17** 件未列出。" in row.body


@pytest.mark.parametrize(
    ("tier", "unit", "hours"),
    [("street", STREET, 24), ("district", DISTRICT, 72)],
)
def test_a_supervisors_digest_says_from_how_many_hours_on(ledger, config, tier, unit, hours):
    queue(ledger, config, backlog(waiting(100), tier=tier, unit=unit, name="鼓楼"))
    [row] = list_rows(ledger)
    assert (row.message, row.unit_code, row.role) == (f"overdue_digest_{tier}", unit, "supervisor")
    assert row.subject == "2024年4月9日逾期事件：鼓楼"
    assert f"逾期超过 {hours} 小时未办结：**1** 件" in row.body
    assert "到期" not in row.body


def test_an_event_that_no_star_counts_is_called_other(ledger, config):
    queue(ledger, config, backlog(waiting(1, category="other")))
    assert "| 其他 |" in list_rows(ledger)[0].body


def test_a_key_holds_unit_role_and_day_and_belongs_to_no_revision(ledger, config):
    queue(ledger, config, backlog(waiting(1)), backlog(waiting(99), tier="street", unit=STREET))
    assert [(row.key, row.month, row.revision) for row in list_rows(ledger)] == [
        (f"overdue_digest:{HOME}:secretary:2024-04-09", "2024-04", 0),
        (f"overdue_digest_street:{STREET}:supervisor:2024-04-09", "2024-04", 0),
    ]


def test_the_same_day_adds_nothing_and_the_next_takes_its_place(ledger, config):
    assert (queue(ledger, config, backlog(waiting(1))).queued) == 1
    again = queue(ledger, config, backlog(waiting(2)), at=NOW + 10 * HOUR)
    assert (again.queued, again.already) == (0, 1)
    assert queue(ledger, config, backlog(waiting(25)), at=NOW + DAY).queued == 1
    assert [(row.key[-10:], row.status, row.detail) for row in list_rows(ledger)] == [
        ("2024-04-09", "suppressed", OUTDATED),
        ("2024-04-10", "queued", ""),
    ]


def test_yesterdays_digest_that_still_waits_goes_also_where_nothing_is_left_to_tell(ledger, config):
    queue(ledger, config, backlog(waiting(1)))
    queue(ledger, config, at=NOW + DAY)
    assert [row.status for row in list_rows(ledger)] == ["suppressed"]


def test_a_delivered_digest_stays_delivered(ledger, config):
    queue(ledger, config, backlog(waiting(1)))
    ledger.outbox.set_status(list_rows(ledger)[0].id, "delivered", delivered_at=NOW)
    queue(ledger, config, backlog(waiting(25)), at=NOW + DAY)
    assert [row.status for row in list_rows(ledger)] == ["delivered", "queued"]


def test_a_unit_without_contact_is_told_of_and_nobody_stands_in_for_it(ledger, config):
    report = queue(ledger, config, backlog(waiting(1)), backlog(waiting(1), unit="410204001002"))
    assert (report.queued, report.without_contact) == (1, ["410204001002"])
    assert {row.unit_code for row in list_rows(ledger)} == {HOME}


def test_a_digest_says_which_sources_were_not_read_of_late(ledger, config):
    queue(ledger, config, backlog(waiting(1)), stale=["执法监管平台"])
    assert "其中的事件可能已经办结：执法监管平台。" in list_rows(ledger)[0].body


def test_a_number_of_a_platform_cannot_break_the_table(ledger, config):
    queue(ledger, config, backlog(waiting(1, "a|b[c](http://x)\n*")))
    assert r"| a\|b\[c\](http://x) \* |" in list_rows(ledger)[0].body


def test_a_message_that_is_taken_out_of_the_settings_is_queued_for_nobody(ledger, config):
    messages = {name: it for name, it in config.messages.items() if name != "overdue_digest"}
    report = queue(ledger, replace(config, messages=messages), backlog(waiting(1)))
    assert (report.queued, report.without_contact) == (0, [])


# Silence

SILENT = SilentSource("law_enforcement", "执法监管平台", ["events"], NOW - 5 * HOUR, 12, NOW - HOUR, "unavailable")


def tell_silence(ledger, config, at=NOW, silent=SILENT, contacts=CONTACTS):
    return queue_silence_alarms(ledger, config, contacts, [silent] if silent else [], at).queued


def test_engineers_are_told_which_source_is_silent_since_when_and_when_again(ledger, config):
    tell_silence(ledger, config)
    [row] = list_rows(ledger)
    assert (row.unit_code, row.role, row.subject) == ("city", "engineer", "数据来源中断：执法监管平台")
    assert "上次完整取数：2024-04-09 02:30" in row.body
    assert "已中断：约 5 小时" in row.body
    assert "涉及的资源：events" in row.body
    assert "最近一次取数的结果：没有响应" in row.body
    assert r"fivestar doctor --platform law\_enforcement" in row.body
    # Late since 06:30 on 9 April; three days later (silence_repeat_days).
    assert "2024-04-12 06:30 之后再次提醒" in row.body


def test_a_silence_is_told_once_and_again_after_the_days_that_the_settings_say(ledger, config):
    # Late since 06:30; so the second telling is due at 06:30 three days later, and not a second before.
    assert [tell_silence(ledger, config, NOW + hours * HOUR) for hours in (0, 1, 30)] == [1, 0, 0]
    second_at = SILENT.late_since_at + 3 * DAY
    assert tell_silence(ledger, config, second_at - timedelta(seconds=1)) == 0
    assert [tell_silence(ledger, config, second_at + hours * HOUR) for hours in (0, 1)] == [1, 0]
    assert [(row.key, row.status) for row in list_rows(ledger)] == [
        ("platform_silent:city:engineer:2024-04-09:law_enforcement:p12", "suppressed"),
        ("platform_silent:city:engineer:2024-04-12:law_enforcement:p12", "queued"),
    ]


def test_a_silence_that_lasts_over_the_end_of_a_month_is_told_once(ledger, config):
    silent = replace(SILENT, late_since_at=datetime(2024, 4, 30, 1, tzinfo=UTC))
    moments = [datetime(2024, 4, 30, 2, tzinfo=UTC), datetime(2024, 5, 1, 2, tzinfo=UTC)]
    assert [tell_silence(ledger, config, at, silent) for at in moments] == [1, 0]


def test_the_next_silence_of_a_source_is_another_one(ledger, config):
    tell_silence(ledger, config)
    assert tell_silence(ledger, config, silent=replace(SILENT, pull_id=13)) == 1


def test_an_alarm_that_waits_goes_when_the_source_is_read_again(ledger, config):
    tell_silence(ledger, config)
    tell_silence(ledger, config, silent=None)
    assert [(row.status, row.detail) for row in list_rows(ledger)] == [("suppressed", OUTDATED)]


def test_a_source_that_was_never_read_says_so(ledger, config):
    tell_silence(ledger, config, silent=replace(SILENT, read_at=None, pull_id=0, last_status=""))
    [row] = list_rows(ledger)
    assert "上次完整取数：从未" in row.body
    assert "最近一次" not in row.body


# Quality

STOPPED = PullFinding("events", "refused", 100, 30, {"null:category": 18, "not_listed:tier": 12}, (), "a stop rule")
WARNED = PullFinding("checks", "complete", 40, 0, {}, [f"odd {number}" for number in range(7)], "")


def doubt(*pulls, is_stopped=False, day=date(2024, 4, 9)):
    return DoubtfulPulls("supervision", "综合监督平台", day, is_stopped, pulls)


def test_engineers_are_told_what_was_stopped_and_why(ledger, config):
    queue_quality_alarms(ledger, config, CONTACTS, [doubt(STOPPED, is_stopped=True)], NOW)
    [row] = list_rows(ledger)
    assert row.key == "data_quality_alarm:city:engineer:2024-04-09:supervision:stopped"
    assert row.subject == "2024年4月9日数据质量需核查：综合监督平台"
    for told in ("没有入库", "## events（质量规则拦下）", "收到 100 条，其中不合格 30 条", "：18 条", "a stop rule"):
        assert told in row.body


def test_of_many_warnings_the_first_are_shown_and_the_rest_counted(ledger, config):
    queue_quality_alarms(ledger, config, CONTACTS, [doubt(WARNED)], NOW)
    [row] = list_rows(ledger)
    assert "已入库，但有疑点" in row.body
    assert ("odd 4" in row.body, "odd 5" in row.body) == (True, False)
    assert "另有 2 条提示" in row.body


def test_a_source_is_doubted_once_a_day_and_once_more_if_something_was_stopped(ledger, config):
    def tell(*found):
        return queue_quality_alarms(ledger, config, CONTACTS, found, NOW).queued

    assert tell(doubt(WARNED)) == 1
    assert tell(doubt(WARNED, STOPPED)) == 0
    assert tell(doubt(WARNED), doubt(STOPPED, is_stopped=True)) == 1
    assert tell(doubt(WARNED, day=date(2024, 4, 10))) == 1


# Failed runs

FAILED = FailedRun("monthly", "On failure: read it.", "monthly 2024-03", "失败", "no answer", NOW)


def test_engineers_are_told_which_run_failed_and_what_to_do(ledger, config):
    queue_failure_alarm(ledger, config, CONTACTS, FAILED, NOW)
    [row] = list_rows(ledger)
    assert (row.key, row.subject) == ("run_failure:city:engineer:2024-04-09:monthly", "任务运行失败：monthly")
    for told in (
        "运行：monthly 2024-03",
        "结果：失败",
        "时间：2024-04-09 07:30",
        "原因：no answer",
        "> On failure: read it.",
    ):
        assert told in row.body


def test_a_deployment_that_fails_again_is_told_of_once_a_day(ledger, config):
    def tell(failed):
        return queue_failure_alarm(ledger, config, CONTACTS, failed, NOW).queued

    assert [tell(FAILED), tell(replace(FAILED, run_name="again")), tell(replace(FAILED, deployment="publish"))] == [
        1, 0, 1,
    ]  # fmt: skip
    # 9 April ends in the city at 16:00 UTC.
    assert tell(replace(FAILED, failed_at=datetime(2024, 4, 9, 15, 59, 59, tzinfo=UTC))) == 0
    assert tell(replace(FAILED, failed_at=datetime(2024, 4, 9, 16, tzinfo=UTC))) == 1


def test_a_long_message_of_a_run_is_cut_and_says_by_how_much(ledger, config):
    queue_failure_alarm(
        ledger, config, CONTACTS, replace(FAILED, message="\n".join(f"line {n}" for n in range(9))), NOW
    )
    [row] = list_rows(ledger)
    assert "line 4" in row.body
    assert "line 5" not in row.body
    assert "and 4 more lines; see the run" in row.body


# What waits too long


@pytest.mark.parametrize(("at", "status"), [(NOW + 16 * HOUR, "queued"), (NOW + 17 * HOUR, "suppressed")])
def test_a_digest_goes_on_its_own_day_or_never(ledger, config, at, status):
    # 07:30 on 9 April: 16 hours later it is 23:30, 17 hours later the 10th.
    queue(ledger, config, backlog(waiting(1)))
    withdraw_expired(ledger, at)
    assert [row.status for row in list_rows(ledger)] == [status]


@pytest.mark.parametrize(("days", "status"), [(6, "queued"), (7, "suppressed")])
def test_an_alarm_waits_for_less_than_a_week(ledger, config, days, status):
    queue_failure_alarm(ledger, config, CONTACTS, FAILED, NOW)
    queue_quality_alarms(ledger, config, CONTACTS, [doubt(WARNED)], NOW)
    withdraw_expired(ledger, NOW + days * DAY)
    assert {row.status for row in list_rows(ledger)} == {status}


def test_a_digest_that_a_process_has_claimed_is_outdated_by_the_next_days(ledger, config):
    queue(ledger, config, backlog(waiting(1)))
    [row] = ledger.deliveries.claim("owner", NOW, count=5, skipped_channels=(), skipped_addresses=())
    queue(ledger, config, backlog(waiting(25)), at=NOW + DAY)
    ledger.deliveries.release("owner")
    assert [(it.key[-10:], it.status) for it in list_rows(ledger)] == [
        (row.key[-10:], "suppressed"),
        ("2024-04-10", "queued"),
    ]


# All of them


def test_an_alarm_that_waits_follows_its_contact(ledger, config):
    queue_failure_alarm(ledger, config, CONTACTS, FAILED, NOW)
    successor = Contacts({("city", "engineer"): Contact("city", "engineer", "file", "successor")})
    assert queue_failure_alarm(ledger, config, successor, FAILED, NOW).queued == 0
    assert [row.address for row in list_rows(ledger)] == ["successor"]


def test_each_failed_alarm_can_be_sent_again_by_its_key(ledger, config):
    for name in ("monthly", "publish"):
        queue_failure_alarm(ledger, config, CONTACTS, replace(FAILED, deployment=name), NOW)
    for row in list_rows(ledger):
        ledger.outbox.set_status(row.id, "permanent_failure", detail="key revoked")
    first, second = (row.key for row in list_rows(ledger))
    assert requeue_messages(ledger, CONTACTS, keys=[first]).queued == 1
    assert requeue_messages(ledger, CONTACTS, keys=[second]).queued == 1


def test_each_alarm_goes_to_engineers_alone_and_without_one_that_is_told(ledger, config):
    nobody = Contacts({key: contact for key, contact in CONTACTS.by_unit_role.items() if key[0] != "city"})
    reports = [
        queue_silence_alarms(ledger, config, nobody, [SILENT], NOW),
        queue_quality_alarms(ledger, config, nobody, [doubt(WARNED)], NOW),
        queue_failure_alarm(ledger, config, nobody, FAILED, NOW),
    ]
    assert [(report.queued, report.without_contact) for report in reports] == [(0, ["city"])] * 3
    assert list_rows(ledger) == []


def test_every_alerts_template_is_strict(config):
    for name in ("overdue_digest", "platform_silent", "data_quality_alarm", "run_failure"):
        assert isinstance(config.messages[name].body, Template)
