"""The grade register and the arrears in the ledger; rows are only added, each with its chain entry."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Engine, Select, func, select

from flows.ledger.chain import write_chain
from flows.ledger.columns import ByCodePoint
from flows.ledger.review_rows import ArrearsByDecision, ArrearsLine, RegisterEntry, RegisterLine
from flows.ledger.review_tables import arrears, grade_register
from flows.results import RegisterRecord


def digest_register(register: Mapping[str, RegisterRecord]) -> str:
    """The SHA-256 of the grades in force, as one of the inputs of a revision."""
    return hashlib.sha256(orjson.dumps([register[staff_id] for staff_id in sorted(register)])).hexdigest()


class RegisterLedger:
    """The approved grades, effective-dated, and what late approvals owe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def publish(
        self,
        entries: Sequence[RegisterEntry],
        arrears_by_decision: ArrearsByDecision,
        recorded_at: datetime,
        *,
        after: str,
    ) -> None:
        """Put grades into the register with the arrears that they owe, all or none. Raises `ChainMoved`."""
        if not entries:
            return
        rows = [
            {
                **asdict(entry.record),
                "month": entry.month,
                "revision": entry.revision,
                "decision_id": entry.decision_id,
                "recorded_at": recorded_at,
                "reverses_id": entry.reverses_no,
            }
            for entry in entries
        ]
        owed = [{**asdict(line), "decision_id": decision_id} for decision_id, line in arrears_by_decision.items()]
        with write_chain(self._engine, after) as writer:
            writer.add(grade_register, rows)
            writer.add(arrears, owed)

    def list_month(self, month: str) -> list[RegisterLine]:
        """Every register line that decisions on the month made, in the order in which they were recorded."""
        return self._read_lines(
            select(grade_register).where(grade_register.c.month == month).order_by(grade_register.c.id)
        )

    def find_published_revision(self, month: str) -> int | None:
        """The revision of the month from which the register was last fed; nothing if the month is not published."""
        newest = select(grade_register.c.revision).where(grade_register.c.month == month)
        with self._engine.connect() as connection:
            return connection.execute(newest.order_by(grade_register.c.id.desc()).limit(1)).scalar_one_or_none()

    def list_arrears(self, month: str) -> list[ArrearsLine]:
        """The month's arrears, by worker."""
        return [line for _, line in self._read_arrears(month)]

    def map_arrears(self, month: str) -> dict[int, ArrearsLine]:
        """The month's arrears by the decision that owes them."""
        return dict(self._read_arrears(month))

    def find_register_no(self) -> int:
        """The number of the newest register record; 0 if there is none."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.max(grade_register.c.id))).scalar_one() or 0

    def list_grades_in_force(
        self, on: date, *, register_no: int | None = None, recorded_by: datetime | None = None
    ) -> dict[str, RegisterRecord]:
        """Each worker's register record in force on that day: the latest to take effect, then the latest recorded.

        With `register_no` or `recorded_by`, as it was held true when that was the newest record, or at that instant.
        """
        entries = self.list_in_force(on, register_no=register_no, recorded_by=recorded_by)
        return {entry.record.staff_id: entry.record for entry in entries}

    def list_in_force(
        self, on: date, *, register_no: int | None = None, recorded_by: datetime | None = None
    ) -> list[RegisterLine]:
        """The register lines in force on that day, by worker, as held true then (`list_grades_in_force`).

        A record that was taken back by then grants nothing, as if it had never been entered.
        """
        known = select(grade_register)
        if register_no is not None:
            known = known.where(grade_register.c.id <= register_no)
        if recorded_by is not None:
            known = known.where(grade_register.c.recorded_at <= recorded_by)
        lines = known.subquery()
        taken_back = select(lines.c.reverses_id).where(lines.c.reverses_id.is_not(None))
        newest_first = (lines.c.effective_on.desc(), lines.c.id.desc())
        place = func.row_number().over(partition_by=lines.c.staff_id, order_by=newest_first).label("place")
        standing = (
            select(lines, place)
            .where(lines.c.effective_on <= on)
            .where(lines.c.reverses_id.is_(None))
            .where(lines.c.id.not_in(taken_back))
        ).subquery()
        query = select(*(standing.c[column.name] for column in grade_register.c)).where(standing.c.place == 1)
        return self._read_lines(query.order_by(ByCodePoint(standing.c.staff_id)))

    def list_later_workers(self, after: date) -> frozenset[str]:
        """The workers who hold a grade by a standing record that takes effect after that day."""
        taken_back = select(grade_register.c.reverses_id).where(grade_register.c.reverses_id.is_not(None))
        query = (
            select(grade_register.c.staff_id)
            .where(grade_register.c.effective_on > after)
            .where(grade_register.c.reverses_id.is_(None))
            .where(grade_register.c.id.not_in(taken_back))
        )
        with self._engine.connect() as connection:
            return frozenset(connection.execute(query).scalars())

    def list_history(self, staff_id: str) -> list[RegisterLine]:
        """Every register line of one worker, in the order in which they were recorded."""
        return self._read_lines(
            select(grade_register).where(grade_register.c.staff_id == staff_id).order_by(grade_register.c.id)
        )

    def _read_lines(self, query: Select[Any]) -> list[RegisterLine]:
        names = RegisterRecord.__dataclass_fields__
        with self._engine.connect() as connection:
            return [
                RegisterLine(
                    RegisterRecord(**{name: row[name] for name in names}),
                    register_no=row["id"],
                    month=row["month"],
                    revision=row["revision"],
                    decision_id=row["decision_id"],
                    recorded_at=row["recorded_at"],
                    reverses_no=row["reverses_id"],
                )
                for row in connection.execute(query).mappings()
            ]

    def _read_arrears(self, month: str) -> list[tuple[int, ArrearsLine]]:
        names = ArrearsLine.__dataclass_fields__
        order = (ByCodePoint(arrears.c.staff_id), arrears.c.id)
        query = select(arrears).where(arrears.c.month == month).order_by(*order)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings()
            return [(row["decision_id"], ArrearsLine(**{name: row[name] for name in names})) for row in rows]
