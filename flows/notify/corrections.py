"""What a later revision changed in what a reader was told: each change in words, from what to what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch

from flows.ledger.deliveries import OUTCOME_UNKNOWN
from flows.ledger.outbox import WAITING, Message, OutboxRow
from flows.month import city_day
from flows.notify.contents import (
    Content,
    Correction,
    DistrictRanking,
    HrDigest,
    MessageName,
    NotedCommunity,
    StarCard,
    StarLine,
)
from flows.notify.templates import TextTemplate
from flows.wording import format_day

CORRECTED: frozenset[MessageName] = frozenset({"star_card", "district_ranking", "hr_digest"})
"""The messages that tell results, which a revision may change after their reader has them."""

NOTHING = "无"
UNRANKED = "不参加排名"
OTHERWISE = "文字或其他数字有变动"

ContentsOf = Callable[[int], Mapping[tuple[str, str], Content]]
"""What a revision says, by message and unit."""


@dataclass
class Earlier:
    """What earlier revisions of the month said, made anew from their stored results when it is asked for."""

    contents_of: ContentsOf
    _found: dict[int, Mapping[tuple[str, str], Content]] = field(default_factory=dict)

    def find(self, row: OutboxRow) -> Content | None:
        """What the message in the outbox told of results; nothing for messages that aren't corrected."""
        if row.message not in CORRECTED:
            return None
        if row.revision not in self._found:
            self._found[row.revision] = self.contents_of(row.revision)
        return self._found[row.revision].get((row.message, row.unit_code))


def find_unchanged(
    rows: Sequence[OutboxRow], message: Message, content: Content, earlier: Earlier | None
) -> OutboxRow | None:
    """The message that already tells its reader this, if any: seen from the last one that was not held back.

    A waiting message that says otherwise does not count: it will be suppressed, so the reader never sees it.
    """
    for row in reversed(rows):
        if row.key == message.key:
            return row
        if row.status == "suppressed" or _has_surely_not_arrived(row):
            continue
        before = earlier.find(row) if earlier else None
        if row.body == message.body if before is None else before == content:
            return row
        if not _may_be_stopped(row):
            return None
    return None


def correct_message(
    template: TextTemplate, rows: Sequence[OutboxRow], message: Message, content: Content, earlier: Earlier | None
) -> Message:
    """The message with what it changes in the one that its reader has before it; as it is if he has none."""
    told = next((row for row in reversed(rows) if _is_told(row) and _goes_to_the_same(row, message)), None)
    before = earlier.find(told) if earlier and told else None
    if told is None or before is None:
        return message
    plain_subject = message.subject.removesuffix(f"（第 {message.revision} 版）")
    correction = describe_correction(told, before, content, subject=plain_subject, revision=message.revision)
    subject, changes = template.render(correction)
    return replace(message, subject=subject, body=f"{changes}\n\n{message.body}")


def _is_told(row: OutboxRow) -> bool:
    """Whether the reader has the message, or part of it, or may have it any moment."""
    has_it = row.delivered_at is not None or row.sent_count > 0 or row.code == OUTCOME_UNKNOWN
    return has_it or (row.status == "sending" and row.begun_at is not None)


def _goes_to_the_same(row: OutboxRow, message: Message) -> bool:
    return (row.channel, row.address) == (message.channel, message.address)


def _has_surely_not_arrived(row: OutboxRow) -> bool:
    return row.status == "permanent_failure" and row.sent_count == 0 and row.code != OUTCOME_UNKNOWN


def _may_be_stopped(row: OutboxRow) -> bool:
    """Whether the message waits, or is about to be sent and no call has begun: then a newer one takes its place."""
    return row.status in WAITING or (row.status == "sending" and row.begun_at is None)


def describe_correction(told: OutboxRow, before: Content, now: Content, *, subject: str, revision: int) -> Correction:
    """The correction of `told`, which said `before`, to a reader who is told `now` under `subject`."""
    changes = tuple(_list_changes(now, before)) or (OTHERWISE,)
    more = f"，共 {len(changes)} 处变动" if len(changes) > 1 else ""
    return Correction(
        subject=subject,
        headline=f"{changes[0]}{more}",
        told_on=format_day(city_day(told.delivered_at or told.queued_at)),
        earlier_revision=told.revision,
        revision=revision,
        changes=changes,
    )


