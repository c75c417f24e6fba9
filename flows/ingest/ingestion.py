"""Ingest: one source or all of them, one month or several, registers first."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from flows.errors import ConfigurationError
from flows.house import Clock, House, Progress, ignore_progress, record_step
from flows.ingest.coverage import BEGINNING
from flows.ingest.crosscheck import add_findings, judge_across_tables
from flows.ingest.describe.records import Window
from flows.ingest.describe.source import Source, load_sources
from flows.ingest.pull import pull_source
from flows.ingest.reports import PullReport
from flows.month import Month
from flows.policy import load_policy
from flows.schema import REFERENCE_TABLES, TABLES

PARTS: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in REFERENCE_TABLES},
    "facts": tuple(name for name in TABLES if name not in REFERENCE_TABLES),
}
"""What is pulled together: each register others are checked against, then all the rest."""

PULLS_AT_ONCE = 8
"""Threads wait for platforms most of the time; with more sources than this a slow one would hold up another."""


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


def ingest_source(
    house: House,
    source: Source,
    window: Window | None,
    clock: Clock,
    *,
    month: Month | None = None,
    tables: Collection[str] | None = None,
    narrowed_only: bool = False,
    progress: Progress = ignore_progress,
) -> PullReport:
    """Pull one source, wholly or only some of its tables; what went wrong stands in the report.

    Without a window each resource goes on from where it was read to.
    """

    def tell(label: str, count: int) -> None:
        progress(label if month is None else f"{month} {label}", count)

    with record_step(house, "ingest", clock, month=month, subject=_name_part(source, tables)) as counts:
        report = pull_source(
            house, source, window=window, now=clock(), tables=tables, narrowed_only=narrowed_only, progress=tell
        )
        counts.update(
            received=sum(pull.received_count for pull in report.pulls),
            landed=sum(pull.landed_count for pull in report.pulls),
            rejected=sum(pull.rejected_count for pull in report.pulls),
            error=report.error,
            warnings=report.warnings,
        )
    return report


def _name_part(source: Source, tables: Collection[str] | None) -> str:
    """What an outcome is about: the source, or one of its registers, which is read on its own.

    A register that was read in time must not hide that the facts after it fail.
    """
    registers = [table for table in REFERENCE_TABLES if table in (tables or ())]
    return "/".join([source.platform, *registers])


def ingest_sources(
    house: House,
    sources: Sequence[Source],
    window: Window | None,
    clock: Clock,
    *,
    month: Month | None = None,
    narrowed_only: bool = False,
    failed: Collection[str] = (),
    progress: Progress = ignore_progress,
) -> list[PullReport]:
    """Pull every source part by part, each part from all sources at once, each source on its own.

    Then judge what no source can be judged for alone. Sources of which a register has `failed` before are not asked.
    """

    def ingest(source: Source, tables: Collection[str]) -> PullReport:
        return ingest_source(
            house, source, window, clock, month=month, tables=tables, narrowed_only=narrowed_only, progress=progress
        )

    reports: list[PullReport] = []
    with ThreadPoolExecutor(max_workers=PULLS_AT_ONCE) as pool:
        for tables in PARTS.values():
            failed = {*failed, *(report.platform for report in reports if report.error is not None)}
            chosen = select_sources(house, sources, tables, failed)
            reports.extend(pool.map(lambda source, tables=tables: ingest(source, tables), chosen))
    return add_findings(reports, judge_across_tables(house, sources))


def ingest_months(
    house: House,
    sources: Sequence[Source],
    months: Sequence[Month],
    clock: Clock,
    *,
    progress: Progress = ignore_progress,
) -> list[PullReport]:
    """Pull several months one after another, each a batch of its own; what no window narrows only once.

    A source of which such a register failed is not asked for the months after either.
    """
    reports: list[PullReport] = []
    for place, month in enumerate(months):
        reports += ingest_sources(
            house,
            sources,
            month_window(house, month),
            clock,
            month=month,
            narrowed_only=place > 0,
            failed=[report.platform for report in reports if _lacks_register(report)],
            progress=progress,
        )
    return reports


def _lacks_register(report: PullReport) -> bool:
    """Whether a register failed that is pulled once for all months."""
    return any(
        pull.error is not None and pull.table in REFERENCE_TABLES and pull.window[0] == BEGINNING
        for pull in report.pulls
    )


def select_sources(
    house: House, sources: Sequence[Source], tables: Collection[str], failed: Collection[str] = ()
) -> list[Source]:
    """The sources to ask for one part's tables; `failed` are those of which an earlier part failed.

    A source whose register failed is not asked for more; the others go on, unless there is no register at all yet:
    then every row would be rejected for its community.
    """
    if failed and not any(landing.table == "communities" for landing in house.ledger.list_landings()):
        return []
    return [source for source in sources if source.platform not in failed and not source.tables.isdisjoint(tables)]
