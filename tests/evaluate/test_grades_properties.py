"""What holds for every worker, not only for the worked cases (policy §4)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from grade_examples import make_record, make_worker, propose
from hypothesis import given
from hypothesis import strategies as st

from flows.evaluate.workers import RosterRow
from flows.results import RegisterRecord
from flows.schema import CERTIFICATES, DEGREES, OUTCOMES, POSTS, SANCTIONS

BANDS = {"other": (1, 12), "deputy": (4, 15), "principal": (7, 18)}
YEARS = range(2018, 2025)

workers = st.builds(
    make_worker,
    post=st.sampled_from(POSTS),
    degree=st.sampled_from(DEGREES),
    certificate=st.sampled_from(CERTIFICATES),
    certificate_on=st.none() | st.dates(date(2000, 1, 1), date(2025, 1, 1)),
    service_start_on=st.dates(date(1970, 1, 1), date(2024, 6, 1)),
    prior_service_months=st.integers(0, 600),
    current_grade=st.none() | st.integers(1, 18),
)
records = st.none() | st.builds(
    make_record,
    post=st.sampled_from(POSTS),
    grade=st.integers(1, 18),
    degree=st.sampled_from(DEGREES),
    certificate=st.sampled_from(CERTIFICATES),
)
appraisals = st.dictionaries(st.sampled_from(YEARS), st.sampled_from(OUTCOMES))
sanction_lists = st.lists(
    st.tuples(st.sampled_from(SANCTIONS), st.dates(date(2022, 1, 1), date(2024, 6, 1))), max_size=2
).map(tuple)


@given(workers, records, appraisals, sanction_lists)
def test_a_new_grade_lies_in_its_posts_band_and_an_old_one_is_kept(
    worker: RosterRow,
    record: RegisterRecord | None,
    outcomes: dict[int, str],
    sanctions: tuple[tuple[str, date], ...],
) -> None:
    proposal = propose(worker, record, outcomes, sanctions)
    floor, ceiling = BANDS[worker.post]
    assert floor <= proposal.entitled_grade <= ceiling
    if proposal.kind in ("initial", "post_change", "raise"):
        assert floor <= proposal.proposed_grade <= ceiling
    else:
        assert proposal.proposed_grade == proposal.current_grade


@given(workers, records, appraisals, sanction_lists)
def test_no_grade_falls_but_by_a_lower_post_or_its_band(
    worker: RosterRow,
    record: RegisterRecord | None,
    outcomes: dict[int, str],
    sanctions: tuple[tuple[str, date], ...],
) -> None:
    proposal = propose(worker, record, outcomes, sanctions)
    if proposal.kind != "post_change" and proposal.current_grade is not None:
        assert proposal.proposed_grade >= proposal.current_grade


@given(workers, records, appraisals, sanction_lists)
def test_a_reason_always_means_a_hold_or_a_person(
    worker: RosterRow,
    record: RegisterRecord | None,
    outcomes: dict[int, str],
    sanctions: tuple[tuple[str, date], ...],
) -> None:
    proposal = propose(worker, record, outcomes, sanctions)
    assert bool(proposal.reasons) <= (proposal.kind == "hold" or proposal.needs_manual)
    assert not (proposal.kind in ("none", "hold") and proposal.needs_manual)


@given(workers, records, appraisals, sanction_lists)
def test_every_raise_is_upward_and_every_other_kind_is_what_it_says(
    worker: RosterRow,
    record: RegisterRecord | None,
    outcomes: dict[int, str],
    sanctions: tuple[tuple[str, date], ...],
) -> None:
    proposal = propose(worker, record, outcomes, sanctions)
    current, entitled = proposal.current_grade, proposal.entitled_grade
    holds = {
        "initial": current is None and proposal.proposed_grade == entitled,
        "post_change": record is not None and record.post != worker.post,
        "none": current == entitled == proposal.proposed_grade,
        "review": current is not None and entitled < current == proposal.proposed_grade,
        "hold": current is not None and entitled > current == proposal.proposed_grade,
        "raise": current is not None and entitled == proposal.proposed_grade > current,
    }
    assert holds[proposal.kind]


@given(workers, appraisals, st.integers(0, 20_000))
def test_more_service_never_entitles_to_less(worker: RosterRow, outcomes: dict[int, str], days: int) -> None:
    # Of years in service: an earlier start would make a bad year before it count (policy §4, `credit_months`).
    own = {year: outcome for year, outcome in outcomes.items() if year >= worker.service_start_on.year}
    earlier = replace(worker, service_start_on=worker.service_start_on - timedelta(days))
    assert propose(earlier, None, own).entitled_grade >= propose(worker, None, own).entitled_grade


@given(workers, appraisals, st.integers(0, 600))
def test_more_prior_service_never_entitles_to_less(worker: RosterRow, outcomes: dict[int, str], months: int) -> None:
    longer = replace(worker, prior_service_months=worker.prior_service_months + months)
    assert propose(longer, None, outcomes).entitled_grade >= propose(worker, None, outcomes).entitled_grade


@pytest.mark.parametrize(("name", "ladder"), [("degree", DEGREES), ("certificate", CERTIFICATES)])
@given(worker=workers, record=records, outcomes=appraisals, sanctions=sanction_lists)
def test_a_higher_degree_or_certificate_never_lowers_the_entitled_grade_or_the_proposed_one(
    *,
    worker: RosterRow,
    record: RegisterRecord | None,
    outcomes: dict[int, str],
    sanctions: tuple[tuple[str, date], ...],
    name: str,
    ladder: tuple[str, ...],
) -> None:
    rungs = [propose(replace(worker, **{name: rung}), record, outcomes, sanctions) for rung in ladder]
    for grades in ([rung.entitled_grade for rung in rungs], [rung.proposed_grade for rung in rungs]):
        assert grades == sorted(grades)


@given(workers, appraisals, st.sampled_from(YEARS))
def test_another_incompetent_year_never_entitles_to_more(
    worker: RosterRow, outcomes: dict[int, str], year: int
) -> None:
    worse = propose(worker, None, {**outcomes, year: "incompetent"})
    assert worse.entitled_grade <= propose(worker, None, outcomes).entitled_grade
