"""New, missing and retyped columns of sheets under each contract: what lands, and that no person's data is shown."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import orjson
import pytest
import xlsxwriter
from contract_kit import CONTRACTS, PERSON, Asked, Record, drift, make_records
from platform_server import CARD

from flows.house import House
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

SHEET = ("编号", "社区", "类型", "日期", "状态", "更新")


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
