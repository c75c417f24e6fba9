"""A judged month as messages: each unit's own results, in words, ready to be queued."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flows.errors import QualityGate
from flows.exact import format_decimal
from flows.ledger import Ledger
from flows.ledger.results import RevisionRecord
from flows.month import Month
from flows.notify.contents import (
    LABEL,
    Content,
    DistrictRanking,
    HrDigest,
    KindCount,
    LastMonth,
    MessageName,
    MissingSource,
    NotedCommunity,
    PublicationNotice,
    RankedCommunity,
    ReviewReminder,
    SanityAlarm,
    StarCard,
    StarLine,
)
from flows.notify.recipients import CITY
from flows.outputs import WORKBOOK
from flows.policy import PolicyValue
from flows.results import AWAITING_KINDS, STAR_TITLES, STARS, Community, Proposal, RatingRow, StarRow, StarState
from flows.wording import (
    KINDS,
    PLATFORMS,
    STAR_MARKS,
    STAR_STATES,
    describe_star_reason,
    format_day,
    format_month,
    list_indicator_titles,
)

SCORE_PLACES = 2


@dataclass(frozen=True)
class UnitContent:
    """What one message says about one unit; `number` ends its key where one revision may need it again."""

    message: MessageName
    unit_code: str
    content: Content
    number: str = ""


@dataclass(frozen=True)
class _Standing:
    """The stars and ratings of one revision, by community."""

    communities: Sequence[Community]
    ratings: Mapping[str, RatingRow]
    stars: Mapping[tuple[str, str], StarRow]


@dataclass(frozen=True)
class MonthContents:
    """What a revision of a month has to say."""

    revision: int
    contents: Sequence[UnitContent]


def list_month_contents(
    ledger: Ledger, month: Month, policy_values: Iterable[PolicyValue], revision: int | None = None
) -> MonthContents:
    """The month's star cards, rankings, HR digest and, if there is cause, sanity alarm, one for each unit.

    They are those of `revision`, or else of the newest. `policy_values` name the indicators in reasons. Raises
    `QualityGate` if the month has not been evaluated.
    """
    record = _find_revision(ledger, month, revision)
    now = _read_standing(ledger, month, record.revision)
    last = ledger.results.find_latest(str(month.plus(-1)))
    before = _read_standing(ledger, month.plus(-1), last.revision) if last else _Standing((), {}, {})
    proposals = ledger.results.list_proposals(str(month), record.revision)
    base_is_set = bool(ledger.results.list_pay_lines(str(month), record.revision))
    digests = ledger.reviews.map_digests(str(month), record.revision)
    hr_digest = _digest_proposals(month, record.effective_on, proposals, digests, base_is_set=base_is_set)
    contents = [
        *_describe_communities(month, now, before, list_indicator_titles(policy_values)),
        *_describe_districts(month, now),
        UnitContent("hr_digest", CITY, hr_digest),
        *_describe_alarms(month, record),
    ]
    return MonthContents(record.revision, contents)


def describe_publication(ledger: Ledger, month: Month, *, entered_count: int, left_count: int) -> MonthContents:
    """The notice that `entered_count` of the month's grades are in the register by now and `left_count` are not.

    Raises `QualityGate` if the month has not been evaluated.
    """
    record = _find_revision(ledger, month)
    notice = PublicationNotice(format_month(month), format_day(record.effective_on), entered_count, left_count)
    return MonthContents(record.revision, [UnitContent("publication_notice", CITY, notice)])


def describe_open_review(
    ledger: Ledger, month: Month, *, opened_on: date, working_day_count: int, open_count: int, manual_count: int
) -> MonthContents:
    """The reminder that `open_count` of the month's proposals have awaited HR for so many working days.

    Raises `QualityGate` if the month has not been evaluated.
    """
    record = _find_revision(ledger, month)
    reminder = ReviewReminder(
        month=format_month(month),
        opened_on=format_day(opened_on),
        working_day_count=working_day_count,
        open_count=open_count,
        manual_count=manual_count,
        workbook_name=WORKBOOK,
    )
    return MonthContents(record.revision, [UnitContent("review_reminder", CITY, reminder)])


def _find_revision(ledger: Ledger, month: Month, revision: int | None = None) -> RevisionRecord:
    results = ledger.results
    record = results.find_latest(str(month)) if revision is None else results.find_revision(str(month), revision)
    if record is None:
        raise QualityGate(
            f"{month} has no result to tell anyone. Evaluate it first: fivestar evaluate --month {month}."
        )
    return record


def _read_standing(ledger: Ledger, month: Month, revision: int) -> _Standing:
    key = (str(month), revision)
    return _Standing(
        communities=ledger.results.list_communities(*key),
        ratings={row.community_code: row for row in ledger.results.list_ratings(*key)},
        stars={(row.community_code, row.star): row for row in ledger.results.list_stars(*key)},
    )


def _describe_communities(
    month: Month, now: _Standing, before: _Standing, titles: Mapping[str, str]
) -> Iterator[UnitContent]:
    ranked_counts: dict[str, int] = {}
    for rating in now.ratings.values():
        if rating.rank is not None:
            ranked_counts[rating.district_code] = ranked_counts.get(rating.district_code, 0) + 1
    for community in now.communities:
        code = community.community_code
        rating = now.ratings[code]
        card = StarCard(
            label=LABEL,
            month=format_month(month),
            district_name=community.district_name,
            street_name=community.street_name,
            community_name=community.name,
            stars_count=rating.stars,
            total_score=format_decimal(rating.total_score, SCORE_PLACES),
            rank=rating.rank,
            ranked_count=ranked_counts.get(rating.district_code, 0),
            lines=tuple(
                _describe_star(now.stars[code, star], before.stars.get((code, star)), titles)
                for star in STARS
                if (code, star) in now.stars
            ),
            last_month=_compare(rating, before.ratings.get(code)),
        )
        yield UnitContent("star_card", code, card)


def _describe_star(row: StarRow, last: StarRow | None, titles: Mapping[str, str]) -> StarLine:
    return StarLine(
        title=STAR_TITLES[row.star],
        mark=STAR_MARKS[row.state],
        state=STAR_STATES[row.state],
        score=format_decimal(row.score, SCORE_PLACES),
        reasons=tuple(describe_star_reason(reason, titles) for reason in row.reasons),
        last_state=STAR_STATES[last.state] if last else "",
    )


def _compare(rating: RatingRow, last: RatingRow | None) -> LastMonth | None:
    if last is None:
        return None
    return LastMonth(
        stars_count=last.stars,
        total_score=format_decimal(last.total_score, SCORE_PLACES),
        rank=last.rank,
        stars_change=rating.stars - last.stars,
    )


def _describe_districts(month: Month, now: _Standing) -> Iterator[UnitContent]:
    by_district: dict[str, list[Community]] = {}
    for community in now.communities:
        by_district.setdefault(community.district_code, []).append(community)
    for district_code, communities in by_district.items():
        ranking = DistrictRanking(
            label=LABEL,
            month=format_month(month),
            district_name=communities[0].district_name,
            community_count=len(communities),
            ranked=tuple(_list_ranked(communities, now.ratings)),
            vetoed=tuple(_list_noted(communities, now.stars, "vetoed")),
            withheld=tuple(_list_noted(communities, now.stars, "withheld")),
            incomplete=tuple(_list_noted(communities, now.stars, "insufficient_data")),
        )
        yield UnitContent("district_ranking", district_code, ranking)


def _list_ranked(communities: Sequence[Community], ratings: Mapping[str, RatingRow]) -> list[RankedCommunity]:
    """The ranked communities, best first; those that tie by code."""
    places = []
    for community in communities:
        rating = ratings[community.community_code]
        if rating.rank is not None:
            score = format_decimal(rating.total_score, SCORE_PLACES)
            places.append(RankedCommunity(rating.rank, community.name, community.street_name, rating.stars, score))
    return sorted(places, key=lambda place: place.rank)


def _list_noted(
    communities: Sequence[Community], stars: Mapping[tuple[str, str], StarRow], state: StarState
) -> Iterator[NotedCommunity]:
    for community in communities:
        rows = [stars.get((community.community_code, star)) for star in STARS]
        found = tuple(STAR_TITLES[row.star] for row in rows if row is not None and row.state == state)
        if found:
            yield NotedCommunity(community.name, community.street_name, found)


def _digest_proposals(
    month: Month,
    effective_on: date,
    proposals: Sequence[Proposal],
    digests: Mapping[str, str],
    *,
    base_is_set: bool,
) -> HrDigest:
    counts = {kind: sum(1 for row in proposals if row.kind == kind) for kind in KINDS}
    awaiting = [row for row in proposals if row.kind in AWAITING_KINDS]
    return HrDigest(
        month=format_month(month),
        effective_on=format_day(effective_on),
        staff_count=len(proposals),
        kinds=tuple(KindCount(title, counts[kind]) for kind, title in KINDS.items()),
        to_decide_count=len(awaiting),
        manual_count=sum(1 for row in awaiting if row.needs_manual),
        held_count=counts["hold"],
        workbook_name=WORKBOOK,
        pay_base_is_set=base_is_set,
        proposal_digests=tuple(sorted(digests[row.staff_id] for row in awaiting)),
    )


def _describe_alarms(month: Month, record: RevisionRecord) -> Iterator[UnitContent]:
    """One message if a share is out of its range or a source was not present; otherwise none (policy §6)."""
    missing = tuple(
        MissingSource(PLATFORMS.get(source["platform"], source["platform"]), source["platform"], source["evidence"])
        for source in record.inputs["sources"]
        if not source["present"]
    )
    if record.alarms or missing:
        alarm = SanityAlarm(format_month(month), tuple(record.alarms), missing)
        yield UnitContent("sanity_alarm", CITY, alarm)
