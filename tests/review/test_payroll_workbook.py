"""Payroll's workbook: what its sheets hold, that text stays text, and that equal content gives equal bytes."""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from xml.etree import ElementTree

import pytest
from python_calamine import CalamineWorkbook

from flows.month import Month
from flows.policy import PolicyValue
from flows.results import Community
from flows.review.payroll import PayrollLine
from flows.review.payroll_guide import PayBasis
from flows.review.payroll_workbook import format_payroll_workbook

MONTH = Month(2024, 3)
HEADER = 4
"""Title, facts, warning and totals stand above the header."""
RECORDED_AT = datetime(2024, 4, 5, 2, tzinfo=UTC)

# A raise from 374,000 to 391,000 fen (policy §5 at a base of 340,000), approved in June: two months, 34,000.
GRANT = PayrollLine(
    month="2024-03",
    staff_id="K2",
    register_no=7,
    entry="grant",
    reverses_no=None,
    post="other",
    previous_grade=3,
    grade=4,
    effective_on=date(2024, 4, 1),
    approved_on=date(2024, 6, 10),
    basic_fen=273_700,
    performance_fen=117_300,
    uplift_fen=0,
    total_fen=391_000,
    previous_total_fen=374_000,
    change_fen=17_000,
    arrears_months=2,
    arrears_fen=34_000,
    decision_no=5,
    revision=1,
    name="某甲",
    community=Community("410202001009", "县街社区", "410202001", "北书店街道", "410202", "龙亭区"),
    recorded_at=RECORDED_AT,
)
REVERSAL = replace(
    GRANT,
    register_no=9,
    entry="reversal",
    reverses_no=7,
    previous_grade=4,
    grade=3,
    approved_on=date(2024, 7, 2),
    basic_fen=261_800,
    performance_fen=112_200,
    total_fen=374_000,
    previous_total_fen=391_000,
    change_fen=-17_000,
    arrears_fen=-34_000,
    decision_no=6,
    recorded_at=datetime(2024, 7, 3, 2, tzinfo=UTC),
)
FIRST = replace(
    GRANT, staff_id="K1", register_no=8, previous_grade=None, grade=3, previous_total_fen=None, change_fen=None,
    arrears_months=None, arrears_fen=None,
)  # fmt: skip
VALUES = [
    PolicyValue(f"pay.{number}", f"参数{number}", "0.05", "ratio", tag, "", date(2024, 1, 1), date(2024, 1, 1))
    for number, tag in enumerate(("sourced", "assumed", "derived"))
]
BASES = [PayBasis(1, "f" * 64, VALUES)]


def make(lines: Sequence[PayrollLine] = (GRANT,), bases: Sequence[PayBasis] = BASES) -> bytes:
    return format_payroll_workbook(MONTH, lines, bases)


def read(content: bytes, sheet: str = "工资调整单") -> list[list[object]]:
    return CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def read_lines(content: bytes) -> list[dict[str, object]]:
    _, _, _, _, header, *lines = read(content)
    return [dict(zip(map(str, header), line, strict=True)) for line in lines]


def read_part(content: bytes, part: str) -> str:
    with zipfile.ZipFile(BytesIO(content)) as book:
        return book.read(part).decode()


def list_guide(content: bytes) -> list[str]:
    return [str(cell) for line in read(content, "说明") for cell in line if cell]


def test_a_line_tells_who_what_from_when_and_how_much_in_yuan() -> None:
    [line] = read_lines(make())
    assert line == {
        "登记号": 7, "类别": "调整", "撤回的登记号": "", "员工编号": "K2", "姓名": "某甲", "社区": "县街社区",
        "区县": "龙亭区", "岗位": "其他", "原等级": 3, "执行等级": 4, "生效日期": date(2024, 4, 1),
        "批准日期": date(2024, 6, 10), "基本工资（元）": 2737.0, "绩效工资（元）": 1173.0, "上浮（元）": 0,
        "月工资（元）": 3910.0, "原月工资（元）": 3740.0, "每月增减（元）": 170.0, "补发月数": 2, "补发（元）": 340.0,
        "备注": "", "决定号": 5, "版次": 1,
    }  # fmt: skip


def test_lines_stand_in_the_order_of_the_register_so_that_new_ones_come_last() -> None:
    lines = read_lines(make([REVERSAL, FIRST, GRANT]))
    assert [line["登记号"] for line in lines] == [7, 8, 9]
    assert [line["类别"] for line in lines] == ["调整", "调整", "撤回"]


