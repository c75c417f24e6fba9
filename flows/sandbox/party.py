"""Party building in the sandbox: which grids have a party unit, and each community's monthly branch sheet."""

from dataclasses import dataclass

import numpy as np

from flows.sandbox.arrays import open_stream, toss
from flows.sandbox.places import Places
from flows.sandbox.quality import BRANCH, CO_BUILDING, LIT, OUTSTANDING, Quality

FOUNDED_ON = "2010-01-01"
"""Since when the communities and grids are valid: before any month the sandbox shows."""

MEETINGS_REQUIRED = 4
CENTRE_SHARE = 0.911
"""Service centres that meet the standard (domain.md)."""


@dataclass(frozen=True)
class BranchRow:
    """One community's branch sheet for one month."""

    community: int
    meetings_required: int
    meetings_held: int
    centre_standard: bool
    property_covered: int
    property_total: int
    weak_branch: bool
    secretary_under_investigation: bool


def list_grids(places: Places, quality: Quality, seed: int) -> list[dict[str, object]]:
    """The register of grids as 综合治理 writes it; a weak community has grids without a party unit."""
    stream = open_stream(seed, "party units")
    grids: list[dict[str, object]] = []
    for community in range(places.count):
        count = int(places.grid_counts[community])
        target = float(quality.targets[-1, community, BRANCH])
        bare = 0
        if target < LIT and toss(stream, 1, 0.6).item():
            bare = 1 + int(count * (LIT - target) / LIT * 0.25 * stream.random())
        units = np.where(toss(stream, count, 0.7), "党支部", "党小组").astype(object)
        units[stream.permutation(count)[:bare]] = "无"
        grids += [
            {
                "gridCode": places.name_grid(community, grid),
                "communityCode": places.communities[community].code,
                "partyUnit": str(units[grid]),
                "validFrom": FOUNDED_ON,
                "validTo": None,
            }
            for grid in range(count)
        ]
    return grids


def fill_branch_sheet(places: Places, quality: Quality, month: int, seed: int) -> list[BranchRow]:
    """The branch sheet of a month, a row for each community but one: in the last month a planted one is missing."""
    stream = open_stream(seed, "branch sheet", month)
    lasting = open_stream(seed, "branch sheet")
    standard = lasting.random(places.count)
    totals = lasting.integers(4, 30, places.count)
    is_last = month == quality.targets.shape[0] - 1
    rows = []
    for community in range(places.count):
        branch, building = quality.targets[month, community, [BRANCH, CO_BUILDING]]
        held = MEETINGS_REQUIRED + int(stream.integers(0, 2))
        if branch < LIT:
            held = int(stream.integers(1, MEETINGS_REQUIRED - 1))
        share = 1.0 if building >= OUTSTANDING else 0.5 + 0.47 * max(building, 0) / 100
        total = int(totals[community])
        if is_last and community == quality.cast.missing_sheet:
            continue
        rows.append(
            BranchRow(
                community=community,
                meetings_required=MEETINGS_REQUIRED,
                meetings_held=held,
                centre_standard=bool(branch >= OUTSTANDING or standard[community] < CENTRE_SHARE),
                property_covered=min(total, round(share * total)),
                property_total=total,
                weak_branch=is_last and community == quality.cast.weak_branch,
                secretary_under_investigation=False,
            )
        )
    return rows
