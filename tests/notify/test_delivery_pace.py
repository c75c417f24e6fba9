"""Deliveries against time: limits, waiting within a budget, back-off, channels that are down, and held messages."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from channel_kit import ROBOTS, SECRETS, SETTINGS
from notify_city import NOW, make_message
from robot_clock import SharedClock
from robot_server import Raw, RobotServer

from flows.ledger import Ledger
from flows.ledger.outbox import OutboxRow
from flows.notify.channels.channel import TransientFailure
from flows.notify.channels.file import FileChannel
from flows.notify.config import NotifyConfig
from flows.notify.delivery import deliver_messages
from flows.notify.pace import Pace, find_next_attempt
from flows.notify.tally import DeliveryReport

Deliver = Callable[..., DeliveryReport]
Put = Callable[..., None]
BUSY = Raw(200, b'{"errcode": -1, "errmsg": "system busy"}')


@pytest.fixture
def clock() -> SharedClock:
    return SharedClock()


@pytest.fixture
def put(ledger: Ledger) -> Put:
    """Queues a message by each of the channels named, keys k0, k1, …"""

    def queue(*channels: str, **changes: str) -> None:
        messages = [
            replace(make_message(**changes), key=f"k{number}", channel=channel)
            for number, channel in enumerate(channels)
        ]
        ledger.outbox.queue(messages, NOW)

    return queue


@pytest.fixture
def deliver(ledger: Ledger, config: NotifyConfig, robots: RobotServer, clock: SharedClock, tmp_path: Path) -> Deliver:
    settings = {
        kind: SETTINGS.validate_python({"kind": kind, "robots": {"gulou": robot}, "base_url": robots.url})
        for kind, robot in ROBOTS.items()
    }
    used = replace(config, channels={**config.channels, **settings})

    def run(seconds: int = 0, **options: object) -> DeliveryReport:
        return deliver_messages(
            tmp_path,
            ledger,
            used,
            mode="live",
            clock=clock,
            lookup=SECRETS.get,
            progress=lambda _, __: None,
            pace=Pace(for_seconds=seconds),
            sleep=clock.sleep,
            **options,
        )

    return run


def read(ledger: Ledger, key: str = "k0") -> OutboxRow:
    return next(row for row in ledger.outbox.list_messages() if row.key == key)


# Limits


def test_a_delivery_that_may_not_wait_says_until_when_the_rest_does(put, deliver, robots, clock, ledger) -> None:
    put(*["wecom"] * 23, "file")
    started_at = clock()
    report = deliver()
    assert (report.delivered, report.failed, report.waiting) == (21, 0, 3)
    assert report.waiting_until == started_at + timedelta(seconds=60)
    report.refuse_incomplete()
    assert len(robots.asked) == 20
    assert {row.attempt_count for row in ledger.outbox.list_messages()} == {0, 1}
    assert deliver().delivered == 0
    clock.move(60)
    assert deliver().delivered == 3


@pytest.mark.parametrize(("seconds", "delivered"), [(59, 20), (60, 40), (119, 40), (120, 45)])
def test_a_delivery_waits_for_limits_as_long_as_it_may(put, deliver, clock, seconds: int, delivered: int) -> None:
    put(*["wecom"] * 45)
    started_at = clock()
    report = deliver(seconds)
    assert (report.delivered, report.waiting) == (delivered, 45 - delivered)
    assert clock() - started_at <= timedelta(seconds=seconds)


def test_a_provider_that_says_too_fast_is_left_alone_by_all(put, deliver, robots, clock, ledger) -> None:
    put(*["dingtalk"] * 3, "wecom")
    robots.upset.append(Raw(200, b'{"errcode": 130101, "errmsg": "send too fast"}'))
    report = deliver()
    assert (report.delivered, report.failed, report.waiting) == (1, 0, 3)
    row = read(ledger)
    assert (row.status, row.code, row.attempt_count) == ("queued", "130101", 0)
    assert row.next_attempt_at == clock() + timedelta(minutes=10)
    clock.move(599)
    assert deliver().delivered == 0
    assert len(robots.asked) == 2
    clock.move(1)
    assert deliver().delivered == 3


# Failures


@pytest.mark.parametrize(
    ("attempt", "asked", "minutes"),
    [(1, None, 1), (2, None, 2), (3, None, 4), (8, None, 128), (9, None, 240), (23, None, 240), (1, 600, 10)],
)
def test_intervals_double_up_to_four_hours_unless_the_provider_asks_for_more(
    attempt: int, asked: int | None, minutes: int
) -> None:
    failure = TransientFailure("busy", retry_after_seconds=asked)
    assert find_next_attempt(NOW, attempt, failure) == NOW + timedelta(minutes=minutes)


def test_a_message_that_fails_and_fails_is_given_up_after_twenty_four_attempts(
    put, deliver, robots, clock, ledger
) -> None:
    put("wecom")
    robots.upset += [BUSY] * 24
    for _ in range(23):
        assert deliver().lasting == ()
        clock.move((read(ledger).next_attempt_at - clock()).total_seconds())
    report = deliver()
    row = read(ledger)
    assert (row.status, row.code, row.attempt_count) == ("permanent_failure", "-1", 24)
    assert row.detail.startswith("gave up after 24 attempts, the last time because WeCom refused it with code -1")
    assert report.lasting == (f"k0: {row.detail}",)


def test_a_channel_that_has_failed_is_asked_again_after_all_others(put, deliver, robots) -> None:
    put(*["wecom"] * 10, "feishu", "file")
    robots.upset += [BUSY]
    report = deliver()
    assert (report.delivered, report.failed) == (11, 1)
    assert "/bot/" in robots.asked[1].path


def test_three_failures_in_a_row_end_a_channels_run(put, deliver, robots, ledger) -> None:
    put(*["wecom"] * 10, "file")
    robots.upset += [BUSY] * 10
    report = deliver()
    assert (report.delivered, report.failed, report.waiting) == (1, 3, 7)
    assert len(robots.asked) == 3
    assert [row.attempt_count for row in ledger.outbox.list_messages()] == [1, 1, 1, *[0] * 7, 1]


def test_a_message_in_parts_goes_on_from_the_part_that_failed(put, deliver, robots, clock, ledger) -> None:
    put("wecom", body="\n".join(["字" * 400] * 8))
    count = 0

    def fail_the_second() -> None:
        nonlocal count
        count += 1
        if count == 2:
            robots.upset.append(BUSY)

    robots.before = fail_the_second
    deliver()
    row = read(ledger)
    assert (row.status, row.sent_count) == ("temporary_failure", 1)
    clock.move(60)
    assert deliver().delivered == 1
    titles = [body["markdown"]["content"].partition("\n")[0][-5:] for body in robots.taken]
    assert titles == [f"（{number}/3）" for number in (1, 2, 3)]


def test_a_fault_of_the_program_on_one_message_stops_no_other(put, deliver, ledger, monkeypatch) -> None:
    put("file", "wecom")

    def fail(*_: object, **__: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(FileChannel, "send", fail)
    report = deliver()
    assert (report.delivered, report.failed) == (1, 1)
    assert (read(ledger).status, read(ledger).code) == ("permanent_failure", "program")
    assert "the program failed on it (ValueError)" in read(ledger).detail


# Held


def test_a_message_is_held_until_its_reader_may_have_it(put, deliver, clock, ledger) -> None:
    put("file", "file")
    until = clock() + timedelta(hours=2)

    def hold(row: OutboxRow, now: datetime) -> datetime | None:
        return until if row.key == "k0" and now < until else None

    report = deliver(600, hold=hold)
    assert (report.delivered, report.waiting, report.waiting_until) == (1, 1, until)
    assert (read(ledger).status, read(ledger).attempt_count) == ("queued", 0)
    clock.move(7_200)
    assert deliver(hold=hold).delivered == 1


# Killed


class Killed(BaseException):
    """As SIGKILL, but that what is not begun is let go."""


@pytest.mark.parametrize(
    ("channel", "outcome"),
    [("wecom", ("permanent_failure", "outcome_unknown", 1)), ("file", ("delivered", "", 2))],
)
def test_a_message_whose_sender_was_killed_is_settled_when_its_claim_runs_out(
    *, put, deliver, clock, ledger, robots, monkeypatch, channel: str, outcome: tuple[str, str, int]
) -> None:
    put(channel)

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("flows.notify.channels.robot.post_json", kill)
        patch.setattr(Path, "write_text", kill)
        with pytest.raises(Killed):
            deliver()
    assert read(ledger).status == "sending"
    clock.move(599)
    assert deliver().failed == 0
    assert read(ledger).status == "sending"
    clock.move(1)
    report = deliver()
    row = read(ledger)
    assert (row.status, row.code, row.attempt_count) == outcome
    assert robots.asked == []
    assert [("It may have arrived" in line) for line in report.lasting] == ([True] if channel == "wecom" else [])


def test_what_was_claimed_and_not_begun_waits_again(put, deliver, clock, ledger) -> None:
    put("wecom")
    ledger.deliveries.claim("killed", clock(), count=1)
    assert deliver().delivered == 0
    clock.move(600)
    assert deliver().delivered == 1


def test_a_lost_answer_is_told_with_what_to_do(put, deliver, robots, ledger) -> None:
    put("wecom")
    robots.upset.append(Raw(breaks_off=True))
    report = deliver()
    assert read(ledger).code == "outcome_unknown"
    assert len(report.lasting) == 1
    assert "resend it only if it isn't there" in report.lasting[0]