def test_what_a_person_must_see_to_stands_beside_the_line_and_counted_at_the_top() -> None:
    unpaid = replace(FIRST, register_no=10, basic_fen=None, performance_fen=None, uplift_fen=None, total_fen=None)
    gone = replace(REVERSAL, register_no=11, reverses_no=8, grade=None, total_fen=None, change_fen=None)
    content = make([GRANT, FIRST, REVERSAL, unpaid, gone])
    assert [line["备注"] for line in read_lines(content)] == [
        "",
        "补发由人核算。",
        "已发部分由人结清。",
        "金额由人核定。补发由人核算。",
        "撤回后无已定等级。已发部分由人结清。",
    ]
    assert read(content)[2][0] == (
        "注意：金额由人核定 1 行；补发由人核算 2 行；撤回前已发部分由人结清 2 行。逐行见“备注”。"
    )
    assert read(make())[2][0] == ""


def test_totals_are_formulas_that_follow_the_filter_and_have_their_value() -> None:
    content = make([GRANT, FIRST, REVERSAL])
    formulas = dict(re.findall(r'<c r="(\w+)"[^>]*><f>(.*?)</f>', read_part(content, "xl/worksheets/sheet1.xml")))
    assert formulas == {"R4": "SUBTOTAL(109,R6:R8)", "T4": "SUBTOTAL(109,T6:T8)"}
    header, totals = read(content)[HEADER], read(content)[HEADER - 1]
    assert (header.index("每月增减（元）"), header.index("补发（元）")) == (17, 19)
    # 170.00 − 170.00, and 340.00 − 340.00.
    assert (totals[17], totals[19]) == (0, 0)
    assert read(make())[HEADER - 1][17] == 170.0


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2", "@cmd"])
def test_text_that_looks_like_a_formula_is_kept_as_text_even_when_its_cell_is_edited(text: str) -> None:
    assert GRANT.community is not None
    line = replace(GRANT, name=text, staff_id=text, community=replace(GRANT.community, name=text))
    content = make([line])
    [row] = read_lines(content)
    assert (row["姓名"], row["员工编号"], row["社区"]) == (text, text, text)
    sheet = read_part(content, "xl/worksheets/sheet1.xml")
    assert text not in re.findall("<f>(.*?)</f>", sheet)
    styles = ElementTree.fromstring(read_part(content, "xl/styles.xml"))
    [formats] = [node for node in styles if node.tag.endswith("cellXfs")]
    quoted = {str(place) for place, node in enumerate(formats) if node.get("quotePrefix") == "1"}
    marked = {cell for cell, style in re.findall(r'<c r="(\w+)" s="(\d+)"', sheet) if style in quoted}
    assert marked == {"D6", "E6", "F6"}


def test_the_lines_are_frozen_filtered_protected_without_a_password_and_print_on_a4_landscape() -> None:
    content = make([GRANT, FIRST, REVERSAL])
    sheet, guide = (read_part(content, f"xl/worksheets/sheet{number}.xml") for number in (1, 2))
    assert re.search(r'<pane [^>]*ySplit="5"[^>]*state="frozen"', sheet)
    assert '<autoFilter ref="A5:W8"/>' in sheet
    for part in (sheet, guide):
        [protection] = re.findall("<sheetProtection[^>]*>", part)
        assert "password" not in protection and 'autoFilter="0"' in protection
        assert re.search(r'<pageSetup [^>]*paperSize="9"[^>]*orientation="landscape"', part)
    assert "$5:$5" in read_part(content, "xl/workbook.xml")


def test_the_guide_explains_every_column() -> None:
    content = make()
    cells = list_guide(content)
    for title in read(content)[HEADER]:
        assert cells.count(str(title)) == 1, title


def test_the_guide_tells_how_much_of_the_pay_rests_on_assumed_values() -> None:
    texts = list_guide(make())
    # One of three: 33.33… % → 33.3 %.
    assert any("政策参数 3 项，其中系统假定（非本市规定） 1 项，占 33.3%" in text for text in texts)
    assert "参数1：0.05〔系统假定（非本市规定）〕" in texts


def test_a_policy_that_is_not_kept_is_told_and_not_passed_over() -> None:
    texts = list_guide(make(bases=[PayBasis(2, "f" * 64, [])]))
    assert "当时的政策文件没有存档（政策指纹 ffffffffffff），依据类别不详。" in texts


def test_equal_content_gives_equal_bytes_dated_by_the_newest_record() -> None:
    content = make([GRANT, REVERSAL])
    assert content == make([REVERSAL, GRANT])
    assert "2024-07-03T02:00:00Z" in read_part(content, "docProps/core.xml")
