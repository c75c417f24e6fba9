"""How many calls a provider has had under each key, so that all processes together stay within its limits."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from flows.ledger.tables import provider_calls, quotas

UNANSWERED_SECONDS = 120
"""How long a call without an answer may still reach the provider: the longest time-out of a channel."""

Limits = Sequence[tuple[int, int]]
"""At most so many calls in any so many seconds, each."""


def find_free_at(connection: Connection, key: str, limits: Limits, now: datetime) -> datetime | None:
    """When the key's next call may be made; nothing if it may be made now.

    Until the transaction ends nobody else can ask about the key.
    """
    closed_until = _lock_quota(connection, key)
    free_at = closed_until if closed_until is not None and closed_until > now else None
    instants = sorted(_list_instants(connection, key, now))
    for count, seconds in limits:
        window = timedelta(seconds=seconds)
        within = [instant for instant in instants if instant > now - window]
        if len(within) >= count:
            next_at = within[len(within) - count] + window
            free_at = next_at if free_at is None else max(free_at, next_at)
    return free_at


def record_call(connection: Connection, key: str, message_id: int, limits: Limits, now: datetime) -> None:
    """Note that a call begins now, and forget those that no limit looks at any more."""
    longest = timedelta(seconds=max((seconds for _, seconds in limits), default=0) + UNANSWERED_SECONDS)
    outdated = (provider_calls.c.quota_key == key) & (provider_calls.c.called_at < now - longest)
    # An answer that came late counts from when it came.
    late = provider_calls.c.answered_at >= now - longest
    connection.execute(delete(provider_calls).where(outdated & (provider_calls.c.answered_at.is_(None) | ~late)))
    call = {"quota_key": key, "outbox_id": message_id, "called_at": now}
    connection.execute(insert(provider_calls).values(call))


def record_answer(connection: Connection, message_id: int, now: datetime) -> None:
    """Note that the message's last call is answered: the provider had it by now, whenever that was."""
    open_call = (provider_calls.c.outbox_id == message_id) & provider_calls.c.answered_at.is_(None)
    connection.execute(update(provider_calls).where(open_call).values(answered_at=now))


def close_quota(connection: Connection, key: str, until: datetime) -> None:
    """Let nobody call under the key before `until`, or a later instant that it is closed until already."""
    closed_until = _lock_quota(connection, key)
    if closed_until is None or closed_until < until:
        connection.execute(update(quotas).where(quotas.c.key == key).values(closed_until=until))


def _lock_quota(connection: Connection, key: str) -> datetime | None:
    """Until when the key is closed, if it is, with its row held until the transaction ends."""
    query = select(quotas.c.closed_until).where(quotas.c.key == key).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(quotas).values(key=key))
        except IntegrityError:
            pass  # another process made it just now
        row = connection.execute(query).one()
    closed_until: datetime | None = row[0]
    return closed_until


def _list_instants(connection: Connection, key: str, now: datetime) -> list[datetime]:
    """When each call reached the provider at the latest."""
    columns = (provider_calls.c.called_at, provider_calls.c.answered_at)
    query = select(*columns).where(provider_calls.c.quota_key == key)
    patience = timedelta(seconds=UNANSWERED_SECONDS)
    return [answered_at or min(now, called_at + patience) for called_at, answered_at in connection.execute(query)]
