"""What stands on the comparison's page: key figures, pictures and tables, in the words of those who decide."""

from collections.abc import Sequence
from typing import Any

from flows.moves import AFTER, BEFORE, CommunityMove, Comparison, CostLine, PolicyChange
from flows.policy import PolicyValue, shorten_fingerprint
from flows.report import comparison_figures as figures
from flows.report import pictures
from flows.report.pictures import Picture, Series, mark_svg
from flows.results import STAR_TITLES
from flows.wording import (
    MONITORING,
    NO_PAY_BASE,
    POSTS,
    TAGS,
    describe_star_reason,
    format_instant,
    format_month,
    format_signed_yuan,
    format_yuan,
    split_policy_figure,
)

PAIR_SERIES = (
    Series("before", BEFORE, "#B7C4D1", pictures.INK),
    Series("after", AFTER, "#1F4E79", "#FFFFFF"),
)
MOVE_SERIES = (
    Series("gained", "星数增加的社区", "#0072B2", "#FFFFFF", "＋"),
    Series("lost", "星数减少的社区", "#8F2D04", "#FFFFFF", "－"),
)
CHANGES = {"added": "新增", "ended": "停用", "value": "取值改变", "standing": "取值未变，依据或起始日改变"}
COST_LABEL_WIDTH = 120


def describe_comparison(comparison: Comparison) -> dict[str, Any]:
    """Everything that the page's template asks for, by its name there."""
    with pictures.skip_schema_checks():
        return {
            "title": f"{format_month(comparison.month)} 政策调整测算",
            "monitoring": MONITORING,
            "fingerprints": (
                shorten_fingerprint(comparison.fingerprint_before),
                shorten_fingerprint(comparison.fingerprint_after),
            ),
            "cutoffs": list(
                dict.fromkeys(map(format_instant, (comparison.cutoff_at_before, comparison.cutoff_at_after)))
            ),
            "effective_on": comparison.effective_on,
            "banners": [*_tell_sameness(comparison), *comparison.banners],
            "cards": _list_cards(comparison),
            "changes": [_describe_change(change) for change in comparison.policy_changes],
            "unseen": [_describe_change(change) for change in comparison.unseen_changes],
            "stars": _draw_stars(comparison.communities),
            "communities": _list_communities(comparison),
            "grades": _draw_grades(comparison),
            "kinds": [
                (title, line["before"], line["after"]) for title, line in figures.count_kinds(comparison).items()
            ],
            "transitions": figures.count_transitions(comparison.workers),
            "workloads": comparison.count_workloads(),
            "worker_count": len(comparison.workers),
            "no_pay_base": _tell_lacking_base(comparison),
            "costs": _describe_costs(comparison),
            "matrix": _tabulate_posts(comparison),
            "parts": _list_parts(comparison.total),
            "raises": tuple(
                None if fen is None else format_signed_yuan(fen)
                for fen in (comparison.total.raise_cost_before_fen, comparison.total.raise_cost_after_fen)
            ),
            "without_pay_count": comparison.total.without_pay_count,
            "funds": [
                (funds.community_count, format_yuan(funds.minimum_fen), format_yuan(funds.maximum_fen))
                for funds in (comparison.funds_before, comparison.funds_after)
            ],
        }


def _tell_sameness(comparison: Comparison) -> list[str]:
    """What a reader of a page without differences must know first."""
    if comparison.fingerprint_before == comparison.fingerprint_after:
        return ["两套政策完全相同，没有差别。"]
    if not comparison.policy_changes:
        return ["两套政策文件不同，但本月适用的参数没有差别，测算结果因此相同。"]
    return []


