"""What the ledger's tables share: their names' convention, instants, and keys."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, ForeignKeyConstraint, Integer, MetaData, String, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC on databases with and without time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


def number_rows() -> Column[int]:
    """The column of a row's number, which counts up."""
    return Column("id", Integer, primary_key=True, autoincrement=True)


def name_revision() -> tuple[Any, ...]:
    """The columns that name a revision, as the beginning of a key."""
    return (
        Column("month", String(7), primary_key=True),
        Column("revision", Integer, primary_key=True),
        ForeignKeyConstraint(["month", "revision"], ["revisions.month", "revisions.revision"]),
    )


class ByCodePoint(FunctionElement[str]):
    """A text column to order by as Python and SQLite order text, whatever language the database was made for."""

    name = "by_code_point"
    inherit_cache = True


@compiles(ByCodePoint)
def _compile(element: ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(ByCodePoint, "postgresql")
def _compile_for_postgresql(element: ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'
