"""New, missing and retyped fields under each contract: what is told, what lands, and that no person's data is shown.

Each is tried on records of a platform with objects in them, and on sheets in a folder.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import xlsxwriter
from ingest_kit import count_rows
from platform_server import CARD, PlatformServer, Reply, write_incident_source

from flows.errors import ContractBroken
from flows.house import House
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]
Record = dict[str, Any]

PERSON = "欧阳建国"
CONTRACTS = ("evolve", "freeze", "discard_row")
DRIFTS = ("new", "missing", "retyped")
FIELDS = (
    "{incident_id: id, community_code: place.code, kind: kind, occurred_on: place.day, status: status, "
    "updated_at: updated}"
)
SHEET = ("编号", "社区", "类型", "日期", "状态", "更新")


def make_records(count: int) -> list[Record]:
    """Incidents as the platform gives them, in the order of the sheet's columns."""
    return [
        {
            "id": f"I{number}",
            "place": {"code": "410202001001", "day": "2024-03-05"},
            "kind": "petition",
            "status": "confirmed",
            "updated": "2024-03-06T08:00:00+08:00",
        }
        for number in range(count)
    ]


def drift(records: list[Record], kind: str) -> list[Record]:
    """The last but one record differs: a field more, one less, or a text where there was a number."""
    place = records[-2]["place"]
    if kind == "new":
        place["reporter"] = PERSON
    elif kind == "missing":
        del place["day"]
    else:
        place["day"] = 20240305
    return records


@dataclass(frozen=True)
class Asked:
    """A source under a contract: `pull` lets it give records, and answers how their pull ended."""

    house: House
    pull: Callable[[list[Record]], PullReport]
    name: str
    names: Mapping[str, str]
    """How the source calls the drifting fields."""

    def count(self) -> int:
        return count_rows(self.house, "incidents")

    def list_rejected(self) -> list[tuple[int, tuple[str, ...]]]:
        return [(row.record_no, row.reasons) for row in read_quarantine(self.house, table="incidents")]

    def read_told(self, report: PullReport) -> str:
        """Everything that the pull says of itself: report, ledger and manifests."""
        manifests = [
            self.house.lake.read_manifest("incidents", it.batch_id)
            for it in self.house.ledger.list_landings()
            if it.table == "incidents"
        ]
        return f"{report} {report.error} {self.house.ledger.list_pulls()} {manifests}"


@pytest.fixture
def ask_platform(pull: Pull, house: House, platform: PlatformServer) -> Callable[[str], Asked]:
    def ask(contract: str) -> Asked:
        def give(records: list[Record]) -> PullReport:
            platform.answer = lambda _: Reply({"items": records})
            return pull(write_incident_source(f"contract: {contract}\nfields: {FIELDS}"))

        names = {"new": "place.reporter", "missing": "place.day", "retyped": "place.day"}
        return Asked(house, give, "test_platform, incidents", names)

    return ask


@pytest.fixture
def ask_sheets(pull: Pull, house: House, tmp_path: Path) -> Callable[..., Asked]:
    """Sheets; a field that one row lacks is a column that one file lacks."""
    folder = tmp_path / "config" / "drop"

    def ask(contract: str, suffix: str = "csv") -> Asked:
        def give(records: list[Record]) -> PullReport:
            folder.mkdir(exist_ok=True)
            rows = [flatten(record) for record in records]
            write = write_csv if suffix == "csv" else write_xlsx
            write(folder / f"{len(list(folder.iterdir())):02d}.{suffix}", rows)
            fields = dict(
                zip(
                    ("incident_id", "community_code", "kind", "occurred_on", "status", "updated_at"),
                    SHEET,
                    strict=True,
                )
            )
            return pull(
                f"platform: sheets\ntitle: Sheets\n{CARD}\nconnection: {{kind: files, path: drop}}\nresources:\n"
                f"  incidents:\n    table: incidents\n    files: '*.{suffix}'\n    format: {suffix}\n"
                f"    contract: {contract}\n    fields: {orjson.dumps(fields).decode()}\n"
            )

        return Asked(house, give, "sheets, incidents", {"new": "上报人", "missing": "日期", "retyped": "日期"})

    return ask


def flatten(record: Record) -> Record:
    place = record["place"]
    row = {"编号": record["id"], "社区": place["code"], "类型": record["kind"], "状态": record["status"]}
    row |= {"更新": record["updated"]}
    if "day" in place:
        row["日期"] = place["day"]
    return row | ({"上报人": place["reporter"]} if "reporter" in place else {})


def write_csv(file: Path, rows: list[Record]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    file.write_text(text.getvalue(), encoding="utf-8")


def write_xlsx(file: Path, rows: list[Record]) -> None:
    header = list(dict.fromkeys(name for row in rows for name in row))
    with xlsxwriter.Workbook(file) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, header)
        for number, row in enumerate(rows, start=1):
            for place, name in enumerate(header):
                value = row.get(name)
                if isinstance(value, date):
                    sheet.write_datetime(number, place, value, day)
                else:
                    sheet.write(number, place, value)