def _list_cards(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Key figures: name, figure, and a word on it."""
    communities = [move.direction for move in comparison.communities]
    workers = [move.direction for move in comparison.workers]
    total = comparison.total
    before, after = comparison.count_workloads()
    unseen_count = len(comparison.unseen_changes)
    swapped_count = communities.count("swapped")
    return [
        (
            "本月适用的改动",
            f"{len(comparison.policy_changes)}",
            f"项，另有 {unseen_count} 项本月不适用" if unseen_count else "项",
        ),
        ("星数增加的社区", f"{communities.count('up')}", f"共 {len(communities)} 个参评社区"),
        (
            "星数减少的社区",
            f"{communities.count('down')}",
            f"另有 {swapped_count} 个星数不变、亮的星不同" if swapped_count else f"共 {len(communities)} 个参评社区",
        ),
        ("建议等级更高", f"{workers.count('up')}", f"人，共 {len(workers)} 人"),
        ("建议等级更低", f"{workers.count('down')}", "人，与现行政策的建议相比"),
        ("每月费用增减", _show_amount(total.monthly_change_fen), _note_amount(total, "元，建议工资合计之差")),
        ("全年费用增减", _show_amount(total.yearly_change_fen), _note_amount(total, "元，按 12 个月推算")),
        (
            "待人工决定",
            f"{before.awaiting_count} → {after.awaiting_count}",
            f"人；暂缓晋级 {before.held_count} → {after.held_count} 人",
        ),
    ]


def _show_amount(fen: int | None) -> str:
    return NO_PAY_BASE if fen is None else format_signed_yuan(fen)


def _note_amount(total: CostLine, note: str) -> str:
    return "未计算工资" if total.monthly_change_fen is None else note


def _describe_change(change: PolicyChange) -> dict[str, Any]:
    return {
        "title": change.known.title,
        "change": CHANGES[change.kind],
        "sides": [
            _describe_side(change.before, change.after),
            _describe_side(change.after, change.before),
        ],
    }


def _describe_side(value: PolicyValue | None, other: PolicyValue | None) -> dict[str, Any] | None:
    """A value as one policy has it, with its tag and reference; nothing where it has none."""
    if value is None:
        return None
    return {
        "parts": split_policy_figure(value, other),
        "start_on": value.start_on,
        "tag": TAGS.get(value.tag, value.tag),
        "code": value.tag,
        "reference": value.reference,
    }


def _draw_stars(moves: Sequence[CommunityMove]) -> list[Picture]:
    """The distribution of stars, and where they move if any does."""
    distribution = Picture(
        "社区按星数的分布",
        "数字为社区数。",
        mark_svg(pictures.draw_pairs(figures.count_stars(moves), PAIR_SERIES, unit="星")),
        PAIR_SERIES,
    )
    directions = [move.direction for move in moves]
    if set(directions) <= {"same"}:
        return [distribution]
    swapped_count = directions.count("swapped")
    swapped = f"另有 {swapped_count} 个社区星数不变、亮的星不同，不在图中。" if swapped_count else ""
    return [
        distribution,
        Picture(
            "各区县星数增减的社区",
            f"向右为增加，向左为减少，数字为社区数。{swapped}",
            mark_svg(pictures.draw_changes(figures.count_moves_by_district(moves))),
            MOVE_SERIES,
        ),
        Picture(
            "五颗星的增减",
            "向右为新亮，向左为失去，数字为社区数。",
            mark_svg(pictures.draw_changes(figures.count_star_changes(moves))),
            pictures.CHANGE_SERIES,
        ),
    ]


def _list_communities(comparison: Comparison) -> list[dict[str, Any]]:
    """The communities that gain or lose a star, with the reasons that the other policy gives."""
    titles = comparison.indicator_titles
    return [
        {
            "district": move.community.district_name,
            "name": move.community.name,
            "stars": f"{move.before.stars} → {move.after.stars}",
            "gained": [STAR_TITLES[star] for star in move.gained],
            "lost": [
                (STAR_TITLES[row.star], "；".join(describe_star_reason(reason, titles) for reason in row.reasons))
                for row in move.stars_after
                if row.star in move.lost
            ],
        }
        for move in figures.list_moved_communities(comparison.communities)
    ]


def _draw_grades(comparison: Comparison) -> list[Picture]:
    """The proposed grades of each post, under both policies."""
    return [
        Picture(
            f"{POSTS[post]}：建议等级的分布",
            "数字为人数。",
            mark_svg(pictures.draw_pairs(counts, PAIR_SERIES, unit="级")),
            PAIR_SERIES,
        )
        for post, counts in figures.count_grades_by_post(comparison.workers).items()
    ]


def _tell_lacking_base(comparison: Comparison) -> str:
    """Which policy sets no pay base, in a word; nothing if both do."""
    if comparison.is_paid_before and comparison.is_paid_after:
        return ""
    if not comparison.is_paid_before and not comparison.is_paid_after:
        return "两套政策都"
    return AFTER if comparison.is_paid_before else BEFORE


def _describe_costs(comparison: Comparison) -> list[dict[str, Any]]:
    """Monthly cost by district and by post, as picture and as table; nothing where a pay base is unset."""
    if comparison.total.monthly_change_fen is None:
        return []
    groups = (
        ("各区县每月费用增减", "区县", [(line.district_name, line) for line in comparison.list_costs("district")]),
        ("各岗位每月费用增减", "岗位", [(POSTS[line.post], line) for line in comparison.list_costs("post")]),
    )
    return [
        {
            "picture": Picture(
                title,
                "拟议政策减现行政策，单位：元/月。",
                mark_svg(
                    pictures.draw_bars([_make_bar(name, line) for name, line in lines], label_width=COST_LABEL_WIDTH)
                ),
            ),
            "head": head,
            "lines": [_describe_line(name, line) for name, line in [*lines, ("合计", comparison.total)]],
        }
        for title, head, lines in groups
    ]


def _make_bar(name: str, line: CostLine) -> tuple[str, int, str]:
    return (name, line.monthly_change_fen or 0, _show_amount(line.monthly_change_fen))


def _describe_line(name: str, line: CostLine) -> tuple[str, ...]:
    return (
        name,
        f"{line.worker_count}",
        f"{line.pay_up_count}",
        f"{line.pay_down_count}",
        *("" if fen is None else format_yuan(fen) for fen in (line.before_fen, line.after_fen)),
        _show_amount(line.monthly_change_fen),
        _show_amount(line.yearly_change_fen),
    )


def _tabulate_posts(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """Monthly change of each district, by post in the order of `POSTS`; nothing where a pay base is unset."""
    if comparison.total.monthly_change_fen is None:
        return []
    cells = {(line.district_code, line.post): line for line in comparison.list_costs("district_post")}
    return [
        (
            district.district_name,
            [
                _show_amount(cells[district.district_code, post].monthly_change_fen)
                if (district.district_code, post) in cells
                else "–"
                for post in POSTS
            ],
        )
        for district in comparison.list_costs("district")
    ]


def _list_parts(total: CostLine) -> list[tuple[str, str]]:
    """What the monthly change is made of; nothing where a pay base is unset."""
    if (
        total.raise_cost_before_fen is None
        or total.raise_cost_after_fen is None
        or total.standard_change_fen is None
        or total.initial_change_fen is None
    ):
        return []
    return [
        ("现等级的工资变化（基数、系数、上浮等标准变化）", format_signed_yuan(total.standard_change_fen)),
        (
            "调整建议的变化（建议等级与现等级之差）",
            format_signed_yuan(total.raise_cost_after_fen - total.raise_cost_before_fen),
        ),
        ("首次定级人员的建议工资变化", format_signed_yuan(total.initial_change_fen)),
        ("合计", _show_amount(total.monthly_change_fen)),
    ]
