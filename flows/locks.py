"""Locks on files: held by one process of this machine, and let go of however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.errors import SourceUnavailable


@contextmanager
def hold_file(file: Path, refusal: str, holder: str = "") -> Iterator[None]:
    """The lock of `file` for this process alone, let go of at the end, also by a kill.

    Raises `SourceUnavailable`, to be tried later, if another process holds it: with `refusal`, and what that process
    gave as its `holder`, which stands in the file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b", buffering=0) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            by = held.read().decode(errors="replace").strip()
            raise SourceUnavailable(describe_held(refusal, by)) from None
        with suppress(OSError):  # a full disk: who holds it isn't told, and it is held all the same
            held.truncate(0)
            held.write(holder.encode())
        yield


def describe_held(refusal: str, holder: str) -> str:
    """The refusal with who holds the lock, if that is known."""
    by = f" It is held by {holder}." if holder else ""
    return f"{refusal}{by} Try again when it has ended."
