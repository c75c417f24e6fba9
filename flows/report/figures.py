"""What the report counts: totals of communities, stars, grades and money; no figure is about one worker."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from flows.results import STAR_TITLES, STARS, Community, MonthResult, RatingRow, StarRow, list_grades
from flows.wording import KINDS, POSTS, STAR_STATES, TAGS, describe_star_reason, list_indicator_titles

MANY_STARS_PATH = "five_star.alarms.many_stars"
MOST_STARS = 5

Counts = dict[str, dict[str, int]]
"""Counts by line and by series, both in the order shown."""

Direction = Literal["gained", "lost"]


@dataclass(frozen=True)
class KeyFigures:
    """The month in a few numbers; amounts in fen, empty while the pay base is unset."""

    community_count: int
    complete_count: int
    many_stars: int
    many_stars_count: int
    lit_count: int
    awaiting_count: int
    manual_count: int
    held_count: int
    monthly_difference_fen: int | None
    award_count: int


@dataclass(frozen=True)
class CommunityLine:
    """One community with its rating and its five stars, in the order of `STARS`.

    `directions` say of each star whether it was gained or lost since the month before. `net_change` is by how many
    stars the community has more or fewer; it is empty where there is nothing to compare with.
    """

    community: Community
    rating: RatingRow | None
    stars: tuple[StarRow | None, ...]
    directions: tuple[Direction | None, ...]
    net_change: int | None


@dataclass(frozen=True)
class StarChange:
    """A star that a community gained or lost since the month before, with the reasons for which it is not lit now."""

    community: Community
    star: str
    direction: Direction
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class CostLine:
    """What one group of workers with a current grade costs a month, in fen."""

    title: str
    worker_count: int
    current_fen: int
    proposed_fen: int

    @property
    def difference_fen(self) -> int:
        return self.proposed_fen - self.current_fen


def count_key_figures(result: MonthResult) -> KeyFigures:
    """The figures at the report's head."""
    kinds = Counter(proposal.kind for proposal in result.proposals)
    costs = list_costs_by_post(result)
    many_stars = find_many_stars(result)
    return KeyFigures(
        community_count=len(result.communities),
        complete_count=sum(rating.complete for rating in result.ratings),
        many_stars=many_stars,
        many_stars_count=sum(rating.stars >= many_stars for rating in result.ratings),
        lit_count=sum(row.state == "lit" for row in result.stars),
        awaiting_count=len(result.proposals) - kinds["none"] - kinds["hold"],
        manual_count=sum(proposal.needs_manual for proposal in result.proposals),
        held_count=kinds["hold"],
        monthly_difference_fen=sum(line.difference_fen for line in costs) if result.pay_lines else None,
        award_count=len(result.awards),
    )


def find_many_stars(result: MonthResult) -> int:
    """From how many stars on a community counts as one with many, by the policy in force."""
    return next(int(value.value) for value in result.policy_values if value.path == MANY_STARS_PATH)


def list_districts(result: MonthResult) -> dict[str, str]:
    """District names by code, in the order of codes."""
    return dict(sorted({row.district_code: row.district_name for row in result.communities}.items()))


def count_stars_by_district(result: MonthResult) -> Counts:
    """Communities of each district by number of lit stars, 5 first."""
    counts: Counts = {
        name: {str(stars): 0 for stars in range(MOST_STARS, -1, -1)} for name in list_districts(result).values()
    }
    districts = {row.community_code: row.district_code for row in result.communities}
    names = list_districts(result)
    for rating in result.ratings:
        counts[names[districts[rating.community_code]]][str(rating.stars)] += 1
    return counts


def count_star_states(result: MonthResult) -> Counts:
    """Communities by state, for each star."""
    counted: Counter[tuple[str, str]] = Counter((row.star, row.state) for row in result.stars)
    return {STAR_TITLES[star]: {state: counted[star, state] for state in STAR_STATES} for star in STARS}


def list_lines_by_district(
    result: MonthResult, previous_stars: Sequence[StarRow] | None
) -> dict[str, list[CommunityLine]]:
    """The communities of each district with their stars, best rank first and unranked last.

    `previous_stars` are those of the month before, if it was judged.
    """
    ratings = {row.community_code: row for row in result.ratings}
    stars = {(row.community_code, row.star): row for row in result.stars}
    compared = {row.community_code for row in previous_stars or ()}
    changes = list_star_changes(result, previous_stars or ())
    directions = {(change.community.community_code, change.star): change.direction for change in changes}
    names = list_districts(result)
    lines: dict[str, list[CommunityLine]] = {name: [] for name in names.values()}
    for community in result.communities:
        code = community.community_code
        own = tuple(directions.get((code, star)) for star in STARS)
        lines[names[community.district_code]].append(
            CommunityLine(
                community,
                ratings.get(code),
                tuple(stars.get((code, star)) for star in STARS),
                own,
                own.count("gained") - own.count("lost") if code in compared else None,
            )
        )
    for listed in lines.values():
        listed.sort(key=_place_line)
    return lines


