"""The places of the sandbox city: real Kaifeng communities (places/kaifeng.csv), with invented grids."""

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from flows.errors import UsageError
from flows.sandbox.arrays import Array, open_stream

ZONE_DISTRICT_CODE = "410271"
ZONE_DISTRICT_NAME = "城乡一体化示范区"
ZONE_STREETS = ("410202007", "410202008", "410202009", "410202010")
"""Streets of the zone, which has no national code: the platform reports district 410202 (domain.md, glossary)."""

CITY_GRID_COUNT = 3858
SMALL_STREETS = {
    "410202001": 2,
    "410202002": 2,
    "410202007": 3,
    "410202009": 3,
    "410203004": 5,
    "410204001": 1,
    "410204004": 4,
    "410205003": 3,
    "410205004": 1,
}
"""The small city: how many communities it takes from each street; 24 in five districts, the zone among them."""


@dataclass(frozen=True)
class Community:
    """One community with the district that the platform reports and the one that the city counts it in."""

    code: str
    name: str
    street_code: str
    street_name: str
    national_district_code: str
    national_district_name: str

    @property
    def district_code(self) -> str:
        return ZONE_DISTRICT_CODE if self.street_code in ZONE_STREETS else self.national_district_code

    @property
    def district_name(self) -> str:
        return ZONE_DISTRICT_NAME if self.street_code in ZONE_STREETS else self.national_district_name


@dataclass(frozen=True)
class Places:
    """Communities in the order of their codes, and how many grids each has."""

    communities: list[Community]
    grid_counts: Array

    @property
    def count(self) -> int:
        return len(self.communities)

    def find_in_district(self, district_code: str) -> list[int]:
        """Positions of the communities that the city counts in a district."""
        return [i for i, place in enumerate(self.communities) if place.district_code == district_code]

    def name_grid(self, community: int, grid: int) -> str:
        """A grid's code: its community's 12 digits and three of its own."""
        return f"{self.communities[community].code}{grid + 1:03d}"


def choose_places(scale: str, seed: int) -> Places:
    """The places of a scale: `city` 247 communities and 3,858 grids, `small` 24 communities.

    Raises `UsageError` for another scale.
    """
    if scale not in ("small", "city"):
        raise UsageError(f"the sandbox has no scale {scale!r}. Use small or city.")
    communities = read_communities()
    if scale == "small":
        left = dict(SMALL_STREETS)
        chosen = []
        for community in communities:
            if left.get(community.street_code, 0) > 0:
                left[community.street_code] -= 1
                chosen.append(community)
        communities = chosen
    total = round(CITY_GRID_COUNT * len(communities) / 247)
    return Places(communities, share_grids(len(communities), total, seed))


def read_communities() -> list[Community]:
    """All 247 communities of the committed file, by code."""
    text = (files("flows.sandbox") / "places" / "kaifeng.csv").read_text(encoding="utf-8")
    return [
        Community(
            row["community_code"],
            row["name"],
            row["street_code"],
            row["street_name"],
            row["district_code"],
            row["district_name"],
        )
        for row in csv.DictReader(text.splitlines())
    ]


def share_grids(community_count: int, grid_count: int, seed: int) -> Array:
    """`grid_count` grids shared among communities of uneven size, by largest remainder."""
    weights = open_stream(seed, "grids").uniform(0.7, 1.3, community_count)
    exact = weights / weights.sum() * grid_count
    counts = np.floor(exact).astype(np.int64)
    largest = np.argsort(counts - exact, kind="stable")[: grid_count - int(counts.sum())]
    counts[largest] += 1
    shared: Array = counts
    return shared
