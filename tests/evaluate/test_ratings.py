"""Ratings, ranks and the sanity alarm (policy §3.4, §6)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from star_city import HOME, MARCH, community, scheme

from flows.evaluate.ratings import find_alarms, rate_communities
from flows.results import STARS, RatingRow, StarRow


def make_stars(code, states, scores):
    return [
        StarRow(code, star, None if score is None else Decimal(score), state, ())
        for star, state, score in zip(STARS, states, scores, strict=True)
    ]


def rate(*specs):
    """Ratings of communities in one district, each given as (states, scores)."""
    communities = [community(f"4102020010{number:02d}") for number in range(len(specs))]
    stars = [
        star
        for each, (states, scores) in zip(communities, specs, strict=True)
        for star in make_stars(each.community_code, states, scores)
    ]
    return rate_communities(communities, stars)


LIT = ["lit"] * 5


def lit(count, score):
    """A complete community with so many stars lit and this score on each star."""
    return ["lit"] * count + ["unlit"] * (5 - count), [score] * 5


def test_only_lit_stars_count():
    states = ["lit", "unlit", "withheld", "vetoed", "lit"]
    (row,) = rate((states, ["90.00"] * 5))
    assert (row.stars, row.complete, row.rank) == (2, True, 1)


def test_the_total_is_the_mean_of_the_scores_that_exist_whatever_the_state():
    # (90 + 80 + 70) / 3 = 80.
    (row,) = rate((["lit", "unlit", "vetoed", "vetoed", "vetoed"], ["90.00", "80.00", "70.00", None, None]))
    assert row.total_score == Decimal("80.00")


@pytest.mark.parametrize(
    ("last", "total"),
    [
        # 4 × 80.00 + last, divided by 5: 400.02 / 5 = 80.004, 400.03 / 5 = 80.006.
        ("80.02", "80.00"),
        ("80.03", "80.01"),
    ],
)
def test_the_total_is_rounded_to_two_decimals(last, total):
    (row,) = rate((LIT, ["80.00"] * 4 + [last]))
    assert row.total_score == Decimal(total)


def test_half_a_hundredth_rounds_up():
    # (80.00 + 80.01) / 2 = 80.005.
    (row,) = rate((["lit", "lit", "vetoed", "vetoed", "vetoed"], ["80.00", "80.01", None, None, None]))
    assert row.total_score == Decimal("80.01")


def test_one_star_without_enough_data_leaves_the_rating_incomplete_and_unranked():
    states = ["lit", "lit", "lit", "lit", "insufficient_data"]
    first, second = rate((states, ["99.00"] * 5), lit(1, "10.00"))
    assert (first.stars, first.complete, first.rank) == (4, False, None)
    assert (second.complete, second.rank) == (True, 1)


def test_ranks_go_by_stars_then_by_total_and_ties_share_the_better():
    ranked = rate(lit(3, "99.00"), lit(4, "85.00"), lit(5, "81.00"), lit(4, "85.00"), lit(4, "84.99"))
    assert [row.rank for row in ranked] == [5, 2, 1, 2, 4]


def test_a_vetoed_community_without_any_score_is_ranked_below_a_score_of_zero():
    vetoed = ["vetoed"] * 5
    ranked = rate((vetoed, [None] * 5), (vetoed, ["0.00"] * 5), (vetoed, [None] * 5))
    assert [(row.total_score, row.rank) for row in ranked] == [(None, 2), (Decimal("0.00"), 1), (None, 2)]
    assert all(row.complete for row in ranked)


def test_each_district_ranks_its_own():
    communities = [
        community(HOME, "410202"),
        community("410203001001", "410203"),
        community("410203001002", "410203"),
    ]
    stars = [
        *make_stars(HOME, LIT, ["81.00"] * 5),
        *make_stars("410203001001", LIT, ["95.00"] * 5),
        *make_stars("410203001002", LIT, ["96.00"] * 5),
    ]
    rows = rate_communities(communities, stars)
    assert [(row.district_code, row.rank) for row in rows] == [("410202", 1), ("410203", 2), ("410203", 1)]


# The sanity alarm


def make_ratings(total, many):
    """So many communities, `many` of them with four stars and the rest with three."""
    return [
        RatingRow(f"{number:012d}", "410202", 4 if number < many else 3, Decimal("80.00"), True, 1)
        for number in range(total)
    ]


def find(total, many, with_incident=0):
    incidents = {f"{number:012d}": 1 for number in range(with_incident)}
    return find_alarms(make_ratings(total, many), incidents, scheme().alarms, MARCH)


@pytest.mark.parametrize(("many", "alarms"), [(49, 1), (50, 0), (300, 0), (301, 1)])
def test_the_share_of_four_stars_is_expected_from_five_to_thirty_percent(many, alarms):
    found = find(1000, many)
    assert len(found) == alarms
    assert all("2024-03" in sentence and "5.0 % to 30.0 %" in sentence for sentence in found)


@pytest.mark.parametrize(("with_incident", "alarms"), [(200, 0), (201, 1)])
def test_four_fifths_are_expected_to_be_without_incident(with_incident, alarms):
    found = find(1000, 100, with_incident)
    assert len(found) == alarms
    assert all("79.9 %" in sentence and "80.0 %" in sentence for sentence in found)


def test_both_alarms_may_ring_and_none_rings_for_nobody():
    assert len(find(10, 10, 10)) == 2
    assert find(0, 0) == []


def test_a_withdrawn_or_foreign_incident_count_rings_no_alarm():
    incidents = {f"{number:012d}": 0 for number in range(10)} | {"999999999999": 4}
    assert find_alarms(make_ratings(10, 1), incidents, scheme().alarms, MARCH) == []


def test_the_shipped_shares_are_those_of_policy():
    alarms = scheme().alarms
    assert (alarms.many_stars, alarms.many_stars_share_minimum, alarms.many_stars_share_maximum) == (
        4,
        Fraction(5, 100),
        Fraction(30, 100),
    )
    assert alarms.incident_free_share_minimum == Fraction(80, 100)
