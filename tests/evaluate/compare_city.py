"""Two communities whose stars and workers a test chooses: what the tests of comparisons share."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from flows.evaluate.assessment import NO_BASE_NOTICE
from flows.results import STARS, Community, MonthResult, PayLine, Proposal, RatingRow, StarRow

LONGTING = Community("410202001001", "甲社区", "410202001", "一街道", "410202", "龙亭区")
SHUNHE = Community("410203001001", "乙社区", "410203001", "一街道", "410203", "顺河区")
FIRST_PAY_FEN, STEP_FEN = 340_000, 17_000
"""Pay is 3,400.00 yuan at grade 1 and 170.00 more for each further grade (`month_factory`), so grade 3 has 374,000
fen, 4 has 391,000, 5 has 408,000, 6 has 425,000 and 8 has 459,000.
"""


def light(result: MonthResult, community: Community, *lit: str) -> MonthResult:
    """The month with these stars of one community lit, and its others unlit for their score."""
    code = community.community_code
    own = [
        StarRow(code, star, Decimal("85.00"), "lit", ())
        if star in lit
        else StarRow(code, star, Decimal("70.00"), "unlit", ("score",))
        for star in STARS
    ]
    rating = RatingRow(code, community.district_code, len(lit), Decimal("76.00"), True, None)
    return replace(
        result,
        stars=[*(row for row in result.stars if row.community_code != code), *own],
        ratings=[*(row for row in result.ratings if row.community_code != code), rating],
    )


def propose(staff_id: str, post: str, current: int | None, proposed: int, kind: str, **others: Any) -> Proposal:
    about = {
        "community_code": LONGTING.community_code,
        "entitled_grade": proposed,
        "needs_manual": False,
        "reasons": (),
    }
    return Proposal(
        staff_id=staff_id, post=post, current_grade=current, proposed_grade=proposed, kind=kind,  # type: ignore[arg-type]
        effective_on=date(2024, 4, 1), name="某人", committee_member=False, degree="none", certificate="none",
        trace=(), **{**about, **others},
    )  # fmt: skip


def pay(proposals: Sequence[Proposal], first_fen: int = FIRST_PAY_FEN) -> list[PayLine]:
    lines = []
    for row in proposals:
        for basis, grade in (("current", row.current_grade), ("proposed", row.proposed_grade)):
            if grade is not None:
                total_fen = first_fen + STEP_FEN * (grade - 1)
                lines.append(PayLine(row.staff_id, basis, grade, "absent", total_fen, 0, 0, total_fen))  # type: ignore[arg-type]
    return lines


def staffed(result: MonthResult, proposals: Sequence[Proposal], first_fen: int = FIRST_PAY_FEN) -> MonthResult:
    return replace(result, proposals=proposals, pay_lines=pay(proposals, first_fen))


def unset_base(result: MonthResult) -> MonthResult:
    return replace(
        result,
        pay_lines=[],
        policy_values=[
            replace(value, value="未设定") if value.path == "pay.base_fen" else value
            for value in result.policy_values
        ],
        notices=[NO_BASE_NOTICE],
    )
