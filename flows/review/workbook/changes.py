"""Two sheets that the workbook has only if needed: workers whom the roster lacks, and what a revision changed."""

from collections.abc import Sequence
from typing import Any

from flows.changes import SUBJECTS, describe_causes
from flows.results import Change, Lineage, MonthResult
from flows.review.sheets.formats import HEADER_HEIGHT, Formats, set_up_page
from flows.wording import BASES, KINDS, POSTS, describe_column, describe_proposal_reasons, format_yuan

_MISSING_COLUMNS = (("员工编号", 14), ("等级", 8), ("等级出处", 24), ("最近在册月份", 16), ("处理办法", 60))
_CHANGE_COLUMNS = (("结果", 12), ("员工编号", 14), ("项目", 18), ("原值", 34), ("现值", 34), ("原因", 16))
_WORKER_SUBJECTS = ("grades", "pay")
_FIELDS = {
    "entitled_grade": "应得等级",
    "proposed_grade": "建议等级",
    "kind": "建议类型",
    "needs_manual": "须人工核查",
    "reasons": "理由",
    "grade": "等级",
    "appraisal": "考核结果",
    "basic_fen": "基本工资（元）",
    "performance_fen": "绩效工资（元）",
    "uplift_fen": "上浮（元）",
    "total_fen": "合计（元）",
}


def write_missing_workers(sheet: Any, formats: Formats, result: MonthResult, heading: str) -> None:
    """Fill 名册缺人: who holds a grade and has no roster row this month, and what to do."""
    lines = [
        (
            worker.staff_id,
            str(worker.grade),
            "等级台账" if worker.is_registered else "上月名册",
            worker.last_listed_in or "无",
            "核对名册：补录后重新接入并评估；已离岗的，由人事部门说明。被拒收的名册行见 fivestar quarantine list。",
        )
        for worker in result.missing_workers
    ]
    _write_lines(sheet, formats, _MISSING_COLUMNS, lines, heading)


def write_changes(sheet: Any, formats: Formats, lineage: Lineage, heading: str) -> None:
    """Fill 版本差异: each cell of grades and pay that differs from the revision compared with, and why."""
    lines = [_describe_change(change) for change in lineage.changes if change.subject in _WORKER_SUBJECTS]
    _write_lines(sheet, formats, _CHANGE_COLUMNS, lines, f"{heading}（与第 {lineage.compared_with} 版相比）")


def _describe_change(change: Change) -> tuple[str, ...]:
    staff_id, _, basis = change.subject_id.partition("/")
    title = SUBJECTS[change.subject] + (f"（{BASES[basis]}）" if basis else "")
    before, after = (_describe_cell(change.field, text) for text in (change.before, change.after))
    return (
        title,
        staff_id,
        _FIELDS.get(change.field) or describe_column(change.field),
        before,
        after,
        (describe_causes(change.causes)),
    )


def _describe_cell(field: str, text: str) -> str:
    if not text:
        return "无"
    if field.endswith("_fen"):
        return format_yuan(int(text))
    if field == "reasons":
        return describe_proposal_reasons(text.split(";"))
    return {**KINDS, **POSTS, "true": "是", "false": "否"}.get(text, text)


def _write_lines(
    sheet: Any,
    formats: Formats,
    columns: Sequence[tuple[str, int]],
    lines: Sequence[Sequence[str]],
    heading: str,
) -> None:
    for index, (title, width) in enumerate(columns):
        sheet.set_column(index, index, width, formats.body("long", wrap=True))
        sheet.write_string(0, index, title, formats.header)
    sheet.set_row(0, HEADER_HEIGHT)
    look = formats.body("long", wrap=True)
    for number, line in enumerate(lines, start=1):
        for index, text in enumerate(line):
            sheet.write_string(number, index, text, look)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(lines), 1), len(columns) - 1)
    set_up_page(sheet, heading, header_row=0)
