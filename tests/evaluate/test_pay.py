"""Pay and work funds: policy §5."""

from dataclasses import replace
from datetime import date

import pytest
from grade_examples import EFFECTIVE_ON, make_record, make_worker, policy_with_base, propose, shipped_policy
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluate.pay import AnnualTitle, compute_pay, list_awards, select_outcomes
from flows.results import AwardLine, PayLine, Proposal

HOME = "410202001001"
ELSEWHERE = "410202001002"
FOUR_STARS = AnnualTitle(HOME, rating_year=2023, stars=4, pay_year=2024)


def make_proposal(current: int | None, proposed: int, committee_member: bool = False) -> Proposal:
    """A worker's proposal with these grades, however they came about."""
    made = propose(make_worker(community_code=HOME, committee_member=committee_member))
    return replace(made, current_grade=current, proposed_grade=proposed)


def pay(
    base_fen: int,
    grade: int,
    outcome: str | None = None,
    committee_member: bool = False,
    titles: tuple[AnnualTitle, ...] = (),
) -> PayLine:
    """The pay line of one worker at one grade."""
    proposal = make_proposal(None, grade, committee_member)
    outcomes = {proposal.staff_id: outcome} if outcome else {}
    policy = policy_with_base(base_fen).at(EFFECTIVE_ON)
    [line] = compute_pay([proposal], outcomes, titles, policy, EFFECTIVE_ON)
    return line


def amounts(line: PayLine) -> tuple[int, int, int, int]:
    return (line.basic_fen, line.performance_fen, line.uplift_fen, line.total_fen)


def test_without_a_base_there_is_no_pay_line() -> None:
    assert compute_pay([make_proposal(1, 2)], {}, [], shipped_policy().at(EFFECTIVE_ON), EFFECTIVE_ON) == []


def test_grade_1_at_3400_yuan_pays_70_and_30_percent() -> None:
    # 340000; basic 238000; performance base 102000, factor 1.00
    assert amounts(pay(340_000, 1)) == (238_000, 102_000, 0, 340_000)


def test_grade_5_at_3400_yuan_with_excellent_and_uplift() -> None:
    # 340000 x 1.20 = 408000; basic 285600; performance (408000 - 285600) x 1.10 = 134640; uplift 42840
    line = pay(340_000, 5, "excellent", committee_member=True, titles=(FOUR_STARS,))
    assert amounts(line) == (285_600, 134_640, 42_840, 463_080)


@pytest.mark.parametrize(
    ("outcome", "performance_fen", "named"),
    [
        ("excellent", 112_200, "excellent"),  # 102000 x 1.10
        ("competent", 102_000, "competent"),
        ("basic", 81_600, "basic"),  # x 0.80
        ("incompetent", 0, "incompetent"),
        (None, 102_000, "absent"),  # x 1.00
    ],
)
def test_the_appraisal_scales_performance_pay(outcome: str | None, performance_fen: int, named: str) -> None:
    line = pay(340_000, 1, outcome)
    assert (line.performance_fen, line.appraisal, line.basic_fen) == (performance_fen, named, 238_000)


def test_grade_pay_rounds_half_a_fen_up() -> None:
    # 10 x 1.05 = 10.5 -> 11; basic 7.7 -> 8; performance 3
    assert amounts(pay(10, 2)) == (8, 3, 0, 11)


def test_grade_pay_under_half_a_fen_rounds_down() -> None:
    # 9 x 1.05 = 9.45 -> 9; basic 6.3 -> 6; performance 3
    assert amounts(pay(9, 2)) == (6, 3, 0, 9)


def test_basic_pay_rounds_half_a_fen_up() -> None:
    # 5 x 0.70 = 3.5 -> 4; performance 1
    assert amounts(pay(5, 1)) == (4, 1, 0, 5)


def test_basic_pay_is_taken_from_the_rounded_grade_pay() -> None:
    # 33 x 1.05 = 34.65 -> 35; basic 24.5 -> 25 (from 34.65 it would be 24.255 -> 24)
    assert amounts(pay(33, 2)) == (25, 10, 0, 35)


def test_performance_pay_rounds_half_a_fen_up() -> None:
    # 17: basic 11.9 -> 12; (17 - 12) x 1.10 = 5.5 -> 6
    assert amounts(pay(17, 1, "excellent")) == (12, 6, 0, 18)


def test_uplift_rounds_half_a_fen_up() -> None:
    # 14: basic 9.8 -> 10; performance 4; uplift 10 x 0.15 = 1.5 -> 2
    assert amounts(pay(14, 1, committee_member=True, titles=(FOUR_STARS,))) == (10, 4, 2, 16)


def test_lines_come_for_the_current_and_the_proposed_grade() -> None:
    # 340000 and 340000 x 1.05 = 357000
    policy = policy_with_base(340_000).at(EFFECTIVE_ON)
    lines = compute_pay([make_proposal(1, 2)], {}, [], policy, EFFECTIVE_ON)
    assert [(line.basis, line.grade, line.total_fen) for line in lines] == [
        ("current", 1, 340_000),
        ("proposed", 2, 357_000),
    ]


def test_a_worker_without_a_grade_has_only_the_proposed_line() -> None:
    policy = policy_with_base(340_000).at(EFFECTIVE_ON)
    assert [line.basis for line in compute_pay([make_proposal(None, 2)], {}, [], policy, EFFECTIVE_ON)] == [
        "proposed"
    ]


