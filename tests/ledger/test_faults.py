"""What goes wrong with the database: told in one sentence, with the right code, and without the password."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from city_runs import CONFIG, Home, run_fivestar, set_environment
from postgresql_server import OWNER, PostgresqlServer
from sqlalchemy.exc import DBAPIError

from flows.disk import DiskFull
from flows.errors import ConfigurationError, FivestarError, SourceUnavailable
from flows.house import House, open_house, record_step
from flows.ledger import Ledger
from flows.ledger.engine import open_engine
from flows.ledger.faults import explain_fault
from flows.ledger.results import Making
from flows.results import MonthResult
from flows.settings import load_settings

NOW = datetime(2024, 4, 5, 2, tzinfo=UTC)
SECRET = OWNER[1]


def read_clock() -> datetime:
    return NOW


@pytest.fixture
def postgresql_house(postgresql_url: str, tmp_path: Path) -> Iterator[House]:
    settings = replace(load_settings(tmp_path / "home", CONFIG), database_url=postgresql_url)
    with open_house(settings) as opened:
        yield opened


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process writes to the file, and doesn't end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def drop_connections(server: PostgresqlServer) -> None:
    server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


def test_a_server_that_is_down_is_to_be_tried_again(postgresql_server: PostgresqlServer) -> None:
    url = postgresql_server.write_owner_url().replace(f":{postgresql_server.port}/", ":9/")
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1:9/exchange: the database does not answer") as told:
        Ledger.open(url)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    ("old", "new"), [("cur%40tor", "wrong"), ("/exchange", "/nosuch"), ("//curator", "//nosuch")]
)
def test_an_account_a_password_or_a_name_that_is_wrong_is_a_matter_of_configuration(
    postgresql_server: PostgresqlServer, old: str, new: str
) -> None:
    url = postgresql_server.write_owner_url()
    assert old in url
    with pytest.raises(ConfigurationError, match="the database refuses the account, its password") as told:
        Ledger.open(url.replace(old, new))
    assert SECRET not in str(told.value)


def test_an_account_that_may_not_write_is_a_matter_of_configuration(
    postgresql_url: str, postgresql_server: PostgresqlServer
) -> None:
    Ledger.open(postgresql_url).close()
    reading = Ledger.open(postgresql_server.write_url())
    with pytest.raises(ConfigurationError, match=r"reader:\*\*\*@.*a right that the account needs"):
        record(reading)
    reading.close()


def record(ledger: Ledger) -> None:
    ledger.record_outcome(
        step="evaluate", month="2024-03", ok=True, message="", counts={}, started_at=NOW, finished_at=NOW
    )


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("failed to resolve host 'db.city': [Errno -2] Name or service not known", ConfigurationError),
        ("failed to resolve host 'db.city': [Errno -3] Temporary failure in name resolution", SourceUnavailable),
        ("connection failed: FATAL:  the database system is starting up", SourceUnavailable),
        ("connection failed: FATAL:  sorry, too many clients already", SourceUnavailable),
        ("connection failed: 致命错误:  用户 \"hr\" Password 认证失败", ConfigurationError),
        ("connection failed: 致命错误:  数据库 \"ledger\" 不存在", ConfigurationError),
    ],
)  # fmt: skip
def test_what_a_server_says_while_it_is_opened_decides_who_must_act(said: str, kind: type[FivestarError]) -> None:
    error = explain_fault(make_context(psycopg.OperationalError(said), connection=None), "postgresql://db")
    assert type(error) is kind


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (psycopg.errors.DiskFull(""), DiskFull),
        (psycopg.errors.AdminShutdown(""), SourceUnavailable),
        (psycopg.errors.LockNotAvailable(""), SourceUnavailable),
        (psycopg.errors.ReadOnlySqlTransaction(""), SourceUnavailable),
        (psycopg.errors.InsufficientPrivilege(""), ConfigurationError),
    ],
)
def test_a_state_that_the_database_gives_decides_who_must_act(
    cause: psycopg.Error, kind: type[FivestarError]
) -> None:
    assert type(explain_fault(make_context(cause), "postgresql://db")) is kind


@pytest.mark.parametrize("cause", [psycopg.errors.UniqueViolation(""), psycopg.errors.UndefinedTable("")])
def test_a_mistake_of_the_program_is_left_as_it_is(cause: psycopg.Error) -> None:
    assert explain_fault(make_context(cause), "postgresql://db") is None


def make_context(cause: psycopg.Error, connection: object = "open") -> Any:
    error = DBAPIError.instance("INSERT", {}, cause, psycopg.Error)
    return SimpleNamespace(sqlalchemy_exception=error, is_pre_ping=False, connection=connection, statement="INSERT")


def test_a_server_that_stops_during_a_step_ends_it_with_11_and_the_same_process_goes_on_later(
    postgresql_house: House, postgresql_server: PostgresqlServer
) -> None:
    away = pytest.raises(SourceUnavailable, match="the database does not answer, or broke off")
    with postgresql_server.stopped(), away, record_step(postgresql_house, "evaluate", read_clock):
        postgresql_house.ledger.list_outcomes()
    assert postgresql_house.ledger.list_outcomes() == []
    with record_step(postgresql_house, "evaluate", read_clock):
        pass
    assert [row["ok"] for row in postgresql_house.ledger.list_outcomes()] == [True]


def test_connections_that_broke_between_steps_are_made_again(
    postgresql_house: House, postgresql_server: PostgresqlServer
) -> None:
    record(postgresql_house.ledger)
    drop_connections(postgresql_server)
    record(postgresql_house.ledger)
    assert len(postgresql_house.ledger.list_outcomes()) == 2


def test_a_connection_that_breaks_before_the_commit_leaves_nothing_and_its_outcome_is_told(
    postgresql_house: House, postgresql_server: PostgresqlServer, make_result: Callable[..., MonthResult]
) -> None:
    ledger, result = postgresql_house.ledger, make_result(community_count=1, staff_per_community=1)
    making = Making("0.1.0", "c" * 64, {}, NOW)
    with (
        pytest.raises(SourceUnavailable, match="broke off"),
        record_step(postgresql_house, "evaluate", read_clock, month=result.month),
    ):
        ledger.results.save(result, 1, digests={}, making=making, seal=lambda _: drop_connections(postgresql_server))
    assert ledger.results.find_latest("2024-03") is None
    [outcome] = ledger.list_outcomes("2024-03")
    assert (outcome["ok"], "broke off" in outcome["message"]) == (False, True)
    assert ledger.results.save(result, 1, digests={}, making=making).revision == 1


def test_a_text_longer_than_its_column_is_told_with_its_table_and_without_what_it_says(
    postgresql_house: House, make_result: Callable[..., MonthResult]
) -> None:
    result = make_result(community_count=1, staff_per_community=1)
    proposals = tuple(replace(it, name="王" * 121) for it in result.proposals)
    with pytest.raises(FivestarError, match=r"does not fit its column of grade_proposals \(StringData") as told:
        postgresql_house.ledger.results.save(
            replace(result, proposals=proposals), 1, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW)
        )
    assert told.value.exit_code == 13
    assert "王" not in str(told.value)


def test_a_file_that_another_process_keeps_locked_is_to_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ledger.sqlite"
    monkeypatch.setitem(open_engine.__kwdefaults__, "busy_seconds", 0)
    ledger = Ledger.open(f"sqlite:///{file}")
    with (
        locked(file),
        pytest.raises(SourceUnavailable, match=r"ledger\.sqlite: another process has kept the database"),
    ):
        record(ledger)
    record(ledger)
    assert len(ledger.list_outcomes()) == 1
    ledger.close()


def test_a_lock_on_a_table_that_is_never_let_go_of_is_to_be_tried_again(
    postgresql_url: str, postgresql_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(open_engine.__kwdefaults__, "busy_seconds", 1)
    ledger = Ledger.open(postgresql_url)
    with postgresql_server.connect() as other, other.transaction():
        other.execute("LOCK TABLE outcomes")
        with pytest.raises(SourceUnavailable, match="another process has kept the database locked"):
            record(ledger)
    record(ledger)
    ledger.close()


def test_a_full_file_system_under_the_database_is_told_as_one(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    def leave_no_room(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={connection.execute('PRAGMA page_count').fetchone()[0]}")

    sa.event.listen(ledger._engine, "checkout", leave_no_room)
    with pytest.raises(DiskFull, match=r"ledger\.sqlite: the database's disk is full\..*disk-full\.md") as told:
        for _ in range(1000):
            record(ledger)
    assert told.value.exit_code == 10
    ledger.close()


def test_the_command_line_tells_each_in_a_line(
    home: Home, postgresql_server: PostgresqlServer, tmp_path: Path
) -> None:
    away = postgresql_server.write_owner_url().replace(f":{postgresql_server.port}/", ":9/")
    refused = postgresql_server.write_owner_url().replace("cur%40tor", "wrong")
    newer, damaged = tmp_path / "newer.sqlite", tmp_path / "damaged.sqlite"
    Ledger.open(f"sqlite:///{newer}").close()
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    damaged.write_bytes(b"not a database, and long enough to be looked at" * 100)
    place = ("--home", str(home.path), "--config", str(home.config))
    for url, code, told in (
        (away, 11, "the database does not answer"),
        (refused, 10, "the database refuses the account"),
        (f"sqlite:///{newer}", 10, "schema is 9999, which this version of fivestar does not know"),
        (f"sqlite:///{damaged}", 10, "the file is damaged, or is no database"),
    ):
        with set_environment({"FIVESTAR_DATABASE_URL": url}):
            answer = run_fivestar("evaluate", "--month", "2024-03", *place)
        assert (answer.code, answer.out, len(answer.err.splitlines())) == (code, "", 1), answer.err
        assert told in answer.err
        assert SECRET not in answer.err
