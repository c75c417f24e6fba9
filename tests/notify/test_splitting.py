"""Long messages: split on lines, cut within one only where it must be, never over the limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.notify.channels.channel import PermanentFailure
from flows.notify.channels.dialects import DINGTALK, FEISHU, PLAIN, WECOM, Dialect, Line, render_lines
from flows.notify.channels.splitting import PARTS_MAX, ROOM_BYTES, Part, split_message

LIMIT = 400


def measure(title: str, text: str) -> int:
    return len(f"{title}\n{text}".encode())


def split(*texts: str, title: str = "题", limit: int = LIMIT) -> list[Part]:
    return split_message(title, [Line(text, text) for text in texts], measure, limit)


def test_a_message_that_just_fits_stays_whole_and_bears_no_number() -> None:
    # 题 3 bytes, a line's end 1, 132 characters of 3 bytes: 400.
    assert split("字" * 132) == [Part("题", "字" * 132)]


def test_one_byte_more_makes_two_parts() -> None:
    # 3 + 1 + 393 + 1 + 3 = 401. A part's number takes up to 11, （10/10）, so the first line alone is too long now.
    parts = split("字" * 131, "x" * 3)
    assert [part.title for part in parts] == ["题（1/2）", "题（2/2）"]
    assert [part.text for part in parts] == ["字" * 128, "字" * 3 + "\nxxx"]


def test_parts_end_where_lines_end() -> None:
    # Titled （10/10） at the most: 题 3 + 11 bytes + 1; 385 are left, so three lines of 120 bytes with their ends.
    lines = [chr(ord("a") + number) * 120 for number in range(7)]
    assert [part.text for part in split(*lines)] == ["\n".join(lines[:3]), "\n".join(lines[3:6]), lines[6]]


def test_empty_lines_do_not_begin_or_end_a_part() -> None:
    parts = split("a" * 200, "", "b" * 200, "", "", "c" * 200)
    assert [part.text[0] + part.text[-1] for part in parts] == ["aa", "bb", "cc"]


def test_a_heading_goes_with_what_it_heads() -> None:
    heading = Line("h" * 20, "h" * 20, is_heading=True)
    lines = [Line("a" * 300, "a" * 300), Line(), heading, Line(), Line("b" * 300, "b" * 300)]
    parts = split_message("题", lines, measure, LIMIT)
    assert [part.text for part in parts] == ["a" * 300, "h" * 20 + "\n\n" + "b" * 300]


def test_a_heading_that_has_no_room_before_a_long_line_stays_behind() -> None:
    # 20 + 2 + 364 = 386, and 385 are left.
    heading = Line("h" * 20, "h" * 20, is_heading=True)
    lines = [Line("a" * 300, "a" * 300), Line(), heading, Line(), Line("b" * 364, "b" * 364)]
    parts = split_message("题", lines, measure, LIMIT)
    assert [part.text for part in parts] == ["a" * 300 + "\n\n" + "h" * 20, "b" * 364]


def test_a_line_that_is_too_long_is_cut_between_characters() -> None:
    parts = split("字" * 300)
    # 400 - 3 - 11 - 1 = 385 bytes are 128 characters of 3 bytes.
    assert [len(part.text) for part in parts] == [128, 128, 44]


@pytest.mark.parametrize("sign", ["e\u0301", "\u2708\ufe0f", "\U0001f468\u200d\U0001f469"])
def test_a_sign_is_not_parted_from_what_belongs_to_it(sign: str) -> None:
    for before in range(4):
        texts = [part.text for part in split("x" * before + sign * 300)]
        assert "".join(texts) == "x" * before + sign * 300
        assert all(text.startswith((sign, "x")) for text in texts)


def test_a_line_of_a_quotation_stays_one_in_every_piece() -> None:
    lines = [Line("**" + "字" * 300 + "**", "字" * 300, "> ")]
    parts = split_message("题", lines, measure, LIMIT)
    assert all(part.text.startswith("> 字") for part in parts)
    assert not any("*" in part.text for part in parts)


def test_more_than_the_most_parts_are_refused_with_the_figures() -> None:
    assert len(split(*["字" * 120] * PARTS_MAX)) == PARTS_MAX
    with pytest.raises(PermanentFailure) as refused:
        split(*["字" * 120] * (PARTS_MAX + 1))
    # 3 bytes of the title, and 11 lines of 360 bytes, each with a line's end.
    assert "too long: 3,974 bytes would be 11 parts of at most 400, and 10 is the most" in str(refused.value)
    assert "channel email" in str(refused.value)


def test_a_title_that_leaves_no_room_is_refused() -> None:
    # （10/10） takes 11 bytes and the line's end 1.
    room = LIMIT - ROOM_BYTES - 12
    assert len(split("x" * LIMIT, title="t" * room)) == 2
    with pytest.raises(PermanentFailure, match="the subject alone is over the limit of 400 bytes"):
        split("x" * LIMIT, title="t" * (room + 1))


bodies = st.lists(st.text(st.sampled_from("字a\U0001f3e0é|*>-#` \n"), max_size=120), max_size=12).map("\n".join)


@pytest.mark.parametrize("dialect", [WECOM, DINGTALK, FEISHU, PLAIN])
@given(body=bodies)
def test_no_part_is_over_the_limit_and_nothing_is_lost(dialect: Dialect, body: str) -> None:
    lines = render_lines(body, dialect)
    try:
        parts = split_message("题目", lines, measure, LIMIT)
    except PermanentFailure:
        return
    assert all(measure(part.title, part.text) <= LIMIT for part in parts)
    assert parts == split_message("题目", lines, measure, LIMIT)
    kept = "字a\U0001f3e0é"
    whole = "".join(line.plain for line in lines)
    assert [sign for part in parts for sign in part.text if sign in kept and sign != "a"] == [
        sign for sign in whole if sign in kept and sign != "a"
    ]
