"""A ledger with an invented month in it, the shipped configuration, and a contact for every unit."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile, copytree

import pytest
from channel_kit import OpenChannel, open_robot
from notify_city import NOW, make_contacts
from robot_clock import TestClock
from robot_server import RobotServer, serve_robots

from flows.ledger import Ledger
from flows.ledger.results import Making
from flows.month import Month
from flows.notify.channels.channel import Channel
from flows.notify.config import NotifyConfig, load_notify_config
from flows.notify.outbox import QueueReport, queue_month_messages
from flows.notify.recipients import Contacts
from flows.results import MonthResult

SHIPPED = Path(__file__).parents[2] / "config"

Save = Callable[..., MonthResult]
Queue = Callable[..., QueueReport]


@pytest.fixture
def ledger(tmp_path: Path, new_ledger: Path) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{copyfile(new_ledger, tmp_path / 'l.sqlite')}")
    yield opened
    opened.close()


@pytest.fixture
def config_folder(tmp_path: Path) -> Path:
    """A copy of the shipped settings and templates, to be spoilt."""
    folder = tmp_path / "config"
    copytree(SHIPPED / "templates", folder / "templates")
    (folder / "notify.yaml").write_bytes((SHIPPED / "notify.yaml").read_bytes())
    return folder


@pytest.fixture(scope="session")
def config() -> NotifyConfig:
    return load_notify_config(SHIPPED)


@pytest.fixture
def save(ledger: Ledger) -> Save:
    """Puts a month into the ledger as a revision."""

    def save_result(result: MonthResult, revision: int = 1) -> MonthResult:
        ledger.results.save(result, revision, digests={}, making=Making("1", "c" * 64, {}, NOW))
        return result

    return save_result


@pytest.fixture
def queue(ledger: Ledger, config: NotifyConfig) -> Queue:
    """Queues the month's messages for everyone, or for the contacts given."""

    def queue_result(
        result: MonthResult, contacts: Contacts | None = None, month: Month | None = None
    ) -> QueueReport:
        return queue_month_messages(
            ledger,
            config,
            contacts or make_contacts(result),
            month=month or result.month,
            policy_values=result.policy_values,
            queued_at=NOW,
        )

    return queue_result


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def robots(clock: TestClock) -> Iterator[RobotServer]:
    """The robots of the three providers, by the test's clock."""
    with serve_robots(clock) as server:
        yield server


@pytest.fixture
def open_kind(robots: RobotServer, clock: TestClock) -> OpenChannel:
    """Opens the channel of a kind at the robots' server."""

    def open_one(kind: str, **changes: dict[str, str]) -> Channel:
        return open_robot(kind, robots.url, clock, **changes)

    return open_one
