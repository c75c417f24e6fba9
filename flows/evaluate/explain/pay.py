"""A pay line with its arithmetic, part by part (policy §5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flows.evaluate.explain.arithmetic import write_exact
from flows.evaluate.pay import AnnualTitle, PayRules, compute_grade_pay
from flows.policy_words import WORDS
from flows.results import Basis, PayLine
from flows.wording import format_yuan


@dataclass(frozen=True)
class PayPart:
    """One amount in fen and how it was reckoned, in yuan."""

    name: str
    title: str
    arithmetic: str
    fen: int


@dataclass(frozen=True)
class PayExplanation:
    """The monthly pay at the current or the proposed grade; `parts` end with the total."""

    basis: Basis
    clause: str
    grade: int
    appraisal: str
    parts: tuple[PayPart, ...]


def explain_pay(
    lines: Sequence[PayLine], rules: PayRules | None, title: AnnualTitle | None, *, committee_member: bool
) -> tuple[PayExplanation, ...]:
    """Each pay line with its reckoning; none while the city's base is unset.

    `title` is the annual title of the worker's community that moves money in the year, if it has one.
    """
    if rules is None:
        return ()
    return tuple(
        PayExplanation(
            line.basis, "§5", line.grade, line.appraisal, _explain_parts(line, rules, title, committee_member)
        )
        for line in lines
    )


def _explain_parts(
    line: PayLine, rules: PayRules, title: AnnualTitle | None, committee_member: bool
) -> tuple[PayPart, ...]:
    grade_pay_fen = compute_grade_pay(line.grade, rules)
    performance_base_fen = grade_pay_fen - line.basic_fen
    factor = rules.performance_factors[line.appraisal]
    exact_grade_pay = rules.base_fen * (1 + rules.grade_increment * (line.grade - 1))
    grade_pay = f"{format_yuan(rules.base_fen)} × (1 + {write_exact(rules.grade_increment)} × ({line.grade} − 1))"
    basic = f"{format_yuan(grade_pay_fen)} × {write_exact(rules.basic_share)}"
    performance_base = f"{format_yuan(grade_pay_fen)} − {format_yuan(line.basic_fen)}"
    performance = f"{format_yuan(performance_base_fen)} × {write_exact(factor)}（考核{WORDS[line.appraisal]}）"
    total = " + ".join(map(format_yuan, (line.basic_fen, line.performance_fen, line.uplift_fen)))
    return (
        _make_part("grade_pay", "等级工资", grade_pay, exact_grade_pay, grade_pay_fen),
        _make_part("basic", "基本工资", basic, rules.basic_share * grade_pay_fen, line.basic_fen),
        _make_part("performance_base", "绩效基数", performance_base, performance_base_fen, performance_base_fen),
        _make_part("performance", "绩效工资", performance, factor * performance_base_fen, line.performance_fen),
        _explain_uplift(line, rules, title, committee_member),
        _make_part("total", "合计", total, line.total_fen, line.total_fen),
    )


def _explain_uplift(line: PayLine, rules: PayRules, title: AnnualTitle | None, committee_member: bool) -> PayPart:
    """`uplift_share` of basic pay, for a committee member of a community whose title moves money (policy §5)."""
    if not committee_member:
        return PayPart("uplift", "两委上浮", "不是两委成员，不上浮", line.uplift_fen)
    if title is None:
        return PayPart("uplift", "两委上浮", "所在社区没有当年兑现且达到规定星数的年度星级，不上浮", line.uplift_fen)
    text = f"{format_yuan(line.basic_fen)} × {write_exact(rules.uplift_share)}"
    part = _make_part("uplift", "两委上浮", text, rules.uplift_share * line.basic_fen, line.uplift_fen)
    basis = f"两委成员，社区 {title.rating_year} 年度 {title.stars} 星，{title.pay_year} 年兑现"
    return PayPart(part.name, part.title, f"{part.arithmetic}（{basis}）", part.fen)


def _make_part(name: str, title: str, text: str, reckoned_fen: Fraction | int, fen: int) -> PayPart:
    """The amount after its reckoning; where it was rounded to a fen, that is said."""
    rounded = "" if reckoned_fen == fen else "（四舍五入到分）"
    return PayPart(name, title, f"{text} = {format_yuan(fen)}{rounded}", fen)
