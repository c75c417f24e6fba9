"""HR's filled-in workbook read: its sheet of decisions found by headings, each line with its Excel row number.

Columns may be moved, hidden or added, lines sorted or deleted, lines put above the header, the sheet renamed. What
can't be told safely is refused with a sentence that says what to do.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from flows.errors import DecisionRefused, UsageError
from flows.review.intake.cells import read_text, read_title
from flows.review.intake.parts import SheetPlaces, find_sheet_part, refuse_foreign, survey_sheet
from flows.review.workbook.names import INFORMING, TO_DECIDE
from flows.review.workbook.rows import CHECK_CODE, COMMENT, DECIDED_AT, DECISION_COLUMNS, FINDING, ID, VERDICT

NEEDED = (ID, VERDICT, COMMENT, CHECK_CODE, DECIDED_AT)
HEADER_ROWS_MAX = 50
"""A header further down is none: somebody's table below would be taken for HR's."""
CELLS_MAX = 5_000_000
"""The reader of workbooks holds every cell of the rectangle in which anything stands, empty ones too."""

Merge = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class SheetLine:
    """One filled-in line: its row as Excel numbers it, and its cells by heading."""

    row: int
    cells: Mapping[str, Any]
    holds_error: bool
    """Whether 决定 or 意见 is an error such as #N/A, which is not the same as nothing."""

    @property
    def verdict(self) -> str:
        return read_text(self.cells[VERDICT])

    @property
    def comment(self) -> str:
        return read_text(self.cells[COMMENT])


@dataclass(frozen=True)
class DecisionSheet:
    """The sheet of decisions: where its header stands, and its lines; rows counted from 1, columns from 0."""

    name: str
    header_row: int
    columns: Mapping[str, int]
    lines: Sequence[SheetLine]
    part: str
    """The archive's part that holds it."""
    places: SheetPlaces

    @property
    def finding_column(self) -> int | None:
        return self.columns.get(FINDING)


def read_decision_sheet(name: str, content: bytes) -> DecisionSheet:
    """The workbook's sheet of decisions; `name` is what the errors call the file.

    Raises `UsageError` if the file is no workbook that can be read, `DecisionRefused` if its decisions can't be told.
    """
    refuse_foreign(name, content)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        titles = [title for title in workbook.sheet_names if title.strip() not in INFORMING]
        found = [sheet for title in titles if (sheet := _read_sheet(name, content, workbook, title)) is not None]
    except CalamineError as error:
        raise UsageError(
            f"{name} cannot be read ({type(error).__name__}). Open it in Excel and save it anew."
        ) from error
    except BaseException as error:
        # The reader panics over some cut-off workbooks, and a panic is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise UsageError(f"{name} is damaged, or its copy broke off. Copy it again.") from None
    if not found:
        raise DecisionRefused(
            f"{name}: no sheet has the headings {ID} and {VERDICT} in one row, as {TO_DECIDE} of an export has. "
            "Fill in what fivestar review export wrote."
        )
    filled = [sheet for sheet in found if any(line.verdict or line.holds_error for line in sheet.lines)]
    if len(filled) > 1:
        raise DecisionRefused(
            f"{name}: the sheets {', '.join(sheet.name for sheet in filled)} all hold decisions. Keep one of them."
        )
    if not filled:
        raise DecisionRefused(
            f"{name}, sheet {found[0].name}: no decision is filled in under {VERDICT}. Choose one from its list for "
            "each worker decided on, save, and import again."
        )
    return filled[0]


def _read_sheet(name: str, content: bytes, workbook: CalamineWorkbook, title: str) -> DecisionSheet | None:
    """The sheet if it has the headings, else nothing."""
    part = find_sheet_part(name, content, title)
    places = survey_sheet(name, content, part)
    if places.filled_row * (places.filled_column + 1) > CELLS_MAX:
        raise DecisionRefused(
            f"{name}, sheet {title}: something stands in row {places.filled_row} or column "
            f"{xl_col_to_name(places.filled_column)}, far from the table. Delete what stands below and beside it."
        )
    sheet = workbook.get_sheet_by_name(title)
    rows = sheet.to_python(skip_empty_area=False)
    header = _find_header(rows)
    if header is None:
        return None
    columns = _map_columns(name, title, rows[header])
    _spread_merges(name, sheet, rows, header, columns)
    return DecisionSheet(title, header + 1, columns, _list_lines(rows, header, columns, places.errors), part, places)


def _find_header(rows: Sequence[Sequence[Any]]) -> int | None:
    """The first row that has the headings of worker and decision."""
    wanted = {read_title(ID), read_title(VERDICT)}
    return next(
        (at for at, row in enumerate(rows[:HEADER_ROWS_MAX]) if wanted <= {read_title(cell) for cell in row}), None
    )


def _map_columns(name: str, sheet: str, header: Sequence[Any]) -> dict[str, int]:
    """Where each known heading stands."""
    known = {read_title(column.title): column.title for column in DECISION_COLUMNS}
    columns: dict[str, int] = {}
    for at, cell in enumerate(header):
        title = known.get(read_title(cell))
        if title in columns:
            raise DecisionRefused(
                f"{name}, sheet {sheet}: the heading {title} stands twice, in columns "
                f"{xl_col_to_name(columns[title])} and {xl_col_to_name(at)}. Delete the one that isn't meant."
            )
        if title is not None:
            columns[title] = at
    missing = [title for title in NEEDED if title not in columns]
    if missing:
        raise DecisionRefused(
            f"{name}, sheet {sheet}: the column {', '.join(missing)} is missing. Fill in what fivestar review export "
            "wrote, without deleting it."
        )
    return columns


def _spread_merges(
    name: str, sheet: CalamineSheet, rows: list[list[Any]], header: int, columns: Mapping[str, int]
) -> None:
    """Give every line of a merged cell what stands in it; refused where that would decide for several workers."""
    merges: Sequence[Merge] = sheet.merged_cell_ranges or ()
    needed = {columns[title] for title in NEEDED}
    for (top, left), (bottom, right) in merges:
        # Merged cells beside the table, and those above it, are nobody's.
        if bottom <= header or left >= len(rows[header]) or top >= len(rows):
            continue
        if needed.intersection(range(left, right + 1)):
            area = f"{xl_rowcol_to_cell(top, left)}:{xl_rowcol_to_cell(bottom, right)}"
            raise DecisionRefused(
                f"{name}, sheet {sheet.name}: the cells {area} are merged, so whose decision stands there can't be "
                f"told. Unmerge them and fill in {VERDICT} line by line."
            )
        for row in rows[max(top, header + 1) : bottom + 1]:
            row[left] = rows[top][left]


def _list_lines(
    rows: Sequence[Sequence[Any]], header: int, columns: Mapping[str, int], errors: set[tuple[int, int]]
) -> list[SheetLine]:
    """The lines below the header in which anything that counts stands."""
    lines = []
    for at in range(header + 1, len(rows)):
        cells = {title: rows[at][column] for title, column in columns.items()}
        holds_error = any((at + 1, columns[title]) in errors for title in (VERDICT, COMMENT))
        if holds_error or any(read_text(cells[title]) for title in NEEDED):
            lines.append(SheetLine(at + 1, cells, holds_error))
    return lines
