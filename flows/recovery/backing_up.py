"""A backup made: ledger, results, configuration and batches of an installation in one folder, whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from importlib.metadata import version
from pathlib import Path

from flows.code import fingerprint_code
from flows.errors import SourceUnavailable, UsageError
from flows.house import Clock, Progress, ignore_progress, lock_month
from flows.lake import STAGING, Lake, name_leftover, open_lake, remove_leftovers
from flows.ledger import Ledger
from flows.ledger.dump import Dump, dump_ledger, read_rows
from flows.ledger.engine import open_engine
from flows.ledger.locks import MonthLocks
from flows.locks import hold_file
from flows.month import Month
from flows.outputs import OUTPUTS, MonthFolder
from flows.recovery.batches import find_fault, list_batch_files, list_landed
from flows.recovery.files import FILE_MODE, FileRecord, keep_file, list_files, make_private_folder, record_file
from flows.recovery.record import CONFIG, FORMAT, LAKE, LEDGER, RECORD, BackupRecord, BatchRecord, write_record
from flows.retired import find_lock
from flows.settings import Settings

STAMP = "%Y%m%dT%H%M%SZ"
NO_HASH = "0" * 64

READINGS_MAX = 3
"""How often ledger and results are read because a month was judged meanwhile."""


@dataclass(frozen=True)
class Backup:
    """A backup made: where it lies and what it holds."""

    folder: Path
    record: BackupRecord


def make_backup(
    settings: Settings,
    target: Path,
    clock: Clock,
    *,
    with_batches: bool = True,
    progress: Progress = ignore_progress,
) -> Backup:
    """The installation as it is now, in `target/<UTC instant>/`; what older backups hold there is linked, not copied.

    Without batches their digests are kept, so that a restore can tell whether the lake is whole. Raises `UsageError`
    if `target` lies among what is backed up, and `SourceUnavailable` if a month's results are being written.
    """
    made_at = clock().astimezone(UTC)
    folder = target.resolve() / made_at.strftime(STAMP)
    lake = open_lake(settings.home, settings.lake_url)
    _refuse_place(settings, lake, folder)
    lock = hold_file(find_lock(settings.home), "backup: retention is emptying batches.", "a backup")
    with lock, _stage(folder) as staged, closing(lake):
        making = _Making(settings, lake, staged, _find_earlier(folder), progress)
        dump = making.keep_judged(clock)
        making.keep_tree(settings.config, CONFIG)
        batches = making.keep_batches(copy=with_batches)
        chain = list(read_rows(staged / LEDGER, "review_chain"))
        landing_nos = [row["id"] for row in read_rows(staged / LEDGER, "landings")]
        record = BackupRecord(
            format=FORMAT,
            made_at=made_at,
            software_version=version("fivestar"),
            code_fingerprint=fingerprint_code(),
            schema_revision=dump.schema_revision,
            row_counts=dump.row_counts,
            chain_entry_count=len(chain),
            chain_head=chain[-1]["entry_hash"] if chain else NO_HASH,
            newest_landing_no=max(landing_nos, default=0),
            has_batches=with_batches,
            files=making.files,
            batches=batches,
            lacking=making.lacking,
        )
        write_record(staged, record)
    return Backup(folder, record)


@dataclass
class _Making:
    """What a backup holds so far."""

    settings: Settings
    lake: Lake
    staged: Path
    earlier: Path | None
    progress: Progress
    files: dict[str, FileRecord] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)

    def keep_judged(self, clock: Clock) -> Dump:
        """The ledger, and the results that it knows: both anew if a month was judged between them.

        A run that was killed before its revision was recorded leaves such results for good: the next one mends them.
        Raises `SourceUnavailable` if months go on being judged.
        """
        known: dict[str, int] = {}
        for _ in range(READINGS_MAX):
            dump = self._dump_ledger()
            with closing(Ledger(open_engine(self.settings.database_url))) as ledger:
                self.keep_outputs(ledger.months, clock)
            unknown = self._find_unknown()
            if unknown in ({}, known):
                return dump
            known = unknown
        raise SourceUnavailable(
            f"backup: {', '.join(known)} was judged anew each time that the results were read. Back up when it has "
            "ended."
        )

    def _dump_ledger(self) -> Dump:
        self.progress("ledger", 0)
        self.files.clear()
        for name in (LEDGER, OUTPUTS):
            shutil.rmtree(self.staged / name, ignore_errors=True)
        make_private_folder(self.staged / LEDGER)
        dump = dump_ledger(self.settings.database_url, self.staged / LEDGER)
        self._record_dump()
        return dump

    def _find_unknown(self) -> dict[str, int]:
        """The kept months whose results are of another revision than the kept ledger's newest, with theirs."""
        newest: dict[str, int] = {}
        for row in read_rows(self.staged / LEDGER, "revisions"):
            newest[row["month"]] = max(row["revision"], newest.get(row["month"], 0))
        months = sorted(folder.name for folder in (self.staged / OUTPUTS).glob("*"))
        shown = {month: MonthFolder(self.staged, month).find_revision() for month in months}
        return {month: it for month, it in shown.items() if it is not None and it != newest.get(month)}

    def _record_dump(self) -> None:
        for name, file in list_files(self.staged / LEDGER).items():
            file.chmod(FILE_MODE)
            self.files[f"{LEDGER}/{name}"] = record_file(file)

    def keep_outputs(self, months: MonthLocks, clock: Clock) -> None:
        """The results of each month, while nobody writes them."""
        for folder in sorted((self.settings.home / OUTPUTS).glob("[0-9]*")):
            self.progress(f"results of {folder.name}", len(self.files))
            with lock_month(self.settings.home, months, Month.parse(folder.name), "backup", clock):
                self.keep_tree(folder, f"{OUTPUTS}/{folder.name}")

    def keep_tree(self, source: Path, name: str) -> None:
        for path, file in list_files(source).items():
            self.files[f"{name}/{path}"] = self._keep(file, f"{name}/{path}")

    def keep_batches(self, *, copy: bool) -> list[BatchRecord]:
        """A record of every batch that the ledger written out names; what the lake has lost of them is lacking."""
        kept: list[BatchRecord] = []
        rows = (read_rows(self.staged / LEDGER, name) for name in ("landings", "condensations"))
        for batch in list_landed(*rows):
            self.progress("batches", len(kept))
            fault = find_fault(self.lake, batch)
            self.lacking += [fault] if fault else []
            files = {
                name: self._keep(file, f"{LAKE}/{batch.folder}/{name}") if copy else record_file(file)
                for name, file in list_batch_files(self.lake, batch).items()
            }
            kept.append(BatchRecord(batch.table, batch.batch_id, batch.row_count, batch.rejected_count, files))
        return kept

    def _keep(self, file: Path, name: str) -> FileRecord:
        earlier = None if self.earlier is None else self.earlier / name
        return keep_file(file, self.staged / name, earlier)


def _refuse_place(settings: Settings, lake: Lake, folder: Path) -> None:
    for kept in (lake.root, settings.home / OUTPUTS, settings.config):
        if folder.is_relative_to(kept.resolve()):
            raise UsageError(f"{folder.parent}: lies in {kept}, which is backed up. Name a folder elsewhere.")
    if folder.exists():
        raise UsageError(f"{folder}: there is a backup of this second already. Start again.")


def _find_earlier(folder: Path) -> Path | None:
    """The newest whole backup beside it."""
    others = sorted(file.parent for file in folder.parent.glob(f"[0-9]*/{RECORD}"))
    return others[-1] if others else None


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """A folder to be filled, which is then renamed to `folder`; removed if anything fails."""
    staging = folder.parent / STAGING
    make_private_folder(staging)
    remove_leftovers(staging)
    staged = staging / name_leftover()
    make_private_folder(staged)
    try:
        yield staged
        staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
