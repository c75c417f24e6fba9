"""The hand-kept sheets in the drop folder: real workbooks and text files, as offices fill them in."""

import csv
import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from flows.sandbox.arrays import open_stream
from flows.sandbox.party import fill_branch_sheet
from flows.sandbox.places import Places
from flows.sandbox.quality import LIT, Quality
from flows.sandbox.staff import Staff, Worker, grade_on, invent_name
from flows.sandbox.timeline import Calendar

Cell = str | int | date | None

YES_NO = {True: "是", False: "否"}
POSTS = {"principal": "正职", "deputy": "副职", "other": "其他"}
EMPLOYMENTS = {"elected": "选任", "hired": "聘用"}
DEGREES = {"none": "大专及以下", "bachelor": "本科", "master": "硕士研究生", "doctor": "博士研究生"}
CERTIFICATES = {"none": "无", "assistant": "初级", "intermediate": "中级", "senior": "高级"}
OUTCOMES = {"excellent": "优秀", "competent": "合格", "basic": "基本合格", "incompetent": "不合格"}
SANCTIONS = {"warning": "警告", "demerit": "记过", "major_demerit": "记大过"}

ROSTER_HEADER = (
    "所属月份",
    "工号",
    "姓名",
    "社区代码",
    "岗位",
    "两委成员",
    "用工形式",
    "学历",
    "职业资格",
    "取证日期",
    "参加工作日期",
    "折算工龄（月）",
    "现等级",
)
BRANCH_HEADER = (
    ("社区代码", None),
    ("所属月份", None),
    ("组织生活", "应开次数"),
    ("组织生活", "实开次数"),
    ("一有八中心达标", None),
    ("红色物业", "已覆盖小区数"),
    ("红色物业", "小区总数"),
    ("软弱涣散", None),
    ("书记被立案", None),
)


def write_sheets(
    folder: Path, places: Places, quality: Quality, staff: Staff, calendar: Calendar, *, seed: int
) -> None:
    """Write every sheet into `folder`: rosters and branch sheets of each month, and four lists."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, month in enumerate(calendar.months):
        rows = [list_roster_row(w, staff, places, calendar, number) for w in staff.workers if w.joined <= number]
        title = f"开封市社区工作者人员名册（{month.year}年{month.number}月）"
        write_workbook(folder / f"人员名册-{month}.xlsx", title, [ROSTER_HEADER], rows, month.last_on)
        branch = list_branch_rows(places, quality, calendar, number, seed)
        top, below = [name for name, _ in BRANCH_HEADER], [name for _, name in BRANCH_HEADER]
        title = f"社区党支部工作月报（{month.year}年{month.number}月）"
        write_workbook(folder / f"支部月报-{month}.xlsx", title, [top, below], branch, month.last_on)
    appraisals: list[list[Cell]] = [
        [staff_id, year, OUTCOMES[o]] for (staff_id, year), o in sorted(staff.appraisals.items())
    ]
    header = ["工号", "年度", "考核结果"]
    write_workbook(
        folder / "年度考核.xlsx", "社区工作者年度考核结果汇总", [header], appraisals, calendar.month.last_on
    )
    sanctions: list[list[Cell]] = [[staff_id, SANCTIONS[kind], on] for staff_id, kind, on in staff.sanctions]
    write_csv(folder / "处分.csv", ["工号", "处分种类", "生效日期"], sanctions, "gb18030")
    titles = list_titles(places, quality, calendar)
    write_csv(folder / "年度星级.csv", ["社区代码", "评定年度", "星级", "兑现年度"], titles, "utf-8-sig")
    contacts = list_contacts(places, seed)
    write_csv(folder / "通讯录.csv", ["单位代码", "角色", "姓名", "渠道", "地址"], contacts, "utf-8")
    # They were handed in when the month was over: ingest need not wait to see whether they still grow.
    handed_in = calendar.month.ends_at.timestamp()
    for file in folder.iterdir():
        os.utime(file, (handed_in, handed_in))


def list_roster_row(worker: Worker, staff: Staff, places: Places, calendar: Calendar, month: int) -> list[Cell]:
    """A worker's line of a month's roster, its dates written as people do: some as dates, some as text."""
    shown = worker.show(month)
    start: Cell = shown.service_start_on
    number = int(worker.staff_id[2:])
    if number % 9 == 0:
        start = f"{shown.service_start_on:%Y/%m/%d}"
    if number % 31 == 0:
        start = f"{shown.service_start_on:%Y-%m-%d}"
    return [
        str(calendar.months[month]),
        shown.staff_id,
        shown.name,
        places.communities[shown.community].code,
        POSTS[shown.post],
        YES_NO[shown.committee_member],
        EMPLOYMENTS[shown.employment],
        DEGREES[shown.degree],
        CERTIFICATES[shown.certificate],
        shown.certificate_on,
        start,
        shown.prior_service_months,
        grade_on(worker, staff, calendar, month),
    ]


def list_branch_rows(places: Places, quality: Quality, calendar: Calendar, month: int, seed: int) -> list[list[Cell]]:
    """The lines of a month's branch sheet."""
    return [
        [
            places.communities[row.community].code,
            str(calendar.months[month]),
            row.meetings_required,
            row.meetings_held,
            YES_NO[row.centre_standard],
            row.property_covered,
            row.property_total,
            YES_NO[row.weak_branch],
            YES_NO[row.secretary_under_investigation],
        ]
        for row in fill_branch_sheet(places, quality, month, seed)
    ]


