"""HR's filled-in workbook imported: what is taken, what is refused line by line, and why."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from workbook_kit import MONTH, NOW, PEOPLE, Desk, make_proposals, open_desk, put, read_column, rework

from flows.errors import DecisionRefused, UsageError
from flows.ledger.results import digest_proposal
from flows.review.intake.importing import ImportReport


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def tell(report: ImportReport) -> dict[str, str]:
    """The finding on each filled-in line as the workbook's copy tells it, by worker."""
    return {staff_id: text for staff_id, text in read_column(report.file, "核对结果").items() if text}


def test_filled_in_lines_are_recorded_with_their_comment_and_empty_ones_left_alone(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K2": ("驳回", "学历证明不符"), "K4": ("暂缓", "")})
    report = desk.take(file)
    # Five lines await a decision: K1 to K5.
    assert [(line.outcome, line.english) for line in report.lines] == [("decided", "")] * 3
    assert report.empty_count == 2
    recorded = {it.staff_id: it for it in desk.ledger.reviews.list_decisions(str(MONTH))}
    assert {key: (it.verdict, it.comment) for key, it in recorded.items()} == {
        "K1": ("approved", ""),
        "K2": ("rejected", "学历证明不符"),
        "K4": ("later", ""),
    }
    one, lines = make_proposals()[0], [it for it in desk.results[0].pay_lines if it.staff_id == "K1"]
    assert recorded["K1"].proposal_digest == digest_proposal(one, lines)
    assert (recorded["K1"].reviewer, recorded["K1"].decided_at, recorded["K1"].in_bulk) == ("张三", NOW, False)
    assert tell(report) == {"K1": "已采纳：同意", "K2": "已采纳：驳回", "K4": "已采纳：暂缓"}
    assert report.file.name == "book-核对结果.xlsx"


def test_a_workbook_imported_again_changes_nothing(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K2": ("退回", "请核对学历")})
    desk.take(file)
    report = desk.take(file, at=NOW + timedelta(hours=1))
    assert [line.outcome for line in report.lines] == ["unchanged", "unchanged"]
    assert tell(report) == dict.fromkeys(("K1", "K2"), "未改动：已有相同的决定或经办意见")
    assert len(desk.ledger.reviews.list_decisions(str(MONTH))) == 2
    # The findings of the first import are kept: somebody may be correcting them.
    assert report.file.name == "book-核对结果-2.xlsx"


def test_a_trial_tells_what_would_be_taken_and_records_nothing(desk: Desk) -> None:
    report = desk.take(desk.fill_in({"K1": ("同意", ""), "K2": ("同意", "")}), dry_run=True)
    assert desk.list_verdicts() == {}
    assert tell(report) == {
        "K1": "可采纳（只核对，未采纳）：同意",
        "K2": (
            "已拒绝：该建议须人工核查：一次晋升超过一级，而学历、证书未变，请人工核查。同意的，须在“意见”栏写明理由。"
        ),
    }


def test_a_refused_line_is_told_by_its_row_and_the_good_ones_are_taken(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K3": ("退回", "")})
    rows = {staff_id: row for row, staff_id in enumerate(read_column(file, "姓名"), start=2)}
    report = desk.take(file)
    [refused] = report.refused
    assert refused.row == rows["K3"]
    assert "can't be returned without a question" in refused.english
    assert desk.list_verdicts() == {"K1": "approved"}
    assert tell(report) == {"K1": "已采纳：同意", "K3": "已拒绝：退回须在“意见”栏写明要核实的问题。"}


@pytest.mark.parametrize(
    ("title", "text", "told"),
    [
        ("建议等级", "6", "“建议等级”被改动，现为“6”，应为“5”"),
        ("姓名", "某乙", "“姓名”被改动，现为“某乙”，应为“某甲”"),
        # Grade 5: 3,400.00 + 4 × 170.00.
        ("建议月工资（元）", "4,080.01", "“建议月工资（元）”被改动，现为“4,080.01”，应为“4080”"),
        ("生效日期", "2024-05-01", "“生效日期”被改动，现为“2024-05-01”，应为“2024-04-01”"),
        ("须人工核查", "是", "“须人工核查”被改动，现为“是”，应为“否”"),
        ("理由", "建议 6 级。", "“理由”被改动，现为“建议 6 级。”，应为“建议 5 级。”"),
        ("社区", "", "“社区”被改动，现为“空白”，应为“南京巷社区”"),
    ],
)
def test_a_line_whose_protected_cell_was_changed_is_refused(desk: Desk, title: str, text: str, told: str) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    put(file, title, {"K1": text})
    report = desk.take(file)
    assert tell(report) == {"K1": f"已拒绝：{told}。请改回原值，或重新导出后填写。"}
    [refused] = report.refused
    assert refused.english.startswith(f"protected cells were changed: {title}. ")
    assert desk.list_verdicts() == {}


def test_an_error_on_the_terminal_tells_nothing_that_a_cell_holds(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    put(file, "姓名", {"K1": "某乙"})
    [refused] = desk.take(file).refused
    assert "某" not in refused.english


def test_many_changed_cells_are_told_by_the_first_three(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    for title in ("姓名", "社区", "街道", "区县"):
        put(file, title, {"K1": "别处"})
    assert "；另有 1 格。请改回" in tell(desk.take(file))["K1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("批准", "“决定”栏的“批准”不是同意、驳回、退回、暂缓之一，请从下拉列表中选择。"),
        ("不同意", "“决定”栏的“不同意”不是同意、驳回、退回、暂缓之一，请从下拉列表中选择。"),
    ],
)
def test_a_word_that_is_no_decision_is_refused(desk: Desk, text: str, told: str) -> None:
    assert tell(desk.take(desk.fill_in({"K1": (text, "")}))) == {"K1": f"已拒绝：{told}"}


def test_a_decision_with_blanks_around_it_is_understood(desk: Desk) -> None:
    desk.take(desk.fill_in({"K1": (" 同意　", "  核对无误 ")}))
    [decision] = desk.ledger.reviews.list_decisions(str(MONTH))
    assert (decision.verdict, decision.comment) == ("approved", "核对无误")


def test_a_formula_counts_as_what_it_shows(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})

    def turn_into_formula(rows: list[list[object]]) -> list[list[object]]:
        rows[[row[0] for row in rows].index("K1")][2] = ('="同"&"意"', "同意")
        return rows

    desk.take(rework(file, turn_into_formula))
    assert desk.list_verdicts() == {"K1": "approved"}


def test_an_error_value_is_not_taken_for_nothing(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K4": ("同意", "")})

    def spoil(rows: list[list[object]]) -> list[list[object]]:
        rows[[row[0] for row in rows].index("K1")][2] = ("=NA()", "#N/A")
        return rows

    report = desk.take(rework(file, spoil))
    assert tell(report)["K1"].startswith("已拒绝：“决定”栏的“错误值”不是同意")
    assert desk.list_verdicts() == {"K4": "approved"}


def test_a_worker_who_is_not_there_is_refused(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    put(file, "员工编号", {"K1": "K99"})
    # The code in the line still tells whose it is.
    assert tell(desk.take(file)) == {
        "K99": "已拒绝：“员工编号”被改动，现为“K99”，应为“K1”。请改回原值，或重新导出后填写。"
    }
    put(file, "校验码", {"K99": "2024-03-r1-0123456789abcdef"})
    assert tell(desk.take(file)) == {"K99": "已拒绝：第 1 版没有员工编号 K99，请核对编号。"}
    assert desk.list_verdicts() == {}


def test_a_line_without_a_number_is_refused(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    put(file, "员工编号", {"K1": ""})
    [refused] = desk.take(file).refused
    assert refused.finding == "已拒绝：“员工编号”为空，不知道决定的是谁。"


def test_a_worker_decided_on_twice_in_one_file_is_refused_in_both_rows(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K3": ("同意", "")})

    def repeat(rows: list[list[object]]) -> list[list[object]]:
        line = next(row for row in rows if row[0] == "K1")
        return [*rows, [*line[:2], "驳回", *line[3:]]]

    report = desk.take(rework(file, repeat))
    # K2 and K5 need a person and come first, then by district K1, K4 and K3: rows 4 to 6, the copy in row 7.
    assert [(line.row, line.outcome) for line in report.lines] == [(4, "refused"), (6, "decided"), (7, "refused")]
    assert {line.finding for line in report.refused} == {"已拒绝：员工编号 K1 在第 4、7 行重复填写，请只保留一行。"}
    assert desk.list_verdicts() == {"K3": "approved"}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", "“校验码”被改动或为空，不知道这一行出自哪一版。请重新导出工作簿，在其中填写。"),
        ("2024-03-r1", "“校验码”被改动或为空，不知道这一行出自哪一版。请重新导出工作簿，在其中填写。"),
        ("2024-03-r7-0123456789abcdef", "“校验码”写的第 7 版不存在。请重新导出工作簿，在其中填写。"),
        ("2024-03-r1-0123456789abcdef", "“校验码”不是员工编号 K1 的。请重新导出工作簿，在其中填写。"),
        ("2024-02-r1-0123456789abcdef", "这一行出自 2024-02 的工作簿，不是 2024-03 的，请移出。"),
    ],
)
def test_a_line_whose_code_was_changed_is_refused(desk: Desk, code: str, told: str) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K4": ("同意", "")})
    put(file, "校验码", {"K1": code})
    assert tell(desk.take(file)) == {"K1": f"已拒绝：{told}", "K4": "已采纳：同意"}


def test_of_an_older_revision_what_reads_the_same_is_taken_and_the_rest_is_stale(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K4": ("同意", "")})
    desk.judge(replace(make_proposals()[0], entitled_grade=6, proposed_grade=6))
    report = desk.take(file)
    assert tell(report) == {
        "K1": "已拒绝：该员工的建议与最新的第 2 版不同，请重新导出工作簿后再作决定。",
        "K4": "已采纳：同意",
    }
    [decision] = desk.ledger.reviews.list_decisions(str(MONTH))
    assert (decision.staff_id, decision.revision) == ("K4", 2)


def test_a_comment_without_a_decision_is_pointed_out(desk: Desk) -> None:
    report = desk.take(desk.fill_in({"K1": ("同意", ""), "K4": ("", "再看看")}))
    assert tell(report)["K4"] == "未处理：填了“意见”，没有填“决定”"
    assert desk.list_verdicts() == {"K1": "approved"}


def test_what_another_person_decided_since_the_export_is_not_overridden(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", ""), "K4": ("同意", "")})
    desk.take(desk.fill_in({"K1": ("驳回", "材料不全"), "K4": ("同意", "")}, "other.xlsx"), reviewer="李四")
    report = desk.take(file, at=NOW + timedelta(hours=1))
    assert tell(report) == {
        "K1": "已拒绝：导出以后，李四 已于 2024-04-05 10:00:00 决定“驳回”。请重新导出工作簿后再作决定。",
        "K4": "未改动：已有相同的决定或经办意见",
    }
    # A fresh export shows the decision; who sees it may decide otherwise.
    again = desk.fill_in({"K1": ("同意", "材料已补")}, "again.xlsx")
    assert read_column(again, "决定人")["K1"] == "李四"
    assert tell(desk.take(again, at=NOW + timedelta(hours=2))) == {"K1": "已采纳：同意"}


def test_who_decided_may_think_again_in_the_same_workbook(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    desk.take(file)
    put(file, "决定", {"K1": "驳回"})
    assert tell(desk.take(file, at=NOW + timedelta(hours=1))) == {"K1": "已采纳：驳回"}
    assert desk.list_verdicts() == {"K1": "rejected"}


def test_a_preparers_workbook_prepares_and_an_approvers_decides(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "档案齐全"), "K4": ("驳回", "")})
    report = desk.take(file, reviewer="李经办", people=PEOPLE)
    assert tell(report) == {
        "K1": "已采纳：经办意见为同意，待审批人决定",
        "K4": "已采纳：经办意见为驳回，待审批人决定",
    }
    assert desk.list_verdicts() == {}
    # The approver sees who prepared what, and decides in a fresh export.
    second = desk.fill_in({"K1": ("同意", "")}, "approver.xlsx")
    shown = {title: read_column(second, title) for title in ("状态", "经办人", "经办意见")}
    assert {title: column["K1"] for title, column in shown.items()} == {
        "状态": "已经办",
        "经办人": "李经办",
        "经办意见": "同意：档案齐全",
    }
    assert shown["经办意见"]["K4"] == "驳回"
    assert tell(desk.take(second, reviewer="王审批", people=PEOPLE)) == {"K1": "已采纳：同意"}
    third = desk.export("third.xlsx")
    row = {title: read_column(third, title)["K1"] for title in ("状态", "经办人", "决定人", "决定时间")}
    assert row == {"状态": "已同意", "经办人": "李经办", "决定人": "王审批", "决定时间": "2024-04-05 10:00:00"}
    assert read_column(third, "决定")["K1"] == ""


def test_nobody_approves_by_workbook_what_they_prepared_or_nobody_did(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    assert tell(desk.take(file, reviewer="王审批", people=PEOPLE)) == {
        "K1": "已拒绝：尚无他人经办该建议；王审批 只能审批他人经办同意的建议，请先由经办人提出。"
    }
    desk.take(file, reviewer="赵两任", people=PEOPLE)
    put(file, "意见", {"K1": "同意晋级"})
    assert tell(desk.take(file, reviewer="赵两任", people=PEOPLE)) == {
        "K1": "已拒绝：该决定由 赵两任 本人经办，不能由同一人审批，请由其他审批人决定。"
    }
    assert desk.list_verdicts() == {}


def test_a_worker_of_another_district_is_refused(desk: Desk) -> None:
    report = desk.take(desk.fill_in({"K1": ("驳回", ""), "K3": ("驳回", "")}), reviewer="钱鼓楼", people=PEOPLE)
    assert desk.list_verdicts() == {"K3": "rejected"}
    assert tell(report)["K1"] == (
        "已拒绝：该员工属于区县410202，不在钱鼓楼（审批人，区县 410204）的权限范围内，请由有权限的人决定。"
    )


def test_somebody_who_is_not_named_imports_nothing(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    with pytest.raises(DecisionRefused, match="not among the reviewers"):
        desk.take(file, reviewer="路人", people=PEOPLE)
    assert list(desk.folder.glob("*核对结果*")) == []


def test_where_the_findings_cannot_be_written_nothing_is_recorded(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    with pytest.raises(UsageError, match=r"cannot be written .* so nothing was recorded"):
        desk.take(file, report=desk.folder / "nowhere" / "findings.xlsx")
    with pytest.raises(UsageError, match="is the workbook itself"):
        desk.take(file, report=file)
    with pytest.raises(UsageError, match=r"ends in \.xlsx"):
        desk.take(file, report=desk.folder)
    assert desk.list_verdicts() == {}
    assert sorted(path.name for path in desk.folder.glob("*.xlsx")) == ["book.xlsx"]
    assert list(desk.folder.glob(".*")) == []


def test_the_findings_go_where_they_are_told_to(desk: Desk) -> None:
    file = desk.fill_in({"K1": ("同意", "")})
    report = desk.take(file, report=desk.folder / "findings.xlsx")
    assert report.file == desk.folder / "findings.xlsx"
    assert tell(report) == {"K1": "已采纳：同意"}


def test_the_copy_with_findings_is_mended_and_imported_in_its_turn(desk: Desk) -> None:
    first = desk.take(desk.fill_in({"K1": ("同意", ""), "K3": ("退回", "")}))
    put(first.file, "意见", {"K3": "请核对到岗日期"})
    second = desk.take(first.file, at=NOW + timedelta(hours=1))
    assert second.file.name == "book-核对结果-2.xlsx"
    assert tell(second) == {"K1": "未改动：已有相同的决定或经办意见", "K3": "已采纳：退回"}
    assert desk.list_verdicts() == {"K1": "approved", "K3": "returned"}


def test_the_last_decision_of_a_month_is_told(desk: Desk) -> None:
    most = dict.fromkeys(("K1", "K2", "K3", "K4"), ("驳回", ""))
    assert not desk.take(desk.fill_in(most)).settles_review
    assert desk.take(desk.fill_in({"K5": ("暂缓", "")})).settles_review
