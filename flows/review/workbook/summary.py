"""The workbook's first sheet: what to know first, how many proposals of which kind, their cost, what is assumed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flows.changes import describe_amendment
from flows.results import Lineage, MonthResult, list_grades
from flows.review.sheets.formats import Formats, set_up_page
from flows.review.sheets.pen import Pen
from flows.review.workbook.progress import DIFFERENCE, ToDecide, sum_differences_fen, write_progress
from flows.review.workbook.rows import WorkerRow
from flows.wording import (
    KINDS,
    MONITORING,
    NO_PAY_BASE,
    POSTS,
    TAGS,
    convert_to_yuan,
    describe_fingerprint,
    describe_policy_figure,
    format_instant,
    format_month,
    lacks_pay_base,
    list_banners,
)

_WIDTHS = (20, *[12.5] * 9)
CHART_ROWS = 20


def write_summary(
    book: Any,
    sheet: Any,
    formats: Formats,
    *,
    result: MonthResult,
    revision: int,
    lineage: Lineage,
    rows: Sequence[WorkerRow],
    to_decide: ToDecide,
) -> None:
    """Fill 汇总; `to_decide` is the sheet of what awaits a decision, and its lines."""
    sheet.hide_gridlines(2)
    pen = Pen(sheet, formats, _WIDTHS)
    pen.write_band(f"{format_month(result.month)} 社区工作者等级调整建议", formats.title, 2)
    pen.write_band(
        f"第 {revision} 版　生效日期 {result.effective_on}　统计截止 {format_instant(result.cutoff_at)}　"
        f"星级为{MONITORING}结果，只作参考，不影响等级",
        formats.plain,
        1,
    )
    if lineage.amends is not None:
        pen.write_band(f"注意：{describe_amendment(lineage.amends)}", formats.notice)
    for banner in list_banners(result):
        pen.write_band(f"注意：{banner}", formats.notice)
    write_progress(pen, to_decide)
    _write_counts(pen, rows)
    _write_costs(pen, result, rows, to_decide)
    _write_grades(book, pen, rows)
    _write_assumptions(pen, result)
    set_up_page(sheet, f"{format_month(result.month)} 第 {revision} 版 汇总", header_row=None)


def _write_counts(pen: Pen, rows: Sequence[WorkerRow]) -> None:
    """Proposals by kind and post, and how many a person must handle one by one."""
    pen.write_section("二、调整建议（人）")
    pen.write_header(["建议类型", *POSTS.values(), "合计", "须人工核查"])
    counted: Counter[tuple[str, str]] = Counter((row.proposal.kind, row.proposal.post) for row in rows)
    manual: Counter[str] = Counter(row.proposal.kind for row in rows if row.proposal.needs_manual)
    first = pen.line
    for kind, title in KINDS.items():
        pen.sheet.write_string(pen.line, 0, title, pen.formats.label)
        for index, post in enumerate(POSTS, start=1):
            pen.sheet.write_number(pen.line, index, counted[kind, post], pen.formats.count)
        total = sum(counted[kind, post] for post in POSTS)
        pen.write_sum(len(POSTS) + 1, (pen.line, 1, pen.line, len(POSTS)), total, pen.formats.count)
        pen.sheet.write_number(pen.line, len(POSTS) + 2, manual[kind], pen.formats.count)
        pen.line += 1
    pen.sheet.write_string(pen.line, 0, "合计", pen.formats.total_label)
    sums = [sum(counted[kind, post] for kind in KINDS) for post in POSTS]
    for index, value in enumerate([*sums, sum(sums), sum(manual.values())], start=1):
        pen.write_sum(index, (first, index, pen.line - 1, index), value, pen.formats.total_count)
    pen.line += 1


def _write_costs(pen: Pen, result: MonthResult, rows: Sequence[WorkerRow], to_decide: ToDecide) -> None:
    """What a month costs at the current and at the proposed grades, by kind; policy §5."""
    pen.write_section("三、每月工资（元）")
    if lacks_pay_base(result):
        pen.write_band(f"{NO_PAY_BASE}：月工资基数尚未设定，本月未计算工资。", pen.formats.plain)
        return
    pen.write_header(
        ["建议类型", "有现等级（人）", "现月工资", "建议月工资", "月差额", "无现等级（人）", "其建议月工资"]
    )
    first = pen.line
    columns = 6
    totals = [0] * columns
    for kind, title in KINDS.items():
        figures = _reckon_costs([row for row in rows if row.proposal.kind == kind])
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        pen.sheet.write_string(pen.line, 0, title, pen.formats.label)
        for index, figure in enumerate(figures, start=1):
            _write_figure(pen, index, figure, pen.formats.count, pen.formats.money)
        pen.line += 1
    pen.sheet.write_string(pen.line, 0, "合计", pen.formats.total_label)
    for index, total in enumerate(totals, start=1):
        is_count = index in _COUNT_COLUMNS
        pen.write_sum(
            index,
            (first, index, pen.line - 1, index),
            total if is_count else convert_to_yuan(total),
            pen.formats.total_count if is_count else pen.formats.total_money,
        )
    pen.line += 1
    _write_filtered_total(pen, to_decide)
    pen.write_band(
        "月差额只计有现等级的人员；首次定级人员没有现工资，只列建议月工资，不计入差额。", pen.formats.plain, 1
    )


_COUNT_COLUMNS = (1, 5)


def _reckon_costs(rows: Sequence[WorkerRow]) -> list[int]:
    """Workers with a current grade, their pay now, proposed and the change; workers without one and their pay."""
    graded = [row for row in rows if row.difference_fen is not None]
    new = [row for row in rows if row.difference_fen is None]
    current = sum(row.current_fen or 0 for row in graded)
    proposed = sum(row.proposed_fen or 0 for row in graded)
    return [len(graded), current, proposed, proposed - current, len(new), sum(p.proposed_fen or 0 for p in new)]


def _write_figure(pen: Pen, index: int, figure: int, count: Any, money: Any) -> None:
    if index in _COUNT_COLUMNS:
        pen.sheet.write_number(pen.line, index, figure, count)
    else:
        pen.sheet.write_number(pen.line, index, convert_to_yuan(figure), money)


def _write_filtered_total(pen: Pen, to_decide: ToDecide) -> None:
    """The change of the open proposals that the filter leaves in sight: it follows HR's own selection."""
    area, total = to_decide.place_column(DIFFERENCE), sum_differences_fen(to_decide.rows)
    pen.sheet.merge_range(pen.line, 0, pen.line, 3, "", pen.formats.label)
    pen.sheet.write_string(pen.line, 0, f"“{to_decide.sheet}”表当前筛选结果的月差额合计", pen.formats.label)
    pen.sheet.write_formula(pen.line, 4, f"=SUBTOTAL(109,{area})", pen.formats.money, convert_to_yuan(total))
    pen.line += 1


