"""A full disk told as what it is, whichever library met it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import ConfigurationError, FivestarError

RUNBOOK = "docs/runbooks/disk-full.md"
MEGABYTE = 1_000_000

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_WORDS = ("No space left on device", "Disk quota exceeded")
"""What those say that wrap the system's error: DuckDB, Spark, xlsxwriter."""


class DiskFull(ConfigurationError):
    """There is no room left; a person must make some, and then the same call succeeds."""


def is_disk_full(error: BaseException) -> bool:
    """Whether the error, or one that it came from, says that a disk is full or a quota used up."""
    seen: BaseException | None = error
    while seen is not None:
        if getattr(seen, "errno", None) in _FULL or any(words in str(seen) for words in _WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def describe_full_disk(error: BaseException, home: Path) -> DiskFull:
    """The error for people: what is full, how much is free there, and what to do.

    Free is told of the file that could not be written if the error names one, else of the home.
    """
    named = getattr(error, "filename", None)
    place = Path(str(named)) if named else home
    there = next((folder for folder in (place, *place.parents) if folder.exists()), home)
    free_bytes = shutil.disk_usage(there).free
    return DiskFull(
        f"{place}: the disk is full, {free_bytes / MEGABYTE:,.1f} MB are free there. What was being written is left "
        f"out, and what was written before stays. Make room as {RUNBOOK} says, then run the same command again."
    )


@contextmanager
def explain_full_disk(home: Path) -> Iterator[None]:
    """Whatever fails inside for want of room fails as `DiskFull`."""
    try:
        yield
    except FivestarError:
        raise
    except Exception as error:
        if is_disk_full(error):
            raise describe_full_disk(error, home) from error
        raise
