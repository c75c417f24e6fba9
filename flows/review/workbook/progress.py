"""The summary's count of how far the review has got: what is recorded, and beside it what HR has filled in since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xlsxwriter.utility import xl_range, xl_range_abs

from flows.review.sheets.columns import find_column
from flows.review.sheets.pen import Pen
from flows.review.workbook.rows import DECISION_COLUMNS, STATE, STATES, VERDICT, WorkerRow
from flows.verdicts import VERDICT_TITLES
from flows.wording import convert_to_yuan

DIFFERENCE = "月差额（元）"

_RECORDED, _FILLED_IN = 1, 3
"""Where the counts stand; the amount of each stands beside it."""


@dataclass(frozen=True)
class ToDecide:
    """The sheet of what awaits a decision, and its lines."""

    sheet: str
    rows: Sequence[WorkerRow]

    def place_column(self, title: str) -> str:
        """The cells under that heading, as a formula names them."""
        column = find_column(DECISION_COLUMNS, title)
        return f"'{self.sheet}'!{xl_range_abs(1, column, max(len(self.rows), 1), column)}"


def sum_differences_fen(rows: Iterable[WorkerRow]) -> int:
    """By how much the lines change what is paid a month, as far as that is known."""
    return sum(row.difference_fen or 0 for row in rows)


def write_progress(pen: Pen, to_decide: ToDecide) -> None:
    """A line for each decision, one for what is left, and their sum; the workbook itself counts on."""
    pen.write_section("一、办理进度（“本次填写”随“待决定”表自动更新）")
    pen.write_header([VERDICT, "已记录（人）", "其月差额（元）", "本次填写（人）", "其月差额（元）"])
    states, verdicts, amounts = (to_decide.place_column(title) for title in (STATE, VERDICT, DIFFERENCE))
    first = pen.line
    for code, word in VERDICT_TITLES.items():
        pen.sheet.write_string(pen.line, 0, word, pen.formats.label)
        recorded = [row for row in to_decide.rows if row.progress.state == code]
        in_state, in_words = f'{states},"{STATES[code]}"', f'{verdicts},"{word}"'
        _write_pair(pen, _RECORDED, f"=COUNTIF({in_state})", f"=SUMIF({in_state},{amounts})", recorded)
        _write_pair(pen, _FILLED_IN, f"=COUNTIF({in_words})", f"=SUMIF({in_words},{amounts})", ())
        pen.line += 1
    pen.sheet.write_string(pen.line, 0, "尚无决定、未填写", pen.formats.label)
    undecided = [row for row in to_decide.rows if row.progress.state not in VERDICT_TITLES]
    _write_rest(pen, _RECORDED, to_decide, first, undecided)
    _write_rest(pen, _FILLED_IN, to_decide, first, to_decide.rows)
    pen.line += 1
    pen.sheet.write_string(pen.line, 0, "合计", pen.formats.total_label)
    _write_whole(pen, _RECORDED, to_decide, first)
    _write_whole(pen, _FILLED_IN, to_decide, first)
    pen.line += 1


def _write_rest(pen: Pen, column: int, to_decide: ToDecide, first: int, rows: Sequence[WorkerRow]) -> None:
    """What the lines from `first` on leave of the whole; `rows` are those left today."""
    amounts = to_decide.place_column(DIFFERENCE)
    counted, summed = (xl_range(first, it, pen.line - 1, it) for it in (column, column + 1))
    count = f"ROWS({amounts})" if to_decide.rows else "0"
    _write_pair(pen, column, f"={count}-SUM({counted})", f"=SUM({amounts})-SUM({summed})", rows)


def _write_pair(pen: Pen, column: int, count: str, amount: str, rows: Sequence[WorkerRow]) -> None:
    """Both formulas with what they come to for `rows`, for readers that don't reckon."""
    pen.sheet.write_formula(pen.line, column, count, pen.formats.count, len(rows))
    difference = convert_to_yuan(sum_differences_fen(rows))
    pen.sheet.write_formula(pen.line, column + 1, amount, pen.formats.money, difference)


def _write_whole(pen: Pen, column: int, to_decide: ToDecide, first: int) -> None:
    last, whole = pen.line - 1, convert_to_yuan(sum_differences_fen(to_decide.rows))
    pen.write_sum(column, (first, column, last, column), len(to_decide.rows), pen.formats.total_count)
    pen.write_sum(column + 1, (first, column + 1, last, column + 1), whole, pen.formats.total_money)
