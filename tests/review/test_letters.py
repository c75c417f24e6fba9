"""Letters to workers: what each says of its grade, reasons, pay and policy, and that it names nobody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from docx import Document
from letter_month import (
    FIRST,
    HELD,
    JUDGED_AT,
    MONTH,
    NAMES,
    OPEN,
    RAISED,
    REJECTED,
    SHIPPED,
    propose,
    say,
    write,
)

from flows.house import House, open_house
from flows.ledger.results import Making
from flows.policy import load_policy
from flows.results import Inputs, MonthResult
from flows.review.publication import publish
from flows.settings import load_settings

ASSUMED = "系统假定（非本市规定）"


def read_letter(file: Path) -> str:
    """Everything that the letter shows, a paragraph or a table's row a line, cells between bars."""
    document = Document(str(file))
    shown = [
        part.text
        if hasattr(part, "text")
        else "\n".join(" | ".join(cell.text for cell in row.cells) for row in part.rows)
        for part in document.iter_inner_content()
    ]
    return "\n".join(shown)


def read(house: House, folder: Path, staff_id: str) -> str:
    write(house, folder, staff_id)
    return read_letter(folder / f"2024-03-{staff_id}.docx")


def test_an_approved_raise_tells_the_grade_every_step_and_the_pay(house: House, tmp_path: Path) -> None:
    text = read(house, tmp_path, RAISED)
    assert text.startswith("等级调整告知书\n")
    assert "姓名 | 赵甲 | 员工编号 | K1" in text
    assert "由 4 级调整为 5 级，自2024年4月1日起执行" in text
    assert "审定人：王审核；审定日期：2024年3月31日；审定意见：核对无误。" in text
    assert "1. 计算年限 | 工龄 84 个月，学历折算 36 个月，合计 120 个月 | §4；" in text
    assert "2. 证书加级 | 加 1 级 | §4；社会工作者证书加级〔二手资料〕" in text
    assert "3. 应得等级 | 应得 5 级：起点 1 级，年限加 3 级，证书加 1 级，不超过 12 级 | §4；" in text
    assert f"一次晋级无须人工核查的最多级数 1 级〔{ASSUMED}〕" in text
    assert "基本工资 | 2,737.00 | 2,856.00\n绩效工资 | 1,173.00 | 1,224.00\n合计 | 3,910.00 | 4,080.00" in text
    assert "到岗日期：2017-04-01；以往工龄：0 个月；学历：本科；证书：助理社会工作师（2020-06-01）；" in text


def test_a_letter_names_the_revision_and_the_policy_that_judged(house: House, config: Path, tmp_path: Path) -> None:
    text = read(house, tmp_path, RAISED)
    assert f"2024年4月3日评估，第 1 版；政策指纹 {load_policy(config / 'policy').fingerprint[:12]}。" in text
    assert "统计截止 2024-04-03 00:00" in text


def test_a_letter_says_how_to_object_and_that_the_time_for_the_answer_is_assumed(
    house: House, tmp_path: Path
) -> None:
    for staff_id in (RAISED, HELD, REJECTED):
        text = read(house, tmp_path, staff_id)
        assert "个人信息保护法》第二十四条" in text
        assert f"自收到之日起 5 个工作日〔{ASSUMED}〕内书面答复" in text
        assert "劳动争议调解仲裁法" in text
        assert "签收人" in text


def test_a_held_raise_tells_why_and_that_nobody_decided(house: House, tmp_path: Path) -> None:
    text = read(house, tmp_path, HELD)
    assert text.startswith("暂缓晋级告知书\n")
    assert "应得等级为 3 级，高于现等级；因考核年度结果为基本合格、处分期未满，本次暂缓晋级，保持 2 级" in text
    assert "未经人工审定；您可以要求由人复核" in text
    assert "期内处分：记过（2024-01-15）。" in text
    assert "审定人" not in text


