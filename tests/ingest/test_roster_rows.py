"""Rosters, appraisals and sanctions with rows that cannot be right: each is rejected with its reason, others land."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from city_runs import CONFIG, Answer, Home, set_environment
from ingest_kit import land_rows

COMMUNITY = "410202001001"
WORKERS = 40
"""So many that the planted rows stay under the fifth that would refuse the file."""
ROSTER = (
    "所属月份", "工号", "姓名", "社区代码", "岗位", "两委成员", "用工形式", "学历", "职业资格", "取证日期",
    "参加工作日期", "折算工龄（月）", "现等级",
)  # fmt: skip


class Office:
    """Whoever keeps the sheets: an installation that reads them, and the folder that they lie in."""

    def __init__(self, folder: Path) -> None:
        config = folder / "config"
        (config / "platforms").mkdir(parents=True)
        for name in ("quality", "policy", "platforms/sheets.yaml"):
            (config / name).symlink_to(CONFIG / name)
        self.home = Home(folder / "home", config)
        self.sheets = folder / "sheets"
        self.sheets.mkdir()
        with self.home.open() as house:
            land_rows(house, "communities", [{"community_code": COMMUNITY}])

    def write_book(self, name: str, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        """A workbook with its two lines of preamble, its header and rows; dates as a spreadsheet holds them."""
        with xlsxwriter.Workbook(self.sheets / name, {"default_date_format": "yyyy-mm-dd"}) as book:
            sheet = book.add_worksheet()
            for line, row in enumerate([header, *rows], start=2):
                sheet.write_row(line, 0, row)

    def write_roster(self, *rows: tuple[Any, ...], name: str = "人员名册-2024-03.xlsx") -> None:
        """The good workers, and after them `rows`."""
        good = [make_worker(f"K{number:03d}") for number in range(WORKERS)]
        self.write_book(name, ROSTER, [*good, *rows])

    def read_months(self, *written: str) -> None:
        """Mend the mapping: whatever month is `written` so is March too."""
        file = self.home.config / "platforms" / "sheets.yaml"
        codes = ", ".join(f'"{text}": "2024-03"' for text in ("2024-03", *written))
        shipped = (CONFIG / "platforms" / "sheets.yaml").read_text(encoding="utf-8")
        post = "    codes:\n      post:"
        assert shipped.count(post) == 1
        file.unlink()
        file.write_text(shipped.replace(post, f"    codes:\n      month: {{{codes}}}\n      post:"), encoding="utf-8")

    def replay(self) -> Answer:
        with set_environment({"SHEETS_FOLDER": str(self.sheets)}):
            return self.home.run("quarantine", "replay")

    def ingest(self) -> Answer:
        with set_environment({"SHEETS_FOLDER": str(self.sheets)}):
            return self.home.run("ingest", "--platform", "sheets", "--month", "2024-03")

    def list_rejected(self, table: str = "staff") -> list[tuple[int, str]]:
        """The record's number, counted from 0, and the reasons of each row that is quarantined."""
        out = self.home.run("quarantine", "list", "--table", table).out
        rows = csv.DictReader(io.StringIO(out), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(int(row["record_no"]), row["reasons"]) for row in rows]

    def list_landed(self, column: str = "staff_id", table: str = "staff") -> list[Any]:
        with self.home.open() as house, house.view() as view:
            return sorted(view.table(table)[column].to_pyarrow().to_pylist())


def make_worker(staff_id: str, **changed: Any) -> tuple[Any, ...]:
    """A line of the roster by its columns' names."""
    line = {
        "所属月份": "2024-03", "工号": staff_id, "姓名": "某人", "社区代码": COMMUNITY, "岗位": "其他",
        "两委成员": "否", "用工形式": "聘用", "学历": "本科", "职业资格": "无", "取证日期": "",
        "参加工作日期": date(2020, 5, 1), "折算工龄（月）": 0, "现等级": 2, **changed,
    }  # fmt: skip
    return tuple(line[name] for name in ROSTER)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_what_cannot_be_right_is_rejected_with_its_reason_and_the_others_land(office: Office) -> None:
    office.write_roster(
        make_worker("K100", 参加工作日期=date(2024, 4, 2)),
        make_worker("K101", 参加工作日期=date(2024, 4, 1)),
        make_worker("K102", 岗位="主任"),
        make_worker("K103", 参加工作日期="2019-02-30"),
        make_worker("K104", 现等级=19),
        make_worker("K105"),
    )
    answer = office.ingest()
    assert answer.code == 0
    assert "sheets/staff: complete, 46 received, 42 landed, 4 rejected" in answer.out
    assert office.list_rejected() == [
        # Grades of March take effect on 1 April: who starts on that day has served 0 months, who starts later none.
        (WORKERS, "starts_later:service_start_on"),
        (WORKERS + 2, "unmapped:post"),
        (WORKERS + 3, "unreadable:service_start_on"),
        (WORKERS + 4, "out_of_range:current_grade"),
    ]
    assert set(office.list_landed()) >= {"K000", "K101", "K105"}


