"""What a later revision changed is told to those who had it otherwise, and to nobody else."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from notify_city import NOW, make_contacts

from flows.notify.contents import DistrictRanking, HrDigest, KindCount, NotedCommunity, RankedCommunity, StarCard
from flows.notify.corrections import describe_correction
from flows.results import MonthResult


def change_star(result: MonthResult, code: str, star: str, **values: object) -> MonthResult:
    stars = [
        replace(row, **values) if (row.community_code, row.star) == (code, star) else row for row in result.stars
    ]
    return replace(result, stars=stars)


def rate(result: MonthResult, index: int, **values: object) -> MonthResult:
    ratings = list(result.ratings)
    ratings[index] = replace(ratings[index], **values)
    return replace(result, ratings=ratings)


@pytest.fixture
def base(make_result) -> MonthResult:
    """Six communities, each in a district of its own; the first has a lit star, four stars and the first rank."""
    result = make_result()
    code = result.communities[0].community_code
    result = change_star(result, code, "safety", state="lit", score=Decimal("92.00"), reasons=())
    return rate(result, 0, stars=4, total_score=Decimal("88.50"), rank=1, complete=True)


@pytest.fixture
def corrected(base: MonthResult) -> MonthResult:
    """The same month with the first community's star vetoed: it has three stars now, and less in all."""
    code = base.communities[0].community_code
    result = change_star(base, code, "safety", state="vetoed", score=Decimal("92.00"), reasons=("incident",))
    return rate(result, 0, stars=3, total_score=Decimal("70.10"))


@pytest.fixture
def reworded(config, monkeypatch) -> Callable[[], None]:
    """Gives star cards another template."""

    def reword() -> None:
        template = config.messages["star_card"]
        body = template.body.environment.from_string("{{ label }}{{ community_name }}")
        monkeypatch.setitem(config.messages, "star_card", replace(template, body=body))

    return reword


def deliver_all(ledger) -> None:
    for row in ledger.outbox.list_messages(statuses=["queued"]):
        ledger.outbox.set_status(row.id, "delivered", delivered_at=NOW)


def list_new(ledger, revision: int) -> list:
    return [row for row in ledger.outbox.list_messages() if row.revision == revision]


def test_a_reader_who_has_the_first_is_told_what_changed_from_what_to_what(base, corrected, save, queue, ledger):
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    card = next(row for row in list_new(ledger, 2) if row.message == "star_card")
    assert card.subject.startswith("更正（亮星：4 颗 → 3 颗，共 3 处变动）：2024年3月星级卡：")
    assert "版" not in card.subject
    # Delivered at NOW, 3 April 2024, 09:00 in the city.
    first, _, *changes = card.body.splitlines()[:5]
    assert first == "**更正**：2024年4月3日发给您的结果（第 1 版）有变动，请以本次（第 2 版）为准："
    assert changes == [
        "- 亮星：4 颗 → 3 颗",
        "- 总分：88.50 → 70.10",
        "- 平安法治：亮星 → 否决，原因 无 → 当月发生经核实的“三零”事件",
    ]
    assert "亮星 **3** 颗（共五颗），总分 70.10" in card.body, "the whole card follows"


def test_only_those_concerned_get_a_correction(base, corrected, save, queue, ledger):
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    told = {(row.message, row.unit_code) for row in list_new(ledger, 2)}
    first = base.communities[0]
    # Its own card and its district's ranking; other communities, other districts and HR have nothing new.
    assert told == {("star_card", first.community_code), ("district_ranking", first.district_code)}


def test_a_district_hears_of_ranks_stars_and_scores_but_of_no_reasons(base, corrected, save, queue, ledger):
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    ranking = next(row for row in list_new(ledger, 2) if row.message == "district_ranking")
    name = f"{base.communities[0].name}（{base.communities[0].street_name}）"
    assert f"- {name}：星数 4 → 3，总分 88.50 → 70.10，被否决的星 无 → 平安法治\n" in ranking.body
    assert "“三零”" not in ranking.body


