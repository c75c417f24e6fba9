"""One installation with its stores open: what every step is handed, and how a step leaves its outcome."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from flows.clock import load_wrong_until, refuse_wrong_clock
from flows.condensed import condense_landings
from flows.disk import explain_full_disk
from flows.engines import choose_engine
from flows.errors import ConfigurationError, FivestarError, QualityGate
from flows.lake import STAGING, Lake, LakeView, Landing, open_lake, remove_leftovers
from flows.ledger import Ledger
from flows.ledger.locks import Confirm, MonthLocks, name_process
from flows.ledger.results import RevisionRecord
from flows.locks import hold_file
from flows.logs import log_begin, log_end, log_warning
from flows.month import CITY_ZONE, Month
from flows.policy import Policy, list_policy_values, read_archived_policy, shorten_fingerprint
from flows.results import Inputs, Lineage, MissingWorker, MonthResult, SourceStatus
from flows.settings import Settings

SCRATCH = "scratch"

UNEXPECTED = "stopped by an unexpected error"
"""What an outcome says of an error that isn't the program's own: its text could hold a person's data."""

Clock = Callable[[], datetime]
"""Tells the present instant; handed down from the command line or a flow."""

_HELD: ContextVar[Mapping[tuple[str, str], Confirm]] = ContextVar("held months", default=MappingProxyType({}))
"""The months that this line of execution holds, tasks that a flow starts included."""

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

    @property
    def landing_lock(self) -> Path:
        """The file whose lock landings share, from the first batch in the lake until the ledger names them.

        Retention has it alone while it empties batches: it must know which of them are landing again.
        """
        return self.settings.home / "locks" / "landing.lock"

    def list_readable(self) -> list[Landing]:
        """Every landing whose rows the lake has, condensed batches in the place of those that it has no more."""
        return condense_landings(self.ledger.list_landings(), self.ledger.retention.list_condensations())

    def view(self, landings: list[Landing] | None = None) -> LakeView:
        """The canonical tables as all landings make them, or as the given ones do."""
        chosen = self.ledger.list_landings() if landings is None else landings
        chosen = condense_landings(chosen, self.ledger.retention.list_condensations())
        scratch = self.settings.home / SCRATCH
        return self.lake.view(chosen, scratch, choose_engine(self.settings, scratch))

    def refuse_wrong_clock(self, now: datetime) -> None:
        """Nothing if the clock may be right. Raises `ConfigurationError` if the ledger knows a later instant."""
        refuse_wrong_clock(now, self.ledger.find_newest_instant(), load_wrong_until(self.settings.config))

    @contextmanager
    def hold_month(self, month: Month, step: str, clock: Clock) -> Iterator[None]:
        """The month for this run alone, on all machines that share the ledger; inside it may be asked for again.

        Raises `SourceUnavailable`, after an outcome row of the step, if another run holds it, or if this one has lost
        it; `ConfigurationError` if the clock is wrong. A kill lets go of it.
        """
        key, held = (self.settings.database_url, str(month)), _HELD.get()
        if key in held:
            held[key]()
            yield
            return
        with ExitStack() as stack:
            try:
                self.refuse_wrong_clock(clock())
                confirm = stack.enter_context(lock_month(self.settings.home, self.ledger.months, month, step, clock))
            except FivestarError as error:
                with suppress(FivestarError), record_step(self, step, clock, month=month) as counts:
                    counts["error"] = error
                raise
            before = _HELD.set({**held, key: confirm})
            stack.callback(_HELD.reset, before)
            yield


@contextmanager
def lock_month(home: Path, months: MonthLocks, month: Month, step: str, clock: Clock) -> Iterator[Confirm]:
    """The month for this process alone: by the database where it can, else by a file in the home.

    Raises `SourceUnavailable` if another process holds it.
    """
    refusal = f"{month}: another run is working on this month."
    if months.hold_across_machines:
        with months.hold(month, step, refusal) as confirm:
            yield confirm
        return
    since = clock().astimezone(CITY_ZONE).isoformat(timespec="seconds")
    file = home / "locks" / f"{month}.lock"
    with hold_file(file, refusal, f"{step} {name_process()} since {since}"):
        yield lambda: None


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

    Of what is put into it `policy_fingerprint` goes into the row's own column, `error`, a text or an error, fails the
    step without raising, and `warnings` are only logged. Raises `DiskFull` for whatever failed for want of room.
    """
    counts: dict[str, Any] = {}
    about = (step, None if month is None else str(month), subject)
    log_begin(*about)
    started_at = clock()

    def end(error: object) -> None:
        for warning in counts.pop("warnings", ()):
            log_warning(*about, warning)
        exit_code, message, finished_at = _classify(error), str(error or ""), clock()
        fingerprint = counts.pop("policy_fingerprint", None)
        seconds = (finished_at - started_at).total_seconds()
        log_end(*about, message=message, exit_code=exit_code, counts=counts, seconds=seconds)
        house.ledger.record_outcome(
            step=step,
            month=about[1],
            subject=subject,
            ok=exit_code is None,
            message=message,
            exit_code=exit_code,
            policy_fingerprint=fingerprint,
            counts=counts,
            started_at=started_at,
            finished_at=finished_at,
        )

    try:
        with explain_full_disk(house.settings.home):
            yield counts
    except BaseException as error:
        with suppress(FivestarError):  # a ledger out of reach: the step's own error tells more
            end(error if isinstance(error, FivestarError) else UNEXPECTED)
        raise
    end(counts.pop("error", None))


def _classify(error: object) -> int | None:
    """The exit code of what failed a step, nothing if nothing did; a text stands for an error of no class."""
    if isinstance(error, FivestarError):
        return error.exit_code
    return FivestarError.exit_code if error else None
