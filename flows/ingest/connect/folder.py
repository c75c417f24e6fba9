"""The files of a folder that are ready to be read: matched, not passed over, and no longer being copied."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.errors import SourceUnavailable
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.source import FileResource, FilesSource

FRESH_SECONDS = 60
"""A file changed less long ago is looked at twice; so much may the clocks of a file server and ours differ."""
SECOND_LOOK_SECONDS = 1.0
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
"""Endings that programs give to what they are still copying."""


@dataclass(frozen=True)
class Stamp:
    """By what a changed file is told without reading it."""

    byte_count: int
    changed_ns: int

    def is_fresh(self, now: float) -> bool:
        """Whether the file may still be written, by the wall clock `now` in seconds since 1970."""
        return abs(now - self.changed_ns / 1e9) < FRESH_SECONDS


@dataclass(frozen=True)
class SourceFile:
    """A file found; `name` is its path within the source's folder and names its slot."""

    path: Path
    name: str
    content_sha256: str
    stamp: Stamp


_STOOD_STILL: dict[Path, Stamp] = {}
"""Fresh files that a second look found as they were, so that the next resource of the folder need not wait again."""


def find_files(
    source: FilesSource, resource: FileResource, timing: Timing | None = None
) -> tuple[list[SourceFile], list[str]]:
    """The files that `resource.files` matches, in the order of their names, and what was left for the next time.

    A fresh file is looked at again after a second, once for all files of the source; it is left if it moved, or if it
    is empty yet. Raises `SourceUnavailable` if the folder is not there or a file may not be read.
    """
    timing = timing or Timing()
    folder = _locate(source)
    try:
        matched = _match(folder, resource)
        _look_twice(source, folder, list(matched.values()), timing)
        found, left = [], []
        for name, path in matched.items():
            file = _take(name, path, timing.wall())
            if isinstance(file, str):
                left.append(f"{name} {file}")
            else:
                found.append(file)
    except OSError as error:
        raise SourceUnavailable(
            f"{source.platform}: a file cannot be read ({error.strerror}). Check its rights."
        ) from None
    return found, left


def read_stamp(path: Path) -> Stamp | None:
    """The file's stamp; nothing if it is there no more."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return Stamp(state.st_size, state.st_mtime_ns)


def _locate(source: FilesSource) -> Path:
    folder = source.config_folder / source.resolve("connection.path", source.connection.path)
    if not folder.is_dir():
        raise SourceUnavailable(
            f"{source.platform}: the folder {source.connection.path} is not there. "
            "Mount it, or correct connection.path."
        )
    return folder


def _match(folder: Path, resource: FileResource) -> dict[str, Path]:
    """Path by name; without hidden ones, the locks of office programs, and what is named as unfinished."""
    named = {path.relative_to(folder).as_posix(): path for path in folder.glob(resource.files) if path.is_file()}
    return {name: named[name] for name in sorted(named) if not _is_passed_over(name)}


def _is_passed_over(name: str) -> bool:
    parts = name.split("/")
    return any(part.startswith((".", "~$")) for part in parts) or name.lower().endswith(UNFINISHED)


def _look_twice(source: FilesSource, folder: Path, paths: Sequence[Path], timing: Timing) -> None:
    """Note which fresh files stand still, with one wait for those of all the source's resources."""
    now = timing.wall()
    for path in [path for path, stamp in _STOOD_STILL.items() if not stamp.is_fresh(now)]:
        _STOOD_STILL.pop(path, None)
    if not _list_doubtful(paths, now):
        return
    everything = [path for resource in source.resources.values() for path in _match(folder, resource).values()]
    first = _list_doubtful(everything, now)
    timing.sleep(SECOND_LOOK_SECONDS)
    _STOOD_STILL.update({path: stamp for path, stamp in first.items() if read_stamp(path) == stamp})


def _list_doubtful(paths: Sequence[Path], now: float) -> dict[Path, Stamp]:
    stamps = {path: stamp for path in paths if (stamp := read_stamp(path)) is not None}
    return {path: it for path, it in stamps.items() if it.is_fresh(now) and _STOOD_STILL.get(path) != it}


def _take(name: str, path: Path, now: float) -> SourceFile | str:
    """The file, or why it is left for the next time."""
    stamp = read_stamp(path)
    if stamp is None:
        return "was moved away"
    if stamp.is_fresh(now):
        if stamp.byte_count == 0:
            return "is empty yet, as a copy is that has just begun"
        if _STOOD_STILL.get(path) != stamp:
            return "is still growing"
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return "was moved away"
    return SourceFile(path, name, digest, stamp) if read_stamp(path) == stamp else "is still growing"
