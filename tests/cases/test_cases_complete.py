"""No rule without a case: whatever policy and code can say is expected by some case (issue 4, golden cases)."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any, get_args

import pytest
from case_policy import shipped_policy
from case_words import ERROR, EVERY_STAR, INDICATORS, RATING, SOURCES
from community_cases import MARCH, list_community_cases
from worker_cases import BASES, list_worker_cases, read_worker_case

from flows.evaluate.grade_rules import BLOCK_TITLES
from flows.evaluate.pay import ABSENT
from flows.evaluate.scheme import VETO_REASONS, IndicatorRule, read_scheme
from flows.results import STARS, ProposalKind, StarState
from flows.schema import CERTIFICATES, DEGREES, OUTCOMES, POSTS, SANCTIONS

SCHEME = read_scheme(shipped_policy().at(MARCH.last_on))
GRADE_REASONS = (*BLOCK_TITLES, "entitled_below_current", "more_than_one_step")


def list_community_expectations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each stated result of a community: what it is about, and what is stated of it."""
    for case in list_community_cases():
        for expected in case.expected.values():
            for key, stated in expected.items():
                if key == EVERY_STAR:
                    yield from ((star, stated) for star in STARS)
                elif key != ERROR:
                    yield key, stated or {}


@cache
def list_star_expectations() -> list[tuple[str, dict[str, Any]]]:
    return [(key, stated) for key, stated in list_community_expectations() if key in STARS]


@cache
def list_worker_expectations() -> list[dict[str, Any]]:
    return [dict(read_worker_case(case).expected) for case in list_worker_cases()]


def list_grades() -> list[dict[str, Any]]:
    return [expected["grade"] for expected in list_worker_expectations() if "grade" in expected]


def list_stated(indicator: str, column: str) -> set[Any]:
    """What cases state in this column of the indicator."""
    return {stated[column] for key, stated in list_community_expectations() if key == indicator and column in stated}


def list_weighted() -> list[IndicatorRule]:
    return [rule for rule in SCHEME.indicators if rule.weight]


def test_every_indicator_of_the_policy_has_cases() -> None:
    assert set(INDICATORS) == {rule.name for rule in SCHEME.indicators}
    assert {key for key, _ in list_community_expectations()} >= set(INDICATORS)


@pytest.mark.parametrize("rule", list_weighted(), ids=lambda rule: rule.name)
def test_every_line_has_cases_on_full_on_zero_and_just_inside_both(rule: IndicatorRule) -> None:
    assert rule.full is not None
    assert rule.zero is not None
    values = {Fraction(value) for value in list_stated(rule.name, "value") if value is not None}
    assert {rule.full, rule.zero} <= values
    if rule.name == "centre_standard":
        return  # it is 1 or 0, with nothing between
    near = abs(rule.full - rule.zero) / 10
    inside = [value for value in values if min(rule.full, rule.zero) < value < max(rule.full, rule.zero)]
    for mark in (rule.full, rule.zero):
        assert any(abs(value - mark) <= near for value in inside), f"no case just inside {mark}"


@pytest.mark.parametrize("rule", SCHEME.indicators, ids=lambda rule: rule.name)
def test_every_indicator_has_cases_with_data_and_without(rule: IndicatorRule) -> None:
    without = "not_applicable" if rule.no_data == "pass" else "no_data"
    assert {"ok", without} <= list_stated(rule.name, "state")


@pytest.mark.parametrize(
    "rule", [rule for rule in SCHEME.indicators if rule.window_months > 1], ids=lambda rule: rule.name
)
def test_every_window_has_cases_at_the_least_denominator_and_under_it(rule: IndicatorRule) -> None:
    assert {1, rule.window_months} <= list_stated(rule.name, "window_months")
    if rule.name != "three_rates":  # which shows no denominator
        assert {rule.minimum - 1, rule.minimum} <= list_stated(rule.name, "denominator")