def test_a_rejected_raise_keeps_grade_and_pay_and_tells_the_reviewer_s_reason(house: House, tmp_path: Path) -> None:
    text = read(house, tmp_path, REJECTED)
    assert text.startswith("等级不予调整告知书\n")
    assert "不予调整，保持 2 级" in text
    assert "审定意见：学历证明不符。" in text
    assert "项目 | 现月工资\n基本工资 | 2,499.00\n" in text
    assert "3,740.00" not in text  # what was not approved is no promise


def test_a_rejection_without_a_reason_says_so_and_is_counted(house: House, tmp_path: Path) -> None:
    say(house, "rejected", OPEN)
    report = write(house, tmp_path)
    assert report.unexplained_count == 1
    assert "审定意见：审定人未填写，请向人事部门询问。" in read_letter(tmp_path / "2024-03-K4.docx")


def test_a_first_grade_is_told_as_one(house: House, tmp_path: Path) -> None:
    assert "您首次定为 1 级，自2024年4月1日起执行" in read(house, tmp_path, FIRST)


def test_pay_before_a_first_grade_is_not_known_and_an_uplift_has_its_own_line(house: House, tmp_path: Path) -> None:
    text = read(house, tmp_path, FIRST)
    assert (
        "基本工资 | 不详 | 2,380.00\n绩效工资 | 不详 | 1,020.00\n两委上浮 | 不详 | 357.00\n合计 | 不详 | 3,757.00"
        in text
    )
    assert "上浮比例 0.15〔有出处〕" in text
    assert "上浮比例" not in read(house, tmp_path, RAISED)


def test_the_letter_tells_whether_the_grade_is_in_the_register(house: House, tmp_path: Path) -> None:
    assert "尚未登记入等级台账" in read(house, tmp_path, RAISED)
    publish(house.ledger, MONTH, recorded_at=JUDGED_AT)
    assert "已登记入等级台账" in read(house, tmp_path, RAISED)


def test_a_late_approval_tells_what_is_paid_in_addition(house: House, tmp_path: Path) -> None:
    say(house, "returned", RAISED, comment="请核对")
    say(house, "approved", RAISED, at=datetime(2024, 6, 10, tzinfo=UTC))
    publish(house.ledger, MONTH, recorded_at=JUDGED_AT)
    # Effective 1 April, approved in June: April and May; 408,000 - 391,000 = 17,000 fen a month (policy §5).
    assert "补发 2 个月，每月 170.00 元，合计 340.00 元" in read(house, tmp_path, RAISED)


def test_no_letter_holds_anything_of_another_worker(house: House, tmp_path: Path) -> None:
    write(house, tmp_path)
    for staff_id in (RAISED, HELD, REJECTED, FIRST):
        text = read_letter(tmp_path / f"2024-03-{staff_id}.docx")
        assert NAMES[staff_id] in text
        others = [other for other in NAMES if other != staff_id]
        assert [other for other in others if other in text or NAMES[other] in text] == []


def test_a_letter_tells_the_policy_that_judged_whatever_the_files_say_by_now(
    house: House, config: Path, tmp_path: Path
) -> None:
    write(house, tmp_path / "before", RAISED)
    file = config / "policy" / "grades.yaml"
    file.write_text(file.read_text("utf-8").replace("tag: secondary", "tag: sourced"), "utf-8")
    write(house, tmp_path / "after", RAISED)
    name = f"2024-03-{RAISED}.docx"
    assert (tmp_path / "after" / name).read_bytes() == (tmp_path / "before" / name).read_bytes()


def test_without_a_pay_base_the_letter_says_that_none_is_set(
    tmp_path: Path, make_result: Callable[..., MonthResult]
) -> None:
    policy = load_policy(SHIPPED / "policy")
    empty = make_result(community_count=1, staff_per_community=0, paid=False)
    inputs = Inputs((), policy.fingerprint, (), empty.inputs.register_digest)
    result = replace(empty, proposals=propose(policy), inputs=inputs)
    with open_house(load_settings(tmp_path / "home", SHIPPED)) as house:
        house.ledger.results.save(result, 1, digests={}, making=Making("1", "c" * 64, policy.files, JUDGED_AT))
        say(house, "approved", RAISED)
        assert "未设定基数" in read(house, tmp_path, RAISED)
