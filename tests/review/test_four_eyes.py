"""Four eyes: who prepares, who decides, and what nobody may do alone once people are named."""

from collections.abc import Callable

import pytest
from review_month import (
    APPROVER,
    BOTH,
    LOCAL,
    MONTH,
    NAMED,
    NOW,
    PREPARER,
    PROPOSALS,
    find_row,
    make_proposal,
    read_states,
    save_month,
    say,
)

from flows.errors import DecisionRefused
from flows.ledger import Ledger
from flows.ledger.review_rows import Verdict
from flows.results import MonthResult
from flows.review.decisions import NOBODY_NAMED, Wish, decide_each
from flows.review.publication import publish


def test_while_nobody_is_named_one_person_decides_alone_and_the_record_shows_no_authority(ledger: Ledger) -> None:
    say(ledger, "approved", "K1", reviewer="任何人")
    decision = find_row(ledger, "K1").decision
    assert decision is not None
    assert (decision.reviewer, decision.authority, decision.preparation_id) == ("任何人", None, None)


def test_a_reviewers_approval_is_a_preparation_and_approves_nothing(ledger: Ledger) -> None:
    report = say(ledger, "approved", "K1", reviewer=PREPARER, comment="材料齐全", people=NAMED)
    assert (report.count("decided"), report.count("prepared")) == (0, 1)
    row = find_row(ledger, "K1")
    assert (row.state, row.decision) == ("prepared", None)
    assert row.preparation is not None
    assert (row.preparation.preparer, row.preparation.comment) == (PREPARER, "材料齐全")
    assert row.preparation.authority == "reviewer: city"
    with pytest.raises(DecisionRefused, match="no proposal is approved"):
        publish(ledger, MONTH, recorded_at=row.preparation.prepared_at)


def test_an_approver_approves_what_another_person_prepared_and_the_record_links_them(ledger: Ledger) -> None:
    say(ledger, "approved", "K1", reviewer=PREPARER, people=NAMED)
    assert say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED).count("decided") == 1
    decision = find_row(ledger, "K1").decision
    [preparation] = ledger.reviews.list_preparations(str(MONTH))
    assert decision is not None
    assert (decision.preparation_id, decision.authority) == (preparation.id, "approver: city")


def test_an_approver_can_not_approve_what_nobody_prepared(ledger: Ledger) -> None:
    with pytest.raises(DecisionRefused, match="nobody has prepared the approval of worker K1's proposal"):
        say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED)


def test_nobody_approves_what_they_prepared_whatever_their_roles(ledger: Ledger) -> None:
    say(ledger, "approved", "K1", reviewer=BOTH, people=NAMED)
    assert read_states(ledger)["K1"] == "prepared"
    with pytest.raises(DecisionRefused, match=f"{BOTH} prepared the decision on worker K1"):
        say(ledger, "approved", "K1", reviewer=BOTH, people=NAMED)
    assert say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED).count("decided") == 1


def test_a_preparation_of_a_rejection_is_no_ground_for_an_approval(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1", reviewer=PREPARER, people=NAMED)
    with pytest.raises(DecisionRefused, match="nobody has prepared the approval"):
        say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED)


def test_an_approver_rejects_and_puts_off_without_a_preparation(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1", reviewer=APPROVER, people=NAMED)
    say(ledger, "later", "K5", reviewer=APPROVER, people=NAMED)
    states = read_states(ledger)
    assert (states["K1"], states["K5"]) == ("rejected", "later")


def test_a_reviewer_may_ask_a_question_and_a_preparation_before_it_is_used_up(ledger: Ledger) -> None:
    say(ledger, "approved", "K1", reviewer=PREPARER, people=NAMED)
    say(ledger, "returned", "K1", reviewer=PREPARER, comment="证书何时取得？", people=NAMED)
    assert read_states(ledger)["K1"] == "returned"
    # What was prepared before the question doesn't answer it.
    with pytest.raises(DecisionRefused, match="nobody has prepared"):
        say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED)
    say(ledger, "approved", "K1", reviewer=PREPARER, comment="2023 年取得", people=NAMED)
    assert say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED).count("decided") == 1


def test_a_preparation_holds_only_for_the_content_that_was_shown(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    say(ledger, "approved", "K1", reviewer=PREPARER, people=NAMED)
    changed = (make_proposal("K1", "raise", proposed_grade=5, entitled_grade=5), *PROPOSALS[1:])
    save_month(ledger, make_result, revision=2, proposals=changed)
    assert read_states(ledger)["K1"] == "proposed"
    with pytest.raises(DecisionRefused, match="nobody has prepared"):
        say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED)


def test_somebody_who_is_not_named_decides_nothing(ledger: Ledger) -> None:
    with pytest.raises(DecisionRefused, match="'路人' is not among the reviewers and approvers"):
        say(ledger, "rejected", "K1", reviewer="路人", people=NAMED)


