"""The HR workbook `hr-review.xlsx`, in Chinese: summary, to decide, held, all staff, policy values with their tags.

Where there is something to tell, two more sheets: workers whom the roster lacks, and what the revision changed.

The file's bytes depend only on the month's content. Text is always written as text, so a name that begins with `=`
is never a formula.
"""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import xlsxwriter

from flows.results import FIRST_REVISION, Lineage, MonthResult
from flows.review.workbook_changes import write_changes, write_missing_workers
from flows.review.workbook_formats import HEADER_HEIGHT, LINE_HEIGHT, Formats, count_lines, set_up_page
from flows.review.workbook_rows import (
    MANUAL,
    PERSON_COLUMNS,
    PersonRow,
    find_column,
    list_people,
    select_awaiting,
    select_held,
)
from flows.review.workbook_summary import write_summary
from flows.wording import KINDS, TAGS, UNITS, describe_policy_value, format_month

SUMMARY, TO_DECIDE, HELD, ALL_STAFF, POLICY = "汇总", "待决定", "暂缓", "全部人员", "政策参数"
MISSING, CHANGES = "名册缺人", "版本差异"

_FROZEN_COLUMNS = 2
_POLICY_COLUMNS = (
    ("参数", 40),
    ("取值", 66),
    ("单位", 10),
    ("依据类别", 26),
    ("出处", 48),
    ("自何日起", 13),
    ("参数路径", 44),
)


def write_workbook(path: Path, result: MonthResult, revision: int, lineage: Lineage = FIRST_REVISION) -> None:
    """Write the HR workbook of a month's `revision` to `path`; equal content gives equal bytes.

    `lineage` says what the revision changed.
    """
    people = list_people(result)
    awaiting, held = select_awaiting(people), select_held(people)
    # Without a fixed instant of creation the clock would be in the file.
    created_at = result.cutoff_at.astimezone(UTC).replace(tzinfo=None)
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties(
            {"title": f"{format_month(result.month)} 等级调整建议", "created": created_at, "author": ""}
        )
        formats = Formats(book)
        sheets = {name: book.add_worksheet(name) for name in (SUMMARY, TO_DECIDE, HELD, ALL_STAFF, POLICY)}
        heading = f"{format_month(result.month)} 第 {revision} 版"
        write_summary(
            book,
            sheets[SUMMARY],
            formats,
            result=result,
            revision=revision,
            lineage=lineage,
            people=people,
            to_decide=(TO_DECIDE, len(awaiting)),
        )
        _write_people(sheets[TO_DECIDE], formats, awaiting, f"{heading} {TO_DECIDE}", wrap=True)
        _write_people(sheets[HELD], formats, held, f"{heading} {HELD}", wrap=True)
        _write_people(sheets[ALL_STAFF], formats, people, f"{heading} {ALL_STAFF}", wrap=False)
        _write_policy(sheets[POLICY], formats, result, f"{heading} {POLICY}")
        if result.missing_workers:
            write_missing_workers(book.add_worksheet(MISSING), formats, result, f"{heading} {MISSING}")
        if lineage.compared_with is not None:
            write_changes(book.add_worksheet(CHANGES), formats, lineage, f"{heading} {CHANGES}")
        for name, colour in ((TO_DECIDE, "#C55A11"), (HELD, "#7F7F7F")):
            sheets[name].set_tab_color(colour)


def _write_people(sheet: Any, formats: Formats, people: Sequence[PersonRow], heading: str, *, wrap: bool) -> None:
    """A sheet of workers: one line each, header frozen and filtered, lines that need attention coloured."""
    for index, column in enumerate(PERSON_COLUMNS):
        sheet.set_column(index, index, column.width, formats.body(column.look, wrap=wrap))
        sheet.write_string(0, index, column.title, formats.header)
    sheet.set_row(0, HEADER_HEIGHT)
    if not wrap:
        # One line a worker: tall enough for its first line only, so that a long list stays a list.
        sheet.set_default_row(LINE_HEIGHT + 3)
    writers = {
        "count": sheet.write_number,
        "money": sheet.write_number,
        "date": sheet.write_datetime,
    }
    cells = [
        (index, column.read, writers.get(column.look, sheet.write_string), formats.body(column.look, wrap=wrap))
        for index, column in enumerate(PERSON_COLUMNS)
    ]
    for line, person in enumerate(people, start=1):
        lines = 1
        for index, read, write, look in cells:
            value = read(person)
            if value is not None:
                write(line, index, value, look)
                if wrap and isinstance(value, str):
                    lines = max(lines, count_lines(value, PERSON_COLUMNS[index].width))
        if wrap:
            sheet.set_row(line, LINE_HEIGHT * lines + 3)
    sheet.freeze_panes(1, _FROZEN_COLUMNS)
    last = max(len(people), 1)
    sheet.autofilter(0, 0, last, len(PERSON_COLUMNS) - 1)
    _colour_people(sheet, formats, last)
    set_up_page(sheet, heading, header_row=0)


def _colour_people(sheet: Any, formats: Formats, last: int) -> None:
    """Amber for a line that needs individual handling, grey for a held one, whatever the filter shows."""
    manual, kind = _letter(find_column("须人工核查")), _letter(find_column("建议类型"))
    rules = ((f'=${manual}2="{MANUAL}"', formats.manual), (f'=${kind}2="{KINDS["hold"]}"', formats.held))
    for criteria, look in rules:
        sheet.conditional_format(
            1, 0, last, len(PERSON_COLUMNS) - 1, {"type": "formula", "criteria": criteria, "format": look}
        )


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
        1, 0, last, len(_POLICY_COLUMNS) - 1, {"type": "formula", "criteria": criteria, "format": formats.manual}
    )
    set_up_page(sheet, heading, header_row=0)


def _letter(column: int) -> str:
    return str(xlsxwriter.utility.xl_col_to_name(column))
