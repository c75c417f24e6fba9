"""Files of a backup: copied or linked whole, known by their digest, readable by their owner alone."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600


@dataclass(frozen=True)
class FileRecord:
    """A file as it was: how long, and the SHA-256 of its content."""

    bytes: int
    sha256: str


def list_files(folder: Path) -> dict[str, Path]:
    """Every file below `folder` by its path there, in order, links to files too; none if the folder isn't there."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def record_file(file: Path) -> FileRecord:
    """How long the file is, and its digest."""
    with file.open("rb") as content:
        return FileRecord(file.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())


def make_private_folder(folder: Path) -> None:
    """The folder, and those above it that are missing, for the owner alone."""
    if not folder.exists():
        make_private_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def copy_private(source: Path, target: Path) -> None:
    """A copy for the owner alone."""
    make_private_folder(target.parent)
    shutil.copyfile(source, target)
    target.chmod(FILE_MODE)


def keep_file(source: Path, target: Path, earlier: Path | None) -> FileRecord:
    """`source` at `target`: linked to `earlier` where an older backup has the same content, else copied."""
    record = record_file(source)
    if earlier is not None and earlier.is_file() and record_file(earlier) == record:
        make_private_folder(target.parent)
        try:
            os.link(earlier, target)
        except OSError:  # a file system without hard links
            copy_private(source, target)
    else:
        copy_private(source, target)
    return record


def list_damage(folder: Path, records: Mapping[str, FileRecord]) -> Iterator[str]:
    """What is wrong with each file below `folder` that isn't, to the byte, what its record says."""
    for name, record in records.items():
        file = folder / name
        if not file.is_file():
            yield f"{name} is gone"
        elif record_file(file) != record:
            yield f"{name} is not what was written"
