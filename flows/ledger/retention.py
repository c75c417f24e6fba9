"""What retention announced and deleted, and which batches were condensed: kept for good."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, insert, select, update

from flows.condensed import Condensation
from flows.ledger.tables import condensations, landings, retention_items


@dataclass(frozen=True)
class RetentionItem:
    """Something announced for deletion, and when it was deleted, if it was; the detail tells exactly what."""

    id: int
    kind: str
    subject: str
    detail: Mapping[str, Any]
    file_count: int
    byte_count: int
    announced_at: datetime
    deleted_at: datetime | None


class RetentionLedger:
    """Announcements, deletions, and condensed batches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def announce(
        self,
        *,
        kind: str,
        subject: str,
        detail: Mapping[str, Any],
        file_count: int,
        byte_count: int,
        announced_at: datetime,
    ) -> None:
        """Note that something will be deleted."""
        row = {
            "kind": kind,
            "subject": subject,
            "detail": dict(detail),
            "file_count": file_count,
            "byte_count": byte_count,
            "announced_at": announced_at,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(retention_items).values(row))

    def note_deleted(self, item_id: int, deleted_at: datetime) -> None:
        """Note that what was announced is deleted."""
        mine = (retention_items.c.id == item_id) & retention_items.c.deleted_at.is_(None)
        with self._engine.begin() as connection:
            connection.execute(update(retention_items).where(mine).values(deleted_at=deleted_at))

    def list_items(self) -> list[RetentionItem]:
        """Everything that was ever announced, the earliest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(retention_items).order_by(retention_items.c.id)).mappings()
            return [RetentionItem(**row) for row in rows]

    def add_condensation(self, condensation: Condensation) -> None:
        """Let the condensed batch stand for those that it replaces, from now on."""
        row = {
            "table_name": condensation.table,
            "platform": condensation.platform,
            "through_no": condensation.through_no,
            "batch_id": condensation.batch_id,
            "row_count": condensation.row_count,
            "condensed_at": condensation.condensed_at,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(condensations).values(row))

    def list_condensations(self) -> list[Condensation]:
        """The newest condensation of each table and source."""
        newest = select(func.max(condensations.c.id)).group_by(condensations.c.table_name, condensations.c.platform)
        query = select(condensations).where(condensations.c.id.in_(newest)).order_by(condensations.c.id)
        with self._engine.connect() as connection:
            found = []
            for row in connection.execute(query).mappings():
                mine = (landings.c.table_name == row["table_name"]) & (landings.c.id <= row["through_no"])
                if row["platform"]:
                    mine &= landings.c.platform == row["platform"]
                replaced = connection.execute(select(landings.c.batch_id).where(mine).order_by(landings.c.id))
                found.append(
                    Condensation(
                        table=row["table_name"],
                        platform=row["platform"],
                        through_no=row["through_no"],
                        batch_id=row["batch_id"],
                        row_count=row["row_count"],
                        condensed_at=row["condensed_at"],
                        replaced=tuple(replaced.scalars()),
                    )
                )
        return found

    def list_condensed_ids(self, table: str, platform: str) -> list[str]:
        """Every condensed batch of the table, or of the source's, the earliest first."""
        mine = (condensations.c.table_name == table) & (condensations.c.platform == platform)
        query = select(condensations.c.batch_id).where(mine).order_by(condensations.c.id)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def list_landed_at(self) -> dict[int, datetime]:
        """When each landing landed, by its number."""
        with self._engine.connect() as connection:
            query = select(landings.c.id, landings.c.landed_at)
            return {row.id: row.landed_at for row in connection.execute(query)}
