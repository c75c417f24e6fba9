"""A community's explanation as text in simplified Chinese, for the community and those who judge its objection."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from flows.evaluate.explain.arithmetic import write_exact, write_result
from flows.evaluate.explain.community import CommunityExplanation, RatingExplanation
from flows.evaluate.explain.heading import Heading, write_heading, write_policy
from flows.evaluate.explain.measures import BatchShare, EventAgainst, Measure
from flows.evaluate.explain.stars import IndicatorExplanation, StarExplanation
from flows.evaluate.explain.words import AGAINST, INDICATOR_STATES, NO_DATA_RULES
from flows.policy_words import WORDS
from flows.wording import (
    PLATFORMS,
    STAR_MARKS,
    STAR_REASONS,
    STAR_STATES,
    TAGS,
    describe_column,
    describe_star_reason,
    format_instant,
    format_instant_to_the_second,
    format_month,
)

_ORDINALS = "一二三四五六七八九"
_TOLD_AS_ONE = ("five_star.deadlines", "five_star.response")


def write_community(heading: Heading, explanation: CommunityExplanation) -> str:
    """The whole explanation, lines ended by newlines."""
    community = explanation.community
    titles = {each.indicator: each.title for star in explanation.stars for each in star.indicators}
    tags = {value.path: TAGS.get(value.tag, value.tag) for value in explanation.policy}
    lines = [
        *write_heading(heading, "社区星级说明"),
        f"社区：{community.community_code} {community.name}（{community.district_name} {community.street_name}）",
        f"统计截止：{format_instant(explanation.cutoff_at)}（评估规则 §1）",
        "",
        "数据来源是否到位（评估规则 §3.3；没有到位的数据不当作零）",
        *(
            f"  {PLATFORMS.get(source.platform, source.platform)}：{'到位' if source.present else '未到位'}"
            f"（{source.evidence}）"
            for source in explanation.sources
        ),
    ]
    for place, star in enumerate(explanation.stars):
        lines += ["", *_write_star(_ORDINALS[place], star, titles, tags)]
    lines += ["", *_write_rating(_ORDINALS[len(explanation.stars)], explanation.rating)]
    lines += ["", "所用政策参数、依据类别和出处", *write_policy(explanation.policy)]
    return "\n".join(lines) + "\n"


def _write_star(
    ordinal: str, star: StarExplanation, titles: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[str]:
    score = "无得分" if star.score is None else f"得分 {star.score}"
    yield f"{ordinal}、{star.title}：{STAR_MARKS[star.state]} {STAR_STATES[star.state]}，{score}"
    for reason in star.reasons:
        yield f"  原因：{describe_star_reason(reason, titles)}"
    for indicator in star.indicators:
        yield from _write_indicator(indicator, tags)
    yield from _write_score(star, tags)
    yield from _write_state(star, tags)


def _write_indicator(indicator: IndicatorExplanation, tags: Mapping[str, str]) -> Iterator[str]:
    yield f"  · {indicator.title}（{indicator.indicator}，评估规则 {indicator.clause}，权重 {indicator.weight}）"
    for measure in indicator.measures:
        yield from _write_measure(measure, indicator)
    if indicator.value_arithmetic:
        yield f"      综合值：{indicator.value_arithmetic}"
    yield f"      状态：{INDICATOR_STATES[indicator.state]}；{NO_DATA_RULES[indicator.no_data]}"
    if indicator.full is not None and indicator.zero is not None:
        direction = "，越低越好" if indicator.lower_is_better else ""
        full, zero = write_exact(indicator.full), write_exact(indicator.zero)
        yield f"      满分线 {full}，零分线 {zero}{direction}"
    if indicator.score_arithmetic:
        yield f"      指标得分：{indicator.score_arithmetic}"
    if indicator.gate is not None:
        held = {None: "无数据，按无数据规则", True: "达到", False: "未达到"}[indicator.gate_holds]
        sign = "≤" if indicator.lower_is_better else "≥"
        yield f"      门槛：{sign} {write_exact(indicator.gate)}，{held}"
    yield f"      政策：{_name_policy(indicator.policy, tags)}"


def _write_measure(measure: Measure, indicator: IndicatorExplanation) -> Iterator[str]:
    if measure.weight is not None:
        yield f"      {WORDS[measure.name]}（占 {measure.weight}）"
    yield f"      口径：{measure.definition}"
    for month in measure.months:
        yield (
            f"      {format_month(month.month)}（截止 {format_instant(month.cutoff_at)}）："
            f"{month.numerator} / {month.denominator}"
        )
    total = f"{measure.numerator} / {measure.denominator}"
    if measure.value is None:
        yield f"      合计 {total}，分母不足 {measure.minimum}，无数据"
    else:
        yield f"      合计 {total} {write_result(measure.value)}（分母下限 {measure.minimum}）"
    if measure.sheet:
        told = "，".join(f"{describe_column(name)} {_write_cell(cell)}" for name, cell in measure.sheet.items())
        yield f"      报表所填：{told}"
    if measure.batches:
        yield f"      批次：{_write_batches(measure.batches)}"
    if measure.against_count:
        yield from _write_against(measure, lower_is_better=indicator.lower_is_better)


def _write_against(measure: Measure, *, lower_is_better: bool) -> Iterator[str]:
    word = "计入分子（越低越好）" if lower_is_better else "未计入分子"
    if measure.events_against is None and measure.grids_against is None:
        listed = "" if measure.sheet else "，加 --events 列出"
        yield f"      {word} {measure.against_count}{listed}"
        return
    yield f"      {word} {measure.against_count}："
    for event in measure.events_against or ():
        yield f"        {event.platform}/{event.event_id} {_write_reasons(event)}（批次 {event.batch_id}）"
    for grid_code in measure.grids_against or ():
        yield f"        网格 {grid_code} 未建党支部或党小组"


def _write_reasons(event: EventAgainst) -> str:
    """Every reason in words, with the instants that show it, on the city's clock."""
    told = []
    for reason in event.reasons:
        text = AGAINST[reason]
        if reason == "closed_late" and event.closed_at is not None:
            closed, deadline = map(format_instant_to_the_second, (event.closed_at, event.deadline_at))
            text += f"（办结 {closed} ＞ 期限 {deadline}）"
        elif reason == "closed_after_cutoff" and event.closed_at is not None:
            closed, cutoff = map(format_instant_to_the_second, (event.closed_at, event.cutoff_at))
            text += f"（办结 {closed} ＞ 截止 {cutoff}）"
        elif reason == "responded_late" and event.responded_at is not None:
            responded, limit = map(format_instant_to_the_second, (event.responded_at, event.response_limit_at))
            text += f"（响应 {responded} ＞ 时限 {limit}）"
        elif reason == "not_responded":
            text += f"（时限 {format_instant_to_the_second(event.response_limit_at)}）"
        elif reason == "open":
            text += f"（期限 {format_instant_to_the_second(event.deadline_at)}）"
        told.append(text)
    return "；".join(told)