# A platform.


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_platform_that_stays_as_it_is_is_no_drift(ask_platform: Callable[[str], Asked], contract: str) -> None:
    asked = ask_platform(contract)
    for count in (9, 10):
        report = asked.pull(make_records(count))
        assert (report.error, report.warnings, asked.count()) == (None, [], count)


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_platforms_drift_is_told_and_its_rows_are_kept_where_the_contract_evolves(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("evolve")
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), kind))
    field = asked.names[kind]
    told = {
        "new": f"new fields that nothing maps: {field} (1 record, such as record_no 8: 某某某某). "
        "Map them, or list them under ignore.",
        "missing": f"mapped fields that records lack: {field} (for occurred_on; 1 record, such as record_no 8). "
        "These rows were kept, with nothing there. If that is new, ask the source.",
        "retyped": f"mapped fields whose values are of another kind than before: {field} (for occurred_on; number, "
        "was text; 1 record, such as record_no 8: 99999999). "
        "What can be read was kept. If that is wrong, correct fields or ask the source.",
    }
    assert report.error is None
    assert report.warnings == [f"{asked.name}: {told[kind]}"]
    # Without its day an incident is rejected for that alone: occurred_on may not be empty.
    assert asked.list_rejected() == ([(8, ("null:occurred_on",))] if kind == "missing" else [])
    # Record 8 of the first pull stands either way: a rejected row takes no part (data.md, preamble).
    assert asked.count() == 10
    assert PERSON not in asked.read_told(report)


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_platforms_drift_lands_nothing_where_the_contract_is_frozen(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("freeze")
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), kind))
    assert isinstance(report.error, ContractBroken)
    field = asked.names[kind]
    told = {
        "new": f"New fields that nothing maps: {field} (1 record, such as record_no 8: 某某某某).",
        "missing": f"Mapped fields that records lack: {field} (for occurred_on; 1 record, such as record_no 8).",
        "retyped": f"Mapped fields whose values are of another kind than before: {field} (for occurred_on; number, "
        "was text; 1 record, such as record_no 8: 99999999).",
    }
    assert str(report.error) == (
        f"{asked.name}: the source has changed, and the contract is freeze. {told[kind]} Nothing was landed. Ask the "
        "source; map new fields or list them under ignore; or let one pull evolve to accept the change."
    )
    assert asked.count() == 9
    assert PERSON not in asked.read_told(report)


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_platforms_drifting_rows_alone_are_rejected_where_the_contract_discards_them(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("discard_row")
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), kind))
    reason = {"new": "new_field", "missing": "missing:occurred_on", "retyped": "retyped:occurred_on"}[kind]
    assert report.error is None
    assert asked.list_rejected() == [(8, (reason,))]
    # Record 8 of the first pull still stands: a rejected row takes no part (data.md, preamble).
    assert asked.count() == 10
    [warning] = report.warnings
    assert asked.names[kind] in warning
    assert "These rows were rejected." in warning
    assert PERSON not in asked.read_told(report)


