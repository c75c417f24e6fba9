"""What must wait stays in the outbox and goes out by the first delivery that may send it: none lost, none twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shutil import copytree

import pytest
from notify_city import make_message
from notify_faults import spoil
from robot_clock import TestClock

from flows.cycle import deliver
from flows.house import House, open_house
from flows.month import CITY_ZONE
from flows.settings import load_settings

SHIPPED = Path(__file__).parents[2] / "config"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The shipped settings, but the channel `file` disturbs like any other, two messages a day to an address."""
    copytree(SHIPPED, tmp_path / "config")
    spoil(tmp_path / "config" / "notify.yaml", "silent_channels: [file]", "silent_channels: []")
    spoil(tmp_path / "config" / "notify.yaml", "daily_limit: 8", "daily_limit: 2")
    spoil(tmp_path / "config" / "notify.yaml", "    role: engineer\n", "    role: engineer\n    urgent: true\n")
    with open_house(load_settings(tmp_path / "home", tmp_path / "config")) as opened:
        yield opened


def set_clock(text: str) -> TestClock:
    clock = TestClock()
    clock.now = datetime.strptime(text, "%A %Y-%m-%d %H:%M:%S").replace(tzinfo=CITY_ZONE)
    assert f"{clock.now:%A}" == text.partition(" ")[0], "the weekday of the example is wrong"
    return clock


def queue(house: House, count: int, message: str = "star_card", address: str = "gulou") -> None:
    first = make_message(address=address)
    rows = [
        replace(first, key=f"{message}:{number}:{address}", message=message, channel="file")
        for number in range(count)
    ]
    house.ledger.outbox.queue(rows, set_clock("Friday 2024-04-26 09:00:00").now)


def list_statuses(house: House) -> list[str]:
    return [row.status for row in house.ledger.outbox.list_messages()]


def send(house: House, text: str) -> int:
    """How many messages are delivered at that moment; a delivery doesn't wait here."""
    return deliver(house, set_clock(text), mode="live", for_seconds=0).delivered


def test_a_message_queued_at_night_goes_out_on_the_next_working_morning(house: House):
    queue(house, 1)
    assert send(house, "Friday 2024-04-26 21:00:00") == 0
    [row] = house.ledger.outbox.list_messages()
    # Saturday 27 April is free, Sunday the 28th makes up for May Day.
    assert row.next_attempt_at == set_clock("Sunday 2024-04-28 07:00:00").now
    assert (row.status, row.attempt_count) == ("queued", 0)
    assert send(house, "Sunday 2024-04-28 06:59:59") == 0
    assert send(house, "Sunday 2024-04-28 07:00:00") == 1
    assert send(house, "Sunday 2024-04-28 07:05:00") == 0


def test_a_message_before_the_quiet_hours_goes_out_at_once(house: House):
    queue(house, 1)
    assert send(house, "Friday 2024-04-26 20:59:59") == 1


def test_beyond_the_daily_limit_the_rest_goes_out_day_by_day(house: House):
    queue(house, 5)
    assert send(house, "Friday 2024-04-26 10:00:00") == 2
    assert list_statuses(house) == ["delivered", "delivered", "queued", "queued", "queued"]
    assert send(house, "Friday 2024-04-26 20:00:00") == 0
    assert send(house, "Sunday 2024-04-28 07:00:00") == 2
    assert send(house, "Monday 2024-04-29 06:00:00") == 0
    assert send(house, "Monday 2024-04-29 07:00:00") == 1
    assert list_statuses(house) == ["delivered"] * 5
    names = [path.name for path in (house.settings.home / "outbox").rglob("*.md")]
    assert len(names) == len(set(names)) == 5


def test_each_address_has_a_limit_of_its_own(house: House):
    queue(house, 3)
    queue(house, 3, address="longting")
    assert send(house, "Friday 2024-04-26 10:00:00") == 4


def test_an_urgent_message_goes_out_at_night_and_beyond_the_limit(house: House):
    queue(house, 3, message="sanity_alarm")
    assert send(house, "Wednesday 2024-05-01 02:00:00") == 3


def test_the_shipped_channel_of_files_takes_messages_at_any_time(tmp_path: Path):
    with open_house(load_settings(tmp_path / "home", SHIPPED)) as shipped:
        queue(shipped, 9)
        assert send(shipped, "Wednesday 2024-05-01 02:00:00") == 9
