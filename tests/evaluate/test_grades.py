"""Which rule of policy §4 applies, and what it proposes."""

import json
from dataclasses import replace
from datetime import date

import pytest
from grade_examples import EFFECTIVE_ON, WORKER, make_record, make_worker, propose, shipped_policy

from flows.evaluate.grade_rules import find_appraisal_year
from flows.evaluate.grades import propose_grades
from flows.evaluate.workers import Sanction
from flows.results import Proposal, RegisterRecord

COMPETENT = {2023: "competent"}
THREE_YEARS = date(2021, 4, 1)
"""36 months: entitled to floor + 1."""
SIX_YEARS = date(2018, 4, 1)
"""72 months: entitled to floor + 2."""


def outline(proposal: Proposal) -> tuple[str, int | None, int, bool, tuple[str, ...]]:
    return (
        proposal.kind,
        proposal.current_grade,
        proposal.proposed_grade,
        proposal.needs_manual,
        proposal.reasons,
    )


def test_the_register_goes_before_the_roster() -> None:
    worker = make_worker(service_start_on=SIX_YEARS, current_grade=9)
    assert propose(worker, make_record(grade=3), COMPETENT).current_grade == 3
    assert propose(worker, None, COMPETENT).current_grade == 9
    assert propose(replace(worker, current_grade=None), None, COMPETENT).current_grade is None


def test_rule_1_a_worker_without_grade_gets_the_entitled_one() -> None:
    assert outline(propose(make_worker(service_start_on=THREE_YEARS), outcomes=COMPETENT)) == (
        "initial",
        None,
        2,
        False,
        (),
    )


def test_rule_1_blocks_become_reasons_and_need_a_person() -> None:
    proposal = propose(make_worker(service_start_on=THREE_YEARS), sanctions=(("warning", date(2024, 1, 1)),))
    assert outline(proposal) == ("initial", None, 2, True, ("appraisal_missing", "sanction"))


def test_rule_2_upward_keeps_the_higher_of_current_and_entitled() -> None:
    # deputy, 72 months: 4 + 2 = 6
    worker = make_worker(post="deputy", service_start_on=SIX_YEARS)
    assert outline(propose(worker, make_record(grade=5), COMPETENT)) == ("post_change", 5, 6, False, ())
    assert outline(propose(worker, make_record(grade=6), COMPETENT)) == ("post_change", 6, 6, False, ())
    assert outline(propose(worker, make_record(grade=9), COMPETENT)) == ("post_change", 9, 9, False, ())


def test_rule_2_upward_stays_within_the_new_band() -> None:
    worker = make_worker(post="deputy", service_start_on=SIX_YEARS)
    assert propose(worker, make_record(grade=15), COMPETENT).proposed_grade == 15
    assert propose(worker, make_record(grade=16), COMPETENT).proposed_grade == 15


@pytest.mark.parametrize(("old", "new"), [("other", "deputy"), ("other", "principal"), ("deputy", "principal")])
def test_rule_2_a_higher_post_is_upward_and_the_way_back_downward(old: str, new: str) -> None:
    up = propose(make_worker(post=new), make_record(post=old))
    down = propose(make_worker(post=old), make_record(post=new, grade=12))
    assert (up.kind, up.needs_manual) == ("post_change", False)
    assert (down.kind, down.needs_manual) == ("post_change", True)


def test_rule_2_upward_blocks_become_reasons_and_need_a_person() -> None:
    worker = make_worker(post="deputy", service_start_on=SIX_YEARS)
    assert outline(propose(worker, make_record(), {2023: "basic"})) == (
        "post_change",
        1,
        6,
        True,
        ("appraisal_basic",),
    )


def test_rule_2_downward_proposes_the_entitled_grade_to_a_person_without_reasons() -> None:
    # deputy: 4 + 2 = 6, whether higher or lower than the current one, whatever blocks there are
    worker = make_worker(post="deputy", service_start_on=SIX_YEARS)
    principal = make_record(post="principal", grade=10)
    assert outline(propose(worker, principal, COMPETENT)) == ("post_change", 10, 6, True, ())
    assert outline(propose(worker, principal, {2023: "incompetent"})) == ("post_change", 10, 5, True, ())


def test_rule_2_needs_a_register_record() -> None:
    worker = make_worker(post="deputy", service_start_on=SIX_YEARS, current_grade=5)
    assert propose(worker, None, COMPETENT).kind == "raise"


def test_rule_2_goes_before_rule_3() -> None:
    worker = make_worker(post="deputy", service_start_on=SIX_YEARS)
    assert propose(worker, make_record(grade=6), COMPETENT).kind == "post_change"


