"""A database that is away, closed, changed, restored or asked wrongly: what happens, and what is told of it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from exchange import COLUMNS, put_incidents, read_ids, write_source
from ingest_kit import NOW, count_rows
from postgresql_server import OWNER, READER, PostgresqlServer

from flows.database_refusals import describe_refusal, judge_statement
from flows.errors import ConfigurationError
from flows.house import House
from flows.ingest.describe.source import Source
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

CURSOR = "from: incidents\ncursor: updated"
FIFTH = datetime(2024, 3, 5, 8)
GOOD = "('I1', '410202001001', 'petition', '2024-03-05', 'confirmed', '2024-03-06 08:00:00')"


@pytest.fixture
def file(tmp_path: Path, values: dict[str, str]) -> Path:
    """The SQLite file that the source names, below the configuration folder; it isn't there yet."""
    (tmp_path / "config").mkdir(exist_ok=True)
    values["EXCHANGE_URL"] = "sqlite:///drop.db"
    return tmp_path / "config" / "drop.db"


def tell(report: PullReport) -> tuple[int, str]:
    """The exit code and the message, which never holds an address, an account or a password."""
    message = str(report.error)
    assert not [secret for secret in (OWNER[0], READER[0], READER[1], "s3cret", "127.0.0.1") if secret in message]
    return report.exit_code, message


def go_on(pull: Pull, source: str = CURSOR, now: datetime = NOW) -> PullReport:
    """Pull from the mark."""
    return pull(write_source(source), window=None, now=now)


@pytest.mark.parametrize("values_left", [[], [FIFTH - timedelta(seconds=1)]])
def test_a_source_that_went_backwards_is_refused_until_it_is_read_anew(
    pull: Pull, house: House, postgresql: PostgresqlServer, values_left: list[datetime]
) -> None:
    put_incidents(postgresql, "timestamp", FIFTH - timedelta(days=1), FIFTH)
    assert go_on(pull).exit_code == 0
    put_incidents(postgresql, "timestamp", *values_left)
    for _ in range(2):
        code, message = tell(go_on(pull))
        assert code == 12
        found = "ends at 2024-03-04T23:59:59Z" if values_left else "holds nothing"
        assert f"exchange, incidents: the cursor updated goes backwards: it {found}" in message
        assert "was read up to 2024-03-05T00:00:00Z before" in message
        assert "pull again with --since" in message
    assert pull(write_source(CURSOR)).exit_code == 0
    assert go_on(pull).exit_code == 0


