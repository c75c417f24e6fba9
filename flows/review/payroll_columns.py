"""The columns of payroll's workbook: heading, width, look, value and meaning; and what a line asks a person to do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from flows.review.payroll import PayrollLine
from flows.wording import POSTS, convert_to_yuan

ENTRIES = {"grant": "调整", "amendment": "更正", "reversal": "撤回"}

Cell = str | int | Decimal | date | None
Look = Literal["text", "code", "number", "money", "date", "remark"]


@dataclass(frozen=True)
class PayrollColumn:
    """One column; `is_summed` where the lines' amounts together say something."""

    title: str
    width: int
    look: Look
    read: Callable[[PayrollLine], Cell]
    meaning: str
    is_summed: bool = False


def lacks_amount(line: PayrollLine) -> bool:
    """Whether a grade holds whose pay was not worked out."""
    return line.grade is not None and line.total_fen is None


def list_remarks(line: PayrollLine) -> str:
    """What a person must see to before the line is paid; empty if nothing."""
    remarks = []
    if lacks_amount(line):
        remarks.append("金额由人核定。")
    if line.lacks_arrears:
        remarks.append("补发由人核算。")
    if line.entry == "reversal" and line.grade is None:
        remarks.append("撤回后无已定等级。")
    if line.leaves_paid:
        remarks.append("已发部分由人结清。")
    return "".join(remarks)


def _read_yuan(attribute: str) -> Callable[[PayrollLine], Decimal | None]:
    def read(line: PayrollLine) -> Decimal | None:
        fen: int | None = getattr(line, attribute)
        return None if fen is None else convert_to_yuan(fen)

    return read


COLUMNS: tuple[PayrollColumn, ...] = (
    PayrollColumn(
        "登记号", 7, "number", lambda line: line.register_no,
        "等级台账的登记号。新增的行号码更大，排在最后；比上次办到的号码大的，就是还没有办理的。",
    ),
    PayrollColumn(
        "类别", 6, "code", lambda line: ENTRIES[line.entry],
        "调整：本月评定给本人定的等级。更正：对本月已定等级的更正，以这一行为准。撤回：撤回一条登记，恢复它之前的等级和工资。",
    ),
    PayrollColumn("撤回的登记号", 7, "number", lambda line: line.reverses_no, "“撤回”行有：被撤回的登记。"),
    PayrollColumn("员工编号", 10, "text", lambda line: line.staff_id, "人员名册里的编号，办理时以编号为准。"),
    PayrollColumn("姓名", 8, "text", lambda line: line.name, "评定时名册上的姓名。"),
    PayrollColumn(
        "社区", 13, "text", lambda line: "" if line.community is None else line.community.name, "评定时所在的社区。"
    ),
    PayrollColumn(
        "区县", 11, "text", lambda line: "" if line.community is None else line.community.district_name,
        "社区所属的区县。",
    ),
    PayrollColumn(
        "岗位", 5, "code", lambda line: POSTS.get(line.post, line.post), "登记的岗位；“撤回”行是被撤回登记的岗位。"
    ),
    PayrollColumn(
        "原等级", 5, "number", lambda line: line.previous_grade,
        "本表上一次告知的等级；本表没有告知过的，是评定时的现等级。空白：没有等级。",
    ),
    PayrollColumn(
        "执行等级", 5, "number", lambda line: line.grade, "从生效日期起执行的等级；“撤回”行是恢复后的等级。"
    ),
    PayrollColumn("生效日期", 11, "date", lambda line: line.effective_on, "从这一天起按“执行等级”计发。"),
    PayrollColumn(
        "批准日期", 11, "date", lambda line: line.approved_on, "批准或者决定撤回的日期；晚于生效日期的可能有补发。"
    ),
    PayrollColumn("基本工资（元）", 10, "money", _read_yuan("basic_fen"), "每月基本工资。"),
    PayrollColumn("绩效工资（元）", 10, "money", _read_yuan("performance_fen"), "每月绩效工资，已乘年度考核系数。"),
    PayrollColumn("上浮（元）", 9, "money", _read_yuan("uplift_fen"), "两委成员因社区年度星级上浮的部分。"),
    PayrollColumn("月工资（元）", 10, "money", _read_yuan("total_fen"), "以上三项之和。空白：没有算出，由人核定。"),
    PayrollColumn(
        "原月工资（元）", 10, "money", _read_yuan("previous_total_fen"),
        "本表上一次告知的月工资；没有的，是现等级的月工资。",
    ),
    PayrollColumn(
        "每月增减（元）", 10, "money", _read_yuan("change_fen"),
        "月工资减原月工资。同一人有几行的，各行相加就是总的变动。", is_summed=True,
    ),
    PayrollColumn(
        "补发月数", 5, "number", lambda line: line.arrears_months,
        "批准晚于生效日期的，从生效日期到批准当月 1 日的整月数。",
    ),
    PayrollColumn(
        "补发（元）", 11, "money", _read_yuan("arrears_fen"),
        "每月增减乘补发月数，只发一次；负数是撤回时冲回已列的补发。", is_summed=True,
    ),
    PayrollColumn("备注", 21, "remark", list_remarks, "要由人办的事；空白就是没有。"),
    PayrollColumn("决定号", 7, "number", lambda line: line.decision_no, "依据的决定在系统里的编号。"),
    PayrollColumn("版次", 5, "number", lambda line: line.revision, "作决定时看到的是本月结果的第几版。"),
)  # fmt: skip
