"""Every fault of the sandbox, pulled through the real server: recovered whole, or stopped with a reason."""

import shutil
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from city_runs import CONFIG, run_fivestar
from platform_client import PlatformClient

from flows.errors import ConfigurationError, ContractBroken, FivestarError, QualityGate
from flows.house import House, open_house
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.source import load_source
from flows.ingest.pull import pull_source
from flows.ingest.reports import PullReport
from flows.month import Month
from flows.sandbox.city import Sandbox, build_sandbox
from flows.sandbox.faults import FAULTS, RECOVERABLE
from flows.sandbox.server import open_server
from flows.settings import load_settings

MARCH = Month(2024, 3)
NOW = datetime(2024, 4, 5, tzinfo=UTC)
WINDOW = (MARCH.starts_at, MARCH.starts_at + timedelta(days=20))
"""Three slices of seven days, and so three queries or more."""

GOVERNANCE, LAW, SERVICE, SUPERVISION = (
    "comprehensive_governance",
    "law_enforcement",
    "public_service",
    "supervision",
)
TABLES = {LAW: "events", SERVICE: "events", SUPERVISION: "checks"}
Rows = list[dict[str, Any]]

pytestmark = pytest.mark.flow


@dataclass
class Station:
    """A built city, its configuration, and an installation that knows its registers and nothing else."""

    city: Sandbox
    folder: Path
    whole: dict[str, Rows]

    def copy(self, target: Path, faults: tuple[str, ...], platform: str, connection: str) -> Path:
        """A fresh installation below `target` with the configuration that the demo writes for these faults."""
        shutil.copytree(self.folder / "home", target / "home")
        self.city.write_config(CONFIG, target / "config", faults)
        file = target / "config" / "platforms" / f"{platform}.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("connection:\n", f"connection:\n  {connection}\n"), encoding="utf-8")
        return target


@dataclass(frozen=True)
class Outcome:
    """What a pull came to: its report, the rows that landed, and what was waited."""

    report: PullReport
    rows: Rows
    pauses: list[float]