def test_lines_are_sorted_by_worker_as_text() -> None:
    proposals = [replace(make_proposal(None, 1), staff_id=staff_id) for staff_id in ("10", "9", "1")]
    lines = compute_pay(proposals, {}, [], policy_with_base(340_000).at(EFFECTIVE_ON), EFFECTIVE_ON)
    assert [line.staff_id for line in lines] == ["1", "10", "9"]


@pytest.mark.parametrize(
    ("titles", "uplift_fen"),
    [
        ((FOUR_STARS,), 35_700),  # 238000 x 0.15
        ((replace(FOUR_STARS, stars=5),), 35_700),
        ((replace(FOUR_STARS, stars=3),), 0),
        ((replace(FOUR_STARS, pay_year=2023),), 0),
        ((replace(FOUR_STARS, pay_year=2025),), 0),
        ((replace(FOUR_STARS, community_code=ELSEWHERE),), 0),
        ((), 0),
    ],
    ids=["four stars", "five stars", "three stars", "last year", "next year", "another community", "no title"],
)
def test_the_uplift_needs_a_title_of_4_stars_paid_this_year(titles: tuple[AnnualTitle, ...], uplift_fen: int) -> None:
    assert pay(340_000, 1, committee_member=True, titles=titles).uplift_fen == uplift_fen


def test_the_uplift_is_for_committee_members_only() -> None:
    assert pay(340_000, 1, committee_member=False, titles=(FOUR_STARS,)).uplift_fen == 0


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("earlier", "later", "holds"), [(5, 3, False), (3, 5, True)])
def test_of_two_titles_only_the_later_rating_year_counts(
    earlier: int, later: int, holds: bool, reverse: bool
) -> None:
    titles = [AnnualTitle(HOME, 2022, earlier, 2024), AnnualTitle(HOME, 2023, later, 2024)]
    ordered = tuple(reversed(titles) if reverse else titles)
    assert (pay(340_000, 1, committee_member=True, titles=ordered).uplift_fen > 0) is holds
    assert bool(list_awards(ordered, shipped_policy().at(EFFECTIVE_ON), EFFECTIVE_ON)) is holds


def test_a_later_title_paid_in_another_year_takes_nothing_away() -> None:
    titles = (FOUR_STARS, AnnualTitle(HOME, rating_year=2024, stars=1, pay_year=2025))
    assert pay(340_000, 1, committee_member=True, titles=titles).uplift_fen == 35_700


def test_work_funds_lie_between_20_000_and_100_000_yuan_and_a_person_names_the_amount() -> None:
    titles = [replace(FOUR_STARS, community_code=ELSEWHERE, stars=5), FOUR_STARS]
    assert list_awards(titles, shipped_policy().at(EFFECTIVE_ON), EFFECTIVE_ON) == [
        AwardLine(2024, HOME, 4, 2_000_000, 10_000_000, None),
        AwardLine(2024, ELSEWHERE, 5, 2_000_000, 10_000_000, None),
    ]


def test_no_work_funds_for_3_stars_or_another_years_title() -> None:
    titles = [replace(FOUR_STARS, stars=3), replace(FOUR_STARS, community_code=ELSEWHERE, pay_year=2023)]
    assert list_awards(titles, shipped_policy().at(EFFECTIVE_ON), EFFECTIVE_ON) == []


@pytest.mark.parametrize(
    ("effective_on", "outcomes"),
    [(date(2024, 3, 1), {"1": "basic"}), (date(2024, 4, 1), {"1": "excellent", "2": "competent"})],
)
def test_pay_follows_the_outcome_of_the_appraisal_year(effective_on: date, outcomes: dict[str, str]) -> None:
    appraisals = {("1", 2022): "basic", ("1", 2023): "excellent", ("2", 2023): "competent"}
    assert select_outcomes(appraisals, shipped_policy().at(effective_on), effective_on) == outcomes


@given(st.integers(1, 2_000_000), st.integers(1, 18), st.sampled_from(["excellent", "basic", None]), st.booleans())
def test_the_total_is_the_sum_of_its_parts(base_fen: int, grade: int, outcome: str | None, member: bool) -> None:
    line = pay(base_fen, grade, outcome, member, (FOUR_STARS,))
    assert line.total_fen == line.basic_fen + line.performance_fen + line.uplift_fen
    assert (line.uplift_fen > 0) <= member


@given(st.integers(1, 2_000_000), st.integers(1, 17))
def test_a_higher_grade_never_pays_less(base_fen: int, grade: int) -> None:
    assert pay(base_fen, grade + 1).total_fen >= pay(base_fen, grade).total_fen


def test_pay_lines_follow_real_proposals() -> None:
    # other, 36 months: 1 -> 2, one step
    proposal = propose(
        make_worker(service_start_on=date(2021, 4, 1), community_code=HOME), make_record(), {2023: "competent"}
    )
    policy = policy_with_base(340_000).at(EFFECTIVE_ON)
    lines = compute_pay([proposal], {proposal.staff_id: "competent"}, [], policy, EFFECTIVE_ON)
    assert [(line.basis, line.grade) for line in lines] == [("current", 1), ("proposed", 2)]
