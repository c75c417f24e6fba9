"""Each star's score, state and reasons (policy §3)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from flows.evaluate.counts import Counts
from flows.evaluate.scheme import VETO_REASONS, Scheme
from flows.exact import round_half_up
from flows.results import STARS, Community, IndicatorRow, StarRow, StarState

SCORE_PLACES = 2

Rows = Mapping[str, IndicatorRow]
"""One community's indicators by name."""


def judge_stars(
    communities: Sequence[Community],
    indicators: Sequence[IndicatorRow],
    counts: Counts,
    scheme: Scheme,
    presence: Mapping[str, bool],
) -> list[StarRow]:
    """The five stars of every community, in the order of both.

    `presence` says of each source whether it is present for the month; one that it doesn't name is not (policy §3.3).
    """
    rows: dict[str, dict[str, IndicatorRow]] = {community.community_code: {} for community in communities}
    for row in indicators:
        rows[row.community_code][row.indicator] = row
    return [
        _judge_star(star, code, rows[code], counts=counts, scheme=scheme, presence=presence)
        for code in rows
        for star in STARS
    ]


def score_star(star: str, rows: Rows, false_closures: int, scheme: Scheme) -> Decimal | None:
    """The star's score, 0.00 to 100.00; nothing if no weighted indicator has data (policy §3.1).

    The weighted mean less the deduction for false closures, not under 0; rounded half up once, here.
    """
    mean = find_mean(star, rows, scheme)
    if mean is None:
        return None
    deducted = mean - false_closures * scheme.false_closure_deduction
    return round_half_up(max(deducted, Fraction(0)), SCORE_PLACES)


def find_mean(star: str, rows: Rows, scheme: Scheme) -> Fraction | None:
    """The weighted mean of the star's scored indicators, exactly; nothing if none has data (policy §3.1)."""
    weighted, weight_sum = Fraction(0), 0
    for rule in scheme.list_indicators(star):
        score = rows[rule.name].score
        if score is not None:
            weighted += rule.weight * score
            weight_sum += rule.weight
    return weighted / weight_sum if weight_sum else None


def share_weight(star: str, rows: Rows, scheme: Scheme) -> Fraction:
    """The weights of the star's indicators with data, of all its weights; 0 if it has none."""
    rules = scheme.list_indicators(star)
    total = sum(rule.weight for rule in rules)
    present = sum(rule.weight for rule in rules if rows[rule.name].state == "ok")
    return Fraction(present, total) if total else Fraction(0)


def list_vetoes(community_code: str, counts: Counts) -> list[str]:
    """The vetoes that hold in the community, in policy's order; without a sheet row its two don't (policy §3.3)."""
    sheet = counts.sheets.get(community_code)
    holds = {
        "weak_branch": sheet is not None and sheet.weak_branch,
        "secretary_under_investigation": sheet is not None and sheet.secretary_under_investigation,
        "incident": counts.incidents.get(community_code, 0) > 0,
    }
    return [reason for reason in VETO_REASONS if holds[reason]]


def _judge_star(
    star: str, community_code: str, rows: Rows, *, counts: Counts, scheme: Scheme, presence: Mapping[str, bool]
) -> StarRow:
    """The first state that applies, with all its reasons (policy §3.3)."""
    false_closures = counts.false_closures.get((community_code, star), 0)
    score = score_star(star, rows, false_closures, scheme)

    def judge(state: StarState, *reasons: str) -> StarRow:
        return StarRow(community_code, star, score, state, reasons)

    vetoes = [reason for reason in list_vetoes(community_code, counts) if star in scheme.vetoes[reason]]
    if vetoes:
        return judge("vetoed", *vetoes)
    gaps = _list_gaps(star, rows, scheme, presence)
    if gaps:
        return judge("insufficient_data", *gaps)
    if false_closures >= scheme.withheld_false_closures:
        return judge("withheld", "false_closures")
    shortfalls = _list_shortfalls(star, rows, scheme, score)
    return judge("unlit", *shortfalls) if shortfalls else judge("lit")


def _list_gaps(star: str, rows: Rows, scheme: Scheme, presence: Mapping[str, bool]) -> list[str]:
    """Everything that leaves the star without enough data: sources, weight, gates."""
    gaps = [f"source_missing:{source}" for source in scheme.sources[star] if not presence.get(source, False)]
    if share_weight(star, rows, scheme) < scheme.weight_share_minimum:
        gaps.append("weight_share")
    gaps += [
        f"no_data:{rule.name}"
        for rule in scheme.list_indicators(star)
        if rule.no_data == "insufficient" and rows[rule.name].state != "ok"
    ]
    return gaps


def _list_shortfalls(star: str, rows: Rows, scheme: Scheme, score: Decimal | None) -> list[str]:
    """Gates that don't hold, then a score under the line. A gate without data passes here."""
    shortfalls = []
    for rule in scheme.list_indicators(star):
        value = rows[rule.name].value
        if value is not None and not rule.holds_gate(value):
            shortfalls.append(f"gate:{rule.name}")
    if score is None or Fraction(score) < scheme.lit_score:
        shortfalls.append("score")
    return shortfalls
