"""The steps of the monthly cycle as plain functions: what the command line and Prefect's flows both call.

Each step reads and writes the stores only, leaves an outcome row, and can be repeated safely. The order of the steps
stands in `flows.monthly` for Prefect and in `run_month` for everyone else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.calendar import CityCalendar
from flows.errors import ConfigurationError, FivestarError, QualityGate, join_failures
from flows.house import Clock, House, Progress, ignore_progress, record_step
from flows.ingest.datadocs.site import INDEX, find_data_docs, write_data_docs
from flows.ingest.ingestion import ingest_sources, month_window, read_sources
from flows.ingest.reports import PullReport
from flows.inputs import gather_inputs, judge_inputs
from flows.month import Month, city_day
from flows.notify.alerts import withdraw_expired
from flows.notify.attachments import make_attach
from flows.notify.config import load_notify_config
from flows.notify.delivery import deliver_messages
from flows.notify.outbox import QueueReport, queue_month_messages, queue_publication_notice
from flows.notify.pace import Pace
from flows.notify.recipients import load_contacts
from flows.notify.simulation import Show
from flows.notify.tally import DeliveryReport
from flows.notify.timing import make_hold
from flows.outputs import ARREARS, MonthFolder, format_arrears
from flows.policy import load_policy
from flows.results import count_result
from flows.review.payroll.files import format_payroll_files
from flows.review.publication import PublishReport, publish
from flows.review.rows import find_revision, list_standing_lines
from flows.revisions import Assessment, write_revision

DELIVERY_SECONDS = 30
"""How long a delivery waits for its providers' limits, unless it is told otherwise."""


@dataclass(frozen=True)
class RunReport:
    """What a whole cycle did; `failures` are the sources that could not be used."""

    pulls: Sequence[PullReport]
    assessment: Assessment
    queued: QueueReport
    failures: Sequence[FivestarError]
    contact_faults: Sequence[str] = ()
    """What is wrong with contacts that have landed."""


def assess_month(
    house: House,
    month: Month,
    clock: Clock,
    *,
    policy_folder: Path | None = None,
    progress: Progress = ignore_progress,
) -> Assessment:
    """Judge a month from landed data and put its files in place; equal inputs keep the revision (policy §3.6).

    Raises `SourceUnavailable` if another run is working on the month.
    """
    with house.hold_month(month, "evaluate", clock), record_step(house, "evaluate", clock, month=month) as counts:
        progress(f"judging {month}", 0)
        inputs = gather_inputs(house, month, policy_folder or house.settings.config / "policy")
        with house.view(list(inputs.landings)) as view:
            result = judge_inputs(inputs, view)
            counts["policy_fingerprint"] = result.inputs.policy_fingerprint
            counts.update(count_result(result))
            progress(f"writing the results of {month}", 0)
            assessment = write_revision(house, inputs, result, view, clock)
        counts["revision"] = assessment.record.revision
    return assessment


def open_review(house: House, assessment: Assessment, clock: Clock) -> dict[str, int]:
    """The number of proposals of each kind that now stand before HR."""
    with record_step(house, "open_review", clock, month=assessment.result.month) as counts:
        for proposal in assessment.result.proposals:
            counts[proposal.kind] = counts.get(proposal.kind, 0) + 1
        counts["needs_manual"] = sum(proposal.needs_manual for proposal in assessment.result.proposals)
    return counts


def check_contacts(house: House, clock: Clock, month: Month | None = None) -> list[str]:
    """What is wrong with the contacts that have landed, told right after an import; no name, no address."""
    with record_step(house, "check_contacts", clock, month=month) as counts:
        try:
            channels = load_notify_config(house.settings.config).channels
        except ConfigurationError as error:
            counts["error"] = error
            return [f"contacts were not held to what their channels take: {error}"]
        with house.view() as view:
            faults = load_contacts(view, channels).faults
        counts["unusable"] = [f"{fault.unit_code}:{fault.role}" for fault in faults]
    return [
        f"{fault}. Nothing is sent there: correct it in the contacts, then ingest them again." for fault in faults
    ]


def queue_messages(house: House, month: Month, clock: Clock) -> QueueReport:
    """Queue the month's messages: star cards, rankings, HR's digest, and alarms if there is cause."""
    with record_step(house, "notify", clock, month=month) as counts:
        config = load_notify_config(house.settings.config)
        with house.view() as view:
            contacts = load_contacts(view, config.channels)
        policy_values = load_policy(house.settings.config / "policy").at(month.last_on).values()
        report = queue_month_messages(
            house.ledger, config, contacts, month=month, policy_values=policy_values, queued_at=clock()
        )
        counts.update(
            queued=report.queued,
            already=report.already,
            unchanged=report.unchanged,
            without_contact=report.without_contact,
        )
    return report


