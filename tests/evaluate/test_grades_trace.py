"""The trace of a proposal: every step with its inputs, its effect and its clause, worked out by hand (policy §4)."""

from datetime import date

from grade_examples import make_record, make_worker, propose

from flows.results import Proposal


def list_steps(proposal: Proposal) -> list[tuple[str, str, dict[str, object], str]]:
    """Each step without the references to the policy, which stand beside its inputs."""
    return [
        (
            step.clause,
            step.name,
            {name: value for name, value in step.inputs.items() if name != "policy"},
            step.effect,
        )
        for step in proposal.trace
    ]


def test_a_held_raise_is_traced_from_service_to_decision() -> None:
    worker = make_worker(
        degree="bachelor",
        certificate="assistant",
        certificate_on=date(2020, 6, 1),
        service_start_on=date(2017, 4, 1),
        current_grade=3,
    )
    record = make_record(grade=4, degree="bachelor", certificate="assistant", effective_on=date(2021, 4, 1))
    proposal = propose(
        worker, record, {2020: "incompetent", 2023: "competent"}, (("warning", date(2023, 12, 1)),)
    )  # fmt: skip
    assert list_steps(proposal) == [
        # 2017-04-01 to 2024-04-01 are 84 months; one incompetent year takes 12; a bachelor's degree adds 36.
        (
            "§4.credit_months",
            "计算年限",
            {
                "service_start_on": "2017-04-01",
                "effective_on": "2024-04-01",
                "service_months": 84,
                "prior_service_months": 0,
                "incompetent_years": [2020],
                "deducted_months": 12,
                "degree": "bachelor",
                "education_months": 36,
            },
            "工龄 72 个月，学历折算 36 个月，合计 108 个月",
        ),
        (
            "§4.cert_steps",
            "证书加级",
            {"certificate": "assistant", "certificate_on": "2020-06-01", "effective_on": "2024-04-01"},
            "加 1 级",
        ),
        # 1 + 108 div 36 + 1 = 5
        (
            "§4.entitled",
            "应得等级",
            {
                "post": "other",
                "floor": 1,
                "ceiling": 12,
                "credit_months": 108,
                "step_months": 36,
                "service_steps": 3,
                "cert_steps": 1,
            },
            "应得 5 级：起点 1 级，年限加 3 级，证书加 1 级，不超过 12 级",
        ),
        # The register's grade, not the roster's.
        (
            "§4.current",
            "现等级",
            {"register_grade": 4, "register_effective_on": "2021-04-01", "roster_grade": 3},
            "现为 4 级，依据等级台账",
        ),
        (
            "§4.appraisal_year",
            "考核年度",
            {
                "appraisal_year": 2023,
                "outcome": "competent",
                "service_start_on": "2017-04-01",
                "joining_limit_on": "2023-06-30",
                "required": True,
            },
            "2023 年度考核合格，须有结果",
        ),
        # 2023-12-01 to 2024-04-01 are 4 months, and a warning lasts 6.
        (
            "§4.5",
            "暂缓事由",
            {
                "outcome": "competent",
                "required": True,
                "sanctions_in_force": [{"kind": "warning", "effective_on": "2023-12-01"}],
            },
            "处分期未满",
        ),
        (
            "§4.5",
            "暂缓晋级",
            {
                "post": "other",
                "degree": "bachelor",
                "certificate": "assistant",
                "register_post": "other",
                "register_degree": "bachelor",
                "register_certificate": "assistant",
                "blocks": ["sanction"],
            },
            "有暂缓事由，保持 4 级",
        ),
    ]


def test_a_first_grade_is_traced_without_what_is_not_there() -> None:
    # 11 months less 12 for an incompetent year are not less than 0; the appraisal of 2023 is that one.
    proposal = propose(make_worker(service_start_on=date(2023, 5, 1)), None, {2023: "incompetent"})
    steps = {clause: (inputs, effect) for clause, _, inputs, effect in list_steps(proposal)}
    assert steps["§4.credit_months"][1] == "工龄 0 个月，学历折算 0 个月，合计 0 个月"
    assert steps["§4.cert_steps"] == (
        {"certificate": "none", "certificate_on": None, "effective_on": "2024-04-01"},
        "加 0 级",
    )
    assert steps["§4.current"] == (
        {"register_grade": None, "register_effective_on": None, "roster_grade": None},
        "尚无等级",
    )
    assert steps["§4.appraisal_year"][1] == "2023 年度考核不合格，须有结果"
    assert steps["§4.5"][1] == "年度考核不合格"
    assert steps["§4.1"] == (
        {
            "post": "other",
            "degree": "none",
            "certificate": "none",
            "register_post": None,
            "register_degree": None,
            "register_certificate": None,
            "blocks": ["appraisal_incompetent"],
        },
        "首次定为 1 级，有暂缓事由，须人工核查",
    )


def test_a_grade_of_the_roster_and_a_late_start_are_told_as_such() -> None:
    proposal = propose(make_worker(service_start_on=date(2023, 7, 1), current_grade=1))
    effects = {step.clause: step.effect for step in proposal.trace}
    assert effects["§4.current"] == "现为 1 级，依据人员名册"
    assert effects["§4.appraisal_year"] == "2023 年度考核无结果，当年到岗较晚，不要求结果"
    assert effects["§4.5"] == "无暂缓事由"
    assert effects["§4.3"] == "应得与现等级相同，保持 1 级"


def test_a_proposal_carries_what_it_was_made_from() -> None:
    worker = make_worker(
        post="deputy",
        committee_member=True,
        degree="master",
        certificate="senior",
        certificate_on=date(2020, 1, 1),
        service_start_on=date(2020, 1, 1),
    )
    proposal = propose(worker)
    carried = ("staff_id", "name", "community_code", "post", "committee_member", "degree", "certificate")
    assert {name: getattr(proposal, name) for name in carried} == {name: getattr(worker, name) for name in carried}
    assert proposal.effective_on == date(2024, 4, 1)
