"""The evaluation benchmark in its short form: that both sides do the same work, but not the figures."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.evaluate import (
    LARGE,
    LIMITED,
    MORE_STAFF,
    OURS,
    QUERY,
    STAFF,
    list_contenders,
    write_table,
    write_verdicts,
)
from benchmarks.evaluate_benchmark import Tallies, judge_ours, load_shipped_policy, tally_by_query
from benchmarks.landed_city import MONTHS, land_city, open_city
from benchmarks.measure import Figures, run_measured
from benchmarks.workers_benchmark import load_paid_policy, make_staff, propose_all
from flows.evaluate.communities import CommunityAssessment
from flows.evaluate.indicators import COMPOSITE, PARTS, sum_window
from flows.evaluate.scheme import read_scheme

EVENTS = 6_000
COMMUNITY_COUNT = 247


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a city so small that most indicators sum three months, and some have no data even then."""
    folder = tmp_path_factory.mktemp("cities")
    land_city(folder / str(EVENTS), EVENTS)
    return folder


def list_tallies(assessment: CommunityAssessment) -> Tallies:
    """Our numerators and denominators, those of the composite's parts under names of their own."""
    scheme = read_scheme(load_shipped_policy().at(MONTHS[-1].last_on))
    composite = next(rule for rule in scheme.indicators if rule.name == COMPOSITE)
    tallies = {
        (row.community_code, row.indicator): (row.numerator, row.denominator)
        for row in assessment.indicators
        if row.indicator != COMPOSITE
    }
    for community in assessment.communities:
        for part, definition in PARTS.items():
            tally, _ = sum_window(definition, assessment.counts, composite, community.community_code)
            tallies[community.community_code, f"{COMPOSITE}.{part}"] = (tally.numerator, tally.denominator)
    return tallies


def test_the_query_and_our_rules_count_the_same(cities: Path, tmp_path: Path) -> None:
    assessment = judge_ours(cities / str(EVENTS), tmp_path)
    ours = list_tallies(assessment)
    assert tally_by_query(cities / str(EVENTS), tmp_path) == ours
    # 16 indicators and the three parts of `three_rates`, in every community.
    assert len(ours) == COMMUNITY_COUNT * 19
    assert {row.window_months for row in assessment.indicators} == {1, 3}
    assert sum(denominator for _, denominator in ours.values()) > EVENTS


def test_some_events_land_again_and_not_always_newer(cities: Path) -> None:
    city = open_city(cities / str(EVENTS))
    batches = {it.batch_id: it.landing_no for it in city.landings if it.table == "events"}
    files = [file for batch_id in batches for file in city.lake.list_parts("events", batch_id)]
    rows = duckdb.execute(
        "SELECT platform || event_id, batch_id, updated_at FROM read_parquet($files, hive_partitioning = true)",
        {"files": files},
    ).fetchall()
    landed: dict[str, list[tuple[int, object]]] = {}
    for key, batch_id, updated_at in rows:
        landed.setdefault(key, []).append((batches[batch_id], updated_at))
    again = [sorted(versions) for versions in landed.values() if len(versions) > 1]
    # A quarter of three months' events; a tenth of those were written later than the version that landed after them.
    assert 0.2 < len(again) / (3 * EVENTS) < 0.3
    assert 0.05 < sum(versions[0][1] > versions[-1][1] for versions in again) / len(again) < 0.15


def test_judging_is_measured_in_a_process_of_its_own(cities: Path) -> None:
    figures = run_measured("evaluate_benchmark", str(cities), (EVENTS, EVENTS))
    assert figures.result_count == COMMUNITY_COUNT
    assert figures.peak_bytes > 0


def test_every_worker_gets_a_proposal_and_two_pay_lines() -> None:
    assert propose_all(make_staff(50), load_paid_policy()) == 50 * 3


def test_the_table_and_the_verdicts_tell_ratios_of_one_round() -> None:
    contenders = list_contenders(1_170_000, 12_000_000, 32_000)
    seconds = {QUERY: 4.0, OURS: 6.0, LIMITED: 10.0, LARGE: 90.0, STAFF: 1.5, MORE_STAFF: 15.0}
    # The second round ran on a busier machine: the ratios are the same.
    rounds = [
        {it.name: Figures(seconds[it.name] * pace, seconds[it.name], 1, 400_000_000) for it in contenders}
        for pace in (1, 2)
    ]
    assert f"| {OURS} | 1,170,000 | 9.00 (6.00–12.00) | 6.00 | 1.50 | 400 MB |" in write_table(contenders, rounds)
    verdicts = write_verdicts(rounds)
    # 6.0 / 4.0; 400 / 400; 15.0 / 1.5.
    for told in ("take 1.50 times", "needs 1.00 times", "at most 1.50 s of one core and 400 MB", "take 10.00 times"):
        assert told in verdicts
