"""What holds for every community, not only for the worked cases (policy §1–§3)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from memory_view import MemoryView
from star_city import (
    ALL_PRESENT,
    HOME,
    MARCH,
    NEIGHBOUR,
    SOURCES,
    check,
    community,
    community_row,
    event,
    grid,
    incident,
    sheet,
    shipped_policy,
)

from flows.evaluate.communities import CommunityAssessment, assess_communities
from flows.evaluate.ratings import rate_communities
from flows.results import STARS, RatingRow, StarRow, StarState
from flows.schema import CATEGORIES, SATISFACTIONS

BEFORE, AFTER = HOME, NEIGHBOUR
NOON = datetime(2024, 1, 1, 12)
HOUR = timedelta(hours=1)
CLOSED_WELL = {"responded_at": "2024-03-14 13:00:00", "solved": True, "satisfaction": "satisfied"}


def write_instant(at: datetime) -> str:
    return at.isoformat(sep=" ")


@st.composite
def draw_events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some equal events of any category, due in March or up to two months before, in whatever state."""
    reported_at = NOON + timedelta(days=draw(st.integers(0, 86)))
    closed_at = reported_at + draw(st.sampled_from([1, 26, 24 * 20, 24 * 70])) * HOUR
    is_closed = draw(st.booleans())
    facts = {
        "category": draw(st.sampled_from(CATEGORIES)),
        "tier": draw(st.integers(1, 4)),
        "urgent": draw(st.booleans()),
        "reported_at": write_instant(reported_at),
        "due_at": draw(st.sampled_from([None, write_instant(reported_at + 48 * HOUR)])),
        "extended_to": draw(st.sampled_from([None, None, write_instant(reported_at + 24 * 9 * HOUR)])),
        "responded_at": draw(st.sampled_from([None, write_instant(reported_at + HOUR)])),
        "closed_at": write_instant(closed_at) if is_closed else None,
        "status": draw(st.sampled_from(["closed", "closed", "void"])) if is_closed else "open",
        "forced_close": is_closed and draw(st.integers(0, 5)) == 0,
        "reopened": draw(st.sampled_from([0, 0, 1])),
        "solved": draw(st.sampled_from([None, True, False])),
        "satisfaction": draw(st.sampled_from([None, *SATISFACTIONS])),
    }
    return [facts] * draw(st.integers(1, 12))


event_lists = st.lists(draw_events(), min_size=3, max_size=12).map(
    lambda groups: [row for each in groups for row in each]
)


def assess(presence: dict[str, bool] = ALL_PRESENT, **rows: list[dict[str, Any]]) -> CommunityAssessment:
    return assess_communities(MemoryView(**rows), shipped_policy().at(MARCH.last_on), MARCH, presence)


