"""Reviews in the ledger: preparations, decisions and objections; rows are only added, each with its chain entry."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Engine, Table, func, select

from flows.errors import DecisionRefused
from flows.ledger.chain import ChainMoved, ChainState, examine_chain, find_head, write_chain
from flows.ledger.review_rows import (
    Decision,
    Objection,
    Preparation,
    RecordedDecision,
    RecordedObjection,
    RecordedPreparation,
)
from flows.ledger.review_tables import decisions, objections, preparations
from flows.ledger.tables import grade_proposals, revisions

WRITE_ATTEMPTS = 20

Written = TypeVar("Written")


class ReviewLedger:
    """What named persons prepared, decided and objected to.

    Who writes names the last chain entry seen (`find_head`, asked before looking); `ChainMoved` says that somebody
    else has written since.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, act: Callable[[str], Written]) -> Written:
        """What `act` gives, which looks at the ledger and then writes after the entry handed to it.

        If somebody else wrote in between, it looks again. Raises `DecisionRefused` if that happens without end.
        """
        for _ in range(WRITE_ATTEMPTS):
            try:
                return act(self.find_head())
            except ChainMoved:
                continue
        raise DecisionRefused(
            f"Others wrote to the ledger {WRITE_ATTEMPTS} times in the meantime. Nothing was recorded: try again."
        )

    def find_head(self) -> str:
        """The hash of the chain's last entry."""
        with self._engine.connect() as connection:
            return find_head(connection)

    def examine_chain(self, known_heads: Collection[str] = ()) -> ChainState:
        """Whether everything that persons decided still is what was written.

        `known_heads` are entries that the chain is known to have had: without one of them its end was cut off.
        """
        with self._engine.connect() as connection:
            return examine_chain(connection, known_heads)

    def add_decisions(
        self,
        rows: Sequence[Decision],
        *,
        preparations_made: Sequence[Preparation] = (),
        after: str | None = None,
    ) -> None:
        """Record decisions and preparations, all or none. Raises `ChainMoved`."""
        if not (rows or preparations_made):
            return
        with write_chain(self._engine, after) as writer:
            writer.add(preparations, [asdict(row) for row in preparations_made])
            writer.add(decisions, [asdict(row) for row in rows])

    def add_objection(self, objection: Objection, *, after: str | None = None) -> int:
        """The number under which the objection is recorded. Raises `ChainMoved`."""
        with write_chain(self._engine, after) as writer:
            [number] = writer.add(objections, [asdict(objection)])
        return number

    def list_decisions(self, month: str) -> list[RecordedDecision]:
        """Every decision on the month, the earliest first."""
        return [RecordedDecision(**row) for row in self._read(decisions, month)]

    def list_preparations(self, month: str) -> list[RecordedPreparation]:
        """Every preparation of the month, the earliest first."""
        return [RecordedPreparation(**row) for row in self._read(preparations, month)]

    def list_objections(self, month: str | None = None) -> list[RecordedObjection]:
        """Every objection, of one month if asked, the earliest first."""
        return [RecordedObjection(**row) for row in self._read(objections, month)]

    def map_first_shown(self, month: str) -> dict[tuple[str, str], datetime]:
        """When each content of a proposal first came before HR, by worker and digest."""
        joined = grade_proposals.join(
            revisions,
            (revisions.c.month == grade_proposals.c.month) & (revisions.c.revision == grade_proposals.c.revision),
        )
        first = (
            select(grade_proposals.c.staff_id, grade_proposals.c.digest, func.min(revisions.c.created_at).label("at"))
            .select_from(joined)
            .where(grade_proposals.c.month == month)
            .group_by(grade_proposals.c.staff_id, grade_proposals.c.digest)
        )
        with self._engine.connect() as connection:
            return {(row.staff_id, row.digest): row.at for row in connection.execute(first)}

    def _read(self, table: Table, month: str | None) -> list[dict[str, Any]]:
        query = select(table).order_by(table.c.id)
        if month is not None:
            query = query.where(table.c.month == month)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
