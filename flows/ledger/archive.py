"""The archive in the ledger: the policies that months were judged by, and what each revision changed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from flows.errors import QualityGate
from flows.ledger.tables import policies, revision_changes
from flows.policy import shorten_fingerprint
from flows.results import Change


class ArchiveLedger:
    """What old revisions are read and judged again with."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read_policy(self, fingerprint: str) -> dict[str, str]:
        """The text of each file of that policy, by name. Raises `QualityGate` if the archive lacks it."""
        query = select(policies.c.files).where(policies.c.fingerprint == fingerprint)
        with self._engine.connect() as connection:
            files = connection.execute(query).scalar_one_or_none()
        if files is None:
            raise QualityGate(
                f"policy {shorten_fingerprint(fingerprint)} is not in the archive: the revision was written by a "
                "version of fivestar that kept none. Its files and rows stay readable, but it can't be judged again."
            )
        return dict(files)

    def list_changes(self, month: str, revision: int) -> list[Change]:
        """What the revision changed, by file, row and column."""
        columns = [revision_changes.c[name] for name in Change.__dataclass_fields__]
        query = select(*columns).where(revision_changes.c.month == month, revision_changes.c.revision == revision)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings()
            found = [Change(**{**row, "causes": tuple(row["causes"])}) for row in rows]
        # Sorted here, since databases order text in ways of their own.
        return sorted(found, key=lambda change: (change.subject, change.subject_id, change.field))


def insert_policy(connection: Connection, fingerprint: str, files: Mapping[str, str], archived_at: datetime) -> None:
    """Keep the files of a policy that isn't kept yet."""
    row = {"fingerprint": fingerprint, "files": dict(files), "archived_at": archived_at}
    # Two months judged at once may bring the same new policy.
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(policies).values(row).on_conflict_do_nothing())


def insert_changes(connection: Connection, month: str, revision: int, changes: Sequence[Change]) -> None:
    """Write down what a revision changed."""
    if changes:
        key = {"month": month, "revision": revision}
        rows = [{**key, **asdict(change), "causes": list(change.causes)} for change in changes]
        connection.execute(insert(revision_changes), rows)
