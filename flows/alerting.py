"""The steps between two monthly results as plain functions: the morning's digests, and what engineers are told of."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.calendar import CityCalendar
from flows.evaluate.overdue import find_backlogs, read_ladder
from flows.findings import DoubtfulPulls, FailedRun, SilentSource
from flows.house import Clock, House, record_step
from flows.ingest.freshness import DoubtLimits, find_doubtful_pulls, find_silent_sources
from flows.ingest.ingestion import read_sources
from flows.month import city_day
from flows.notify.alerts import (
    queue_failure_alarm,
    queue_overdue_digests,
    queue_quality_alarms,
    queue_silence_alarms,
)
from flows.notify.config import load_notify_config
from flows.notify.outbox import QueueReport
from flows.notify.recipients import load_contacts
from flows.policy import load_policy


@dataclass(frozen=True)
class DigestReport:
    """What the morning's look at overdue events queued; on a day off it looks at nothing."""

    is_working_day: bool
    unit_count: int = 0
    queued: int = 0
    already: int = 0
    without_contact: Sequence[str] = ()
    stale_sources: Sequence[str] = ()


@dataclass(frozen=True)
class FreshnessReport:
    """The sources that are silent, the pulls to look at, and how many alarms of either are new."""

    silent: Sequence[SilentSource]
    doubtful: Sequence[DoubtfulPulls]
    queued: int
    without_contact: Sequence[str]


def queue_daily_digests(house: House, clock: Clock) -> DigestReport:
    """Queue every unit's digest of overdue events, by the ladder of policy §6; on days off do nothing.

    Again on the same day adds nothing.
    """
    with record_step(house, "daily_alerts", clock) as counts:
        now = clock()
        policy = load_policy(house.settings.config / "policy").at(city_day(now))
        calendar = CityCalendar.from_policy(policy)
        if not calendar.is_working_day(city_day(now)):
            return DigestReport(is_working_day=False)
        config = load_notify_config(house.settings.config)
        stale = [source.title for source in find_silent_sources(house, read_sources(house), now)]
        with house.view() as view:
            contacts = load_contacts(view, config.channels)
            backlogs = find_backlogs(view, read_ladder(policy), calendar, now)
        report = queue_overdue_digests(house.ledger, config, contacts, backlogs, stale)
        counts.update(units=len(backlogs.units), **_count(report))
    return DigestReport(True, len(backlogs.units), report.queued, report.already, report.without_contact, stale)


def watch_platforms(house: House, clock: Clock) -> FreshnessReport:
    """Queue for engineers which sources have fallen silent and which pulls to look at; what was told is not again."""
    with record_step(house, "platform_freshness", clock) as counts:
        now = clock()
        config = load_notify_config(house.settings.config)
        sources = read_sources(house)
        limits = DoubtLimits(config.alarms.rejected_pct, config.alarms.rejected_rows_minimum)
        silent = find_silent_sources(house, sources, now)
        doubtful = find_doubtful_pulls(house, sources, limits, now)
        with house.view() as view:
            contacts = load_contacts(view, config.channels)
        reports = [
            queue_silence_alarms(house.ledger, config, contacts, silent, now),
            queue_quality_alarms(house.ledger, config, contacts, doubtful, now),
        ]
        queued = sum(report.queued for report in reports)
        missing = sorted({unit for report in reports for unit in report.without_contact})
        counts.update(silent=len(silent), doubtful=len(doubtful), queued=queued, without_contact=missing)
    return FreshnessReport(silent, doubtful, queued, missing)


def report_failure(house: House, failed: FailedRun, clock: Clock) -> QueueReport:
    """Queue for engineers that a run failed, once a deployment and day."""
    with record_step(house, "report_failure", clock, subject=failed.deployment) as counts:
        config = load_notify_config(house.settings.config)
        with house.view() as view:
            contacts = load_contacts(view, config.channels)
        report = queue_failure_alarm(house.ledger, config, contacts, failed, clock())
        counts.update(_count(report))
    return report


def _count(report: QueueReport) -> dict[str, object]:
    return {"queued": report.queued, "already": report.already, "without_contact": report.without_contact}