def _place_line(line: CommunityLine) -> tuple[bool, int, str]:
    rank = line.rating.rank if line.rating else None
    return (rank is None, rank or 0, line.community.community_code)


def count_star_reasons(result: MonthResult) -> dict[str, int]:
    """How many stars each reason kept from being lit, the most frequent first."""
    titles = list_indicator_titles(result.policy_values)
    counted: Counter[str] = Counter(
        describe_star_reason(reason, titles) for row in result.stars for reason in row.reasons
    )
    return _order_by_count(counted)


def count_loss_reasons(changes: Sequence[StarChange]) -> dict[str, int]:
    """How many of the stars lost since the month before each reason took away, the most frequent first."""
    return _order_by_count(
        Counter(reason for change in changes if change.direction == "lost" for reason in change.reasons)
    )


def _order_by_count(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def list_star_changes(result: MonthResult, previous_stars: Sequence[StarRow]) -> list[StarChange]:
    """Stars gained and lost by communities that were rated in both months, by district and community."""
    titles = list_indicator_titles(result.policy_values)
    communities = {row.community_code: row for row in result.communities}
    before = {(row.community_code, row.star): row.state for row in previous_stars}
    changes = []
    for row in result.stars:
        was = before.get((row.community_code, row.star))
        community = communities.get(row.community_code)
        if was is None or community is None or (was == "lit") == (row.state == "lit"):
            continue
        reasons = tuple(describe_star_reason(reason, titles) for reason in row.reasons)
        direction: Direction = "gained" if row.state == "lit" else "lost"
        changes.append(StarChange(community, row.star, direction, reasons))
    order = {star: index for index, star in enumerate(STARS)}
    return sorted(changes, key=lambda c: (c.community.district_code, c.community.community_code, order[c.star]))


def count_changes(changes: Sequence[StarChange]) -> Counts:
    """Gained and lost stars, for each star."""
    counted = Counter((change.star, change.direction) for change in changes)
    return {STAR_TITLES[star]: {"gained": counted[star, "gained"], "lost": counted[star, "lost"]} for star in STARS}


def count_grades(result: MonthResult) -> Counts:
    """Workers at each grade now and as proposed; who has no grade yet counts only as proposed."""
    now = Counter(proposal.current_grade for proposal in result.proposals)
    then = Counter(proposal.proposed_grade for proposal in result.proposals)
    return {str(grade): {"current": now[grade], "proposed": then[grade]} for grade in list_grades(result.proposals)}


def count_kinds(result: MonthResult) -> Counts:
    """Proposals by kind and post."""
    counted: Counter[tuple[str, str]] = Counter((row.kind, row.post) for row in result.proposals)
    return {title: {post: counted[kind, post] for post in POSTS} for kind, title in KINDS.items()}


def list_costs_by_district(result: MonthResult) -> list[CostLine]:
    """Monthly cost by district, of workers whose current and proposed pay are both known."""
    districts = {row.community_code: row.district_name for row in result.communities}
    names = [*list_districts(result).values(), "其他"]
    groups = {row.staff_id: districts.get(row.community_code, "其他") for row in result.proposals}
    return _sum_costs(result, groups, names)


def list_costs_by_post(result: MonthResult) -> list[CostLine]:
    """Monthly cost by post, of workers whose current and proposed pay are both known."""
    return _sum_costs(result, {row.staff_id: POSTS[row.post] for row in result.proposals}, list(POSTS.values()))


def _sum_costs(result: MonthResult, groups: Mapping[str, str], names: Sequence[str]) -> list[CostLine]:
    totals: dict[str, dict[str, int]] = defaultdict(dict)
    for line in result.pay_lines:
        totals[line.staff_id][line.basis] = line.total_fen
    sums: dict[str, list[int]] = {name: [0, 0, 0] for name in names}
    for staff_id, name in groups.items():
        own = totals.get(staff_id, {})
        if "current" in own and "proposed" in own:
            for index, value in enumerate((1, own["current"], own["proposed"])):
                sums[name][index] += value
    return [CostLine(name, *figures) for name, figures in sums.items() if figures[0]]


def count_tags(result: MonthResult) -> dict[str, int]:
    """Policy values by how far they can be trusted."""
    counted = Counter(value.tag for value in result.policy_values)
    return {tag: counted[tag] for tag in TAGS}
