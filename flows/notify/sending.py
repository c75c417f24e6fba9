"""One message sent: its channel found, each call permitted and marked in the ledger, what goes wrong told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flows.ledger.deliveries import ClaimLost, DeliveryLedger
from flows.ledger.outbox import Message, OutboxRow
from flows.notify.channels.channel import (
    Channel,
    DeliveryFailure,
    OutcomeUnknown,
    PermanentFailure,
    Quota,
    Receipt,
    TransientFailure,
)
from flows.notify.channels.robot import Clock


class HeldBack(TransientFailure):
    """The call was not made: the provider's limit allows it from `until` on. No attempt is counted."""

    def __init__(self, until: datetime) -> None:
        super().__init__("the provider's limit is reached for now")
        self.until = until


class ClaimGone(TransientFailure):
    """The call was not made: the message is another process's by now, or needn't go out any more."""


@dataclass
class Sending:
    """A claimed message on its way through its channel, from the part after those that have arrived on."""

    ledger: DeliveryLedger
    owner: str
    clock: Clock
    row: OutboxRow
    quota: Quota | None = None
    call_count: int = 0
    ledger_error: Exception | None = None

    def send(self, channels: Mapping[str, Channel]) -> Receipt:
        """What the channel answered. Raises `DeliveryFailure`, and what is wrong with the ledger as it is."""
        failure: DeliveryFailure
        try:
            channel = find_channel(channels, self.row)
            self.quota = channel.find_quota(self.row)
            return channel.send(self.row, sent_count=self.row.sent_count, permit=self._permit)
        except DeliveryFailure as known:
            known.sent_count = max(known.sent_count, self.row.sent_count)
            raise
        except Exception as error:
            if self.ledger_error is not None:
                raise
            failure = self._judge(error)
        raise failure

    def _permit(self) -> None:
        """Called before each call; the parts before it have arrived."""
        limits = [] if self.quota is None else [(limit.count, limit.seconds) for limit in self.quota.limits]
        try:
            free_at = self.ledger.permit(
                self.row.id,
                self.owner,
                self.clock(),
                key=None if self.quota is None else self.quota.key,
                limits=limits,
                sent_count=self.row.sent_count + self.call_count,
            )
        except ClaimLost:
            raise ClaimGone("it is no longer this process's to send") from None
        except Exception as error:
            self.ledger_error = error
            raise
        if free_at is not None:
            raise HeldBack(free_at)
        self.call_count += 1

    def _judge(self, error: Exception) -> DeliveryFailure:
        arrived = self.row.sent_count + max(self.call_count - 1, 0)
        what = f"the program failed on it ({type(error).__name__})"
        if self.call_count:
            return OutcomeUnknown(
                f"{what} after the call had begun. It may have arrived: resend it only if its reader hasn't got it, "
                "and report the fault.",
                sent_count=arrived,
            )
        return PermanentFailure(
            f"{what}. Look at it with `fivestar notify deliver --mode simulate`, and report the fault; then resend.",
            code="program",
            sent_count=arrived,
        )


def find_channel(channels: Mapping[str, Channel], message: Message) -> Channel:
    """The channel that the message names. Raises `PermanentFailure` if notify.yaml has none of that name."""
    channel = channels.get(message.channel)
    if channel is None:
        raise PermanentFailure(
            f"notify.yaml has no channel {message.channel!r}; it has {', '.join(channels) or 'none'}. Add it, or "
            "correct the channel of this unit's contact; then resend."
        )
    return channel
