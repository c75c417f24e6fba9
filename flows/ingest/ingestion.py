"""Ingest: one source or all of them, registers first."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from flows.errors import ConfigurationError
from flows.house import Clock, House, Progress, ignore_progress, record_step
from flows.ingest.describe.source import Source, load_sources
from flows.ingest.pull import pull_source
from flows.ingest.reports import PullReport, Window
from flows.month import Month
from flows.policy import load_policy
from flows.schema import REFERENCE_TABLES, TABLES

FACT_TABLES = tuple(name for name in TABLES if name not in REFERENCE_TABLES)
PULLS_AT_ONCE = 4


def read_sources(house: House, platform: str | None = None) -> list[Source]:
    """The configured sources, or the one asked for. Raises `ConfigurationError` if there is no such source."""
    sources = load_sources(house.settings.config / "platforms", house.settings.lookup)
    if platform is None:
        return sources
    chosen = [source for source in sources if source.platform == platform]
    if not chosen:
        known = ", ".join(source.platform for source in sources)
        raise ConfigurationError(f"there is no source {platform!r} in config/platforms. Configured: {known}.")
    return chosen


def month_window(house: House, month: Month) -> Window:
    """From the month's first instant to its cutoff (policy §1)."""
    policy = load_policy(house.settings.config / "policy").at(month.last_on)
    return month.starts_at, month.cutoff_at(policy.integer("five_star.cutoff_day"))


def select_sources(sources: Sequence[Source], tables: Collection[str]) -> list[Source]:
    """The sources that fill any of `tables`."""
    return [source for source in sources if not source.tables.isdisjoint(tables)]


def ingest_source(
    house: House,
    source: Source,
    window: Window,
    clock: Clock,
    *,
    month: Month | None = None,
    tables: Collection[str] | None = None,
    progress: Progress = ignore_progress,
) -> PullReport:
    """Pull one source, wholly or only some of its tables; what went wrong stands in the report."""

    def tell(label: str, count: int) -> None:
        progress(label if month is None else f"{month} {label}", count)

    with record_step(house, "ingest", clock, month=month, subject=source.platform) as counts:
        report = pull_source(house, source, window=window, now=clock(), tables=tables, progress=tell)
        counts.update(
            received=sum(pull.received_count for pull in report.pulls),
            landed=sum(pull.landed_count for pull in report.pulls),
            rejected=sum(pull.rejected_count for pull in report.pulls),
            error=report.error,
        )
    return report


def ingest_sources(
    house: House,
    sources: Sequence[Source],
    window: Window,
    clock: Clock,
    *,
    month: Month | None = None,
    progress: Progress = ignore_progress,
) -> list[PullReport]:
    """Pull every source: registers first, then all at once, each on its own (data.md, "registers land first")."""

    def ingest(source: Source, tables: Collection[str]) -> PullReport:
        return ingest_source(house, source, window, clock, month=month, tables=tables, progress=progress)

    reports = [ingest(source, REFERENCE_TABLES) for source in select_sources(sources, REFERENCE_TABLES)]
    failed = {report.platform for report in reports if report.error is not None}
    with ThreadPoolExecutor(max_workers=PULLS_AT_ONCE) as pool:
        reports.extend(
            pool.map(lambda source: ingest(source, FACT_TABLES), select_fact_sources(house, sources, failed))
        )
    return reports


def select_fact_sources(house: House, sources: Sequence[Source], failed: Collection[str]) -> list[Source]:
    """The sources to ask for facts after the registers were pulled; `failed` are those whose register could not be.

    A source whose register failed is not asked for more; the others go on, unless there is no register at all yet:
    then every row would be rejected for its community.
    """
    if failed and not any(landing.table == "communities" for landing in house.ledger.list_landings()):
        return []
    return [source for source in select_sources(sources, FACT_TABLES) if source.platform not in failed]