@pytest.mark.parametrize("star", STARS)
def test_every_star_comes_out_in_every_state_that_it_can_have(star: str) -> None:
    states = {stated.get("state") for key, stated in list_star_expectations() if key == star}
    # No event belongs to branch, so no false closure can withhold it.
    can_be_withheld = star in SCHEME.category_stars.values()
    assert states - {None} == set(get_args(StarState)) - (set() if can_be_withheld else {"withheld"})


def test_every_reason_of_a_star_is_told_in_some_case() -> None:
    reasons = {reason for _, stated in list_star_expectations() for reason in stated.get("reasons", ())}
    gates = [rule for rule in SCHEME.indicators if rule.gate is not None]
    assert reasons == {
        *VETO_REASONS,
        *(f"source_missing:{source}" for source in SOURCES),
        "weight_share",
        *(f"no_data:{rule.name}" for rule in gates if rule.no_data == "insufficient"),
        "false_closures",
        *(f"gate:{rule.name}" for rule in gates),
        "score",
    }
    assert set(SOURCES) == {source for sources in SCHEME.sources.values() for source in sources}


def test_a_rating_is_complete_incomplete_ranked_unranked_and_absent_in_some_case() -> None:
    ratings = [stated for key, stated in list_community_expectations() if key == RATING]
    assert {stated.get("complete") for stated in ratings} >= {True, False}
    assert {stated.get("rank") for stated in ratings} >= {1, 2, 4, None}
    assert {stated.get("stars") for stated in ratings} >= {0, 3, 4, 5}
    assert {} in ratings


def test_every_kind_of_proposal_and_every_reason_comes_out_of_some_case() -> None:
    assert {grade.get("kind") for grade in list_grades()} >= set(get_args(ProposalKind))
    reasons = {reason for grade in list_grades() for reason in grade.get("reasons", ())}
    assert reasons == set(GRADE_REASONS)


@pytest.mark.parametrize("block", BLOCK_TITLES)
def test_every_block_holds_a_raise_in_some_case(block: str) -> None:
    holds = [grade["reasons"] for grade in list_grades() if grade.get("kind") == "hold" and "reasons" in grade]
    assert (block,) in holds


def test_every_post_degree_certificate_and_sanction_stands_in_some_case() -> None:
    cases = [read_worker_case(case) for case in list_worker_cases()]
    assert {case.worker.post for case in cases} == set(POSTS)
    assert {case.worker.degree for case in cases} == set(DEGREES)
    assert {case.worker.certificate for case in cases} == set(CERTIFICATES)
    assert {sanction.kind for case in cases for sanction in case.sanctions} == set(SANCTIONS)


@pytest.mark.parametrize("post", POSTS)
def test_every_band_has_cases_on_its_floor_and_on_its_ceiling(post: str) -> None:
    band = shipped_policy().at(MARCH.last_on).mapping("grades.bands")[post]
    cases = [read_worker_case(case) for case in list_worker_cases()]
    entitled = {case.expected.get("grade", {}).get("entitled") for case in cases if case.worker.post == post}
    assert {band["floor"], band["ceiling"]} <= entitled


def test_every_pay_basis_and_every_appraisal_is_paid_in_some_case() -> None:
    lines = [expected["pay"] for expected in list_worker_expectations() if "pay" in expected]
    assert all(any(line.get(basis) for line in lines) for basis in BASES)
    stated = [line for pay in lines for line in pay.values() if line]
    assert {line.get("appraisal") for line in stated} >= {*OUTCOMES, ABSENT}
    amounts = ("basic_fen", "performance_fen", "uplift_fen", "total_fen")
    assert all(any(line.get(amount) for line in stated) for amount in amounts)
    assert dict.fromkeys(BASES) in lines  # no line at all


def test_arrears_and_work_funds_are_owed_and_not_owed_in_some_case() -> None:
    for key in ("arrears", "funds"):
        stated = [expected[key] for expected in list_worker_expectations() if key in expected]
        assert any(stated)
        assert not all(stated)
