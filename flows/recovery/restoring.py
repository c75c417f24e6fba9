"""A backup restored: results and batches first, the ledger last, so that one that was killed can be repeated."""

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ConfigurationError
from flows.house import Clock, House, Progress, ignore_progress, record_step
from flows.lake import Lake, open_lake
from flows.ledger import Ledger
from flows.ledger.dump import HELD, Dump, check_empty, load_ledger
from flows.ledger.outbox import OutboxRow
from flows.outputs import OUTPUTS
from flows.recovery.batches import list_faults
from flows.recovery.files import FileRecord, list_files, record_file
from flows.recovery.record import LAKE, LEDGER, BackupRecord
from flows.recovery.verifying import examine_chain, refuse_faults, verify_backup
from flows.settings import Settings

ASIDE = ".restoring"
"""How the name of a file ends that a restore is still writing."""


@dataclass(frozen=True)
class RestoreReport:
    """What was restored, which messages are held, and what is still lacking."""

    record: BackupRecord
    held: tuple[OutboxRow, ...]
    lacking: tuple[str, ...]


def restore_backup(
    settings: Settings, folder: Path, clock: Clock, *, progress: Progress = ignore_progress
) -> RestoreReport:
    """The installation as the backup in `folder` holds it, in a home and a database that are empty.

    Files that are there already must be those of the backup, to the byte, so a restore that was killed goes on, and a
    lake that was not lost is used. Raises `ConfigurationError` if anything else is there, and `QualityGate`, before
    anything is written, if the backup is damaged.
    """
    home = settings.home
    verification = verify_backup(folder, progress=progress)
    record = verification.record
    known = {f"{fault} (already so when the backup was made)" for fault in record.lacking}
    damage = [fault for fault in verification.faults if fault not in known]
    refuse_faults(f"{folder}: the backup is damaged", damage, "Restore another one; nothing was written.")
    home.mkdir(parents=True, exist_ok=True)
    check_empty(settings.database_url)
    wanted = _list_wanted(record)
    _refuse_strangers(home, wanted)
    progress("files", len(wanted))
    for name in wanted:
        _copy_whole(folder / name, home / name)
    if record.has_batches:
        _restore_batches(settings, folder, record)
    progress("ledger", 0)
    load_ledger(settings.database_url, folder / LEDGER, Dump(record.schema_revision, record.row_counts))
    return _finish(settings, record, clock)


def _finish(settings: Settings, record: BackupRecord, clock: Clock) -> RestoreReport:
    """The restored installation migrated, examined, and its outcome noted."""
    faults = examine_chain(settings.database_url, record)
    refuse_faults("the restored ledger is not the one of the backup", faults, "Restore another one.")
    lake = open_lake(settings.home, settings.lake_url)
    lacking = tuple(list_faults(lake, record.batches, deep=False))
    with House(settings, lake, Ledger.open(settings.database_url)) as house:
        held = tuple(it for it in house.ledger.outbox.list_messages() if it.detail == HELD)
        with record_step(house, "restore", clock, subject=record.made_at.isoformat()) as counts:
            counts.update(landings=record.newest_landing_no, held=len(held), lacking=len(lacking))
    return RestoreReport(record, held, lacking)


def _list_wanted(record: BackupRecord) -> dict[str, FileRecord]:
    """The result files that a home gets, by their path in the backup and in the home alike."""
    return {name: it for name, it in record.files.items() if name.startswith(f"{OUTPUTS}/")}


def _restore_batches(settings: Settings, folder: Path, record: BackupRecord) -> None:
    """Put the whole batches of the backup into the lake, wherever it is; one that is there stays as it is."""
    source, lacking = Lake(folder / LAKE), {fault.split(" ")[0].rstrip(":") for fault in record.lacking}
    with closing(open_lake(settings.home, settings.lake_url)) as lake:
        for batch in record.batches:
            if batch.folder not in lacking:
                source.copy_batch(batch.table, batch.batch_id, lake)


def _refuse_strangers(home: Path, wanted: dict[str, FileRecord]) -> None:
    """Raise `ConfigurationError` if the home holds results or batches that the backup knows otherwise, or not."""
    results = list_files(home / OUTPUTS).items()
    there = {f"{OUTPUTS}/{name}": file for name, file in results if not name.endswith(ASIDE)}
    there |= {name: home / name for name in wanted if (home / name).is_file()}
    for name, file in there.items():
        if name not in wanted or record_file(file) != wanted[name]:
            raise ConfigurationError(
                f"{file}: is not the backup's, and a restore replaces nothing. Move {home} aside and restore into an "
                "empty one."
            )


def _copy_whole(source: Path, target: Path) -> None:
    """The file at its place, whole or not at all; one that is there was found to be the same."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}{ASIDE}")
    shutil.copyfile(source, aside)
    aside.replace(target)
