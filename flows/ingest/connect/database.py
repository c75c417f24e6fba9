"""A database as a source: one table, view or query, read in one transaction that cannot write.

The only place of ingest that knows SQLAlchemy.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from flows.database_refusals import describe_refusal, judge_opening, judge_statement
from flows.errors import ConfigurationError, ContractBroken, FivestarError, SourceUnavailable
from flows.ingest.connect.connector import Connector, Delivery, write_slot
from flows.ingest.connect.cursors import Cursor
from flows.ingest.describe.grammar import list_placeholders
from flows.ingest.describe.records import Record, Window
from flows.ingest.describe.source import DatabaseResource, DatabaseSource

KEEPALIVE_SECONDS = 10


class DatabaseConnector(Connector):
    """Reads one table, view or query of a database."""

    def __init__(self, source: DatabaseSource, resource: DatabaseResource, name: str) -> None:
        super().__init__()
        self._source = source
        self._resource = resource
        self._name = name
        self._engine = _open_engine(source)
        self._cursor = Cursor(resource, name) if resource.cursor is not None else None
        self._pages: Iterator[list[Record]] = iter(())

    def list_deliveries(self, window: Window) -> Iterator[Delivery]:
        # What doesn't depend on the window is one thing, whichever window it is pulled for.
        slot = write_slot(window) if self._resource.narrows else "all"
        request = self._resource.model_dump(include={"rows_from", "cursor", "cursor_format"}, by_alias=True)
        self._pages = self._fetch_pages(window)
        yield Delivery(slot, request, self._pages)

    def __exit__(self, *_: object) -> None:
        # Where judging stopped half-way the transaction is still open.
        close = getattr(self._pages, "close", None)
        if close is not None:
            close()
        self._engine.dispose()

    def _fetch_pages(self, window: Window) -> Iterator[list[Record]]:
        """The rows of `window`, some thousands at a time, all from one snapshot, which is rolled back at the end.

        Rows without a cursor come with every window: to drop them here would lose them without a word.
        """
        with self._connect() as connection:
            try:
                self._begin(connection)
                query = self._build_query(connection, window)
                names = list(query.selected_columns.keys())
                with connection.execute(query, execution_options={"yield_per": self._resource.chunk_rows}) as result:
                    for rows in result.partitions():
                        yield [dict(zip(names, row, strict=True)) for row in rows]
            except (SQLAlchemyError, ValueError) as error:
                raise self._explain(error) from None

    def _connect(self) -> sa.Connection:
        try:
            return self._engine.connect()
        except DBAPIError as error:
            refusal = judge_opening(error.orig)
        except SQLAlchemyError as error:
            raise self._source.place.at("connection.url").error(
                f"its driver cannot be used here ({type(error).__name__}). Write another, see docs/connecting.md."
            ) from None
        names = ", ".join(f"${{{name}}}" for name in list_placeholders(self._source.connection)) or "connection.url"
        if refusal == "closed":
            raise ConfigurationError(
                f"{self._source.platform}: the database refuses the account, its password or the database's name. "
                f"Check {names}."
            )
        raise SourceUnavailable(
            f"{self._source.platform}: the database cannot be reached. Try again later, and check {names} if it "
            "stays so."
        )

    def _begin(self, connection: sa.Connection) -> None:
        """One transaction that sees one state of the database and cannot change it, as far as the database can."""
        dialect = connection.dialect.name
        if dialect == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            milliseconds = str(self._source.connection.timeout_seconds * 1000)
            connection.execute(sa.select(sa.func.set_config("statement_timeout", milliseconds, True)))
        elif dialect == "sqlite":
            connection.exec_driver_sql("BEGIN")
        elif dialect in ("mysql", "mariadb"):
            connection.execution_options(isolation_level="REPEATABLE READ")
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def _build_query(self, connection: sa.Connection, window: Window) -> sa.Select[tuple[Any, ...]]:
        """The window's rows, in an order that depends on what they hold: the same rows make the same batch."""
        origin = self._name_origin()
        nothing: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(origin).where(sa.false())
        names = list(map(str, connection.execute(nothing).keys()))
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ContractBroken(
                f"{self._name}: the query gives {', '.join(twice)} more than once. Name its columns apart with AS."
            )
        query: sa.Select[tuple[Any, ...]] = sa.select(*map(sa.column, names)).select_from(origin)
        if self._cursor is not None:
            query = query.where(self._narrow(connection, self._cursor, origin, names, window))
        return query.order_by(*map(sa.column, self._list_order(names)))

    def _name_origin(self) -> sa.FromClause:
        stated = self._resource.rows_from.strip()
        if self._resource.is_query:
            # No colon of it is a parameter; the line end closes a comment that it may end with.
            words = stated.rstrip("; \n").replace(":", "\\:") + "\n"
            return sa.text(words).columns().subquery("source_rows")
        schema, _, name = stated.rpartition(".")
        return sa.table(name, schema=schema or None)

    def _narrow(
        self, connection: sa.Connection, cursor: Cursor, origin: sa.FromClause, names: Sequence[str], window: Window
    ) -> sa.ColumnElement[bool]:
        """What a row of the window fulfils. Raises `ContractBroken` if the source has lost what it gave before."""
        if cursor.column not in names:
            raise ContractBroken(
                f"{self._name}: there is no column {cursor.column}, the cursor, but {', '.join(names)}. "
                "The source has changed, or the mapping is wrong: correct cursor."
            )
        place: sa.ColumnClause[Any] = sa.column(cursor.column)
        greatest = connection.execute(sa.select(sa.func.max(place)).select_from(origin)).scalar_one()
        newest_at = cursor.read(greatest) if greatest is not None else None
        if self.mark is not None and (newest_at is None or newest_at < self.mark.replace(microsecond=0)):
            raise ContractBroken(_describe_step_back(self._name, cursor.column, self.mark, newest_at))
        if greatest is None:
            return place.is_(None)
        start, end = cursor.write(window, greatest)
        nowhere = sa.or_(place.is_(None), place == "") if cursor.is_text else place.is_(None)
        return sa.or_(sa.and_(place >= start, place < end), nowhere)

    def _list_order(self, names: Sequence[str]) -> list[str]:
        """The cursor, then the columns of the row's key, then all others that are mapped whole."""
        fields = self._resource.fields
        key = [fields[column] for column in self._resource.canonical.key if column in fields]
        wanted = [*([self._cursor.column] if self._cursor else []), *key, *fields.values()]
        return [name for name in dict.fromkeys(wanted) if name in names]

    def _explain(self, error: Exception) -> FivestarError:
        """The error as one of ours; a message of the database that might hold data is not passed on."""
        if not isinstance(error, DBAPIError):
            return ContractBroken(
                f"{self._name}: the database's rows cannot be read ({type(error).__name__}). Check from, and the "
                "encoding of its texts."
            )
        refusal, words = judge_statement(error.orig), describe_refusal(error.orig)
        if refusal == "away":
            return SourceUnavailable(
                f"{self._name}: the database did not answer, or something is locked ({words}). Try again later; if "
                "it is slow, raise timeout_seconds or ask for an index on the cursor."
            )
        if refusal == "closed":
            return ConfigurationError(
                f"{self._name}: the account may not read what from names ({words}). Ask for the right to SELECT it."
            )
        return ContractBroken(
            f"{self._name}: the database refuses the query ({words}). The source has changed, or the mapping is "
            "wrong: correct from and cursor; a value that no driver can read must be cast by a query."
        )


