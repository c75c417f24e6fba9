"""The HR workbook `hr-review.xlsx`, in Chinese: summary, to decide, held, all staff, policy values, rules explained.

Where there is something to tell, two more sheets: workers whom the roster lacks, and what the revision changed. HR
fills in two columns of 待决定; all else is locked, without a password.

The file's bytes depend only on the month's content and on how far its review has got. Text is always written as text,
so a name that begins with `=` is never a formula.
"""

from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import xlsxwriter

from flows.results import FIRST_REVISION, Lineage, MonthResult
from flows.review.sheets.formats import LINE_HEIGHT, Formats, count_lines, protect, set_up_page
from flows.review.workbook.changes import write_changes, write_missing_workers
from flows.review.workbook.formats import WorkbookFormats
from flows.review.workbook.names import ALL_STAFF, CHANGES, HELD, MISSING, POLICY, RULES, SUMMARY, TO_DECIDE
from flows.review.workbook.progress import ToDecide
from flows.review.workbook.rows import ProposalProgress, list_worker_rows, select_awaiting, select_held
from flows.review.workbook.rules import write_rules
from flows.review.workbook.summary import write_summary
from flows.review.workbook.workers import write_list, write_to_decide
from flows.wording import TAGS, UNITS, describe_policy_value, format_month

_POLICY_COLUMNS = (
    ("参数", 40),
    ("取值", 66),
    ("单位", 10),
    ("依据类别", 26),
    ("出处", 48),
    ("自何日起", 13),
    ("参数路径", 44),
)


def write_workbook(
    path: Path,
    result: MonthResult,
    revision: int,
    lineage: Lineage = FIRST_REVISION,
    *,
    progress: Mapping[str, ProposalProgress] | None = None,
) -> None:
    """Write the HR workbook of a month's `revision` to `path`; equal content gives equal bytes.

    `lineage` says what the revision changed, `progress` how far the review of each worker's proposal has got;
    without them nothing is filled in.
    """
    rows = list_worker_rows(result, revision, progress or {})
    awaiting, held = select_awaiting(rows), select_held(rows)
    # Without a fixed instant of creation the clock would be in the file.
    created_at = result.cutoff_at.astimezone(UTC).replace(tzinfo=None)
    # Each line goes to the disk as soon as the next one begins: a city's workbook is never whole in memory.
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        book.set_properties(
            {"title": f"{format_month(result.month)} 等级调整建议", "created": created_at, "author": ""}
        )
        formats = WorkbookFormats(book)
        sheets = {name: book.add_worksheet(name) for name in (SUMMARY, TO_DECIDE, HELD, ALL_STAFF, POLICY, RULES)}
        heading = f"{format_month(result.month)} 第 {revision} 版"
        write_summary(
            book,
            sheets[SUMMARY],
            formats,
            result=result,
            revision=revision,
            lineage=lineage,
            rows=rows,
            to_decide=ToDecide(TO_DECIDE, awaiting),
        )
        write_to_decide(sheets[TO_DECIDE], formats, awaiting, f"{heading} {TO_DECIDE}")
        write_list(sheets[HELD], formats, held, f"{heading} {HELD}", wrap=True)
        write_list(sheets[ALL_STAFF], formats, rows, f"{heading} {ALL_STAFF}", wrap=False)
        _write_policy(sheets[POLICY], formats, result, f"{heading} {POLICY}")
        write_rules(sheets[RULES], formats, result, f"{heading} {RULES}")
        if result.missing_workers:
            write_missing_workers(book.add_worksheet(MISSING), formats, result, f"{heading} {MISSING}")
        if lineage.compared_with is not None:
            write_changes(book.add_worksheet(CHANGES), formats, lineage, f"{heading} {CHANGES}")
        for name, colour in ((TO_DECIDE, "#C55A11"), (HELD, "#7F7F7F"), (RULES, "#1F4E79")):
            sheets[name].set_tab_color(colour)
        for sheet in book.worksheets():
            protect(sheet, may_sort=True)


def _write_policy(sheet: Any, formats: Formats, result: MonthResult, heading: str) -> None:
    """Every policy value in force with its tag and reference; assumed ones coloured."""
    for index, (title, width) in enumerate(_POLICY_COLUMNS):
        sheet.set_column(index, index, width, formats.body("long", wrap=True))
        sheet.write_string(0, index, title, formats.header)
    text, day = formats.body("long", wrap=True), formats.body("date", wrap=True)
    for line, value in enumerate(result.policy_values, start=1):
        cells = (
            value.title,
            describe_policy_value(value),
            UNITS.get(value.unit, value.unit),
            TAGS.get(value.tag, value.tag),
            value.reference,
        )
        for index, cell in enumerate(cells):
            sheet.write_string(line, index, cell, text)
        lines = max(count_lines(cell, width) for cell, (_, width) in zip(cells, _POLICY_COLUMNS, strict=False))
        sheet.set_row(line, LINE_HEIGHT * lines + 3)
        sheet.write_datetime(line, len(cells), value.start_on, day)
        sheet.write_string(line, len(cells) + 1, value.path, text)
    sheet.freeze_panes(1, 1)
    last = max(len(result.policy_values), 1)
    sheet.autofilter(0, 0, last, len(_POLICY_COLUMNS) - 1)
    criteria = f'=$D2="{TAGS["assumed"]}"'
    sheet.conditional_format(
        1, 0, last, len(_POLICY_COLUMNS) - 1, {"type": "formula", "criteria": criteria, "format": formats.amber}
    )
    set_up_page(sheet, heading, header_row=0)