def test_service_longer_than_a_life_and_a_month_of_the_year_0_are_rejected(office: Office) -> None:
    office.write_roster(
        make_worker("K100", 参加工作日期=date(1949, 10, 1)),
        make_worker("K101", 参加工作日期=date(1949, 9, 30)),
        make_worker("K102", 参加工作日期="0001-01-01"),
        # 60 years are 720 months.
        make_worker("K103", **{"折算工龄（月）": 720}),
        make_worker("K104", **{"折算工龄（月）": 721}),
        make_worker("K105", 所属月份="0000-05"),
    )
    assert "46 received, 42 landed, 4 rejected" in office.ingest().out
    assert office.list_rejected() == [
        (WORKERS + 1, "out_of_range:service_start_on"),
        (WORKERS + 2, "out_of_range:service_start_on"),
        (WORKERS + 4, "out_of_range:prior_service_months"),
        (WORKERS + 5, "unreadable:month"),
    ]
    assert set(office.list_landed()) >= {"K100", "K103"}


def test_the_quarantine_says_in_chinese_why_and_what_to_do(office: Office) -> None:
    office.write_roster(make_worker("K100", 参加工作日期=date(2024, 4, 2)), make_worker("K000", 现等级=3))
    office.ingest()
    counts = office.home.run("quarantine", "list", "--count").out
    assert "starts_later:service_start_on\t1\t到岗日期晚于名册月份的次月首日（等级生效日）" in counts
    assert "repeated:staff_id\t2\t同一人在同一份名册中有多行，无法判断哪一行正确" in counts
    [first, *_] = csv.DictReader(io.StringIO(office.home.run("quarantine", "list").out), delimiter="\t")
    shown = office.home.run("quarantine", "show", first["batch_id"], first["record_no"]).out
    title = "同一人在同一份名册中有多行，无法判断哪一行正确"
    assert f"repeated:staff_id: {title} (reject, rule worker_once)" in shown


def test_of_two_rows_for_one_worker_neither_counts(office: Office) -> None:
    office.write_roster(make_worker("K007", 岗位="副职", 现等级=4), make_worker("K100"))
    answer = office.ingest()
    assert answer.code == 0
    assert "42 received, 40 landed, 2 rejected" in answer.out
    assert office.list_rejected() == [(7, "repeated:staff_id"), (WORKERS, "repeated:staff_id")]
    landed = office.list_landed()
    assert "K007" not in landed
    assert "K100" in landed


def test_a_row_that_is_wrong_otherwise_makes_its_worker_doubtful_too(office: Office) -> None:
    office.write_roster(make_worker("K007", 岗位="主任"))
    office.ingest()
    assert office.list_rejected() == [(7, "repeated:staff_id"), (WORKERS, "unmapped:post;repeated:staff_id")]


def test_one_worker_in_the_rosters_of_two_months_is_no_repetition(office: Office) -> None:
    office.write_roster()
    february = [make_worker(f"K{number:03d}", 所属月份="2024-02") for number in range(WORKERS)]
    office.write_book("人员名册-2024-02.xlsx", ROSTER, february)
    assert "80 received, 80 landed, 0 rejected" in office.ingest().out
    office.write_roster(make_worker("K007", 所属月份="2024-04"))
    office.ingest()
    assert office.list_rejected() == []


def test_a_corrected_roster_takes_the_place_of_the_doubtful_rows(office: Office) -> None:
    office.write_roster(make_worker("K007", 现等级=3))
    office.ingest()
    assert "K007" not in office.list_landed()
    office.write_roster(name="人员名册-2024-03-更正.xlsx")
    office.ingest()
    assert office.list_landed().count("K007") == 1
    # They wait no longer: a later file holds the worker's row.
    assert office.list_rejected() == []


