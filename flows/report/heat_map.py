"""The heat map of a district: communities × stars, with the sign of what changed since the month before.

A cell shows state, score and change as signs and figures, so that it is read without colour, on a grey print too.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from flows.exact import format_decimal
from flows.report.figures import CommunityLine
from flows.report.pictures import CHANGE_SERIES, INK, MUTED, STATE_SERIES, Series, make_data, render_chart
from flows.results import STAR_TITLES, STARS
from flows.wording import STAR_MARKS

CELL_WIDTH, CELL_HEIGHT = 56, 18
NAME_WIDTH, HEAD_HEIGHT = 92, 20
NAME_SIZE, SMALLEST_NAME_SIZE = 10.5, 7
LONGEST_NAME = 13
TEXT_SIZE = 9.5
SIGN_SIZE = 11
SIGN_PLACE, BESIDE_SIGN = 22, -5
"""How far from a cell's middle its sign of change stands, and its text where cells have signs."""
FIRST_COLUMN, COLUMN_WIDTH, NO_RANK = 14, 23, "—"
COLUMNS_WIDTH = 70

CHANGE_KEY = (
    Series("gained", "本月新亮", "#FFFFFF", INK, CHANGE_SERIES[0].mark),
    Series("lost", "上月亮、本月未亮", "#FFFFFF", INK, CHANGE_SERIES[1].mark),
)
"""The signs of change as they stand in cells, at the right and with a frame."""


def draw_heat_map(lines: Sequence[CommunityLine], *, compared: bool) -> str:
    """Communities × stars: state as colour and sign, the score, the sign of change; stars, change and rank beside.

    `compared` says whether there is a month before to compare with; without one no change is shown.
    """
    x = alt.X("x:O", axis=None, scale=alt.Scale(domain=list(range(len(STARS))), padding=0))
    y = alt.Y("y:O", axis=None, scale=alt.Scale(domain=list(range(len(lines))), padding=0))
    width, height = CELL_WIDTH * len(STARS), CELL_HEIGHT * len(lines)
    layers = [*_draw_cells(lines, x, y, compared=compared), *_draw_heads(x)]
    named = alt.Chart(make_data([_describe_name(index, line) for index, line in enumerate(lines)])).encode(y=y)
    names = named.mark_text(align="right", x=-6, color=INK).encode(text="n:N", size=alt.Size("s:Q", scale=None))
    columns = _draw_columns(lines, y, compared=compared)
    picture = alt.layer(*layers, names, *columns)
    return render_chart(picture, width, height, left=NAME_WIDTH, right=COLUMNS_WIDTH, top=HEAD_HEIGHT, bottom=2)


def _draw_cells(lines: Sequence[CommunityLine], x: Any, y: Any, *, compared: bool) -> list[Any]:
    states = {one.key: one for one in STATE_SERIES}
    signs = {one.key: one.mark for one in CHANGE_SERIES}
    cells: list[dict[str, Any]] = []
    for index, line in enumerate(lines):
        for column, (row, direction) in enumerate(zip(line.stars, line.directions, strict=True)):
            if row is None:
                continue
            one = states[row.state]
            text = STAR_MARKS[row.state] + format_decimal(row.score, 2)
            cell = {"x": column, "y": index, "t": text, "f": one.fill, "i": one.ink}
            cells.append(cell | ({"c": signs[direction]} if direction else {}))
    base = alt.Chart(make_data(cells)).encode(x=x, y=y)
    boxes = base.mark_rect(stroke="#AEB9C4", strokeWidth=0.6).encode(color=alt.Color("f:N", scale=None))
    ink = alt.Color("i:N", scale=None)
    texts = base.mark_text(fontSize=TEXT_SIZE, dx=BESIDE_SIGN if compared else 0).encode(text="t:N", color=ink)
    changed = alt.Chart(make_data([cell for cell in cells if "c" in cell])).encode(x=x, y=y)
    frames = changed.mark_rect(fillOpacity=0, stroke=INK, strokeWidth=1.6)
    shown = changed.mark_text(fontSize=SIGN_SIZE, fontWeight="bold", dx=SIGN_PLACE).encode(text="c:N", color=ink)
    return [boxes, frames, texts, shown] if compared else [boxes, texts]


def _draw_heads(x: Any) -> list[Any]:
    heads = alt.Chart(make_data([{"x": index, "n": STAR_TITLES[star]} for index, star in enumerate(STARS)]))
    return [heads.mark_text(fontSize=TEXT_SIZE, color=MUTED, y=-8).encode(x=x, text="n:N")]


def _draw_columns(lines: Sequence[CommunityLine], y: Any, *, compared: bool) -> list[Any]:
    """Stars, change and rank of each community beside its cells, each column with its head."""
    columns = [("星数", [str(line.rating.stars) if line.rating else "" for line in lines])]
    if compared:
        columns.append(("增减", [_describe_change(line.net_change) for line in lines]))
    columns.append(("名次", [_describe_rank(line) for line in lines]))
    layers = []
    for index, (title, texts) in enumerate(columns):
        place = CELL_WIDTH * len(STARS) + FIRST_COLUMN + index * COLUMN_WIDTH
        head = alt.Chart(make_data([{"n": title}])).mark_text(fontSize=TEXT_SIZE, color=MUTED, x=place, y=-8)
        values = alt.Chart(make_data([{"y": row, "n": text} for row, text in enumerate(texts) if text]))
        layers.append(head.encode(text="n:N"))
        layers.append(values.mark_text(fontSize=TEXT_SIZE, color=INK, x=place).encode(y=y, text="n:N"))
    return layers


def _describe_name(index: int, line: CommunityLine) -> dict[str, Any]:
    """The community's name in a size that fits its room, a long one cut."""
    name = line.community.name
    shown = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    size = max(SMALLEST_NAME_SIZE, min(NAME_SIZE, NAME_WIDTH / max(len(shown), 1) - 0.3))
    return {"y": index, "n": shown, "s": size}


def _describe_change(net_change: int | None) -> str:
    """By how many stars more or fewer, such as ＋2; nothing for a community that is new this month."""
    if net_change is None:
        return ""
    gained, lost = CHANGE_SERIES
    if net_change == 0:
        return "0"
    return f"{gained.mark if net_change > 0 else lost.mark}{abs(net_change)}"


def _describe_rank(line: CommunityLine) -> str:
    """The rank in the district; a line for a community whose data is incomplete."""
    if line.rating is None:
        return ""
    return NO_RANK if line.rating.rank is None else str(line.rating.rank)
