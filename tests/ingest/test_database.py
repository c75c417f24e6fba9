"""A database as a source: what of it is asked for, how its values are read, and what it may not do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from exchange import put_incidents, read_ids, write_source
from ingest_kit import MARCH, NOW
from platform_server import INCIDENT_FIELDS
from postgresql_server import PostgresqlServer

from flows.house import House
from flows.ingest.connect.connectors import open_connector
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.source import Source
from flows.ingest.judging.raw import read_raw
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

SHANGHAI_MARCH = datetime(2024, 3, 1)
"""March begins in Shanghai at 2024-02-29 16:00 UTC, the from of MARCH; its until is 2024-04-03 00:00 there."""

AROUND_MARCH = [
    SHANGHAI_MARCH - timedelta(seconds=1),
    SHANGHAI_MARCH,
    SHANGHAI_MARCH + timedelta(seconds=0.5),
    datetime(2024, 4, 2, 23, 59, 59),
    datetime(2024, 4, 3),
]
IN_MARCH = ["I1", "I2", "I3"]


def shift(local: datetime) -> datetime:
    """The instant of a time in Shanghai."""
    return (local - timedelta(hours=8)).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Clock:
    """A kind of column and how it holds a time of Shanghai."""

    kind: str
    stated: str
    write: Callable[[datetime], Any]


CLOCKS = [
    Clock("timestamp", "native", lambda local: local),
    Clock("timestamptz", "native", shift),
    Clock("text", "local", lambda local: local.isoformat(" ")),
    Clock("text", "iso", lambda local: shift(local).isoformat().replace("+00:00", "Z")),
    Clock("bigint", "epoch_s", lambda local: int(shift(local).timestamp())),
    Clock("bigint", "epoch_ms", lambda local: int(shift(local).timestamp() * 1000)),
    Clock("numeric", "epoch_s", lambda local: shift(local).timestamp()),
]


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda it: f"{it.stated} {it.kind}")
def test_a_window_holds_its_first_instant_and_not_its_last(
    pull: Pull, house: House, postgresql: PostgresqlServer, clock: Clock
) -> None:
    put_incidents(postgresql, clock.kind, *map(clock.write, AROUND_MARCH))
    report = pull(write_source(f"from: incidents\ncursor: updated\ncursor_format: {clock.stated}"))
    assert (report.exit_code, read_ids(house)) == (0, IN_MARCH)


def test_the_lag_moves_the_beginning_back(pull: Pull, house: House, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamp", *(SHANGHAI_MARCH - timedelta(seconds=it) for it in (59, 60, 61)))
    pull(write_source("from: incidents\ncursor: updated\nlag: 1m"))
    assert read_ids(house) == ["I0", "I1"]


def test_a_cursor_of_days_gives_every_day_that_has_begun(
    pull: Pull, house: House, postgresql: PostgresqlServer
) -> None:
    # Until 4 March 10:00 in Shanghai: the fourth has begun.
    put_incidents(postgresql, "date", date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 5))
    until = shift(datetime(2024, 3, 4, 10))
    pull(write_source("from: incidents\ncursor: updated"), window=(shift(datetime(2024, 3, 1, 10)), until))
    assert read_ids(house) == ["I1", "I2"]


@pytest.mark.parametrize(
    ("column", "stated", "advice"),
    [
        (("text", "2024-03-05 08:00:00"), "native", "Set cursor_format to iso"),
        (("text", "2024-03-05T08:00:00"), "local", "Set cursor_format to iso"),
        (("text", "2024/3/5 08:00:00"), "iso", "make a time by a query"),
        (("timestamp", datetime(2024, 3, 5)), "local", "Leave cursor_format out"),
        (("bigint", 1_709_222_400), "native", "Set cursor_format to epoch_s"),
        (("bigint", 1_709_222_400), "epoch_ms", "Set cursor_format to epoch_s or epoch_ms"),
        (("bigint", 4711), "epoch_s", "A number that counts rows sees no updates"),
    ],
)
def test_a_cursor_that_is_not_as_stated_is_refused_and_not_compared(
    pull: Pull, postgresql: PostgresqlServer, column: tuple[str, Any], stated: str, advice: str
) -> None:
    put_incidents(postgresql, *column)
    report = pull(write_source(f"from: incidents\ncursor: updated\ncursor_format: {stated}"))
    assert report.exit_code == 12
    assert "exchange, incidents: what the cursor updated holds" in str(report.error)
    assert advice in str(report.error)
    assert str(column[1]) not in str(report.error)


def test_rows_without_a_cursor_are_not_passed_over(pull: Pull, house: House, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamp", *[datetime(2024, 3, 5)] * 5, None)
    pull(write_source("from: incidents\ncursor: updated"))
    [row] = read_quarantine(house, platform="exchange")
    assert (row.row_key, row.reasons) == ("I5", ("null:updated_at",))


def test_rows_whose_cursor_is_empty_text_are_not_passed_over(
    pull: Pull, house: House, postgresql: PostgresqlServer
) -> None:
    put_incidents(postgresql, "text", *["2024-03-05T00:00:00Z"] * 5, "")
    pull(write_source("from: incidents\ncursor: updated\ncursor_format: iso"))
    [row] = read_quarantine(house, platform="exchange")
    assert (row.row_key, row.reasons) == ("I5", ("null:updated_at",))


ALL_KINDS = """
CREATE VIEW exchange.all_kinds AS SELECT
    12345678901234567890::numeric AS id, convert_to('410202001001', 'UTF8') AS community,
    '{"of": "petition"}'::jsonb AS kind, 1709568000::numeric AS day, 'confirmed'::char(12) AS status,
    '2024-03-06 08:00+08'::timestamptz AS updated, NULL AS nothing, 1.50::numeric AS amount,
    '00000000-0000-0000-0000-000000000001'::uuid AS code, ARRAY[1, 2] AS list, true AS truth,
    '\\xff'::bytea AS bytes, '01:30'::interval AS span