@singledispatch
def _list_changes(now: Content, before: Content) -> Iterator[str]:  # noqa: ARG001 -- one for each class below
    """Each change between two contents of one message, the most telling first."""
    return iter(())


@_list_changes.register
def _list_card_changes(now: StarCard, before: StarCard) -> Iterator[str]:
    yield from _tell("亮星", f"{before.stars_count} 颗", f"{now.stars_count} 颗")
    yield from _tell("名次", _name_rank(before.rank), _name_rank(now.rank))
    yield from _tell("总分", before.total_score, now.total_score)
    lines = {line.title: line for line in before.lines}
    for line in now.lines:
        yield from _list_star_changes(line, lines.get(line.title))
    yield from _tell("参加排名的社区", f"{before.ranked_count} 个", f"{now.ranked_count} 个")


def _list_star_changes(now: StarLine, before: StarLine | None) -> Iterator[str]:
    if before is None:
        yield f"{now.title}：{NOTHING} → {now.state}"
        return
    parts = [
        *_tell("", before.state, now.state),
        *_tell("得分 ", before.score, now.score),
        *_tell("原因 ", "、".join(before.reasons), "、".join(now.reasons)),
    ]
    if parts:
        yield f"{now.title}：{'，'.join(parts)}"


@_list_changes.register
def _list_ranking_changes(now: DistrictRanking, before: DistrictRanking) -> Iterator[str]:
    places, places_before = _list_places(now), _list_places(before)
    for community in [*places, *(gone for gone in places_before if gone not in places)]:
        was, is_now = places_before.get(community, {}), places.get(community, {})
        names = list(dict.fromkeys([*is_now, *was]))
        parts = [part for name in names for part in _tell(name, was.get(name, ""), is_now.get(name, ""))]
        if parts:
            yield f"{community}：{'，'.join(parts)}"
    yield from _tell("参加评估的社区", f"{before.community_count} 个", f"{now.community_count} 个")


def _list_places(ranking: DistrictRanking) -> dict[str, dict[str, str]]:
    """What a ranking says of each community, in its order."""
    places: dict[str, dict[str, str]] = {}
    for row in ranking.ranked:
        places[_name(row.community_name, row.street_name)] = {
            "": _name_rank(row.rank),
            "星数 ": str(row.stars_count),
            "总分 ": row.total_score,
        }
    noted: Mapping[str, tuple[NotedCommunity, ...]] = {
        "被否决的星 ": ranking.vetoed,
        "暂缓的星 ": ranking.withheld,
        "数据不足的星 ": ranking.incomplete,
    }
    for title, rows in noted.items():
        for each in rows:
            said = places.setdefault(_name(each.community_name, each.street_name), {"": UNRANKED})
            said[title] = "、".join(each.star_titles)
    return places


@_list_changes.register
def _list_digest_changes(now: HrDigest, before: HrDigest) -> Iterator[str]:
    yield from _tell("待审定", f"{before.to_decide_count} 条", f"{now.to_decide_count} 条")
    yield from _tell("其中须逐条审定", f"{before.manual_count} 条", f"{now.manual_count} 条")
    counts = {kind.title: kind.count for kind in before.kinds}
    for kind in now.kinds:
        yield from _tell(kind.title, f"{counts.get(kind.title, 0)} 人", f"{kind.count} 人")
    changed_count = len(set(now.proposal_digests) - set(before.proposal_digests))
    if changed_count:
        yield f"内容有变动的待审定建议：{changed_count} 条"
    yield from _tell("涉及人数", f"{before.staff_count} 人", f"{now.staff_count} 人")
    yield from _tell("拟执行日期", before.effective_on, now.effective_on)
    yield from _tell("月工资基数", _name_base(before), _name_base(now))


def _name(community_name: str, street_name: str) -> str:
    return f"{community_name}（{street_name}）"


def _name_rank(rank: int | None) -> str:
    return UNRANKED if rank is None else f"第 {rank} 名"


def _name_base(digest: HrDigest) -> str:
    return "已设定" if digest.pay_base_is_set else "未设定"


def _tell(name: str, before: str, now: str) -> Iterator[str]:
    """The change, if there is one; a name that ends in a space or is empty goes without a colon."""
    if before != now:
        colon = "" if not name or name.endswith(" ") else "："
        yield f"{name}{colon}{before or NOTHING} → {now or NOTHING}"
