"""A clock that is behind what the ledger holds: nothing is written by it, and what to do is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from city_runs import RUN_AT, Home, run_fivestar

from flows.clock import load_wrong_until, refuse_wrong_clock
from flows.errors import ConfigurationError
from flows.ledger import Ledger

NEWEST_AT = datetime(2024, 4, 5, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MONTH = ("--month", "2024-03")
YEARS_BEHIND = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("now", [NEWEST_AT - 10 * MINUTE, NEWEST_AT, NEWEST_AT + timedelta(days=4000)])
def test_a_clock_that_is_behind_by_no_more_than_machines_differ_is_taken_for_right(now: datetime) -> None:
    refuse_wrong_clock(now, NEWEST_AT, None)


def test_a_clock_that_is_further_behind_is_refused_with_both_instants() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"clock says 2024-04-05T01:49:59\+00:00, but .* at 2024-04-05T02:00:00\+00:00\. .* Set the clock",
    ):
        refuse_wrong_clock(NEWEST_AT - 10 * MINUTE - timedelta(seconds=1), NEWEST_AT, None)


def test_before_anything_is_recorded_every_clock_will_do() -> None:
    refuse_wrong_clock(YEARS_BEHIND, None, None)


def test_what_a_clock_that_was_ahead_recorded_holds_nothing_up_once_it_is_named() -> None:
    refuse_wrong_clock(YEARS_BEHIND, NEWEST_AT, NEWEST_AT)
    with pytest.raises(ConfigurationError, match="Set the clock right"):
        refuse_wrong_clock(YEARS_BEHIND, NEWEST_AT, NEWEST_AT - MINUTE)


def test_the_file_says_until_when_or_is_not_there(tmp_path: Path) -> None:
    assert load_wrong_until(tmp_path) is None
    (tmp_path / "clock.yaml").write_text("wrong_until: 2024-04-05T10:00:00+08:00\n")
    assert load_wrong_until(tmp_path) == NEWEST_AT


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wrong_until: 2024-04-05T10:00:00\n", "clock.yaml, wrong_until: .* timezone"),
        ("wrong_until: soon\n", "clock.yaml, wrong_until: "),
        ("ahead_until: 2024-04-05T10:00:00+08:00\n", "clock.yaml, wrong_until: Field required"),
        ("wrong_until: 2024-04-05T10:00:00+08:00\ntolerance: 5\n", "clock.yaml, tolerance: Extra"),
        ("", "clock.yaml, the file: "),
        ("wrong_until: [\n", "clock.yaml: not YAML"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "clock.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        load_wrong_until(tmp_path)


def test_a_database_on_another_machine_has_a_clock_of_its_own(ledger_url: str) -> None:
    ledger = Ledger.open(ledger_url)
    told, ours = ledger.read_clock(), datetime.now(UTC)
    ledger.close()
    if ledger_url.startswith("sqlite"):
        assert told is None
    else:
        assert told is not None
        assert abs(told - ours) < MINUTE


def test_nothing_is_judged_published_or_decided_by_a_clock_that_is_behind(home: Home) -> None:
    place = ("--home", str(home.path), "--config", str(home.config))
    word = (*MONTH, "--reviewer", "审核人")
    with home.open() as house:
        chain = house.ledger.reviews.examine_chain()
        before = len(house.ledger.list_outcomes())
    for command in (
        ("run", "--offline", *MONTH),
        ("evaluate", *MONTH),
        ("publish", *MONTH),
        ("review", "approve", "--all", *word),
        ("review", "object", *word, "--staff", "K1", "--comment", "不服"),
    ):
        answer = run_fivestar(*command, *place, at=YEARS_BEHIND)
        assert (answer.code, answer.out) == (10, ""), command
        assert "This machine's clock says 2021-01-01T00:00:00+00:00, but the ledger holds" in answer.err
    with home.open() as house:
        assert house.ledger.reviews.examine_chain() == chain
        told = house.ledger.list_outcomes()[before:]
    assert [(row["step"], row["ok"]) for row in told] == [("run", False), ("evaluate", False), ("publish", False)]
    seen = run_fivestar("doctor", "--platform", "sheets", *place, at=YEARS_BEHIND)
    assert "clock" in seen.out
    assert "This machine's clock says 2021-01-01" in seen.out
    assert run_fivestar("review", "list", *MONTH, *place, at=YEARS_BEHIND).code == 0
    (home.config / "clock.yaml").write_text(f"wrong_until: {RUN_AT.replace(year=2030).isoformat()}\n")
    assert run_fivestar("review", "approve", "--all", *word, *place, at=RUN_AT).code == 0
