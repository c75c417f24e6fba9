"""An Open311 server that cuts its answers silently is pulled whole by docs/examples/open311 alone."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import Pauses
from open311_server import Open311Server, list_year_with_a_burst, make_requests
from platform_server import PlatformServer

from flows.errors import ContractBroken
from flows.house import House, open_house
from flows.ingest.describe.source import load_source
from flows.ingest.pull import pull_source
from flows.ingest.reports import PullReport
from flows.settings import load_settings

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "open311"
YEAR = (datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
NOW = datetime(2024, 1, 15, tzinfo=UTC)

Pull = Callable[..., PullReport]


@pytest.fixture
def example(tmp_path: Path) -> Iterator[House]:
    """An installation whose configuration is the example's."""
    shutil.copytree(EXAMPLE, tmp_path / "config")
    with open_house(load_settings(tmp_path / "home", tmp_path / "config", lambda _: None)) as house:
        yield house


@pytest.fixture
def pull(example: House, platform: PlatformServer, pauses: Pauses) -> Pull:
    """Pulls from a server that holds `requests`, the example's setting `old` replaced by `new`."""

    def run(server: Open311Server, old: str = "", new: str = "", window: Any = YEAR) -> PullReport:
        platform.answer = server
        file = example.settings.config / "platforms" / "open311.yaml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        source = load_source(file, {"OPEN311_URL": platform.url}.get)
        return pull_source(example, source, window=window, now=NOW, timing=pauses.timing)

    return run


def read_events(house: House) -> dict[str, dict[str, Any]]:
    with house.view() as view:
        return {row["event_id"]: row for row in view.table("events").to_pyarrow().to_pylist()}


def test_a_year_with_a_burst_beyond_the_cap_lands_whole(pull: Pull, example: House) -> None:
    server = Open311Server(make_requests(list_year_with_a_burst()))
    report = pull(server)
    assert report.error is None
    assert report.pulls[0].rejected_count == 0
    assert set(read_events(example)) == {f"SR{number}" for number in range(5200)}
    # Only queries that were then asked again in halves: the burst alone cuts any that holds its hour.
    assert server.cut_count > 0


def test_without_the_cap_the_server_would_keep_back_requests_unnoticed(pull: Pull, example: House) -> None:
    server = Open311Server(make_requests(list_year_with_a_burst()))
    report = pull(server, old=", cap: 1000")
    assert report.error is None
    assert server.cut_count > 0
    # Four slices of 90 days and a rest of five, and no query gives more than 1,000; the lag of 90 days is empty.
    assert len(read_events(example)) < 5200 - 1000


def test_without_slices_the_server_would_keep_back_all_beyond_90_days(pull: Pull, example: House) -> None:
    server = Open311Server(make_requests(YEAR[0] + timedelta(days=number) for number in range(365)))
    report = pull(server, old="lag: 90d, slice: 90d", new="lag: 1s")
    assert report.error is None
    # From a second before the year's first instant, 90 days: the requests of days 0 to 89.
    assert len(read_events(example)) == 90


@pytest.mark.parametrize("count", [1000, 1001])
def test_a_second_that_reaches_the_cap_is_refused_and_nothing_lands(pull: Pull, example: House, count: int) -> None:
    moment = datetime(2023, 7, 19, 14, tzinfo=UTC)
    report = pull(Open311Server(make_requests([moment] * count)), window=(moment, moment + timedelta(hours=1)))
    assert isinstance(report.error, ContractBroken)
    assert "one query gave 1000 records, and the platform gives at most 1000" in str(report.error)
    assert "2023-07-19T13:59:59Z to 2023-07-19T14:00:00Z" in str(report.error)
    assert read_events(example) == {}


def test_a_second_just_under_the_cap_lands(pull: Pull, example: House) -> None:
    moment = datetime(2023, 7, 19, 14, tzinfo=UTC)
    report = pull(Open311Server(make_requests([moment] * 999)), window=(moment, moment + timedelta(hours=1)))
    assert report.error is None
    assert len(read_events(example)) == 999


def test_requests_become_events_as_the_standard_says(pull: Pull, example: House) -> None:
    moment = datetime(2023, 7, 19, 14)
    report = pull(Open311Server(make_requests([moment.replace(tzinfo=UTC)] * 5)))
    assert report.warnings == []
    rows = read_events(example)
    closed, opened = rows["SR1"], rows["SR0"]
    assert (closed["status"], closed["closed_at"]) == ("closed", moment + timedelta(days=2))
    assert (opened["status"], opened["closed_at"]) == ("open", None)
    assert (closed["reported_at"], closed["due_at"]) == (moment, moment + timedelta(days=10))
    # Services in turn: POTHOLE, GRAFFITI, STREETLIGHT, ILLEGAL-DUMPING, and NOISE, which the example doesn't list.
    categories = [rows[f"SR{number}"]["category"] for number in range(5)]
    assert categories == ["service", "city_case", "service", "city_case", "other"]
    # Postcodes in turn: two listed, one not, and none; then the first again.
    communities = [rows[f"SR{number}"]["community_code"][-3:] for number in range(5)]
    assert communities == ["001", "002", "999", "999", "001"]
