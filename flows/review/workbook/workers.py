"""The workbook's sheets of workers: what awaits a decision, with HR's own columns, and the lists that only inform."""

from collections.abc import Sequence
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from flows.review.sheets.columns import find_column, find_writer
from flows.review.sheets.formats import HEADER_HEIGHT, LINE_HEIGHT, count_lines, set_up_page
from flows.review.workbook.formats import WorkbookFormats
from flows.review.workbook.rows import (
    COMMENT,
    DECISION_COLUMNS,
    FINDING,
    MANUAL,
    STATE,
    STATES,
    VERDICT,
    WORKER_COLUMNS,
    WorkerColumn,
    WorkerRow,
)
from flows.verdicts import VERDICT_TITLES
from flows.wording import KINDS

FINDINGS = {"taken": "已采纳", "unchanged": "未改动", "refused": "已拒绝"}
"""With which word a line's 核对结果 begins once the workbook has been imported."""

_FROZEN_COLUMNS = 2
_LAST_PRINTED = "生效日期"


def write_to_decide(sheet: Any, formats: WorkbookFormats, rows: Sequence[WorkerRow], heading: str) -> None:
    """Fill 待决定: each line with a drop-down for the decision and a place for its comment, all else locked."""
    _write_rows(sheet, formats, DECISION_COLUMNS, rows, heading, wrap=True)
    verdict, comment = (find_column(DECISION_COLUMNS, title) for title in (VERDICT, COMMENT))
    sheet.freeze_panes(1, comment + 1)
    last = max(len(rows), 1)
    words = list(VERDICT_TITLES.values())
    sheet.data_validation(
        1,
        verdict,
        last,
        verdict,
        {
            "validate": "list",
            "source": words,
            "error_title": "决定",
            "error_message": f"请从下拉列表中选择：{'、'.join(words)}；还要考虑的请留空。",
        },
    )
    _colour_choices(sheet, formats, last)
    # HR's own columns keep their colour, whatever the line says.
    _colour_rows(sheet, formats, DECISION_COLUMNS, last, (0, verdict - 1), (comment + 1, len(DECISION_COLUMNS) - 1))
    sheet.print_area(0, 0, last, find_column(DECISION_COLUMNS, _LAST_PRINTED))


def write_list(sheet: Any, formats: WorkbookFormats, rows: Sequence[WorkerRow], heading: str, *, wrap: bool) -> None:
    """Fill a sheet of workers about whom nothing is asked."""
    _write_rows(sheet, formats, WORKER_COLUMNS, rows, heading, wrap=wrap)
    sheet.freeze_panes(1, _FROZEN_COLUMNS)
    _colour_rows(sheet, formats, WORKER_COLUMNS, max(len(rows), 1), (0, len(WORKER_COLUMNS) - 1))


def _write_rows(
    sheet: Any,
    formats: WorkbookFormats,
    columns: Sequence[WorkerColumn],
    rows: Sequence[WorkerRow],
    heading: str,
    *,
    wrap: bool,
) -> None:
    """One line each under a filtered header; every cell is written, empty ones too, so that each is formatted."""
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width, formats.body(column.look, wrap=wrap))
        sheet.write_string(0, index, column.title, formats.header)
    sheet.set_row(0, HEADER_HEIGHT)
    if not wrap:
        # One line a worker: tall enough for its first line only, so that a long list stays a list.
        sheet.set_default_row(LINE_HEIGHT + 3)
    cells = [
        (index, column.read, find_writer(sheet, column.look), column.look) for index, column in enumerate(columns)
    ]
    for line, row in enumerate(rows, start=1):
        lines = 1
        for index, read, write, look in cells:
            value = read(row)
            if value is None or value == "":
                sheet.write_blank(line, index, None, formats.body(look, wrap=wrap))
                continue
            write(line, index, value, formats.body(look, wrap=wrap, text=value))
            if wrap and isinstance(value, str):
                lines = max(lines, count_lines(value, columns[index].width))
        if wrap:
            sheet.set_row(line, LINE_HEIGHT * lines + 3)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    set_up_page(sheet, heading, header_row=0)


def _colour_choices(sheet: Any, formats: WorkbookFormats, last: int) -> None:
    """The decision in its colour; red where a comment is missing, the word is unknown, or an import refused it."""
    verdict, comment, finding, manual = (
        find_column(DECISION_COLUMNS, title) for title in (VERDICT, COMMENT, FINDING, "须人工核查")
    )
    chosen, said, found, is_manual = (f"${xl_col_to_name(index)}2" for index in (verdict, comment, finding, manual))
    approved, returned = VERDICT_TITLES["approved"], VERDICT_TITLES["returned"]
    needs_comment = f'OR({chosen}="{returned}",AND({chosen}="{approved}",{is_manual}="{MANUAL}"))'
    is_unknown = ",".join(f'{chosen}<>"{word}"' for word in ("", *VERDICT_TITLES.values()))
    state = find_column(DECISION_COLUMNS, STATE)
    rules = [
        *(
            (state, f'=${xl_col_to_name(state)}2="{STATES[verdict_code]}"', formats.chosen[word])
            for verdict_code, word in VERDICT_TITLES.items()
        ),
        (comment, f'=AND({said}="",{needs_comment})', formats.missing),
        (verdict, f"=AND({is_unknown})", formats.missing),
        *((verdict, f'={chosen}="{word}"', look) for word, look in formats.chosen.items()),
        (finding, f'=LEFT({found},3)="{FINDINGS["refused"]}"', formats.missing),
        (finding, f'=LEFT({found},3)="{FINDINGS["taken"]}"', formats.chosen[approved]),
    ]
    for column, criteria, look in rules:
        _colour(sheet, (1, column, last, column), criteria, look)


def _colour_rows(
    sheet: Any, formats: WorkbookFormats, columns: Sequence[WorkerColumn], last: int, *spans: tuple[int, int]
) -> None:
    """Amber for a line that needs individual handling, grey for a held one, whatever the filter shows."""
    manual, kind = (xl_col_to_name(find_column(columns, title)) for title in ("须人工核查", "建议类型"))
    rules = ((f'=${manual}2="{MANUAL}"', formats.amber), (f'=${kind}2="{KINDS["hold"]}"', formats.grey))
    for left, right in spans:
        for criteria, look in rules:
            _colour(sheet, (1, left, last, right), criteria, look)


def _colour(sheet: Any, area: tuple[int, int, int, int], criteria: str, look: Any) -> None:
    sheet.conditional_format(*area, {"type": "formula", "criteria": criteria, "format": look})
