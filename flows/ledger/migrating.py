"""The ledger's schema: brought to this version when the database is opened, taken back only by hand."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from flows.errors import ConfigurationError
from flows.ledger.engine import describe_url, open_engine
from flows.ledger.locks import wait_for_schema

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Bring the schema to this version's, in one transaction; processes that open a database at once do it in turn.

    Raises `ConfigurationError` if the schema is newer than this code, or if a migration fails: then the database
    stays as it was.
    """
    with engine.begin() as connection:
        if is_current(connection):
            return
        wait_for_schema(connection)
        current = find_schema(connection)
        if current == find_head():
            return
        try:
            command.upgrade(_configure(connection), "head")
        except SQLAlchemyError as error:
            raise ConfigurationError(
                f"{_name_database(engine)}: the schema could not be brought from {current or 'nothing'} to "
                f"{find_head()} ({type(error).__name__}). Nothing was changed. Somebody has altered the tables by "
                "hand, or they belong to another program: restore the ledger from a backup, or name another "
                "database in FIVESTAR_DATABASE_URL."
            ) from error


def downgrade(url: str, revision: str) -> None:
    """Take the schema back to `revision`, for an older version of the program; all of it, or nothing.

    Raises `ConfigurationError` where that would drop what can't be had again: decisions, what they put into force,
    and what proves them.
    """
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            wait_for_schema(connection)
            command.downgrade(_configure(connection), revision)
    finally:
        engine.dispose()


def make_schema(connection: Connection, revision: str) -> None:
    """Make the tables of the schema `revision` in a database that has none."""
    command.upgrade(_configure(connection), revision)


def find_head() -> str | None:
    """The schema of this version of the program."""
    return _open_scripts().get_current_head()


def find_schema(connection: Connection) -> str | None:
    """The schema that the database has; nothing if there is none yet."""
    return MigrationContext.configure(connection).get_current_revision()


def is_known(schema: str) -> bool:
    """Whether this version of the program knows the schema."""
    return schema in {script.revision for script in _open_scripts().walk_revisions()}


def is_current(connection: Connection) -> bool:
    """Whether the schema is this version's. Raises `ConfigurationError` if it is a newer one."""
    current = find_schema(connection)
    if current is not None and not is_known(current):
        raise ConfigurationError(
            f"The database's schema is {current}, which this version of fivestar does not know: it was written by a "
            "newer one. Install that version; if it is installed, start this program again. Or name another "
            "database in FIVESTAR_DATABASE_URL."
        )
    return current == find_head()


@cache
def _open_scripts() -> ScriptDirectory:
    """The migrations of this version, read once a process: every opening of a ledger asks for them."""
    return ScriptDirectory.from_config(_make_config())


def _make_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _configure(connection: Connection) -> Config:
    config = _make_config()
    config.attributes["connection"] = connection
    return config


def _name_database(engine: Engine) -> str:
    return describe_url(engine.url.render_as_string(hide_password=False))
