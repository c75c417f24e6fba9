"""The lake on any filesystem that Arrow opens by a URL: S3 and what speaks like it, GCS, HDFS, fsspec's.

An object store has no rename. So a folder is there if it holds its seal, which goes up last; what a killed upload
left has none, and nobody reads it. What is read is copied to this machine first, whole folders, once: engines ask
every batch many questions, and a local file answers them at the speed of the folder lake.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pyarrow import ArrowException
from pyarrow import fs as arrow_fs

from flows.errors import ConfigurationError, FivestarError, SourceUnavailable
from flows.lake.cache import Cache
from flows.lake.leftovers import STAGING, name_leftover
from flows.lake.storage import SEALS
from flows.retired import MARK

_AWS_ERROR = re.compile(r"AWS Error ([A-Z_]+)")
_REFUSED = frozenset(
    {
        "ACCESS_DENIED",
        "INCOMPLETE_SIGNATURE",
        "INVALID_ACCESS_KEY_ID",
        "INVALID_CLIENT_TOKEN_ID",
        "INVALID_SIGNATURE",
        "MISSING_AUTHENTICATION_TOKEN",
        "NO_SUCH_BUCKET",
        "SIGNATURE_DOES_NOT_MATCH",
        "UNRECOGNIZED_CLIENT",
    }
)
"""What trying again does not mend."""


class ObjectStorage:
    """Folders at a URL, with copies under `root` of those that were read or written here."""

    def __init__(self, url: str, root: Path) -> None:
        self.root = root
        self.name = describe_lake_url(url)
        self._url = url
        if "@" in urlsplit(url).netloc:
            raise ConfigurationError(
                f"FIVESTAR_LAKE_URL is {self.name}, with credentials before an @. They don't belong there: set "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a profile or the machine's role."
            )

    def holds(self, key: str) -> bool:
        with self._tell():
            files = self._list_files(key)
            return MARK not in files and not SEALS.isdisjoint(files)

    def put(self, staged: Path, key: str) -> None:
        files = {file.relative_to(staged).as_posix() for file in staged.rglob("*") if file.is_file()}
        with self._tell():
            for stray in self._list_files(key).keys() - files:
                self._files.delete_file(f"{key}/{stray}")
            for name in sorted(files, key=lambda name: (name in SEALS, name)):
                arrow_fs.copy_files(str(staged / name), f"{key}/{name}", destination_filesystem=self._files)
        self._cache.drop(key)  # one that was read when less was there
        self._cache.add(staged, key)

    def fetch(self, key: str) -> Path:
        copy = self._cache.find(key)
        if copy is not None:
            return copy
        staged = self.root / STAGING / name_leftover()
        try:
            with self._tell():
                files = self._list_files(key)
                if SEALS.isdisjoint(files):
                    return self.root / key
                for name in files:
                    (staged / name).parent.mkdir(parents=True, exist_ok=True)
                    arrow_fs.copy_files(f"{key}/{name}", str(staged / name), source_filesystem=self._files)
            return self._cache.add(staged, key)
        except FileNotFoundError:
            return self.root / key  # removed while it was copied
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def read_file(self, key: str, name: str) -> bytes:
        copy = self._cache.find(key)
        if copy is not None:
            return (copy / name).read_bytes()
        with self._tell(), self._files.open_input_stream(f"{key}/{name}") as stream:
            return bytes(stream.read())

    def remove(self, key: str) -> None:
        with self._tell():
            files = self._list_files(key)
            for name in sorted(files, key=lambda name: name.rpartition("/")[2] not in SEALS):
                self._files.delete_file(f"{key}/{name}")
            with suppress(FileNotFoundError):
                self._files.delete_dir(key)
        self._cache.drop(key)

    def list_keys(self, below: str = "") -> list[str]:
        with self._tell():
            files = [f"{below}/{name}".lstrip("/") for name in self._list_files(below)]
        return sorted(file.rpartition("/")[0] for file in files if file.rpartition("/")[2] in SEALS)

    def remove_unfinished(self, before: datetime) -> list[str]:
        sealed = tuple(f"{key}/" for key in self.list_keys())
        removed = []
        with self._tell():
            for name in self._list_files(""):
                if name.startswith(sealed):
                    continue
                [found] = self._files.get_file_info([name])  # again: the same content may be landing right now
                if found.mtime is not None and found.mtime < before:
                    self._files.delete_file(name)
                    removed.append(name)
        return removed

    def probe(self) -> None:
        name = f".probe/{name_leftover()}"
        with self._tell():
            with self._files.open_output_stream(name) as stream:
                stream.write(b"fivestar")
            with self._files.open_input_stream(name) as stream:
                stream.read()
            self._list_files("")
            self._files.delete_file(name)

    def close(self) -> None:
        if "_cache" in self.__dict__:
            self._cache.close()

    @cached_property
    def _cache(self) -> Cache:
        return Cache(self.root)

    @cached_property
    def _files(self) -> arrow_fs.FileSystem:
        try:
            filesystem, path = arrow_fs.FileSystem.from_uri(self._url)
        except (ArrowException, ValueError, ImportError) as error:
            raise ConfigurationError(
                f"FIVESTAR_LAKE_URL is {self.name}, which can't be opened: {error}. Known are file://, s3://, gs:// "
                "and hdfs://, and fsspec+…:// for what fsspec opens and has its package installed."
            ) from None
        return arrow_fs.SubTreeFileSystem(path, filesystem)

    def _list_files(self, key: str) -> dict[str, int]:
        """The files below `key` with their sizes, by their path there."""
        try:
            found = self._files.get_file_info(arrow_fs.FileSelector(key, recursive=True))
        except FileNotFoundError:
            return {}
        files = [it for it in found if it.type == arrow_fs.FileType.File]
        return {it.path.removeprefix(key).lstrip("/"): it.size for it in files}

    @contextmanager
    def _tell(self) -> Iterator[None]:
        """Errors of the filesystem become ours; what this machine's disk says stays as it is."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, ArrowException) as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise _describe(self.name, str(error)) from None


def is_folder_url(url: str) -> bool:
    """Whether the lake lies in a folder of this machine."""
    return url.startswith("file:")


def describe_lake_url(url: str) -> str:
    """The URL as it may be shown: without what stands before an @ and after a ?."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _describe(name: str, text: str) -> FivestarError:
    found = _AWS_ERROR.search(text)
    said = found[1] if found else "no reason given"
    if said == "NO_SUCH_BUCKET":
        return ConfigurationError(f"lake {name}: there is no such bucket. Make it, or mend FIVESTAR_LAKE_URL.")
    if said in _REFUSED:
        return ConfigurationError(
            f"lake {name}: access is refused ({said}). Look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and at "
            "what they may do there: list, read, write, delete."
        )
    return SourceUnavailable(
        f"lake {name}: it did not answer as it should ({said}). Nothing was lost; run again later. If it never "
        "answers, look at endpoint_override, scheme and region in FIVESTAR_LAKE_URL."
    )
