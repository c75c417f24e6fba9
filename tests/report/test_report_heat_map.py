"""The heat map: what stands in its cells and beside them, with the chart schema's checks on."""

import re
from decimal import Decimal

import pytest

from flows.report.figures import CommunityLine, Direction
from flows.report.heat_map import CHANGE_KEY, draw_heat_map
from flows.results import STARS, Community, RatingRow, StarRow

NAME = "文昌社区"
FRAME = 'fill-opacity="0"'


def make_line(
    *,
    name: str = NAME,
    directions: tuple[Direction | None, ...] = (None,) * 5,
    net_change: int | None = 0,
    rank: int | None = 7,
) -> CommunityLine:
    """A community with two stars lit of five, ranked 7th unless told."""
    community = Community("410202001001", name, "410202001", "北道门街道", "410202", "龙亭区")
    states = ("lit", "lit", "unlit", "vetoed", "withheld")
    stars = [
        StarRow(community.community_code, star, Decimal("81.25"), state, ())  # type: ignore[arg-type]
        for star, state in zip(STARS, states, strict=True)
    ]
    rating = RatingRow(community.community_code, "410202", 2, Decimal("81.25"), rank is not None, rank)
    return CommunityLine(community, rating, tuple(stars), directions, net_change)


def list_texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def find_place(svg: str, text: str) -> tuple[float, float]:
    """Where the only text of that wording stands."""
    (place,) = re.findall(rf"<text[^>]*translate\(([^)]+)\)[^>]*>{re.escape(text)}</text>", svg)
    across, down = place.split(",")
    return float(across), float(down)


def test_a_changed_cell_has_its_sign_at_the_right_beside_state_and_score() -> None:
    svg = draw_heat_map([make_line(directions=(None, "gained", "lost", None, None), net_change=0)], compared=True)
    assert list_texts(svg).count("★81.25") == 2
    # Cells are 56 wide: the second one's middle lies at 84, the third one's at 140, and the sign 22 to its right.
    assert find_place(svg, "＋")[0] == 106
    assert find_place(svg, "－")[0] == 162
    assert find_place(svg, "○81.25")[0] == 135
    assert svg.count(FRAME) == 2


def test_an_unchanged_community_has_no_sign_and_a_zero() -> None:
    svg = draw_heat_map([make_line()], compared=True)
    assert list_texts(svg)[-6:] == ["星数", "2", "增减", "0", "名次", "7"]
    assert FRAME not in svg
    assert not {"＋", "－"} & set(list_texts(svg))


@pytest.mark.parametrize(("net_change", "shown"), [(1, "＋1"), (-1, "－1"), (5, "＋5"), (-3, "－3")])
def test_the_change_in_number_of_stars_stands_beside_the_rank(net_change: int, shown: str) -> None:
    svg = draw_heat_map([make_line(net_change=net_change)], compared=True)
    assert list_texts(svg)[-6:] == ["星数", "2", "增减", shown, "名次", "7"]
    stars, change, rank = (find_place(svg, text)[0] for text in ("星数", "增减", "名次"))
    assert stars < change < rank


def test_a_new_community_has_neither_sign_nor_change() -> None:
    svg = draw_heat_map([make_line(net_change=None)], compared=True)
    assert list_texts(svg)[-5:] == ["星数", "2", "增减", "名次", "7"]


def test_without_a_month_before_there_is_no_column_of_changes() -> None:
    svg = draw_heat_map([make_line(net_change=None)], compared=False)
    assert list_texts(svg)[-4:] == ["星数", "2", "名次", "7"]
    # The third cell's middle: nothing makes room for a sign.
    assert find_place(svg, "○81.25")[0] == 140


def test_an_incomplete_community_has_a_line_for_its_rank() -> None:
    assert list_texts(draw_heat_map([make_line(rank=None)], compared=True))[-1] == "—"


def test_a_long_name_is_cut_and_still_fits_its_room() -> None:
    # 13 signs are shown whole, of 14 the last two make room for an ellipsis.
    whole, cut = "一二三四五六七八九十甲乙丙", "一二三四五六七八九十甲乙…"
    assert whole in list_texts(draw_heat_map([make_line(name=whole)], compared=True))
    assert cut in list_texts(draw_heat_map([make_line(name=whole + "丁")], compared=True))


def test_the_key_has_the_signs_that_stand_in_cells() -> None:
    svg = draw_heat_map([make_line(directions=("gained", "lost", None, None, None))], compared=True)
    assert [one.mark for one in CHANGE_KEY] == [text for text in list_texts(svg) if text in {"＋", "－"}]
