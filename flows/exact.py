"""Exact numbers: one rounding function, and how numbers are written in result files."""

from decimal import Decimal
from fractions import Fraction

Exact = int | Fraction | Decimal


def round_half_up(value: Exact, places: int = 0) -> Decimal:
    """`value` rounded to `places` decimals, halves away from zero: the only rounding in the project.

    The result carries exactly `places` decimals, as in `Decimal("2.50")` (policy.md, preamble: "one rounding
    function, half up").
    """
    scaled = Fraction(value) * 10**places
    magnitude = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    # From digits, since Decimal's arithmetic would round again to the context's precision.
    return Decimal((int(scaled < 0 < magnitude), tuple(map(int, str(magnitude))), -places))


def round_to_fen(value: Exact) -> int:
    """An amount in fen, rounded half up to a whole fen."""
    return int(round_half_up(value))


def format_decimal(value: Exact | None, places: int) -> str:
    """`value` with exactly `places` decimals, never in scientific notation; nothing as an empty string."""
    return "" if value is None else format(round_half_up(value, places), "f")


def parse_exact(text: str | int | Decimal) -> Fraction:
    """The rational number that a decimal text such as `"0.85"` means."""
    return Fraction(str(text))
