"""Locks on files: held by one process of this machine, and let go of however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from flows.disk import describe_full_disk, is_disk_full
from flows.errors import ConfigurationError, SourceUnavailable


@contextmanager
def hold_file(file: Path, refusal: str, holder: str = "") -> Iterator[None]:
    """The lock of `file` for this process alone, let go of at the end, also by a kill.

    Raises `SourceUnavailable`, to be tried later, if another process holds it: with `refusal`, and what that process
    gave as its `holder`, which stands in the file.
    """
    with _open(file) as held:
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


@contextmanager
def share_file(file: Path) -> Iterator[None]:
    """The lock of `file` together with whoever else shares it; waits for one that has it for itself."""
    with _open(file) as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        yield


@contextmanager
def wait_for_file(file: Path) -> Iterator[None]:
    """The lock of `file` for this process alone; waits until all who share it have let go of it."""
    with _open(file) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _open(file: Path) -> FileIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a+b", buffering=0)
    except OSError as error:
        if is_disk_full(error):
            raise describe_full_disk(error, file.parent) from error
        raise ConfigurationError(
            f"{file}: the lock cannot be opened ({error.strerror}). Mend its rights, or remove what is in its place."
        ) from None


def describe_held(refusal: str, holder: str) -> str:
    """The refusal with who holds the lock, if that is known."""
    by = f" It is held by {holder}." if holder else ""
    return f"{refusal}{by} Try again when it has ended."
