"""Which sources were present for a month (policy §3.3)."""

from collections.abc import Sequence
from datetime import datetime

from flows.house import House
from flows.ingest.describe.source import Source
from flows.ledger import PullRecord
from flows.month import Month
from flows.results import SourceStatus


def find_source_status(
    house: House, sources: Sequence[Source], month: Month, cutoff_at: datetime
) -> list[SourceStatus]:
    """For each source whether it was present for `month`, and what shows it.

    It was if of each of its resources the latest pull whose window holds the month up to `cutoff_at` ended complete.
    """
    return [_find_status(house, source, month, cutoff_at) for source in sources]


def _find_status(house: House, source: Source, month: Month, cutoff_at: datetime) -> SourceStatus:
    latest: dict[str, PullRecord] = {}
    for pull in house.ledger.list_pulls(source.platform):
        if pull.window_from_at <= month.starts_at and pull.window_to_at >= cutoff_at:
            latest[pull.resource] = pull
    lacking = sorted(set(source.resources) - set(latest))
    if lacking:
        return SourceStatus(source.platform, False, f"no pull of {', '.join(lacking)} holds {month} up to its cutoff")
    failed = [latest[name] for name in source.resources if latest[name].status != "complete"]
    if failed:
        told = ", ".join(f"{pull.resource} ({pull.status}, pull {pull.id})" for pull in failed)
        return SourceStatus(source.platform, False, f"the latest pull did not end complete: {told}")
    numbers = ", ".join(str(number) for number in sorted(latest[name].id for name in source.resources))
    return SourceStatus(source.platform, True, f"pulls {numbers} hold {month} up to its cutoff and ended complete")
