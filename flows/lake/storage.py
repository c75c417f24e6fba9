"""Where the lake's folders lie: a batch is a folder that is there whole or not at all, and never changes."""

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Protocol

from flows.errors import ConfigurationError
from flows.lake.leftovers import STAGING, name_leftover

MANIFEST = "manifest.json"
REFUSAL = "refusal.json"
SEALS = frozenset({MANIFEST, REFUSAL})
"""What makes a folder whole: each has one of these, written last."""


class Storage(Protocol):
    """Folders by their key, a path such as `events/batch_id=…`."""

    root: Path
    """A folder of this machine, under which lies what was fetched, in the same layout; staged folders too."""

    def holds(self, key: str) -> bool:
        """Whether the folder is there."""

    def put(self, staged: Path, key: str) -> None:
        """Let `staged`, a folder under `root`, become the folder `key`. One that is there already stays as it is."""

    def fetch(self, key: str) -> Path:
        """The folder on this machine; a path where nothing is if there is no such folder."""

    def read_file(self, key: str, name: str) -> bytes:
        """One file of the folder. Raises `FileNotFoundError` if it is not there."""

    def remove(self, key: str) -> None:
        """Remove the folder, or all folders below `key`; it is gone at once, even if that is broken off."""

    def list_keys(self, below: str = "") -> list[str]:
        """The keys of all folders, or of those below a path, in order."""

    def remove_unfinished(self, before: datetime) -> list[str]:
        """The files removed that killed writers left before that instant, in folders that aren't whole.

        Whatever is still being written must be younger: a day before now is safe.
        """

    def probe(self) -> None:
        """Raise what stands in the way of listing, reading or writing; nothing is left behind."""

    def close(self) -> None:
        """Let go of what was fetched: from now on it may be removed."""


class FolderStorage:
    """Folders under a folder of this machine: each is written aside, then renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def holds(self, key: str) -> bool:
        return (self.root / key).exists()

    def put(self, staged: Path, key: str) -> None:
        place_folder(staged, self.root / key)

    def fetch(self, key: str) -> Path:
        return self.root / key

    def read_file(self, key: str, name: str) -> bytes:
        return (self.root / key / name).read_bytes()

    def remove(self, key: str) -> None:
        remove_folder(self.root, key)

    def list_keys(self, below: str = "") -> list[str]:
        return list_sealed(self.root, below)

    def remove_unfinished(self, before: datetime) -> list[str]:  # noqa: ARG002 -- a rename leaves nothing half done
        return []

    def probe(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise ConfigurationError(
                f"lake {self.root}: cannot be written ({error.strerror}). Give this user the right, or name another "
                "folder in FIVESTAR_LAKE_URL."
            ) from None

    def close(self) -> None:
        """Nothing is held."""


def place_folder(staged: Path, target: Path) -> None:
    """Rename `staged` to `target`, unless another process has put the same content there a moment ago."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        staged.rename(target)
    except OSError:
        if not target.exists():
            raise


def remove_folder(root: Path, key: str) -> None:
    """Remove the folder `key` under `root`: renamed aside first, so that nobody finds half of it."""
    aside = root / STAGING / name_leftover()
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        (root / key).rename(aside)
    except FileNotFoundError:
        return
    shutil.rmtree(aside, ignore_errors=True)


def list_sealed(root: Path, below: str = "") -> list[str]:
    """The keys of the folders under `root` that are whole, in order."""
    found = (file.relative_to(root).parent for seal in SEALS for file in (root / below).rglob(seal))
    return sorted(key.as_posix() for key in found if key.parts[0] != STAGING)
