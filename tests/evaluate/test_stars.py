"""Scores, states and reasons of the five stars (policy §3)."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from star_city import ALL_PRESENT, HOME, MARCH, NEIGHBOUR, community, scheme

from flows.evaluate.counts import BranchSheet, Counts
from flows.evaluate.stars import judge_stars
from flows.results import STARS, IndicatorRow

GOOD_SHEET = BranchSheet(
    meetings_required=4,
    meetings_held=4,
    centre_standard=True,
    property_covered=10,
    property_total=10,
    weak_branch=False,
    secretary_under_investigation=False,
)
ALL_FIVE = dict.fromkeys(STARS, "lit")


def make_rows(**values):
    """The home community's indicators: every value at its full mark or gate, but for `values` (None: no data)."""
    rows = []
    for rule in scheme().indicators:
        value = values.get(rule.name, rule.full if rule.full is not None else rule.gate)
        state = "ok" if value is not None else ("not_applicable" if rule.no_data == "pass" else "no_data")
        value = None if value is None else Fraction(value)
        score = None if value is None else rule.score(value)
        rows.append(IndicatorRow(HOME, rule.star, rule.name, 1, 1, value, score, state, 1))
    return rows


def judge(
    star, *, present=ALL_PRESENT, false_closures=0, incidents=0, sheet=GOOD_SHEET, by=None, scores=None, **values
):
    """The home community's row of `star`. `scores` sets indicators' scores outright."""
    rows = [
        replace(row, score=Fraction(scores[row.indicator])) if row.indicator in (scores or {}) else row
        for row in make_rows(**values)
    ]
    counts = Counts(
        MARCH,
        sheets={HOME: sheet} if sheet else {},
        false_closures={(HOME, star): false_closures},
        incidents={HOME: incidents} if incidents else {},
    )
    found = judge_stars([community()], rows, counts, by or scheme(), present)
    return next(row for row in found if row.star == star)


def without(*sources):
    return {source: present and source not in sources for source, present in ALL_PRESENT.items()}


# Score


@pytest.mark.parametrize("star", STARS)
def test_a_star_with_everything_full_is_lit_at_one_hundred(star):
    row = judge(star)
    assert (row.score, row.state, row.reasons) == (Decimal("100.00"), "lit", ())


def test_the_score_is_the_weighted_mean_of_its_indicators():
    # branch: (40·100 + 40·50 + 20·0) / 100 = 60.
    row = judge("branch", scores={"meetings_held": 50, "centre_standard": 0})
    assert row.score == Decimal("60.00")


def test_an_indicator_without_data_leaves_the_mean_with_its_weight():
    # co_building without wish_closed (20): (30·100 + 30·50 + 20·100) / 80 = 6500 / 80 = 81.25.
    row = judge("co_building", wish_closed=None, scores={"city_case_on_time": 50})
    assert (row.score, row.state) == (Decimal("81.25"), "lit")


def test_each_false_closure_takes_a_point():
    assert judge("safety", false_closures=2).score == Decimal("98.00")


def test_the_score_never_falls_under_zero():
    row = judge("safety", false_closures=2, dispute_closed="0.80", hazard_closed="0.80")
    assert row.score == Decimal("0.00")


def test_the_score_is_rounded_half_up_once_after_the_deduction():
    # (50·99.99 + 50·99.98) / 100 = 99.985 − 1 = 98.985, rounded half up to 98.99.
    row = judge("safety", false_closures=1, scores={"dispute_closed": "99.99", "hazard_closed": "99.98"})
    assert row.score == Decimal("98.99")


def test_without_any_weighted_data_there_is_no_score_and_nothing_to_deduct_from():
    row = judge("safety", false_closures=1, dispute_closed=None, hazard_closed=None)
    assert (row.score, row.state, row.reasons) == (None, "insufficient_data", ("weight_share",))