def test_hr_hears_which_counts_changed(base, save, queue, ledger):
    queue(save(base))
    deliver_all(ledger)
    raised = next(row for row in base.proposals if row.kind == "none")
    proposals = [replace(row, kind="raise", needs_manual=False) if row == raised else row for row in base.proposals]
    counts = [sum(row.kind == kind for row in base.proposals) for kind in ("raise", "none")]
    queue(save(replace(base, proposals=proposals), 2))
    (digest,) = list_new(ledger, 2)
    assert digest.message == "hr_digest"
    assert digest.subject.startswith("更正（待审定：")
    assert f"- 晋级：{counts[0]} 人 → {counts[0] + 1} 人\n" in digest.body
    assert f"- 等级不变：{counts[1]} 人 → {counts[1] - 1} 人\n" in digest.body


def test_a_change_before_the_first_went_out_only_replaces_it(base, corrected, save, queue, ledger):
    queue(save(base))
    queue(save(corrected, 2))
    for row in list_new(ledger, 2):
        assert "更正" not in row.subject + row.body
        assert row.subject.endswith("（第 2 版）")


def test_a_correction_that_was_delivered_is_not_sent_again_with_the_next_revision(
    base, corrected, save, queue, ledger
):
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    deliver_all(ledger)
    assert queue(save(corrected, 3)).queued == 0
    assert list_new(ledger, 3) == []


def test_a_correction_that_waits_gives_way_to_one_of_what_the_reader_has(base, corrected, save, queue, ledger):
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    queue(save(rate(corrected, 0, stars=2), 3))
    assert {row.status for row in list_new(ledger, 2)} == {"suppressed"}
    card = next(row for row in list_new(ledger, 3) if row.message == "star_card")
    assert "- 亮星：4 颗 → 2 颗\n" in card.body
    assert "（第 1 版）有变动，请以本次（第 3 版）为准" in card.body


def test_a_correction_that_waits_and_still_holds_goes_out_as_it_is(base, corrected, save, queue, ledger):
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    queue(save(corrected, 3))
    assert {row.status for row in list_new(ledger, 2)} == {"queued"}
    assert list_new(ledger, 3) == []


def test_a_correction_that_is_taken_back_before_it_went_out_leaves_its_reader_alone(
    base, corrected, save, queue, ledger
):
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    assert queue(save(base, 3)).queued == 0
    assert {row.status for row in list_new(ledger, 2)} == {"suppressed"}


def test_a_correction_back_to_the_first_is_a_correction_of_the_second(base, corrected, save, queue, ledger):
    for revision, result in ((1, base), (2, corrected), (3, base)):
        queue(save(result, revision))
        deliver_all(ledger)
    card = next(row for row in list_new(ledger, 3) if row.message == "star_card")
    assert "- 亮星：3 颗 → 4 颗\n" in card.body
    assert "- 平安法治：否决 → 亮星，原因 当月发生经核实的“三零”事件 → 无\n" in card.body


def test_a_reader_whose_first_message_failed_for_good_gets_the_second_plain(base, corrected, save, queue, ledger):
    queue(save(base))
    for row in ledger.outbox.list_messages():
        ledger.outbox.set_status(row.id, "permanent_failure", detail="550")
    queue(save(corrected, 2))
    assert list_new(ledger, 2)
    assert not any("更正" in row.subject + row.body for row in list_new(ledger, 2))


def test_another_wording_of_the_template_is_no_correction(base, save, queue, ledger, reworded):
    queue(save(base))
    deliver_all(ledger)
    reworded()
    assert queue(save(base, 2)).queued == 0


RANKING = DistrictRanking(
    label="",
    month="2024年3月",
    district_name="龙亭区",
    community_count=3,
    ranked=(RankedCommunity(1, "甲", "东街", 4, "90.00"), RankedCommunity(2, "乙", "东街", 3, "80.00")),
    vetoed=(),
    withheld=(),
    incomplete=(NotedCommunity("丙", "西街", ("支部过硬",)),),
)


def list_changes(before, now) -> tuple[str, ...]:
    told = type("Told", (), {"delivered_at": NOW, "queued_at": NOW, "revision": 1})
    return describe_correction(told, before, now, subject="题", revision=2).changes


