"""How well each community of the sandbox works: a target score for each month and star, with the planted stories."""

from dataclasses import dataclass, field

import numpy as np

from flows.sandbox.arrays import Array, open_stream
from flows.sandbox.places import ZONE_DISTRICT_CODE, Places

STARS = ("branch", "co_building", "enterprise", "safety", "wellbeing")
BRANCH, CO_BUILDING, ENTERPRISE, SAFETY, WELLBEING = range(5)

LIT = 80
"""The score at which a star is lit (policy §3.3); a target from here on is good."""

OUTSTANDING = 97
"""From here on every figure lies well beyond *full*."""

GOOD_STAR_SHARES = (0.10, 0.20, 0.29, 0.27, 0.10, 0.04)
"""Share of communities that aim at 0, 1, … 5 good stars: about one in seven at four or more."""

PERFECT = 101.0
"""A target above 100: every figure of the community is at or beyond *full*."""


@dataclass(frozen=True)
class Cast:
    """Which community (by position) plays which planted story."""

    tied: tuple[int, int]
    weak_branch: int
    incident: int
    missing_sheet: int
    false_closures: int
    lost_star: int
    withdrawn_incident: int

    @property
    def everyone(self) -> set[int]:
        single = (self.weak_branch, self.incident, self.missing_sheet, self.false_closures, self.lost_star)
        return {*self.tied, *single, self.withdrawn_incident}


@dataclass(frozen=True)
class Quality:
    """`targets[month, community, star]` is the score aimed at; 80 is where a star is lit."""

    targets: Array
    cast: Cast
    confirmed_incidents: dict[int, set[int]] = field(default_factory=dict)

    def is_perfect(self, month: int) -> Array:
        perfect: Array = (self.targets[month] >= PERFECT).all(axis=1)
        return perfect


def choose_cast(places: Places) -> Cast:
    """The communities of the stories: the first ones of their districts, at every scale."""
    gulou = places.find_in_district("410204")
    shunhe = places.find_in_district("410203")
    yuwangtai = places.find_in_district("410205")
    return Cast(
        tied=(gulou[0], gulou[1]),
        weak_branch=shunhe[0],
        incident=shunhe[1],
        missing_sheet=yuwangtai[0],
        false_closures=yuwangtai[1],
        lost_star=places.find_in_district("410202")[0],
        withdrawn_incident=places.find_in_district(ZONE_DISTRICT_CODE)[0],
    )


def draw_quality(places: Places, month_count: int, seed: int) -> Quality:
    """Targets for all communities and months, and the communities with a confirmed incident in each month."""
    stream = open_stream(seed, "quality")
    cast = choose_cast(places)
    strength = draw_strength(stream, places.count)
    noise = stream.normal(0, 0.12, (month_count, places.count, len(STARS)))
    noise[:, :, BRANCH] = 0
    monthly = strength[None] + noise
    targets = np.where(monthly > 0, 85 + 15 * monthly, 76 + 45 * monthly)
    targets = np.clip(targets, 12, 99)
    cast_stories(targets, cast)
    return Quality(targets, cast, draw_incidents(stream, cast, places.count, month_count))


def draw_strength(stream: np.random.Generator, community_count: int) -> Array:
    """Lasting strength in −1…1 by community and star; how many are positive follows `GOOD_STAR_SHARES`."""
    good_counts = np.repeat(
        np.arange(len(STARS) + 1),
        np.diff(np.round(np.cumsum((0, *GOOD_STAR_SHARES)) * community_count)).astype(int),
    )
    stream.shuffle(good_counts)
    places_of_stars = np.argsort(stream.random((community_count, len(STARS))), axis=1)
    is_good = places_of_stars < good_counts[:, None]
    size = stream.uniform(0.05, 1, (community_count, len(STARS)))
    strength: Array = np.where(is_good, size, -size)
    return strength


def cast_stories(targets: Array, cast: Cast) -> None:
    """Write the planted stories over the drawn targets."""
    poor, good, strong = 40.0, 95.0, 99.0
    targets[:, list(cast.tied), :] = PERFECT
    targets[:, cast.weak_branch, :] = (strong, good, poor, poor, good)
    targets[:, cast.incident, :] = (strong, good, poor, good, poor)
    targets[:, cast.missing_sheet, :] = (strong, good, poor, poor, good)
    targets[:, cast.false_closures, :] = (strong, strong, poor, good, poor)
    targets[:, cast.lost_star, :] = (strong, strong, poor, strong, strong)
    targets[-1, cast.lost_star, WELLBEING] = poor
    targets[:, cast.withdrawn_incident, :] = (strong, poor, poor, strong, good)


def draw_incidents(
    stream: np.random.Generator, cast: Cast, community_count: int, month_count: int
) -> dict[int, set[int]]:
    """Communities with a confirmed incident, by month: about one in thirty, none of another story's."""
    ordinary = [c for c in range(community_count) if c not in cast.everyone]
    found = {
        month: {c for c, draw in zip(ordinary, stream.random(len(ordinary)), strict=True) if draw < 1 / 30}
        for month in range(month_count)
    }
    found[month_count - 1].add(cast.incident)
    return found
