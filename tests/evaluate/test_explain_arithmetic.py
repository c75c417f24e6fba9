"""Numbers as an explanation writes them: exact if they end, marked if they don't."""

from decimal import Decimal
from fractions import Fraction

import pytest

from flows.evaluate.explain.arithmetic import write_exact, write_mean, write_result, write_star_score


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 2), "0.50"),
        (Fraction(1), "1.00"),
        (Decimal("0.125"), "0.125"),
        # Six decimals are the most: 1/64 = 0.015625, 1/128 has seven.
        (Fraction(1, 64), "0.015625"),
        (Fraction(1, 128), "1/128"),
        (Fraction(6, 7), "6/7"),
        (Fraction(-1, 4), "−0.25"),
        (Fraction(-1, 3), "−1/3"),
    ],
)
def test_a_number_is_a_decimal_if_it_ends_and_else_a_fraction(value: Fraction | Decimal, text: str) -> None:
    assert write_exact(value) == text


def test_a_result_says_whether_it_was_shortened() -> None:
    assert write_result(Fraction(3, 4)) == "= 0.75"
    # 2/3 = 0.6666666…
    assert write_result(Fraction(2, 3)) == "≈ 0.666667"


def test_a_mean_of_scores_says_when_it_was_rounded() -> None:
    # (80.01 + 80.00) / 2 = 80.005, half up to 80.01.
    scores = [Decimal("80.01"), Decimal("80.00")]
    assert write_mean(scores, Decimal("80.01")) == "(80.01 + 80.00) / 2 = 80.005，四舍五入到两位小数：80.01"
    assert write_mean([Decimal("80.00")], Decimal("80.00")) == "(80.00) / 1 = 80.00"


def test_without_a_false_closure_nothing_is_deducted() -> None:
    # 79.995 is rounded half up to 80.00: the star's line.
    text = write_star_score(Fraction("79.995"), 0, Fraction(1), Decimal("80.00"))
    assert text == "79.995，四舍五入到两位小数：80.00"
