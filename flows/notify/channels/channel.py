"""What every channel does, and the two ways in which it may fail."""

from dataclasses import dataclass
from typing import Protocol

from flows.ledger.outbox import Message


class DeliveryFailure(Exception):
    """A message was not delivered; the text says why and what to do, without the address."""


class TransientFailure(DeliveryFailure):
    """The same message may go through later."""


class PermanentFailure(DeliveryFailure):
    """The message cannot go through until someone mends its contact or the configuration."""


@dataclass(frozen=True)
class Receipt:
    """What the channel answered: where the message is now, or the number that it was given."""

    detail: str


class Channel(Protocol):
    """A way out. Both calls raise `TransientFailure` or `PermanentFailure`."""

    def check(self, message: Message) -> Receipt:
        """Everything but the last call: what `send` would answer."""
        ...

    def send(self, message: Message) -> Receipt:
        """The message delivered; sending one again must not give its reader a second one where that can be had."""
        ...
