"""One installation with its stores open: what every step is handed, and how a step leaves its outcome."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from flows.engines import choose_engine
from flows.errors import ConfigurationError, FivestarError, QualityGate
from flows.lake import STAGING, Lake, LakeView, Landing, open_lake, remove_leftovers
from flows.ledger import Ledger
from flows.ledger.results import RevisionRecord
from flows.month import Month
from flows.policy import Policy, list_policy_values, read_archived_policy, shorten_fingerprint
from flows.results import Inputs, Lineage, MissingWorker, MonthResult, SourceStatus
from flows.settings import Settings

SCRATCH = "scratch"

Clock = Callable[[], datetime]
"""Tells the present instant; handed down from the command line or a flow."""

Progress = Callable[[str, int], None]
"""Takes a step's label and how many rows it has done so far."""


@dataclass(frozen=True)
class House:
    """Settings, lake and ledger of one installation; as a context manager it lets go of them at the end."""

    settings: Settings
    lake: Lake
    ledger: Ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()
        self.lake.close()

    def view(self, landings: list[Landing] | None = None) -> LakeView:
        """The canonical tables as all landings make them, or as the given ones do."""
        chosen = self.ledger.list_landings() if landings is None else landings
        scratch = self.settings.home / SCRATCH
        return self.lake.view(chosen, scratch, choose_engine(self.settings, scratch))


def open_house(settings: Settings) -> House:
    """The installation's stores, made and migrated if need be.

    Raises `ConfigurationError` if they cannot be made there.
    """
    if any("=" in part for part in settings.home.parts):
        raise ConfigurationError(
            f"{settings.home}: a folder on the way to it has a name with =, which what counts would read as a column "
            "of every table. Name another one with --home or FIVESTAR_HOME."
        )
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{settings.home}: no folder that can be made or used ({error.strerror}). "
            "Name another one with --home or FIVESTAR_HOME."
        ) from None
    lake = open_lake(settings.home, settings.lake_url)
    for folder in (lake.root / STAGING, settings.home / SCRATCH):
        remove_leftovers(folder)
    return House(settings, lake, Ledger.open(settings.database_url))


def load_archived_policy(house: House, fingerprint: str) -> Policy:
    """The policy that an old revision was judged by.

    Raises `QualityGate` if the archive lacks it, or holds another one under its fingerprint.
    """
    policy = read_archived_policy(house.ledger.archive.read_policy(fingerprint))
    if policy.fingerprint != fingerprint:
        raise QualityGate(
            f"policy {shorten_fingerprint(fingerprint)}: what the archive holds under it is policy "
            f"{shorten_fingerprint(policy.fingerprint)}, so what was judged by it can't be had again. The archive is "
            "append-only, so somebody has changed it, or this version of fivestar reads policies otherwise: restore "
            "the ledger from a backup, or use the version named in the revision's run.json."
        )
    return policy


def read_lineage(house: House, record: RevisionRecord) -> Lineage:
    """How a written revision stands to the earlier ones of its month."""
    changes = house.ledger.archive.list_changes(record.month, record.revision)
    return Lineage(record.compared_with, record.amends, changes)


def read_result(house: House, record: RevisionRecord) -> MonthResult:
    """The revision's whole result as the ledger keeps it: nothing is judged again.

    Raises `QualityGate` if the policy that it was judged by is not in the archive.
    """
    month, key, inputs = Month.parse(record.month), (record.month, record.revision), record.inputs
    figures = house.ledger.results.read_figures(*key)
    policy = load_archived_policy(house, inputs["policy_fingerprint"])
    return MonthResult(
        **vars(figures),
        month=month,
        effective_on=record.effective_on,
        cutoff_at=record.cutoff_at,
        inputs=Inputs(
            batch_ids=tuple(inputs["batch_ids"]),
            policy_fingerprint=policy.fingerprint,
            sources=tuple(SourceStatus(it["platform"], it["status"], it["evidence"]) for it in inputs["sources"]),
            register_digest=inputs["register_digest"],
            earlier_revision=inputs["earlier_revision"],
            register_no=inputs.get("register_no", 0),
            keeps_roster=inputs.get("keeps_roster", True),
        ),
        policy_values=list_policy_values(policy, month),
        communities=house.ledger.results.list_communities(*key),
        notices=record.notices,
        alarms=record.alarms,
        missing_workers=[MissingWorker(**worker) for worker in record.missing_workers or ()],
    )


def ignore_progress(_: str, __: int) -> None:
    """Progress that nobody watches."""


@contextmanager
def record_step(
    house: House, step: str, clock: Clock, *, month: Month | None = None, subject: str | None = None
) -> Iterator[dict[str, Any]]:
    """A mapping to put the step's counts into; its outcome row is written however the step ends.

    `policy_fingerprint` among the counts goes into the row's own column.
    """
    counts: dict[str, Any] = {}
    started_at = clock()
    ok, message = False, "stopped by an unexpected error"
    try:
        yield counts
        message = str(counts.pop("error", None) or "")
        ok = not message
    except FivestarError as error:
        message = str(error)
        raise
    finally:
        house.ledger.record_outcome(
            step=step,
            month=None if month is None else str(month),
            subject=subject,
            ok=ok,
            message=message,
            policy_fingerprint=counts.pop("policy_fingerprint", None),
            counts=counts,
            started_at=started_at,
            finished_at=clock(),
        )
