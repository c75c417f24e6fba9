"""What the review tells Prefect: the event that starts publication."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.events import Event, Resource
from prefect.events.clients import get_events_client
from prefect.settings import PREFECT_API_URL

from flows.review.standing import ReviewStanding

DECIDED = "fivestar.review.decided"
"""The event on which prefect.yaml's trigger starts `publish_month`."""

SEND_SECONDS = 10


class EventNotSent(Exception):
    """Prefect did not take an event; what was decided stands."""


def emit_decided(standing: ReviewStanding) -> bool:
    """Whether Prefect was told that the month's review is decided: False if no server is configured.

    The event holds the month, its revision, and how many proposals are in which state; no person. It has been taken
    when this returns. Raises `EventNotSent` if the server doesn't take it.
    """
    month = str(standing.month)
    event = Event(
        event=DECIDED,
        resource=Resource({"prefect.resource.id": f"fivestar.review.{month}", "prefect.resource.name": month}),
        payload={"month": month, "revision": standing.revision, "counts": dict(standing.counts)},
    )
    try:
        if not PREFECT_API_URL.value():
            return False
        asyncio.run(_send(event))
    except Exception as error:  # noqa: BLE001 -- settings, network, server and authentication each fail in their own way
        raise EventNotSent(_name_cause(error)) from None
    return True


async def _send(event: Event) -> None:
    """Send the event at once, not through Prefect's queue, and wait until the server has it."""
    with _silence(logging.getLogger("prefect.events.clients")):
        async with (
            asyncio.timeout(SEND_SECONDS),
            get_events_client(reconnection_attempts=0, checkpoint_every=1) as client,
        ):
            await client.emit(event)


@contextmanager
def _silence(logger: logging.Logger) -> Iterator[None]:
    """Nothing is logged inside: whoever catches the error says it, and once."""
    logger.disabled, was_disabled = True, logger.disabled
    try:
        yield
    finally:
        logger.disabled = was_disabled


def _name_cause(error: Exception) -> str:
    """What went wrong in a few words; other errors' texts may hold the server's address with a password in it."""
    told = str(error) if isinstance(error, OSError) else ""
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
