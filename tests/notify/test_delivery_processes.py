"""Two deliveries as processes, at real time and by real servers; one is killed with SIGKILL during a call."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mail_server import serve_mail
from notify_city import NOW, make_message
from robot_server import Answer, Asked, Raw, RobotServer, listen

from flows.ledger import Ledger

PROGRAM = Path(__file__).with_name("delivery_process.py")
CHANNELS = ("wecom", "dingtalk", "feishu", "email")
COUNT = 60
PATIENCE_SECONDS = 60
"""How long the test waits for a process before it calls it stuck."""


class Doomed:
    """The robots' side for a process that is killed when its fourth message is taken and not yet answered."""

    def __init__(self, robots: RobotServer) -> None:
        self.robots = robots
        self.pid = 0
        self.has_called = threading.Event()
        self.last_text = ""
        self.count = 0

    def answer(self, asked: Asked) -> Raw | Answer:
        """What the provider says, unless it is the fourth time."""
        said = self.robots.answer(asked)
        self.count += 1
        self.has_called.set()
        if self.count == 4:
            self.last_text = asked.body.decode()
            os.kill(self.pid, signal.SIGKILL)
            return Raw(breaks_off=True)
        return said


def start(order: dict[str, Any]) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(PROGRAM), json.dumps(order)], stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, int]:
    """What a process says of its delivery; it must end well."""
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    counts: dict[str, int] = json.loads(said)
    return counts


def read_number(text: str) -> str:
    found = re.search(r"number-(\d+)", text)
    assert found is not None
    return found[1]


def await_call(event: threading.Event, answer: Callable[[Asked], Raw | Answer]) -> Callable[[Asked], Raw | Answer]:
    """Answers once the other process has called, so that both are at it at once."""

    def wait(asked: Asked) -> Raw | Answer:
        event.wait(PATIENCE_SECONDS)
        return answer(asked)

    return wait


def test_a_kill_during_a_call_loses_nothing_and_sends_nothing_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    ledger = Ledger.open(url)
    messages = [
        replace(
            make_message(f"number-{number}"),
            key=f"k{number}",
            channel=CHANNELS[number % 4],
            address="gulou" if number % 4 < 3 else f"secretary-{number}@example.org",
        )
        for number in range(COUNT)
    ]
    ledger.outbox.queue(messages, NOW)
    robots = RobotServer(lambda: datetime.now(UTC))
    doomed = Doomed(robots)
    with (
        serve_mail(tmp_path, "starttls") as mail,
        listen(doomed.answer) as doomed_url,
        listen(await_call(doomed.has_called, robots.answer)) as other_url,
    ):
        order = {
            "url": url,
            "home": str(tmp_path),
            "mail_port": mail.port,
            "ca_file": str(mail.ca_file),
            "ahead_seconds": 0,
            "for_seconds": 20,
        }
        killed = start({**order, "robots_url": doomed_url})
        doomed.pid = killed.pid
        other = start({**order, "robots_url": other_url})
        killed.communicate(timeout=PATIENCE_SECONDS)
        assert killed.returncode == -signal.SIGKILL
        counts = finish(other)
        left = [row for row in ledger.outbox.list_messages() if row.status != "delivered"]
        # What the killed process had claimed: one begun, the others not.
        assert {row.status for row in left} == {"sending"}
        assert sum(row.begun_at is not None for row in left) == 1
        assert 1 <= len(left) <= 5
        assert counts["failed"] == counts["waiting"] == 0
        # Eleven minutes later its claim has run out.
        again = finish(start({**order, "robots_url": other_url, "ahead_seconds": 660}))
    assert again == {"delivered": len(left) - 1, "failed": 1, "waiting": 0}
    rows = ledger.outbox.list_messages()
    ledger.close()
    unknown = read_number(doomed.last_text)
    assert {row.key: (row.status, row.code) for row in rows if row.status != "delivered"} == {
        f"k{unknown}": ("permanent_failure", "outcome_unknown")
    }
    arrived = Counter(read_number(json.dumps(body, ensure_ascii=False)) for body in robots.taken)
    arrived.update(re.findall(r"\d+", address)[0] for address in mail.box.recipients)
    assert arrived == Counter(dict.fromkeys(map(str, range(COUNT)), 1))
    assert len(robots.asked) == len(robots.taken)
    [feishu] = [instants for path, instants in robots.asked_at.items() if "/bot/v2/hook/" in path]
    second = timedelta(seconds=1)
    assert max(sum(start <= at < start + second for at in feishu) for start in feishu) <= 5