def test_a_page_that_drifts_in_three_ways_says_all_of_them(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("freeze")
    asked.pull(make_records(9))
    records = make_records(10)
    records[1]["reporter"] = {"name": PERSON}
    del records[2]["kind"]
    records[3]["place"] = {"code": 410202001001, "day": None, "lane": 1}
    report = asked.pull(records)
    assert str(report.error).startswith(
        f"{asked.name}: the source has changed, and the contract is freeze. "
        "New fields that nothing maps: reporter (1 record, such as record_no 1: an object of 1), "
        "place.lane (1 record, such as record_no 3: 9). "
        "Mapped fields that records lack: kind (for kind; 1 record, such as record_no 2). "
        "Mapped fields whose values are of another kind than before: place.code (for community_code; number, was "
        "text; 1 record, such as record_no 3: 999999999999). Nothing was landed."
    )


# What is known.


@pytest.mark.parametrize("kind", ["missing", "retyped"])
def test_what_a_contract_that_evolves_has_told_and_landed_it_does_not_tell_again(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("evolve")
    told = [len(asked.pull(records).warnings) for records in (make_records(9), *drift_thrice(kind))]
    assert told == [0, 1, 0, 0]


def drift_thrice(kind: str) -> list[list[Record]]:
    return [drift(make_records(count), kind) for count in (10, 11, 12)]


def test_a_new_field_is_told_until_it_is_mapped_or_ignored(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("evolve")
    assert [len(asked.pull(records).warnings) for records in drift_thrice("new")] == [1, 1, 1]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_first_pull_takes_whatever_kinds_it_sees(ask_platform: Callable[[str], Asked], contract: str) -> None:
    asked = ask_platform(contract)
    report = asked.pull(drift(make_records(10), "retyped"))
    assert (report.error, report.warnings, asked.count()) == (None, [], 10)
    assert read_types(asked)["occurred_on"] == ["number", "text"]
    assert asked.pull(make_records(9)).warnings == []
    assert asked.pull(drift(make_records(12), "retyped")).warnings == []


def read_types(asked: Asked) -> dict[str, list[str]]:
    """What the manifest of the latest batch says is known."""
    batch_id = [it.batch_id for it in asked.house.ledger.list_landings() if it.table == "incidents"][-1]
    types: dict[str, list[str]] = asked.house.lake.read_manifest("incidents", batch_id)["contract"]["types"]
    return types


def test_the_manifest_names_the_kinds_of_every_column_that_ever_had_a_value(
    ask_platform: Callable[[str], Asked],
) -> None:
    asked = ask_platform("evolve")
    first = make_records(9)
    first[0]["updated"], first[0]["status"] = "", None
    asked.pull(first)
    assert read_types(asked)["updated_at"] == read_types(asked)["status"] == ["text"]
    records = make_records(10)
    records[0]["kind"], records[1]["updated"] = 7, 1709683200
    del records[9]["status"]
    asked.pull(records)
    assert read_types(asked) == {
        "incident_id": ["text"],
        "community_code": ["text"],
        "kind": ["number", "text"],
        "occurred_on": ["text"],
        "status": ["absent", "text"],
        "updated_at": ["number", "text"],
    }


def test_what_a_contract_rejects_does_not_become_known(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("discard_row")
    told = [len(asked.pull(records).warnings) for records in (make_records(9), *drift_thrice("retyped"))]
    assert told == [0, 1, 1, 1]
    assert read_types(asked)["occurred_on"] == ["text"]


def test_one_pull_that_evolves_accepts_the_change_for_a_frozen_contract(
    ask_platform: Callable[[str], Asked],
) -> None:
    ask_platform("freeze").pull(make_records(9))
    assert ask_platform("freeze").pull(drift(make_records(10), "retyped")).error is not None
    assert ask_platform("evolve").pull(drift(make_records(10), "retyped")).error is None
    assert ask_platform("freeze").pull(drift(make_records(11), "retyped")).error is None
    # What was known before it still is.
    assert ask_platform("freeze").pull(make_records(12)).error is None


def test_what_comes_back_after_a_change_is_held_to_all_that_is_known(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("freeze")
    asked.pull(make_records(9))
    ask_platform("evolve").pull(drift(make_records(10), "retyped"))
    asked.pull(make_records(9))
    # The first batch has landed again, and knows text only.
    assert read_types(asked)["occurred_on"] == ["text"]
    assert asked.pull(drift(make_records(11), "retyped")).error is None


def test_a_column_that_is_mapped_otherwise_is_not_held_to_what_it_was(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    records = make_records(9)
    for record in records:
        record["on"] = 20240305
    platform.answer = lambda _: Reply({"items": records})
    for field in ("place.day", "on"):
        fields = FIELDS.replace("place.day", field)
        report = pull(write_incident_source(f"contract: freeze\nfields: {fields}\nignore: [on, place.day]"))
        assert report.error is None


def test_a_lake_that_has_lost_what_is_known_lands_nothing(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("evolve")
    asked.pull(make_records(9))
    [manifest] = (asked.house.settings.home / "lake" / "incidents").glob("*/manifest.json")
    manifest.unlink()
    report = asked.pull(make_records(10))
    assert "its manifest is gone. The lake is damaged: restore" in str(report.error)
    assert report.exit_code == 13


# A folder of sheets. A table has each of its columns in every row, and a text file holds text only.


def list_landings(asked: Asked) -> int:
    return sum(it.table == "incidents" for it in asked.house.ledger.list_landings())


NEW_COLUMN = "ew fields that nothing maps: 上报人 (10 records, such as record_no 8 of 01.csv: 某某某某)"


def test_a_sheets_new_column_is_told_and_the_sheet_lands_where_the_contract_evolves(
    ask_sheets: Callable[..., Asked],
) -> None:
    asked = ask_sheets("evolve")
    assert asked.pull(make_records(9)).warnings == []
    report = asked.pull(drift(make_records(10), "new"))
    assert report.warnings == [f"sheets, incidents: n{NEW_COLUMN}. Map them, or list them under ignore."]
    assert (report.error, asked.count(), list_landings(asked)) == (None, 10, 2)
    assert PERSON not in asked.read_told(report)


@pytest.mark.parametrize(
    ("contract", "words", "exit_code"),
    [("freeze", f"N{NEW_COLUMN}", 12), ("discard_row", "10 of 19 rows (52.632 %) were rejected", 13)],
)
def test_a_sheets_new_column_lands_nothing_under_the_other_contracts(
    ask_sheets: Callable[..., Asked], contract: str, words: str, exit_code: int
) -> None:
    asked = ask_sheets(contract)
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), "new"))
    # Every row has the column, so a contract that discards rows discards them all: over a fifth stops the pull.
    assert words in str(report.error)
    assert (report.exit_code, asked.count(), list_landings(asked)) == (exit_code, 9, 1)
    assert PERSON not in asked.read_told(report)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_sheet_without_a_mapped_column_lands_nothing_under_any_contract(
    ask_sheets: Callable[..., Asked], contract: str
) -> None:
    asked = ask_sheets(contract)
    asked.pull(make_records(9))
    records = make_records(10)
    for record in records:
        del record["place"]["day"]
    report = asked.pull(records)
    # data.md, stop: a mapped field is missing from every record.
    told = {
        "freeze": "Mapped fields that records lack: 日期 (for occurred_on; 10 records, such as record_no 0 of 01.csv)"
    }
    assert told.get(contract, "not one of 10 records of 01.csv has 日期 (for occurred_on)") in str(report.error)
    assert (report.exit_code, asked.count(), list_landings(asked)) == (12, 9, 1)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_text_file_holds_text_whatever_it_looks_like(ask_sheets: Callable[..., Asked], contract: str) -> None:
    asked = ask_sheets(contract)
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), "retyped"))
    assert (report.error, report.warnings, asked.count()) == (None, [], 10)


def make_workbook_records(count: int, strange: str | None = None) -> list[Record]:
    """Records whose days are dates, but for the last one's, if that is given."""
    records = make_records(count)
    for record in records:
        record["place"]["day"] = date(2024, 3, 5)
    if strange is not None:
        records[-1]["place"]["day"] = strange
    return records


RETYPED = (
    "apped fields whose values are of another kind than before: 日期 (for occurred_on; text, was date; 1 record, "
    "such as record_no 9 of 01.xlsx: 某某某某)"
)


def test_a_workbooks_text_among_dates_is_told_and_rejected_for_it_cannot_be_read(
    ask_sheets: Callable[..., Asked],
) -> None:
    asked = ask_sheets("evolve", "xlsx")
    assert asked.pull(make_workbook_records(9)).warnings == []
    report = asked.pull(make_workbook_records(10, PERSON))
    assert report.warnings[0].startswith(f"sheets, incidents: m{RETYPED}. What can be read was kept.")
    assert asked.list_rejected() == [(9, ("unreadable:occurred_on",))]
    assert PERSON not in asked.read_told(report)


def test_a_workbooks_text_among_dates_is_kept_where_it_can_be_read(ask_sheets: Callable[..., Asked]) -> None:
    asked = ask_sheets("evolve", "xlsx")
    asked.pull(make_workbook_records(9))
    report = asked.pull(make_workbook_records(10, "2024年3月5日"))
    assert (len(report.warnings), asked.count(), asked.list_rejected()) == (1, 10, [])
    assert asked.pull(make_workbook_records(11, "2024/3/5")).warnings == []


def test_a_workbooks_text_among_dates_refuses_the_workbook_where_the_contract_is_frozen(
    ask_sheets: Callable[..., Asked],
) -> None:
    asked = ask_sheets("freeze", "xlsx")
    asked.pull(make_workbook_records(9))
    report = asked.pull(make_workbook_records(10, PERSON))
    assert f"the contract is freeze. M{RETYPED}. Nothing was landed." in str(report.error)
    assert (report.exit_code, asked.count(), list_landings(asked)) == (12, 9, 1)
    assert PERSON not in asked.read_told(report)


def test_a_workbooks_text_among_dates_rejects_its_row_where_the_contract_discards_it(
    ask_sheets: Callable[..., Asked],
) -> None:
    asked = ask_sheets("discard_row", "xlsx")
    asked.pull(make_workbook_records(9))
    report = asked.pull(make_workbook_records(10, "2024-03-05"))
    assert asked.list_rejected() == [(9, ("retyped:occurred_on",))]
    assert (report.error, asked.count(), list_landings(asked)) == (None, 9, 2)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_row_that_is_read_as_the_header_is_shown_to_nobody(
    ask_sheets: Callable[..., Asked], tmp_path: Path, contract: str
) -> None:
    asked = ask_sheets(contract)
    asked.pull(make_records(9))
    (tmp_path / "config" / "drop" / "00.csv").write_text(f"{PERSON},410202001001\n李四,410202001001\n", "utf-8")
    report = asked.pull(make_records(10))
    assert report.exit_code == 12
    assert PERSON not in asked.read_told(report)
    if contract == "freeze":
        assert "New fields that nothing maps: 999999999999 (1 record" in str(report.error)
