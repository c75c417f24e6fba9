"""The sandbox city's morning: digests up the ladder, silent sources, and what engineers are told of a failed run."""

from datetime import UTC, datetime, timedelta

import pytest
from city_runs import Answer, Home, run_fivestar

from flows.alerting import queue_daily_digests, report_failure, watch_platforms
from flows.evaluate.overdue import TIERS
from flows.findings import FailedRun
from flows.ledger.outbox import OutboxRow

MORNING = datetime(2024, 4, 8, 23, 30, tzinfo=UTC)
"""07:30 on Tuesday 9 April in the city; what landed was read on Friday, 5 April, 10:00."""

DAY_OFF = datetime(2024, 4, 4, 23, 30, tzinfo=UTC)
"""07:30 on Friday 5 April, of the Qingming holidays."""

MAKE_UP_DAY = datetime(2024, 4, 6, 23, 30, tzinfo=UTC)
"""07:30 on Sunday 7 April, on which the city works."""

DIGESTS = ("overdue_digest", "overdue_digest_street", "overdue_digest_district")


def run(home: Home, *arguments: str, at: datetime = MORNING) -> Answer:
    return run_fivestar(*arguments, "--home", str(home.path), "--config", str(home.config), at=at)


def list_new(home: Home, *messages: str) -> list[OutboxRow]:
    with home.open() as house:
        return [row for row in house.ledger.outbox.list_messages() if row.message in messages]


def list_outcomes(home: Home, step: str) -> list[dict[str, object]]:
    with home.open() as house:
        return [row for row in house.ledger.list_outcomes() if row["step"] == step]


def test_every_tier_is_told_and_each_unit_by_its_own_contact(home: Home) -> None:
    answer = run(home, "alerts", "daily")
    assert answer.code == 0, answer.err
    rows = list_new(home, *DIGESTS)
    assert f"queued: {len(rows)}, there already: 0" in answer.out
    assert {row.message for row in rows} == set(DIGESTS)
    roles = {(len(row.unit_code), row.role) for row in rows}
    # A community's code has 12 digits, a street's 9, a district's 6.
    assert roles == {(12, "secretary"), (9, "supervisor"), (6, "supervisor")}
    assert len({row.key for row in rows}) == len(rows)


def test_the_same_morning_again_adds_nothing(home: Home) -> None:
    run(home, "alerts", "daily")
    count = len(list_new(home, *DIGESTS))
    again = run(home, "alerts", "daily", at=MORNING + timedelta(hours=5))
    assert f"queued: 0, there already: {count}" in again.out
    assert len(list_new(home, *DIGESTS)) == count
    assert [row["ok"] for row in list_outcomes(home, "daily_alerts")] == [True, True]


@pytest.mark.parametrize(("at", "is_told"), [(DAY_OFF, False), (MAKE_UP_DAY, True)])
def test_days_off_are_those_of_the_official_calendar(home: Home, at: datetime, is_told: bool) -> None:
    answer = run(home, "alerts", "daily", at=at)
    assert ("today is not a working day: nobody is told" in answer.out) is not is_told
    assert bool(list_new(home, *DIGESTS)) is is_told


def test_a_digest_tells_of_a_units_own_open_events_and_counts_the_rest(home: Home) -> None:
    run(home, "alerts", "daily")
    with home.open() as house, house.view() as view:
        columns = ("event_id", "community_code", "status")
        events = view.table("events").select(*columns).to_pyarrow().to_pylist()
        communities = view.table("communities").to_pyarrow().to_pylist()
    open_events = {row["event_id"]: row["community_code"] for row in events if row["status"] == "open"}
    units = {row["community_code"]: {row[f"{tier}_code"] for tier in TIERS} for row in communities}
    assert open_events
    for row in list_new(home, *DIGESTS):
        lines = [line for line in row.body.splitlines() if line.startswith("| ") and "时限" not in line]
        named = [line.split(" | ")[0].removeprefix("| ") for line in lines if "---" not in line]
        assert 0 < len(named) <= 10
        assert [each for each in named if row.unit_code not in units[open_events[each]]] == []


def test_no_digest_or_alarm_holds_a_worker_or_an_amount(home: Home) -> None:
    run(home, "alerts", "daily")
    run(home, "alerts", "freshness")
    with home.open() as house, house.view() as view:
        staff = view.table("staff").select("staff_id", "name").distinct().to_pyarrow().to_pylist()
    words = {word for row in staff for word in row.values()}
    rows = list_new(home, *DIGESTS, "platform_silent", "data_quality_alarm")
    assert rows
    assert [(row.key, word) for row in rows for word in words if word in row.subject + row.body] == []
    assert [row.key for row in rows if "元" in row.body] == []


def test_sources_that_were_not_read_of_late_are_told_once_and_named_in_the_digests(home: Home) -> None:
    first = run(home, "alerts", "freshness")
    assert first.code == 0, first.err
    rows = list_new(home, "platform_silent")
    # Read on 5 April, 10:00; the platforms' cards allow 4 h, the sheets' 26 h: by 9 April all five are silent.
    assert "silent: 5, " in first.out
    assert len(rows) == 5
    assert {(row.unit_code, row.role) for row in rows} == {("city", "engineer")}
    assert "queued: 0" in run(home, "alerts", "freshness", at=MORNING + timedelta(hours=1)).out
    answer = run(home, "alerts", "daily")
    assert "执法监管平台" in answer.err
    assert all("可能已经办结" in row.body for row in list_new(home, *DIGESTS))


def test_right_after_a_pull_nothing_is_silent(home: Home) -> None:
    assert "silent: 0, " in run(home, "alerts", "freshness", at=datetime(2024, 4, 5, 3, tzinfo=UTC)).out
    assert list_new(home, "platform_silent") == []


def test_units_without_contact_are_told_of(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.alerting.load_contacts", lambda *_: type("Nobody", (), {"find": lambda *_: None})())
    answer = run(home, "alerts", "daily")
    assert "has no contact for this. Add one to the contacts." in answer.err
    assert list_new(home, *DIGESTS) == []
    [outcome] = list_outcomes(home, "daily_alerts")
    assert outcome["counts"]["without_contact"]  # type: ignore[index]


def test_a_failed_run_leaves_an_outcome_and_an_alarm(home: Home) -> None:
    failed = FailedRun("monthly", "Read it.", "monthly 2024-03", "失败", "no answer", MORNING)
    with home.open() as house:
        assert [report_failure(house, failed, lambda: MORNING).queued for _ in range(2)] == [1, 0]
    assert len(list_new(home, "run_failure")) == 1
    assert [row["subject"] for row in list_outcomes(home, "report_failure")] == ["monthly", "monthly"]


def test_a_year_without_a_calendar_stops_the_morning_with_one_message(home: Home) -> None:
    answer = run(home, "alerts", "daily", at=datetime(2050, 4, 8, 23, 30, tzinfo=UTC))
    assert answer.code == 10
    assert "no calendar of working days is published for 2050" in answer.err


def test_the_steps_say_what_they_did(home: Home) -> None:
    with home.open() as house:
        digests = queue_daily_digests(house, lambda: MORNING)
        freshness = watch_platforms(house, lambda: MORNING)
    assert digests.unit_count == digests.queued == len(list_new(home, *DIGESTS))
    assert freshness.queued == len(list_new(home, "platform_silent", "data_quality_alarm"))
