"""A ledger moved from one database to another, for tests that need on PostgreSQL what was made on SQLite."""

import sqlalchemy as sa

from flows.ledger import Ledger
from flows.ledger.columns import metadata


def copy_ledger(source_url: str, target_url: str) -> None:
    """Write every row of a ledger on SQLite, with its number, into an empty one on PostgreSQL."""
    Ledger.open(target_url).close()
    source, target = sa.create_engine(source_url), sa.create_engine(target_url)
    try:
        with source.connect() as old, target.begin() as new:
            new.execute(sa.text("SET session_replication_role = replica"))  # rows may refer to later ones
            for table in metadata.tables.values():
                rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
                if not rows:
                    continue
                new.execute(sa.insert(table), rows)
                if "id" in table.c:
                    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
                    new.execute(sa.select(sa.func.setval(sequence, max(row["id"] for row in rows))))
    finally:
        source.dispose()
        target.dispose()
