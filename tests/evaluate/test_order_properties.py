"""The order in which rows, batches and platforms arrive changes nothing of a month.

What is invariant, precisely: of the rows of one key no two carry the same `updated_at`, and a table without that
column has each key once. Then any order of records in a batch, any division into batches, any order of landing, and
so any order of platforms gives the same result. Where two rows of a key are equally new, order decides on purpose
(data.md: the later batch, then the later record); test_lake.py proves that.
"""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from grade_examples import make_worker, policy_with_base
from hypothesis import given, settings
from hypothesis import strategies as st
from star_city import HOME, MARCH, NEIGHBOUR, SOURCES, check, community_row, event, grid, incident, sheet

from flows.evaluate.assessment import evaluate_month
from flows.lake import QUARANTINE_SCHEMA, Lake, Landing, arrow_schema
from flows.results import MonthResult, SourceStatus
from flows.schema import TABLES

Row = dict[str, Any]
NOW = datetime(2024, 4, 3, tzinfo=UTC)
PLATFORMS = {
    "dispute": "comprehensive_governance",
    "hazard_general": "comprehensive_governance",
    "hazard_major": "comprehensive_governance",
    "city_case": "law_enforcement",
    "market_case": "law_enforcement",
    "service": "public_service",
    "wish": "public_service",
}

states = st.fixed_dictionaries(
    {
        "community_code": st.sampled_from([HOME, NEIGHBOUR]),
        "status": st.sampled_from(["open", "closed", "void"]),
        "reopened": st.integers(0, 1),
        "satisfaction": st.sampled_from([None, "satisfied", "dissatisfied"]),
        "due_at": st.sampled_from([None, "2024-03-15 12:00:00", "2024-02-28 12:00:00"]),
        "reported_at": st.sampled_from(["2024-02-20 09:00:00", "2024-02-27 09:00:00"]),
    }
)
histories = st.lists(
    st.tuples(st.sampled_from(sorted(PLATFORMS)), st.lists(states, min_size=1, max_size=3), st.integers(1, 8)),
    min_size=4,
    max_size=10,
)


def make_events(drawn: list[tuple[str, list[Row], int]]) -> Iterator[Row]:
    """Events in one to three versions, each newer than the one before."""
    for number, (category, versions, count) in enumerate(drawn):
        for copy in range(count):
            for version, facts in enumerate(versions):
                yield event(
                    platform=PLATFORMS[category],
                    event_id=f"E{number}-{copy}",
                    category=category,
                    updated_at=f"2024-04-01 00:00:{version:02d}",
                    **facts,
                )


def make_city(drawn: list[tuple[str, list[Row], int]]) -> dict[tuple[str, str], list[Row]]:
    """The rows of a small city by table and source; no two rows of a key are equally new."""
    events = list(make_events(drawn))
    checks = [
        check(platform=row["platform"], event_id=row["event_id"], check_id=f"C{n}") for n, row in enumerate(events)
    ]
    withdrawn = incident(incident_id="I1", status="withdrawn", updated_at="2024-03-21 09:00:00")
    renamed = community_row(NEIGHBOUR, name="新名", valid_from=date(2024, 3, 1))
    workers = [
        make_worker(staff_id=f"K{n}", current_grade=grade, committee_member=n % 2 == 0, prior_service_months=18 * n)
        for n, grade in enumerate([None, 1, 1, 2, 3, 9])
    ]
    city: dict[tuple[str, str], list[Row]] = {
        ("communities", "comprehensive_governance"): [community_row(HOME), community_row(NEIGHBOUR), renamed],
        ("grids", "comprehensive_governance"): [
            grid(grid_code="G1", party_unit="branch"),
            grid(grid_code="G1", party_unit="none", valid_from=date(2024, 2, 1)),
            grid(grid_code="G2", community_code=NEIGHBOUR),
        ],
        ("incidents", "comprehensive_governance"): [
            incident(incident_id="I1"), withdrawn, incident(incident_id="I2", community_code=NEIGHBOUR),
        ],
        ("checks", "supervision"): checks[::5],
        ("branch_sheet", "sheets"): [sheet(), sheet(community_code=NEIGHBOUR, meetings_held=2)],
        ("staff", "sheets"): [vars(worker) for worker in workers],
        ("appraisals", "sheets"): [{"staff_id": f"K{n}", "year": 2023, "outcome": "basic"} for n in (2, 4)],
        ("sanctions", "sheets"): [
            {"staff_id": "K3", "kind": kind, "effective_on": date(2024, 1, 1)} for kind in ("warning", "demerit")
        ],
        ("annual_titles", "sheets"): [
            {"community_code": HOME, "rating_year": year, "stars": stars, "pay_year": 2024}
            for year, stars in ((2022, 5), (2023, 4))
        ],
    }  # fmt: skip
    for row in events:
        city.setdefault(("events", row["platform"]), []).append(row)
    return city


def judge(batches: list[tuple[str, str, list[Row]]], folder: Path) -> MonthResult:
    """March from these batches, landed in this order."""
    lake = Lake(folder / "lake")
    landings = []
    for number, (table, platform, rows) in enumerate(batches):
        schema = arrow_schema(TABLES[table])
        numbered = [{**row, "record_no": record_no} for record_no, row in enumerate(rows)]
        with lake.stage(TABLES[table], platform=platform, resource=table, slot=str(number)) as staged:
            staged.add(pa.Table.from_pylist(numbered, schema), QUARANTINE_SCHEMA.empty_table())
            manifest = staged.commit(window=None, request={}, contract={}, landed_at=NOW + timedelta(seconds=number))
        landings.append(Landing(number, manifest.batch_id, table, platform, manifest.landed_count))
    with lake.view(landings, folder / "scratch") as view:
        return evaluate_month(
            view,
            month=MARCH,
            policy=policy_with_base(340_000),
            sources=[SourceStatus(source, "complete", "") for source in SOURCES],
            register={},
            register_no=0,
            batch_ids=[landing.batch_id for landing in landings],
            earlier_revision=None,
            keeps_roster=True,
        )


def arrange(city: dict[tuple[str, str], list[Row]], random: Random) -> list[tuple[str, str, list[Row]]]:
    """The city's rows in some order, in up to three batches a table and source, landing in some order."""
    batches = []
    for (table, platform), rows in city.items():
        shuffled = random.sample(rows, len(rows))
        cuts = sorted(random.choices(range(len(rows) + 1), k=2))
        parts = (shuffled[: cuts[0]], shuffled[cuts[0] : cuts[1]], shuffled[cuts[1] :])
        batches += [(table, platform, part) for part in parts if part]
    return random.sample(batches, len(batches))


@settings(max_examples=5)
@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_rows_batches_and_platforms_changes_nothing(
    drawn: list[tuple[str, list[Row], int]], random: Random
) -> None:
    city = make_city(drawn)
    results = []
    for batches in ([(*key, rows) for key, rows in city.items()], arrange(city, random)):
        with TemporaryDirectory() as folder:
            results.append(judge(batches, Path(folder)))
    first, second = results
    assert first.proposals
    assert first.pay_lines
    assert first.awards
    # The inputs name the batches, which differ; nothing else may.
    for name in (field.name for field in fields(MonthResult) if field.name != "inputs"):
        assert getattr(second, name) == getattr(first, name), name
