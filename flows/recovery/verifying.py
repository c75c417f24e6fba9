"""A backup examined: every file to the byte, the ledger read in anew, its decisions followed, its batches there."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.disk import DiskFull
from flows.errors import ConfigurationError, QualityGate
from flows.house import Progress, ignore_progress
from flows.lake import Lake
from flows.ledger import Ledger
from flows.ledger.dump import Dump, load_ledger
from flows.recovery.batches import list_faults
from flows.recovery.files import list_damage
from flows.recovery.record import LAKE, LEDGER, BackupRecord, BatchRecord, read_record

FAULTS_SHOWN = 10


@dataclass(frozen=True)
class Verification:
    """What was found: nothing in `faults` if the backup can be restored whole."""

    record: BackupRecord
    faults: tuple[str, ...]


def verify_backup(
    folder: Path, *, deep: bool = False, lake: Lake | None = None, progress: Progress = ignore_progress
) -> Verification:
    """What is wrong with the backup in `folder`; `deep` reads every row of its batches, too.

    The batches of one that has none are looked for in `lake`, if given. The ledger is read into a database of its
    own, which is removed at the end.
    """
    record = read_record(folder)
    progress("files", 0)
    faults = list(list_damage(folder, record.files))
    if not any(fault.startswith(f"{LEDGER}/") for fault in faults):
        progress("ledger", 0)
        faults += _examine_ledger(folder, record)
    place = Lake(folder / LAKE) if record.has_batches else lake
    if place is not None:
        progress("batches", len(record.batches))
        faults += list_faults(place, _list_whole(record), deep=deep)
    faults += [f"{fault} (already so when the backup was made)" for fault in record.lacking]
    return Verification(record, tuple(faults))


def refuse_faults(what: str, faults: Sequence[str], advice: str) -> None:
    """Raise `QualityGate` that names the faults, if there are any."""
    if faults:
        shown = "\n".join(f"  {fault}" for fault in faults[:FAULTS_SHOWN])
        more = f"\n  and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        raise QualityGate(f"{what}:\n{shown}{more}\n{advice}")


def examine_chain(url: str, record: BackupRecord) -> list[str]:
    """What is wrong with the decisions of the ledger at `url`, held to the record."""
    ledger = Ledger.open(url)
    try:
        state = ledger.reviews.examine_chain(ledger.list_chain_heads())
    finally:
        ledger.close()
    if state.fault:
        return [f"decisions: {state.fault}"]
    if "review_chain" not in record.row_counts:
        return []  # of a schema without a chain: migrating has begun one
    if (state.entry_count, state.head) != (record.chain_entry_count, record.chain_head):
        return [f"decisions: {state.entry_count} entries are there, and {record.chain_entry_count} were written"]
    return []


def _list_whole(record: BackupRecord) -> list[BatchRecord]:
    """The batches but for those that were lacking: these are told apart."""
    lacking = {fault.split(" ")[0].rstrip(":") for fault in record.lacking}
    return [batch for batch in record.batches if batch.folder not in lacking]


def _examine_ledger(folder: Path, record: BackupRecord) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="fivestar-backup-") as scratch:
        url = f"sqlite:///{Path(scratch) / 'ledger.sqlite'}"
        try:
            load_ledger(url, folder / LEDGER, Dump(record.schema_revision, record.row_counts))
        except QualityGate as error:
            return [str(error)]
        except DiskFull:  # of this machine, and no fault of the backup
            raise
        except ConfigurationError as error:
            return [f"{LEDGER}: can't be read in: {error}"]
        return examine_chain(url, record)
