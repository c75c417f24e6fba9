"""The end of a review on the command line: reminders, and what Prefect is told, with and without a server."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from city_runs import MARCH, Answer, Home, run_fivestar
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.review.standing import find_standing

pytestmark = pytest.mark.flow

FEBRUARY = MARCH.plus(-1)
CLOSED_PORT = "http://127.0.0.1:9/api"
# Both months were judged on Friday 5 April 2024; the 9th is the third working day after it, the 13th a Saturday.
THIRD_DAY, SATURDAY = datetime(2024, 4, 9, 0, 30, tzinfo=UTC), datetime(2024, 4, 13, 0, 30, tzinfo=UTC)


@pytest.fixture
def no_server() -> Iterator[None]:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


@pytest.fixture
def closed_server() -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: CLOSED_PORT}):
        yield


def remind(home: Home, at: datetime = THIRD_DAY) -> Answer:
    return run_fivestar("review", "remind", "--home", str(home.path), "--config", str(home.config), at=at)


def test_reminders_are_queued_when_they_are_due_and_once(home: Home, no_server: None) -> None:
    first, again = remind(home), remind(home)
    with home.open() as house:
        counts = [find_standing(house.ledger, month).open_count for month in (FEBRUARY, MARCH)]
    assert (first.code, first.err) == (0, "")
    assert first.out == (
        f"reminders queued: 2\n  2024-02: {counts[0]} open\n  2024-03: {counts[1]} open\n"
        "decided and not published: 0\n"
    )
    assert again.out == "reminders queued: 0\ndecided and not published: 0\n"


def test_on_a_day_off_nothing_is_reminded(home: Home, no_server: None) -> None:
    assert remind(home, SATURDAY).out == "today is not a working day: nothing is reminded\n"


def test_without_a_server_the_last_decision_says_how_to_publish(home: Home, no_server: None) -> None:
    answer = home.decide_open("approve")
    assert answer.code == 0
    assert answer.err.splitlines()[-1] == (
        "The review of 2024-03 is decided. Publish it: fivestar publish --month 2024-03"
    )


def test_a_server_that_is_down_is_a_warning_and_the_decisions_stand(home: Home, closed_server: None) -> None:
    answer = home.decide_open("approve")
    assert answer.code == 0
    [warning] = [line for line in answer.err.splitlines() if "could not be told" in line]
    assert warning.startswith("warning: the review of 2024-03 is decided, but Prefect could not be told (")
    assert "ConnectionRefusedError" in warning
    assert warning.endswith(
        "The decisions stand. The deployment review-watch tells it on the next working day; or publish now: "
        "fivestar publish --month 2024-03"
    )
    assert "Traceback" not in answer.err
    with home.open() as house:
        assert find_standing(house.ledger, MARCH).state == "decided"


def test_a_decided_month_is_named_and_told_again_until_it_is_published(home: Home, closed_server: None) -> None:
    home.decide_open("approve")
    with home.open() as house:
        waiting = find_standing(house.ledger, MARCH).waiting_count
    answer = remind(home)
    assert answer.code == 0
    assert answer.out.endswith(f"decided and not published: 1\n  2024-03: {waiting} wait for the register\n")
    assert "the review of 2024-03 is decided, but Prefect could not be told" in answer.err
    assert home.run("publish", "--month", "2024-03", at=THIRD_DAY).code == 0
    assert remind(home).out.endswith("decided and not published: 0\n")


def test_a_dry_run_tells_nobody(home: Home, closed_server: None) -> None:
    answer = home.decide_open("approve", "--dry-run")
    assert "is decided" not in answer.err
