"""Grids, communities, sheets, false closures and incidents as counted for a month."""

from datetime import date

import pytest
from memory_view import make_table
from star_city import HOME, MARCH, NEIGHBOUR, check, community_row, event, grid, incident, scheme, sheet

from flows.evaluate.counts import (
    GridCounts,
    count_false_closures,
    count_grids,
    count_incidents,
    list_communities,
    read_branch_sheet,
)

LAST_ON = date(2024, 3, 31)


def count_valid_grids(*rows):
    return count_grids(make_table("grids", rows), LAST_ON)


def test_branches_and_groups_count_as_party_units():
    grids = [grid(party_unit="branch"), grid(party_unit="group"), grid(party_unit="none")]
    assert count_valid_grids(*grids) == {HOME: GridCounts(total=3, with_party_unit=2)}


@pytest.mark.parametrize(
    ("validity", "valid"),
    [
        ({"valid_from": date(2024, 3, 31)}, True),
        ({"valid_from": date(2024, 4, 1)}, False),
        ({"valid_to": date(2024, 3, 31)}, True),
        ({"valid_to": date(2024, 3, 30)}, False),
    ],
)
def test_both_days_of_validity_count_on_the_months_last_day(validity, valid):
    assert (HOME in count_valid_grids(grid(**validity))) is valid
    listed = list_communities(make_table("communities", [community_row(**validity)]), LAST_ON)
    assert (len(listed) == 1) is valid


def test_of_several_valid_rows_of_a_grid_the_latest_start_holds_and_names_its_community():
    old = grid(grid_code="g", community_code=HOME, party_unit="none", valid_from=date(2020, 1, 1))
    new = grid(grid_code="g", community_code=NEIGHBOUR, party_unit="group", valid_from=date(2024, 3, 1))
    assert count_valid_grids(new, old) == {NEIGHBOUR: GridCounts(total=1, with_party_unit=1)}


def test_of_several_valid_rows_of_a_community_the_latest_start_holds():
    rows = [
        community_row(district_code="410299", valid_from=date(2024, 1, 1)),
        community_row(district_code="410202"),
        community_row(NEIGHBOUR),
    ]
    listed = list_communities(make_table("communities", rows), LAST_ON)
    assert [(each.community_code, each.district_code) for each in listed] == [(HOME, "410299"), (NEIGHBOUR, "410202")]


def test_only_the_months_own_sheet_row_is_read():
    rows = [sheet(meetings_held=1), sheet(month="2024-02", meetings_held=9), sheet(month="2024-04", meetings_held=9)]
    read = read_branch_sheet(make_table("branch_sheet", rows), MARCH)
    assert {code: row.meetings_held for code, row in read.items()} == {HOME: 1}


def count_found(checks, events):
    return count_false_closures(make_table("checks", checks), make_table("events", events), scheme(), MARCH)


@pytest.mark.parametrize(
    ("checked_at", "counts"),
    [
        ("2024-02-29 23:59:59", False),
        ("2024-03-01 00:00:00", True),
        ("2024-03-31 23:59:59", True),
        ("2024-04-01 00:00:00", False),
    ],
)
def test_a_false_closure_counts_in_the_month_in_which_it_was_checked(checked_at, counts):
    found = count_found([check(checked_at=checked_at)], [event(event_id="e1")])
    assert found == ({(HOME, "wellbeing"): 1} if counts else {})


def test_a_check_belongs_to_its_events_community_and_star():
    checks = [check(community_code=NEIGHBOUR)]
    assert count_found(checks, [event(event_id="e1", category="hazard_major")]) == {(HOME, "safety"): 1}


@pytest.mark.parametrize(
    ("category", "star"),
    [
        ("city_case", "co_building"),
        ("wish", "co_building"),
        ("market_case", "enterprise"),
        ("market_hazard_general", "enterprise"),
        ("market_hazard_major", "enterprise"),
        ("employment", "enterprise"),
        ("dispute", "safety"),
        ("hazard_general", "safety"),
        ("hazard_major", "safety"),
        ("service", "wellbeing"),
    ],
)
def test_every_category_but_other_belongs_to_a_star(category, star):
    assert count_found([check()], [event(event_id="e1", category=category)]) == {(HOME, star): 1}


def test_a_check_on_an_event_of_no_star_counts_nowhere():
    assert count_found([check()], [event(event_id="e1", category="other")]) == {}


def test_a_check_on_an_unknown_event_counts_nowhere():
    assert count_found([check(event_id="e2")], [event(event_id="e1")]) == {}
    assert count_found([check(platform="law_enforcement")], [event(event_id="e1")]) == {}


def test_several_checks_on_one_event_each_count():
    assert count_found([check(), check()], [event(event_id="e1")]) == {(HOME, "wellbeing"): 2}


def test_a_check_on_a_void_event_counts_whenever_that_was_due():
    void = event(event_id="e1", status="void", reported_at="2023-05-01 00:00:00", due_at="2023-05-05 00:00:00")
    assert count_found([check()], [void]) == {(HOME, "wellbeing"): 1}


def test_other_findings_are_no_false_closures():
    assert count_found([check(finding="verified"), check(finding="rework")], [event(event_id="e1")]) == {}


def test_false_closures_of_two_categories_of_one_star_add_up():
    events = [event(event_id="e1", category="wish"), event(event_id="e2", category="city_case")]
    assert count_found([check(event_id="e1"), check(event_id="e2")], events) == {(HOME, "co_building"): 2}


@pytest.mark.parametrize(
    ("occurred_on", "counts"),
    [
        (date(2024, 2, 29), False),
        (date(2024, 3, 1), True),
        (date(2024, 3, 31), True),
        (date(2024, 4, 1), False),
    ],
)
def test_an_incident_counts_in_the_month_in_which_it_happened(occurred_on, counts):
    found = count_incidents(make_table("incidents", [incident(occurred_on=occurred_on)]), MARCH)
    assert found == ({HOME: 1} if counts else {})


def test_a_withdrawn_incident_does_not_count():
    assert count_incidents(make_table("incidents", [incident(status="withdrawn")]), MARCH) == {}
