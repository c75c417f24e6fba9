"""A month's stars: from canonical tables to every community's indicators, stars and rating (policy §1–§3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.calendar import CityCalendar
from flows.evaluate.counts import Counts, count_month, list_communities
from flows.evaluate.indicators import measure_indicators
from flows.evaluate.ratings import find_alarms, rate_communities
from flows.evaluate.scheme import read_scheme
from flows.evaluate.stars import judge_stars
from flows.lake import TableView
from flows.month import Month
from flows.policy import PolicyAt
from flows.results import Community, IndicatorRow, RatingRow, StarRow


@dataclass(frozen=True)
class CommunityAssessment:
    """A month's star results, by community code, and the counts that they were judged from."""

    communities: Sequence[Community]
    indicators: Sequence[IndicatorRow]
    stars: Sequence[StarRow]
    ratings: Sequence[RatingRow]
    alarms: Sequence[str]
    counts: Counts


def assess_communities(
    view: TableView, policy_at: PolicyAt, month: Month, presence: Mapping[str, bool]
) -> CommunityAssessment:
    """The stars and ratings of the communities valid on the month's last day; none if no community is (policy §3.5).

    `policy_at` is the policy of the month's last day; it also counts the months before that indicators may sum.
    `presence` says of each source whether it is present for the month (policy §3.3). Raises `ConfigurationError`.
    """
    scheme = read_scheme(policy_at)
    counts = count_month(view, scheme, CityCalendar.from_policy(policy_at), month)
    communities = list_communities(view.table("communities"), month.last_on)
    indicators = measure_indicators(counts, scheme, communities)
    stars = judge_stars(communities, indicators, counts, scheme, presence)
    ratings = rate_communities(communities, stars)
    alarms = find_alarms(ratings, counts.incidents, scheme.alarms, month)
    return CommunityAssessment(communities, indicators, stars, ratings, alarms, counts)