def test_rule_3_an_equal_grade_stays_even_with_blocks() -> None:
    worker = make_worker(service_start_on=THREE_YEARS)
    assert outline(propose(worker, make_record(grade=2), {2023: "basic"})) == ("none", 2, 2, False, ())


def test_rule_4_no_grade_falls_by_itself() -> None:
    worker = make_worker(service_start_on=THREE_YEARS)
    expected = ("review", 3, 3, True, ("entitled_below_current",))
    assert outline(propose(worker, make_record(grade=3), COMPETENT)) == expected
    assert outline(propose(worker, make_record(grade=3))) == expected  # blocks add no reason


@pytest.mark.parametrize(
    ("outcomes", "reasons"),
    [
        ({2023: "basic"}, ("appraisal_basic",)),
        ({}, ("appraisal_missing",)),
        ({2022: "competent"}, ("appraisal_missing",)),  # another year's outcome is no help
    ],
)
def test_rule_5_the_appraisal_year_can_hold_a_raise(outcomes: dict[int, str], reasons: tuple[str, ...]) -> None:
    worker = make_worker(service_start_on=SIX_YEARS)
    assert outline(propose(worker, make_record(grade=2), outcomes)) == ("hold", 2, 2, False, reasons)


def test_rule_5_incompetent_holds_after_its_deduction() -> None:
    # 72 - 12 = 60 months: entitled to 2, current 1
    worker = make_worker(service_start_on=SIX_YEARS)
    assert outline(propose(worker, make_record(), {2023: "incompetent"})) == (
        "hold",
        1,
        1,
        False,
        ("appraisal_incompetent",),
    )


def test_rule_5_all_reasons_are_given_in_policys_order() -> None:
    worker = make_worker(service_start_on=SIX_YEARS)
    today = (("demerit", EFFECTIVE_ON), ("warning", EFFECTIVE_ON))
    assert propose(worker, make_record(), {2023: "basic"}, today).reasons == ("appraisal_basic", "sanction")
    assert propose(worker, make_record(), {2023: "incompetent"}, today).reasons == (
        "appraisal_incompetent",
        "sanction",
    )
    assert propose(worker, make_record(), {}, today).reasons == ("appraisal_missing", "sanction")


@pytest.mark.parametrize(("start_on", "kind"), [(date(2023, 6, 30), "hold"), (date(2023, 7, 1), "raise")])
def test_who_joined_by_30_june_of_the_appraisal_year_needs_an_outcome(start_on: date, kind: str) -> None:
    # 9 full months either way, and 27 from before: 36, entitled to 2
    assert propose(make_worker(service_start_on=start_on, prior_service_months=27), make_record()).kind == kind


def test_an_outcome_counts_even_where_none_was_required() -> None:
    worker = make_worker(service_start_on=date(2023, 7, 1), prior_service_months=27)
    assert propose(worker, make_record(), {2023: "basic"}).reasons == ("appraisal_basic",)


@pytest.mark.parametrize(
    ("effective_on", "year"),
    [
        (date(2024, 1, 1), 2022),
        (date(2024, 3, 31), 2022),
        (date(2024, 4, 1), 2023),
        (date(2024, 12, 1), 2023),
    ],
)
def test_last_years_appraisal_counts_from_1_april(effective_on: date, year: int) -> None:
    assert find_appraisal_year(shipped_policy().at(effective_on), effective_on) == year


def test_in_march_the_outcome_of_the_year_before_last_decides() -> None:
    worker = make_worker(service_start_on=date(2018, 3, 1))
    march = date(2024, 3, 1)
    assert propose(worker, make_record(grade=2), {2022: "competent", 2023: "basic"}, (), march).kind == "raise"
    assert propose(worker, make_record(grade=2), {2022: "basic", 2023: "competent"}, (), march).kind == "hold"


@pytest.mark.parametrize(
    ("kind", "over_from", "last_day"),
    [
        ("warning", date(2023, 10, 1), date(2023, 10, 2)),  # 6 full months, 5 full months
        ("demerit", date(2023, 4, 1), date(2023, 4, 2)),  # 12, 11
        ("major_demerit", date(2022, 10, 1), date(2022, 10, 2)),  # 18, 17
    ],
)
def test_a_sanction_holds_for_6_12_or_18_months(kind: str, over_from: date, last_day: date) -> None:
    worker = make_worker(service_start_on=SIX_YEARS)
    record = make_record(grade=2)
    assert propose(worker, record, COMPETENT, ((kind, over_from),)).kind == "raise"
    assert propose(worker, record, COMPETENT, ((kind, last_day),)).reasons == ("sanction",)


