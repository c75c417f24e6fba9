"""A folder of rosters pulled: each file once, in order, all of them or none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_kit import NOW, ROSTERS, count_rows, land_rows

from flows.house import House
from flows.ingest.coverage import BEGINNING
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

STAFF_HEADER = "月份,工号,姓名,社区,岗位,证书,取证,等级"


@pytest.fixture(autouse=True)
def drop(tmp_path: Path) -> Path:
    """A folder with one roster of one worker, who stands outside the band and whose certificate has no date."""
    folder = tmp_path / "config" / "drop"
    folder.mkdir(parents=True)
    write_roster(folder / "2024-03.csv", "S1")
    return folder


def write_roster(file: Path, *staff_ids: str, grade: int = 13, community: str = "410202001001") -> None:
    rows = [f"2024-03,{staff_id},某,{community},other,senior,,{grade}" for staff_id in staff_ids]
    file.write_text("\n".join([STAFF_HEADER, *rows]) + "\n", encoding="utf-8")


def test_rows_that_are_kept_are_told_about(pull: Pull) -> None:
    report = pull(ROSTERS, bands={"other": (1, 12)})
    assert report.warnings == [
        "sheets, staff: outside_band:current_grade in 1 rows, which were kept.",
        "sheets, staff: certificate_without_date:certificate_on in 1 rows, which were kept.",
    ]


def test_a_folder_is_read_whole_whatever_the_window(pull: Pull, house: House) -> None:
    pull(ROSTERS)
    record = house.ledger.list_pulls("sheets")[0]
    assert (record.status, record.window_from_at, record.window_to_at) == ("complete", BEGINNING, NOW)


def test_the_same_file_twice_loads_once(pull: Pull, house: House, drop: Path) -> None:
    pull(ROSTERS)
    before = house.ledger.list_landings()
    pull(ROSTERS)
    assert house.ledger.list_landings() == before
    write_roster(drop / "2024-03.csv", "S1", "S2")
    pull(ROSTERS)
    assert count_rows(house, "staff") == 2


def test_files_land_in_the_order_of_their_names(pull: Pull, house: House, drop: Path) -> None:
    write_roster(drop / "2024-02.csv", "S0")
    report = pull(ROSTERS)
    landed = [it.batch_id for it in house.ledger.list_landings() if it.table == "staff"]
    assert landed == list(report.pulls[0].batch_ids)
    assert [house.lake.read_manifest("staff", it)["slot"] for it in landed] == ["2024-02.csv", "2024-03.csv"]


def test_a_roster_without_a_row_stops_the_pull(pull: Pull, house: House, drop: Path) -> None:
    write_roster(drop / "2024-04.csv")
    report = pull(ROSTERS)
    assert report.exit_code == 13
    assert count_rows(house, "staff") == 0


def test_a_folder_without_a_roster_stops_the_pull(pull: Pull, drop: Path) -> None:
    (drop / "2024-03.csv").unlink()
    assert pull(ROSTERS).exit_code == 13


def test_one_unreadable_file_lands_none(pull: Pull, house: House, drop: Path) -> None:
    (drop / "2024-04.csv").write_bytes(b"")
    report = pull(ROSTERS)
    assert report.exit_code == 12
    assert "2024-04.csv" in str(report.error)
    assert count_rows(house, "staff") == 0


def test_a_message_holds_nothing_of_a_row(pull: Pull, drop: Path) -> None:
    (drop / "2024-03.csv").write_text(f"{STAFF_HEADER}\n2024-03,S1,张三丰,x,other,none,,1\n", encoding="utf-8")
    report = pull(ROSTERS)
    assert report.exit_code == 13
    assert "张三丰" not in str(report.error)
    assert "S1" not in str(report.error)


def test_a_header_renamed_in_one_file_of_several_is_noticed(pull: Pull, house: House, drop: Path) -> None:
    write_roster(drop / "2024-02.csv", "S0")
    roster = (drop / "2024-03.csv").read_text(encoding="utf-8")
    (drop / "2024-03.csv").write_text(roster.replace("等级", "现等级"), encoding="utf-8")
    report = pull(ROSTERS)
    assert report.exit_code == 12
    assert "not one of 1 records of 2024-03.csv has 等级 (for current_grade)" in str(report.error)
    assert count_rows(house, "staff") == 0


def list_slots(house: House) -> list[str]:
    """The slot of each landing of staff, in their order."""
    return [slot for slot, _ in house.ledger.list_slots("sheets", "staff")]


def list_told(report: PullReport) -> list[str]:
    """The warnings, but for those about rows."""
    return [warning for warning in report.warnings if not warning.endswith("which were kept.")]


def read_grade(house: House, staff_id: str = "S1") -> int:
    with house.view() as view:
        staff = view.table("staff")
        [row] = staff.filter(staff.staff_id == staff_id).to_pyarrow().to_pylist()
    return int(row["current_grade"])


def test_an_old_copy_under_another_name_lands_nothing(pull: Pull, house: House, drop: Path) -> None:
    pull(ROSTERS)
    write_roster(drop / "2024-03 修订.csv", "S1", grade=14)
    pull(ROSTERS)
    (drop / "备份.csv").write_bytes((drop / "2024-03.csv").read_bytes())
    assert list_told(pull(ROSTERS)) == []
    assert list_slots(house) == ["2024-03.csv", "2024-03 修订.csv"]
    assert read_grade(house) == 14


def test_of_two_copies_that_come_together_the_first_by_name_lands(pull: Pull, house: House, drop: Path) -> None:
    (drop / "2024-02.csv").write_bytes((drop / "2024-03.csv").read_bytes())
    (drop / "2024-04.csv").write_text((drop / "2024-03.csv").read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert list_told(pull(ROSTERS)) == []
    assert list_slots(house) == ["2024-02.csv"]


def test_a_copy_of_what_was_changed_since_lands_nothing_and_is_told(pull: Pull, house: House, drop: Path) -> None:
    pull(ROSTERS)
    (drop / "备份.csv").write_bytes((drop / "2024-03.csv").read_bytes())
    write_roster(drop / "2024-03.csv", "S1", grade=14)
    for _ in range(2):
        assert list_told(pull(ROSTERS)) == [
            (
                "sheets, staff: 备份.csv holds what landed before as 2024-03.csv and was changed since: it lands "
                "nothing. If it is to hold again, give it that name."
            )
        ]
    assert house.ledger.list_pulls("sheets")[-1].received_count == 1
    assert read_grade(house) == 14


def test_a_slot_put_back_to_earlier_content_lands_again(pull: Pull, house: House, drop: Path) -> None:
    for grade in (13, 14, 13):
        write_roster(drop / "2024-03.csv", "S1", grade=grade)
        pull(ROSTERS)
    assert list_slots(house) == ["2024-03.csv"] * 3
    assert read_grade(house) == 13


def test_new_content_lands_last_whatever_its_name(pull: Pull, house: House, drop: Path) -> None:
    pull(ROSTERS)
    write_roster(drop / "2024-01.csv", "S1", grade=14)
    pull(ROSTERS)
    assert list_slots(house) == ["2024-03.csv", "2024-01.csv"]
    assert read_grade(house) == 14


NEW_COMMUNITY = "410202001003"


def write_rosters_before_registration(pull: Pull, drop: Path) -> None:
    """A roster with a worker of an unknown community, and a correction of it that came later but stands before."""
    write_roster(drop / "b.csv", "S1", "S3", "S4", "S5", "S6", grade=13)
    with (drop / "b.csv").open("a", encoding="utf-8") as roster:
        roster.write(f"2024-03,S2,某,{NEW_COMMUNITY},other,senior,,13\n")
    (drop / "2024-03.csv").unlink()
    pull(ROSTERS)
    write_roster(drop / "a.csv", "S1", grade=14)
    pull(ROSTERS)


def test_a_file_whose_rows_are_judged_anew_keeps_its_place(pull: Pull, house: House, drop: Path) -> None:
    write_rosters_before_registration(pull, drop)
    land_rows(house, "communities", [{"community_code": NEW_COMMUNITY}])
    pull(ROSTERS)
    assert list_slots(house) == ["b.csv", "a.csv", "b.csv", "a.csv"]
    assert (read_grade(house), read_grade(house, "S2")) == (14, 13)
    pull(ROSTERS)
    assert len(list_slots(house)) == 4


def test_a_file_that_is_gone_keeps_its_place_too(pull: Pull, house: House, drop: Path) -> None:
    write_rosters_before_registration(pull, drop)
    (drop / "a.csv").unlink()
    land_rows(house, "communities", [{"community_code": NEW_COMMUNITY}])
    pull(ROSTERS)
    assert list_slots(house) == ["b.csv", "a.csv", "b.csv", "a.csv"]
    assert (read_grade(house), read_grade(house, "S2")) == (14, 13)


def test_a_renamed_file_keeps_the_place_of_its_old_name(pull: Pull, house: House, drop: Path) -> None:
    write_rosters_before_registration(pull, drop)
    (drop / "b.csv").rename(drop / "c.csv")
    pull(ROSTERS)
    assert list_slots(house) == ["b.csv", "a.csv"]
    land_rows(house, "communities", [{"community_code": NEW_COMMUNITY}])
    pull(ROSTERS)
    assert list_slots(house) == ["b.csv", "a.csv", "c.csv", "a.csv"]
    assert (read_grade(house), read_grade(house, "S2")) == (14, 13)
