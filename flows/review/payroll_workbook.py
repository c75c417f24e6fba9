"""The workbook `payroll-<month>.xlsx`, in Chinese, for who pays: the lines, and a sheet that explains them.

The file's bytes depend only on what the register holds of the month.
"""

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_range

from flows.month import Month
from flows.review.payroll import PayrollLine
from flows.review.payroll_columns import COLUMNS, ENTRIES, Cell, Look, lacks_amount, list_remarks
from flows.review.payroll_guide import PayBasis, write_guide
from flows.review.workbook_formats import (
    FONT,
    HEADER_HEIGHT,
    INK,
    LINE_HEIGHT,
    RULE,
    Formats,
    count_lines,
    set_up_page,
)
from flows.wording import format_day, format_instant, format_month

LINES, GUIDE = "工资调整单", "说明"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FACTS, _WARNING, _TOTALS, _HEADER = 1, 2, 3, 4
"""Lines of the sheet, from 0; the first holds the title."""
_FIRST = _HEADER + 1
_FROZEN_COLUMNS = 5
_PLACES = {column.title: place for place, column in enumerate(COLUMNS)}
_REMARK, _ENTRY = _PLACES["备注"], _PLACES["类别"]


def format_payroll_workbook(month: Month, lines: Sequence[PayrollLine], bases: Sequence[PayBasis]) -> bytes:
    """The workbook of the month's `lines`, of which there is at least one; equal content gives equal bytes.

    `bases` are the policy values by which the pay in them was worked out.
    """
    lines = sorted(lines, key=lambda line: line.register_no)
    # Without a fixed instant of creation the clock would be in the file.
    created_at = max(line.recorded_at for line in lines).astimezone(UTC).replace(tzinfo=None)
    content = BytesIO()
    with xlsxwriter.Workbook(content) as book:
        title = f"{format_month(month)}评定 每月{LINES}"
        book.set_properties({"title": title, "created": created_at, "author": ""})
        formats = Formats(book)
        sheet, guide = book.add_worksheet(LINES), book.add_worksheet(GUIDE)
        _write_sheet(sheet, _Looks(book), formats, title, lines)
        write_guide(guide, formats, title, bases)
        for each in (sheet, guide):
            # Without a password: against slips, not against anybody.
            each.protect("", {"autofilter": True, "format_columns": True, "format_rows": True})
    return content.getvalue()


