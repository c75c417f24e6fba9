"""What counted against an indicator, event by event, on either side of every limit (policy §1, §2)."""

from pathlib import Path

import pyarrow as pa
import pytest
from memory_view import make_table
from star_city import HOME, MARCH, NEIGHBOUR, event, scheme

from flows.calendar import CityCalendar
from flows.engines import DuckDBEngine
from flows.evaluate.explain.events import DueEvent, explain_against, list_due_events
from flows.evaluate.explain.view import CommunityView
from flows.evaluate.explain.words import AGAINST, define_events
from flows.evaluate.indicators import DEFINITIONS, PARTS, EventRatio
from flows.lake import QUARANTINE_SCHEMA, Lake, Landing, arrow_schema
from flows.month import Month
from flows.schema import TABLES

AT_CUTOFF = "2024-04-03 00:00:00"


def list_events(*rows: dict[str, object]) -> list[DueEvent]:
    return list_due_events(make_table("events", list(rows)), scheme(), CityCalendar(), MARCH, HOME)


def explain(outcome: str, **changes: object) -> tuple[str, ...] | None:
    """Why the event counts against `outcome`; nothing if it doesn't."""
    [found] = list_events(event(**changes))
    return None if found.counts_as(outcome) else explain_against(found, outcome)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        # Due on 15 March, 12:00; closed at that second, and one later.
        ({"closed_at": "2024-03-15 12:00:00"}, None),
        ({"closed_at": "2024-03-15 12:00:01"}, ("closed_late",)),
        # Late but before the cutoff, 3 April 00:00 in the city; at it that still happened, a second later not.
        ({"closed_at": AT_CUTOFF}, ("closed_late",)),
        ({"closed_at": "2024-04-03 00:00:01"}, ("closed_after_cutoff",)),
        ({"status": "open", "closed_at": None}, ("open",)),
        # A reopened case is open, whatever its old closed_at.
        ({"status": "open", "closed_at": "2024-03-15 11:00:00", "reopened": 1}, ("open",)),
        ({"forced_close": True}, ("forced_close",)),
        # Every reason is told.
        ({"forced_close": True, "closed_at": "2024-04-03 00:00:01"}, ("forced_close", "closed_after_cutoff")),
    ],
)
def test_why_an_event_is_not_on_time(changes: dict[str, object], reasons: tuple[str, ...] | None) -> None:
    assert explain("on_time", **changes) == reasons


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        # Closed late is closed.
        ({"closed_at": "2024-03-15 12:00:01"}, None),
        ({"closed_at": AT_CUTOFF}, None),
        ({"closed_at": "2024-04-03 00:00:01"}, ("closed_after_cutoff",)),
        ({"status": "open", "closed_at": None}, ("open",)),
        ({"forced_close": True}, ("forced_close",)),
    ],
)
def test_why_an_event_is_not_closed(changes: dict[str, object], reasons: tuple[str, ...] | None) -> None:
    assert explain("closed", **changes) == reasons


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        # Reported on 14 March, 12:00: 24 hours, urgent 2.
        ({"responded_at": "2024-03-15 12:00:00"}, None),
        ({"responded_at": "2024-03-15 12:00:01"}, ("responded_late",)),
        ({"responded_at": None}, ("not_responded",)),
        ({"urgent": True, "responded_at": "2024-03-14 14:00:00"}, None),
        ({"urgent": True, "responded_at": "2024-03-14 14:00:01"}, ("responded_late",)),
    ],
)
def test_why_an_event_was_not_responded_to_in_time(
    changes: dict[str, object], reasons: tuple[str, ...] | None
) -> None:
    assert explain("responded", **changes) == reasons


def test_what_people_said_and_what_was_not_solved_are_reasons_too() -> None:
    assert explain("satisfied", satisfaction="dissatisfied") == ("dissatisfied",)
    assert explain("satisfied", satisfaction="basically_satisfied") is None
    assert explain("solved", solved=False) == ("not_solved",)
    assert explain("solved", solved=True) is None


