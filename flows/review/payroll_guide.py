"""The sheet of payroll's workbook that explains it: how to use it, each column, and what the pay rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flows.exact import format_decimal
from flows.policy import PolicyValue, shorten_fingerprint
from flows.review.payroll_columns import COLUMNS
from flows.review.workbook_formats import LINE_HEIGHT, Formats, count_lines, set_up_page
from flows.wording import TAGS, describe_policy_figure

_WIDTHS = (18, 100)
_ABOUT = (
    "本月评定中经批准并登记入等级台账的每月工资调整，供办理工资的人使用。评定结果以等级台账为准，本表由“发布”命令生成，"
    "再次发布、重新评估都只会在后面增加新行，不会改已有的行。"
)
_STEPS = (
    "每行只办理一次。记下办到的最大登记号；下次收到新的表，用“登记号”筛选出更大的号码，从那里接着办。",
    "“调整”行：从生效日期起，按“月工资”计发。",
    "“更正”行：同一人再有一行，以登记号最大的一行为准；“原月工资”是上一行告知的数额。",
    "“撤回”行：前面的一条登记不再有效，从生效日期起恢复为本行的等级和工资；本行的等级为空的，恢复为没有定级。",
    (
        "“补发”是批准晚于生效日期所欠的整月差额，只发一次，不并入月工资；“撤回”行的负数冲回已经列过的补发。"
        "批准当月起的工资按新等级计发，不在补发之内。"
    ),
    (
        "备注写明“由人”的事，本表不算：没有现等级、没有工资基数或者更正的，应补多少由人核算；"
        "撤回的，生效日期到撤回之间已经按被撤回的数额发出的，由人结清。"
    ),
    "表中有公式的只有合计，随筛选变化。工作表有保护，没有密码，只防误改；要排序请另存一份。",
)


@dataclass(frozen=True)
class PayBasis:
    """The policy values by which the pay of one revision's lines was worked out; none if they are not kept."""

    revision: int
    fingerprint: str
    values: Sequence[PolicyValue]


def write_guide(sheet: Any, formats: Formats, title: str, bases: Sequence[PayBasis]) -> None:
    """How the lines are used, what each column means, and how much of the pay rests on assumed values."""
    for index, width in enumerate(_WIDTHS):
        sheet.set_column(index, index, width)
    sheet.set_row(0, 26)
    sheet.write_string(0, 0, f"{title} 说明", formats.title)
    pen = _Pen(sheet, formats)
    pen.write_section("一、这是什么")
    pen.write_line("", _ABOUT)
    pen.write_section("二、怎样使用")
    for number, step in enumerate(_STEPS, start=1):
        pen.write_line(f"{number}", step)
    pen.write_section("三、各列的意思")
    for column in COLUMNS:
        pen.write_line(column.title, column.meaning)
    pen.write_section("四、工资依据的参数")
    for basis in bases:
        _write_basis(pen, basis)
    set_up_page(sheet, f"{title} 说明", header_row=None)


def _write_basis(pen: "_Pen", basis: PayBasis) -> None:
    name = f"第 {basis.revision} 版"
    if not basis.values:
        fingerprint = shorten_fingerprint(basis.fingerprint)
        pen.write_line(name, f"当时的政策文件没有存档（政策指纹 {fingerprint}），依据类别不详。")
        return
    assumed = [value for value in basis.values if value.tag == "assumed"]
    share = format_decimal(Fraction(len(assumed), len(basis.values)) * 100, 1)
    pen.write_line(
        name,
        f"工资用到的政策参数 {len(basis.values)} 项，其中{TAGS['assumed']} {len(assumed)} 项，占 {share}%。"
        "系统假定不是本市规定，待市级文件替换。",
    )
    for value in basis.values:
        pen.write_line("", f"{value.title}：{describe_policy_figure(value)}〔{TAGS.get(value.tag, value.tag)}〕")


class _Pen:
    """Writes downwards in two columns."""

    def __init__(self, sheet: Any, formats: Formats) -> None:
        self._sheet = sheet
        self._formats = formats
        self._line = 1

    def write_section(self, text: str) -> None:
        self._line += 1
        for index in range(len(_WIDTHS)):
            self._sheet.write_blank(self._line, index, None, self._formats.section)
        self._sheet.write_string(self._line, 0, text, self._formats.section)
        self._line += 1

    def write_line(self, label: str, text: str) -> None:
        self._sheet.set_row(self._line, LINE_HEIGHT * count_lines(text, _WIDTHS[1]) + 4)
        self._sheet.write_string(self._line, 0, label, self._formats.label if label else self._formats.plain)
        self._sheet.write_string(self._line, 1, text, self._formats.plain)
        self._line += 1
