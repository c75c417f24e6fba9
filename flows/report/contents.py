"""What stands on the report's page: key figures, pictures with their keys, and tables, in the reader's words."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flows.exact import format_decimal
from flows.report import figures, pictures
from flows.report.communities import describe_communities
from flows.report.figures import CostLine
from flows.report.pictures import Picture, mark_svg
from flows.results import STAR_TITLES, MonthResult, StarRow, TableQuality
from flows.wording import (
    MONITORING,
    MONITORING_RESULT,
    NO_PAY_BASE,
    PLATFORMS,
    TABLES,
    TAGS,
    describe_fingerprint,
    describe_policy_figure,
    describe_quality_reason,
    format_instant,
    format_month,
    format_yuan,
    lacks_pay_base,
    list_banners,
)


def describe_month(
    result: MonthResult,
    revision: int,
    *,
    previous_stars: Sequence[StarRow] | None,
    quality: Sequence[TableQuality],
) -> dict[str, Any]:
    """Everything that the page's template asks for, by its name there."""
    with pictures.skip_schema_checks():
        return {
            "title": f"{format_month(result.month)} 五星支部{MONITORING_RESULT}",
            "monitoring": MONITORING,
            "revision": revision,
            "effective_on": result.effective_on,
            "cutoff": format_instant(result.cutoff_at),
            "banners": list_banners(result),
            "cards": _list_cards(result, previous_stars),
            "assumed": _describe_assumed(result),
            "stars": _draw_stars(result),
            **describe_communities(result, previous_stars),
            "grades": _draw_grades(result),
            "costs": _describe_costs(result),
            "no_pay_base": NO_PAY_BASE if lacks_pay_base(result) else "",
            "quality": _describe_quality(quality),
            "policy": _describe_policy(result),
            "policy_mark": describe_fingerprint(result),
            "award_count": len(result.awards),
        }


def _list_cards(result: MonthResult, previous_stars: Sequence[StarRow] | None) -> list[tuple[str, str, str]]:
    """Key figures: name, figure, and a word on it."""
    found = figures.count_key_figures(result)
    difference = found.monthly_difference_fen
    share = _format_share(found.many_stars_count, found.community_count)
    all_stars = f"共 {found.community_count * len(STAR_TITLES):,} 颗"
    if previous_stars is not None:
        changed = Counter(change.direction for change in figures.list_star_changes(result, previous_stars))
        all_stars += f"，比上月新亮 {changed['gained']}、失去 {changed['lost']}"
    return [
        (
            "到位的数据来源",
            f"{sum(source.present for source in result.inputs.sources)}",
            f"共 {len(result.inputs.sources)} 个",
        ),
        ("参评社区", f"{found.community_count}", f"其中数据完整、参加排名 {found.complete_count} 个"),
        (f"{found.many_stars} 星及以上社区", f"{found.many_stars_count}", f"占参评社区 {share}"),
        ("亮星", f"{found.lit_count}", all_stars),
        ("待人工决定", f"{found.awaiting_count}", f"其中须逐人核查 {found.manual_count} 人"),
        ("暂缓晋级", f"{found.held_count}", "人，事由见人事工作簿"),
        (
            "月工资差额",
            NO_PAY_BASE if difference is None else f"{format_yuan(difference)}",
            "未计算工资" if difference is None else "元，按建议等级，不含首次定级",
        ),
        ("工作经费", f"{found.award_count}", "个社区可享受，金额由人核定"),
    ]


def _draw_stars(result: MonthResult) -> list[Picture]:
    reasons = figures.count_star_reasons(result)
    listed = [
        Picture(
            "各区县社区的星数",
            "每条为一个区县，数字为社区数；右端为社区总数。",
            mark_svg(pictures.draw_stacks(figures.count_stars_by_district(result), pictures.STAR_COUNT_SERIES)),
            pictures.STAR_COUNT_SERIES,
        ),
        Picture(
            "五颗星各有多少社区点亮",
            "“数据不足”不是未达标：缺的数据不当作零。",
            mark_svg(pictures.draw_stacks(figures.count_star_states(result), pictures.STATE_SERIES)),
            pictures.STATE_SERIES,
        ),
    ]
    if reasons:
        rows = [(text, count, f"{count}") for text, count in reasons.items()]
        listed.append(
            Picture(
                "什么让星没有亮",
                "每颗未亮、暂缓、否决或数据不足的星可有多个原因，数字为次数。",
                mark_svg(pictures.draw_bars(rows, label_width=300)),
            )
        )
    return listed