def test_an_approver_decides_for_their_districts_only(ledger: Ledger) -> None:
    say(ledger, "approved", "K1", reviewer=PREPARER, people=NAMED)
    assert find_row(ledger, "K1").district_code == "410202"
    with pytest.raises(DecisionRefused, match="K1 belongs to district 410202, which is outside of what 孙分管"):
        say(ledger, "approved", "K1", reviewer=LOCAL, people=NAMED)


def test_in_bulk_what_may_not_be_taken_is_left_out_and_told(ledger: Ledger) -> None:
    # K1 and K5 may be decided in bulk; K1 alone was prepared.
    say(ledger, "approved", "K1", reviewer=PREPARER, people=NAMED)
    report = say(ledger, "approved", reviewer=APPROVER, people=NAMED)
    assert report.count("decided") == 1
    assert [(refusal.staff_id, refusal.code) for refusal in report.refusals] == [("K5", "not_prepared")]


def test_what_needs_a_person_is_never_decided_in_bulk_and_not_without_a_reason(ledger: Ledger) -> None:
    assert say(ledger, "approved").count("decided") == 2
    assert read_states(ledger)["K2"] == "proposed"
    with pytest.raises(DecisionRefused, match=r"look \(more_than_one_step\), so its approval must say why"):
        say(ledger, "approved", "K2", comment=" ")
    assert say(ledger, "approved", "K2", comment="两年未评级，已核对").count("decided") == 1


def test_a_return_asks_something(ledger: Ledger) -> None:
    with pytest.raises(DecisionRefused, match="can't be returned without a question"):
        say(ledger, "returned", "K1")


def test_of_many_wishes_the_good_ones_are_taken_and_each_refusal_says_why_in_both_languages(ledger: Ledger) -> None:
    wishes = [
        Wish("K1", "approved"),
        Wish("K2", "approved"),
        Wish("K3", "approved"),
        Wish("K9", "rejected"),
        Wish("K5", "approved", seen_digest="0" * 16),
    ]
    report = decide_each(ledger, MONTH, wishes, reviewer="甲", people=NOBODY_NAMED, decided_at=NOW)
    assert [it.outcome for it in report.judgements] == ["decided", "refused", "refused", "refused", "refused"]
    assert [refusal.code for refusal in report.refusals] == [
        "reason_missing",
        "changes_nothing",
        "no_proposal",
        "stale",
    ]
    assert report.refusals[3].chinese == "该员工的建议与最新的第 1 版不同，请重新导出工作簿后再作决定。"
    assert report.refusals[0].english.startswith(
        "the proposal of worker K2 needs a person's look (more_than_one_step)"
    )
    assert read_states(ledger) == {"K1": "approved", "K2": "proposed", "K3": "none", "K4": "none", "K5": "proposed"}


def test_a_dry_run_tells_the_same_and_records_nothing(ledger: Ledger) -> None:
    before = ledger.reviews.find_head()
    report = decide_each(
        ledger,
        MONTH,
        [Wish("K1", "approved")],
        reviewer="甲",
        people=NOBODY_NAMED,
        decided_at=NOW,
        dry_run=True,
    )
    assert report.count("decided") == 1
    assert ledger.reviews.find_head() == before


def test_the_same_word_twice_is_recorded_once(ledger: Ledger) -> None:
    say(ledger, "approved", "K1", reviewer=PREPARER, people=NAMED)
    assert say(ledger, "approved", "K1", reviewer=PREPARER, people=NAMED).count("unchanged") == 1
    say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED)
    assert say(ledger, "approved", "K1", reviewer=APPROVER, people=NAMED).count("unchanged") == 1
    assert len(ledger.reviews.list_preparations(str(MONTH))) == len(ledger.reviews.list_decisions(str(MONTH))) == 1


def test_a_reviewer_may_not_reopen_what_an_approver_decided(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1", reviewer=APPROVER, people=NAMED)
    with pytest.raises(DecisionRefused, match="may only ask about what is open"):
        say(ledger, "returned", "K1", reviewer=PREPARER, comment="再核？", people=NAMED)
    say(ledger, "returned", "K1", reviewer=APPROVER, comment="再核？", people=NAMED)
    assert read_states(ledger)["K1"] == "returned"


@pytest.mark.parametrize("verdict", ["returned", "later"])
def test_a_preparation_takes_up_again_what_was_returned_or_put_off(ledger: Ledger, verdict: Verdict) -> None:
    say(ledger, verdict, "K1", reviewer=APPROVER, comment="学历？", people=NAMED)
    say(ledger, "approved", "K1", reviewer=PREPARER, comment="已补", people=NAMED)
    assert read_states(ledger)["K1"] == "prepared"
    assert say(ledger, "approved", reviewer=APPROVER, people=NAMED).count("decided") == 1


def test_once_named_people_have_decided_nobody_decides_alone_any_more(ledger: Ledger) -> None:
    say(ledger, "rejected", "K1", reviewer=APPROVER, people=NAMED)
    with pytest.raises(DecisionRefused, match="nobody decides alone any more"):
        say(ledger, "approved", "K5", reviewer="任何人")
