"""Stars judged from landed batches by us, or their numerators and denominators by one hand-written query."""

import sys
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.landed_city import CATEGORIES, MONTHS, open_city
from benchmarks.measure import ROOT, measure
from flows.calendar import CityCalendar
from flows.engines import DUCKDB_MEMORY_LIMIT
from flows.evaluate.communities import CommunityAssessment, assess_communities
from flows.evaluate.deadlines import to_naive
from flows.month import end_of_day
from flows.policy import Policy, load_policy

POLICY = ROOT / "config" / "policy"
QUERY = Path(__file__).with_name("handwritten.sql")
PRESENCE = dict.fromkeys([*CATEGORIES, "supervision", "sheets"], True)
WORKING_DAYS = {2: 3, 3: 7, 4: 15}
"""Each tier's limit (policy §1), as the query's author would have looked it up."""

Tallies = dict[tuple[str, str], tuple[int, int]]
"""Numerator and denominator by community and indicator."""


@cache
def load_shipped_policy() -> Policy:
    """Read once: a query has its values at hand, too."""
    return load_policy(POLICY)


def judge_ours(folder: Path, scratch: Path) -> CommunityAssessment:
    """The stars of the city in `folder`, from landed batches to ratings."""
    city = open_city(folder)
    month = MONTHS[-1]
    with city.lake.view(city.landings, scratch) as view:
        return assess_communities(view, load_shipped_policy().at(month.last_on), month, PRESENCE)


def tally_by_query(folder: Path, scratch: Path, memory_limit: str | None = None) -> Tallies:
    """What the hand-written query counts in the city in `folder`; DuckDB decides on memory itself unless limited."""
    city = open_city(folder)
    config = {"temp_directory": str(scratch), **({"memory_limit": memory_limit} if memory_limit else {})}
    with duckdb.connect(config=config) as connection:
        for table in ("events", "communities", "grids", "branch_sheet"):
            batches = [landing.batch_id for landing in city.landings if landing.table == table]
            files = [file for batch_id in batches for file in city.lake.list_parts(table, batch_id)]
            connection.execute(f"SET VARIABLE {table} = $files", {"files": files})
        connection.register("landings", _list_landings(folder))
        connection.register("working_deadlines", _list_working_deadlines())
        rows = connection.execute(QUERY.read_text(encoding="utf-8")).fetchall()
    return {(community, indicator): (numerator, denominator) for community, indicator, numerator, denominator in rows}


def _list_landings(folder: Path) -> pa.Table:
    landings = open_city(folder).landings
    return pa.table(
        {
            "batch_id": [landing.batch_id for landing in landings],
            "landing_no": [landing.landing_no for landing in landings],
        }
    )


def _list_working_deadlines() -> pa.Table:
    calendar = CityCalendar()
    first_on = MONTHS[0].plus(-1).first_on
    days = [first_on + timedelta(days=number) for number in range((MONTHS[-1].last_on - first_on).days + 1)]
    pairs: list[tuple[int, date]] = [(tier, day) for tier in WORKING_DAYS for day in days]
    ends = [end_of_day(calendar.nth_working_day(day, WORKING_DAYS[tier])) for tier, day in pairs]
    return pa.table(
        {
            "tier": pa.array([tier for tier, _ in pairs], pa.int64()),
            "reported_on": pa.array([day for _, day in pairs], pa.date32()),
            "deadline_at": pa.array([to_naive(end) for end in ends], pa.timestamp("us")),
        }
    )


def count_results(judge: Callable[[Path, Path], CommunityAssessment | Tallies]) -> Callable[[str, Path], int]:
    """`judge` as something to measure: it tells how many communities or numbers it found."""

    def run(folder: str, scratch: Path) -> int:
        found = judge(Path(folder), scratch)
        return len(found.ratings if isinstance(found, CommunityAssessment) else found)

    return run


if __name__ == "__main__":
    by = {"--query": tally_by_query, "--limited-query": partial(tally_by_query, memory_limit=DUCKDB_MEMORY_LIMIT)}
    chosen = next((judge for option, judge in by.items() if option in sys.argv), judge_ours)
    measure(count_results(chosen), sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
