"""Messages on their way: claimed by one process at a time, marked before each call, and noted after it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, case, func, or_, select, tuple_, update

from flows.ledger.outbox import WAITING, MessageStatus, OutboxRow
from flows.ledger.quotas import Limits, close_quota, find_free_at, record_answer, record_call
from flows.ledger.tables import outbox

CODE_LENGTH = 40
"""As much as the ledger keeps of a provider's code."""

OUTCOME_UNKNOWN = "outcome_unknown"
"""The code of a message of which it isn't known whether it arrived."""

_UNCLAIMED: dict[str, None] = {"claimed_by": None, "claimed_at": None, "begun_at": None}
_BACK = case((outbox.c.attempt_count > 0, "temporary_failure"), else_="queued")


class ClaimLost(Exception):
    """The message is no longer this process's to send: its claim ran out, or a newer one took its place."""


class DeliveryLedger:
    """Who sends which message, and what came of it. A claim is an owner's name on a message that is `sending`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(
        self,
        owner: str,
        now: datetime,
        *,
        count: int,
        skipped_channels: Collection[str] = (),
        skipped_addresses: Collection[tuple[str, str]] = (),
    ) -> list[OutboxRow]:
        """Up to `count` messages that are due, in the order in which they were queued; now they are the owner's.

        Those of the skipped channels, or of the skipped channels and addresses, stay.
        """
        due = outbox.c.status.in_(WAITING) & or_(outbox.c.next_attempt_at.is_(None), outbox.c.next_attempt_at <= now)
        if skipped_channels:
            due &= outbox.c.channel.not_in(skipped_channels)
        if skipped_addresses:
            due &= tuple_(outbox.c.channel, outbox.c.address).not_in(list(skipped_addresses))
        query = select(outbox).where(due).order_by(outbox.c.id).limit(count).with_for_update(skip_locked=True)
        claimed = {"status": "sending", "claimed_by": owner, "claimed_at": now, "begun_at": None}
        with self._engine.begin() as connection:
            rows = [{**row, **claimed} for row in connection.execute(query).mappings()]
            if rows:
                these = outbox.c.id.in_([row["id"] for row in rows])
                connection.execute(update(outbox).where(these).values(claimed))
        return [OutboxRow(**row) for row in rows]

    def permit(
        self, message_id: int, owner: str, now: datetime, *, key: str | None, limits: Limits, sent_count: int
    ) -> datetime | None:
        """Nothing if the next part may be sent now: the call is counted under `key`, and marked on the message.

        Otherwise the instant from which it may; the message then waits for it and is the owner's no longer. Raises
        `ClaimLost` if it wasn't before.
        """
        with self._engine.begin() as connection:
            record_answer(connection, message_id, now)
            free_at = None if key is None else find_free_at(connection, key, limits, now)
            values: dict[str, Any] = {"begun_at": now, "claimed_at": now, "sent_count": sent_count}
            if free_at is not None:
                values = _wait(free_at, sent_count)
            mine = _is_claimed(message_id, owner)
            if not connection.execute(update(outbox).where(mine).values(values)).rowcount:
                raise ClaimLost
            if free_at is not None:
                _suppress_withdrawn(connection, [message_id])
            elif key is not None:
                record_call(connection, key, message_id, limits, now)
        return free_at

    def note(
        self,
        message_id: int,
        owner: str,
        now: datetime,
        status: MessageStatus,
        *,
        detail: str,
        code: str = "",
        sent_count: int = 0,
        next_attempt_at: datetime | None = None,
        claimed_at: datetime | None = None,
    ) -> bool:
        """Whether how an attempt ended could be noted: the claim, made or renewed at `claimed_at` if given, is there.

        An owner who comes late still may say what became of a message that passed for unknown.
        """
        values = {
            **_UNCLAIMED,
            "status": status,
            "detail": detail,
            "code": code[:CODE_LENGTH],
            "attempt_count": outbox.c.attempt_count + 1,
            "sent_count": sent_count,
            "next_attempt_at": next_attempt_at,
            "delivered_at": now if status == "delivered" else None,
        }
        if code == OUTCOME_UNKNOWN:
            values["claimed_by"] = owner
        mine = _is_claimed(message_id, owner)
        if claimed_at is None:
            mine |= (outbox.c.id == message_id) & (outbox.c.claimed_by == owner) & (outbox.c.code == OUTCOME_UNKNOWN)
        else:
            mine &= outbox.c.claimed_at == claimed_at
        with self._engine.begin() as connection:
            record_answer(connection, message_id, now)
            is_noted = bool(connection.execute(update(outbox).where(mine).values(values)).rowcount)
            if is_noted and status in WAITING:
                _suppress_withdrawn(connection, [message_id])
        return is_noted

    def put_back(
        self,
        message_ids: Collection[int],
        owner: str,
        *,
        next_attempt_at: datetime | None = None,
        claimed_at: datetime | None = None,
    ) -> None:
        """Let claimed messages wait again, not before `next_attempt_at`; no attempt is counted."""
        mine = outbox.c.id.in_(message_ids) & (outbox.c.claimed_by == owner) & (outbox.c.status == "sending")
        if claimed_at is not None:
            mine &= outbox.c.claimed_at == claimed_at
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(mine).values(_wait(next_attempt_at, outbox.c.sent_count)))

    def put_back_too_fast(
        self, message_id: int, owner: str, now: datetime, *, key: str | None, until: datetime, code: str, detail: str
    ) -> None:
        """Let a message wait whose call the provider refused as too fast, and close the key for all until then."""
        with self._engine.begin() as connection:
            record_answer(connection, message_id, now)
            if key is not None:
                close_quota(connection, key, until)
            values = {**_wait(until, outbox.c.sent_count), "code": code, "detail": detail}
            connection.execute(update(outbox).where(_is_claimed(message_id, owner)).values(values))
            _suppress_withdrawn(connection, [message_id])

    def release(self, owner: str) -> None:
        """Let wait again what the owner has claimed and not begun to send."""
        unbegun = (outbox.c.status == "sending") & (outbox.c.claimed_by == owner) & outbox.c.begun_at.is_(None)
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(unbegun).values({**_UNCLAIMED, "status": _BACK}))

    def list_abandoned(self, before: datetime) -> list[OutboxRow]:
        """The messages whose claim is from `before` or earlier, renewals counted: who sent them has ended."""
        abandoned = (outbox.c.status == "sending") & (outbox.c.claimed_at <= before)
        with self._engine.connect() as connection:
            query = select(outbox).where(abandoned).order_by(outbox.c.id)
            return [OutboxRow(**row) for row in connection.execute(query).mappings()]

    def count_waiting(self) -> int:
        """How many messages wait, due or not."""
        with self._engine.connect() as connection:
            query = select(func.count()).select_from(outbox).where(outbox.c.status.in_(WAITING))
            return int(connection.execute(query).scalar_one())

    def find_next_attempt(self, now: datetime, *, skipped_channels: Collection[str] = ()) -> datetime | None:
        """The first instant after `now` at which a message falls due that is not of the skipped channels."""
        later = outbox.c.status.in_(WAITING) & (outbox.c.next_attempt_at > now)
        if skipped_channels:
            later &= outbox.c.channel.not_in(skipped_channels)
        with self._engine.connect() as connection:
            query = select(outbox.c.next_attempt_at).where(later).order_by(outbox.c.next_attempt_at).limit(1)
            found: datetime | None = connection.execute(query).scalar()
        return found


def _is_claimed(message_id: int, owner: str) -> ColumnElement[bool]:
    return (outbox.c.id == message_id) & (outbox.c.claimed_by == owner) & (outbox.c.status == "sending")


def _wait(next_attempt_at: datetime | None, sent_count: Any) -> dict[str, Any]:
    return {**_UNCLAIMED, "status": _BACK, "next_attempt_at": next_attempt_at, "sent_count": sent_count}


def _suppress_withdrawn(connection: Connection, message_ids: Collection[int]) -> None:
    """Suppress those that wait again and were withdrawn while they were being sent."""
    withdrawn = outbox.c.id.in_(message_ids) & outbox.c.withdrawal.is_not(None) & outbox.c.status.in_(WAITING)
    connection.execute(update(outbox).where(withdrawn).values(status="suppressed", detail=outbox.c.withdrawal))
