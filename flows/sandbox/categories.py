"""What kinds of events the sandbox invents: how many, at which tier, on which platform, for which star."""

from dataclasses import dataclass

import numpy as np

from flows.sandbox.arrays import Array
from flows.sandbox.quality import CO_BUILDING, ENTERPRISE, LIT, OUTSTANDING, PERFECT, SAFETY, WELLBEING

GOVERNANCE = "comprehensive_governance"
LAW = "law_enforcement"
SERVICE = "public_service"
SUPERVISION = "supervision"

SCALE_FACTORS = {"small": 1.0, "city": 1_170_000 / 247 / 833.0}
"""Events of a community in a month, against the small city's 833."""


@dataclass(frozen=True)
class Category:
    """One category: events a community and month at small scale, shares of tiers 1–4, its star if any."""

    name: str
    platform: str
    monthly: float
    tiers: tuple[float, float, float, float]
    star: int | None


CATEGORIES = (
    Category("other", GOVERNANCE, 540.2, (0.92, 0.06, 0.015, 0.005), None),
    Category("dispute", GOVERNANCE, 30, (0, 0.55, 0.35, 0.10), SAFETY),
    Category("hazard_general", GOVERNANCE, 22, (0.3, 0.4, 0.2, 0.1), SAFETY),
    Category("hazard_major", GOVERNANCE, 0.5, (0, 0, 0.2, 0.8), SAFETY),
    Category("city_case", LAW, 60, (0, 0.3, 0.5, 0.2), CO_BUILDING),
    Category("market_case", LAW, 24, (0, 0, 0.6, 0.4), ENTERPRISE),
    Category("market_hazard_general", LAW, 12, (0, 0, 0.6, 0.4), ENTERPRISE),
    Category("market_hazard_major", LAW, 0.3, (0, 0, 0.2, 0.8), ENTERPRISE),
    Category("service", SERVICE, 112, (0.25, 0.55, 0.2, 0), WELLBEING),
    Category("wish", SERVICE, 18, (0, 0.6, 0.4, 0), CO_BUILDING),
    Category("employment", SERVICE, 14, (0, 0.3, 0.7, 0), ENTERPRISE),
)
INDEX = {category.name: i for i, category in enumerate(CATEGORIES)}
OTHER, CITY_CASE, SERVICE_EVENT = INDEX["other"], INDEX["city_case"], INDEX["service"]
MAJOR = (INDEX["hazard_major"], INDEX["market_hazard_major"])
ANSWERED = (SERVICE_EVENT, INDEX["wish"], INDEX["employment"])
"""Categories on which the citizen is called back."""

UNKNOWN_CATEGORY = len(CATEGORIES)
"""A planted value that no code list holds."""


@dataclass(frozen=True)
class Rates:
    """What share of events goes well, each an array by community and category."""

    on_time: Array
    closed: Array
    responded: Array
    solved: Array
    satisfied: Array
    reworked: Array


def aim(target: Array, full: float, zero: float) -> Array:
    """The indicator value that scores `target` on a scale from `zero` (0 points) to `full` (100), policy §2."""
    best = 1.0 if full > zero else 0.0
    value = zero + (full - zero) * np.minimum(target, 100) / 100
    value = np.where(target >= OUTSTANDING, full + (best - full) * 0.6, value)
    return np.where(target >= PERFECT, best, value)


def derive_rates(targets: Array, stream: np.random.Generator) -> Rates:
    """The rates that bring each community near its `targets[community, star]`."""
    count = len(targets)
    shape = (count, len(CATEGORIES))
    perfect: Array = np.all(targets >= PERFECT, axis=1)

    def wobble(star: int) -> Array:
        moved = np.clip(targets[:, star] + stream.normal(0, 2.5, count), 0, 99.5)
        return np.where(perfect, targets[:, star], moved)

    on_time, closed = np.full(shape, 0.985), np.full(shape, 0.9985)
    for name, star in (("dispute", SAFETY), ("hazard_general", SAFETY), ("market_hazard_general", ENTERPRISE)):
        closed[:, INDEX[name]] = aim(wobble(star), 0.98, 0.80)
        on_time[:, INDEX[name]] = closed[:, INDEX[name]] * 0.97
    for name, star in (("hazard_major", SAFETY), ("market_hazard_major", ENTERPRISE)):
        closed[:, INDEX[name]] = np.where(targets[:, star] >= LIT, 1.0, 0.85)
        on_time[:, INDEX[name]] = closed[:, INDEX[name]] * 0.95
    for name, star, full, zero in (
        ("market_case", ENTERPRISE, 0.95, 0.70),
        ("city_case", CO_BUILDING, 0.85, 0.50),
        ("service", WELLBEING, 0.98, 0.80),
    ):
        on_time[:, INDEX[name]] = aim(wobble(star), full, zero)
        closed[:, INDEX[name]] = 1 - (1 - on_time[:, INDEX[name]]) * 0.06
    closed[:, INDEX["wish"]] = aim(wobble(CO_BUILDING), 0.90, 0.50)
    on_time[:, INDEX["wish"]] = closed[:, INDEX["wish"]] * 0.9
    on_time[:, INDEX["employment"]] = 0.95

    satisfied = np.full(shape, 0.9)
    satisfied[:, INDEX["employment"]] = aim(wobble(ENTERPRISE), 0.85, 0.50)
    wellbeing = wobble(WELLBEING)
    satisfied[:, SERVICE_EVENT] = np.where(
        wellbeing >= LIT, 0.87 + (wellbeing - LIT) / 20 * 0.09, 0.60 + 0.23 * wellbeing / LIT
    )
    reworked = np.zeros(shape)
    reworked[:, CITY_CASE] = aim(wobble(CO_BUILDING), 0.05, 0.25)
    share = (np.minimum(wellbeing, 100) / 100)[:, None]
    responded, solved = np.broadcast_to(0.80 + 0.18 * share, shape), np.broadcast_to(0.72 + 0.26 * share, shape)
    good = (on_time, closed, responded, solved, satisfied)
    on_time, closed, responded, solved, satisfied = (np.where(perfect[:, None], 1.0, rate) for rate in good)
    reworked = np.where(perfect[:, None], 0.0, reworked)
    return Rates(on_time, closed, responded, solved, satisfied, reworked)
