"""The outbox by robots: what each refuses is noted with its code, and a channel that is down delays only its own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from channel_kit import ROBOTS, SECRETS, SETTINGS
from notify_city import NOW, make_message
from robot_clock import TestClock
from robot_server import Raw, RobotServer

from flows.ledger import Ledger
from flows.ledger.outbox import OutboxRow
from flows.notify.channels.channel import TransientFailure
from flows.notify.channels.file import FileChannel
from flows.notify.config import NotifyConfig
from flows.notify.delivery import deliver_messages
from flows.notify.tally import DeliveryReport

Deliver = Callable[..., DeliveryReport]
Put = Callable[..., None]


@pytest.fixture
def put(ledger: Ledger) -> Put:
    """Queues one message by each of the channels named."""

    def queue(*channels: str, **changes: str) -> None:
        messages = [
            replace(make_message(**changes), key=f"star_card:{number}:secretary:2024-03:r1", channel=channel)
            for number, channel in enumerate(channels)
        ]
        ledger.outbox.queue(messages, NOW)

    return queue


@pytest.fixture
def deliver(ledger: Ledger, config: NotifyConfig, robots: RobotServer, clock: TestClock, tmp_path: Path) -> Deliver:
    settings = {
        kind: SETTINGS.validate_python({"kind": kind, "robots": {"gulou": robot}, "base_url": robots.url})
        for kind, robot in ROBOTS.items()
    }
    used = replace(config, channels={**config.channels, **settings})

    def run(mode: str, **options: Any) -> DeliveryReport:
        return deliver_messages(
            tmp_path,
            ledger,
            used,
            mode=mode,
            clock=clock,
            lookup=SECRETS.get,
            progress=lambda _, __: None,
            **options,
        )

    return run


def list_rows(ledger: Ledger) -> dict[str, OutboxRow]:
    return {row.channel: row for row in ledger.outbox.list_messages()}


def test_a_message_goes_by_each_robot(put: Put, deliver: Deliver, robots: RobotServer, ledger: Ledger) -> None:
    put("wecom", "dingtalk", "feishu")
    assert deliver("live").delivered == 3
    assert len(robots.taken) == 3
    assert {row.detail for row in list_rows(ledger).values()} == {
        "wecom, robot gulou",
        "dingtalk, robot gulou",
        "feishu, robot gulou",
    }


def test_in_simulation_everything_happens_but_the_call(put: Put, deliver: Deliver, robots: RobotServer) -> None:
    put("wecom", "dingtalk", "feishu", body="字" * 20_000)
    report = deliver("simulate")
    # 60,000 bytes are 15 parts for WeCom, which is too many, and 4 for the others.
    assert (report.simulated, report.failed) == (2, 1)
    assert "too long" in report.failures[0]
    assert robots.asked == []


def test_in_simulation_the_payloads_can_be_read_and_hold_no_secret(
    put: Put, deliver: Deliver, tmp_path: Path
) -> None:
    put("wecom", "dingtalk", "feishu", body="正文\n" * 1_000)
    shown: list[str] = []
    deliver("simulate", show=shown.append)
    files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "outbox" / "simulated").iterdir()}
    assert sorted(files.values()) == sorted(shown)
    text = files["star_card%3A0%3Asecretary%3A2024-03%3Ar1.txt"]
    # 正文 and the line's end are 7 bytes of 4,096, so 1,000 of them take two calls.
    assert "--- call 1 of 2: POST " in text
    assert "/cgi-bin/webhook/send?key=***" in text
    assert "bytes, at most 4,096" in text
    assert [secret for secret in SECRETS.values() if any(secret in text for text in files.values())] == []
    put("file")
    deliver("simulate")
    assert len(list((tmp_path / "outbox" / "simulated").iterdir())) == 3


def test_a_robot_that_refuses_delays_no_other(
    put: Put, deliver: Deliver, robots: RobotServer, ledger: Ledger
) -> None:
    put("wecom", "dingtalk", "feishu", "file")
    robots.upset += [Raw(200, b'{"errcode": 93000, "errmsg": "invalid webhook url"}'), Raw(503, b"")]
    report = deliver("live")
    assert (report.delivered, report.failed) == (2, 2)
    rows = list_rows(ledger)
    assert {channel: row.status for channel, row in rows.items()} == {
        "wecom": "permanent_failure",
        "dingtalk": "temporary_failure",
        "feishu": "delivered",
        "file": "delivered",
    }
    assert "code 93000" in rows["wecom"].detail
    assert any("code 93000" in line for line in report.failures)


def test_a_message_that_may_have_arrived_is_not_sent_again_by_itself(
    put: Put, deliver: Deliver, robots: RobotServer, ledger: Ledger
) -> None:
    put("wecom")
    robots.upset.append(Raw(breaks_off=True))
    assert deliver("live").failed == 1
    assert deliver("live") == DeliveryReport(0, 0, 0, 0, ())
    row = list_rows(ledger)["wecom"]
    assert row.status == "permanent_failure"
    assert "It may have arrived" in row.detail
    assert len(robots.asked) == 1


def test_a_file_shows_its_text_and_counts_as_one_part(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path)
    message = make_message("正文")
    [payload] = channel.check(message).payloads
    assert payload.text == "# 2024 年 3 月星级卡\n\n正文\n"
    assert payload.target == "2024-03/gulou/star_card-410204001001-secretary.md"
    channel.send(message, sent_count=1)

    def hold() -> None:
        raise TransientFailure("later")

    with pytest.raises(TransientFailure):
        channel.send(message, permit=hold)
    assert list(tmp_path.iterdir()) == []
    channel.send(message)
    assert (tmp_path / payload.target).read_text(encoding="utf-8") == payload.content
    assert channel.find_quota(message) is None
