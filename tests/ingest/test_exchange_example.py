"""The worked example of an exchange database, set up and pulled as its page says."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from postgresql_server import READER, PostgresqlServer

from flows.house import House
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "exchange-database"
SOURCE = (EXAMPLE / "platforms" / "comprehensive_governance.yaml").read_text(encoding="utf-8")

FIRST_EVENT = """INSERT INTO qzk.shijian VALUES
    ('SJ1', '410202001001', 'G1', '龙亭区城管局', '一般隐患', '街道', 1, '2024-03-05 08:00', '2024-03-05 08:30',
     '2024-03-08 23:59:59', NULL, '2024-03-06 09:00', '已办结', 0, 1, '张三',
     '2024-03-06 09:00', '2024-03-06 09:10')"""
OPEN_EVENT = """INSERT INTO qzk.shijian VALUES
    ('SJ2', '410202001002', NULL, NULL, '矛盾纠纷', '网格', 0, '2024-03-31 22:00', NULL,
     NULL, NULL, NULL, '办理中', 0, 0, '李四', '2024-03-31 22:00', '2024-04-01 06:00')"""
LATE_EVENT = FIRST_EVENT.replace("SJ1", "SJ3").replace("'2024-03-06 09:10'", "'2024-04-02 08:00'")
INCIDENT = """INSERT INTO qzk.sanling VALUES
    ('SL1', '410202001001', '越级上访', '2024-03-05', '已核实', '2024-03-06 09:00', '2024-03-06 09:10')"""


@pytest.fixture
def exchange(postgresql: PostgresqlServer) -> PostgresqlServer:
    """The exchange database as the other side sets it up."""
    postgresql.run("DROP SCHEMA IF EXISTS qzk CASCADE", (EXAMPLE / "views.sql").read_text(encoding="utf-8"))
    postgresql.run(
        f"REVOKE ALL ON qzk.shijian, qzk.sanling FROM {READER[0]}",
        f"GRANT USAGE ON SCHEMA qzk TO {READER[0]}",
        f"GRANT SELECT ON qzk.v_shijian, qzk.v_sanling TO {READER[0]}",
        FIRST_EVENT,
        OPEN_EVENT,
        INCIDENT,
    )
    return postgresql


def test_both_views_land_as_events_and_incidents(pull: Pull, house: House, exchange: PostgresqlServer) -> None:
    report = pull(SOURCE)
    assert (report.exit_code, [pull.landed_count for pull in report.pulls]) == (0, [2, 1])
    assert "new fields" not in " ".join(report.warnings)
    with house.view() as view:
        events = {row["event_id"]: row for row in view.table("events").drop("batch_id").to_pyarrow().to_pylist()}
        [incident] = view.table("incidents").drop("batch_id").to_pyarrow().to_pylist()
    # Times of Beijing, eight hours before as UTC.
    assert events["SJ1"] == {
        "platform": "comprehensive_governance",
        "event_id": "SJ1",
        "community_code": "410202001001",
        "grid_code": "G1",
        "department": "龙亭区城管局",
        "category": "hazard_general",
        "tier": 3,
        "urgent": True,
        "reported_at": datetime(2024, 3, 5, 0),
        "responded_at": datetime(2024, 3, 5, 0, 30),
        "due_at": datetime(2024, 3, 8, 15, 59, 59),
        "extended_to": None,
        "closed_at": datetime(2024, 3, 6, 1),
        "status": "closed",
        "forced_close": False,
        "reopened": 1,
        "solved": None,
        "satisfaction": None,
        "updated_at": datetime(2024, 3, 6, 1),
    }
    assert (events["SJ2"]["status"], events["SJ2"]["department"], events["SJ2"]["urgent"]) == ("open", None, False)
    assert incident == {
        "incident_id": "SL1",
        "community_code": "410202001001",
        "kind": "petition",
        "occurred_on": date(2024, 3, 5),
        "status": "confirmed",
        "updated_at": datetime(2024, 3, 6, 1),
    }


def test_what_is_pushed_late_or_changed_comes_with_the_next_pull(
    pull: Pull, house: House, exchange: PostgresqlServer
) -> None:
    assert pull(SOURCE, window=None).exit_code == 0
    exchange.run(
        "UPDATE qzk.sanling SET zt = '已撤销', gxsj = '2024-04-01 10:00', rksj = '2024-04-01 10:10'",
        LATE_EVENT,
    )
    assert pull(SOURCE, window=None).exit_code == 0
    with house.view() as view:
        assert view.table("incidents").status.to_pyarrow().to_pylist() == ["withdrawn"]
        assert sorted(view.table("events").event_id.to_pyarrow().to_pylist()) == ["SJ1", "SJ2", "SJ3"]


def test_a_database_put_back_to_a_backup_is_noticed(pull: Pull, exchange: PostgresqlServer) -> None:
    assert pull(SOURCE, window=None).exit_code == 0
    exchange.run("DELETE FROM qzk.shijian WHERE sjbh = 'SJ2'")
    report = pull(SOURCE, window=None)
    assert report.exit_code == 12
    assert "comprehensive_governance, events: the cursor rksj goes backwards" in str(report.error)
