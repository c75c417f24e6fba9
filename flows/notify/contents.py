"""What each message may say: its placeholders, declared as the fields of one class a message.

A template may name these fields and no others. None of them holds a worker's name, a staff id or an amount of money
(domain.md, PIPL art. 25).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flows.notify.alert_contents import DataQualityAlarm, OverdueDigest, PlatformSilent, RunFailure

Tier = Literal["community", "street", "district", "city"]
MessageName = Literal[
    "star_card",
    "district_ranking",
    "hr_digest",
    "review_reminder",
    "publication_notice",
    "sanity_alarm",
    "missing_contacts",
    "overdue_digest",
    "overdue_digest_street",
    "overdue_digest_district",
    "platform_silent",
    "data_quality_alarm",
    "run_failure",
]

LABEL = "月度监测结果（暂定）"
"""Stands on every result that is shown: the official title is annual (domain.md)."""


@dataclass(frozen=True)
class StarLine:
    """One star on a card; `last_state` is empty if last month is not known."""

    title: str
    mark: str
    state: str
    score: str
    reasons: tuple[str, ...]
    last_state: str


@dataclass(frozen=True)
class LastMonth:
    """How the community stood a month earlier; `stars_change` is positive if it gained."""

    stars_count: int
    total_score: str
    rank: int | None
    stars_change: int


@dataclass(frozen=True)
class StarCard:
    """One community's month. `rank` is empty where data is incomplete."""

    label: str
    month: str
    district_name: str
    street_name: str
    community_name: str
    stars_count: int
    total_score: str
    rank: int | None
    ranked_count: int
    lines: tuple[StarLine, ...]
    last_month: LastMonth | None


@dataclass(frozen=True)
class RankedCommunity:
    """One place in a district's ranking."""

    rank: int
    community_name: str
    street_name: str
    stars_count: int
    total_score: str


@dataclass(frozen=True)
class NotedCommunity:
    """A community listed apart, with the stars that put it there; never with reasons."""

    community_name: str
    street_name: str
    star_titles: tuple[str, ...]


@dataclass(frozen=True)
class DistrictRanking:
    """One district's communities by rank; those with a vetoed, withheld or unjudged star are also listed apart."""

    label: str
    month: str
    district_name: str
    community_count: int
    ranked: tuple[RankedCommunity, ...]
    vetoed: tuple[NotedCommunity, ...]
    withheld: tuple[NotedCommunity, ...]
    incomplete: tuple[NotedCommunity, ...]


@dataclass(frozen=True)
class KindCount:
    """How many proposals are of one kind."""

    title: str
    count: int


@dataclass(frozen=True)
class HrDigest:
    """How many proposals await HR, and how; no worker, no amount."""

    month: str
    effective_on: str
    staff_count: int
    kinds: tuple[KindCount, ...]
    to_decide_count: int
    manual_count: int
    held_count: int
    workbook_name: str
    pay_base_is_set: bool
    proposal_digests: tuple[str, ...] = ()
    """What each open proposal says, as its SHA-256: by it a correction counts those that say otherwise."""


@dataclass(frozen=True)
class ReviewReminder:
    """How many of the month's proposals still await HR, and for how many working days; no worker, no amount."""

    month: str
    opened_on: str
    working_day_count: int
    open_count: int
    manual_count: int
    workbook_name: str


@dataclass(frozen=True)
class PublicationNotice:
    """How many of the month's grades are in the register by now, and how many are not."""

    month: str
    effective_on: str
    entered_count: int
    left_count: int


@dataclass(frozen=True)
class MissingSource:
    """A source that was not present for the month, and what shows it."""

    title: str
    platform: str
    evidence: str


@dataclass(frozen=True)
class SanityAlarm:
    """What engineers should look at before anyone relies on the month (policy §6)."""

    month: str
    alarms: tuple[str, ...]
    missing_sources: tuple[MissingSource, ...]


@dataclass(frozen=True)
class MissingContact:
    """A unit that can't be written to in one role; `is_unusable` if its channel can't use the one it has."""

    unit_name: str
    unit_code: str
    role_title: str
    is_unusable: bool


@dataclass(frozen=True)
class MissingContacts:
    """Which units have no contact for a message that is meant for them; the first of them, and how many more."""

    month: str
    unit_count: int
    rows: tuple[MissingContact, ...]
    left_count: int


@dataclass(frozen=True)
class Correction:
    """What a later revision changed in a message that its reader has; `subject` is the message's own.

    `headline` is the first change and how many there are; `told_on` the day on which the reader was sent the message.
    """

    subject: str
    headline: str
    told_on: str
    earlier_revision: int
    revision: int
    changes: tuple[str, ...]


Content = (
    StarCard
    | DistrictRanking
    | HrDigest
    | ReviewReminder
    | PublicationNotice
    | SanityAlarm
    | OverdueDigest
    | PlatformSilent
    | DataQualityAlarm
    | RunFailure
    | MissingContacts
)


@dataclass(frozen=True)
class MessageKind:
    """A message's content class, whose data it holds, and what its template may not leave out."""

    content: type[Content | Correction]
    tier: Tier
    required: frozenset[str]
    required_in_subject: frozenset[str] = frozenset()


OVERDUE_REQUIRED = frozenset({"counted_at", "unit_name", "overdue_count", "events", "left_count", "stale_sources"})

KINDS: Mapping[MessageName, MessageKind] = {
    "star_card": MessageKind(StarCard, "community", frozenset({"label", "month", "community_name", "lines"})),
    "district_ranking": MessageKind(
        DistrictRanking, "district", frozenset({"label", "month", "district_name", "ranked"})
    ),
    "hr_digest": MessageKind(HrDigest, "city", frozenset({"month", "to_decide_count"})),
    "review_reminder": MessageKind(
        ReviewReminder, "city", frozenset({"month", "opened_on", "working_day_count", "open_count", "manual_count"})
    ),
    "publication_notice": MessageKind(PublicationNotice, "city", frozenset({"month", "entered_count", "left_count"})),
    "sanity_alarm": MessageKind(SanityAlarm, "city", frozenset({"month", "alarms", "missing_sources"})),
    "missing_contacts": MessageKind(MissingContacts, "city", frozenset({"unit_count", "rows", "left_count"})),
    "overdue_digest": MessageKind(OverdueDigest, "community", OVERDUE_REQUIRED | {"due_soon_count"}),
    "overdue_digest_street": MessageKind(OverdueDigest, "street", OVERDUE_REQUIRED),
    "overdue_digest_district": MessageKind(OverdueDigest, "district", OVERDUE_REQUIRED),
    "platform_silent": MessageKind(PlatformSilent, "city", frozenset({"title", "read_at", "next_at"})),
    "data_quality_alarm": MessageKind(DataQualityAlarm, "city", frozenset({"title", "day", "is_stopped", "pulls"})),
    "run_failure": MessageKind(RunFailure, "city", frozenset({"deployment", "state", "message", "description"})),
}

CORRECTION = "correction"
CORRECTION_KIND = MessageKind(
    Correction, "city", frozenset({"told_on", "changes"}), required_in_subject=frozenset({"subject"})
)
"""What goes before a message that corrects an earlier one, to whomever that went."""