def test_a_sanction_holds_from_its_own_day() -> None:
    worker = make_worker(service_start_on=SIX_YEARS)
    record = make_record(grade=2)
    assert propose(worker, record, COMPETENT, (("warning", EFFECTIVE_ON),)).kind == "hold"
    assert propose(worker, record, COMPETENT, (("warning", date(2024, 4, 2)),)).kind == "raise"


def test_rule_6_one_step_is_raised_without_a_person() -> None:
    worker = make_worker(service_start_on=SIX_YEARS)
    assert outline(propose(worker, make_record(grade=2), COMPETENT)) == ("raise", 2, 3, False, ())


def test_rule_6_more_than_one_step_needs_a_person_unless_degree_or_certificate_changed() -> None:
    # other, 72 months: entitled to 3; with a bachelor's degree to 4; with an undated certificate still to 3
    worker = make_worker(service_start_on=SIX_YEARS)
    alone = ("raise", 1, 3, True, ("more_than_one_step",))
    assert outline(propose(worker, make_record(), COMPETENT)) == alone
    assert outline(propose(replace(worker, current_grade=1), None, COMPETENT)) == alone
    with_degree = propose(replace(worker, degree="bachelor"), make_record(), COMPETENT)
    assert outline(with_degree) == ("raise", 1, 4, False, ())
    with_certificate = propose(replace(worker, certificate="assistant"), make_record(), COMPETENT)
    assert outline(with_certificate) == ("raise", 1, 3, False, ())
    kept_degree = propose(replace(worker, degree="bachelor"), make_record(degree="bachelor"), COMPETENT)
    assert outline(kept_degree) == ("raise", 1, 4, True, ("more_than_one_step",))


def test_workers_are_sorted_by_number_as_text() -> None:
    roster = [make_worker(staff_id=staff_id) for staff_id in ("10", "9", "1")]
    policy = shipped_policy().at(EFFECTIVE_ON)
    proposals = propose_grades(roster, {}, {}, [], policy, effective_on=EFFECTIVE_ON)
    assert [proposal.staff_id for proposal in proposals] == ["1", "10", "9"]


def test_a_workers_facts_stay_with_that_worker() -> None:
    roster = [make_worker(staff_id=staff_id, service_start_on=SIX_YEARS) for staff_id in ("1", "2")]
    register = {"1": RegisterRecord("1", "other", 2, "none", "none", date(2021, 4, 1))}
    first, second = propose_grades(
        roster,
        register,
        {("1", 2023): "competent", ("2", 2023): "basic"},
        [Sanction("2", "warning", EFFECTIVE_ON)],
        shipped_policy().at(EFFECTIVE_ON),
        effective_on=EFFECTIVE_ON,
    )
    assert outline(first) == ("raise", 2, 3, False, ())
    assert outline(second) == ("initial", None, 3, True, ("appraisal_basic", "sanction"))


def test_the_trace_holds_each_step_with_its_clause_inputs_effect_and_reference() -> None:
    proposal = propose(make_worker(service_start_on=SIX_YEARS), make_record(grade=2), COMPETENT)
    assert [step.clause for step in proposal.trace] == [
        "§4.credit_months",
        "§4.cert_steps",
        "§4.entitled",
        "§4.current",
        "§4.appraisal_year",
        "§4.5",
        "§4.6",
    ]
    entitled = proposal.trace[2]
    assert entitled.inputs["credit_months"] == 72
    assert entitled.inputs["policy"]["grades.bands"] == "中国城市报 2024-04-29（评估规则 §4） [sourced]"
    assert "应得 3 级" in entitled.effect
    assert json.loads(json.dumps([dict(step.inputs) for step in proposal.trace]))


def test_the_trace_names_the_sanctions_in_force_and_only_those() -> None:
    sanctions = (("warning", date(2020, 1, 1)), ("demerit", date(2024, 1, 1)))
    proposal = propose(make_worker(), sanctions=sanctions)
    assert proposal.trace[5].inputs["sanctions_in_force"] == [{"kind": "demerit", "effective_on": "2024-01-01"}]


def test_the_trace_names_no_one() -> None:
    proposal = propose(make_worker())
    text = json.dumps([[step.name, dict(step.inputs), step.effect] for step in proposal.trace], ensure_ascii=False)
    assert WORKER not in text
    assert proposal.name not in text
