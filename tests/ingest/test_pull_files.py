"""A folder of rosters pulled: each file once, in order, all of them or none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_kit import NOW, count_rows
from platform_server import CARD

from flows.house import House
from flows.ingest.pull import BEGINNING
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

STAFF_HEADER = "月份,工号,姓名,社区,岗位,证书,取证,等级"


def write_staff_source() -> str:
    return f"""
platform: sheets
title: Sheets
{CARD}
connection: {{kind: files, path: drop}}
resources:
  staff:
    table: staff
    files: "*.csv"
    format: csv
    fields:
      {{month: 月份, staff_id: 工号, name: 姓名, community_code: 社区, post: 岗位, certificate: 证书,
        certificate_on: 取证, current_grade: 等级}}
    defaults:
      {{committee_member: false, employment: hired, degree: none, service_start_on: 2020-01-01,
        prior_service_months: 0}}
"""


@pytest.fixture(autouse=True)
def drop(tmp_path: Path) -> Path:
    """A folder with one roster of one worker, who stands outside the band and whose certificate has no date."""
    folder = tmp_path / "config" / "drop"
    folder.mkdir(parents=True)
    write_roster(folder / "2024-03.csv", "S1")
    return folder


def write_roster(file: Path, *staff_ids: str) -> None:
    rows = [f"2024-03,{staff_id},某,410202001001,other,senior,,13" for staff_id in staff_ids]
    file.write_text("\n".join([STAFF_HEADER, *rows]) + "\n", encoding="utf-8")


def test_rows_that_are_kept_are_told_about(pull: Pull) -> None:
    report = pull(write_staff_source(), bands={"other": (1, 12)})
    assert report.warnings == [
        "sheets, staff: outside_band:current_grade in 1 rows, which were kept.",
        "sheets, staff: certificate_without_date:certificate_on in 1 rows, which were kept.",
    ]


def test_a_folder_is_read_whole_whatever_the_window(pull: Pull, house: House) -> None:
    pull(write_staff_source())
    record = house.ledger.list_pulls("sheets")[0]
    assert (record.status, record.window_from_at, record.window_to_at) == ("complete", BEGINNING, NOW)


def test_the_same_file_twice_loads_once(pull: Pull, house: House, drop: Path) -> None:
    pull(write_staff_source())
    before = house.ledger.list_landings()
    pull(write_staff_source())
    assert house.ledger.list_landings() == before
    write_roster(drop / "2024-03.csv", "S1", "S2")
    pull(write_staff_source())
    assert count_rows(house, "staff") == 2


def test_files_land_in_the_order_of_their_names(pull: Pull, house: House, drop: Path) -> None:
    write_roster(drop / "2024-02.csv", "S0")
    report = pull(write_staff_source())
    landed = [it.batch_id for it in house.ledger.list_landings() if it.table == "staff"]
    assert landed == list(report.pulls[0].batch_ids)
    assert [house.lake.read_manifest("staff", it)["slot"] for it in landed] == ["2024-02.csv", "2024-03.csv"]


def test_a_roster_without_a_row_stops_the_pull(pull: Pull, house: House, drop: Path) -> None:
    write_roster(drop / "2024-04.csv")
    report = pull(write_staff_source())
    assert report.exit_code == 13
    assert count_rows(house, "staff") == 0


def test_a_folder_without_a_roster_stops_the_pull(pull: Pull, drop: Path) -> None:
    (drop / "2024-03.csv").unlink()
    assert pull(write_staff_source()).exit_code == 13


def test_one_unreadable_file_lands_none(pull: Pull, house: House, drop: Path) -> None:
    (drop / "2024-04.csv").write_bytes(b"")
    report = pull(write_staff_source())
    assert report.exit_code == 12
    assert "2024-04.csv" in str(report.error)
    assert count_rows(house, "staff") == 0


def test_a_message_holds_nothing_of_a_row(pull: Pull, drop: Path) -> None:
    (drop / "2024-03.csv").write_text(f"{STAFF_HEADER}\n2024-03,S1,张三丰,x,other,none,,1\n", encoding="utf-8")
    report = pull(write_staff_source())
    assert report.exit_code == 13
    assert "张三丰" not in str(report.error)
    assert "S1" not in str(report.error)


def test_a_header_renamed_in_one_file_of_several_is_noticed(pull: Pull, house: House, drop: Path) -> None:
    write_roster(drop / "2024-02.csv", "S0")
    roster = (drop / "2024-03.csv").read_text(encoding="utf-8")
    (drop / "2024-03.csv").write_text(roster.replace("等级", "现等级"), encoding="utf-8")
    report = pull(write_staff_source())
    assert report.exit_code == 12
    assert "not one of 1 records of 2024-03.csv has 等级 (for current_grade)" in str(report.error)
    assert count_rows(house, "staff") == 0