def list_titles(places: Places, quality: Quality, calendar: Calendar) -> list[list[Cell]]:
    """Last year's titles, paid in the year in which the last month takes effect, and the year's before."""
    pay_year = calendar.month.plus(1).year
    good = (quality.targets[0] >= LIT).sum(axis=1)
    rows: list[list[Cell]] = []
    for community, place in enumerate(places.communities):
        stars = int(good[community])
        rows.append([place.code, pay_year - 2, max(0, stars - community % 2), pay_year - 1])
        rows.append([place.code, pay_year - 1, stars, pay_year])
    return rows


def list_contacts(places: Places, seed: int) -> list[list[Cell]]:
    """A secretary for each community, a supervisor for each street and district, two offices for the city."""
    stream = open_stream(seed, "contacts")
    rows: list[list[Cell]] = []

    def add(code: str, role: str, title: str) -> None:
        rows.append([code, title, invent_name(stream), "file", f"{role}-{code}"])

    for place in places.communities:
        add(place.code, "secretary", "书记")
    for street in sorted({place.street_code for place in places.communities}):
        add(street, "supervisor", "督导员")
    for district in sorted({place.district_code for place in places.communities}):
        add(district, "supervisor", "督导员")
    add("city", "hr", "人事")
    add("city", "engineer", "数据工程师")
    return rows


def write_workbook(
    path: Path, title: str, header: Sequence[Sequence[str | None]], rows: Iterable[Sequence[Cell]], filed_on: date
) -> None:
    """A sheet as offices keep it: a title and a note above the header, footnotes below the rows."""
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"title": title, "created": datetime(filed_on.year, filed_on.month, filed_on.day)})  # noqa: DTZ001
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        bold = book.add_format({"bold": True, "align": "center"})
        sheet = book.add_worksheet("Sheet1")
        width = len(header[0])
        sheet.merge_range(0, 0, 0, width - 1, title, bold)
        sheet.write_string(1, 0, f"填报单位：演示数据    填报日期：{filed_on:%Y-%m-%d}")
        write_header(sheet, header, bold)
        number = 1 + len(header)
        for row in rows:
            number += 1
            for column, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(number, column, value, day)
                elif isinstance(value, int):
                    sheet.write_number(number, column, value)
                elif value is not None:
                    sheet.write_string(number, column, value)
        sheet.write_string(number + 1, 0, "注：1. 本表人员与事项均为虚构，仅供演示。")
        sheet.write_string(number + 2, 0, "　　2. 日期以档案为准。")


def write_header(sheet: Worksheet, header: Sequence[Sequence[str | None]], style: object) -> None:
    """Header rows from the third row on; equal neighbours merged across, single titles merged down."""
    top = header[0]
    if len(header) == 1:
        sheet.write_row(2, 0, top, style)
        return
    column = 0
    while column < len(top):
        last = column
        while last + 1 < len(top) and top[last + 1] == top[column]:
            last += 1
        if header[1][column] is None:
            sheet.merge_range(2, column, 3, column, top[column], style)
        else:
            sheet.merge_range(2, column, 2, last, top[column], style)
            sheet.write_row(3, column, header[1][column : last + 1], style)
        column = last + 1


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]], encoding: str) -> None:
    """A sheet as CSV, as Excel writes one."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)
