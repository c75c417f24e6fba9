"""Two thousand messages by four channels at their real limits, by two deliveries at once of which one is killed."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
from channel_kit import ROBOTS, SECRETS, SETTINGS
from notify_city import NOW, make_message
from robot_clock import SharedClock
from robot_server import Asked, RobotServer
from sqlalchemy import event

from flows.ledger import Ledger
from flows.ledger.outbox import PENDING, OutboxRow
from flows.notify.channels import posting
from flows.notify.channels.channel import RateLimit
from flows.notify.channels.posting import Request
from flows.notify.channels.sms import TextMessage
from flows.notify.config import NotifyConfig
from flows.notify.delivery import deliver_messages
from flows.notify.pace import Pace

CHANNELS = ("wecom", "dingtalk", "feishu", "sms")
TEXTS_A_MINUTE = 120
EVERY_SECONDS = 300
FOR_SECONDS = 240


class Killed(BaseException):
    """The process is gone: whatever it wanted to do after this is not done."""


def open_mortal(url: str, dies_at: int | None) -> Ledger:
    """A ledger that, from its statement number `dies_at` on, does nothing any more."""
    ledger = Ledger.open(url)
    counted = 0

    def count(*_: Any) -> None:
        nonlocal counted
        counted += 1
        if dies_at is not None and counted >= dies_at:
            raise Killed

    event.listen(ledger._engine, "before_cursor_execute", count)
    if ledger._engine.dialect.name == "sqlite":
        event.listen(ledger._engine, "connect", spare_the_disk)
        ledger._engine.dispose()
    return ledger


def spare_the_disk(connection: Any, _: Any) -> None:
    """Let the database not wait for the disk: here processes are killed, not machines."""
    connection.execute("PRAGMA synchronous=OFF")


def answer_directly(robots: RobotServer) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """What is posted goes to the robots' server without a connection, which would take most of the drill's time."""

    def exchange(request: Request, _provider: str, _timeout_seconds: float) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(request.url)
        said = robots.answer(Asked(url.path, dict(parse_qsl(url.query)), request.data, {}))
        assert isinstance(said, dict)
        return 200, {}, json.dumps(said).encode()

    return exchange


class Gateway:
    """A provider of text messages that takes 120 a minute, counted by its own clock."""

    limits = (RateLimit(TEXTS_A_MINUTE, 60),)

    def __init__(self, clock: SharedClock) -> None:
        self.clock = clock
        self.taken: list[str] = []
        self.taken_at: list[datetime] = []

    def send(self, text_message: TextMessage) -> str:
        """The number of the message."""
        self.clock.move(0.01)
        self.taken.append(text_message.text)
        self.taken_at.append(self.clock())
        return str(len(self.taken))


def read_numbers(robots: RobotServer, gateway: Gateway) -> Counter[str]:
    """How often each message arrived."""
    bodies = [*(json.dumps(body, ensure_ascii=False) for body in robots.taken), *gateway.taken]
    return Counter(body.partition("number-")[2][:4] for body in bodies)


def count_most(instants: Sequence[datetime], seconds: int) -> int:
    """The most that came in any so many seconds."""
    window = timedelta(seconds=seconds)
    return max(sum(start <= at < start + window for at in instants) for start in instants)


class Drill(NamedTuple):
    """How many messages wait in which ledger, and at which of its statements a process dies."""

    url: str
    count: int
    dies_at: int


@pytest.fixture
def drill(request: pytest.FixtureRequest, tmp_path: Path) -> Drill:
    """The drill asked for, on an empty ledger."""
    database, count, dies_at = request.param
    is_file = database == "sqlite"
    url = f"sqlite:///{tmp_path / 'drill.sqlite'}" if is_file else request.getfixturevalue("postgresql_url")
    return Drill(url, count, dies_at)


@pytest.mark.parametrize(
    "drill",
    [
        ("sqlite", 2_000, 2_003),
        ("sqlite", 200, 100),
        ("sqlite", 200, 301),
        ("sqlite", 200, 402),
        ("postgresql", 100, 151),
    ],
    indirect=True,
)
def test_none_is_lost_none_comes_twice_and_no_limit_is_passed(
    drill: Drill, config: NotifyConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open(drill.url)
    messages = [
        replace(
            make_message(f"number-{number:04}"),
            key=f"star_card:{number:04}:secretary:2024-03:r1",
            unit_code=f"{number:04}",
            channel=CHANNELS[number % 4],
            address="gulou" if number % 4 < 3 else f"1380000{number:04}",
        )
        for number in range(drill.count)
    ]
    ledger.outbox.queue(messages, NOW)
    clock = SharedClock(2)
    started_at = clock()
    robots, gateway = RobotServer(clock), Gateway(clock)
    robots.url = "http://127.0.0.1:9"
    robots.before = lambda: clock.move(0.01)
    monkeypatch.setattr(posting, "_exchange", answer_directly(robots))
    monkeypatch.setitem(sys.modules, "drill_sms", SimpleNamespace(open=lambda _: gateway))
    channels = {
        kind: SETTINGS.validate_python({"kind": kind, "robots": {"gulou": robot}, "base_url": robots.url})
        for kind, robot in ROBOTS.items()
    }
    channels["sms"] = SETTINGS.validate_python({"kind": "sms", "provider": "drill_sms:open"})
    deliver = make_worker(drill.url, replace(config, channels=channels), clock, tmp_path)
    run_both(lambda: deliver(drill.dies_at), lambda: deliver(None))
    arrived = read_numbers(robots, gateway)
    rows = ledger.outbox.list_messages()
    ledger.close()
    unknown = [row for row in rows if row.status != "delivered"]
    check_outcomes(rows, unknown, arrived)
    # Nobody was ever refused, so the servers took whatever came; they say when.
    assert len(robots.asked) == len(robots.taken)
    wecom, dingtalk = robots.asked_at["/cgi-bin/webhook/send"], robots.asked_at["/robot/send"]
    [feishu] = [instants for path, instants in robots.asked_at.items() if "/bot/v2/hook/" in path]
    assert count_most(wecom, 60) == 20
    assert count_most(dingtalk, 60) == 20
    assert count_most(feishu, 60) <= 100
    assert count_most(feishu, 1) <= 5
    assert count_most(gateway.taken_at, 60) <= TEXTS_A_MINUTE
    # 20 a minute and channel; a claim of the killed process runs out after 10 minutes, seen at most 10 later.
    assert clock() - started_at <= timedelta(minutes=drill.count / 4 / 20 + 20)


def check_outcomes(rows: Sequence[OutboxRow], unknown: Sequence[OutboxRow], arrived: Counter[str]) -> None:
    """Every message has arrived once, but for one at most of which nobody can know."""
    assert len(unknown) <= 1
    assert {(row.status, row.code) for row in unknown} <= {("permanent_failure", "outcome_unknown")}
    assert {row.claimed_by for row in rows if row not in unknown} == {None}
    surely = {row.unit_code for row in rows if row not in unknown}
    assert {number: arrived[number] for number in surely} == dict.fromkeys(surely, 1)
    assert all(arrived[row.unit_code] <= 1 for row in unknown)


def make_worker(url: str, config: NotifyConfig, clock: SharedClock, home: Path) -> Callable[[int | None], None]:
    """Delivers every five minutes, until nothing is pending; killed once, it comes again the next time."""

    def work(dies_at: int | None) -> None:
        began_at = clock()
        while True:
            ledger = open_mortal(url, dies_at)
            try:
                deliver_messages(
                    home,
                    ledger,
                    config,
                    mode="live",
                    clock=clock,
                    lookup=SECRETS.get,
                    progress=lambda _, __: None,
                    pace=Pace(for_seconds=FOR_SECONDS),
                    sleep=clock.sleep,
                )
                is_done = not ledger.outbox.list_messages(statuses=PENDING)
            except Killed:
                is_done, dies_at = False, None
            finally:
                ledger.close()
            if is_done:
                clock.leave()
                return
            clock.sleep(EVERY_SECONDS - (clock() - began_at).total_seconds() % EVERY_SECONDS)

    return work


def run_both(*workers: Callable[[], None]) -> None:
    """Run the workers at once, to their ends."""
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