def deliver(
    house: House,
    clock: Clock,
    *,
    mode: str | None = None,
    for_seconds: int | None = None,
    show: Show | None = None,
    progress: Progress = ignore_progress,
) -> DeliveryReport:
    """Deliver what waits in the outbox, in the mode given or configured, waiting for limits `for_seconds` at most."""
    with record_step(house, "deliver", clock) as counts:
        config = load_notify_config(house.settings.config)
        withdraw_expired(house.ledger, clock())
        report = deliver_messages(
            house.settings.home,
            house.ledger,
            config,
            mode=mode,
            clock=clock,
            lookup=house.settings.lookup,
            progress=progress,
            pace=Pace(for_seconds=DELIVERY_SECONDS if for_seconds is None else for_seconds),
            hold=make_hold(config.timing, _read_calendar(house, clock()), house.ledger.outbox.count_delivered),
            show=show,
            attach=make_attach(house.settings.home, config),
        )
        counts.update(
            delivered=report.delivered,
            simulated=report.simulated,
            suppressed=report.suppressed,
            failed=report.failed,
            waiting=report.waiting,
            error=report.find_error(),
        )
    return report


def run_month(
    house: House, month: Month, clock: Clock, *, offline: bool = False, progress: Progress = ignore_progress
) -> RunReport:
    """The whole monthly cycle up to open review: ingest, Data Docs, evaluate, open review, queue messages.

    A source that fails is told in the report, and the month is judged without it. Where it can't be judged at all,
    the failed sources are the likely cause: the error says so, and has their class. Raises `SourceUnavailable` if
    another run is working on the month.
    """
    sources = read_sources(house)
    load_notify_config(house.settings.config)  # a mistake in it stops the run before anything is written
    with house.hold_month(month, "run", clock):
        reports = (
            []
            if offline
            else ingest_sources(house, sources, month_window(house, month), clock, month=month, progress=progress)
        )
        failures = [report.error for report in reports if report.error is not None]
        contact_faults = check_contacts(house, clock, month)
        document_quality(house, month, clock, only_missing=offline, progress=progress)
        try:
            assessment = assess_month(house, month, clock, progress=progress)
        except FivestarError as error:
            raise add_causes(error, failures) from None
        open_review(house, assessment, clock)
        queued = queue_messages(house, month, clock)
        return RunReport(reports, assessment, queued, failures, contact_faults)


def document_quality(
    house: House, month: Month, clock: Clock, *, only_missing: bool = False, progress: Progress = ignore_progress
) -> Path:
    """The first page of the month's Data Docs, written anew from the ledger, or only if they are missing."""
    folder = find_data_docs(house.settings.home, month)
    if only_missing and folder.exists():
        return folder / INDEX
    with record_step(house, "data_docs", clock, month=month):
        progress(f"writing the Data Docs of {month}", 0)
        return write_data_docs(house, month, folder)


def add_causes(error: FivestarError, failures: Sequence[FivestarError]) -> FivestarError:
    """Why a month can't be judged: the failed sources first, with their class, then `error`; alone if none failed."""
    if not failures:
        return error
    cause = join_failures(failures)
    return type(cause)(f"{cause}\n{error}")


def publish_month(house: House, month: Month, clock: Clock) -> PublishReport:
    """Put approved proposals into the register, write what payroll needs, queue the notice.

    Again changes nothing, and puts files back that were lost. Raises `QualityGate`, before the register is touched,
    if the month's files are not there, and `SourceUnavailable` if another run is working on the month.
    """
    with house.hold_month(month, "publish", clock), record_step(house, "publish", clock, month=month) as counts:
        config = load_notify_config(house.settings.config)
        folder = MonthFolder(house.settings.home, find_revision(house.ledger, month).month)
        if folder.find_revision() is None:
            raise QualityGate(
                f"{folder.path}: the results are not there. Write them again: fivestar evaluate --month {month}."
            )
        report = publish(house.ledger, month, recorded_at=clock())
        counts.update(
            entered=report.entered_count,
            already=report.already_count,
            reversed=report.reversed_count,
            open=report.open_count,
            chain_head=house.ledger.reviews.find_head(),
        )
        folder.write_file(ARREARS, format_arrears(report.arrears))
        for name, content in format_payroll_files(house, month).items():
            folder.write_file(name, content)
        lines = house.ledger.register.list_month(str(month))
        if lines:
            with house.view() as view:
                contacts = load_contacts(view, config.channels)
            queue_publication_notice(
                house.ledger,
                config,
                contacts,
                month=month,
                entered_count=len(list_standing_lines(lines)),
                left_count=report.open_count,
                register_no=lines[-1].register_no,
                queued_at=clock(),
            )
    return report


def _read_calendar(house: House, now: datetime) -> CityCalendar:
    """The working days as they are entered today."""
    return CityCalendar.from_policy(load_policy(house.settings.config / "policy").at(city_day(now)))