def _describe_step_back(name: str, column: str, mark: datetime, newest_at: datetime | None) -> str:
    found = f"ends at {newest_at:%Y-%m-%dT%H:%M:%SZ}" if newest_at is not None else "holds nothing"
    return (
        f"{name}: the cursor {column} goes backwards: it {found}, but was read up to {mark:%Y-%m-%dT%H:%M:%SZ} "
        "before. The source was emptied or put back to an older state. Ask its owner from when on it holds good, "
        "then pull again with --since."
    )


def _open_engine(source: DatabaseSource) -> sa.Engine:
    """Nothing is connected yet. Raises `ConfigurationError` for a URL that nothing here can use."""
    place = source.place.at("connection.url")
    try:
        url = sa.make_url(source.resolve("connection.url", source.connection.url))
        if url.get_backend_name() == "sqlite":
            url = _locate_file(source, url)
        return sa.create_engine(
            url,
            poolclass=sa.NullPool,
            hide_parameters=True,
            connect_args=_limit_waiting(url, source.connection.timeout_seconds),
        )
    except NoSuchModuleError:
        raise place.error("names a database or driver that SQLAlchemy does not know here. Install it.") from None
    except (ArgumentError, ValueError):
        raise place.error(
            "is not a database URL. Write dialect+driver://account:password@host/name, and of an account or password "
            "@ : / as %40 %3A %2F."
        ) from None
    except ImportError as error:
        extra = "the extra fivestar[postgresql], and write postgresql+psycopg://"
        remedy = extra if url.get_backend_name() == "postgresql" else f"the package of {error.name}"
        raise place.error(f"needs a driver that is not installed ({error.name}). Install {remedy}.") from None


def _locate_file(source: DatabaseSource, url: sa.URL) -> sa.URL:
    """SQLite's file, relative to the configuration folder; it is opened for reading and never made."""
    if url.database in (None, "", ":memory:"):
        raise source.place.at("connection.url").error("names no file. Write sqlite:///folder/name.db.")
    path = (source.config_folder / str(url.database)).absolute()
    return url.set(database=f"file:{quote(path.as_posix())}", query={"mode": "ro", "uri": "true"})


def _limit_waiting(url: sa.URL, seconds: int) -> dict[str, Any]:
    """What tells the driver not to wait for ever; what the URL says itself holds."""
    driver = url.get_driver_name()
    limits: dict[str, Any] = {}
    if driver == "pysqlite":
        limits = {"timeout": seconds}
    elif driver in ("psycopg", "psycopg2"):
        limits = {"connect_timeout": seconds, "keepalives_idle": seconds, "keepalives_interval": KEEPALIVE_SECONDS}
    elif driver in ("pymysql", "mysqldb"):
        limits = {"connect_timeout": seconds, "read_timeout": seconds}
    return {name: value for name, value in limits.items() if name not in url.query}
