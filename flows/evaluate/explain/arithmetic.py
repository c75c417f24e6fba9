"""Reckonings written out, in exact numbers: what stands between an indicator's counts and a star's score.

A number that ends within six decimals stands as it is, another one as a fraction such as `6/7`, or after ≈ with six
decimals: what is shown shorter than it was reckoned with says so.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from flows.exact import Exact, format_decimal, round_half_up

SHOWN_PLACES = 2
PLACES_MAX = 6


def write_exact(value: Exact) -> str:
    """The number with at least two decimals if it ends, such as `0.50`, else as a fraction."""
    fraction = Fraction(value)
    return _write_ended(fraction) or str(fraction).replace("-", "−")


def write_result(value: Exact) -> str:
    """`= 78.57`, or `≈ 78.571429` if the number doesn't end."""
    ended = _write_ended(Fraction(value))
    return f"= {ended}" if ended else f"≈ {_write_rounded(value)}"


def write_score(value: Fraction, zero: Fraction, full: Fraction, score: Fraction) -> str:
    """The indicator's score: `(0.92 − 0.50) / (0.85 − 0.50) × 100 = 120.00 → 100.00` (policy §2)."""
    zero_text = write_exact(zero)
    reckoned = 100 * (value - zero) / (full - zero)
    text = (
        f"({write_exact(value)} − {zero_text}) / ({write_exact(full)} − {zero_text}) × 100 {write_result(reckoned)}"
    )
    return text if reckoned == score else f"{text} → {write_exact(score)}"


def write_weighted_mean(parts: Sequence[tuple[int, Fraction]]) -> str:
    """`(40 × 100.00 + 60 × 85.00) / (40 + 60) = 91.00`, of weights and numbers (policy §2, §3.1)."""
    above = " + ".join(f"{weight} × {_write_short(value)}" for weight, value in parts)
    below = " + ".join(str(weight) for weight, _ in parts)
    mean = sum((weight * value for weight, value in parts), Fraction(0)) / sum(weight for weight, _ in parts)
    return f"({above}) / ({below}) {write_result(mean)}"


def write_star_score(mean: Fraction, count: int, each: Fraction, score: Decimal) -> str:
    """The star's score: its weighted mean less the deduction, not under 0, rounded half up once (policy §3.1)."""
    text = _write_short(mean)
    deducted = mean - count * each
    if count:
        text += f" − {count} × {write_exact(each)} {write_result(deducted)}"
    if deducted < 0:
        text += "，不低于 0"
    return f"{text}，四舍五入到两位小数：{score}"


def write_mean(scores: Iterable[Decimal], result: Decimal) -> str:
    """The mean of the stars' scores, half up to two decimals (policy §3.4)."""
    listed = list(scores)
    mean = sum((Fraction(score) for score in listed), Fraction(0)) / len(listed)
    text = f"({' + '.join(map(str, listed))}) / {len(listed)} {write_result(mean)}"
    return text if Fraction(result) == mean else f"{text}，四舍五入到两位小数：{result}"


def _write_ended(value: Fraction) -> str:
    for places in range(SHOWN_PLACES, PLACES_MAX + 1):
        if value == Fraction(round_half_up(value, places)):
            return format_decimal(value, places).replace("-", "−")
    return ""


def _write_short(value: Fraction) -> str:
    return _write_ended(value) or f"≈{_write_rounded(value)}"


def _write_rounded(value: Exact) -> str:
    return format_decimal(value, PLACES_MAX).replace("-", "−")
