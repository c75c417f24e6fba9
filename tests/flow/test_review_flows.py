"""The review's two flows: what they do, and what Prefect is told."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from city_runs import MARCH, Home
from prefect.client.orchestration import get_client

from flows import monthly
from flows.notify.recipients import Contacts
from flows.review.flow import DECIDED
from flows.review.standing import find_standing

pytestmark = pytest.mark.flow

REVIEWER = ("--month", "2024-03", "--reviewer", "审核人", "--comment", "已核对")
# February and March were judged on Friday 5 April 2024; the 9th is the third working day after, the 13th a Saturday.
THIRD_DAY, SATURDAY = datetime(2024, 4, 9, 0, 30, tzinfo=UTC), datetime(2024, 4, 13, 0, 30, tzinfo=UTC)
POLLS, POLL_SECONDS = 120, 0.5


def publish(home: Home) -> Any:
    return monthly.publish_approved("2024-03", str(home.path), str(home.config), return_state=True)


def watch(home: Home, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(monthly, "read_clock", lambda: at)
    return monthly.review_watch(str(home.path), str(home.config), return_state=True)


def deliver_for_real(home: Home) -> None:
    file = home.config / "notify.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("mode: simulate", "mode: live"), encoding="utf-8")


def list_reminders(home: Home) -> list[tuple[str, str]]:
    with home.open() as house:
        rows = house.ledger.outbox.list_messages()
    return [(row.month, row.status) for row in rows if row.message == "review_reminder"]


def list_events() -> list[dict[str, Any]]:
    with get_client(sync_client=True) as client:
        answer = client.request("POST", "/events/filter", json={"filter": {"event": {"name": [DECIDED]}}})
    return list(answer.json()["events"])


def wait_for_events(count: int) -> list[dict[str, Any]]:
    """The events that the server holds, once there are that many: it writes them down a moment after taking them."""
    pause = threading.Event()
    for _ in range(POLLS):
        events = list_events()
        if len(events) >= count:
            return events
        pause.wait(POLL_SECONDS)
    raise AssertionError(f"{len(list_events())} events, not {count}")


def test_publishing_puts_approved_grades_into_the_register(engine: None, home: Home) -> None:
    home.run("review", "approve", "--all", *REVIEWER)
    assert publish(home).is_completed()
    with home.open() as house:
        assert (
            len(house.ledger.register.list_month("2024-03")) == find_standing(house.ledger, MARCH).counts["approved"]
        )
    assert (home.march / "arrears.csv").is_file()


def test_publishing_with_nothing_approved_completes_and_says_so(engine: None, home: Home) -> None:
    state = publish(home)
    assert state.is_completed()
    assert state.message == "2024-03: no proposal is approved, so nothing was published."
    with home.open() as house:
        assert [row for row in house.ledger.list_outcomes("2024-03") if row["step"] == "publish"] == []


def test_the_watch_reminds_hr_on_the_third_working_day_and_delivers(
    engine: None, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_for_real(home)
    known = len(list_events())
    state = watch(home, THIRD_DAY, monkeypatch)
    assert state.is_completed()
    assert list_reminders(home) == [("2024-02", "delivered"), ("2024-03", "delivered")]
    assert len(list_events()) == known
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).name == "review_watch 2024-04-09"


def test_the_watch_does_nothing_on_a_day_off(engine: None, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with home.open() as house:
        before = len(house.ledger.list_outcomes())
    assert watch(home, SATURDAY, monkeypatch).is_completed()
    with home.open() as house:
        assert [row["step"] for row in house.ledger.list_outcomes()[before:]] == ["watch_reviews"]
    assert list_reminders(home) == []


def test_the_watch_tells_again_of_a_month_that_is_decided_and_not_published(
    engine: None, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len(list_events())
    told = home.decide_open("approve")
    assert "Prefect was told" in told.err
    assert len(wait_for_events(known + 1)) == known + 1
    assert watch(home, THIRD_DAY, monkeypatch).is_completed()
    events = wait_for_events(known + 2)
    assert {event["resource"]["prefect.resource.id"] for event in events} == {"fivestar.review.2024-03"}
    assert publish(home).is_completed()
    assert watch(home, THIRD_DAY, monkeypatch).is_completed()
    assert len(list_events()) == known + 2


def test_the_watch_names_a_contact_that_is_missing(
    engine: None, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flows.watching.load_contacts", lambda *_: Contacts({}))
    assert watch(home, THIRD_DAY, monkeypatch).is_completed()
    assert "Nobody was reminded: unit city has no contact for it." in caplog.text