class _Looks:
    """The formats of the lines' cells, and of lines that stand out."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[Look, bool], Any] = {}
        self.taken_back = book.add_format({"bg_color": "#E7E6E6", "font_color": "#404040"})
        self.remarked = book.add_format({"bg_color": "#FCE4D6", "font_color": "#7A2E00"})

    def find(self, look: Look, value: Cell) -> Any:
        """The format for `value`; text that would be a formula once its cell is edited is marked as text."""
        key = (look, isinstance(value, str) and value.startswith(_FORMULA_STARTS))
        if key not in self._made:
            self._made[key] = self._book.add_format(_describe_look(*key))
        return self._made[key]


def _describe_look(look: Look, is_quoted: bool) -> dict[str, Any]:
    wanted: dict[str, Any] = {"font_name": FONT, "font_size": 10, "font_color": INK, "valign": "vcenter"}
    wanted |= {"bottom": 4, "bottom_color": RULE, "align": "left"}
    if look in ("code", "number", "date"):
        wanted["align"] = "center"
    if look == "money":
        wanted |= {"align": "right", "num_format": "#,##0.00"}
    if look == "date":
        wanted["num_format"] = "yyyy-mm-dd"
    if look == "text":
        wanted["shrink"] = True
    if look == "remark":
        wanted |= {"text_wrap": True, "indent": 1}
    if is_quoted:
        wanted["quote_prefix"] = True
    return wanted


def _write_sheet(sheet: Any, looks: _Looks, formats: Formats, title: str, lines: Sequence[PayrollLine]) -> None:
    """The lines in the order of the register, so that new ones stand at the end; header frozen and filtered."""
    for index, column in enumerate(COLUMNS):
        sheet.set_column(index, index, column.width)
    _write_top(sheet, formats, title, lines)
    sheet.set_row(_HEADER, HEADER_HEIGHT)
    for index, column in enumerate(COLUMNS):
        sheet.write_string(_HEADER, index, column.title, formats.header)
    _write_lines(sheet, looks, lines)
    last = _HEADER + len(lines)
    sheet.autofilter(_HEADER, 0, last, len(COLUMNS) - 1)
    sheet.freeze_panes(_FIRST, _FROZEN_COLUMNS)
    _colour_lines(sheet, looks, last)
    set_up_page(sheet, title, header_row=_HEADER)


def _write_lines(sheet: Any, looks: _Looks, lines: Sequence[PayrollLine]) -> None:
    writers = {"number": sheet.write_number, "money": sheet.write_number, "date": sheet.write_datetime}
    for place, line in enumerate(lines, start=_FIRST):
        sheet.set_row(place, LINE_HEIGHT * count_lines(list_remarks(line), COLUMNS[_REMARK].width) + 3)
        for index, column in enumerate(COLUMNS):
            value = column.read(line)
            look = looks.find(column.look, value)
            if value is None:
                sheet.write_blank(place, index, None, look)
            else:
                writers.get(column.look, sheet.write_string)(place, index, value, look)


def _write_top(sheet: Any, formats: Formats, title: str, lines: Sequence[PayrollLine]) -> None:
    """Title, what the sheet holds, what a person must see to, and totals of what the filter shows."""
    newest, last_column = lines[-1], len(COLUMNS) - 1
    days = "、".join(format_day(day) for day in sorted({line.effective_on for line in lines}))
    sheet.set_row(0, 26)
    sheet.write_string(0, 0, title, formats.title)
    facts = (
        f"自 {days}起的月工资，共 {len(lines)} 行，登记至第 {newest.register_no} 号"
        f"（{format_instant(newest.recorded_at)}）。每行只办理一次，用法见“{GUIDE}”表。"
    )
    sheet.merge_range(_FACTS, 0, _FACTS, last_column, facts, formats.plain)
    sheet.set_row(_FACTS, LINE_HEIGHT + 4)
    warning = _list_warnings(lines)
    if warning:
        sheet.merge_range(_WARNING, 0, _WARNING, last_column, warning, formats.notice)
        sheet.set_row(_WARNING, LINE_HEIGHT + 6)
    sheet.set_row(_TOTALS, LINE_HEIGHT + 6)
    sheet.write_string(_TOTALS, 0, "合计（随筛选变化）", formats.total_label)
    for index, column in enumerate(COLUMNS[1:], start=1):
        if not column.is_summed:
            sheet.write_blank(_TOTALS, index, None, formats.total_label)
            continue
        known = [value for line in lines if isinstance(value := column.read(line), Decimal)]
        formula = f"=SUBTOTAL(109,{xl_range(_FIRST, index, _HEADER + len(lines), index)})"
        sheet.write_formula(_TOTALS, index, formula, formats.total_money, sum(known, Decimal(0)))


def _list_warnings(lines: Sequence[PayrollLine]) -> str:
    """What a person must see to, and in how many lines; empty if there is nothing."""
    counts = {
        "金额由人核定": sum(map(lacks_amount, lines)),
        "补发由人核算": sum(line.lacks_arrears for line in lines),
        "撤回前已发部分由人结清": sum(line.leaves_paid for line in lines),
    }
    found = "；".join(f"{text} {count} 行" for text, count in counts.items() if count)
    return f"注意：{found}。逐行见“备注”。" if found else ""


def _colour_lines(sheet: Any, looks: _Looks, last: int) -> None:
    """Amber for the remark of a line that a person must see to, grey for lines that take a record back."""
    remark, entry = xl_col_to_name(_REMARK), xl_col_to_name(_ENTRY)
    rules = (
        (_REMARK, _REMARK, f'=${remark}{_FIRST + 1}<>""', looks.remarked),
        (0, len(COLUMNS) - 1, f'=${entry}{_FIRST + 1}="{ENTRIES["reversal"]}"', looks.taken_back),
    )
    for first_column, last_column, criteria, look in rules:
        sheet.conditional_format(
            _FIRST, first_column, last, last_column, {"type": "formula", "criteria": criteria, "format": look}
        )
