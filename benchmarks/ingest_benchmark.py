"""Our pull of the same events: a home with its registers landed, a platform file, and the shipped quality rules."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.events_server import COMMUNITIES, list_grids
from benchmarks.measure import ROOT, measure
from flows.house import House, open_house
from flows.ingest.describe.source import load_source
from flows.ingest.judging import judge
from flows.ingest.pull import pull_source
from flows.lake import QUARANTINE_SCHEMA, arrow_schema
from flows.schema import TABLES
from flows.settings import load_settings

QUALITY = ROOT / "config" / "quality"
NOW = datetime(2024, 4, 5, tzinfo=UTC)
MARCH = (datetime(2024, 2, 29, 16, tzinfo=UTC), datetime(2024, 4, 2, 16, tzinfo=UTC))

PLATFORM = """
platform: benchmark
title: 基准测试平台
connection: {kind: rest, base_url: "${BENCHMARK_URL}", auth: {kind: none}, timeout_seconds: 30}
resources:
  events:
    table: events
    request: {path: /events}
    records: data.items
    total: data.total
    pages: {kind: cursor, param: cursor, next: data.next}
    since: {param: updated_since, until_param: updated_until, format: iso}
    fields:
      event_id: id
      community_code: place.communityCode
      grid_code: place.gridCode
      department: flow.department
      category: type
      tier: level
      urgent: urgent
      reported_at: times.reported
      responded_at: times.responded
      due_at: times.due
      extended_to: times.extended
      closed_at: times.closed
      status: flow.status
      forced_close: flow.forcedClose
      reopened: flow.reopened
      solved: feedback.solved
      satisfaction: feedback.answer
      updated_at: times.updated
    codes:
      category:
        矛盾纠纷: dispute
        一般隐患: hazard_general
        重大隐患: hazard_major
        城管案件: city_case
        市场监管案件: market_case
        就业服务: employment
        微心愿: wish
        便民服务: service
      urgent: {是: true, 否: false}
      status: {办理中: open, 已办结: closed, 已作废: void}
      satisfaction: {满意: satisfied, 基本满意: basically_satisfied, 不满意: dissatisfied, 未接通: unreached}
    ignore: [title, source, place.address]
"""


def pull_ours(url: str, folder: Path) -> int:
    """How many of the events at `url` landed, judged by the shipped rules, in a new installation in `folder`."""
    config = folder / "config"
    (config / "platforms").mkdir(parents=True)
    (config / "quality").symlink_to(QUALITY)
    file = config / "platforms" / "benchmark.yaml"
    file.write_text(PLATFORM, encoding="utf-8")
    with open_house(load_settings(folder / "home", config)) as house:
        _land_registers(house)
        source = load_source(file, {"BENCHMARK_URL": url}.get)
        report = pull_source(house, source, window=MARCH, now=NOW, bands={})
    if report.error is not None:
        raise report.error
    return sum(pull.landed_count for pull in report.pulls)


def drop_judges() -> None:
    """From here on pulls in this process ask neither judge, to measure what the two cost. For benchmarks only."""
    judge.list_checks = lambda *_: []


def _land_registers(house: House) -> None:
    common = {"valid_from": NOW.date().replace(year=2020), "valid_to": None}
    names = ("name", "street_code", "street_name", "district_code", "district_name")
    communities: list[dict[str, Any]] = [
        {"community_code": code, **dict.fromkeys(names, code), **common} for code in COMMUNITIES
    ]
    grids: list[dict[str, Any]] = [
        {"grid_code": grid, "community_code": code, "party_unit": "branch", **common}
        for code in COMMUNITIES
        for grid in list_grids(code)
    ]
    for table, rows in (("communities", communities), ("grids", grids)):
        numbered = [{**row, "record_no": number} for number, row in enumerate(rows)]
        pull_id = house.ledger.begin_pull(
            platform="register", resource=table, table=table, window=(NOW, NOW), started_at=NOW
        )
        with house.lake.stage(TABLES[table], platform="register", resource=table, slot="all") as batch:
            schema = arrow_schema(TABLES[table])
            batch.add(pa.Table.from_pylist(numbered, schema=schema), QUARANTINE_SCHEMA.empty_table())
            manifest = batch.commit(window=None, request={}, contract={}, landed_at=NOW)
        house.ledger.finish_pull(
            pull_id,
            status="complete",
            message="",
            received_count=len(rows),
            landed_count=len(rows),
            rejected_count=0,
            finished_at=NOW,
            manifests=[manifest],
        )


if __name__ == "__main__":
    if "--without-judges" in sys.argv:
        drop_judges()
    measure(pull_ours, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
