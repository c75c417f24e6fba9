"""A tiny community's month explained, worked out by hand: counts, reckoning, reasons, batches (policy §1 to §3)."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from explain_city import explain
from star_city import HOME, NEIGHBOUR, check, community_row, event, grid, incident, sheet

from flows.evaluate.explain.community import CommunityExplanation
from flows.evaluate.explain.measures import BatchShare
from flows.evaluate.explain.stars import IndicatorExplanation, StarExplanation, Veto
from flows.month import Month


def find_star(explanation: CommunityExplanation, star: str) -> StarExplanation:
    return next(each for each in explanation.stars if each.star == star)


def find_indicator(explanation: CommunityExplanation, name: str) -> IndicatorExplanation:
    return next(each for star in explanation.stars for each in star.indicators if each.indicator == name)


def make_events(count: int, prefix: str, **changes: object) -> list[dict[str, object]]:
    return [event(event_id=f"{prefix}{number}", **changes) for number in range(count)]


def test_an_indicator_shows_its_counts_its_reckoning_and_what_counted_against_it() -> None:
    # 17 of 20 wishes closed: (0.85 − 0.50) / (0.90 − 0.50) × 100 = 87.5.
    wishes = [
        *make_events(17, "w", category="wish"),
        event(event_id="x1", category="wish", status="open", closed_at=None),
        event(event_id="x2", category="wish", forced_close=True),
        event(event_id="x3", category="wish", closed_at="2024-04-03 00:00:01"),
    ]
    found = find_indicator(explain(events=wishes), "wish_closed")
    [measure] = found.measures
    assert (measure.numerator, measure.denominator, measure.value) == (17, 20, Fraction(17, 20))
    assert (found.value, found.score, found.weight) == (Fraction(17, 20), Fraction("87.5"), 20)
    assert found.score_arithmetic == "(0.85 − 0.50) / (0.90 − 0.50) × 100 = 87.50"
    assert measure.against_count == 3
    assert {each.event_id: each.reasons for each in measure.events_against or ()} == {
        "x1": ("open",),
        "x2": ("forced_close",),
        "x3": ("closed_after_cutoff",),
    }
    assert found.policy[0] == "five_star.indicators.wish_closed"
    assert {"five_star.cutoff_day", "five_star.deadlines.tier_4_working_days"} <= set(found.policy)


def test_events_are_listed_only_when_asked_for_and_counted_always() -> None:
    wishes = [*make_events(10, "w", category="wish"), event(category="wish", status="open", closed_at=None)]
    [measure] = find_indicator(explain(events=wishes, with_events=False), "wish_closed").measures
    assert measure.events_against is None
    assert measure.against_count == 1


def test_where_lower_is_better_the_reworked_events_count_against_it() -> None:
    # 1 of 10 reworked: (0.10 − 0.25) / (0.05 − 0.25) × 100 = 75.
    cases = [*make_events(9, "c", category="city_case"), event(event_id="again", category="city_case", reopened=2)]
    found = find_indicator(explain(events=cases), "city_case_rework")
    [measure] = found.measures
    assert found.score_arithmetic == "(0.10 − 0.25) / (0.05 − 0.25) × 100 = 75.00"
    assert measure.against_count == 1
    assert [(each.event_id, each.reasons) for each in measure.events_against or ()] == [("again", ("reworked",))]


def test_a_value_beyond_the_line_is_shown_before_it_is_held_to_it() -> None:
    # 10 of 10: (1.00 − 0.50) / (0.90 − 0.50) × 100 = 125, which counts 100.
    found = find_indicator(explain(events=make_events(10, "w", category="wish")), "wish_closed")
    assert found.score_arithmetic == "(1.00 − 0.50) / (0.90 − 0.50) × 100 = 125.00 → 100.00"


def test_a_small_denominator_shows_every_month_of_the_window_with_its_own_cutoff() -> None:
    # 9 wishes due in March are under 10, so January and February join: 9 + 0 + 1 = 10; the earlier one is still open.
    wishes = [
        *make_events(9, "w", category="wish"),
        event(
            event_id="january",
            category="wish",
            reported_at="2024-01-10 12:00:00",
            due_at="2024-01-15 12:00:00",
            # Closed in February after January's cutoff, the 3rd: in January's count it hasn't happened.
            closed_at="2024-02-03 00:00:01",
        ),
    ]
    found = find_indicator(explain(events=wishes), "wish_closed")
    [measure] = found.measures
    assert [(str(each.month), each.numerator, each.denominator) for each in measure.months] == [
        ("2024-03", 9, 9),
        ("2024-02", 0, 0),
        ("2024-01", 0, 1),
    ]
    assert [each.cutoff_at for each in measure.months] == [Month(2024, m).cutoff_at(3) for m in (3, 2, 1)]
    assert (found.window_months, found.value) == (3, Fraction(9, 10))
    [late] = measure.events_against or ()
    assert (late.event_id, late.reasons, str(late.month)) == ("january", ("closed_after_cutoff",), "2024-01")


def test_ten_in_the_month_itself_leave_the_earlier_ones_out() -> None:
    wishes = [
        *make_events(10, "w", category="wish"),
        event(category="wish", reported_at="2024-02-10 12:00:00", due_at="2024-02-15 12:00:00", status="open"),
    ]
    [measure] = find_indicator(explain(events=wishes), "wish_closed").measures
    assert [str(each.month) for each in measure.months] == ["2024-03"]
    assert (measure.against_count, measure.events_against) == (0, ())


def test_without_enough_events_the_counts_are_shown_and_nothing_is_reckoned() -> None:
    found = find_indicator(explain(events=make_events(9, "w", category="wish")), "wish_closed")
    [measure] = found.measures
    assert (found.state, found.value, found.score, found.score_arithmetic) == ("no_data", None, None, "")
    assert (measure.numerator, measure.denominator, measure.minimum) == (9, 9, 10)


def test_three_rates_show_each_part_and_the_weighted_mean() -> None:
    # Of 10 services 8 responded to in time, 9 solved, 7 of 10 who answered satisfied:
    # (30 × 0.8 + 35 × 0.9 + 35 × 0.7) / 100 = 0.80; (0.80 − 0.50) / (0.85 − 0.50) × 100 = 600/7.
    facts = {"responded_at": "2024-03-14 13:00:00", "solved": True, "satisfaction": "satisfied"}
    services = [
        *make_events(6, "s", **facts),
        event(event_id="late", **{**facts, "responded_at": "2024-03-15 12:00:01"}),
        event(event_id="silent", **{**facts, "responded_at": None, "satisfaction": "dissatisfied"}),
        event(event_id="angry", **{**facts, "satisfaction": "dissatisfied"}),
        event(event_id="unsolved", **{**facts, "solved": False, "satisfaction": "dissatisfied"}),
    ]
    found = find_indicator(explain(events=services), "three_rates")
    assert [(each.name, each.weight, each.numerator, each.denominator) for each in found.measures] == [
        ("responded", 30, 8, 10),
        ("solved", 35, 9, 10),
        ("satisfied", 35, 7, 10),
    ]
    assert found.value_arithmetic == "(30 × 0.80 + 35 × 0.90 + 35 × 0.70) / (30 + 35 + 35) = 0.80"
    assert found.score == Fraction(600, 7)
    assert found.score_arithmetic == "(0.80 − 0.50) / (0.85 − 0.50) × 100 ≈ 85.714286"
    against = {each.name: {row.event_id: row.reasons for row in each.events_against or ()} for each in found.measures}
    assert against == {
        "responded": {"late": ("responded_late",), "silent": ("not_responded",)},
        "solved": {"unsolved": ("not_solved",)},
        "satisfied": dict.fromkeys(("silent", "angry", "unsolved"), ("dissatisfied",)),
    }
    assert "five_star.response.urgent_hours" in found.policy


def test_a_part_of_three_rates_without_data_drops_out_of_the_mean() -> None:
    # Only responses are known: 30 × 1.00 / 30.
    found = find_indicator(explain(events=make_events(10, "s", responded_at="2024-03-14 13:00:00")), "three_rates")
    assert found.value_arithmetic == "(30 × 1.00) / (30) = 1.00"
    assert [each.value for each in found.measures] == [Fraction(1), None, None]


def test_grids_without_a_party_unit_are_listed_by_code_and_the_gate_does_not_hold() -> None:
    grids = [grid(grid_code=f"g{n}", batch_id="grids-1") for n in range(9)] + [
        grid(grid_code="bare", party_unit="none", batch_id="grids-2")
    ]
    found = find_indicator(explain(grids=grids), "grid_party_coverage")
    [measure] = found.measures
    assert measure.grids_against == ("bare",)
    assert measure.batches == (BatchShare("grids-1", 9), BatchShare("grids-2", 1))
    # 0.90 lies under the gate of 1.00; the score (0.90 − 0.80) / (1.00 − 0.80) × 100 = 50.
    assert (found.gate, found.gate_holds, found.score) == (Fraction(1), False, Fraction(50))


def test_a_sheets_own_numbers_and_its_batch_are_shown() -> None:
    # 5 of 4 meetings count as 4 of 4.
    found = explain(branch_sheet=[sheet(meetings_held=5, batch_id="sheet-7")])
    [meetings] = find_indicator(found, "meetings_held").measures
    assert meetings.sheet == {"meetings_held": 5, "meetings_required": 4}
    assert (meetings.numerator, meetings.denominator) == (4, 4)
    assert meetings.batches == (BatchShare("sheet-7", 1),)


def test_batches_say_how_many_of_the_counted_rows_each_brought() -> None:
    # The open wish counts in the denominator; the dispute is another indicator's.
    wishes = [
        *make_events(6, "a", category="wish", batch_id="b1"),
        *make_events(4, "b", category="wish", batch_id="b2"),
        event(category="wish", batch_id="b2", status="open", closed_at=None),
        event(category="dispute", batch_id="b3"),
    ]
    [measure] = find_indicator(explain(events=wishes), "wish_closed").measures
    assert measure.batches == (BatchShare("b1", 6), BatchShare("b2", 5))


def test_a_stars_score_is_its_weighted_mean_less_each_false_closure() -> None:
    # Disputes 9 of 10: (0.90 − 0.80) / (0.98 − 0.80) × 100 = 500/9; hazards 10 of 10: 100.
    # (50 × 500/9 + 50 × 100) / 100 = 700/9 ≈ 77.777778, less 2 × 1.00 = 75.78.
    events = [
        *make_events(9, "d", platform="comprehensive_governance", category="dispute"),
        event(event_id="d9", platform="comprehensive_governance", category="dispute", status="open", closed_at=None),
        *make_events(10, "h", platform="comprehensive_governance", category="hazard_general"),
    ]
    checks = [
        check(check_id=number, platform="comprehensive_governance", event_id=event_id, batch_id="checks-1")
        for number, event_id in (("k2", "h1"), ("k1", "d1"))
    ]
    star = find_star(explain(events=events, checks=checks), "safety")
    assert star.mean_arithmetic == "(50 × ≈55.555556 + 50 × 100.00) / (50 + 50) ≈ 77.777778"
    assert star.score_arithmetic == "≈77.777778 − 2 × 1.00 ≈ 75.777778，四舍五入到两位小数：75.78"
    assert star.score == Decimal("75.78")
    assert [(each.check_id, each.event_id, each.batch_id) for each in star.false_closures] == [
        ("k1", "d1", "checks-1"),
        ("k2", "h1", "checks-1"),
    ]
    # The deduction is this star's alone.
    assert find_star(explain(events=events, checks=checks), "wellbeing").false_closures == ()


def test_a_score_that_would_fall_below_zero_says_that_it_does_not() -> None:
    # Disputes 8 of 10 score 0; hazards have no data. 0 − 1 × 1.00 is held at 0.
    events = [
        *make_events(8, "d", category="dispute"),
        *make_events(2, "open", category="dispute", status="open", closed_at=None),
    ]
    star = find_star(explain(events=events, checks=[check(event_id="d1")]), "safety")
    assert star.score_arithmetic == "0.00 − 1 × 1.00 = −1.00，不低于 0，四舍五入到两位小数：0.00"


def test_vetoes_name_what_holds_and_whether_it_takes_the_star() -> None:
    found = explain(incidents=[incident(incident_id="i1", batch_id="inc-1")])
    safety, branch = find_star(found, "safety"), find_star(found, "branch")
    assert safety.vetoes[-1] == Veto("incident", holds=True, applies=True)
    assert branch.vetoes[-1] == Veto("incident", holds=True, applies=False)
    assert [(each.incident_id, each.occurred_on, each.batch_id) for each in safety.incidents] == [
        ("i1", date(2024, 3, 10), "inc-1")
    ]
    assert safety.state == "vetoed"


def test_a_star_says_which_of_the_sources_that_it_needs_are_there() -> None:
    star = find_star(explain(missing=("sheets",)), "branch")
    assert star.sources == {"comprehensive_governance": True, "sheets": False}
    assert star.reasons[0] == "source_missing:sheets"


@pytest.mark.parametrize(("sheets", "share"), [([sheet()], Fraction(60, 100)), ([], Fraction(0))])
def test_the_weight_share_is_told(sheets: list[dict[str, object]], share: Fraction) -> None:
    # Without grids, meetings (40) and the centre (20) have data: 60 of 100.
    star = find_star(explain(branch_sheet=sheets), "branch")
    assert (star.weight_share, star.weight_share_minimum) == (share, Fraction(60, 100))


def test_the_rating_shows_the_mean_of_the_scores_and_who_is_better() -> None:
    # The neighbour's secretary case vetoes all five stars, so both communities are complete: the neighbour without a
    # score stands at 0 stars; the home community, whose sheet is weak too, has 0 stars and branch's score of 100.
    sheets = [sheet(weak_branch=True), sheet(community_code=NEIGHBOUR, weak_branch=True, meetings_held=0)]
    found = explain(
        communities=[community_row(), community_row(NEIGHBOUR)],
        branch_sheet=sheets,
        grids=[grid(), grid(community_code=NEIGHBOUR)],
    )
    # Branch: grids 1 of 1, meetings 4 of 4, centre 1 of 1 → 100. Property 10 of 10 → co_building 100.
    assert found.rating.total_arithmetic == "(100.00 + 100.00) / 2 = 100.00"
    assert (found.rating.stars, found.rating.complete, found.rating.rank, found.rating.ranked_count) == (
        0,
        True,
        1,
        2,
    )
    assert found.rating.better == ()


def test_who_stands_better_in_the_district_is_named() -> None:
    # Vetoed alike, but the home community held no meeting: branch (40 × 100 + 40 × 0 + 20 × 100) / 100 = 60, with
    # co_building's 100 a mean of 80; the neighbour's is 100.
    found = explain(
        communities=[community_row(), community_row(NEIGHBOUR)],
        branch_sheet=[
            sheet(weak_branch=True, meetings_held=0),
            sheet(community_code=NEIGHBOUR, weak_branch=True),
        ],
        grids=[grid(), grid(community_code=NEIGHBOUR)],
    )
    assert found.rating.total_arithmetic == "(60.00 + 100.00) / 2 = 80.00"
    assert found.rating.rank == 2
    assert [(each.community_code, each.stars, each.total_score) for each in found.rating.better] == [
        (NEIGHBOUR, 0, Decimal("100.00"))
    ]


def test_every_value_used_is_cited_once_with_its_tag_and_reference() -> None:
    found = explain()
    cited = {value.path: value for value in found.policy}
    used = {path for star in found.stars for path in star.policy} | {
        path for star in found.stars for each in star.indicators for path in each.policy
    }
    assert set(cited) == used
    assert len(found.policy) == len(cited)
    assert all(value.tag and value.reference for value in found.policy)
    # Alerts and alarms move no star.
    assert not [path for path in cited if path.startswith(("five_star.alerts", "five_star.alarms", "grades", "pay"))]


def test_a_neighbours_rows_are_not_told() -> None:
    wishes = make_events(10, "w", category="wish", community_code=NEIGHBOUR, status="open", closed_at=None)
    found = explain(
        communities=[community_row(), community_row(NEIGHBOUR)],
        events=wishes,
        grids=[grid(community_code=NEIGHBOUR, party_unit="none")],
        incidents=[incident(community_code=NEIGHBOUR)],
        checks=[check(event_id="w1")],
    )
    measures = [each for star in found.stars for indicator in star.indicators for each in indicator.measures]
    assert {each.denominator for each in measures} == {0}
    assert [star.incidents + star.false_closures for star in found.stars] == [()] * 5
    assert found.community.community_code == HOME