def test_a_replay_leaves_rows_that_contradict_each_other_where_they_are(office: Office) -> None:
    office.write_roster(make_worker("K007", 现等级=3), make_worker("K100", 参加工作日期=date(2024, 4, 2)))
    office.ingest()
    assert office.replay().code == 0
    assert [reasons for _, reasons in office.list_rejected()] == [
        "repeated:staff_id",
        "repeated:staff_id",
        "starts_later:service_start_on",
    ]
    assert "K007" not in office.list_landed()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_replayed_row_never_takes_the_place_of_a_landed_one_of_its_own_roster(
    office: Office, is_first: bool
) -> None:
    # While its month could not be read, nobody knew that it was another row of K007 for March.
    odd = make_worker("K007", 所属月份="Mar.24", 岗位="正职", 现等级=18)
    good = [make_worker(f"K{number:03d}") for number in range(WORKERS)]
    other = make_worker("K100", 所属月份="Mar.24")
    office.write_book("人员名册-2024-03.xlsx", ROSTER, [odd, *good, other] if is_first else [*good, odd, other])
    office.ingest()
    assert [reasons for _, reasons in office.list_rejected()] == ["unreadable:month"] * 2
    office.read_months("Mar.24")
    answer = office.replay()
    assert answer.code == 0
    assert "1 landed, 0 superseded, 1 stay\n  stays: repeated:staff_id in 1 rows" in answer.out
    assert "1 rejected rows stay, for they repeat rows of the same delivery that landed" in answer.err
    # K100 stands once and lands; K007 counts as before, with grade 2 like everybody.
    assert "K100" in office.list_landed()
    assert set(office.list_landed("current_grade")) == {2}


def test_a_replayed_row_is_not_repeated_by_a_later_replay(office: Office) -> None:
    office.write_roster(
        make_worker("K100", 所属月份="Mar.24"), make_worker("K100", 所属月份="三月", 岗位="正职", 现等级=18)
    )
    office.ingest()
    office.read_months("Mar.24")
    assert "1 landed, 0 superseded, 1 stay\n  stays: unmapped:month in 1 rows" in office.replay().out
    office.read_months("Mar.24", "三月")
    assert "0 landed, 0 superseded, 1 stay\n  stays: repeated:staff_id in 1 rows" in office.replay().out
    assert set(office.list_landed("current_grade")) == {2}


def test_a_row_of_a_later_roster_is_replayed_over_that_of_an_earlier_one(office: Office) -> None:
    # A row that comes again in a later file is a correction, no repetition.
    office.write_roster()
    office.ingest()
    office.write_book("人员名册-2024-03-更正.xlsx", ROSTER, [
        *(make_worker(f"K{number:03d}") for number in range(6)), make_worker("K007", 所属月份="Mar.24", 现等级=3),
    ])  # fmt: skip
    office.ingest()
    office.read_months("Mar.24")
    assert "1 landed, 0 superseded, 0 stay" in office.replay().out
    assert sorted(set(office.list_landed("current_grade"))) == [2, 3]


def test_a_roster_that_lists_more_than_a_fifth_twice_is_refused(office: Office) -> None:
    # 5 of 40 workers twice are 10 of 45 rows, 22 %.
    office.write_roster(*(make_worker(f"K{number:03d}") for number in range(5)))
    answer = office.ingest()
    assert answer.code == 13
    assert "10 of 45 rows (22.222 %) were rejected" in answer.err
    assert office.list_landed() == []


def test_an_appraisal_of_a_year_to_come_is_rejected(office: Office) -> None:
    # The command line's clock says 5 April 2024: 2024 has begun.
    office.write_roster()
    good = [(f"K{number:03d}", 2023, "合格") for number in range(20)]
    planted = [("K100", 2024, "优秀"), ("K101", 2025, "优秀"), ("K102", 2203, "优秀")]
    office.write_book("年度考核.xlsx", ("工号", "年度", "考核结果"), [*good, *planted])
    answer = office.ingest()
    assert "sheets/appraisals: complete, 23 received, 21 landed, 2 rejected" in answer.out
    assert office.list_rejected("appraisals") == [(21, "year_in_future:year"), (22, "year_in_future:year")]
    assert max(office.list_landed("year", "appraisals")) == 2024


@pytest.mark.parametrize("day", ["2024-02-30", "2024/2/30", "2024年2月30日", "20240230"])
def test_30_february_in_a_csv_is_unreadable(office: Office, day: str) -> None:
    office.write_roster()
    good = [f"K{number:03d},警告,2024-02-29" for number in range(9)]
    text = "\n".join(["工号,处分种类,生效日期", *good, f"K100,记过,{day}", ""])
    (office.sheets / "处分.csv").write_text(text, encoding="gb18030")
    answer = office.ingest()
    assert "sheets/sanctions: complete, 10 received, 9 landed, 1 rejected" in answer.out
    assert office.list_rejected("sanctions") == [(9, "unreadable:effective_on")]


@pytest.mark.parametrize("day", ["2024-02-30", "2024/2/30", "2024年2月30日", "20240230", 20240230])
def test_30_february_in_a_workbook_is_unreadable(office: Office, day: object) -> None:
    office.write_roster(make_worker("K100", 参加工作日期=day))
    assert "41 received, 40 landed, 1 rejected" in office.ingest().out
    assert office.list_rejected() == [(WORKERS, "unreadable:service_start_on")]
