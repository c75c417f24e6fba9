"""What every kind of source gives: deliveries of records, each of which becomes one batch."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from flows.errors import SourceUnavailable
from flows.ingest.describe.records import Record, Window


class RecordsChanged(SourceUnavailable):
    """The records changed while they were read, so some may lack: read again from the start, that may help.

    `slot` names the file if it was one: then the others can be read without it.
    """

    def __init__(self, message: str, slot: str | None = None) -> None:
        super().__init__(message)
        self.slot = slot


@dataclass(frozen=True)
class Delivery:
    """What becomes one batch: a file, or what a platform holds for a window.

    `slot` names what it is a copy of, `request` says for the manifest how it was asked for, without secrets. `pages`
    are read once, when the batch is filled; reading them raises `SourceUnavailable`, `ContractBroken`, `QualityGate`
    or `ConfigurationError`.
    """

    slot: str
    request: Mapping[str, Any]
    pages: Iterable[list[Record]]


class Connector(ABC):
    """Reads one resource of one source. Use it as a context manager: connections end with it."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        """What may have been lost, or is odd, told after the deliveries were read."""
        self.left: list[str] = []
        """What is there but was left for the next time, such as a file that is still being copied."""
        self.mark: datetime | None = None
        """The newest instant that the source gave before, where a pull goes on from it; set before the deliveries."""

    @abstractmethod
    def list_deliveries(self, window: Window) -> Iterator[Delivery]:
        """What the source holds for `window`; all there is, if the resource cannot be narrowed."""

    @property
    def clock_ahead(self) -> timedelta | None:
        """By how much the source's clock was ahead of ours when it last answered; nothing if that is not known."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027 -- most hold nothing open
        """Nothing is held open unless a connector says so."""


def write_slot(window: Window) -> str:
    """How a slot names a window."""
    return "/".join(instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in window)
