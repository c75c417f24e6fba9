"""Letters to workers: who gets one, what it says, and that it says the same for ever."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from docx import Document

from flows.errors import DecisionRefused, UsageError
from flows.evaluate.grades import propose_grades
from flows.evaluate.workers import RosterRow, Sanction
from flows.house import House, open_house
from flows.ledger.results import Making
from flows.ledger.review_rows import RegisterEntry, Verdict
from flows.month import Month
from flows.policy import Policy, load_policy
from flows.results import Inputs, MonthResult, PayLine, Proposal, RegisterRecord
from flows.review.decisions import decide
from flows.review.letters.writing import LetterReport, name_letter, write_letters
from flows.review.publication import publish
from flows.settings import load_settings

SHIPPED = Path(__file__).parents[2] / "config"
MONTH = Month(2024, 3)
EFFECTIVE_ON = date(2024, 4, 1)
JUDGED_AT = datetime(2024, 4, 3, tzinfo=UTC)
DECIDED_AT = datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC)  # 31 March 23:59:59 in the city
ASSUMED = "系统假定（非本市规定）"

RAISED, HELD, KEPT, OPEN, REJECTED, RETURNED, FIRST = "K1", "K2", "K3", "K4", "K5", "K6", "K7"
NAMES = {
    RAISED: "赵甲", HELD: "钱乙", KEPT: "孙丙", OPEN: "李丁", REJECTED: "周戊", RETURNED: "吴己", FIRST: "郑庚",
}  # fmt: skip
COMMUNITY = "410202001000"


def make_worker(staff_id: str, started_on: date, current: int | None, **changes: object) -> RosterRow:
    values: dict[str, object] = {
        "month": "2024-03", "staff_id": staff_id, "name": NAMES[staff_id], "community_code": COMMUNITY,
        "post": "other", "committee_member": False, "employment": "hired", "degree": "none", "certificate": "none",
        "certificate_on": None, "service_start_on": started_on, "prior_service_months": 0, "current_grade": current,
    }  # fmt: skip
    return RosterRow(**{**values, **changes})  # type: ignore[arg-type]


def propose(policy: Policy) -> list[Proposal]:
    """Seven workers, by the shipped rules: entitled = floor 1 + months div 36 + certificate (policy §4)."""
    roster = [
        # 2017-04-01 to 2024-04-01 is 84 months, a bachelor's degree 36: 120 div 36 = 3, assistant 1: 1 + 3 + 1 = 5.
        make_worker(
            RAISED, date(2017, 4, 1), 4, degree="bachelor", certificate="assistant", certificate_on=date(2020, 6, 1)
        ),
        # 72 months: 1 + 2 = 3, above 2, but the appraisal of 2023 was basic and a demerit runs: held at 2.
        make_worker(HELD, date(2018, 4, 1), 2),
        # 36 months: 1 + 1 = 2, as it is.
        make_worker(KEPT, date(2021, 4, 1), 2),
        *(make_worker(staff_id, date(2018, 4, 1), 2) for staff_id in (OPEN, REJECTED, RETURNED)),
        # 5 months: 1 + 0 = 1, the first grade.
        make_worker(FIRST, date(2023, 11, 1), None),
    ]
    outcomes = {(row.staff_id, 2023): "competent" for row in roster} | {(HELD, 2023): "basic"}
    sanctions = [Sanction(HELD, "demerit", date(2024, 1, 15))]
    return propose_grades(roster, {}, outcomes, sanctions, policy.at(EFFECTIVE_ON), effective_on=EFFECTIVE_ON)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped configuration with a pay base of 3,400.00 yuan."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    pay = folder / "policy" / "pay.yaml"
    pay.write_text(pay.read_text("utf-8").replace("value: null", "value: 340000"), "utf-8")
    return folder


@pytest.fixture
def house(tmp_path: Path, config: Path, make_result: Callable[..., MonthResult]) -> Iterator[House]:
    policy = load_policy(config / "policy")
    empty = make_result(community_count=1, staff_per_community=0)
    inputs = Inputs(("b1",), policy.fingerprint, (), empty.inputs.register_digest)
    # Grades 4 and 5: 340,000 × 1.15 = 391,000 and × 1.20 = 408,000 fen; 70 % of it basic (policy §5).
    lines = [
        PayLine(RAISED, "current", 4, "competent", 273_700, 117_300, 0, 391_000),
        PayLine(RAISED, "proposed", 5, "competent", 285_600, 122_400, 0, 408_000),
        PayLine(REJECTED, "current", 2, "competent", 249_900, 107_100, 0, 357_000),
        PayLine(REJECTED, "proposed", 3, "competent", 261_800, 112_200, 0, 374_000),
    ]
    # Grade 1: 340,000 fen, 70 % of it 238,000, and 15 % of that as uplift, 35,700.
    lines.append(PayLine(FIRST, "proposed", 1, "competent", 238_000, 102_000, 35_700, 375_700))
    result = replace(empty, proposals=propose(policy), pay_lines=lines, inputs=inputs)
    with open_house(load_settings(tmp_path / "home", config)) as opened:
        opened.ledger.results.save(result, 1, digests={}, making=Making("1", "c" * 64, policy.files, JUDGED_AT))
        say(opened, "approved", RAISED, FIRST, comment="核对无误。")
        say(opened, "rejected", REJECTED, comment="学历证明不符")
        say(opened, "returned", RETURNED, comment="何时取得学位？")
        yield opened


def say(house: House, verdict: Verdict, *staff_ids: str, comment: str = "", at: datetime = DECIDED_AT) -> None:
    decide(
        house.ledger, MONTH, verdict, reviewer="王审核", staff_ids=staff_ids, comment=comment, decided_at=at
    )  # fmt: skip


def write(house: House, folder: Path, *staff_ids: str) -> LetterReport:
    return write_letters(house, MONTH, folder, lambda: JUDGED_AT, staff_ids=staff_ids or None)


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


def read_index(folder: Path) -> list[tuple[str, ...]]:
    content = (folder / "index.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content
    return [tuple(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]


def test_all_writes_what_was_decided_or_held_and_leaves_out_what_waits(house: House, tmp_path: Path) -> None:
    report = write(house, tmp_path / "letters")
    assert dict(report.counts) == {"approved": 2, "rejected": 1, "held": 1}
    assert report.waiting_count == 2  # K4 is undecided, K6 was returned; K3 keeps the grade
    assert read_index(tmp_path / "letters") == [
        ("staff_id", "kind", "verdict", "file"),
        ("K1", "raise", "approved", "2024-03-K1.docx"),
        ("K2", "hold", "", "2024-03-K2.docx"),
        ("K5", "raise", "rejected", "2024-03-K5.docx"),
        ("K7", "initial", "approved", "2024-03-K7.docx"),
    ]
    names = sorted(file.name for file in (tmp_path / "letters").iterdir())
    assert names == ["2024-03-K1.docx", "2024-03-K2.docx", "2024-03-K5.docx", "2024-03-K7.docx", "index.csv"]


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


@pytest.mark.parametrize(
    ("staff_id", "why"),
    [
        (OPEN, "awaits a decision"),
        (RETURNED, "was returned"),
        (KEPT, "keeps the grade"),
        ("K9", "has no proposal"),
    ],
)
def test_who_is_owed_no_letter_is_refused_and_nothing_is_written(
    house: House, tmp_path: Path, staff_id: str, why: str
) -> None:
    with pytest.raises(DecisionRefused, match=f"2024-03: worker {staff_id} {why}"):
        write(house, tmp_path / "letters", RAISED, staff_id)
    assert not (tmp_path / "letters").exists()


def test_all_refusals_are_told_at_once(house: House, tmp_path: Path) -> None:
    with pytest.raises(DecisionRefused, match=r"K4 awaits a decision.*\n.*K6 was returned"):
        write(house, tmp_path, OPEN, RETURNED)


def test_no_letter_holds_anything_of_another_worker(house: House, tmp_path: Path) -> None:
    write(house, tmp_path)
    for staff_id in (RAISED, HELD, REJECTED, FIRST):
        text = read_letter(tmp_path / f"2024-03-{staff_id}.docx")
        assert NAMES[staff_id] in text
        others = [other for other in NAMES if other != staff_id]
        assert [other for other in others if other in text or NAMES[other] in text] == []


def test_written_again_at_another_hour_every_file_has_the_same_bytes(house: House, tmp_path: Path) -> None:
    write(house, tmp_path / "a")
    later = JUDGED_AT + timedelta(days=400)
    write_letters(house, MONTH, tmp_path / "b", lambda: later, staff_ids=None)
    first = {file.name: file.read_bytes() for file in (tmp_path / "a").iterdir()}
    assert {file.name: file.read_bytes() for file in (tmp_path / "b").iterdir()} == first
    assert len(first) == 5


def test_the_file_s_own_dates_are_the_decision_s_and_it_names_no_author(house: House, tmp_path: Path) -> None:
    write(house, tmp_path)
    raised = Document(str(tmp_path / "2024-03-K1.docx")).core_properties
    held = Document(str(tmp_path / "2024-03-K2.docx")).core_properties
    assert (raised.created, raised.modified, raised.author) == (DECIDED_AT, DECIDED_AT, "")
    assert (held.created, held.modified, held.title) == (JUDGED_AT, JUDGED_AT, "暂缓晋级告知书")


def test_one_more_letter_joins_the_index_and_all_again_drops_what_no_longer_holds(
    house: House, tmp_path: Path
) -> None:
    write(house, tmp_path)
    say(house, "approved", OPEN)
    assert write(house, tmp_path, OPEN).dropped_files == []
    assert [row[0] for row in read_index(tmp_path)[1:]] == ["K1", "K2", "K4", "K5", "K7"]
    say(house, "returned", RAISED, comment="请核对")
    assert write(house, tmp_path).dropped_files == ["2024-03-K1.docx"]
    assert [row[0] for row in read_index(tmp_path)[1:]] == ["K2", "K4", "K5", "K7"]


def test_an_amendment_of_a_published_grade_has_no_letter_and_says_why(
    house: House, tmp_path: Path, make_result: Callable[..., MonthResult]
) -> None:
    publish(house.ledger, MONTH, recorded_at=DECIDED_AT)
    result = house.ledger.results
    record = result.find_latest("2024-03")
    assert record is not None
    proposals = [
        replace(row, proposed_grade=6, entitled_grade=6) if row.staff_id == RAISED else row
        for row in result.list_proposals("2024-03", 1)
    ]
    empty = make_result(community_count=1, staff_per_community=0)
    inputs = replace(empty.inputs, policy_fingerprint=record.inputs["policy_fingerprint"])
    later = replace(empty, proposals=proposals, pay_lines=result.list_pay_lines("2024-03", 1), inputs=inputs)
    result.save(later, 2, digests={}, making=Making("1", "c" * 64, {}, JUDGED_AT))
    with pytest.raises(DecisionRefused, match="write one on its amendment by hand"):
        write(house, tmp_path / "letters", RAISED)
    say(house, "rejected", RAISED, comment="不符")
    with pytest.raises(DecisionRefused, match="The letter of the published grade stands"):
        write(house, tmp_path / "letters", RAISED)
    write(house, tmp_path / "letters")
    assert not (tmp_path / "letters" / f"2024-03-{RAISED}.docx").exists()


def test_letters_among_the_results_are_refused(house: House) -> None:
    with pytest.raises(UsageError, match="letters would be lost"):
        write(house, house.settings.home / "outputs" / "2024-03")


def test_another_file_named_index_is_not_overwritten(house: House, tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("name,phone\n", "utf-8")
    with pytest.raises(UsageError, match=r"index\.csv is not an index of letters"):
        write(house, tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(house: House, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", "utf-8")
    with pytest.raises(UsageError, match="taken cannot be written"):
        write(house, tmp_path / "taken")


def test_a_letter_tells_the_policy_that_judged_whatever_the_files_say_by_now(
    house: House, config: Path, tmp_path: Path
) -> None:
    write(house, tmp_path / "before", RAISED)
    file = config / "policy" / "grades.yaml"
    file.write_text(file.read_text("utf-8").replace("tag: secondary", "tag: sourced"), "utf-8")
    write(house, tmp_path / "after", RAISED)
    name = f"2024-03-{RAISED}.docx"
    assert (tmp_path / "after" / name).read_bytes() == (tmp_path / "before" / name).read_bytes()


def test_letters_are_refused_once_the_register_has_changed_under_the_month(house: House, tmp_path: Path) -> None:
    record = RegisterRecord(RAISED, "other", 5, "bachelor", "assistant", date(2024, 3, 1))
    [decision, *_] = house.ledger.reviews.list_decisions("2024-03")
    house.ledger.register.publish(
        [RegisterEntry(record, "2024-02", 1, decision.id)], {}, JUDGED_AT, after=house.ledger.reviews.find_head()
    )
    with pytest.raises(DecisionRefused, match="the register in force on 2024-03-31 has changed"):
        write(house, tmp_path / "letters")


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


@pytest.mark.parametrize(
    ("staff_id", "file"),
    [
        ("KF000024", "2024-03-KF000024.docx"),
        ("../x", "2024-03-%2E%2E%2Fx.docx"),
        ("a b", "2024-03-a%20b.docx"),
        ("a%20b", "2024-03-a%2520b.docx"),
        ("员-1", "2024-03-员-1.docx"),
    ],
)
def test_a_file_s_name_holds_the_id_safely_and_no_two_ids_share_one(staff_id: str, file: str) -> None:
    assert name_letter(MONTH, staff_id) == file
