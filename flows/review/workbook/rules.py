"""The workbook's sheet 规则说明: how to fill it in, what each decision does, the rules with their values."""

from collections.abc import Mapping
from typing import Any

from flows.ledger.review_rows import Verdict
from flows.results import MonthResult
from flows.review.sheets.formats import Formats, set_up_page
from flows.review.sheets.pen import Pen
from flows.review.workbook.rows import CHECK_CODE, COMMENT, FINDING, VERDICT
from flows.verdicts import VERDICT_TITLES
from flows.wording import TAGS, describe_policy_figure

_WIDTHS = (15, 70, 72)

_FILLING = (
    f"只填“待决定”表的“{VERDICT}”和“{COMMENT}”两列。其余单元格已锁定，不设密码；改动过的行导入时会被拒绝。",
    f"“{VERDICT}”从下拉列表中选择。没有填“{VERDICT}”的行，导入时不受影响，可以分几次填、分几次导入，已采纳的不会重复。",
    (
        "可以筛选、调整列宽；撤销工作表保护（不设密码）后，还可以排序、隐藏或移动列、删除用不着的行。"
        f"不要合并单元格，不要改动“{CHECK_CODE}”（它写明这一行出自哪一版、是什么内容）。"
    ),
    (
        "填好后保存为 .xlsx，由填写的人（或交数据工程师）执行："
        "fivestar review import 文件.xlsx --month {month} --reviewer 填写人姓名。"
        "加 --dry-run 只核对、不采纳。"
    ),
    (
        f"导入后在同一文件夹生成“原文件名-核对结果.xlsx”，最后一列“{FINDING}”逐行写明已采纳、未改动，"
        "或已拒绝的原因。被拒绝的行改正后可以再次导入。"
    ),
    (
        "建议有了新的一版时，内容相同的行照样有效；内容不同的行会被拒绝，请重新导出："
        "fivestar review export 文件.xlsx --month {month}。"
    ),
)
_DECISIONS: Mapping[Verdict, tuple[str, str]] = {
    "approved": (
        "建议成立，发布后登记入等级台账，自生效日期起执行。",
        f"须人工核查的，必须在“{COMMENT}”写明核查的情况和理由；其余可不写。",
    ),
    "rejected": ("本次不调整，等级不变。", f"请在“{COMMENT}”写明理由，会原样写入告知书。"),
    "returned": ("需要补充或核实，建议仍待决定。", f"必须在“{COMMENT}”写明要核实的问题。"),
    "later": ("本月先不调整，等级不变，以后可以另作决定。", f"可以在“{COMMENT}”写明原因。"),
}
_FOUR_EYES = (
    "已指定经办人和审批人的：经办人填写的是经办意见，不是最后决定；审批人只能同意由他人经办同意的建议，"
    "经办人和审批人不能是同一人，各自只能处理权限范围内的区县。"
)
_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "§4 计算年限",
        "从到岗日期到生效日期的足月数，加以往工龄，减年度考核不合格应扣的月数（不足零的按零计），再加学历折算月数。",
        ("grades.education_months", "grades.incompetent_year_months"),
    ),
    ("§4 证书加级", "社会工作者证书的取得日期早于生效日期的，按证书等级加级。", ("grades.certificate_steps",)),
    (
        "§4 应得等级",
        "岗位等级区间的起点，加计算年限折成的级数（每满一个晋级月数加一级，余数不计），再加证书加级；不超出区间。",
        ("grades.step_months", "grades.bands"),
    ),
    ("§4 现等级", "等级台账在当月最后一天有效的等级；台账没有的，用名册上的现等级；都没有的，为尚无等级。", ()),
    (
        "§4 考核年度",
        "生效日期在采用日（含）以后的，看上一年度的考核结果，否则看再上一年度；在规定日期（含）前到岗的必须有结果。",
        ("grades.appraisal_cut_day", "grades.appraisal_joining_limit"),
    ),
    ("§4.1 首次定级", "尚无等级的，建议等级为应得等级；有暂缓事由的写明事由，并须人工核查。", ()),
    (
        "§4.2 岗位变动",
        "岗位与台账不同的：升岗取应得等级与现等级中较高的，不超出新岗位的区间；降岗取应得等级，并须人工核查。",
        ("grades.bands",),
    ),
    ("§4.3 等级不变", "应得等级等于现等级的，不作调整。", ()),
    ("§4.4 等级复核", "应得等级低于现等级的，等级不自动下调，须人工核查。", ()),
    (
        "§4.5 暂缓晋级",
        "应得等级高于现等级，但考核年度结果为基本合格、不合格，或应有而未见，或处分期未满的，暂缓晋级，不须决定。",
        ("grades.sanction_holds_raise", "grades.sanction_period_months"),
    ),
    (
        "§4.6 晋级",
        "其余应得等级高于现等级的，建议晋至应得等级；一次超过规定级数、而学历和证书没有变化的，须人工核查。",
        ("grades.most_steps_at_once",),
    ),
    (
        "§5 等级工资",
        "月工资基数按等级逐级递增，四舍五入到分；其中一部分为基本工资，其余为绩效工资的基数。",
        ("pay.base_fen", "pay.grade_increment", "pay.basic_share"),
    ),
    ("§5 绩效工资", "绩效工资的基数乘以考核年度结果对应的系数，四舍五入到分。", ("pay.performance_factors",)),
    (
        "§5 两委上浮",
        "所在社区有在兑现年度内的年度星级、且达到最低星数的，两委成员的基本工资上浮；不计入等级。",
        ("pay.uplift_share", "pay.title_stars_minimum"),
    ),
    ("§5 补发", "批准日期晚于生效日期的，按建议等级与现等级的月差额，补发从生效日期起的整月，只发一次。", ()),
    ("异议", "本人对决定有异议的，可以书面提出，在答复期限内答复。", ("grades.objection_answer_working_days",)),
)


def write_rules(sheet: Any, formats: Formats, result: MonthResult, heading: str) -> None:
    """Fill 规则说明; every figure stands there with the tag of the policy value that it is."""
    sheet.hide_gridlines(2)
    pen = Pen(sheet, formats, _WIDTHS)
    pen.write_band("填写说明和规则说明", formats.title)
    pen.write_section("一、怎样填写")
    for number, text in enumerate(_FILLING, start=1):
        pen.write_band(f"{number}. {text.format(month=result.month)}", formats.plain)
    pen.write_section("二、四种决定")
    pen.write_cells((VERDICT, "效果", COMMENT), formats.header)
    for verdict, (effect, comment) in _DECISIONS.items():
        pen.write_cells((VERDICT_TITLES[verdict], effect, comment), formats.boxed)
    pen.write_band(_FOUR_EYES, formats.plain)
    pen.write_section("三、等级和工资的规则（条款号见《评估规则》）")
    pen.write_cells(("条款", "规则", "用到的参数、取值和依据类别"), formats.header)
    values = {value.path: value for value in result.policy_values}
    for clause, sentence, paths in _RULES:
        known = [values[path] for path in paths if path in values]
        figures = (f"{it.title}：{describe_policy_figure(it)}【{TAGS.get(it.tag, it.tag)}】" for it in known)
        pen.write_cells((clause, sentence, "\n".join(figures)), formats.boxed)
    pen.write_band(
        "标有“系统假定（非本市规定）”的数值不是本市政策，待市级文件替换；出处和起始日期见“政策参数”表。"
        "星级为月度监测结果（暂定），不影响等级。",
        formats.plain,
    )
    set_up_page(sheet, heading, header_row=None)