def test_a_community_that_joins_or_leaves_the_ranking_is_told():
    now = replace(
        RANKING,
        ranked=(RankedCommunity(1, "丙", "西街", 5, "95.00"), RankedCommunity(2, "甲", "东街", 4, "90.00")),
        incomplete=(NotedCommunity("乙", "东街", ("平安法治",)),),
    )
    assert list_changes(RANKING, now) == (
        "丙（西街）：不参加排名 → 第 1 名，星数 无 → 5，总分 无 → 95.00，数据不足的星 支部过硬 → 无",
        "甲（东街）：第 1 名 → 第 2 名",
        "乙（东街）：第 2 名 → 不参加排名，数据不足的星 无 → 平安法治，星数 3 → 无，总分 80.00 → 无",
    )


def test_a_change_that_no_figure_shows_is_told_as_such():
    card = StarCard("", "2024年3月", "龙亭区", "东街", "甲社区", 4, "90.00", 1, 3, (), None)
    assert list_changes(card, replace(card, community_name="甲新社区")) == ("文字或其他数字有变动",)
    assert list_changes(card, replace(card, rank=None)) == ("名次：第 1 名 → 不参加排名",)
    assert list_changes(card, replace(card, ranked_count=4)) == ("参加排名的社区：3 个 → 4 个",)
    assert list_changes(card, replace(card, total_score="")) == ("总分：90.00 → 无",)


def test_a_pay_base_that_is_set_later_is_told_without_its_amount():
    digest = HrDigest("2024年3月", "2024年4月1日", 9, (KindCount("晋级", 2),), 2, 1, 0, "hr-review.xlsx", False)
    assert list_changes(digest, replace(digest, pay_base_is_set=True)) == ("月工资基数：未设定 → 已设定",)


# What the reader has


def find_card(ledger, code: str, revision: int):
    rows = [row for row in list_new(ledger, revision) if (row.message, row.unit_code) == ("star_card", code)]
    return rows[0] if rows else None


def test_a_second_that_failed_for_good_changes_nothing_for_whoever_has_the_first(
    base, corrected, save, queue, ledger
):
    code = base.communities[0].community_code
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    ledger.outbox.set_status(find_card(ledger, code, 2).id, "permanent_failure", detail="key revoked")
    queue(save(base, 3))
    assert find_card(ledger, code, 3) is None


def test_a_second_that_is_claimed_and_not_begun_is_taken_back(base, corrected, save, queue, ledger):
    code = base.communities[0].community_code
    queue(save(base))
    deliver_all(ledger)
    queue(save(corrected, 2))
    ledger.deliveries.claim("owner", NOW, count=100, skipped_channels=(), skipped_addresses=())
    queue(save(base, 3))
    ledger.deliveries.release("owner")
    assert (find_card(ledger, code, 2).status, find_card(ledger, code, 3)) == ("suppressed", None)


def test_a_first_that_is_to_go_out_again_is_still_what_its_reader_has(base, corrected, save, queue, ledger):
    code = base.communities[0].community_code
    queue(save(base))
    deliver_all(ledger)
    first = find_card(ledger, code, 1)
    ledger.outbox.requeue(first.id, channel=first.channel, address=first.address)
    queue(save(corrected, 2))
    assert find_card(ledger, code, 2).subject.startswith("更正")


def test_a_new_contact_is_told_the_second_plain(base, corrected, save, queue, ledger):
    code = base.communities[0].community_code
    queue(save(base))
    deliver_all(ledger)
    result = save(corrected, 2)
    queue(result, make_contacts(result, address="successor"))
    assert not find_card(ledger, code, 2).subject.startswith("更正")


def test_hr_hears_how_many_open_proposals_say_otherwise_though_the_counts_are_the_same(
    base, save, queue, ledger
) -> None:
    queue(save(base))
    deliver_all(ledger)
    [first, *rest] = base.proposals
    awaiting = next(it for it in base.proposals if it.kind == "raise")
    changed = [replace(it, entitled_grade=it.entitled_grade + 1) if it is awaiting else it for it in (first, *rest)]
    queue(save(replace(base, proposals=changed), 2))
    [digest] = [row for row in list_new(ledger, 2) if row.message == "hr_digest"]
    assert "内容有变动的待审定建议：1 条" in digest.body