"""
ALL_FIELDS = (
    "{incident_id: id, community_code: community, kind: kind.of, occurred_on: day, status: status, "
    "updated_at: updated}"
)


def test_values_of_every_kind_are_read(pull: Pull, house: House, postgresql: PostgresqlServer) -> None:
    postgresql.run(ALL_KINDS)
    report = pull(write_source(f"from: exchange.all_kinds\ncursor: updated\nfields: {ALL_FIELDS}"))
    assert report.exit_code == 0
    with house.view() as view:
        [row] = view.table("incidents").drop("batch_id").to_pyarrow().to_pylist()
    assert row == {
        "incident_id": "12345678901234567890",
        "community_code": "410202001001",
        "kind": "petition",
        "occurred_on": date(2024, 3, 5),  # 1709568000 is 2024-03-04 16:00 UTC, the first instant of that day there
        "status": "confirmed",
        "updated_at": datetime(2024, 3, 6),
    }


def test_a_rejected_row_keeps_values_of_every_kind(pull: Pull, house: House, postgresql: PostgresqlServer) -> None:
    postgresql.run(
        """CREATE VIEW incidents AS SELECT 'I' || n AS id, '410202001001' AS community, 'petition' AS kind,
        '2024-03-05'::date AS day, CASE n WHEN 5 THEN '\\xff'::bytea ELSE 'confirmed'::bytea END AS status,
        '2024-03-06 08:00+08'::timestamptz AS updated, 1.50 AS amount, ARRAY[1, 2] AS list, '01:30'::time AS at,
        '00000000-0000-0000-0000-000000000001'::uuid AS code, '某'::text AS who, NULL AS nothing, true AS truth
        FROM generate_series(0, 5) AS n"""
    )
    pull(write_source())
    [row] = read_quarantine(house, platform="exchange")
    assert row.reasons == ("unreadable:status",)
    assert read_raw(row.raw) == {
        "id": "I5",
        "community": "410202001001",
        "kind": "petition",
        "day": date(2024, 3, 5),
        "status": b"\xff",
        "updated": datetime(2024, 3, 6, tzinfo=UTC),
        "amount": Decimal("1.50"),
        "list": [1, 2],
        "at": time(1, 30),
        "code": UUID(int=1),
        "who": "某",
        "nothing": None,
        "truth": True,
    }


def test_a_query_is_run_as_it_stands(pull: Pull, house: House, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "text", "2024-03-05 08:00:00", "2024-03-06 08:00:00", "2024-05-06 08:00:00")
    query = (
        "  WITH chosen AS (SELECT *, updated::timestamp AS at FROM incidents WHERE updated LIKE '%08:00%' "
        "AND id <> ':id') SELECT * FROM chosen ORDER BY id DESC -- :all of it;"
    )
    report = pull(write_source(f'from: "{query}"\ncursor: at\nfields: {INCIDENT_FIELDS.replace("updated}", "at}")}'))
    assert (report.exit_code, read_ids(house)) == (0, ["I0", "I1"])


def test_names_that_need_quoting_are_quoted(pull: Pull, house: House, postgresql: PostgresqlServer) -> None:
    postgresql.run(
        """CREATE TABLE exchange."三零 事件"
        ("order" text, "社区" text, "Kind" text, "a'b" date, "50%" text, "x:y" timestamp)""",
        """CREATE VIEW exchange."三零" AS SELECT * FROM exchange."三零 事件" """,
        """INSERT INTO exchange."三零 事件" VALUES
        ('I1', '410202001001', 'petition', '2024-03-05', 'confirmed', '2024-03-06')""",
    )
    fields = (
        """{incident_id: order, community_code: 社区, kind: Kind, occurred_on: "a'b", status: "50%", """
        """updated_at: "x:y"}"""
    )
    report = pull(write_source(f'from: exchange.三零\ncursor: "x:y"\nfields: {fields}'))
    assert (report.exit_code, read_ids(house)) == (0, ["I1"])


def test_the_same_rows_in_another_order_land_nothing_new(
    pull: Pull, house: House, postgresql: PostgresqlServer
) -> None:
    moments = [datetime(2024, 3, 5)] * 3
    put_incidents(postgresql, "timestamp", *moments)
    pull(write_source())
    before = house.ledger.list_landings()
    postgresql.run(
        "CREATE TABLE other AS SELECT * FROM incidents ORDER BY id DESC",
        "DROP TABLE incidents",
        "ALTER TABLE other RENAME TO incidents",
    )
    assert pull(write_source()).exit_code == 0
    assert house.ledger.list_landings() == before


def open_pages(source: Source) -> Iterator[list[dict[str, Any]]]:
    """The pages of the source's one delivery."""
    connector = open_connector(source, "incidents", source.resources["incidents"], Timing())  # type: ignore[arg-type]
    with connector:
        [delivery] = connector.list_deliveries(MARCH)
        yield from delivery.pages


