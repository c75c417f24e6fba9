"""What may be shown of a value: its shape, and nothing of what it says."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ingest.describe.masking import SHOWN_MAX, mask_value

SHAPES = [
    ("张三丰", "某某某"),
    ("Zhang San", "Xxxxx Xxx"),
    ("KF000024", "XX999999"),
    ("2024-03-05T08:00:00+08:00", "9999-99-99X99:99:99+99:9…"),
    ("１２号", "99某"),
    ("〇𠮷", "某某"),
    ("a@b.c, d", "x@x.x, x"),
    ("（甲）：乙", "（某）：某"),
    ("Żółw ж も 김 ½ ٣", "Xxxx x x x x 9"),
    ("🙂\u202e\x00", "xxx"),
    ("", ""),
    (-12.5, "-99.9"),
    (410202, "999999"),
    (1e21, "9e+99"),
    (Decimal("0.10"), "9.99"),
    (float("nan"), "xxx"),
    (True, "true"),
    (False, "false"),
    (None, "null"),
    (datetime(1980, 1, 2, 3, 4), "9999-99-99 99:99:99"),
    (date(1980, 1, 2), "9999-99-99"),
    (time(8, 30), "99:99:99"),
    ({"姓名": "张三"}, "an object of 1"),
    (["张三", "李四"], "a list of 2"),
    pytest.param(object(), "a value that is neither text nor a number", id="an object"),
]


@pytest.mark.parametrize(("value", "shown"), SHAPES, ids=str)
def test_the_shape_is_kept_and_the_content_is_not(value: object, shown: str) -> None:
    assert mask_value(value) == shown


def test_a_long_value_is_cut_just_above_the_limit() -> None:
    assert mask_value("张" * SHOWN_MAX) == "某" * SHOWN_MAX
    assert mask_value("张" * (SHOWN_MAX + 1)) == "某" * SHOWN_MAX + "…"
    assert mask_value(10**30) == "9" * SHOWN_MAX + "…"


@given(st.text())
def test_of_a_text_no_letter_but_x_no_digit_but_9_and_no_character_but_one_is_left(text: str) -> None:
    shown = mask_value(text)
    assert {character for character in shown if character.isalnum()} <= set("xX9某")
    assert len(shown) <= SHOWN_MAX + 1


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=SHOWN_MAX), st.data())
def test_two_texts_of_one_shape_are_told_apart_by_nobody(text: str, data: st.DataObject) -> None:
    shape = mask_value(text)
    twins = {"9": "0123456789", "某": "张李王赵", "x": "abcö", "X": "ABCÖ"}
    twin = "".join(data.draw(st.sampled_from(twins[character])) for character in shape)
    assert mask_value(twin) == shape
