"""An installation at a glance: months × sources and steps, what runs between months, and what is overdue.

Everything is worked out from the ledger; nothing is written, and looking leaves no outcome.
"""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.house import House
from flows.ingest.describe.source import Source
from flows.ingest.freshness import find_silent_sources
from flows.ingest.ingestion import read_sources
from flows.ingest.status import Presence, find_presence
from flows.ledger.watching import MessageCount, RevisionHead, StepStanding
from flows.month import Month, find_last_closed_month
from flows.policy import Policy, load_policy
from flows.review.standing import ReviewStanding, find_standing

MONTHS_SHOWN = 6

NOT_REPEATED = frozenset({"compare", "letters", "replay", "replay_revision", "report_failure", "run"})
"""Steps whose failure no later success need follow.

A person starts and looks at them; `report_failure` tells of one run; `run` is only ever noted when it is refused.
"""

ENDED = frozenset({"delivered", "permanent_failure", "suppressed"})
"""The statuses in which a message stays unless a person acts."""


@dataclass(frozen=True)
class MonthBoard:
    """One month: how its sources are held, its newest revision, its review, its steps and its messages."""

    month: Month
    cutoff_at: datetime
    is_expected: bool
    """Whether it was to be judged: the installation had begun, or did judge it."""
    sources: Sequence[Presence]
    head: RevisionHead | None
    review: ReviewStanding | None
    steps: Sequence[StepStanding]
    messages: Sequence[MessageCount]

    def is_made_good(self, step: StepStanding) -> bool:
        """Whether a source that failed for the month was read since by another pull."""
        platform = (step.subject or "").partition("/")[0]
        held = {source.platform for source in self.sources if source.status == "complete"}
        return step.step == "ingest" and platform in held

    def list_failing(self) -> list[StepStanding]:
        """The steps of the month that fail and that nothing has made good."""
        return [step for step in self.steps if _fails(step) and not self.is_made_good(step)]


@dataclass(frozen=True)
class SourceBoard:
    """A source as it is read now: when the whole of it was last read completely, and since when that is late."""

    platform: str
    title: str
    read_at: datetime | None
    silent_since_at: datetime | None


@dataclass(frozen=True)
class Board:
    """The whole at one instant, the newest month first."""

    at: datetime
    months: Sequence[MonthBoard]
    sources: Sequence[SourceBoard]
    between: Sequence[StepStanding]
    """Steps that are about no month, such as an hourly pull."""
    waiting: Sequence[MessageCount]
    """Messages of any month that are still to go out."""
    disk_free_bytes: int

    def list_failing(self) -> list[StepStanding]:
        """Every step that fails, those about no month first."""
        found = [step for step in self.between if _fails(step)]
        return [*found, *(step for month in self.months for step in month.list_failing())]


def _fails(step: StepStanding) -> bool:
    return step.failing is not None and step.step not in NOT_REPEATED


def look_at_installation(
    house: House, now: datetime, *, month: Month | None = None, month_count: int = MONTHS_SHOWN
) -> Board:
    """How the installation stands at `now`, of months that one or the newest."""
    sources = read_sources(house)
    policy = load_policy(house.settings.config / "policy")
    first_month = _find_first_month(house)
    months = [month] if month is not None else _list_months(house, now, first_month, month_count)
    names = [str(each) for each in months]
    known = {source.platform for source in sources}
    standings = [step for step in house.ledger.watching.list_standings(names) if _is_configured(step, known)]
    messages = house.ledger.watching.count_messages(names)
    presence = find_presence(house, sources, {each: _find_cutoff(policy, each) for each in months})
    heads = {head.month: head for head in house.ledger.watching.list_heads(names)}
    return Board(
        at=now,
        months=[
            MonthBoard(
                month=each,
                cutoff_at=_find_cutoff(policy, each),
                is_expected=str(each) in heads or (first_month is not None and each >= first_month),
                sources=presence[each],
                head=heads.get(str(each)),
                review=find_standing(house.ledger, each) if str(each) in heads else None,
                steps=[step for step in standings if step.month == str(each)],
                messages=[count for count in messages if count.month == str(each)],
            )
            for each in months
        ],
        sources=_look_at_sources(house, sources, now),
        between=[step for step in standings if step.month is None],
        waiting=[count for count in messages if count.status not in ENDED],
        disk_free_bytes=shutil.disk_usage(house.settings.home).free,
    )


def _is_configured(step: StepStanding, platforms: Collection[str]) -> bool:
    """Whether the step still can run: a source that is configured no more is never read again."""
    return step.step != "ingest" or (step.subject or "").partition("/")[0] in platforms


def _find_first_month(house: House) -> Month | None:
    """The first month that was to be judged: the one closed last when the first pull began. Nothing before that."""
    first_at = house.ledger.readings.find_first_started_at()
    return None if first_at is None else find_last_closed_month(first_at)


def _list_months(house: House, now: datetime, first_month: Month | None, count: int) -> list[Month]:
    """The newest months, at most `count`: every closed one since the installation began, and older ones if judged."""
    judged = {Month.parse(month) for month in house.ledger.results.list_months()}
    last = find_last_closed_month(now)
    closed = {last.plus(-back) for back in range(count)}
    expected = {month for month in closed if first_month is not None and month >= first_month}
    return sorted(expected | judged, reverse=True)[:count]


def _find_cutoff(policy: Policy, month: Month) -> datetime:
    return month.cutoff_at(policy.at(month.last_on).integer("five_star.cutoff_day"))


def _look_at_sources(house: House, sources: Sequence[Source], now: datetime) -> list[SourceBoard]:
    silent: Mapping[str, datetime] = {
        found.platform: found.late_since_at for found in find_silent_sources(house, sources, now)
    }
    read = house.ledger.readings.list_newest(complete_only=True)
    found = []
    for source in sources:
        ends = [pull.finished_at for name in source.resources if (pull := read.get((source.platform, name)))]
        known = [end for end in ends if end is not None]
        read_at = min(known) if known and len(known) == len(source.resources) else None
        found.append(SourceBoard(source.platform, source.title, read_at, silent.get(source.platform)))
    return found
