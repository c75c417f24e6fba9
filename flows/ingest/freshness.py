"""Sources that have fallen silent, and pulls that engineers should look at: worked out from the ledger alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from flows.findings import DoubtfulPulls, PullFinding, SilentSource
from flows.house import House
from flows.ingest.coverage import LOOKED, STOPPED
from flows.ingest.describe.source import Card, Source
from flows.ledger import PullRecord
from flows.month import city_day, start_of_day

PERCENT = 100
NEVER_READ = 0


@dataclass(frozen=True)
class DoubtLimits:
    """A pull is doubted if more than this share of its records was rejected, and at least so many of them."""

    rejected_pct: int
    rejected_rows_minimum: int


def find_silent_sources(house: House, sources: Sequence[Source], now: datetime) -> list[SilentSource]:
    """The sources of which some resource was not read completely for longer than their card's `silent_after`.

    What was never read counts from the installation's first pull on; before that nothing is silent.
    """
    first_at = house.ledger.readings.find_first_started_at()
    if first_at is None:
        return []
    read = house.ledger.readings.list_newest(complete_only=True)
    tried = house.ledger.readings.list_newest(complete_only=False)
    silent = []
    for source in sources:
        allowed = (source.card or Card.model_validate({})).silent_after
        if allowed is None:
            continue
        found = {name: read.get((source.platform, name)) for name in source.resources}
        late = {name: pull for name, pull in found.items() if now - _find_end(pull, first_at) > allowed}
        if not late:
            continue
        longest = min(late, key=lambda name: (_find_end(late[name], first_at), name))
        pull, last = late[longest], tried.get((source.platform, longest))
        silent.append(
            SilentSource(
                platform=source.platform,
                title=source.title,
                resources=sorted(late),
                read_at=pull.finished_at if pull else None,
                pull_id=pull.id if pull else NEVER_READ,
                late_since_at=_find_end(pull, first_at) + allowed,
                last_status=last.status if last else "",
            )
        )
    return silent


def find_doubtful_pulls(
    house: House, sources: Sequence[Source], limits: DoubtLimits, now: datetime
) -> list[DoubtfulPulls]:
    """The doubtful pulls that ended yesterday or today in the city, by day and source, stopped ones apart.

    A pull that found exactly what the one before it had found tells nothing new.
    """
    titles = {source.platform: source.title for source in sources}
    since_at = start_of_day(city_day(now) - timedelta(days=1))
    grouped: dict[tuple[str, str, bool], list[PullRecord]] = {}
    for pull in house.ledger.readings.list_ended_since(since_at):
        if pull.platform in titles and _is_doubtful(pull, limits) and not _is_known(house, pull):
            key = (str(_find_day(pull)), pull.platform, pull.status in STOPPED)
            grouped.setdefault(key, []).append(pull)
    return [
        DoubtfulPulls(
            platform=platform,
            title=titles[platform],
            day=_find_day(pulls[0]),
            is_stopped=is_stopped,
            pulls=[_describe_pull(pull) for pull in _keep_newest(pulls)],
        )
        for (_, platform, is_stopped), pulls in sorted(grouped.items())
    ]


def _find_end(pull: PullRecord | None, first_at: datetime) -> datetime:
    return first_at if pull is None else pull.finished_at or pull.started_at


def _find_day(pull: PullRecord) -> date:
    return city_day(pull.finished_at or pull.started_at)


def _is_doubtful(pull: PullRecord, limits: DoubtLimits) -> bool:
    """Whether the pull was stopped, or warned, or had more rejected than the limits allow."""
    if pull.status in STOPPED:
        return True
    if pull.status not in LOOKED:
        return False
    share_pct = Fraction(PERCENT * pull.rejected_count, pull.received_count or 1)
    is_much = share_pct > limits.rejected_pct and pull.rejected_count >= limits.rejected_rows_minimum
    return is_much or bool(pull.warnings)


def _is_known(house: House, pull: PullRecord) -> bool:
    earlier = house.ledger.readings.find_earlier(pull, LOOKED | STOPPED)
    return earlier is not None and _read_findings(earlier) == _read_findings(pull)


def _read_findings(pull: PullRecord) -> tuple[object, ...]:
    return pull.status in STOPPED, pull.message, dict(pull.reason_counts), list(pull.warnings)


def _keep_newest(pulls: Iterable[PullRecord]) -> list[PullRecord]:
    """Of each resource the newest pull, by resource."""
    newest = {pull.resource: pull for pull in pulls}
    return [pull for _, pull in sorted(newest.items())]


def _describe_pull(pull: PullRecord) -> PullFinding:
    return PullFinding(
        resource=pull.resource,
        status=pull.status,
        received_count=pull.received_count,
        rejected_count=pull.rejected_count,
        reason_counts=pull.reason_counts,
        warnings=pull.warnings,
        message=pull.message,
    )
