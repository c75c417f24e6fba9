"""What going back to an older schema must not lose."""

from collections.abc import Iterable

from sqlalchemy import Connection, select, table

from flows.errors import ConfigurationError


def refuse_loss(connection: Connection, schema: str, names: Iterable[str]) -> None:
    """Let the schema be taken back only while nothing is in the tables that go with it.

    Raises `ConfigurationError` naming the first that holds rows: what persons decided, what it was decided on, and
    what proves both can't be had again.
    """
    for name in names:
        if connection.execute(select(1).select_from(table(name)).limit(1)).first() is not None:
            raise ConfigurationError(
                f"The schema can't be taken back from {schema}: that would drop {name}, which holds rows that can't "
                "be had again. Nothing was changed. To go back to an older version, restore the backup made before "
                "the newer one was installed; see docs/database.md."
            )