@pytest.mark.parametrize(
    ("mean", "score", "state", "reasons"),
    [
        ("80", "80.00", "lit", ()),
        ("79.995", "80.00", "lit", ()),  # half up, then compared: the rounded score decides
        ("79.9949", "79.99", "unlit", ("score",)),
        ("79.99", "79.99", "unlit", ("score",)),
    ],
)
def test_a_star_is_lit_from_eighty_as_rounded(mean, score, state, reasons):
    row = judge("safety", scores={"dispute_closed": mean, "hazard_closed": mean})
    assert (row.score, row.state, row.reasons) == (Decimal(score), state, reasons)


def test_false_closures_can_take_the_light():
    # 82 − 2 = 80 stays lit; 81.99 − 2 = 79.99 does not.
    assert judge("safety", false_closures=2, scores={"dispute_closed": 82, "hazard_closed": 82}).state == "lit"
    row = judge("safety", false_closures=2, scores={"dispute_closed": "81.99", "hazard_closed": "81.99"})
    assert (row.state, row.reasons) == ("unlit", ("score",))


# Vetoes


@pytest.mark.parametrize("star", STARS)
@pytest.mark.parametrize("reason", ["weak_branch", "secretary_under_investigation"])
def test_a_veto_of_the_branch_takes_all_five_stars(star, reason):
    row = judge(star, sheet=replace(GOOD_SHEET, **{reason: True}))
    assert (row.state, row.reasons, row.score) == ("vetoed", (reason,), Decimal("100.00"))


def test_both_branch_reasons_are_told_in_order():
    sheet = replace(GOOD_SHEET, weak_branch=True, secretary_under_investigation=True)
    assert judge("wellbeing", sheet=sheet).reasons == ("weak_branch", "secretary_under_investigation")


@pytest.mark.parametrize("star", STARS)
def test_an_incident_takes_only_the_safety_star(star):
    row = judge(star, incidents=2)
    expected = ("vetoed", ("incident",)) if star == "safety" else ("lit", ())
    assert (row.state, row.reasons) == expected


def test_the_safety_star_tells_the_branch_reasons_before_the_incident():
    row = judge("safety", incidents=1, sheet=replace(GOOD_SHEET, secretary_under_investigation=True))
    assert row.reasons == ("secretary_under_investigation", "incident")


def test_a_veto_comes_before_missing_data():
    nothing = {rule.name: None for rule in scheme().indicators}
    row = judge("safety", incidents=1, present={}, false_closures=3, **nothing)
    assert (row.state, row.reasons, row.score) == ("vetoed", ("incident",), None)


def test_without_a_sheet_row_no_veto_is_set():
    assert judge("wellbeing", sheet=None).state == "lit"


def test_another_communitys_veto_stays_there():
    counts = Counts(
        MARCH,
        sheets={NEIGHBOUR: replace(GOOD_SHEET, weak_branch=True)},
        incidents={NEIGHBOUR: 1},
        false_closures={(NEIGHBOUR, "safety"): 3},
    )
    found = judge_stars([community()], make_rows(), counts, scheme(), ALL_PRESENT)
    assert {row.star: row.state for row in found} == ALL_FIVE


# Insufficient data


@pytest.mark.parametrize(
    ("star", "needs"),
    [
        ("branch", ("comprehensive_governance", "sheets")),
        ("co_building", ("law_enforcement", "public_service", "sheets", "supervision")),
        ("enterprise", ("law_enforcement", "public_service", "supervision")),
        ("safety", ("comprehensive_governance", "supervision")),
        ("wellbeing", ("public_service", "supervision")),
    ],
)
def test_a_star_needs_each_of_its_sources_and_no_other(star, needs):
    for source in ALL_PRESENT:
        row = judge(star, present=without(source))
        if source in needs:
            assert (row.state, row.reasons) == ("insufficient_data", (f"source_missing:{source}",))
        else:
            assert row.state == "lit"
    assert judge(star, present={}).reasons == tuple(f"source_missing:{source}" for source in needs)


def test_missing_data_keeps_the_score_that_there_is():
    assert judge("wellbeing", present=without("supervision")).score == Decimal("100.00")


