"""The flows between two months: what they do on Prefect, and how much of a failure may be told."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from city_runs import Home
from prefect.client.orchestration import get_client
from prefect.states import Completed, Failed, Running

from flows import daily
from flows.month import city_day

pytestmark = pytest.mark.flow

# Tuesday 9 April 2024, 07:30 in the city; the 13th is a Saturday.
TUESDAY, SATURDAY = datetime(2024, 4, 8, 23, 30, tzinfo=UTC), datetime(2024, 4, 12, 23, 30, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the flows' clock."""
    return lambda instant: monkeypatch.setattr(daily, "read_clock", lambda: instant)


def run(flow: Any, home: Home, *arguments: str) -> Any:
    return flow(*arguments, str(home.path), str(home.config), return_state=True)


def count_messages(home: Home, prefix: str, status: str = "queued") -> int:
    with home.open() as house:
        rows = house.ledger.outbox.list_messages()
    return sum(row.message.startswith(prefix) and row.status == status for row in rows)


def test_the_morning_queues_digests_and_its_run_is_named_by_the_day(engine: None, home: Home, at: Any) -> None:
    at(TUESDAY)
    state = run(daily.daily_alerts, home)
    assert state.is_completed()
    count = count_messages(home, "overdue_digest")
    assert count > 0
    assert run(daily.daily_alerts, home).is_completed()
    assert count_messages(home, "overdue_digest") == count
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).name == "daily_alerts 2024-04-09"


def test_on_a_day_off_the_morning_does_nothing(engine: None, home: Home, at: Any) -> None:
    at(SATURDAY)
    assert run(daily.daily_alerts, home).is_completed()
    assert count_messages(home, "overdue_digest") == 0


def test_deliveries_go_out_and_an_empty_outbox_leaves_no_outcome(engine: None, home: Home, at: Any) -> None:
    at(TUESDAY)
    file = home.config / "notify.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("mode: simulate", "mode: live"), encoding="utf-8")
    run(daily.daily_alerts, home)
    assert run(daily.deliver_messages, home).is_completed()
    assert count_messages(home, "overdue_digest") == 0
    assert count_messages(home, "overdue_digest", "delivered") > 0
    with home.open() as house:
        before = len(house.ledger.list_outcomes())
    state = run(daily.deliver_messages, home)
    assert (state.is_completed(), state.message) == (True, "Nothing waits.")
    with home.open() as house:
        assert len(house.ledger.list_outcomes()) == before


def test_freshness_tells_engineers_of_silent_sources_and_logs_them(
    engine: None, home: Home, at: Any, caplog: pytest.LogCaptureFixture
) -> None:
    at(TUESDAY)
    assert run(daily.platform_freshness, home).is_completed()
    assert count_messages(home, "platform_silent") == 5
    assert "law_enforcement is silent: events are not read." in caplog.text


def test_page_and_metrics_are_written_and_the_artifact_says_the_same(engine: None, home: Home, at: Any) -> None:
    at(TUESDAY)
    with home.open() as house:
        before = house.ledger.list_outcomes()
    state = run(daily.status_page, home)
    assert state.is_completed()
    assert "运行状态" in (home.path / "status" / "index.html").read_text(encoding="utf-8")
    assert (home.path / "status" / "metrics.prom").is_file()
    with get_client(sync_client=True) as client:
        found = [it for it in client.read_artifacts() if it.flow_run_id == state.state_details.flow_run_id]
    assert [it.key for it in found] == ["status"]
    assert str(found[0].data).startswith("Status at 2024-04-09 07:30: 0 failing, ")
    assert "law_enforcement has fallen silent" in str(found[0].data)
    with home.open() as house:
        assert house.ledger.list_outcomes() == before


def test_a_unit_without_contact_is_warned_of(
    engine: None, home: Home, at: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at(TUESDAY)
    monkeypatch.setattr("flows.alerting.load_contacts", lambda *_: type("Nobody", (), {"find": lambda *_: None})())
    assert run(daily.daily_alerts, home).is_completed()
    assert "more: no contact. Add them to the contacts." in caplog.text


def make_run(state: Any) -> str:
    """A run as an event names it, of a flow that is none of the deployments'."""
    with get_client(sync_client=True) as client:
        made = client.create_flow_run(daily.platform_freshness, state=Running())
        client.set_flow_run_state(made.id, state, force=True)
    return f"prefect.flow-run.{made.id}"


@pytest.mark.parametrize(
    ("state", "told"),
    [(Failed(message="no"), 1), (Completed(), 0), (Running(), 1)],
    ids=lambda it: getattr(it, "name", None),
)
def test_a_run_is_told_of_if_it_failed_or_shows_no_sign_of_life(
    engine: None, home: Home, at: Any, state: Any, told: int
) -> None:
    # A run that still runs is reported only because nothing was heard of it: it is ended.
    at(TUESDAY)
    name = make_run(state)
    assert run(daily.report_failed_run, home, name).is_completed()
    assert count_messages(home, "run_failure") == told
    if state.is_running():
        with get_client(sync_client=True) as client:
            ended = client.read_flow_run(name.removeprefix("prefect.flow-run.")).state
        assert (ended.name, ended.message) == ("Crashed", daily.LOST)


def test_a_run_that_is_gone_is_told_of_by_nobody(engine: None, home: Home, at: Any) -> None:
    at(TUESDAY)
    state = run(daily.report_failed_run, home, "prefect.flow-run.00000000-0000-0000-0000-000000000000")
    assert (state.is_completed(), state.message) == (True, "The run did not fail.")
    assert count_messages(home, "run_failure") == 0


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Flow run encountered an exception: SourceUnavailable: no answer",
            "Flow run encountered an exception: SourceUnavailable: no answer",
        ),
        (
            "Flow run encountered an exception: KeyError: '张三'",
            "Flow run encountered an exception: KeyError. Its text is in the run's log.",
        ),
        (
            "Interrupted by an unexpected exception: sqlalchemy.exc.DataError: '张三'",
            "Interrupted by an unexpected exception: sqlalchemy.exc.DataError. Its text is in the run's log.",
        ),
        ("Process exited with status code: -9.", "Process exited with status code: -9."),
        ("", ""),
    ],
)
def test_only_the_programs_own_errors_are_told_word_for_word(message: str, told: str) -> None:
    assert daily.clean_message(message) == told


def test_the_programs_own_errors_are_all_known() -> None:
    assert {"FivestarError", "ConfigurationError", "DeliveryIncomplete", "QualityGate"} <= daily.SPEAKS_FOR_ITSELF
    assert "KeyError" not in daily.SPEAKS_FOR_ITSELF


def test_retention_announces_before_it_deletes_and_shows_both(engine: None, home: Home, at: Any) -> None:
    folder = home.path / "compare" / "2024-03-old"
    folder.mkdir(parents=True)
    (folder / "compare.html").write_text("x")
    # Long after its six months, whatever the day on which the test runs.
    now = datetime.now(UTC) + timedelta(days=365)
    for instant, deleted in (
        (now, f"from {city_day(now + timedelta(days=14))} on"),
        (now + timedelta(days=14), "now"),
    ):
        at(instant)
        state = run(daily.retention, home)
        assert state.is_completed()
        run_id = state.state_details.flow_run_id
        with get_client(sync_client=True) as client:
            [shown] = [it for it in client.read_artifacts() if it.flow_run_id == run_id]
        rows = {row["subject"]: row["deleted"] for row in json.loads(shown.data)}
        assert rows["compare/2024-03-old"] == deleted
    assert not folder.exists()
