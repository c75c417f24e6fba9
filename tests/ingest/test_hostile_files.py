"""Files made to break their reader, and odd ones that are not: a message that names the file, or all of its rows."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingest_kit import Pauses
from platform_server import INCIDENT_FIELDS

from flows.errors import ContractBroken, SourceUnavailable
from flows.ingest.connect import cells
from flows.ingest.connect.files import find_files, read_records
from flows.ingest.describe.records import Record
from flows.ingest.describe.source import FilesSource, Source

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'
ROW = '<row r="2"><c r="A2"><v>1</v></c></row>'


@pytest.fixture
def read(tmp_path: Path, make_source: Callable[[str], Source], pauses: Pauses) -> Callable[..., list[Record]]:
    """The records of the one file in the folder."""

    def run(form: str, more: str = "") -> list[Record]:
        source = make_source(
            f"""
platform: sheets
title: Sheets
connection: {{kind: files, path: drop}}
resources:
  incidents:
    table: incidents
    files: "*.{form}"
    format: {form}
    fields: {INCIDENT_FIELDS}
    {more}
"""
        )
        assert isinstance(source, FilesSource)
        resource = source.resources["incidents"]
        [file], _ = find_files(source, resource, pauses.timing)
        return [record for page in read_records(file, resource, "sheets, incidents") for record in page]

    return run


def write_workbook(folder: Path, rows: str, behind: str = "") -> None:
    """The least that is an .xlsx: one sheet with these rows, and what stands behind them."""
    links = (
        f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{OFFICE}/%s" Target="%s"/></Relationships>'
    )
    with zipfile.ZipFile(folder / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", links % ("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/_rels/workbook.xml.rels", links % ("worksheet", "worksheets/sheet1.xml"))
        sheet = f'<sheet name="S" sheetId="1" r:id="r1" xmlns:r="{OFFICE}"/>'
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}"><sheets>{sheet}</sheets></workbook>')
        body = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{behind}</worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", body)


@pytest.mark.parametrize(
    "far",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="2"><c r="ZZZZZZ2" t="e"><v>#N/A</v></c></row>',
        '<row r="4000000000"><c t="e"><v>#N/A</v></c></row>',
    ],
)
def test_a_workbook_that_reaches_too_far_is_refused_before_it_fills_the_memory(
    drop: Path, read: Callable[..., list[Record]], far: str
) -> None:
    # The first is 17 milliards of cells to the reader of workbooks, whose end would be that of the process.
    write_workbook(drop, HEADER + far)
    with pytest.raises(ContractBroken, match=r"book.xlsx cannot be read as xlsx \(its sheet reaches to row"):
        read("xlsx")


def test_cells_far_away_that_are_only_formatted_do_no_harm(drop: Path, read: Callable[..., list[Record]]) -> None:
    write_workbook(drop, f'{HEADER}{ROW}<row r="1048576"><c r="XFD1048576" s="0"/></row>')
    assert read("xlsx") == [{"id": 1}]


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    drop: Path, read: Callable[..., list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "UNPACKED_BYTES_MAX", 1 << 20)
    write_workbook(drop, HEADER + ROW, f"<!--{' ' * (1 << 20)}-->")
    with pytest.raises(ContractBroken, match="unpacks to more than 1 MB"):
        read("xlsx")


@pytest.mark.parametrize("frame", ["G1:H1", "G1:ZZZZZZ1"])
def test_empty_cells_merged_beside_the_table_do_no_harm(
    drop: Path, read: Callable[..., list[Record]], frame: str
) -> None:
    merged = f'<mergeCells count="1"><mergeCell ref="{frame}"/></mergeCells>'
    write_workbook(drop, HEADER + ROW + '<row r="3"><c r="A3"><v>2</v></c></row>', merged)
    assert read("xlsx", "header_rows: 2") == [{"id/1.0": 2}]


def test_a_parquet_file_with_one_column_twice_is_refused_for_one_would_be_lost(
    drop: Path, read: Callable[..., list[Record]]
) -> None:
    pq.write_table(pa.table([pa.array(["a"]), pa.array(["b"])], names=["id", "id"]), drop / "twice.parquet")
    with pytest.raises(ContractBroken, match=r"twice.parquet cannot be read .*\(a column stands more than once\)"):
        read("parquet")


def test_a_parquet_file_with_a_date_beyond_all_calendars_is_refused(
    drop: Path, read: Callable[..., list[Record]]
) -> None:
    pq.write_table(pa.table({"day": pa.array([2**62], pa.timestamp("us"))}), drop / "far.parquet")
    with pytest.raises(ContractBroken, match=r"far.parquet cannot be read"):
        read("parquet")


def test_a_folder_that_goes_away_while_it_is_looked_through_is_unavailable(
    drop: Path, read: Callable[..., list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "glob", vanish)
    with pytest.raises(SourceUnavailable, match="No such file"):
        read("xlsx")
