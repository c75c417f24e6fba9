"""Reviews in the ledger: decisions, the grade register and arrears; rows are only added."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Engine, Select, func, insert, select
from sqlalchemy.exc import IntegrityError

from flows.errors import DecisionRefused
from flows.ledger.tables import arrears, decisions, grade_register
from flows.results import RegisterRecord

Verdict = Literal["approved", "rejected", "returned"]


@dataclass(frozen=True)
class Decision:
    """One person's word on one proposal, for exactly the content of `proposal_digest`."""

    month: str
    revision: int
    staff_id: str
    proposal_digest: str
    verdict: Verdict
    reviewer: str
    comment: str
    in_bulk: bool
    decided_at: datetime


@dataclass(frozen=True)
class RecordedDecision(Decision):
    """A decision with its number in the ledger."""

    id: int


@dataclass(frozen=True)
class RegisterEntry:
    """An approved proposal on its way into the register, and where it came from."""

    record: RegisterRecord
    month: str
    revision: int
    decision_id: int


@dataclass(frozen=True)
class RegisterLine:
    """A register record as it stands there: its number, the decision that made it, and when it was recorded."""

    record: RegisterRecord
    register_no: int
    month: str
    revision: int
    decision_id: int
    recorded_at: datetime


@dataclass(frozen=True)
class ArrearsLine:
    """What a change approved after its effective date owes, once (policy §5)."""

    month: str
    staff_id: str
    effective_on: date
    approved_on: date
    months: int
    monthly_fen: int
    total_fen: int


def digest_register(register: Mapping[str, RegisterRecord]) -> str:
    """The SHA-256 of the grades in force, as one of the inputs of a revision."""
    return hashlib.sha256(orjson.dumps([register[staff_id] for staff_id in sorted(register)])).hexdigest()


class ReviewLedger:
    """Decisions of named persons and what they put into force."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_decisions(self, rows: Sequence[Decision]) -> None:
        """Record decisions, all or none."""
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(decisions), [asdict(row) for row in rows])

    def list_decisions(self, month: str) -> list[RecordedDecision]:
        """Every decision on the month, the earliest first."""
        query = select(decisions).where(decisions.c.month == month).order_by(decisions.c.id)
        with self._engine.connect() as connection:
            return [RecordedDecision(**row) for row in connection.execute(query).mappings()]

    def publish(
        self,
        entries: Sequence[RegisterEntry],
        arrears_by_decision: Mapping[int, ArrearsLine],
        recorded_at: datetime,
    ) -> None:
        """Put approved grades into the register with the arrears that they owe, in one transaction.

        Raises `DecisionRefused` if somebody else has published one of the decisions in the meantime.
        """
        register_rows = [
            {
                **asdict(entry.record),
                "month": entry.month,
                "revision": entry.revision,
                "decision_id": entry.decision_id,
                "recorded_at": recorded_at,
            }
            for entry in entries
        ]
        arrears_rows = [
            {**asdict(line), "decision_id": decision_id} for decision_id, line in arrears_by_decision.items()
        ]
        try:
            with self._engine.begin() as connection:
                if register_rows:
                    connection.execute(insert(grade_register), register_rows)
                if arrears_rows:
                    connection.execute(insert(arrears), arrears_rows)
        except IntegrityError:
            raise DecisionRefused(
                "The register already holds one of these decisions: another publication ran at the same time. "
                "Nothing was entered twice; publish again."
            ) from None

    def list_published_decision_ids(self, month: str) -> set[int]:
        """The decisions of the month that are in the register already."""
        query = select(grade_register.c.decision_id).where(grade_register.c.month == month)
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    def find_published_revision(self, month: str) -> int | None:
        """The revision of the month from which the register was last fed; nothing if the month is not published."""
        newest = select(grade_register.c.revision).where(grade_register.c.month == month)
        with self._engine.connect() as connection:
            return connection.execute(newest.order_by(grade_register.c.id.desc()).limit(1)).scalar_one_or_none()

    def list_arrears(self, month: str) -> list[ArrearsLine]:
        """The month's arrears, by worker."""
        columns = [arrears.c[name] for name in ArrearsLine.__dataclass_fields__]
        query = select(*columns).where(arrears.c.month == month).order_by(arrears.c.staff_id, arrears.c.id)
        with self._engine.connect() as connection:
            return [ArrearsLine(**row) for row in connection.execute(query).mappings()]

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
        entries = self.list_register(on, register_no=register_no, recorded_by=recorded_by)
        return {entry.record.staff_id: entry.record for entry in entries}

    def list_register(
        self, on: date, *, register_no: int | None = None, recorded_by: datetime | None = None
    ) -> list[RegisterLine]:
        """The register lines in force on that day, by worker, as held true then (`list_grades_in_force`)."""
        newest_first = (grade_register.c.effective_on.desc(), grade_register.c.id.desc())
        place = func.row_number().over(partition_by=grade_register.c.staff_id, order_by=newest_first).label("place")
        known = select(grade_register, place).where(grade_register.c.effective_on <= on)
        if register_no is not None:
            known = known.where(grade_register.c.id <= register_no)
        if recorded_by is not None:
            known = known.where(grade_register.c.recorded_at <= recorded_by)
        ranked = known.subquery()
        query = select(*(ranked.c[column.name] for column in grade_register.c)).where(ranked.c.place == 1)
        return self._read_lines(query.order_by(ranked.c.staff_id))

    def list_register_history(self, staff_id: str) -> list[RegisterLine]:
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
                )
                for row in connection.execute(query).mappings()
            ]
