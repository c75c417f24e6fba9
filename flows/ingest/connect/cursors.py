"""The cursor of a database resource: what its column holds read as an instant, and a window written like it."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil, floor
from typing import Any

from flows.errors import ContractBroken
from flows.ingest.describe.records import Window
from flows.ingest.describe.source import DatabaseResource

_SHAPES: Mapping[str, re.Pattern[str]] = {
    "iso": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "local": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"),
}
_FORMATS = {"iso": "%Y-%m-%dT%H:%M:%S", "local": "%Y-%m-%d %H:%M:%S"}
"""Without fraction and zone: as text that is not greater than any instant of the same second, however it goes on."""
_EPOCHS = {"epoch_s": (10**9, 1), "epoch_ms": (10**12, 1000)}
"""The least number that is such an instant, and how many there are in a second. The greatest has as many digits."""


def find_local_start(start: datetime, zone: tzinfo) -> datetime:
    """From when on local times hold all since `start`.

    That is an hour earlier in the hour before clocks are set back: what is written later bears earlier times.
    """
    local = start.astimezone(zone)
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return start - max((first or timedelta(0)) - (second or timedelta(0)), timedelta(0))


class Cursor:
    """Reads and writes instants as one resource's cursor column does; `name` is how messages call the resource."""

    def __init__(self, resource: DatabaseResource, name: str) -> None:
        self.column = resource.cursor or ""
        self._format = resource.cursor_format
        self.is_text = self._format in _SHAPES
        self._lag = resource.lag
        self._zone = resource.timezone
        self._name = name

    def read(self, value: Any) -> datetime:
        """The instant that `value` of the column is. Raises `ContractBroken` if it isn't one in the format stated.

        Without that check text would be compared with numbers, or seconds with milliseconds: nothing would be found.
        """
        try:
            moment = self._read(value)
        except (ValueError, TypeError, ArithmeticError):
            moment = None
        if moment is not None:
            return moment
        raise ContractBroken(
            f"{self._name}: what the cursor {self.column} holds ({type(value).__name__}) is no instant in the "
            f"cursor_format {self._format}. {_advise(value)}"
        )

    def _read(self, value: Any) -> datetime | None:
        if self._format == "native":
            if isinstance(value, datetime):
                return value.astimezone(UTC) if value.tzinfo is not None else self._place(value)
            if isinstance(value, date):
                return self._place(datetime.combine(value, time.min))
        elif self._format in _SHAPES:
            if isinstance(value, str) and _SHAPES[self._format].fullmatch(value):
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo is not None else self._place(moment)
        elif not isinstance(value, str | bytes | bool | date | timedelta):
            least, units = _EPOCHS[self._format]
            if least <= value < least * 10:
                return datetime.fromtimestamp(float(value) / units, UTC)
        return None

    def write(self, window: Window, like: Any) -> tuple[Any, Any]:
        """From and until of the window, moved back by the lag, on whole seconds, as values of the kind of `like`."""
        start = datetime.fromtimestamp(floor((window[0] - self._lag).timestamp()), UTC)
        end = datetime.fromtimestamp(ceil(window[1].timestamp()), UTC)
        if self._format in _EPOCHS:
            units = _EPOCHS[self._format][1]
            return int(start.timestamp()) * units, int(end.timestamp()) * units
        if self._format == "iso":
            return start.strftime(_FORMATS["iso"]), end.strftime(_FORMATS["iso"])
        if isinstance(like, datetime) and like.tzinfo is not None:
            return start, end
        first = find_local_start(start, self._zone).astimezone(self._zone).replace(tzinfo=None)
        last = end.astimezone(self._zone).replace(tzinfo=None)
        if self._format == "local":
            return first.strftime(_FORMATS["local"]), last.strftime(_FORMATS["local"])
        if isinstance(like, datetime):
            return first, last
        # A day that has begun is asked for whole, for more may come under it.
        return first.date(), last.date() + timedelta(days=1 if last.time() > time.min else 0)

    def _place(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self._zone).astimezone(UTC)


def _advise(value: Any) -> str:
    if isinstance(value, str):
        return (
            "Set cursor_format to iso (2024-03-01T00:00:00Z) or local (2024-03-01 00:00:00), whichever it is; of any "
            "other text make a time by a query."
        )
    if isinstance(value, date):
        return "Leave cursor_format out."
    return (
        "Set cursor_format to epoch_s or epoch_ms if it is that. A number that counts rows sees no updates: name the "
        "column that says when a row was last changed, or drop cursor."
    )
