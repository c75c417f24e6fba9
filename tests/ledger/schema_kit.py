"""The ledger's schema for tests: moved to a revision, described, and filled as older versions of it were."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from flows.ledger.migrating import MIGRATIONS

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
AT = datetime(2024, 4, 3, 1, 2, 3, 456789, tzinfo=UTC).replace(tzinfo=None)
DAY = date(2024, 4, 1)

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

WHAT_RAN: Rows = {
    "outcomes": [
        {
            "step": "ingest", "month": "2024-03", "ok": True, "message": "", "counts": {}, "started_at": AT,
            "finished_at": AT,
        }
    ],
    "pulls": [
        {
            "platform": "p", "resource": "events", "table_name": "events", "window_from_at": AT, "window_to_at": AT,
            "status": "complete", "message": "", "received_count": 2, "landed_count": 2, "rejected_count": 0,
            "reason_counts": {"unmapped": 1}, "warnings": ["窗口"], "started_at": AT, "finished_at": AT,
        }
    ],
    "landings": [
        {
            "pull_id": 1, "batch_id": "b", "platform": "p", "resource": "events", "table_name": "events", "slot": "s",
            "row_count": 2, "rejected_count": 0, "landed_at": AT,
        }
    ],
    "outbox": [
        {
            "key": "k", "message": "star_card", "month": "2024-03", "revision": 1, "unit_code": "u",
            "role": "secretary", "channel": "files",
            "address": "", "subject": "三月", "body": "正文", "status": "queued", "detail": "",
            "attempt_count": 0, "queued_at": AT,
        }
    ],
}  # fmt: skip
"""What an installation of the first schema held that nobody decided."""

WHAT_WAS_JUDGED: Rows = {
    "revisions": [
        {
            "month": "2024-03", "revision": 1, "effective_on": DAY, "cutoff_at": AT, "inputs": {"batch_ids": ["b"]},
            "input_digest": "i" * 64, "digests": {"stars.csv": "d" * 64}, "notices": [], "alarms": [],
            "software_version": "0.1.0", "created_at": AT,
        }
    ],
    "star_results": [
        {
            "month": "2024-03", "revision": 1, "community_code": "410202001001", "star": "safety", "score": "80.00",
            "state": "lit", "reasons": [],
        }
    ],
}  # fmt: skip
WHAT_WAS_DECIDED: Rows = {
    "decisions": [
        {
            "month": "2024-03", "revision": 1, "staff_id": "K1", "proposal_digest": "d" * 64, "verdict": "approved",
            "reviewer": "审核人", "comment": "", "in_bulk": True, "decided_at": AT,
        }
    ],
    "grade_register": [
        {
            "staff_id": "K1", "post": "other", "grade": 2, "degree": "none", "certificate": "none",
            "effective_on": DAY, "month": "2024-03", "revision": 1, "decision_id": 1, "recorded_at": AT,
        }
    ],
    "arrears": [
        {
            "month": "2024-03", "staff_id": "K1", "effective_on": DAY, "approved_on": DAY, "months": 2,
            "monthly_fen": 100, "total_fen": 200, "decision_id": 1,
        }
    ],
}  # fmt: skip


@contextmanager
def connect(url: str) -> Iterator[sa.Connection]:
    """A transaction on the database."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def raise_schema(url: str, revision: str) -> None:
    """Bring the schema up to the revision, as the version of the program did that ended with it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with connect(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill(url: str, rows: Rows) -> None:
    """Write the rows into the tables as the database has them now."""
    with connect(url) as connection:
        for name, written in rows.items():
            table = sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
            connection.execute(sa.insert(table), list(written))


def read(url: str, rows: Rows) -> Rows:
    """What the database has in the columns that `rows` name."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    with connect(url) as connection:
        for name, written in rows.items():
            table = sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
            columns = [table.c[column] for column in written[0]]
            found[name] = [dict(row) for row in connection.execute(sa.select(*columns)).mappings()]
    return found


def describe_schema(url: str) -> dict[str, Any]:
    """Every table with its columns, keys, indexes and guards."""
    with connect(url) as connection:
        inspector = sa.inspect(connection)
        guards = (
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
            if connection.dialect.name == "postgresql"
            else "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
        )
        triggers = sorted((row[0], row[1]) for row in connection.execute(sa.text(guards)))
        return {
            name: {
                "columns": sorted(
                    (it["name"], str(it["type"]), it["nullable"], str(it["default"]))
                    for it in inspector.get_columns(name)
                ),
                "key": inspector.get_pk_constraint(name)["constrained_columns"],
                "references": sorted(
                    (it["constrained_columns"], it["referred_table"], it["referred_columns"])
                    for it in inspector.get_foreign_keys(name)
                ),
                "unique": sorted(it["column_names"] for it in inspector.get_unique_constraints(name)),
                "indexes": sorted(
                    (str(it["name"]), it["column_names"], bool(it["unique"])) for it in inspector.get_indexes(name)
                ),
                "guards": [trigger for table, trigger in triggers if table == name],
            }
            for name in inspector.get_table_names()
            if name != "alembic_version"
        }