def _write_score(star: StarExplanation, tags: Mapping[str, str]) -> Iterator[str]:
    if star.mean_arithmetic:
        yield f"  加权平均（§3.1）：{star.mean_arithmetic}"
    each = write_exact(star.false_closure_deduction)
    tag = tags["five_star.false_closure_deduction"]
    yield f"  虚假办结（§3.1）：{len(star.false_closures)} 件，每件扣 {each} 分〔{tag}〕"
    for check in star.false_closures:
        checked_at = format_instant_to_the_second(check.checked_at)
        event = f"{check.platform}/{check.event_id}"
        yield f"    核查 {check.check_id}：事件 {event}（{checked_at} 核查，批次 {check.batch_id}）"
    if star.score_arithmetic:
        yield f"  本星得分：{star.score_arithmetic}"


def _write_state(star: StarExplanation, tags: Mapping[str, str]) -> Iterator[str]:
    """What the state was judged by, in the policy's order: the first that applies is the star's state."""
    yield "  状态判定（§3.3，取第一个成立的）"
    applying = [STAR_REASONS[veto.reason] for veto in star.vetoes if veto.applies]
    tag = _tag(tags, *(f"five_star.vetoes.{veto.reason}" for veto in star.vetoes))
    yield f"    1. 否决：{'、'.join(applying) or '无'}{tag}"
    for incident in star.incidents:
        yield f"       三零事件 {incident.incident_id}，{incident.occurred_on}（批次 {incident.batch_id}）"
    missing = [PLATFORMS.get(name, name) for name, present in star.sources.items() if not present]
    needed = "、".join(PLATFORMS.get(name, name) for name in star.sources)
    tag = _tag(tags, f"five_star.sources.{star.star}")
    yield f"    2. 数据：所需来源 {needed}；未到位：{'、'.join(missing) or '无'}{tag}"
    share, least = write_exact(star.weight_share * 100), write_exact(star.weight_share_minimum * 100)
    sign = "≥" if star.weight_share >= star.weight_share_minimum else "＜"
    yield f"       有数据指标的权重 {share}% {sign} {least}%{_tag(tags, 'five_star.weight_share_minimum')}"
    sign = "≥" if len(star.false_closures) >= star.withheld_false_closures else "＜"
    limit = f"{star.withheld_false_closures} 件{_tag(tags, 'five_star.withheld_false_closures')}"
    yield f"    3. 暂缓：虚假办结 {len(star.false_closures)} 件 {sign} {limit}"
    failed = [each.title for each in star.indicators if each.gate_holds is False]
    yield f"    4. 门槛：{'未达 ' + '、'.join(failed) if failed else '全部达到'}"
    line = f"{write_exact(star.lit_score)}{_tag(tags, 'five_star.lit_score')}"
    if star.score is None:
        yield f"       得分：无，亮星线 {line}"
    else:
        yield f"       得分：{star.score} {'≥' if Fraction(star.score) >= star.lit_score else '＜'} {line}"


