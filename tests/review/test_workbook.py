"""The HR workbook: what each sheet holds, that text stays text, and that equal content gives equal bytes."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from flows.ledger.results import digest_proposal
from flows.results import MonthResult, Proposal
from flows.review.workbook.book import write_workbook
from flows.review.workbook.rows import ProposalProgress

SHEETS = ["汇总", "待决定", "暂缓晋级", "全部人员", "政策参数", "规则说明"]
Make = Callable[..., MonthResult]


def read(path: Path, sheet: str) -> list[list[object]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def read_people(path: Path, sheet: str) -> list[dict[str, object]]:
    header, *lines = read(path, sheet)
    return [dict(zip(header, line, strict=True)) for line in lines]


def read_part(path: Path, part: str) -> str:
    with zipfile.ZipFile(path) as book:
        return book.read(f"xl/worksheets/{part}.xml").decode()


def list_texts(path: Path, sheet: str) -> list[str]:
    return [cell for line in read(path, sheet) for cell in line if isinstance(cell, str) and cell]


def with_proposals(result: MonthResult, *proposals: Proposal) -> MonthResult:
    kept = {proposal.staff_id for proposal in proposals}
    lines = [line for line in result.pay_lines if line.staff_id in kept]
    return replace(result, proposals=list(proposals), pay_lines=lines)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hr-review.xlsx"


def test_the_workbook_has_six_sheets_in_order(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(), 1)
    assert CalamineWorkbook.from_path(path).sheet_names == SHEETS


def test_equal_content_gives_equal_bytes(make_result: Make, path: Path, tmp_path: Path) -> None:
    other = tmp_path / "again.xlsx"
    write_workbook(path, make_result(), 3)
    write_workbook(other, make_result(), 3)
    assert path.read_bytes() == other.read_bytes()


def test_each_proposal_stands_on_the_sheets_of_its_kind(make_result: Make, path: Path) -> None:
    result = make_result(community_count=30)
    write_workbook(path, result, 1)
    by_kind: dict[str, set[str]] = {}
    for proposal in result.proposals:
        by_kind.setdefault(proposal.kind, set()).add(proposal.staff_id)
    assert set(by_kind) == {"initial", "raise", "post_change", "review", "hold", "none"}

    def listed(sheet: str) -> set[object]:
        return {line["员工编号"] for line in read_people(path, sheet)}

    assert listed("待决定") == by_kind["initial"] | by_kind["raise"] | by_kind["post_change"] | by_kind["review"]
    assert listed("暂缓晋级") == by_kind["hold"]
    assert listed("全部人员") == {proposal.staff_id for proposal in result.proposals}


def test_those_that_need_individual_handling_come_first(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(community_count=30), 1)
    marks = [line["须人工核查"] for line in read_people(path, "待决定")]
    assert marks == ["是"] * marks.count("是") + ["否"] * marks.count("否")
    assert marks.count("是") > 1
    assert marks.count("否") > 1


def test_a_line_says_in_chinese_who_what_why_and_how_much(make_result: Make, path: Path) -> None:
    result = make_result()
    # Grade 4 → 5 at 3,400.00 yuan and 5 % a grade: 3,910.00 → 4,080.00, 170.00 more.
    proposal = replace(
        result.proposals[3],
        kind="raise",
        post="other",
        committee_member=True,
        current_grade=4,
        entitled_grade=5,
        proposed_grade=5,
        needs_manual=False,
        reasons=(),
    )
    pay = [line for line in result.pay_lines if line.staff_id == proposal.staff_id][:2]
    lines = [
        replace(pay[0], basis="current", grade=4, total_fen=391_000),
        replace(pay[-1], basis="proposed", grade=5, total_fen=408_000),
    ]
    write_workbook(path, replace(result, proposals=[proposal], pay_lines=lines), 1)
    (line,) = read_people(path, "待决定")
    assert line["社区"] == result.communities[0].name
    assert line["区县"] == "龙亭区"
    assert (line["岗位"], line["两委"], line["建议类型"], line["须人工核查"]) == ("其他", "是", "晋级", "否")
    assert (line["现等级"], line["应得等级"], line["建议等级"], line["级差"]) == (4, 5, 5, 1)
    assert (line["现月工资（元）"], line["建议月工资（元）"], line["月差额（元）"]) == (3910.0, 4080.0, 170.0)
    assert line["生效日期"] == date(2024, 4, 1)
    assert str(line["计算过程"]).startswith("工龄 84 个月，学历折算 36 个月，合计 120 个月；应得")


def test_every_reason_is_a_plain_sentence(make_result: Make, path: Path) -> None:
    result = make_result()
    blocks = ("appraisal_basic", "sanction")
    held = replace(result.proposals[0], kind="hold", needs_manual=False, reasons=blocks)
    write_workbook(path, with_proposals(result, held), 1)
    (line,) = read_people(path, "暂缓晋级")
    assert str(line["理由"]).endswith("考核年度结果为基本合格，暂缓晋级。处分期未满，期内暂缓晋级。")


@pytest.mark.parametrize("name", ["=1+1", "+SUM(A1)", "-2", "@cmd", '=HYPERLINK("http://x","y")'])
def test_text_that_looks_like_a_formula_is_stored_as_text(make_result: Make, path: Path, name: str) -> None:
    result = make_result()
    worker = replace(result.proposals[0], name=name, kind="raise")
    communities = [replace(row, name=name) for row in result.communities]
    result = replace(with_proposals(result, worker), communities=communities, notices=[name])
    write_workbook(path, result, 1)
    assert read_people(path, "待决定")[0]["姓名"] == name
    assert read_people(path, "全部人员")[0]["社区"] == name
    for sheet in ("sheet2", "sheet3", "sheet4", "sheet5", "sheet6"):
        assert "<f>" not in read_part(path, sheet)
    formulas = re.findall(r"<f>(.*?)</f>", read_part(path, "sheet1"))
    known = ("SUM(", "SUBTOTAL(109,", "COUNTIF(", "SUMIF(", "ROWS(")
    assert all(formula.startswith(known) for formula in formulas)


def test_lists_are_frozen_filtered_and_print_on_a4_landscape_with_their_header(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(), 1)
    for sheet in ("sheet2", "sheet3", "sheet4"):
        part = read_part(path, sheet)
        assert re.search(r'<pane [^>]*ySplit="1"[^>]*state="frozen"', part)
        assert "<autoFilter" in part
        assert re.search(r'<pageSetup [^>]*paperSize="9"[^>]*orientation="landscape"', part)
        assert "<cfRule" in part
    with zipfile.ZipFile(path) as book:
        defined = book.read("xl/workbook.xml").decode()
    assert defined.count("_xlnm.Print_Titles") == 4


def test_the_summary_counts_by_kind_and_post(make_result: Make, path: Path) -> None:
    result = make_result(community_count=30)
    write_workbook(path, result, 2)
    lines = read(path, "汇总")
    start = next(index for index, line in enumerate(lines) if line[:2] == ["建议类型", "正职"])
    found = {line[0]: line[1:6] for line in lines[start + 1 : start + 8]}
    posts = ("principal", "deputy", "other")
    raises = [sum(p.kind == "raise" and p.post == post for p in result.proposals) for post in posts]
    manual = sum(p.kind == "raise" and p.needs_manual for p in result.proposals)
    assert found["晋级"] == [*raises, sum(raises), manual]
    assert found["合计"][3] == len(result.proposals)
    assert found["合计"][4] == sum(p.needs_manual for p in result.proposals)


def test_the_summary_adds_up_money_to_the_fen(make_result: Make, path: Path) -> None:
    result = make_result()
    one, two = (replace(p, kind="raise", current_grade=4, proposed_grade=5) for p in result.proposals[:2])
    pay = {line.basis: line for line in result.pay_lines}
    totals = {one.staff_id: (391_001, 408_004), two.staff_id: (340_000, 357_007)}
    lines = [
        replace(pay[basis], staff_id=staff_id, basis=basis, total_fen=fen)
        for staff_id, amounts in totals.items()
        for basis, fen in zip(("current", "proposed"), amounts, strict=True)
    ]
    write_workbook(path, replace(result, proposals=[one, two], pay_lines=lines), 1)
    summary = read(path, "汇总")
    start = next(index for index, line in enumerate(summary) if line[1] == "有现等级（人）")
    found = {line[0]: line[1:5] for line in summary[start + 1 : start + 8]}
    # 3,910.01 + 3,400.00 = 7,310.01; 4,080.04 + 3,570.07 = 7,650.11; difference 340.10.
    assert found["晋级"] == [2, 7310.01, 7650.11, 340.1]
    assert found["合计"] == [2, 7310.01, 7650.11, 340.1]
    filtered = next(line for line in summary if str(line[0]).startswith("“待决定”表"))
    assert filtered[4] == 340.1


def test_a_worker_without_a_grade_has_no_difference(make_result: Make, path: Path) -> None:
    result = make_result()
    worker = replace(result.proposals[0], kind="initial", current_grade=None)
    pay = [line for line in result.pay_lines if line.staff_id == worker.staff_id and line.basis == "proposed"]
    write_workbook(path, replace(result, proposals=[worker], pay_lines=pay), 1)
    (line,) = read_people(path, "待决定")
    assert line["现等级"] == line["级差"] == line["现月工资（元）"] == line["月差额（元）"] == ""
    assert line["建议月工资（元）"] == pay[0].total_fen / 100


def test_without_a_pay_base_the_summary_says_so_and_the_money_stays_empty(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(paid=False), 1)
    assert any(text.startswith("未设定基数") for text in list_texts(path, "汇总"))
    for line in read_people(path, "全部人员"):
        assert line["现月工资（元）"] == line["建议月工资（元）"] == line["月差额（元）"] == ""


def test_without_proposals_the_lists_hold_their_header_only(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(staff_per_community=0), 1)
    for sheet in ("待决定", "暂缓晋级", "全部人员"):
        assert read_people(path, sheet) == []


def test_notices_and_missing_sources_stand_at_the_top(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(missing=["supervision"], notices=["名册为补报。"]), 1)
    texts = list_texts(path, "汇总")
    assert texts[0] == "2024年3月 社区工作者等级调整建议"
    assert "月度监测（暂定）" in texts[1]
    assert texts[2].startswith("注意：综合监督平台本月数据未到位。6 个社区的共建共享、宜业兴业、平安法治、幸福和谐")
    assert texts[3] == "注意：名册为补报。"


def test_policy_values_carry_their_tag_in_chinese(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(), 1)
    tags = {line["参数"]: line["依据类别"] for line in read_people(path, "政策参数")}
    assert tags["网格党组织覆盖率"] == "有出处"
    assert tags["每晋一级所需月数"] == "二手资料"
    assert tags["每高一级的增幅"] == "推算"
    assert tags["亮星所需得分"] == "系统假定（非本市规定）"
    values = {line["参数"]: (line["取值"], line["单位"]) for line in read_people(path, "政策参数")}
    assert values["月工资基数"] == ("3,400.00", "元")


def test_the_summary_names_the_assumptions_behind_grades_and_pay(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(), 1)
    texts = list_texts(path, "汇总")
    assert (
        "共 8 项参数：有出处 1 项，二手资料 1 项，推算 1 项，系统假定（非本市规定） 5 项。全部参数见“政策参数”表。"
        in texts
    )
    assert "· 一次晋级无须人工核查的最多级数：1 级" in texts


def test_the_summary_names_the_policy_by_the_start_of_its_fingerprint(make_result: Make, path: Path) -> None:
    result = make_result()
    inputs = replace(result.inputs, policy_fingerprint="0123456789abcdef" * 4)
    write_workbook(path, replace(result, inputs=inputs), 1)
    assert "政策指纹 0123456789ab" in list_texts(path, "汇总")


def test_a_worker_of_a_community_no_longer_registered_is_listed_under_its_code(make_result: Make, path: Path) -> None:
    result = make_result()
    stray = replace(result.proposals[0], community_code="410299001999")
    write_workbook(path, with_proposals(result, stray), 1)
    (line,) = read_people(path, "全部人员")
    assert (line["社区"], line["街道"], line["区县"]) == ("410299001999", "", "")


def test_only_the_decision_and_its_comment_are_hrs_to_change(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(), 1)
    with zipfile.ZipFile(path) as book:
        styles = book.read("xl/styles.xml").decode()
    looks = re.findall(r"<xf [^>]*?(?:/>|>.*?</xf>)", styles.partition("<cellXfs")[2].partition("</cellXfs>")[0])
    unlocked = {str(number) for number, look in enumerate(looks) if 'locked="0"' in look}
    assert len(unlocked) == 2
    for number in range(1, len(SHEETS) + 1):
        part = read_part(path, f"sheet{number}")
        protection = re.search(r"<sheetProtection ([^>]*)/>", part)
        assert protection
        assert "password" not in protection[1]
        assert 'autoFilter="0"' in protection[1]
        cells = re.findall(r'<c r="([A-Z]+)\d+" s="(\d+)"', part)
        expected = {"C", "D"} if number == 2 else set()
        assert {column for column, look in cells if look in unlocked} == expected
    assert read(path, "待决定")[0][2:4] == ["决定", "意见"]


def test_the_decision_is_chosen_from_a_list_and_anything_else_refused_in_chinese(
    make_result: Make, path: Path
) -> None:
    write_workbook(path, make_result(), 1)
    part = read_part(path, "sheet2")
    last = len(read(path, "待决定"))
    [(rule, formula)] = re.findall(r"<dataValidation ([^>]*)><formula1>(.*?)</formula1>", part)
    assert formula == '"同意,驳回,退回,暂缓"'
    assert f'sqref="C2:C{last}"' in rule
    assert 'error="请从下拉列表中选择：同意、驳回、退回、暂缓；还要考虑的请留空。"' in rule


def test_decisions_and_missing_comments_are_coloured(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(), 1)
    rules = re.findall(r"<cfRule [^>]*><formula>(.*?)</formula>", read_part(path, "sheet2"))
    for word in ("同意", "驳回", "退回", "暂缓"):
        assert f'$C2="{word}"' in rules
    manual = "R" if read(path, "待决定")[0][17] == "须人工核查" else "?"
    assert f'AND($D2="",OR($C2="退回",AND($C2="同意",${manual}2="是")))' in rules


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_text_that_would_become_a_formula_when_edited_is_marked_as_text(
    make_result: Make, path: Path, text: str
) -> None:
    result = make_result()
    worker = replace(result.proposals[0], name=text, kind="raise")
    write_workbook(path, with_proposals(result, worker), 1)
    with zipfile.ZipFile(path) as book:
        styles = book.read("xl/styles.xml").decode()
    looks = re.findall(r"<xf ([^>]*)", styles.partition("<cellXfs")[2])
    marked = {str(number) for number, look in enumerate(looks) if 'quotePrefix="1"' in look}
    part = read_part(path, "sheet2")
    assert re.findall(r'<c r="([A-Z]+2)" s="(?:' + "|".join(marked) + r')"', part) == ["B2"]


def test_each_line_tells_by_itself_which_revision_and_content_it_shows(make_result: Make, path: Path) -> None:
    result = make_result()
    write_workbook(path, result, 7)
    lines = {line["员工编号"]: line["校验码"] for line in read_people(path, "待决定")}
    for proposal in result.proposals:
        if proposal.staff_id in lines:
            pay = [line for line in result.pay_lines if line.staff_id == proposal.staff_id]
            assert lines[proposal.staff_id] == f"2024-03-r7-{digest_proposal(proposal, pay)[:16]}"


def test_the_summary_counts_what_is_recorded_and_what_is_filled_in(make_result: Make, path: Path) -> None:
    result = make_result()
    one, two, three = (replace(p, kind="raise", current_grade=4, proposed_grade=5) for p in result.proposals[:3])
    pay = {line.basis: line for line in result.pay_lines}
    lines = [
        replace(pay[basis], staff_id=it.staff_id, basis=basis, total_fen=fen)
        for it in (one, two, three)
        for basis, fen in (("current", 391_000), ("proposed", 408_000))
    ]
    progress = {
        one.staff_id: ProposalProgress("approved"),
        two.staff_id: ProposalProgress("prepared", "approved", "李四"),
    }
    write_workbook(path, replace(result, proposals=[one, two, three], pay_lines=lines), 1, progress=progress)
    summary = read(path, "汇总")
    start = next(index for index, line in enumerate(summary) if line[:2] == ["决定", "已记录（人）"])
    # Each raise is 170.00 a month; one is approved, two are not decided, and nothing is filled in yet.
    assert [line[:5] for line in summary[start + 1 : start + 7]] == [
        ["同意", 1, 170, 0, 0],
        ["驳回", 0, 0, 0, 0],
        ["退回", 0, 0, 0, 0],
        ["暂缓", 0, 0, 0, 0],
        ["尚无决定、未填写", 2, 340, 3, 510],
        ["合计", 3, 510, 3, 510],
    ]
    formulas = re.findall(r"<f>(.*?)</f>", read_part(path, "sheet1"))
    assert "COUNTIF('待决定'!$C$2:$C$4,\"同意\")" in formulas
    assert "COUNTIF('待决定'!$E$2:$E$4,\"已同意\")" in formulas


def test_the_rules_are_explained_with_their_values_and_tags(make_result: Make, path: Path) -> None:
    write_workbook(path, make_result(), 1)
    rules = {line[0]: (line[1], line[2]) for line in read(path, "规则说明")}
    assert set(rules) >= {"同意", "驳回", "退回", "暂缓", "§4 应得等级", "§4.6 晋级", "§5 等级工资"}
    assert rules["§4 应得等级"][1] == "每晋一级所需月数：36 月【二手资料】"
    assert rules["§4.6 晋级"][1] == "一次晋级无须人工核查的最多级数：1 级【系统假定（非本市规定）】"
    texts = list_texts(path, "规则说明")
    assert any("fivestar review import 文件.xlsx --month 2024-03" in text for text in texts)
