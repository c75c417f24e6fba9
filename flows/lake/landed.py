"""The lake itself: batches are staged into it, read from it, and copied by their table and id."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from flows.engines import DuckDBEngine, OpenEngine
from flows.errors import ConfigurationError, describe_damage
from flows.lake.batches import QUARANTINE_SCHEMA, Landing, StagedBatch, name_batch
from flows.lake.leftovers import STAGING, name_leftover
from flows.lake.object_storage import ObjectStorage, describe_lake_url, is_folder_url
from flows.lake.storage import MANIFEST, FolderStorage, Storage
from flows.lake.view import LakeView
from flows.retired import MARK, revive_batch
from flows.schema import TABLES, Table

LAKE = "lake"
CACHE = "cache"


class Lake:
    """The landed batches: under one folder, or in another storage that keeps copies of what was read there."""

    def __init__(self, root: Path, storage: Storage | None = None) -> None:
        self.root = root
        self.storage = storage or FolderStorage(root)

    def close(self) -> None:
        """Let go of what was fetched for reading."""
        self.storage.close()

    def stage(self, table: Table, *, platform: str, resource: str, slot: str, origin: str = "") -> StagedBatch:
        """A batch to be filled. `slot` names what it is a copy of: a file, a window; `origin` what is no pull's."""
        return StagedBatch(self.storage, table, platform, resource, slot, origin=origin)

    @property
    def is_folder(self) -> bool:
        """Whether batches lie in a folder of this machine, and nowhere else."""
        return isinstance(self.storage, FolderStorage)

    def find_folder(self, table: str, batch_id: str) -> Path:
        """Where the batch lies on this machine: in the lake itself, or as a copy; nothing is there if it is lost."""
        return self.storage.fetch(_find_key(table, batch_id))

    def list_batches(self) -> list[tuple[str, str]]:
        """Table and id of every batch that is there, landed or not, in order."""
        keys = [key.split(f"/{name_batch('')}") for key in self.storage.list_keys()]
        return [(key[0], key[1]) for key in keys if key[0] in TABLES]

    def read_manifest(self, table: str, batch_id: str) -> dict[str, Any]:
        """The manifest written with the batch, as plain values. Raises `QualityGate` if the lake has lost it."""
        try:
            manifest: dict[str, Any] = orjson.loads(self.storage.read_file(_find_key(table, batch_id), MANIFEST))
        except (FileNotFoundError, orjson.JSONDecodeError):
            raise describe_damage(table, batch_id, "its manifest is gone") from None
        return manifest

    def read_quarantine(self, table: str, batch_id: str) -> pa.Table:
        """The batch's rejected rows in `QUARANTINE_SCHEMA`."""
        return read_quarantine_files(self.find_folder(table, batch_id))

    def view(self, landings: Sequence[Landing], scratch: Path, open_engine: OpenEngine = DuckDBEngine) -> LakeView:
        """The canonical tables as the given landings make them; `scratch` takes what does not fit in memory."""
        return LakeView(self, landings, scratch, open_engine)

    def list_parts(self, table: str, batch_id: str) -> list[str]:
        """The Parquet files, on this machine, that hold the batch's rows; none if every row was rejected."""
        return [str(file) for file in sorted(self.find_folder(table, batch_id).glob("part-*.parquet"))]

    def remove_unfinished(self, before: datetime) -> list[str]:
        """The files removed that killed uploads left before that instant; a day before now spares those going on."""
        return self.storage.remove_unfinished(before)

    def copy_batch(self, table: str, batch_id: str, target: "Lake") -> None:
        """Put the same batch into `target`; one that is there stays. Raises `QualityGate` if it is not here."""
        key = _find_key(table, batch_id)
        if target.storage.holds(key) and not (target.root / key / MARK).exists():
            return
        source = self.storage.fetch(key)
        if not (source / MANIFEST).exists():
            raise describe_damage(table, batch_id, "its manifest is gone")
        staged = target.root / STAGING / name_leftover()
        try:
            shutil.copytree(source, staged)
            if not (staged / MARK).exists():
                revive_batch(target.root / key, staged)
            target.storage.put(staged, key)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def open_lake(home: Path, url: str | None) -> Lake:
    """The lake of an installation: the folder `lake` of its home, or where `url` says.

    Raises `ConfigurationError` if the URL can't be one of a lake; nothing is asked of a server yet.
    """
    if url is None:
        return Lake(home / LAKE)
    if not is_folder_url(url):
        # A folder for each lake: what one has lost must not be found among the copies of another.
        copies = home / CACHE / sha256(url.encode()).hexdigest()
        return Lake(copies, ObjectStorage(url, copies))
    folder = Path(url.removeprefix("file://"))
    if not folder.is_absolute() or any("=" in part for part in folder.parts):
        raise ConfigurationError(
            f"FIVESTAR_LAKE_URL is {describe_lake_url(url)}: it must name an absolute folder, file:///srv/lake, and "
            "no name on the way may hold an =, which what counts would read as a column of every table."
        )
    return Lake(folder)


def read_quarantine_files(folder: Path) -> pa.Table:
    """The rejected rows that lie in a batch's folder, in `QUARANTINE_SCHEMA`."""
    files = sorted(folder.glob("quarantine-*.parquet"))
    return pa.concat_tables([pq.read_table(file) for file in files]) if files else QUARANTINE_SCHEMA.empty_table()


def _find_key(table: str, batch_id: str) -> str:
    return f"{table}/{name_batch(batch_id)}"