def test_the_same_greatest_value_again_is_no_step_back(pull: Pull, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamptz", datetime(2024, 3, 5, 0, 0, 0, 123_456, tzinfo=UTC))
    for _ in range(3):
        assert tell(go_on(pull))[0] == 0


def test_a_quiet_source_is_not_taken_for_one_that_went_backwards(pull: Pull, postgresql: PostgresqlServer) -> None:
    # All of it lies before the month with which the first pull begins.
    put_incidents(postgresql, "timestamp", datetime(2023, 3, 5))
    for _ in range(3):
        assert tell(go_on(pull))[0] == 0


def test_an_empty_source_is_not_taken_for_one_that_was_emptied(pull: Pull, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamp")
    for _ in range(3):
        assert tell(go_on(pull))[0] == 0


def test_what_is_asked_for_by_a_window_may_lie_before_the_mark(
    pull: Pull, house: House, postgresql: PostgresqlServer
) -> None:
    put_incidents(postgresql, "timestamp", FIFTH)
    assert go_on(pull).exit_code == 0
    put_incidents(postgresql, "timestamp", FIFTH - timedelta(days=1))
    assert tell(pull(write_source(CURSOR)))[0] == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"port": 1}, (11, "exchange: the database cannot be reached. Try again later, and check ${EXCHANGE_URL}")),
        ({"password": "wrong"}, (10, "exchange: the database refuses the account, its password or the database's")),
        ({"name": "nowhere"}, (10, "Check ${EXCHANGE_URL}")),
    ],
)
def test_a_database_that_cannot_be_opened(
    pull: Pull,
    postgresql: PostgresqlServer,
    values: dict[str, str],
    change: dict[str, str],
    told: tuple[int, str],
) -> None:
    values["EXCHANGE_URL"] = postgresql.write_url(**change)  # type: ignore[arg-type]
    code, message = tell(pull(write_source()))
    assert code == told[0]
    assert told[1] in message


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3cret", "is not a database URL"),
        ("postgresql+psycopg://reader:s3cret@127.0.0.1:port/x", "is not a database URL"),
        ("nosuch://reader:s3cret@127.0.0.1/x", "names a database or driver that SQLAlchemy does not know here"),
        ("postgresql+psycopg2://reader:s3cret@127.0.0.1/x", "(psycopg2). Install the extra fivestar[postgresql]"),
        ("mysql+pymysql://reader:s3cret@127.0.0.1/x", "(pymysql). Install the package of pymysql"),
        ("sqlite://", "names no file"),
        ("sqlite+aiosqlite:///s3cret.db", "driver"),
    ],
)
def test_a_url_that_cannot_be_used(pull: Pull, values: dict[str, str], url: str, told: str) -> None:
    values["EXCHANGE_URL"] = url
    code, message = tell(pull(write_source()))
    assert code == 10
    assert message.startswith("exchange.yaml, connection.url: ")
    assert told in message


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("from: nowhere", 'relation "nowhere" does not exist'),
        ("from: exchange.nowhere", 'relation "exchange.nowhere" does not exist'),
        ("from: SELECT nothing FROM incidents", 'column "nothing" does not exist'),
        ("from: SELECT FROM WHERE", 'syntax error at or near "WHERE"'),
        ("from: SELECT *, 1 / 0 AS x FROM incidents", "DivisionByZero"),
        ("from: SELECT *, id AS kind FROM incidents", "the query gives kind more than once"),
        ("from: incidents\ncursor: changed", "no column changed, the cursor, but id, community, kind, day, status"),
        ("from: SELECT *, 'infinity'::timestamp AS never FROM incidents", "(DataError)"),
        (f"from: SELECT '{READER[1]}'::int AS id FROM incidents", "InvalidTextRepresentation"),
    ],
)
def test_what_is_not_as_the_file_says_breaks_the_contract(
    pull: Pull, postgresql: PostgresqlServer, resource: str, told: str
) -> None:
    put_incidents(postgresql, "timestamp", FIFTH)
    code, message = tell(pull(write_source(resource)))
    assert code == 12
    assert message.startswith("exchange, incidents: ")
    assert told in message


