"""A clock that is wrong: told by what the ledger holds already, and by other clocks.

A decision bears the date of the clock that it was taken by, for good: one taken by a clock that is behind would stand
before what it decides on.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from flows.config_file import read_config
from flows.errors import ConfigurationError

FILE = "clock.yaml"
BEHIND_MAX = timedelta(minutes=10)
"""By how much machines that write one ledger may differ."""


class _ClockFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    wrong_until: AwareDatetime


def load_wrong_until(folder: Path) -> datetime | None:
    """Until which instant the ledger was written by a clock that was ahead; nothing where no such file says so.

    Raises `ConfigurationError` for a file that can't be meant.
    """
    try:
        content = read_config(folder / FILE, typ="base")
    except FileNotFoundError:
        return None
    try:
        return _ClockFile.model_validate(content).wrong_until
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        path = ".".join(map(str, problem["loc"])) or "the file"
        raise ConfigurationError(
            f"{FILE}, {path}: {problem['msg']}. It may hold wrong_until alone, as 2027-03-01T08:00:00+08:00."
        ) from None


def refuse_wrong_clock(now: datetime, newest_at: datetime | None, wrong_until: datetime | None) -> None:
    """Nothing if `now` is not earlier than what was recorded, by more than machines may differ.

    What was recorded up to `wrong_until` is known to be ahead and is not asked. Raises `ConfigurationError`.
    """
    if newest_at is None or (wrong_until is not None and newest_at <= wrong_until) or now >= newest_at - BEHIND_MAX:
        return
    raise ConfigurationError(
        f"This machine's clock says {_write(now)}, but the ledger holds what was recorded at {_write(newest_at)}. "
        "What is written now would stand before it for good, so nothing is. Set the clock right. If it is right, "
        "another one was ahead when that was recorded: find out what it dated wrongly, then write wrong_until into "
        f"{FILE} of the configuration folder, see docs/database.md."
    )


def _write(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
