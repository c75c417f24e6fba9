"""The report's pictures: what is drawn for small counts, with the chart schema's checks on."""

import re

from flows.report import pictures
from flows.report.heat_map import draw_heat_map


def list_texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def read_widths(svg: str) -> list[float]:
    return [float(width) for width in re.findall(r'<path d="M[^h]*h(-?[\d.]+)v', svg)]


def test_a_stack_shows_each_count_with_its_mark_and_the_total() -> None:
    states = {one.key: 0 for one in pictures.STATE_SERIES} | {"lit": 30, "vetoed": 10}
    svg = pictures.draw_stacks({"平安法治": states}, pictures.STATE_SERIES)
    assert list_texts(svg) == ["平安法治", "★30", "×10", "40"]
    # 30 and 10 of 40, over 600.
    assert read_widths(svg) == [450.0, 150.0]


def test_a_piece_too_narrow_for_its_count_keeps_its_mark_and_is_counted_at_the_end() -> None:
    states = {one.key: 0 for one in pictures.STATE_SERIES} | {"lit": 980, "vetoed": 20}
    # 20 of 1,000 is 12 of 600: just room for the mark (12), not for two digits more.
    assert list_texts(pictures.draw_stacks({"甲": states}, pictures.STATE_SERIES)) == [
        "甲",
        "★980",
        "×",
        "1000（×20）",
    ]


def test_a_piece_too_narrow_for_its_mark_is_counted_at_the_end_alone() -> None:
    states = {one.key: 0 for one in pictures.STATE_SERIES} | {"lit": 981, "vetoed": 19}
    # 19 of 1,000 is 11.4 of 600.
    assert list_texts(pictures.draw_stacks({"甲": states}, pictures.STATE_SERIES)) == ["甲", "★981", "1000（×19）"]


def test_narrow_pieces_without_a_mark_are_named_at_the_end() -> None:
    posts = {"principal": 3, "deputy": 2, "other": 995}
    texts = list_texts(pictures.draw_stacks({"晋级": posts}, pictures.POST_SERIES))
    assert texts == ["晋级", "995", "1000（正职 3、副职 2）"]


def test_bars_below_zero_go_to_the_left() -> None:
    svg = pictures.draw_bars([("甲区", 300, "3.00"), ("乙区", -100, "-1.00")], label_width=120)
    assert {"甲区", "乙区", "3.00", "-1.00"} <= set(list_texts(svg))
    assert len(read_widths(svg)) == 2


def test_changes_are_drawn_both_ways_even_if_there_are_none() -> None:
    svg = pictures.draw_changes({"支部过硬": {"gained": 0, "lost": 0}, "共建共享": {"gained": 2, "lost": 1}})
    assert {"＋0", "－0", "＋2", "－1"} <= set(list_texts(svg))


def test_grades_show_counts_and_leave_zeros_unwritten() -> None:
    counts = {str(grade): {"current": 0, "proposed": 0} for grade in range(1, 19)}
    counts["7"] = {"current": 12, "proposed": 15}
    texts = list_texts(pictures.draw_pairs(counts, pictures.GRADE_SERIES, unit="级"))
    assert {"12", "15", "1 级", "18 级"} <= set(texts)
    assert "0" not in texts


def test_nothing_to_draw_is_still_a_picture() -> None:
    assert pictures.draw_stacks({}, pictures.STATE_SERIES).startswith("<svg")
    assert pictures.draw_bars([], label_width=100).startswith("<svg")
    assert draw_heat_map([], compared=True).startswith("<svg")
    assert draw_heat_map([], compared=False).startswith("<svg")