def test_a_table_that_may_not_be_read_is_a_matter_of_rights(pull: Pull, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamp", FIFTH)
    postgresql.run("REVOKE SELECT ON incidents FROM reader")
    code, message = tell(pull(write_source()))
    assert code == 10
    assert "permission denied for table incidents" in message


def test_a_table_that_is_locked_is_not_waited_for_for_ever(pull: Pull, postgresql: PostgresqlServer) -> None:
    put_incidents(postgresql, "timestamp", FIFTH)
    with postgresql.connect() as writer, writer.transaction():
        writer.execute("LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE")
        code, message = tell(pull(write_source(connection="timeout_seconds: 1")))
    assert code == 11
    assert "or something is locked (QueryCanceled)" in message


def test_a_connection_that_breaks_while_rows_are_read_lands_nothing(
    pull: Pull, house: House, postgresql: PostgresqlServer
) -> None:
    put_incidents(postgresql, "timestamp", *[FIFTH] * 3)
    with postgresql.connect() as owner:
        owner.execute(
            "CREATE FUNCTION break() RETURNS int LANGUAGE sql SECURITY DEFINER AS "
            "'SELECT pg_terminate_backend(pg_backend_pid())::int'"
        )
    code, message = tell(pull(write_source("from: SELECT *, break() FROM incidents WHERE id = 'I2' OR id < 'I2'")))
    assert code == 11
    assert "AdminShutdown" in message
    assert count_rows(house, "incidents") == 0


def test_a_file_that_is_not_there_is_not_made(pull: Pull, file: Path) -> None:
    assert tell(pull(write_source()))[0] == 11
    assert not file.exists()


def test_a_file_may_be_written_while_it_is_read(pull: Pull, house: House, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute(f"CREATE TABLE incidents ({COLUMNS}, updated text)")
        writer.execute(f"INSERT INTO incidents VALUES {GOOD}")
        assert tell(pull(write_source(f"{CURSOR}\ncursor_format: local")))[0] == 0
    assert read_ids(house) == ["I1"]


def test_a_file_that_is_locked_is_away_for_now(pull: Pull, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute(f"CREATE TABLE incidents ({COLUMNS}, updated text)")
        writer.execute("BEGIN EXCLUSIVE")
        code, message = tell(pull(write_source(connection="timeout_seconds: 1")))
    assert code == 11
    assert "something is locked" in message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04 is no database, however long it may be" * 100, "DatabaseError 26"),
        (b"", "no such table: incidents"),
    ],
)
def test_a_file_that_is_something_else_breaks_the_contract(pull: Pull, file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    code, message = tell(pull(write_source()))
    assert code == 12
    assert told in message


def test_text_that_is_not_utf_8_breaks_the_contract_and_is_not_shown(pull: Pull, file: Path) -> None:
    with closing(sqlite3.connect(file)) as writer:
        writer.execute(f"CREATE TABLE incidents ({COLUMNS}, updated text)")
        writer.execute(f"INSERT INTO incidents VALUES {GOOD}")
        writer.execute("UPDATE incidents SET status = CAST(x'C4E3BAC3' AS TEXT)")
        writer.commit()
    code, message = tell(pull(write_source()))
    assert code == 12
    assert "\\xc4" not in message.lower()


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        ("from: DELETE FROM incidents", "from is neither a table, a view nor a query"),
        ('from: ""', "from is neither a table, a view nor a query"),
        ("from: incidents\nlag: 1h", "lag: without a cursor there is no window to narrow"),
        (
            "from: incidents\ncursor: updated\ncursor_format: date",
            "It must be native, iso, local, epoch_s or epoch_ms",
        ),
        ("from: incidents\nchunk_rows: 0", "It must be greater than or equal 1"),
        ("from: incidents\nsince: updated", "Valid keys: table, timezone, fields"),
        ("cursor: updated", "is missing. Add it."),
    ],
)
def test_what_is_wrong_with_the_file_is_told(
    make_source: Callable[[str], Source], resource: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"exchange\.yaml, resources\.incidents") as told:
        make_source(write_source(resource))
    assert problem in str(told.value)


class OperationalError(Exception):
    """As MySQL's drivers raise it: a number and words, and the SQLSTATE beside them."""

    def __init__(self, number: int, words: str, sqlstate: str | None = None) -> None:
        super().__init__(number, words)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "refusal", "words"),
    [
        (OperationalError(1054, "Unknown column 'x'", "42S22"), "broken", "Unknown column 'x'"),
        (OperationalError(1064, "near '张三'", "42000"), "broken", "OperationalError 1064"),
        (OperationalError(1792, "in a READ ONLY transaction", "25006"), "broken", "OperationalError 1792"),
        (OperationalError(1142, "denied to 'reader'@'10.0.0.1'", "42000"), "closed", "OperationalError 1142"),
        (OperationalError(1205, "Lock wait timeout", "HY000"), "away", "OperationalError 1205"),
        (OperationalError(2013, "Lost connection"), "away", "OperationalError 2013"),
    ],
)
def test_mysqls_errors_are_told_apart_by_their_codes(error: Exception, refusal: str, words: str) -> None:
    assert (judge_statement(error), describe_refusal(error)) == (refusal, words)