@contextmanager
def serve(city: Sandbox, platform: str, faults: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """What answers `${NAME}` while the platform's server runs in this process."""
    server = open_server(city.folder, platform, faults)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield city.environment | {f"{platform}_URL".upper(): server.base_url}
    finally:
        server.shutdown()
        server.server_close()


def pull_platform(
    folder: Path, city: Sandbox, platform: str, faults: tuple[str, ...], tables: set[str] | None
) -> Outcome:
    pauses: list[float] = []
    timing = Timing(sleep=pauses.append, clock=lambda: sum(pauses), jitter=lambda: 1.0)
    with (
        serve(city, platform, faults) as values,
        open_house(load_settings(folder / "home", folder / "config", values.get)) as house,
    ):
        source = load_source(folder / "config" / "platforms" / f"{platform}.yaml", values.get)
        report = pull_source(house, source, window=WINDOW, now=NOW, tables=tables, bands={}, timing=timing)
        return Outcome(report, read_rows(house, TABLES[platform]) if tables is None else [], pauses)


def read_rows(house: House, table: str) -> Rows:
    """The canonical rows, without what says from where in which batch they came."""
    with house.view() as view:
        frame = view.table(table).execute()
    kept = frame.drop(columns=[name for name in ("batch_id", "record_no") if name in frame])
    rows: Rows = kept.astype(str).to_dict("records")
    return sorted(rows, key=repr)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Station:
    folder = tmp_path_factory.mktemp("faults")
    city = build_sandbox(folder / "sandbox", scale="small", month=MARCH, history_months=0)
    city.write_config(CONFIG, folder / "config")
    assert pull_platform(folder, city, GOVERNANCE, (), {"communities", "grids"}).report.error is None
    return Station(city, folder, {})


@pytest.fixture
def pull(station: Station, tmp_path: Path) -> Callable[..., Outcome]:
    """Pulls a platform's twenty days into a fresh installation; `whole=True` gives the rows without any fault."""

    def run(platform: str, *faults: str, connection: str = "max_page_mb: 64", place: str = "pull") -> Outcome:
        folder = station.copy(tmp_path / place, faults, platform, connection)
        return pull_platform(folder, station.city, platform, faults, None)

    return run


@pytest.fixture
def find_whole(station: Station, pull: Callable[..., Outcome]) -> Callable[[str], Rows]:
    """The rows that a platform without faults gives."""

    def find(platform: str) -> Rows:
        if platform not in station.whole:
            outcome = pull(platform, place="whole")
            assert outcome.report.error is None
            assert outcome.rows
            station.whole[platform] = outcome.rows
        return station.whole[platform]

    return find


# The pauses are what the fault costs: as Retry-After asks, or half a second and then one.
RECOVERED = [
    ("busy", SERVICE, [1.0]),
    ("busy", LAW, [1.0]),
    ("burst", SERVICE, [0.5, 1.0]),
    ("burst", LAW, [0.5, 1.0]),
    ("stall", SERVICE, [0.5]),
    ("reset", SERVICE, [0.5]),
    ("reset", LAW, [0.5]),
    ("truncated", SERVICE, [0.5]),
    ("truncated", LAW, [0.5]),
    ("changing_records", LAW, []),
    ("changing_records", SERVICE, []),
    ("old_versions", LAW, []),
    ("old_versions", SERVICE, []),
    ("old_versions", SUPERVISION, []),
    ("clock_skew", LAW, []),
    ("lying_total", SERVICE, []),  # it states none
]


@pytest.mark.parametrize(("fault", "platform", "seconds"), RECOVERED)
def test_a_fault_is_got_over_and_every_row_lands(
    pull: Callable[..., Outcome], find_whole: Callable[[str], Rows], fault: str, platform: str, seconds: list[float]
) -> None:
    outcome = pull(platform, fault)
    assert outcome.report.error is None
    assert outcome.rows == find_whole(platform)
    # The platforms' rate limit of 200 a second holds back five milliseconds at a time.
    assert [pause for pause in outcome.pauses if pause > 0.1] == seconds


STOPPED: list[tuple[str, str, type[FivestarError], int, str]] = [
    ("login_page", SERVICE, ContractBroken, 12, r"text/html \(perhaps a login page\) where JSON was expected"),
    ("repeated_page", LAW, ContractBroken, 12, "gave the same page twice"),
    ("repeated_page", SERVICE, ContractBroken, 12, "gave the same page twice"),
    ("repeated_page", SUPERVISION, ContractBroken, 12, "gave the same page twice"),
    ("lying_total", LAW, QualityGate, 13, r"records received, \d+ stated by the platform"),
    (
        "clock_skew",
        SUPERVISION,
        ConfigurationError,
        10,
        r"refused the credentials.*3(600|599|601) seconds ahead of ours",
    ),
    ("gbk", SERVICE, ContractBroken, 12, r"not UTF-8 but read as GB18030.*connection\.encoding: gb18030"),
    ("huge_page", SERVICE, ContractBroken, 12, "sends more than 64 MB in one answer.*smaller pages"),
]


@pytest.mark.parametrize(("fault", "platform", "error", "code", "message"), STOPPED)
def test_a_fault_that_cannot_be_got_over_is_told_and_nothing_lands(  # noqa: PLR0917 -- as pytest hands them in
    pull: Callable[..., Outcome], fault: str, platform: str, error: type[FivestarError], code: int, message: str
) -> None:
    outcome = pull(platform, fault)
    assert outcome.rows == []
    assert isinstance(outcome.report.error, error)
    assert outcome.report.error.exit_code == code
    with pytest.raises(error, match=message):
        raise outcome.report.error


def test_every_fault_has_its_test() -> None:
    assert {fault for fault, *_ in (*RECOVERED, *STOPPED)} == set(FAULTS)


def test_older_versions_that_come_later_are_received_and_do_not_win(pull: Callable[..., Outcome]) -> None:
    plain, bent = pull(SERVICE, place="plain"), pull(SERVICE, "old_versions")
    # Three of them behind each of the three slices.
    assert bent.report.pulls[0].received_count == plain.report.pulls[0].received_count + 9


def test_gb18030_lands_whole_once_it_is_told(pull: Callable[..., Outcome], find_whole: Callable[[str], Rows]) -> None:
    assert pull(SERVICE, "gbk", connection="encoding: gb18030").rows == find_whole(SERVICE)


def test_a_page_without_measure_is_never_held(pull: Callable[..., Outcome]) -> None:
    pull(SERVICE, place="warm")
    tracemalloc.start()
    try:
        outcome = pull(SERVICE, "huge_page", connection="max_page_mb: 4")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(outcome.report.error, ContractBroken)
    # 200 MB are on offer; four are read, beside an ordinary page with its records and rows.
    assert peak < 60 * 1024 * 1024


def test_all_recoverable_faults_together_disturb_one_server_in_turn(tmp_path: Path) -> None:
    city = build_sandbox(tmp_path, scale="small", month=MARCH, history_months=0)
    city.start([fault for fault in RECOVERABLE if fault != "stall"])
    try:
        client = PlatformClient(city)
        seen = [ask_once(client) for _ in range(202)]
    finally:
        city.stop()
    # Per 101 requests: one too many, two that fail, one reset half way; and once in all JSON that breaks off.
    assert sorted(seen) == sorted([*["whole"] * 193, *["429", "500", "503", "reset"] * 2, "truncated"])


def ask_once(client: PlatformClient) -> str:
    try:
        answer = client.ask("public_service", "/v1/events", {"size": "1"})
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return "reset"
    if answer.status_code != 200:
        return str(answer.status_code)
    try:
        orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return "truncated"
    return "whole"


def test_a_fault_that_there_is_not_is_answered_with_those_there_are(tmp_path: Path) -> None:
    answer = run_fivestar("demo", "--fault", "hiccup", "--home", str(tmp_path / "home"), "--config", str(CONFIG))
    assert answer.code == 2
    assert "there is no fault 'hiccup'. Choose from: busy, burst, stall" in answer.err
    assert not (tmp_path / "home" / "sandbox").exists()


def test_servers_end_when_the_city_stops(tmp_path: Path) -> None:
    city = build_sandbox(tmp_path, scale="small", month=MARCH, history_months=0)
    with city:
        servers = list(city.servers)
        assert [server.poll() for server in servers] == [None] * 4
    assert [server.poll() for server in servers] == [0] * 4
    assert not any(name.endswith("_URL") for name in city.environment)
