"""The outbox in the ledger: every message once under its key, with how its delivery stands."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine, func, insert, select, update

from flows.ledger.tables import outbox

MessageStatus = Literal["queued", "delivered", "temporary_failure", "permanent_failure", "suppressed"]

WAITING: tuple[MessageStatus, ...] = ("queued", "temporary_failure")
"""The statuses from which a message is still to be delivered."""


@dataclass(frozen=True)
class Message:
    """One message to one recipient; `key` names it for good, so that it goes out once."""

    key: str
    message: str
    month: str
    revision: int
    unit_code: str
    role: str
    channel: str
    address: str
    subject: str
    body: str


@dataclass(frozen=True)
class OutboxRow(Message):
    """A message in the outbox and how its delivery stands."""

    id: int
    status: MessageStatus
    detail: str
    attempt_count: int
    queued_at: datetime
    delivered_at: datetime | None


class OutboxLedger:
    """Messages waiting and sent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def queue(
        self,
        messages: Sequence[Message],
        queued_at: datetime,
        *,
        outdated_ids: Collection[int] = (),
        outdated_detail: str = "",
    ) -> int:
        """How many of the messages are new; one whose key is there already is left as it is.

        In the same transaction the messages numbered `outdated_ids` are suppressed, if they still wait.
        """
        months = {message.month for message in messages}
        with self._engine.begin() as connection:
            known = set(connection.execute(select(outbox.c.key).where(outbox.c.month.in_(months))).scalars())
            rows = [
                {
                    **asdict(message),
                    "status": "queued",
                    "detail": "",
                    "attempt_count": 0,
                    "queued_at": queued_at,
                }
                for message in messages
                if message.key not in known
            ]
            if rows:
                connection.execute(insert(outbox), rows)
            if outdated_ids:
                waiting = outbox.c.id.in_(outdated_ids) & outbox.c.status.in_(WAITING)
                connection.execute(update(outbox).where(waiting).values(status="suppressed", detail=outdated_detail))
        return len(rows)

    def requeue(self, message_id: int, *, channel: str, address: str) -> None:
        """Let a message go out again, to the contact as it is now."""
        values = {"status": "queued", "detail": "", "channel": channel, "address": address}
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(outbox.c.id == message_id).values(values))

    def list_messages(
        self, *, month: str | None = None, statuses: Iterable[MessageStatus] | None = None
    ) -> list[OutboxRow]:
        """The messages in the order in which they were queued, of one month or some statuses if asked."""
        query = select(outbox).order_by(outbox.c.id)
        if month is not None:
            query = query.where(outbox.c.month == month)
        if statuses is not None:
            query = query.where(outbox.c.status.in_(list(statuses)))
        with self._engine.connect() as connection:
            return [OutboxRow(**row) for row in connection.execute(query).mappings()]

    def count_delivered(self, channel: str, address: str, since_at: datetime) -> int:
        """How many messages were delivered to an address of a channel since that instant."""
        to_address = (outbox.c.channel == channel) & (outbox.c.address == address)
        query = select(func.count()).where(to_address, outbox.c.delivered_at >= since_at)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def set_status(
        self, message_id: int, status: MessageStatus, *, detail: str = "", delivered_at: datetime | None = None
    ) -> None:
        """Note how an attempt to deliver the message ended."""
        values = {
            "status": status,
            "detail": detail,
            "attempt_count": outbox.c.attempt_count + 1,
            "delivered_at": delivered_at,
        }
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(outbox.c.id == message_id).values(values))