def test_rework_is_told_where_it_counts() -> None:
    [once, never] = list_events(event(event_id="a", reopened=1), event(event_id="b", reopened=0))
    assert (once.counts_as("reworked"), never.counts_as("reworked")) == (True, False)
    assert explain_against(once, "reworked") == ("reworked",)


def test_unreached_and_unasked_people_have_not_answered() -> None:
    found = list_events(event(event_id="a", satisfaction="unreached"), event(event_id="b", satisfaction=None))
    assert [each.counts_as("answered") for each in found] == [False, False]


def test_events_of_the_window_are_listed_with_their_month_and_its_cutoff() -> None:
    found = list_events(
        event(event_id="march"),
        event(event_id="february", reported_at="2024-02-14 12:00:00", due_at="2024-02-15 12:00:00"),
        event(event_id="december", reported_at="2023-12-14 12:00:00", due_at="2023-12-15 12:00:00"),
    )
    assert [(each.event_id, each.month) for each in found] == [("february", Month(2024, 2)), ("march", MARCH)]
    # Judged on day 3 of the following month, 00:00 in the city.
    assert [each.cutoff_at for each in found] == [Month(2024, 2).cutoff_at(3), MARCH.cutoff_at(3)]


RATIOS = [ratio for ratio in (*DEFINITIONS.values(), *PARTS.values()) if isinstance(ratio, EventRatio)]


@pytest.mark.parametrize("ratio", RATIOS, ids=lambda ratio: f"{ratio.category}-{ratio.numerator}")
def test_whatever_an_indicator_counts_has_reasons_and_words(ratio: EventRatio) -> None:
    [found] = list_events(event(category=ratio.category, status="open", closed_at=None))
    reasons = explain_against(found, ratio.numerator)
    assert reasons
    assert set(reasons) <= set(AGAINST)
    assert " ÷ " in define_events(ratio)


def test_neither_void_events_nor_a_neighbours_are_listed() -> None:
    assert list_events(event(status="void"), event(community_code=NEIGHBOUR), event(category="other")) == []


def land(lake: Lake, number: int, rows: list[dict[str, object]]) -> Landing:
    with lake.stage(TABLES["events"], platform="p", resource="events", slot=str(number)) as staged:
        numbered = [{**row, "record_no": index} for index, row in enumerate(rows)]
        table = pa.Table.from_pylist(numbered, arrow_schema(TABLES["events"]))
        staged.add(table, QUARANTINE_SCHEMA.empty_table())
        batch = staged.commit(window=None, request={}, contract={}, landed_at=MARCH.ends_at)
    return Landing(number, batch.batch_id, "events", "p", len(rows))


def test_a_communitys_view_finds_the_same_rows_as_the_whole_citys(tmp_path: Path) -> None:
    later = "2024-04-06 00:00:00"
    lake = Lake(tmp_path / "lake")
    landings = [
        land(
            lake,
            1,
            [event(event_id="stays"), event(event_id="leaves"), event(event_id="other", community_code=NEIGHBOUR)],
        ),
        # One moves to the neighbour, one comes from there, one is corrected at home.
        land(
            lake,
            2,
            [
                event(event_id="leaves", community_code=NEIGHBOUR, updated_at=later),
                event(event_id="other", updated_at=later),
                event(event_id="stays", reopened=1, updated_at=later),
            ],
        ),
    ]
    with (
        lake.view(landings, tmp_path / "scratch") as whole,
        CommunityView(lake, landings, tmp_path / "scratch", DuckDBEngine, community_code=HOME) as own,
    ):
        expected = whole.table("events").filter(lambda row: row.community_code == HOME).order_by("event_id")
        found = own.table("events").filter(lambda row: row.community_code == HOME).order_by("event_id")
        assert found.to_pyarrow().to_pylist() == expected.to_pyarrow().to_pylist()
        assert found.event_id.to_pyarrow().to_pylist() == ["other", "stays"]