def _draw_grades(result: MonthResult) -> list[Picture]:
    if not result.proposals:
        return []
    return [
        Picture(
            "等级分布：现等级与建议等级",
            "数字为人数；首次定级的人员只计入建议等级。",
            mark_svg(pictures.draw_pairs(figures.count_grades(result), pictures.GRADE_SERIES, unit="级")),
            pictures.GRADE_SERIES,
        ),
        Picture(
            "调整建议的类型",
            "数字为人数；右端为合计。星级不影响等级。",
            mark_svg(pictures.draw_stacks(figures.count_kinds(result), pictures.POST_SERIES)),
            pictures.POST_SERIES,
        ),
    ]


def _describe_costs(result: MonthResult) -> list[dict[str, Any]]:
    """Monthly cost by district and by post, as picture and as table; nothing while the pay base is unset."""
    groups = (
        ("各区县每月工资差额", figures.list_costs_by_district(result)),
        ("各岗位每月工资差额", figures.list_costs_by_post(result)),
    )
    return [
        {
            "picture": Picture(
                title,
                "按建议等级与现等级之差，单位：元/月；只计有现等级的人员。",
                mark_svg(pictures.draw_bars([_make_cost_bar(line) for line in lines], label_width=120)),
            ),
            "lines": [
                (
                    line.title,
                    f"{line.worker_count:,}",
                    format_yuan(line.current_fen),
                    format_yuan(line.proposed_fen),
                    format_yuan(line.difference_fen),
                )
                for line in [*lines, _sum_costs(lines)]
            ],
        }
        for title, lines in groups
        if lines
    ]


def _sum_costs(lines: Sequence[CostLine]) -> CostLine:
    return CostLine(
        "合计",
        sum(line.worker_count for line in lines),
        sum(line.current_fen for line in lines),
        sum(line.proposed_fen for line in lines),
    )


def _make_cost_bar(line: CostLine) -> tuple[str, int, str]:
    return (line.title, line.difference_fen, format_yuan(line.difference_fen))


def _describe_quality(quality: Sequence[TableQuality]) -> dict[str, Any] | None:
    """What validation found, by source and table, as picture and as table; nothing if nothing landed."""
    if not quality:
        return None
    names = [(PLATFORMS.get(row.platform, row.platform), TABLES.get(row.table, row.table)) for row in quality]
    bars = [
        (
            f"{platform} {table}",
            float(_share(row.rejected_count, row.received_count)),
            _describe_rejected(row),
        )
        for (platform, table), row in zip(names, quality, strict=True)
    ]
    return {
        "picture": Picture(
            "各来源各类数据的拒收率",
            "拒收的记录不参加计算；括号内为拒收数和收到数。",
            mark_svg(pictures.draw_bars(bars, label_width=160, fill="#8F2D04")),
        ),
        "rows": [
            {
                "platform": platform,
                "table": table,
                "received": f"{row.received_count:,}",
                "landed": f"{row.landed_count:,}",
                "rejected": f"{row.rejected_count:,}",
                "reasons": [
                    (describe_quality_reason(reason), f"{count:,}")
                    for reason, count in sorted(row.reason_counts.items(), key=lambda item: (-item[1], item[0]))
                ],
            }
            for (platform, table), row in zip(names, quality, strict=True)
        ],
    }


def _describe_rejected(row: TableQuality) -> str:
    share = _format_share(row.rejected_count, row.received_count)
    return f"{share}（{row.rejected_count:,} / {row.received_count:,}）"


def _describe_assumed(result: MonthResult) -> str:
    """How many policy values are assumed, and their share."""
    total = len(result.policy_values)
    assumed = figures.count_tags(result)["assumed"]
    return f"共 {total} 项，其中系统假定 {assumed} 项，占 {_format_share(assumed, total)}。"


def _describe_policy(result: MonthResult) -> dict[str, Any]:
    tags = figures.count_tags(result)
    return {
        "picture": Picture(
            "政策参数的依据",
            f"{_describe_assumed(result)}系统假定不是本市规定，待市级文件替换。",
            mark_svg(pictures.draw_stacks({"全部参数": tags}, pictures.TAG_SERIES)),
            pictures.TAG_SERIES,
        ),
        "values": [
            (value.title, describe_policy_figure(value), TAGS.get(value.tag, value.tag), value.reference, value.tag)
            for value in result.policy_values
        ],
    }


def _share(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)


def _format_share(part: int, whole: int) -> str:
    return f"{format_decimal(_share(part, whole) * 100, 1)}%" if whole else "–"