def _write_rating(ordinal: str, rating: RatingExplanation) -> Iterator[str]:
    yield f"{ordinal}、月度星级（评估规则 {rating.clause}）：{rating.stars} 星"
    if rating.total_arithmetic:
        yield f"  总分：{rating.total_arithmetic}"
    if rating.complete:
        yield f"  数据完整。本区县数据完整的社区共 {rating.ranked_count} 个，本社区第 {rating.rank} 名"
    else:
        yield "  有星数据不足，本月不排名"
    for other in rating.better:
        score = "无总分" if other.total_score is None else f"总分 {other.total_score}"
        yield f"    在前：{other.community_code}，{other.stars} 星，{score}"


def _write_batches(batches: Sequence[BatchShare]) -> str:
    return "，".join(f"{batch.batch_id}（{batch.row_count} 条）" for batch in batches)


def _write_cell(cell: int | bool) -> str:
    return ("是" if cell else "否") if isinstance(cell, bool) else str(cell)


def _name_policy(paths: Sequence[str], tags: Mapping[str, str]) -> str:
    """Each value with its tag; several under one name as one, with every tag that occurs among them."""
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(path.rpartition(".")[0], []).append(path)
    named = []
    for parent, members in groups.items():
        if parent in _TOLD_AS_ONE:
            named.append(f"{parent}.*{_tag(tags, *members)}")
        else:
            named += [f"{path}〔{tags[path]}〕" for path in members]
    return "，".join(named)


def _tag(tags: Mapping[str, str], *paths: str) -> str:
    """How far the values can be trusted, each tag once."""
    return f"〔{'、'.join(dict.fromkeys(tags[path] for path in paths))}〕"
