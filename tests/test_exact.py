from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.exact import format_decimal, parse_exact, round_half_up, round_to_fen


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (Fraction(1, 2), 0, "1"),
        (Fraction(49, 100), 0, "0"),
        (Fraction(5, 2), 0, "3"),  # a half is never rounded to the even side
        (Fraction(-1, 2), 0, "-1"),
        (Decimal("79.995"), 2, "80.00"),
        (Decimal("79.99499"), 2, "79.99"),
        (Fraction(2, 3), 6, "0.666667"),
        (7, 2, "7.00"),
        (0, 2, "0.00"),
    ],
)
def test_a_half_rounds_away_from_zero(value: int | Fraction | Decimal, places: int, expected: str) -> None:
    assert str(round_half_up(value, places)) == expected


def test_fen_are_whole() -> None:
    assert (round_to_fen(Fraction(105, 10)), round_to_fen(Fraction(1049, 100))) == (11, 10)


def test_nothing_is_written_as_nothing() -> None:
    assert format_decimal(None, 2) == ""


def test_small_numbers_are_never_written_in_scientific_notation() -> None:
    assert format_decimal(Fraction(1, 10**6), 6) == "0.000001"
    assert format_decimal(Fraction(1, 10**9), 8) == "0.00000000"


@pytest.mark.parametrize(
    ("text", "expected"), [("0.85", Fraction(17, 20)), ("1.00", 1), (3, 3), (Decimal("0.1"), Fraction(1, 10))]
)
def test_decimal_text_is_read_exactly(text: str | int | Decimal, expected: Fraction) -> None:
    assert parse_exact(text) == expected


@given(st.fractions(), st.integers(0, 6))
def test_rounding_moves_a_number_by_half_a_place_at_most(value: Fraction, places: int) -> None:
    assert abs(Fraction(round_half_up(value, places)) - value) <= Fraction(1, 2 * 10**places)


def test_a_negative_number_that_rounds_to_nothing_has_no_sign() -> None:
    assert str(round_half_up(Fraction(-1, 1000), 2)) == "0.00"


def test_rounding_is_exact_beyond_the_digits_that_decimals_usually_keep() -> None:
    # 10**30 / 3 = 333…333.333…, thirty threes before the point; Decimal's arithmetic keeps 28 digits.
    assert str(round_half_up(Fraction(10**30, 3), 1)) == "3" * 30 + ".3"
