"""What the comparison's page counts: communities, stars, grades and kinds of proposal under both policies."""

from collections import Counter
from collections.abc import Sequence

from flows.moves import CommunityMove, Comparison, WorkerMove
from flows.report.figures import MOST_STARS, Counts
from flows.results import STAR_TITLES, STARS
from flows.wording import KINDS, POSTS


def count_stars(moves: Sequence[CommunityMove]) -> Counts:
    """Communities by number of lit stars under both policies, 5 first."""
    before = Counter(move.before.stars for move in moves)
    after = Counter(move.after.stars for move in moves)
    return {str(stars): {"before": before[stars], "after": after[stars]} for stars in range(MOST_STARS, -1, -1)}


def count_moves_by_district(moves: Sequence[CommunityMove]) -> Counts:
    """Communities of each district with more stars (`gained`) and with fewer (`lost`), districts by code."""
    names = dict(sorted({move.community.district_code: move.community.district_name for move in moves}.items()))
    counted = Counter((move.community.district_code, move.direction) for move in moves)
    return {name: {"gained": counted[code, "up"], "lost": counted[code, "down"]} for code, name in names.items()}


def count_star_changes(moves: Sequence[CommunityMove]) -> Counts:
    """Communities that each star is gained and lost by."""
    gained = Counter(star for move in moves for star in move.gained)
    lost = Counter(star for move in moves for star in move.lost)
    return {STAR_TITLES[star]: {"gained": gained[star], "lost": lost[star]} for star in STARS}


def list_moved_communities(moves: Sequence[CommunityMove]) -> list[CommunityMove]:
    """The communities that gain or lose a star, by district and code."""
    moved = [move for move in moves if move.direction != "same"]
    return sorted(moved, key=lambda move: (move.community.district_code, move.community.community_code))


def count_grades_by_post(moves: Sequence[WorkerMove]) -> dict[str, Counts]:
    """For each post that has workers: workers at each proposed grade, from the lowest held to the highest."""
    counted = {}
    for post in POSTS:
        own = [move for move in moves if move.after.post == post]
        if own:
            before = Counter(move.before.proposed_grade for move in own)
            after = Counter(move.after.proposed_grade for move in own)
            held = {*before, *after}
            counted[post] = {
                str(grade): {"before": before[grade], "after": after[grade]}
                for grade in range(min(held), max(held) + 1)
            }
    return counted


def count_kinds(comparison: Comparison) -> Counts:
    """Proposals of each kind under both policies."""
    before: Counter[str] = Counter(move.before.kind for move in comparison.workers)
    after: Counter[str] = Counter(move.after.kind for move in comparison.workers)
    return {title: {"before": before[kind], "after": after[kind]} for kind, title in KINDS.items()}


def count_transitions(moves: Sequence[WorkerMove]) -> list[tuple[str, str, int]]:
    """Kinds of proposal that become another kind, with how many workers, the most frequent first."""
    counted = Counter(
        (KINDS[move.before.kind], KINDS[move.after.kind]) for move in moves if move.before.kind != move.after.kind
    )
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [(before, after, count) for (before, after), count in ordered]
