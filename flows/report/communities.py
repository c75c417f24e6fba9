"""What the report shows of single communities: the heat maps, and what changed since the month before."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.report import figures, heat_map, pictures
from flows.report.figures import CommunityLine, StarChange
from flows.report.pictures import Picture, mark_svg
from flows.results import STAR_TITLES, MonthResult, StarRow

LINES_PER_MAP = 40

NO_PREVIOUS_MONTH = "没有上月结果，不作比较，图中不标增减。"


def describe_communities(result: MonthResult, previous_stars: Sequence[StarRow] | None) -> dict[str, Any]:
    """What the page's template asks for of communities, by its name there.

    `previous_stars` are those of the month before; without them nothing is compared and the page says why.
    """
    compared = previous_stars is not None
    return {
        "maps": _draw_maps(figures.list_lines_by_district(result, previous_stars), compared=compared),
        "states": pictures.STATE_SERIES,
        "change_key": heat_map.CHANGE_KEY if compared else (),
        "changes": None if previous_stars is None else _describe_changes(result, previous_stars),
        "no_previous_month": "" if compared else NO_PREVIOUS_MONTH,
    }


def _draw_maps(districts: Mapping[str, Sequence[CommunityLine]], *, compared: bool) -> list[Picture]:
    """A heat map for each district, the large ones in equal parts that fit a page."""
    maps = []
    for name, lines in districts.items():
        parts = -(-len(lines) // LINES_PER_MAP)
        size = -(-len(lines) // parts)
        for part in range(parts):
            shown = lines[part * size : (part + 1) * size]
            title = name if parts == 1 else f"{name}（{part + 1}/{parts}）"
            svg = heat_map.draw_heat_map(shown, compared=compared)
            maps.append(Picture(title, f"{len(lines)} 个社区", mark_svg(svg)))
    return maps


def _describe_changes(result: MonthResult, previous_stars: Sequence[StarRow]) -> dict[str, Any]:
    """What changed since the month before: by star, why stars were lost, and by community."""
    changes = figures.list_star_changes(result, previous_stars)
    by_community: dict[str, list[StarChange]] = {}
    for change in changes:
        by_community.setdefault(change.community.community_code, []).append(change)
    before = {row.community_code for row in previous_stars}
    now = {row.community_code for row in result.communities}
    return {
        "pictures": _draw_changes(changes),
        "communities": [
            {
                "district": own[0].community.district_name,
                "name": own[0].community.name,
                "gained": [STAR_TITLES[change.star] for change in own if change.direction == "gained"],
                "lost": _group_losses(own),
            }
            for own in by_community.values()
        ],
        "new_count": len(now - before),
        "gone_count": len(before - now),
    }


def _draw_changes(changes: Sequence[StarChange]) -> list[Picture]:
    drawn = [
        Picture(
            "与上月相比各星的增减",
            "向右为新亮，向左为失去，数字为社区数。",
            mark_svg(pictures.draw_changes(figures.count_changes(changes))),
            pictures.CHANGE_SERIES,
        )
    ]
    reasons = figures.count_loss_reasons(changes)
    if reasons:
        rows = [(text, count, f"{count}") for text, count in reasons.items()]
        lost_count = sum(change.direction == "lost" for change in changes)
        drawn.append(
            Picture(
                "什么带走了上月的星",
                f"上月亮、本月未亮的星共 {lost_count} 颗，每颗可有多个原因，数字为次数。",
                mark_svg(pictures.draw_bars(rows, label_width=300, fill=pictures.CHANGE_SERIES[1].fill)),
            )
        )
    return drawn


def _group_losses(changes: Sequence[StarChange]) -> list[tuple[str, str]]:
    """Stars lost for one and the same reasons, together with them."""
    stars_by_reason: dict[str, list[str]] = {}
    for change in changes:
        if change.direction == "lost":
            stars_by_reason.setdefault("；".join(change.reasons), []).append(STAR_TITLES[change.star])
    return [("、".join(stars), why) for why, stars in stars_by_reason.items()]
