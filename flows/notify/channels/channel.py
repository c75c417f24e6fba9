"""What every channel does, what it says of its limits, and the three ways in which it may fail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from flows.ledger.outbox import Message

Permit = Callable[[], None]
"""Called before each call to a provider; to hold the call back it raises `TransientFailure`."""


class DeliveryFailure(Exception):
    """A message was not delivered whole; the text says why and what to do, without the address or a secret.

    `code` is the provider's, empty where it gave none. `sent_count` parts of the message have surely arrived: hand
    the number to the next `send`, or its reader gets them again.
    """

    def __init__(
        self, text: str, *, code: str = "", retry_after_seconds: int | None = None, sent_count: int = 0
    ) -> None:
        super().__init__(text)
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        self.sent_count = sent_count


class TransientFailure(DeliveryFailure):
    """The same message may go through later, not before `retry_after_seconds` where the provider said so."""


class TooFast(TransientFailure):
    """The provider refused the call because there were too many: none under the same quota may follow for a while.

    The message itself is not at fault.
    """


class PermanentFailure(DeliveryFailure):
    """The message cannot go through until someone mends its contact, its text or the configuration."""


class OutcomeUnknown(DeliveryFailure):
    """The connection was lost after the message was sent: its reader may have it or not.

    Robots have no idempotency key: sent again, the message may arrive twice; not sent again, it may be lost. Which of
    the two is worse only the outbox can say. E-mail bears the same Message-ID again, by which many mail servers and
    readers drop the second.
    """


@dataclass(frozen=True)
class RateLimit:
    """At most `count` calls in any `seconds`."""

    count: int
    seconds: int


@dataclass(frozen=True)
class Quota:
    """The limits that all messages under one `key` share, in every process; the key holds no secret.

    `is_of_channel` says that all of the channel's messages fall under it, not those to one address alone.
    """

    key: str
    limits: tuple[RateLimit, ...]
    is_of_channel: bool = False


@dataclass(frozen=True)
class Payload:
    """One call as it would be made, secrets masked: where to, what, and how much of the provider's limit it takes.

    `content` is what goes over the wire, `text` what its reader sees.
    """

    target: str
    content: str
    text: str
    size_bytes: int
    limit_bytes: int | None


@dataclass(frozen=True)
class Receipt:
    """What the channel answered: where the message is now, or what it was given; from `check` the payloads too."""

    detail: str
    payloads: tuple[Payload, ...] = ()


def permit_all() -> None:
    """No call is held back."""


class Channel(Protocol):
    """A way out. `check` and `send` raise `TransientFailure`, `PermanentFailure` or `OutcomeUnknown`."""

    repeats_safely: ClassVar[bool]
    """Whether a reader who has the message already is not bothered by the same one sent again."""

    def check(self, message: Message) -> Receipt:
        """Everything but the last call: what `send` would send, and all that can be wrong with it before."""
        ...

    def send(self, message: Message, *, sent_count: int = 0, permit: Permit = permit_all) -> Receipt:
        """The message delivered, from the part after `sent_count` on; `permit` is called before each call.

        Sending one again must not give its reader a second one where that can be had.
        """
        ...

    def find_quota(self, message: Message) -> Quota | None:
        """Which limits the message's calls count against; nothing where there are none.

        Raises `PermanentFailure`, as `send` would, if that can't be found out.
        """
        ...
