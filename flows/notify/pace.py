"""How patient a delivery is: how long it waits, how often it tries, and how long a claim holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.notify.channels.channel import TransientFailure

MINUTE = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=4)
DOUBLINGS_MAX = 8
TOO_FAST_SECONDS = 60
"""For how long a provider is left alone that says too fast and not until when."""


@dataclass(frozen=True)
class Pace:
    """A delivery's patience.

    `for_seconds` is how long it may wait for limits in all. `attempts_max` failures at doubling intervals span a
    weekend. `strikes_max` failures in a row are taken for a channel that is down. `lease_seconds` is longer than any
    call takes.
    """

    for_seconds: int = 0
    claim_count: int = 5
    attempts_max: int = 24
    strikes_max: int = 3
    lease_seconds: int = 600


def find_next_attempt(now: datetime, attempt_count: int, failure: TransientFailure) -> datetime:
    """When the message is tried again after its attempt number `attempt_count`: 1, 2, 4 … minutes later, at most 4
    hours, or as late as the provider asks."""
    delay = min(MINUTE * (1 << min(attempt_count - 1, DOUBLINGS_MAX)), LONGEST_DELAY)
    return now + max(delay, timedelta(seconds=failure.retry_after_seconds or 0))


def find_reopening(now: datetime, failure: TransientFailure) -> datetime:
    """Until when nothing goes to a provider that said too fast."""
    return now + timedelta(seconds=failure.retry_after_seconds or TOO_FAST_SECONDS)
