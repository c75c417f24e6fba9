"""The report's pictures as SVG with selectable text.

Every position is reckoned from numbers and none from a font's measures, so that the same month gives the same bytes
on a machine with other fonts; the reader's own fonts show the text. Each state carries a sign or a number beside
its colour.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from flows.report.figures import Counts
from flows.wording import STAR_MARKS

MEASURED_FONT = "monospace"
"""The renderer measures every text though nothing depends on it: one plain font is the quickest."""

INK = "#1F2A37"
MUTED = "#5B6770"
RULE = "#D0D7DE"
VEGA_LITE = "6.4"

ROW_HEIGHT = 26
MARK_WIDTH, DIGIT_WIDTH, LABEL_MARGIN = 12, 6.5, 3
AXIS_HEIGHT = 22
WIDTH = 660
STACK_WIDTH, TOTAL_WIDTH = 600, 150


@dataclass(frozen=True)
class Series:
    """One series of a picture: its key, its name, its colours, and the sign that tells it without colour."""

    key: str
    title: str
    fill: str
    ink: str
    mark: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture with its title, what it says in a sentence, and the key to its colours."""

    title: str
    note: str
    svg: Markup
    series: Sequence[Series] = ()


# Blue, orange and vermilion of the Okabe-Ito palette, which colour-blind readers tell apart; lightness differs too.
STATE_SERIES = (
    Series("lit", "亮星", "#0072B2", "#FFFFFF", STAR_MARKS["lit"]),
    Series("unlit", "未亮", "#DCE4EB", INK, STAR_MARKS["unlit"]),
    Series("withheld", "暂缓", "#F0C75E", INK, STAR_MARKS["withheld"]),
    Series("vetoed", "否决", "#8F2D04", "#FFFFFF", STAR_MARKS["vetoed"]),
    Series("insufficient_data", "数据不足", "#FFFFFF", MUTED, STAR_MARKS["insufficient_data"]),
)
STAR_COUNT_SERIES = (
    Series("5", "5 星", "#08306B", "#FFFFFF"),
    Series("4", "4 星", "#2171B5", "#FFFFFF"),
    Series("3", "3 星", "#6BAED6", INK),
    Series("2", "2 星", "#B4D3E9", INK),
    Series("1", "1 星", "#DEEBF7", INK),
    Series("0", "0 星", "#FFFFFF", MUTED),
)
POST_SERIES = (
    Series("principal", "正职", "#1F4E79", "#FFFFFF"),
    Series("deputy", "副职", "#6BA3D6", INK),
    Series("other", "其他", "#DCE4EB", INK),
)
TAG_SERIES = (
    Series("sourced", "有出处", "#1F4E79", "#FFFFFF"),
    Series("secondary", "二手资料", "#6BA3D6", INK),
    Series("derived", "推算", "#C9DDEF", INK),
    Series("assumed", "系统假定（非本市规定）", "#F0C75E", INK),
)
GRADE_SERIES = (Series("current", "现等级", "#B7C4D1", INK), Series("proposed", "建议等级", "#1F4E79", "#FFFFFF"))
CHANGE_SERIES = (
    Series("gained", "新亮", "#0072B2", "#FFFFFF", "＋"),
    Series("lost", "失去", "#8F2D04", "#FFFFFF", "－"),
)


def skip_schema_checks() -> AbstractContextManager[None]:
    """Draw without checking every part of a picture against the chart schema, which takes as long as the drawing."""
    checks: AbstractContextManager[None] = debug_mode(False)
    return checks


def draw_stacks(counts: Counts, series: Sequence[Series], *, label_width: int = 96) -> str:
    """Stacked bars, one a line of `counts`, each piece with its sign and its count.

    The total stands at the line's end, and after it the count of each piece that is too narrow to hold its own.
    """
    longest = max((sum(line.values()) for line in counts.values()), default=0) or 1
    pieces: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    for label, line in counts.items():
        start = 0
        left_out = []
        for one in series:
            count = line[one.key]
            if count:
                room = count / longest * STACK_WIDTH
                is_narrow = _measure_label(one.mark, count) > room
                text = f"{one.mark}{count}" if not is_narrow else one.mark if room >= MARK_WIDTH else ""
                pieces.append(
                    {"y": label, "a": start, "b": start + count, "m": start + count / 2, "t": text,
                     "f": one.fill, "i": one.ink}
                )  # fmt: skip
                start += count
                if is_narrow:
                    left_out.append(f"{one.mark or one.title + ' '}{count}")
        totals.append({"y": label, "a": start, "t": f"{start}（{'、'.join(left_out)}）" if left_out else f"{start}"})
    height = ROW_HEIGHT * max(len(counts), 1)
    x = alt.X("a:Q", axis=None, scale=alt.Scale(domain=[0, longest]))
    lines = alt.Chart(make_data(pieces)).encode(y=_lines(list(counts)))
    bars = lines.mark_bar(height=18, stroke=MUTED, strokeWidth=0.6).encode(
        x=x, x2="b:Q", color=alt.Color("f:N", scale=None)
    )
    labels = lines.mark_text(fontSize=11).encode(x="m:Q", text="t:N", color=alt.Color("i:N", scale=None))
    ends = alt.Chart(make_data(totals)).mark_text(fontSize=11, align="left", dx=6, color=MUTED)
    sums = ends.encode(x="a:Q", y=_lines(list(counts)), text="t:N")
    drawn = alt.layer(bars, labels, sums)
    return render_chart(drawn, STACK_WIDTH, height, left=label_width, right=TOTAL_WIDTH, top=2, bottom=2)


