"""The outbox in the ledger: every message once under its key, with how its delivery stands."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Engine, case, func, insert, select, text, update

from flows.ledger.tables import outbox

MessageStatus = Literal["queued", "sending", "delivered", "temporary_failure", "permanent_failure", "suppressed"]

WAITING: tuple[MessageStatus, ...] = ("queued", "temporary_failure")
"""The statuses from which a message is still to be delivered."""

PENDING: tuple[MessageStatus, ...] = (*WAITING, "sending")
"""The statuses of which nobody knows yet how they end."""


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
    """A message in the outbox and how its delivery stands.

    `sent_count` parts have arrived. A claim names the process that is sending it; `begun_at` is set right before each
    call to the provider, so that a call of a process that was killed is known. `withdrawal` says why it is not to be
    tried again, should the attempt under way fail.
    """

    id: int
    status: MessageStatus
    detail: str
    attempt_count: int
    queued_at: datetime
    delivered_at: datetime | None
    sent_count: int = 0
    code: str = ""
    next_attempt_at: datetime | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    begun_at: datetime | None = None
    withdrawal: str | None = None


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

        In the same transaction the messages numbered `outdated_ids` are suppressed, if they still wait or their call
        hasn't begun. One whose call has is suppressed if that call fails.
        """
        months = {message.month for message in messages}
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql" and messages:
                # SQLite lets one writer in at a time; here two could both find a key missing.
                connection.execute(text("LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE"))
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
                _withdraw(connection, outdated_ids, outdated_detail)
        return len(rows)

    def requeue(self, message_id: int, *, channel: str, address: str) -> None:
        """Let a message go out again, to the contact as it is now, unless it is being sent.

        What the same address has of it already isn't sent again, except for one that was delivered whole.
        """
        afresh = (outbox.c.status == "delivered") | (outbox.c.channel != channel) | (outbox.c.address != address)
        values = {
            "status": "queued",
            "detail": "",
            "code": "",
            "channel": channel,
            "address": address,
            "attempt_count": 0,
            "sent_count": case((afresh, 0), else_=outbox.c.sent_count),
            "next_attempt_at": None,
            "claimed_by": None,
            "withdrawal": None,
        }
        may = (outbox.c.id == message_id) & (outbox.c.status != "sending")
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(may).values(values))

    def readdress(self, message_id: int, *, channel: str, address: str) -> None:
        """Let a message that waits go to another address, whole and without delay."""
        values = {"channel": channel, "address": address, "sent_count": 0, "next_attempt_at": None}
        waits = (outbox.c.id == message_id) & outbox.c.status.in_(WAITING)
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(waits).values(values))

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
        """How many messages went to an address of a channel since that instant, or are on their way there."""
        to_address = (outbox.c.channel == channel) & (outbox.c.address == address)
        on_the_way = (outbox.c.status == "sending") & (outbox.c.begun_at >= since_at)
        query = select(func.count()).where(to_address, (outbox.c.delivered_at >= since_at) | on_the_way)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def set_status(
        self, message_id: int, status: MessageStatus, *, detail: str = "", delivered_at: datetime | None = None
    ) -> None:
        """Note how an attempt to deliver the message ended, whoever made it."""
        values = {
            "status": status,
            "detail": detail,
            "attempt_count": outbox.c.attempt_count + 1,
            "delivered_at": delivered_at,
        }
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(outbox.c.id == message_id).values(values))


def _withdraw(connection: Connection, message_ids: Collection[int], reason: str) -> None:
    named = outbox.c.id.in_(message_ids)
    is_sending = outbox.c.status == "sending"
    untouched = outbox.c.status.in_(WAITING) | (is_sending & outbox.c.begun_at.is_(None))
    suppressed = {"status": "suppressed", "detail": reason, "claimed_by": None, "claimed_at": None}
    connection.execute(update(outbox).where(named & untouched).values(suppressed))
    connection.execute(update(outbox).where(named & is_sending).values(withdrawal=reason))
