"""Rules on a pull as a whole: what short windows do to them, and what the ledger keeps of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from check_source import make_check, write_check_source
from ingest_kit import CONFIG, MARCH
from platform_server import PlatformServer, Reply

from flows.errors import QualityGate
from flows.house import House
from flows.ingest.describe.rules import load_rules
from flows.ingest.judging.gates import PullFacts, judge_pull
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

RULES = load_rules(CONFIG / "quality")
HOUR = timedelta(hours=1)
TEN = datetime(2024, 3, 20, 10, tzinfo=UTC)


def judge(table: str, window: tuple[datetime, datetime], **facts: Any) -> tuple[list[str], list[dict[str, Any]]]:
    noted = PullFacts(**facts)
    warnings = judge_pull(RULES[table], noted, window, {}, "p, r")
    return warnings, noted.measures


def test_an_hour_without_rows_is_told_nothing() -> None:
    known = TEN.replace(tzinfo=None) - HOUR
    warnings, measures = judge("events", (TEN, TEN + HOUR), newest_known_at=known)
    assert warnings == []
    assert [it["rule"] for it in measures] == ["silence"]


def test_an_hour_whose_few_events_are_all_closed_is_no_closure_rate() -> None:
    facts = {"received_count": 3, "not_void_count": 3, "closed_count": 3}
    newest = (TEN + HOUR).replace(tzinfo=None)
    warnings, measures = judge("events", (TEN, TEN + HOUR), newest_received_at=newest, **facts)
    assert warnings == []
    assert [it["rule"] for it in measures] == ["rejected_share", "silence"]


@pytest.mark.parametrize(
    # In the city March is [29 February 16:00, 31 March 16:00) in UTC.
    ("start_at", "end_at", "is_rate"),
    [
        (MARCH[0], datetime(2024, 3, 31, 16, tzinfo=UTC), True),
        (MARCH[0] + timedelta(seconds=1), datetime(2024, 3, 31, 16, tzinfo=UTC), False),
        (MARCH[0], datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC), False),
        (datetime(2024, 2, 10, tzinfo=UTC), datetime(2024, 4, 5, tzinfo=UTC), True),
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(2024, 3, 20, tzinfo=UTC), True),
    ],
)
def test_a_closure_rate_is_one_of_a_whole_month(start_at: datetime, end_at: datetime, is_rate: bool) -> None:
    newest = end_at.replace(tzinfo=None)
    warnings, _ = judge("events", (start_at, end_at), newest_received_at=newest, not_void_count=10, closed_count=10)
    assert len(warnings) == is_rate


def test_one_of_two_rows_rejected_is_half_of_them_however_short_the_window() -> None:
    newest = TEN.replace(tzinfo=None)
    with pytest.raises(
        QualityGate, match=r"1 of 2 rows \(50 %\) were rejected, and the rule rejected_share allows 20"
    ):
        judge("events", (TEN, TEN + HOUR), newest_received_at=newest, received_count=2, rejected_count=1)


@pytest.mark.parametrize(("hours", "is_told"), [(25, False), (26, False), (27, True)])
def test_silence_is_measured_from_the_newest_that_is_known(hours: int, is_told: bool) -> None:
    known = (TEN + HOUR).replace(tzinfo=None) - timedelta(hours=hours)
    warnings, _ = judge("checks", (TEN, TEN + HOUR), newest_known_at=known)
    assert ["nothing was updated for 27 hours" in text for text in warnings] == [True] * is_told


def test_each_measure_is_kept_with_its_limit(pull: Pull, house: House, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": [make_check(1, TEN)]})
    pull(write_check_source(), window=(TEN - HOUR, TEN + 2 * HOUR))
    kept = {it["rule"]: it for it in house.ledger.list_pulls("supervision")[0].checks if "measure" in it}
    assert kept["rejected_share"] == {
        "key": "rejected_share",
        "rule": "rejected_share",
        "severity": "stop",
        "title": "一次取数被拒超过两成",
        "measure": "0",
        "limit": "20",
        "broken": False,
    }
    assert (kept["silence"]["measure"], kept["silence"]["broken"]) == ("2", False)
    assert set(kept) == {"rejected_share", "silence"}


def test_the_measure_that_refused_a_pull_is_kept(pull: Pull, house: House, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": [make_check(1, TEN), {**make_check(2, TEN), "finding": "?"}]})
    pull(write_check_source(), window=(TEN - HOUR, TEN + HOUR))
    [record] = house.ledger.list_pulls("supervision")
    assert record.status == "refused"
    [share] = [it for it in record.checks if it["rule"] == "rejected_share"]
    assert (share["measure"], share["limit"], share["broken"]) == ("50", "20", True)


def test_hourly_pulls_of_a_quiet_platform_tell_of_it_after_26_hours(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    platform.answer_in_turn(Reply({"items": [make_check(1, TEN)]}), Reply({"items": []}))
    pull(write_check_source(), window=(TEN - HOUR, TEN), now=TEN)
    told = [
        # Each asks only for its own hour, so nothing but the pulls before shows since when it is quiet.
        pull(write_check_source(), window=(TEN + (hours - 1) * HOUR, TEN + hours * HOUR), now=TEN + hours * HOUR)
        for hours in (1, 26, 27)
    ]
    assert [len(report.warnings) for report in told] == [0, 0, 1]
    assert "nothing was updated for 27 hours" in told[2].warnings[0]


def test_a_backfill_is_not_quieted_by_what_came_later(pull: Pull, house: House, platform: PlatformServer) -> None:
    platform.answer_in_turn(Reply({"items": [make_check(1, TEN)]}), Reply({"items": []}))
    pull(write_check_source(), window=(TEN - HOUR, TEN), now=TEN)
    report = pull(write_check_source(), window=(TEN - 100 * HOUR, TEN - 50 * HOUR), now=TEN)
    assert "nothing was updated for 50 hours" in report.warnings[0]