def _measure_label(mark: str, count: int) -> float:
    """How much room a sign and a count take side by side."""
    return (MARK_WIDTH if mark else 0) + DIGIT_WIDTH * len(str(count)) + LABEL_MARGIN


def draw_bars(rows: Sequence[tuple[str, float, str]], *, label_width: int, fill: str = "#2171B5") -> str:
    """Plain bars: label, value (less than zero goes left) and the text beside it."""
    least = min([0.0, *(value for _, value, _ in rows)])
    most = max([0.0, *(value for _, value, _ in rows)])
    span = (most - least) or 1.0
    values = [{"y": label, "v": value, "z": 0, "t": text, "e": max(value, 0)} for label, value, text in rows]
    labels = [label for label, _, _ in rows]
    base = alt.Chart(make_data(values)).encode(y=_lines(labels))
    x = alt.X("v:Q", axis=None, scale=alt.Scale(domain=[least, least + span]))
    bars = base.mark_bar(height=16, color=fill).encode(x=x, x2="z:Q")
    texts = base.mark_text(fontSize=11, align="left", dx=6, color=INK).encode(x="e:Q", text="t:N")
    width = WIDTH - label_width - 100
    return render_chart(
        alt.layer(bars, texts), width, ROW_HEIGHT * max(len(rows), 1), left=label_width, right=196, top=2
    )


def draw_changes(counts: Counts) -> str:
    """Stars gained to the right and lost to the left, one line a star."""
    gained, lost = CHANGE_SERIES
    most = max((count for line in counts.values() for count in line.values()), default=0) or 1
    values = []
    for label, line in counts.items():
        for one, sign in ((gained, 1), (lost, -1)):
            count = line[one.key]
            # Room beside the zero line keeps a bar of nothing readable.
            values.append(
                {"y": label, "v": sign * count, "z": 0, "t": f"{one.mark}{count}", "f": one.fill, "s": sign}
            )
    base = alt.Chart(make_data(values)).encode(y=_lines(list(counts)))
    x = alt.X("v:Q", axis=None, scale=alt.Scale(domain=[-most * 1.2, most * 1.2]))
    bars = base.mark_bar(height=16).encode(x=x, x2="z:Q", color=alt.Color("f:N", scale=None))
    right = base.transform_filter("datum.s > 0").mark_text(align="left", dx=5, fontSize=11, color=INK)
    left = base.transform_filter("datum.s < 0").mark_text(align="right", dx=-5, fontSize=11, color=INK)
    layers = alt.layer(bars, right.encode(x=x, text="t:N"), left.encode(x=x, text="t:N"))
    return render_chart(layers, WIDTH - 100, ROW_HEIGHT * max(len(counts), 1), left=96, right=20, top=2)


def draw_pairs(counts: Counts, series: Sequence[Series], *, unit: str) -> str:
    """Two bars side by side for each line of `counts`, whose label takes `unit`, such as 7 级."""
    values = [
        {"x": f"{label} {unit}", "g": one.key, "v": line[one.key], "t": str(line[one.key] or ""), "f": one.fill}
        for label, line in counts.items()
        for one in series
    ]
    labels = [f"{label} {unit}" for label in counts]
    axis = alt.Axis(title=None, labelAngle=0, labelFontSize=10, ticks=False, labelOverlap=False, labelPadding=6)
    x = alt.X("x:N", sort=labels, axis=axis, scale=alt.Scale(paddingInner=0.18, paddingOuter=0.1))
    offset = alt.XOffset("g:N", sort=[one.key for one in series])
    most = max((count for line in counts.values() for count in line.values()), default=0) or 1
    y = alt.Y("v:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.08]))
    base = alt.Chart(make_data(values)).encode(x=x, xOffset=offset, y=y)
    bars = base.mark_bar(stroke=MUTED, strokeWidth=0.5).encode(color=alt.Color("f:N", scale=None))
    texts = base.mark_text(dy=-6, fontSize=8.5, color=INK).encode(text="t:N")
    return render_chart(alt.layer(bars, texts), WIDTH + 90, 180, left=10, right=10, top=10, bottom=AXIS_HEIGHT)


def make_data(values: Sequence[dict[str, Any]]) -> Any:
    """The rows that a layer of a picture is drawn from."""
    return alt.Data(values=list(values))


def _lines(labels: Sequence[str]) -> Any:
    """The lines of a bar picture with their labels at the left, in the order given."""
    axis = alt.Axis(
        title=None, ticks=False, domain=False, labelLimit=0, labelFontSize=11, labelPadding=8, labelColor=INK,
        labelOverlap=False,
    )  # fmt: skip
    return alt.Y("y:N", sort=list(labels), axis=axis)


def render_chart(
    chart: Any, width: float, height: float, *, left: int, right: int, top: int = 4, bottom: int = 4
) -> str:
    """The chart as SVG whose size and places depend on nothing but the numbers given."""
    sized = chart.properties(
        width=width,
        height=height,
        padding={"left": left, "right": right, "top": top, "bottom": bottom},
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
    )
    styled = sized.configure(font=MEASURED_FONT, aria=False).configure_view(stroke=None)
    svg = vl_convert.vegalite_to_svg(vl_spec=styled.to_dict(validate=False), vl_version=VEGA_LITE)
    # Without a font of its own the text takes the page's.
    return str(svg).replace(f' font-family="{MEASURED_FONT}"', "")


def mark_svg(svg: str) -> Markup:
    """SVG made here: its texts are escaped by the renderer already."""
    return Markup(svg)  # noqa: S704
