"""Exports of the shape of the real ones, invented: the same columns, oddities and numbers of rows each time."""

import csv
import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

SEED = 311
FORM = "%m/%d/%Y %I:%M:%S %p"

LA_HEADER = [
    "SRNumber", "CreatedDate", "UpdatedDate", "ActionTaken", "Owner", "RequestType", "Status", "RequestSource",
    "ServiceDate", "ClosedDate", "APC", "CD", "NC", "NCName",
]  # fmt: skip
LA_TYPES = {
    "Bulky Items": "BOS",
    "Graffiti Removal": "OCB",
    "Illegal Dumping Pickup": "BOS",
    "Metal/Household Appliances": "BOS",
    "Electronic Waste": "BOS",
    "Homeless Encampment": "BOS",
    "Dead Animal Removal": "BOS",
    "Other": "ITA",
    "Single Streetlight Issue": "BSL",
    "Multiple Streetlight Issue": "BSL",
    "Report Water Waste": "LADWP",
    "Feedback": "BOS",
}
LA_ROWS = 9_999
LA_CLOSED_BEFORE = 12
LA_DUE_BEFORE = 1_303
LA_WITHOUT_DUE = 500
LA_WITHOUT_COUNCIL = 100
LA_OPEN = 5
LA_REFERRED = 9
LA_CANCELLED = 246

NY_HEADER = [
    "Unique Key", "Created Date", "Closed Date", "Agency", "Agency Name", "Complaint Type", "Descriptor",
    "Incident Zip", "City", "Landmark", "Facility Type", "Status", "Due Date", "Resolution Description",
    "Resolution Action Updated Date", "Community Board", "Borough", "Open Data Channel Type",
    "Park Facility Name", "Park Borough", "Vehicle Type", "Taxi Company Borough", "Bridge Highway Name",
    "Bridge Highway Direction", "Road Ramp", "Bridge Highway Segment",
]  # fmt: skip
NY_ROWS = 100
NY_WITHOUT_DUE = 58
NY_BOARDS = ("15 BROOKLYN", "04 MANHATTAN", "01 STATEN ISLAND", "12 BRONX", "0 Unspecified", "Unspecified QUEENS")
NY_TYPES = ("Noise - Residential", "Rodent", "HEAT/HOT WATER", "Taxi Complaint", "OEM Literature Request", "GENERAL")

PROVINCES = [
    "北京市", "天津市", "河北省", "山西省", "内蒙古自治区", "辽宁省", "吉林省",
    "黑龙江省", "上海市", "江苏省", "浙江省", "安徽省", "福建省", "江西省", "山东省",
    "河南省", "湖北省", "湖南省", "广东省", "广西壮族自治区", "海南省", "重庆市",
    "四川省", "贵州省", "云南省", "西藏自治区", "陕西省", "甘肃省", "青海省",
    "宁夏回族自治区", "新疆维吾尔自治区",
]  # fmt: skip
YEARS = range(2024, 2014, -1)


def write_civic_files(folder: Path) -> Path:
    """All three exports in `folder`, under names that the examples look for."""
    _write_rows(folder / "myla311-generated.csv", LA_HEADER, _make_la_rows())
    _write_rows(folder / "nyc311-generated.csv", NY_HEADER, _make_ny_rows())
    (folder / "nbs-province-annual-generated.csv").write_bytes(_make_statistics().encode("gb18030"))
    for file in folder.iterdir():
        # As if they had lain there for long: a fresh file would be looked at twice.
        os.utime(file, (0, 0))
    return folder


def _write_rows(file: Path, header: list[str], rows: Iterator[list[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])


def _make_la_rows() -> Iterator[list[str]]:
    """Newest first, as the portal gives them. A row's oddity goes by its place, so that none is counted twice."""
    chance = random.Random(SEED)
    newest = datetime(2017, 12, 31, 23, 59, 58)
    odd_until = LA_CLOSED_BEFORE + LA_DUE_BEFORE
    unusual = ["Open"] * LA_OPEN + ["Referred Out"] * LA_REFERRED + ["Cancelled"] * LA_CANCELLED
    for place in range(LA_ROWS):
        created = newest - timedelta(seconds=37 * place + chance.randrange(37))
        day = created.replace(hour=0, minute=0, second=0)
        kind = list(LA_TYPES)[place % len(LA_TYPES)]
        status, due = "Closed", day + timedelta(days=chance.choice((0, 1, 2, 5, 9)))
        closed = created + timedelta(minutes=chance.randrange(4 * 24 * 60))
        if place < LA_CLOSED_BEFORE:
            due = closed = day
        elif place < odd_until:
            due = day - timedelta(days=1 + place % 70) + timedelta(seconds=34_215 if place % 2 else 0)
        elif place < odd_until + LA_WITHOUT_DUE:
            due = None
        elif place < odd_until + LA_WITHOUT_DUE + len(unusual):
            status = unusual[place - odd_until - LA_WITHOUT_DUE]
        elif LA_TYPES[kind] == "OCB":
            due += timedelta(hours=9, seconds=15)
        number = str(1 + place % 97)
        yield [
            f"1-{870_704_831 - 3 * place}",
            created.strftime(FORM),
            max(created, closed).strftime(FORM),
            "SR Created",
            LA_TYPES[kind],
            kind,
            status,
            "Call" if place % 2 else "Mobile App",
            due.strftime(FORM) if due else "",
            "" if status == "Open" else closed.strftime(FORM),
            "Central APC",
            str(1 + place % 15),
            *(["", ""] if place % LA_WITHOUT_COUNCIL == 1 else [number, f"COUNCIL {number} NC"]),
        ]


def _make_ny_rows() -> Iterator[list[str]]:
    chance = random.Random(SEED)
    for place in range(NY_ROWS):
        created = datetime(2010, 1, 17) + timedelta(seconds=chance.randrange(10 * 365 * 86_400))
        created = created.replace(hour=0, minute=0, second=0) if place % 7 == 0 else created
        closed = created + timedelta(minutes=chance.randrange(30 * 24 * 60))
        status = "Assigned" if place == 40 else "Pending" if place == 54 else "Closed"
        values = {
            "Unique Key": str(42_254_749 - 1009 * place),
            "Created Date": created.strftime(FORM),
            "Closed Date": "" if status == "Assigned" else closed.strftime(FORM),
            "Agency": "NYPD",
            "Complaint Type": NY_TYPES[place % len(NY_TYPES)],
            "Status": status,
            "Due Date": "" if place < NY_WITHOUT_DUE else (created + timedelta(hours=8)).strftime(FORM),
            "Resolution Description": 'The agency wrote: "no violation",\nand closed the request.',
            "Resolution Action Updated Date": closed.strftime(FORM),
            "Community Board": NY_BOARDS[place % len(NY_BOARDS)],
        }
        yield [values.get(name, "") for name in NY_HEADER]


def _make_statistics() -> str:
    chance = random.Random(SEED)
    rows = [",".join([name, *(str(chance.randrange(300, 12_000)) for _ in YEARS)]) for name in PROVINCES]
    header = ",".join(["地区", *(f"{year}年" for year in YEARS)])
    above = ["数据库：分省年度数据", "指标：年末常住人口(万人)", "时间：最近10年"]
    below = ["注：常住人口包括：居住在本乡镇街道且户口在本乡镇街道或户口待定的人；虚构数字。", "数据来源：虚构"]
    return "\n".join([*above, header, *rows, *below]) + "\n"