@pytest.mark.parametrize(
    ("star", "missing", "state"),
    [
        # co_building 30 + 20 + 30 + 20: without both twenties 60 % are left; without 30 + 20 only 50 %.
        ("co_building", ("wish_closed", "city_case_rework"), "lit"),
        ("co_building", ("property_coverage", "wish_closed"), "insufficient_data"),
        # enterprise 40 + 30 + 30: 60 % without the forty, 40 % with only it.
        ("enterprise", ("market_case_on_time",), "lit"),
        ("enterprise", ("market_hazard_closed", "employment_satisfaction"), "insufficient_data"),
        # wellbeing 40 + 60.
        ("wellbeing", ("service_on_time",), "lit"),
        ("wellbeing", ("three_rates",), "insufficient_data"),
        # safety 50 + 50; branch 40 + 40 + 20.
        ("safety", ("hazard_closed",), "insufficient_data"),
        ("branch", ("meetings_held",), "lit"),
        ("branch", ("centre_standard",), "lit"),
    ],
)
def test_sixty_percent_of_the_weight_must_have_data(star, missing, state):
    row = judge(star, **dict.fromkeys(missing))
    assert row.state == state
    assert row.reasons == (() if state == "lit" else ("weight_share",))


def test_just_under_the_weight_share_is_insufficient():
    stricter = replace(scheme(), weight_share_minimum=Fraction(6001, 10000))
    assert judge("wellbeing", service_on_time=None, by=stricter).reasons == ("weight_share",)


def test_gates_without_weight_do_not_count_towards_the_share():
    row = judge("safety", hazard_major_closed=None)
    assert (row.state, row.score) == ("lit", Decimal("100.00"))


def test_a_branch_star_without_grids_is_insufficient():
    row = judge("branch", grid_party_coverage=None)
    assert (row.state, row.reasons) == ("insufficient_data", ("no_data:grid_party_coverage",))


def test_all_gaps_are_told_sources_first_then_share_then_gates():
    row = judge("branch", present=without("sheets"), grid_party_coverage=None, meetings_held=None)
    assert row.reasons == ("source_missing:sheets", "weight_share", "no_data:grid_party_coverage")


def test_missing_data_comes_before_withholding():
    row = judge("wellbeing", present=without("supervision"), false_closures=5)
    assert (row.state, row.reasons) == ("insufficient_data", ("source_missing:supervision",))


# Withheld


@pytest.mark.parametrize(
    ("false_closures", "state", "reasons"), [(2, "lit", ()), (3, "withheld", ("false_closures",))]
)
def test_three_false_closures_withhold_the_star(false_closures, state, reasons):
    row = judge("wellbeing", false_closures=false_closures)
    assert (row.state, row.reasons) == (state, reasons)


def test_withholding_comes_before_gates_and_score():
    row = judge("wellbeing", false_closures=3, service_satisfaction="0.50", service_on_time="0.80")
    assert (row.state, row.reasons) == ("withheld", ("false_closures",))


# Gates


@pytest.mark.parametrize(
    ("star", "gate", "passing", "failing"),
    [
        ("branch", "grid_party_coverage", "1.00", "0.999"),
        ("enterprise", "market_hazard_major_closed", "1.00", "0.999"),
        ("safety", "hazard_major_closed", "1.00", "0.999"),
        ("wellbeing", "service_satisfaction", "0.85", "0.849"),
    ],
)
def test_a_gate_holds_on_its_mark_and_not_under_it(star, gate, passing, failing):
    assert judge(star, **{gate: passing}).state == "lit"
    row = judge(star, **{gate: failing})
    assert (row.state, row.reasons) == ("unlit", (f"gate:{gate}",))


@pytest.mark.parametrize(
    ("star", "gate"),
    [
        ("enterprise", "market_hazard_major_closed"),
        ("safety", "hazard_major_closed"),
        ("wellbeing", "service_satisfaction"),
    ],
)
def test_a_gate_that_passes_without_data_does(star, gate):
    assert judge(star, **{gate: None}).state == "lit"


def test_a_failed_gate_is_told_before_the_score():
    row = judge("safety", hazard_major_closed="0", dispute_closed="0.80")
    assert (row.state, row.reasons, row.score) == ("unlit", ("gate:hazard_major_closed", "score"), Decimal("50.00"))
