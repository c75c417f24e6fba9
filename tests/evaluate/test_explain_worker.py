"""A worker's month explained, worked out by hand: steps, pay part by part, decisions, in words (policy §4, §5)."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from grade_examples import EFFECTIVE_ON, make_record, make_worker, policy_with_base, propose

from flows.evaluate.explain.document import write_document
from flows.evaluate.explain.heading import Heading
from flows.evaluate.explain.pay import PayExplanation, explain_pay
from flows.evaluate.explain.worker import LandedRecord, WorkerExplanation, explain_worker
from flows.evaluate.explain.worker_text import write_worker
from flows.evaluate.pay import AnnualTitle, compute_pay, read_pay_rules
from flows.ledger.results import digest_proposal
from flows.ledger.review_rows import ArrearsLine, RecordedDecision, RegisterLine
from flows.month import Month
from flows.results import Proposal

MARCH = Month(2024, 3)
FOUR_STARS = AnnualTitle("410202001001", rating_year=2023, stars=4, pay_year=2024)
HEADING = Heading(MARCH, 2, datetime(2024, 4, 5, 2, tzinfo=UTC), "f" * 64, "0.1.0", "c" * 64)


def explain(proposal: Proposal, **given: object) -> WorkerExplanation:
    parts: dict[str, object] = {
        "pay": (),
        "title": None,
        "digest": digest_proposal(proposal, ()),
        "decisions": [],
        "register": [],
        "arrears": [],
        "records": [],
        **given,
    }
    return explain_worker(proposal, MARCH, policy_with_base(340_000).at(EFFECTIVE_ON), **parts)  # type: ignore[arg-type]


def find_arithmetic(explanation: WorkerExplanation, clause: str) -> str:
    return next(step.arithmetic for step in explanation.steps if step.clause == clause)


def pay(
    base_fen: int, outcome: str | None = None, *, committee_member: bool = False, title: AnnualTitle | None = None
) -> PayExplanation:
    """The pay of grade 5 explained."""
    proposal = replace(propose(make_worker(committee_member=committee_member)), proposed_grade=5, current_grade=None)
    policy = policy_with_base(base_fen).at(EFFECTIVE_ON)
    outcomes = {proposal.staff_id: outcome} if outcome else {}
    lines = compute_pay([proposal], outcomes, [title] if title else [], policy, EFFECTIVE_ON)
    [explained] = explain_pay(lines, read_pay_rules(policy), title, committee_member=committee_member)
    assert explained.parts[-1].fen == lines[0].total_fen
    return explained


def read_parts(explained: PayExplanation) -> dict[str, tuple[str, int]]:
    return {part.name: (part.arithmetic, part.fen) for part in explained.parts}


def test_months_that_count_and_the_entitled_grade_are_reckoned_in_the_open() -> None:
    # Start 2017-04-01, bachelor, assistant: 84 + 36 = 120 months; 120 div 36 = 3; 1 + 3 + 1 = 5 (policy §4, cases).
    worker = make_worker(
        service_start_on=date(2017, 4, 1), degree="bachelor", certificate="assistant", certificate_on=date(2020, 1, 1)
    )
    found = explain(propose(worker))
    assert find_arithmetic(found, "§4.credit_months") == "84 + 0 − 0 = 84；84 + 36 = 120"
    assert find_arithmetic(found, "§4.entitled") == "120 ÷ 36 取整 3；1 + 3 + 1 = 5"
    assert found.entitled_grade == 5


def test_a_bad_year_takes_months_but_never_those_of_education() -> None:
    # Start 2023-10-01: 6 months, less 12 for 2023, is not under 0; master 60; 60 div 36 = 1; grade 2.
    worker = make_worker(service_start_on=date(2023, 10, 1), degree="master")
    found = explain(propose(worker, outcomes={2023: "incompetent"}))
    assert find_arithmetic(found, "§4.credit_months") == "6 + 0 − 12 = −6 → 0（不低于 0）；0 + 60 = 60"
    assert found.entitled_grade == 2


def test_a_grade_beyond_the_band_is_shown_before_it_is_held_to_it() -> None:
    # Start 1984-01-01: 40 years and 3 months = 483; 483 div 36 = 13; 1 + 13 = 14, ceiling 12 (policy §4, cases).
    found = explain(propose(make_worker(service_start_on=date(1984, 1, 1))))
    assert find_arithmetic(found, "§4.entitled") == "483 ÷ 36 取整 13；1 + 13 + 0 = 14 → 12"


def test_a_step_cites_its_values_and_the_explanation_holds_each_once() -> None:
    found = explain(propose(make_worker()))
    by_clause = {step.clause: step.policy for step in found.steps}
    assert by_clause["§4.credit_months"] == ("grades.education_months", "grades.incompetent_year_months")
    assert by_clause["§4.current"] == ()
    assert all("policy" not in step.inputs for step in found.steps)
    cited = [value.path for value in found.policy]
    assert {path for paths in by_clause.values() for path in paths} <= set(cited)
    assert len(cited) == len(set(cited))


def test_pay_is_reckoned_part_by_part() -> None:
    # 3,400 × 1.20 = 4,080; 70 % 2,856; the rest 1,224 × 1.10 = 1,346.40; 15 % of 2,856 = 428.40; in all 4,630.80.
    parts = read_parts(pay(340_000, "excellent", committee_member=True, title=FOUR_STARS))
    assert parts == {
        "grade_pay": ("3,400.00 × (1 + 0.05 × (5 − 1)) = 4,080.00", 408_000),
        "basic": ("4,080.00 × 0.70 = 2,856.00", 285_600),
        "performance_base": ("4,080.00 − 2,856.00 = 1,224.00", 122_400),
        "performance": ("1,224.00 × 1.10（考核优秀） = 1,346.40", 134_640),
        "uplift": ("2,856.00 × 0.15 = 428.40（两委成员，社区 2023 年度 4 星，2024 年兑现）", 42_840),
        "total": ("2,856.00 + 1,346.40 + 428.40 = 4,630.80", 463_080),
    }


def test_an_amount_that_was_rounded_to_a_fen_says_so() -> None:
    # 3,333.33 × 1.20 = 3,999.996 → 4,000.00; 70 % is 2,800.00 exactly.
    parts = read_parts(pay(333_333))
    assert parts["grade_pay"][0] == "3,333.33 × (1 + 0.05 × (5 − 1)) = 4,000.00（四舍五入到分）"
    assert parts["basic"][0] == "4,000.00 × 0.70 = 2,800.00"


@pytest.mark.parametrize(
    ("committee_member", "title", "told"),
    [
        (False, FOUR_STARS, "不是两委成员，不上浮"),
        (True, None, "所在社区没有当年兑现且达到规定星数的年度星级，不上浮"),
    ],
)
def test_without_an_uplift_the_reason_is_told(committee_member: bool, title: AnnualTitle | None, told: str) -> None:
    parts = read_parts(pay(340_000, committee_member=committee_member, title=title))
    assert parts["uplift"] == (told, 0)


def test_while_the_base_is_unset_no_pay_is_explained() -> None:
    assert explain_pay([], None, None, committee_member=True) == ()
    assert "本市月工资基数未设定，不测算" in write_worker(HEADING, explain(propose(make_worker())), "某人")


def decide(proposal: Proposal, number: int, verdict: str, digest: str | None = None) -> RecordedDecision:
    return RecordedDecision(
        month="2024-03",
        revision=2,
        staff_id=proposal.staff_id,
        proposal_digest=digest or digest_proposal(proposal, ()),
        verdict=verdict,  # type: ignore[arg-type]
        reviewer="审核人",
        comment="核对无误",
        in_bulk=False,
        decided_at=datetime(2024, 4, 8, 1, 30, tzinfo=UTC),
        id=number,
    )


def test_the_last_decision_holds_if_it_is_on_this_very_content() -> None:
    proposal = propose(make_worker())
    found = explain(proposal, decisions=[decide(proposal, 1, "returned"), decide(proposal, 2, "approved")])
    assert [(each.decision_no, each.verdict, each.holds) for each in found.decisions] == [
        (1, "returned", False),
        (2, "approved", True),
    ]
    other = explain(proposal, decisions=[decide(proposal, 3, "approved", digest="another content")])
    assert [each.holds for each in other.decisions] == [False]


def test_decisions_register_arrears_and_records_are_written_out() -> None:
    proposal = propose(make_worker(current_grade=1), make_record())
    found = explain(
        proposal,
        decisions=[decide(proposal, 2, "approved")],
        register=[
            RegisterLine(
                make_record(), 7, "2021-03", 1, decision_id=5, recorded_at=datetime(2021, 4, 6, 8, tzinfo=UTC)
            )
        ],
        arrears=[
            ArrearsLine(
                "2024-03", proposal.staff_id, EFFECTIVE_ON, date(2024, 6, 3), 2, monthly_fen=17_000, total_fen=34_000
            )
        ],
        records=[
            LandedRecord(
                "staff", {"month": "2024-03", "staff_id": proposal.staff_id}, "sheets-staff-1", 12, "名册.xlsx"
            )
        ],
    )
    text = write_worker(HEADING, found, "某人")
    # 01:30 UTC is 09:30 in the city.
    assert "决定 2（第 2 版）：同意，审核人，2024-04-08 09:30：核对无误（有效）" in text
    assert "台账 7：2021-04-01 起 其他 1 级，学历 无，证书 无；2021-03 第 1 版，决定 5，2021-04-06 16:00 登记" in text
    assert "补发（§5）：2024-06-03 批准，2 个月 × 170.00 = 340.00" in text
    key = f"月份 2024-03，员工编号 {proposal.staff_id}"
    assert f"人员名册（{key}）：批次 sheets-staff-1，记录号 12（从 0 起），来自 名册.xlsx" in text


def test_the_head_says_provisional_revision_policy_and_program() -> None:
    lines = write_worker(HEADING, explain(propose(make_worker())), "某人").splitlines()
    assert lines[0].startswith("月度监测（暂定）　2024年3月")
    assert lines[1] == "结果版次：第 2 版（2024-04-05 10:00 形成，程序版本 0.1.0）"
    assert lines[2] == f"政策指纹：{'f' * 64}"
    assert lines[3] == f"程序指纹：{'c' * 64}"


def test_sanctions_and_the_causes_of_a_hold_read_as_words() -> None:
    worker = make_worker(service_start_on=date(2017, 4, 1), current_grade=1)
    found = explain(propose(worker, sanctions=(("warning", date(2024, 1, 10)),)))
    text = write_worker(HEADING, found, "某人")
    assert "处分期内的处分 警告（2024-01-10 起）" in text
    assert "暂缓事由 缺少年度考核结果、处分期未满" in text
    assert "理由：应有年度考核结果而未见，补录后再定。处分期未满，期内暂缓晋级。" in text


def test_every_value_is_printed_with_its_tag() -> None:
    found = explain(propose(make_worker()))
    text = write_worker(HEADING, found, "某人")
    tags = {"sourced": "有出处", "secondary": "二手资料", "derived": "推算", "assumed": "系统假定（非本市规定）"}
    for value in found.policy:
        assert f"  {value.path}　" in text
        assert f"〔{tags[value.tag]}〕{value.reference}" in text


def test_for_programs_there_is_the_same_without_the_name() -> None:
    proposal = replace(propose(make_worker(service_start_on=date(2017, 4, 1))), name="赵建国")
    document = json.loads(write_document("staff", HEADING, explain(proposal)))
    assert document["schema"] == "fivestar.explain.staff/1"
    assert document["heading"]["month"] == "2024-03"
    assert document["heading"]["created_at"] == "2024-04-05T02:00:00Z"
    assert document["effective_on"] == "2024-04-01"
    assert [step["clause"] for step in document["steps"]] == [step.clause for step in proposal.trace]
    assert "赵建国" not in json.dumps(document, ensure_ascii=False)