@settings(max_examples=20)
@given(event_lists, st.data())
def test_closing_an_open_event_on_time_never_lowers_a_score(
    shared: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Before and after stand side by side, as two communities that differ in nothing but one event's closure."""
    one = data.draw(draw_events())[0]
    # Enough of its own kind to be scored.
    shared = [*shared, *[{"category": one["category"], **CLOSED_WELL}] * 9]
    reopened = data.draw(st.booleans())
    # Every limit leaves at least a day, and every month's cutoff lies after its deadlines: an hour is on time.
    in_time = write_instant(datetime.fromisoformat(one["reported_at"]) + HOUR)
    is_open = {**one, "status": "open", "forced_close": False, "closed_at": in_time if reopened else None}
    events = []
    for code, chosen in ((BEFORE, is_open), (AFTER, {**is_open, "status": "closed", "closed_at": in_time})):
        events += [
            event(community_code=code, event_id=f"{code}-{number}", **each) for number, each in enumerate(shared)
        ]
        events.append(event(community_code=code, event_id=f"{code}-one", **chosen))
    checked = data.draw(st.lists(st.sampled_from([*range(len(shared)), "one"]), max_size=4))
    assessed = assess(
        communities=[community_row(BEFORE), community_row(AFTER)],
        events=events,
        checks=[check(event_id=f"{code}-{number}") for code in (BEFORE, AFTER) for number in checked],
    )
    for rows, name in ((assessed.indicators, "indicator"), (assessed.stars, "star")):
        scores = {(row.community_code, getattr(row, name)): row.score for row in rows}
        for (code, what), score in scores.items():
            if code == BEFORE:
                after = scores[AFTER, what]
                assert (score is None) == (after is None)
                assert score is None or after >= score, what


@st.composite
def draw_community(draw: st.DrawFn, code: str) -> dict[str, list[dict[str, Any]]]:
    """Whatever may be known of a community, much or nothing."""
    events = [event(community_code=code, event_id=f"{code}-{n}", **each) for n, each in enumerate(draw(event_lists))]
    held, covered = draw(st.integers(0, 5)), draw(st.integers(0, 10))
    sheets = [
        sheet(
            community_code=code,
            meetings_required=draw(st.sampled_from([0, 4])),
            meetings_held=held,
            property_covered=covered,
            property_total=draw(st.sampled_from([covered, 10])),
            centre_standard=draw(st.booleans()),
            weak_branch=draw(st.integers(0, 9)) == 0,
            secretary_under_investigation=draw(st.integers(0, 9)) == 0,
        )
    ]
    units = draw(st.lists(st.sampled_from(["branch", "branch", "branch", "group", "none"]), max_size=3))
    checked = draw(st.lists(st.sampled_from(events), max_size=4))
    days = draw(st.sampled_from([[], [], [], [date(2024, 3, 31)]]))
    return {
        "communities": [community_row(code)],
        "events": events,
        "branch_sheet": draw(st.sampled_from([sheets, sheets, []])),
        "grids": [
            grid(community_code=code, grid_code=f"{code}-{n}", party_unit=unit) for n, unit in enumerate(units)
        ],
        "checks": [check(platform=each["platform"], event_id=each["event_id"]) for each in checked],
        "incidents": [incident(community_code=code, occurred_on=day) for day in days],
    }


@st.composite
def draw_city(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    city: dict[str, list[dict[str, Any]]] = {}
    for number in range(1, 5):
        for table, rows in draw(draw_community(f"{HOME[:-1]}{number}")).items():
            city.setdefault(table, []).extend(rows)
    return city


@settings(max_examples=12)
@given(draw_city(), st.sets(st.sampled_from(SOURCES), max_size=1))
def test_a_star_is_in_one_of_five_states_and_tells_reasons_unless_it_is_lit(
    city: dict[str, list[dict[str, Any]]], missing: set[str]
) -> None:
    assessed = assess({source: source not in missing for source in SOURCES}, **city)
    assert [row.star for row in assessed.stars] == [*STARS] * 4
    for star in assessed.stars:
        assert star.state in get_args(StarState)
        assert (star.state == "lit") == (star.reasons == ())
        assert len(set(star.reasons)) == len(star.reasons)
        assert star.score is None or (0 <= star.score <= 100 and star.score.as_tuple().exponent == -2)
        assert star.state != "lit" or star.score >= 80
    for rating in assessed.ratings:
        own = [star for star in assessed.stars if star.community_code == rating.community_code]
        assert rating.stars == sum(star.state == "lit" for star in own)
        assert rating.complete == all(star.state != "insufficient_data" for star in own)
        assert (rating.rank is not None) == rating.complete
    for indicator in assessed.indicators:
        assert (indicator.state == "ok") == (indicator.value is not None)
        assert indicator.score is None or 0 <= indicator.score <= 100


stars_lit = st.integers(0, 5)
totals = st.none() | st.integers(0, 300).map(lambda number: Decimal(number).scaleb(-2))


@given(st.lists(st.tuples(st.sampled_from(["410202", "410203"]), stars_lit, totals, st.booleans()), max_size=12))
def test_a_rank_is_one_more_than_the_number_of_better_communities_of_the_district(
    drawn: list[tuple[str, int, Decimal | None, bool]],
) -> None:
    communities = [community(f"{district}001{number:03d}", district) for number, (district, *_) in enumerate(drawn)]
    stars = [
        StarRow(each.community_code, star, total, state, ())
        for each, (_, lit, total, complete) in zip(communities, drawn, strict=True)
        for star, state in zip(STARS, list_states(lit, complete=complete), strict=True)
    ]
    ratings = rate_communities(communities, stars)
    for row in ratings:
        better = [
            other
            for other in ratings
            if other.complete
            and other.district_code == row.district_code
            and find_standing(other) > find_standing(row)
        ]
        assert row.rank == (len(better) + 1 if row.complete else None)


def find_standing(row: RatingRow) -> tuple[int, Decimal]:
    """Stars, then total; without a total a community stands below any that has one."""
    return row.stars, Decimal(-1) if row.total_score is None else row.total_score


def list_states(lit: int, *, complete: bool) -> list[StarState]:
    """States of five stars: the first so many lit, the others unlit, the last without data if incomplete."""
    states: list[StarState] = ["lit"] * lit + ["unlit"] * (5 - lit)
    return states if complete else [*states[:4], "insufficient_data"]
