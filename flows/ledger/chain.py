"""The chain over what persons decided and put into force: each entry holds the hash of the one before.

A row changed, added or removed behind the program's back no longer fits its entry. The chain also orders writers:
each names the last entry that it saw, no two can follow the same one, and so nobody decides on a state that has moved
on.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, select
from sqlalchemy.exc import IntegrityError

from flows.ledger.review_tables import arrears, decisions, grade_register, objections, preparations, review_chain

CHAINED = (preparations, decisions, objections, grade_register, arrears)
FIRST_HASH = "0" * 64
"""What the first entry follows."""
BATCH_ROWS = 5_000
HASH_DIGITS = 12
"""As many of a hash as a message shows."""


class ChainMoved(Exception):
    """Somebody else has added an entry since the writer looked; look again and write anew."""


@dataclass(frozen=True)
class ChainState:
    """The chain examined: how long it is, its last hash, and the first thing that doesn't fit, if any."""

    entry_count: int
    head: str
    fault: str


def find_head(connection: Connection) -> str:
    """The hash of the chain's last entry."""
    newest = select(review_chain.c.entry_hash).order_by(review_chain.c.id.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none() or FIRST_HASH


@contextmanager
def write_chain(engine: Engine, after: str | None = None) -> Iterator["ChainWriter"]:
    """A writer whose rows and entries are one transaction, following the entry `after`, or else the last one.

    Raises `ChainMoved`, and writes nothing, if another entry follows that one by now.
    """
    with engine.connect() as connection:
        seen = after or find_head(connection)
    try:
        with engine.begin() as connection:
            if find_head(connection) != seen:
                raise ChainMoved
            yield ChainWriter(connection, seen)
    except IntegrityError as error:
        # A database without a lock on the whole lets both begin: then the second can't be written.
        with engine.connect() as connection:
            if find_head(connection) != seen:
                raise ChainMoved from error
        raise


class ChainWriter:
    """Adds rows with their entries, in the order given."""

    def __init__(self, connection: Connection, last: str) -> None:
        self._connection = connection
        self._last = last

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """The numbers of the rows written."""
        if not rows:
            return []
        numbered = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        row_ids = list(self._connection.execute(numbered, [dict(row) for row in rows]).scalars())
        entries = []
        for row_id, row in zip(row_ids, rows, strict=True):
            digest = digest_row({**row, "id": row_id})
            entries.append(_make_entry(self._last, table.name, row_id, digest))
            self._last = entries[-1]["entry_hash"]
        self._connection.execute(insert(review_chain), entries)
        return row_ids


def digest_row(row: Mapping[str, Any]) -> str:
    """The SHA-256 of a row as kept; empty cells don't count, so that a table can be given further columns."""
    content = {name: _describe_cell(value) for name, value in row.items() if value is not None}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def examine_chain(connection: Connection, known_heads: Collection[str] = ()) -> ChainState:
    """The chain followed from its first entry to its last, each held to the row that it stands for.

    Cutting off its end leaves a shorter chain in order: only `known_heads`, noted elsewhere, show that.
    """
    entries = [dict(row) for row in connection.execute(select(review_chain).order_by(review_chain.c.id)).mappings()]
    head, fault = FIRST_HASH, ""
    rows = {table.name: dict(_digest_rows(connection, table)) for table in CHAINED}
    for entry in entries:
        fault = fault or _examine_entry(entry, head, rows[entry["table_name"]].pop(entry["row_id"], None))
        head = entry["entry_hash"]
    unknown = next(((name, min(left)) for name, left in rows.items() if left), None)
    if unknown and not fault:
        fault = f"row {unknown[1]} of {unknown[0]} was written past the chain"
    kept = {FIRST_HASH, *(entry["entry_hash"] for entry in entries)}
    lost = [known for known in known_heads if known not in kept]
    if lost and not fault:
        fault = f"entry {lost[0][:HASH_DIGITS]}, which the outcome of a publication names, is gone"
    return ChainState(len(entries), head, fault)


def _examine_entry(entry: Mapping[str, Any], head: str, row_digest: str | None) -> str:
    place = f"row {entry['row_id']} of {entry['table_name']}"
    expected = _make_entry(head, entry["table_name"], entry["row_id"], entry["row_digest"])
    if entry["previous_hash"] != head:
        return f"entry {entry['id']} ({place}) does not follow the entry before it"
    if entry["entry_hash"] != expected["entry_hash"]:
        return f"entry {entry['id']} ({place}) does not have the hash of its content"
    if row_digest is None:
        return f"{place} is gone"
    return "" if row_digest == entry["row_digest"] else f"{place} is not what was written"


def _digest_rows(connection: Connection, table: Table) -> Iterator[tuple[int, str]]:
    reading = connection.execution_options(yield_per=BATCH_ROWS)
    for row in reading.execute(select(table)).mappings():
        yield row["id"], digest_row(dict(row))


def _make_entry(previous: str, table_name: str, row_id: int, row_digest: str) -> dict[str, Any]:
    content = f"{previous}\n{table_name}\n{row_id}\n{row_digest}"
    return {
        "table_name": table_name,
        "row_id": row_id,
        "row_digest": row_digest,
        "previous_hash": previous,
        "entry_hash": hashlib.sha256(content.encode()).hexdigest(),
    }


def _describe_cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value
