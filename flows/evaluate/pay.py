"""Pay at the current and the proposed grade, and work funds, all in fen (policy §5).

Stars move money and never a grade: nothing here goes back into `grades`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from flows.evaluate.collector import pause_collector
from flows.evaluate.grade_rules import find_appraisal_year
from flows.evaluate.workers import Appraisals
from flows.exact import parse_exact, round_to_fen
from flows.policy import PolicyAt
from flows.results import AwardLine, Basis, PayLine, Proposal

ABSENT = "absent"
"""What stands in place of an outcome where the appraisal year has none."""


@dataclass(frozen=True)
class AnnualTitle:
    """The stars that a community was officially awarded for `rating_year`; they move money in `pay_year`."""

    community_code: str
    rating_year: int
    stars: int
    pay_year: int


@dataclass(frozen=True)
class PayRules:
    """The pay policy of one day, read once for all workers."""

    base_fen: int
    grade_increment: Fraction
    basic_share: Fraction
    performance_factors: Mapping[str, Fraction]
    uplift_share: Fraction


class Amounts(NamedTuple):
    """Monthly pay in fen, in its parts."""

    basic_fen: int
    performance_fen: int
    uplift_fen: int
    total_fen: int


def compute_pay(
    proposals: Iterable[Proposal],
    outcomes: Mapping[str, str],
    titles: Iterable[AnnualTitle],
    policy: PolicyAt,
    effective_on: date,
) -> list[PayLine]:
    """Pay lines per worker for the current grade (if any) and the proposed one, sorted by worker and basis.

    `outcomes` holds the appraisal year's outcome by worker (`select_outcomes`); `policy` is that of `effective_on`.
    Empty while the city's base is unset. Policy §5.
    """
    rules = read_pay_rules(policy)
    if rules is None:
        return []
    titled = set(find_titles(titles, policy, effective_on))
    with pause_collector():
        return _list_lines(proposals, outcomes, titled, rules)


def read_pay_rules(policy: PolicyAt) -> PayRules | None:
    """The pay policy of a day; nothing while the city's base is unset."""
    base_fen = policy.get("pay.base_fen")
    if base_fen is None:
        return None
    return PayRules(
        base_fen=base_fen,
        grade_increment=policy.exact("pay.grade_increment"),
        basic_share=policy.exact("pay.basic_share"),
        performance_factors={
            outcome: parse_exact(factor) for outcome, factor in policy.mapping("pay.performance_factors").items()
        },
        uplift_share=policy.exact("pay.uplift_share"),
    )


def select_outcomes(appraisals: Appraisals, policy: PolicyAt, effective_on: date) -> dict[str, str]:
    """The outcome of the appraisal year by worker; workers without one are absent (policy §4, `appraisal_year`)."""
    appraisal_year = find_appraisal_year(policy, effective_on)
    return {staff_id: outcome for (staff_id, year), outcome in appraisals.items() if year == appraisal_year}


def find_titles(titles: Iterable[AnnualTitle], policy: PolicyAt, effective_on: date) -> dict[str, AnnualTitle]:
    """Titles that move money in the year of `effective_on`, by community.

    Of two for one community and pay year only the later rating year counts, even if it has too few stars (policy §5).
    """
    latest: dict[str, AnnualTitle] = {}
    for title in titles:
        known = latest.get(title.community_code)
        if title.pay_year == effective_on.year and (known is None or known.rating_year < title.rating_year):
            latest[title.community_code] = title
    stars_minimum = policy.integer("pay.title_stars_minimum")
    return {code: title for code, title in latest.items() if title.stars >= stars_minimum}


def list_awards(titles: Iterable[AnnualTitle], policy: PolicyAt, effective_on: date) -> list[AwardLine]:
    """Work funds lines of the year of `effective_on`, sorted by community; a person names each amount.

    A community has its line whether or not it still exists. Policy §5, work funds.
    """
    minimum_fen = policy.integer("pay.work_funds_minimum_fen")
    maximum_fen = policy.integer("pay.work_funds_maximum_fen")
    return [
        AwardLine(effective_on.year, community_code, title.stars, minimum_fen, maximum_fen, amount_fen=None)
        for community_code, title in sorted(find_titles(titles, policy, effective_on).items())
    ]


def compute_amounts(grade: int, rules: PayRules, *, appraisal: str, uplifted: bool) -> Amounts:
    """Monthly amounts at one grade, each rounded once where policy §5 says so."""
    grade_pay_fen = compute_grade_pay(grade, rules)
    basic_fen = round_to_fen(rules.basic_share * grade_pay_fen)
    performance_base_fen = grade_pay_fen - basic_fen
    performance_fen = round_to_fen(rules.performance_factors[appraisal] * performance_base_fen)
    uplift_fen = round_to_fen(rules.uplift_share * basic_fen) if uplifted else 0
    return Amounts(basic_fen, performance_fen, uplift_fen, basic_fen + performance_fen + uplift_fen)


def compute_grade_pay(grade: int, rules: PayRules) -> int:
    """The whole monthly pay of a grade in fen, of which basic pay is a share; half up to a fen (policy §5)."""
    return round_to_fen(rules.base_fen * (1 + rules.grade_increment * (grade - 1)))


def _list_lines(
    proposals: Iterable[Proposal], outcomes: Mapping[str, str], titled: Collection[str], rules: PayRules
) -> list[PayLine]:
    """Each worker's lines; `titled` are the communities whose annual title moves money this year."""
    amounts: dict[tuple[int, str, bool], Amounts] = {}
    lines: list[PayLine] = []
    for proposal in sorted(proposals, key=lambda proposal: proposal.staff_id):
        appraisal = outcomes.get(proposal.staff_id, ABSENT)
        uplifted = proposal.committee_member and proposal.community_code in titled
        grades: tuple[tuple[Basis, int | None], ...] = (
            ("current", proposal.current_grade),
            ("proposed", proposal.proposed_grade),
        )
        for basis, grade in grades:
            if grade is None:
                continue
            # A city has thousands of workers but few distinct combinations.
            key = (grade, appraisal, uplifted)
            if key not in amounts:
                amounts[key] = compute_amounts(grade, rules, appraisal=appraisal, uplifted=uplifted)
            lines.append(PayLine(proposal.staff_id, basis, grade, appraisal, *amounts[key]))
    return lines