def test_rows_come_in_chunks_from_one_state_of_the_database(
    make_source: Callable[[str], Source], postgresql: PostgresqlServer
) -> None:
    put_incidents(postgresql, "timestamp", *[datetime(2024, 3, 5)] * 5)
    pages = open_pages(make_source(write_source("from: incidents\ncursor: updated\nchunk_rows: 2")))
    first = next(pages)
    postgresql.run("UPDATE incidents SET id = 'changed'", "DELETE FROM incidents WHERE kind = 'petition'")
    assert [[row["id"] for row in page] for page in (first, *pages)] == [["I0", "I1"], ["I2", "I3"], ["I4"]]


def test_a_reading_that_is_given_up_leaves_no_transaction(
    make_source: Callable[[str], Source], postgresql: PostgresqlServer
) -> None:
    put_incidents(postgresql, "timestamp", *[datetime(2024, 3, 5)] * 5)
    source = make_source(write_source("from: incidents\nchunk_rows: 2"))
    connector = open_connector(source, "incidents", source.resources["incidents"], Timing())  # type: ignore[arg-type]
    with connector:
        [delivery] = connector.list_deliveries(MARCH)
        next(iter(delivery.pages))
    # It would wait for ever for a reader that still holds the table.
    postgresql.run("SET lock_timeout = '5s'; DROP TABLE incidents")


def test_nothing_can_be_written(pull: Pull, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamp", datetime(2024, 3, 5))
    postgresql.run(
        "CREATE FUNCTION write() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM incidents; SELECT 1'",
    )
    report = pull(write_source("from: SELECT *, write() FROM incidents"))
    assert report.exit_code == 12
    assert "ReadOnlySqlTransaction" in str(report.error)
    with postgresql.connect() as connection:
        assert connection.execute("SELECT count(*) FROM incidents").fetchall() == [(1,)]


def test_a_manifest_says_what_was_asked_for(pull: Pull, house: House, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamp", datetime(2024, 3, 5))
    report = pull(write_source("from: incidents\ncursor: updated"))
    manifest = house.lake.read_manifest("incidents", report.pulls[0].batch_ids[0])
    assert manifest["request"] == {"from": "incidents", "cursor": "updated", "cursor_format": "native"}
    assert manifest["slot"] == "2024-02-29T16:00:00Z/2024-04-02T16:00:00Z"
    assert b"s3cret" not in orjson.dumps(manifest)
    assert NOW.isoformat() in manifest["landed_at"].replace("Z", "+00:00")
