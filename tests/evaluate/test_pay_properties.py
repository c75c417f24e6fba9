"""What holds for every pay line, not only for the worked cases (policy §5)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from grade_examples import EFFECTIVE_ON, make_worker, policy_with_base
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluate.grades import propose_grades
from flows.evaluate.pay import AnnualTitle, compute_pay, list_awards, select_outcomes
from flows.evaluate.workers import RosterRow
from flows.results import PayLine, Proposal
from flows.schema import DEGREES, OUTCOMES, POSTS

COMMUNITIES = ("410202001001", "410202001002", "410202001003")

rosters = st.lists(
    st.builds(
        make_worker,
        staff_id=st.text("0123456789", min_size=1, max_size=4),
        community_code=st.sampled_from(COMMUNITIES),
        post=st.sampled_from(POSTS),
        degree=st.sampled_from(DEGREES),
        committee_member=st.booleans(),
        service_start_on=st.dates(date(1980, 1, 1), EFFECTIVE_ON),
        current_grade=st.none() | st.integers(1, 18),
    ),
    max_size=8,
    unique_by=lambda worker: worker.staff_id,
)
title_lists = st.lists(
    st.builds(
        AnnualTitle,
        st.sampled_from(COMMUNITIES),
        rating_year=st.integers(2021, 2024),
        stars=st.integers(0, 5),
        pay_year=st.integers(2023, 2025),
    ),
    max_size=6,
    unique_by=lambda title: (title.community_code, title.rating_year),
)
bases = st.integers(1, 2_000_000)
outcome_lists = st.lists(st.none() | st.sampled_from(OUTCOMES), min_size=8, max_size=8)


def pay(
    roster: Sequence[RosterRow], titles: Sequence[AnnualTitle], base_fen: int, outcomes: Sequence[str | None]
) -> tuple[list[Proposal], list[PayLine]]:
    """The workers' proposals and pay lines; the outcomes of 2023 by place on the roster."""
    policy = policy_with_base(base_fen).at(EFFECTIVE_ON)
    given_outcomes = zip(roster, outcomes, strict=False)
    appraisals = {(worker.staff_id, 2023): outcome for worker, outcome in given_outcomes if outcome is not None}
    proposals = propose_grades(roster, {}, appraisals, (), policy, effective_on=EFFECTIVE_ON)
    chosen = select_outcomes(appraisals, policy, EFFECTIVE_ON)
    return proposals, compute_pay(proposals, chosen, titles, policy, EFFECTIVE_ON)


@given(rosters, title_lists, bases, outcome_lists)
def test_every_total_is_the_sum_of_its_parts_and_none_is_negative(
    roster: list[RosterRow], titles: list[AnnualTitle], base_fen: int, outcomes: list[str | None]
) -> None:
    _, lines = pay(roster, titles, base_fen, outcomes)
    for line in lines:
        assert line.total_fen == line.basic_fen + line.performance_fen + line.uplift_fen
        assert min(line.basic_fen, line.performance_fen, line.uplift_fen) >= 0


@given(rosters, title_lists, bases, outcome_lists)
def test_each_worker_has_a_proposed_line_and_a_current_one_if_there_is_a_grade(
    roster: list[RosterRow], titles: list[AnnualTitle], base_fen: int, outcomes: list[str | None]
) -> None:
    proposals, lines = pay(roster, titles, base_fen, outcomes)
    expected = [
        (proposal.staff_id, basis, grade)
        for proposal in proposals
        for basis, grade in (("current", proposal.current_grade), ("proposed", proposal.proposed_grade))
        if grade is not None
    ]
    assert [(line.staff_id, line.basis, line.grade) for line in lines] == expected
    by_basis = {(line.staff_id, line.basis): line for line in lines}
    for proposal in proposals:
        if proposal.kind in ("none", "hold", "review"):
            current, proposed = (by_basis[proposal.staff_id, basis] for basis in ("current", "proposed"))
            assert replace(current, basis="proposed") == proposed


@given(rosters, title_lists, bases, outcome_lists)
def test_a_raise_never_pays_less_in_any_part(
    roster: list[RosterRow], titles: list[AnnualTitle], base_fen: int, outcomes: list[str | None]
) -> None:
    proposals, lines = pay(roster, titles, base_fen, outcomes)
    by_basis = {(line.staff_id, line.basis): line for line in lines}
    for proposal in proposals:
        if proposal.kind == "raise":
            current, proposed = (by_basis[proposal.staff_id, basis] for basis in ("current", "proposed"))
            for part in ("basic_fen", "performance_fen", "uplift_fen", "total_fen"):
                assert getattr(proposed, part) >= getattr(current, part)


@given(rosters, title_lists, bases, outcome_lists, st.randoms(use_true_random=False))
def test_the_order_of_roster_and_titles_changes_nothing(
    roster: list[RosterRow], titles: list[AnnualTitle], base_fen: int, outcomes: list[str | None], random: object
) -> None:
    paired = list(zip(roster, outcomes, strict=False))
    shuffled = list(titles)
    random.shuffle(paired)  # type: ignore[attr-defined]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = pay([row for row, _ in paired], shuffled, base_fen, [outcome for _, outcome in paired])
    assert again == pay(roster, titles, base_fen, outcomes)
    policy = policy_with_base(base_fen).at(EFFECTIVE_ON)
    assert list_awards(shuffled, policy, EFFECTIVE_ON) == list_awards(titles, policy, EFFECTIVE_ON)
