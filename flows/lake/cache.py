"""Copies of what lies elsewhere, on this machine: batches never change, so a copy is good as long as it is there."""

import fcntl
import os
from pathlib import Path

from flows.lake.storage import list_sealed, place_folder, remove_folder

CACHE_BYTES_MAX = 20_000_000_000
"""What copies may take between two runs; a run keeps whatever it reads, for it reads most of it several times."""


class Cache:
    """Folders by their key under `root`. While it is open, nothing of it goes; the longest unread goes first."""

    def __init__(self, root: Path, bytes_max: int = CACHE_BYTES_MAX) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._lock = (root / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # others read from it: they or a later run make room
        else:
            self._make_room(bytes_max)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def find(self, key: str) -> Path | None:
        """The copy of the folder, if there is one; it counts as read now."""
        folder = self._root / key
        try:
            os.utime(folder)
        except FileNotFoundError:
            return None
        return folder

    def add(self, staged: Path, key: str) -> Path:
        """The copy, which `staged` becomes unless there is one."""
        place_folder(staged, self._root / key)
        return self._root / key

    def drop(self, key: str) -> None:
        """Remove the copy of the folder, or all copies below a key."""
        remove_folder(self._root, key)

    def close(self) -> None:
        """Let the next process make room."""
        self._lock.close()

    def _make_room(self, bytes_max: int) -> None:
        folders = [self._root / key for key in list_sealed(self._root)]
        sizes = {it: sum(file.stat().st_size for file in it.rglob("*") if file.is_file()) for it in folders}
        total = sum(sizes.values())
        for folder in sorted(folders, key=lambda it: it.stat().st_mtime):
            if total <= bytes_max:
                return
            self.drop(folder.relative_to(self._root).as_posix())
            total -= sizes[folder]
