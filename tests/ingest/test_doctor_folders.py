"""Each folder and database tried, and every clock: what is told of files, rows and time, and that nothing changes."""

import os
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path

import pytest
from doctor_kit import PERSON, Examine, list_errors, list_told
from exchange import write_source
from ingest_kit import NOW, ROSTERS, Pauses
from platform_server import PlatformServer, Reply, make_incidents, write_incident_source

from flows.errors import ConfigurationError, ContractBroken, SourceUnavailable
from flows.house import House
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.source import Source
from flows.ingest.doctor import SourceDoctor, describe_clock

# Folders.


def write_roster(tmp_path: Path, name: str, rows: list[str]) -> None:
    folder = tmp_path / "config" / "drop"
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["月份,工号,姓名,社区,岗位,证书,取证,等级", *rows])
    (folder / name).write_text(f"{text}\n", encoding="utf-8")


def test_of_a_folder_all_that_matches_is_named_and_the_last_is_read(examine: Examine, tmp_path: Path) -> None:
    for month in range(1, 8):
        workers = [f"2024-03,S{number},{PERSON},410202001001,other,none,,1" for number in range(month)]
        write_roster(tmp_path, f"2024-0{month}.csv", workers)
    findings = examine(ROSTERS)
    assert list_told(findings, "ok", "sheets/staff") == [
        "7 files match *.csv: 2024-03.csv, 2024-04.csv, 2024-05.csv, 2024-06.csv, 2024-07.csv and 2 before",
        "7 records on the first page of 2024-07.csv, 7 would pass",
    ]
    assert PERSON not in str(findings)
    assert [it for it in findings if it.area == "clock"] == []


def test_a_folder_in_which_nothing_matches_is_a_warning(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "config" / "drop").mkdir()
    assert [(it.level, it.text) for it in examine(ROSTERS)] == [("warn", "no file matches *.csv")]


def test_a_file_without_a_row_is_a_warning(examine: Examine, tmp_path: Path) -> None:
    write_roster(tmp_path, "2024-03.csv", [])
    findings = examine(ROSTERS)
    assert list_told(findings, "warn", "sheets/staff") == ["2024-03.csv has no row"]


def test_rows_that_would_be_kept_with_a_warning_are_told(examine: Examine, house: House, tmp_path: Path) -> None:
    write_roster(tmp_path, "2024-03.csv", ["2024-03,S1,某,410202001001,other,senior,,1"])
    assert list_told(examine(ROSTERS), "warn", "sheets/staff") == [
        "1 of them would be kept with a warning: certificate_without_date:certificate_on"
    ]


def test_a_file_that_is_empty_yet_is_left(examine: Examine, tmp_path: Path, pauses: Pauses) -> None:
    file = tmp_path / "config" / "drop" / "2024-03.csv"
    file.parent.mkdir()
    file.touch()
    os.utime(file, (pauses.timing.wall(), pauses.timing.wall()))
    [left, _] = list_told(examine(ROSTERS), "warn", "sheets/staff")
    assert left.startswith("left for the next pull: 2024-03.csv is empty yet")


def test_a_folder_that_is_not_there_is_a_source_that_stays_away(examine: Examine) -> None:
    assert list_errors(examine(ROSTERS)) == [SourceUnavailable]


def test_one_source_that_fails_does_not_stop_the_others(
    house: House, make_source: Callable[[str], Source], platform: PlatformServer, tmp_path: Path
) -> None:
    platform.answer = lambda _: Reply(status=404)
    write_roster(tmp_path, "2024-03.csv", ["2024-03,S1,某,410202001001,other,none,,1"])
    sources = [make_source(write_incident_source()), make_source(ROSTERS)]
    doctor = SourceDoctor(house.settings.config, house, NOW, Timing(sleep=lambda _: None))
    findings = list(doctor.examine_sources(sources))
    assert list_errors(findings) == [ContractBroken]
    assert list_told(findings, "ok", "sheets/staff")[-1] == "1 records on the first page of 2024-03.csv, 1 would pass"


# Clocks.


@pytest.mark.parametrize(
    ("seconds", "level", "text"),
    [
        (0, "ok", "p: agrees with ours to 0 s"),
        (60, "ok", "p: agrees with ours to 60 s"),
        (-60, "ok", "p: agrees with ours to 60 s"),
        (61, "warn", "p: 61 s ahead of ours"),
        (-300, "warn", "p: 300 s behind ours"),
        (300, "warn", "p: 300 s ahead of ours"),
        (301, "fail", "p: 301 s ahead of ours"),
        (-301, "fail", "p: 301 s behind ours"),
    ],
)
def test_a_clock_may_be_a_minute_off_and_must_not_be_five(seconds: int, level: str, text: str) -> None:
    [finding] = describe_clock("p", [timedelta(0), timedelta(seconds=seconds)])
    assert (finding.level, finding.text) == (level, text)
    assert (type(finding.error) is ConfigurationError) == (level == "fail")


def test_a_platform_whose_answers_bear_no_date_has_no_clock() -> None:
    assert describe_clock("p", []) == []


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (100, "warn"), (-1000, "fail")])
def test_the_clock_is_read_from_the_answers(
    examine: Examine, platform: PlatformServer, pauses: Pauses, ahead: int, level: str
) -> None:
    date = formatdate(pauses.timing.wall() + ahead, usegmt=True)
    platform.answer = lambda _: Reply({"items": make_incidents(3)}, headers={"date": date})
    assert [it.level for it in examine(write_incident_source()) if it.area == "clock"] == [level]


# Databases.


def test_a_database_is_asked_for_its_first_rows_and_left_as_it_was(
    examine: Examine, values: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "exchange.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE incidents (id, community, kind, day, status, updated)")
        rows = [tuple(record.values()) for record in make_incidents(3)]
        connection.executemany("INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    before = file.read_bytes()
    values["EXCHANGE_URL"] = f"sqlite:///{file}"
    findings = examine(write_source("from: incidents\nchunk_rows: 2"))
    area = "exchange/incidents"
    assert list_told(findings, "ok", area) == ["2 records on the first page, 2 would pass"]
    assert list_errors(findings) == []
    assert file.read_bytes() == before
