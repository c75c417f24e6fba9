"""The ledger's database looked at: what state it is in, that a write is tried, and that nothing of it stays."""

import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgresql_server import PostgresqlServer
from schema_kit import connect, describe_schema, read

from flows.errors import ConfigurationError, SourceUnavailable
from flows.ledger import Ledger
from flows.ledger.checkup import examine_ledger
from flows.ledger.engine import describe_url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


def set_revision(file: Path, revision: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()


def test_a_file_that_is_not_there_is_not_made(file: Path, url: str) -> None:
    assert examine_ledger(url) == "absent"
    assert not file.exists()


def test_an_empty_file_stays_empty(file: Path, url: str) -> None:
    file.touch()
    assert examine_ledger(url) == "empty"
    assert file.read_bytes() == b""


def test_a_ledger_of_this_version_is_current_and_stays_as_it_was(file: Path, url: str) -> None:
    Ledger.open(url).close()
    before = sha256(file.read_bytes()).hexdigest()
    assert examine_ledger(url) == "current"
    assert sha256(file.read_bytes()).hexdigest() == before
    ledger = Ledger.open(url)
    assert ledger.list_outcomes() == []
    ledger.close()


@pytest.mark.parametrize(("revision", "state"), [("0001", "older"), ("9999", "newer")])
def test_a_ledger_of_another_version_is_told_and_left_as_it_was(
    file: Path, url: str, revision: str, state: str
) -> None:
    Ledger.open(url).close()
    set_revision(file, revision)
    before = sha256(file.read_bytes()).hexdigest()
    assert examine_ledger(url) == state
    assert sha256(file.read_bytes()).hexdigest() == before


def test_an_empty_database_stays_empty(postgresql_url: str) -> None:
    assert examine_ledger(postgresql_url) == "empty"
    assert describe_schema(postgresql_url) == {}


@pytest.mark.parametrize(("revision", "state"), [("0007", "current"), ("0001", "older"), ("9999", "newer")])
def test_what_is_tried_on_a_server_is_taken_back(postgresql_url: str, revision: str, state: str) -> None:
    Ledger.open(postgresql_url).close()
    with connect(postgresql_url) as connection:
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    before = describe_schema(postgresql_url)
    assert examine_ledger(postgresql_url) == state
    assert describe_schema(postgresql_url) == before
    assert read(postgresql_url, {"outcomes": [{"step": ""}]}) == {"outcomes": []}


def test_a_server_that_does_not_answer_is_to_be_tried_again(postgresql_server: PostgresqlServer) -> None:
    with pytest.raises(SourceUnavailable, match="the database does not answer"):
        examine_ledger(postgresql_server.write_owner_url().replace(f":{postgresql_server.port}/", ":9/"))


def test_a_database_that_takes_no_write_is_refused(file: Path, url: str) -> None:
    Ledger.open(url).close()
    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite.*: the database cannot be written"):
        examine_ledger(f"{url}?mode=ro&uri=true".replace("sqlite:///", "sqlite:///file:"))


def test_a_file_that_is_no_database_is_refused(file: Path, url: str) -> None:
    file.write_text("not a database, and long enough to be looked at" * 100)
    with pytest.raises(ConfigurationError, match="the file is damaged, or is no database"):
        examine_ledger(url)


@pytest.mark.parametrize(
    "wrong", ["", "nonsense", "nosuch://user:geheim@host/db", "postgresql+nosuch://u:geheim@h/d"]
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="FIVESTAR_DATABASE_URL is not a database URL") as refusal:
        examine_ledger(wrong)
    assert "geheim" not in str(refusal.value)


def test_a_shown_url_holds_no_password() -> None:
    assert describe_url("postgresql://fivestar:geheim@db/ledger") == "postgresql://fivestar:***@db/ledger"
