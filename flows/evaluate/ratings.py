"""Each community's provisional monthly rating, its rank in its district, and the sanity alarm (policy §3.4, §6)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from flows.evaluate.scheme import AlarmRule
from flows.exact import format_decimal, round_half_up
from flows.month import Month
from flows.results import Community, RatingRow, StarRow

SCORE_PLACES = 2


def rate_communities(communities: Sequence[Community], stars: Sequence[StarRow]) -> list[RatingRow]:
    """One rating a community, in their order; incomplete ones have no rank (policy §3.4)."""
    rows: dict[str, list[StarRow]] = {community.community_code: [] for community in communities}
    for star in stars:
        rows[star.community_code].append(star)
    unranked = [_rate_community(community, rows[community.community_code]) for community in communities]
    ranks = rank_complete(unranked)
    return [
        RatingRow(
            community_code=row.community_code,
            district_code=row.district_code,
            stars=row.stars,
            total_score=row.total_score,
            complete=row.complete,
            rank=ranks.get(row.community_code),
        )
        for row in unranked
    ]


def rank_complete(ratings: Sequence[RatingRow]) -> dict[str, int]:
    """The rank of each complete community: 1 + the number of better ones in its district, so ties share (1, 2, 2, 4).

    Without a total score (vetoed, nothing scored) a community stands below any that has one.
    """
    districts: dict[str, list[RatingRow]] = defaultdict(list)
    for row in ratings:
        if row.complete:
            districts[row.district_code].append(row)
    ranks: dict[str, int] = {}
    for rows in districts.values():
        standings = sorted((find_standing(row) for row in rows), reverse=True)
        for row in rows:
            ranks[row.community_code] = standings.index(find_standing(row)) + 1
    return ranks


def find_standing(row: RatingRow) -> tuple[int, bool, Decimal]:
    """What communities of one district are ranked by, the greater the better (policy §3.4)."""
    return row.stars, row.total_score is not None, row.total_score or Decimal(0)


def find_alarms(
    ratings: Sequence[RatingRow], incidents: Mapping[str, int], rule: AlarmRule, month: Month
) -> list[str]:
    """Sentences for the engineers where the month's shares lie outside what policy expects (policy §6).

    `incidents` holds the number of confirmed incidents by community. Without a community there is nothing to doubt.
    """
    if not ratings:
        return []
    alarms = []
    many = Fraction(sum(row.stars >= rule.many_stars for row in ratings), len(ratings))
    if not rule.many_stars_share_minimum <= many <= rule.many_stars_share_maximum:
        alarms.append(
            f"{month}: {_percent(many)} of {len(ratings)} communities hold {rule.many_stars} stars or more. "
            f"Expected are {_percent(rule.many_stars_share_minimum)} to {_percent(rule.many_stars_share_maximum)} "
            "(policy §6, five_star.alarms). "
            "Look at the quarantine and at the sources' presence before anyone uses these results."
        )
    free = Fraction(sum(incidents.get(row.community_code, 0) == 0 for row in ratings), len(ratings))
    if free < rule.incident_free_share_minimum:
        alarms.append(
            f"{month}: {_percent(free)} of {len(ratings)} communities are without a confirmed incident. "
            f"Expected are at least {_percent(rule.incident_free_share_minimum)} (policy §6, five_star.alarms). "
            "Check the incidents' status and days as landed."
        )
    return alarms


def _rate_community(community: Community, stars: Sequence[StarRow]) -> RatingRow:
    scores = [Fraction(star.score) for star in stars if star.score is not None]
    return RatingRow(
        community_code=community.community_code,
        district_code=community.district_code,
        stars=sum(star.state == "lit" for star in stars),
        total_score=round_half_up(sum(scores, Fraction(0)) / len(scores), SCORE_PLACES) if scores else None,
        complete=all(star.state != "insufficient_data" for star in stars),
        rank=None,
    )


def _percent(share: Fraction) -> str:
    return f"{format_decimal(share * 100, 1)} %"