def _write_grades(book: Any, pen: Pen, rows: Sequence[WorkerRow]) -> None:
    """How many workers hold each grade now and would hold it, with a chart beside."""
    pen.sheet.set_h_pagebreaks([pen.line])
    pen.write_section("四、等级分布（人）")
    pen.write_header(["等级", "现", "建议"])
    now = Counter(row.proposal.current_grade for row in rows)
    then = Counter(row.proposal.proposed_grade for row in rows)
    first = pen.line
    for grade in list_grades(row.proposal for row in rows):
        pen.sheet.write_string(pen.line, 0, f"{grade} 级", pen.formats.label)
        pen.sheet.write_number(pen.line, 1, now[grade], pen.formats.count)
        pen.sheet.write_number(pen.line, 2, then[grade], pen.formats.count)
        pen.line += 1
    last = pen.line - 1
    pen.sheet.write_string(pen.line, 0, "尚无等级", pen.formats.label)
    pen.sheet.write_number(pen.line, 1, now[None], pen.formats.count)
    pen.sheet.write_number(pen.line, 2, 0, pen.formats.count)
    pen.line += 1
    chart = book.add_chart({"type": "column"})
    sheet_name = pen.sheet.get_name()
    for column, title, colour in ((1, "现等级", "#A6B8C9"), (2, "建议等级", "#1F4E79")):
        chart.add_series(
            {
                "name": title,
                "categories": [sheet_name, first, 0, last, 0],
                "values": [sheet_name, first, column, last, column],
                "fill": {"color": colour},
                "gap": 60,
            }
        )
    chart.set_title({"name": "等级分布：现等级与建议等级", "name_font": {"size": 12}})
    chart.set_legend({"position": "top"})
    chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#E1E4E8"}}})
    chart.set_size({"width": 640, "height": CHART_ROWS * 20})
    pen.sheet.insert_chart(first - 1, 3, chart, {"x_offset": 14, "y_offset": 2})


def _write_assumptions(pen: Pen, result: MonthResult) -> None:
    """How far the policy values can be trusted, and the assumed ones behind grades and pay by name."""
    pen.write_section("五、政策参数的依据")
    tagged = Counter(value.tag for value in result.policy_values)
    counts = "，".join(f"{title} {tagged[tag]} 项" for tag, title in TAGS.items())
    pen.write_band(f"共 {len(result.policy_values)} 项参数：{counts}。全部参数见“政策参数”表。", pen.formats.plain)
    pen.write_band(describe_fingerprint(result), pen.formats.plain, 1)
    assumed = [
        value
        for value in result.policy_values
        if value.tag == "assumed" and value.path.startswith(("grades.", "pay."))
    ]
    if assumed:
        pen.write_band("等级和工资用到的系统假定（非本市规定，待市级文件替换）：", pen.formats.plain, 1)
    for value in assumed:
        pen.write_band(f"· {value.title}：{describe_policy_figure(value)}", pen.formats.plain)
