"""Traces as the ledger gives them back: what many workers' steps say alike is kept in memory once."""

from collections.abc import Iterable, Mapping
from typing import Any

from flows.results import Step

ROWS_AT_ONCE = 1000
"""So many stored rows with their traces are in memory at a time."""


class TraceReader:
    """Makes steps of stored ones; a city's traces name the same sources and clauses tens of thousands of times."""

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}

    def read(self, steps: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
        """The steps of one worker; nobody may change what their inputs hold."""
        return tuple(
            Step(
                clause=self._share(step["clause"]),
                name=self._share(step["name"]),
                inputs={name: self._share(value) for name, value in step["inputs"].items()},
                effect=self._share(step["effect"]),
            )
            for step in steps
        )

    def _share(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._shared.setdefault(value, value)
        if isinstance(value, dict | list):
            return self._shared.setdefault(f"{type(value)}{value}", value)
        return value
