"""How a month's review stands: open, decided, published, and since when."""

from collections.abc import Callable
from datetime import timedelta

from review_month import (
    APPROVER,
    MONTH,
    NAMED,
    NOW,
    PREPARER,
    PROPOSALS,
    make_proposal,
    save_month,
    say,
)

from flows.ledger import Ledger
from flows.results import MonthResult
from flows.review.publication import publish
from flows.review.standing import find_standing


def test_a_review_is_open_then_decided_then_published(ledger: Ledger) -> None:
    standing = find_standing(ledger, MONTH)
    # K1, K2 and K5 await a decision, K2 needs a person's look; K3 keeps its grade and K4 is held.
    assert (standing.state, standing.open_count, standing.manual_count) == ("open", 3, 1)
    assert standing.opened_at == NOW
    assert not say(ledger, "approved").settles_review
    report = say(ledger, "rejected", "K2")
    assert report.settles_review
    standing = find_standing(ledger, MONTH)
    assert (standing.state, standing.open_count, standing.waiting_count, standing.opened_at) == (
        "decided",
        0,
        2,
        None,
    )
    publish(ledger, MONTH, recorded_at=NOW)
    standing = find_standing(ledger, MONTH)
    assert (standing.state, standing.waiting_count) == ("published", 0)
    assert standing.counts == {"approved": 2, "rejected": 1, "none": 2}


def test_what_was_put_off_leaves_the_review_decided(ledger: Ledger) -> None:
    say(ledger, "approved")
    assert say(ledger, "later", "K2").settles_review
    assert find_standing(ledger, MONTH).state == "decided"


def test_a_question_leaves_the_review_open_until_it_is_answered(ledger: Ledger) -> None:
    say(ledger, "approved")
    assert not say(ledger, "returned", "K2", comment="请补证书").settles_review
    assert find_standing(ledger, MONTH).state == "open"
    assert say(ledger, "approved", "K2", comment="证书已补").settles_review


def test_a_preparation_leaves_the_review_open(ledger: Ledger) -> None:
    say(ledger, "rejected", "K2", reviewer=APPROVER, people=NAMED)
    assert not say(ledger, "approved", reviewer=PREPARER, people=NAMED).settles_review
    assert find_standing(ledger, MONTH).state == "open"
    assert say(ledger, "approved", reviewer=APPROVER, people=NAMED).settles_review


def test_deciding_once_more_in_a_decided_review_settles_nothing(ledger: Ledger) -> None:
    say(ledger, "approved")
    say(ledger, "rejected", "K2")
    assert not say(ledger, "later", "K2").settles_review


def test_a_later_revision_that_says_the_same_leaves_open_what_was_open_since_the_first(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    next_day = NOW + timedelta(days=1)
    save_month(ledger, make_result, revision=2, created_at=next_day)
    assert find_standing(ledger, MONTH).opened_at == NOW
    # With K1 and K5 decided, K2 alone is open; it reads otherwise since the third revision.
    say(ledger, "approved")
    changed = (PROPOSALS[0], make_proposal("K2", "raise", needs_manual=True, proposed_grade=6), *PROPOSALS[2:])
    save_month(ledger, make_result, revision=3, created_at=NOW + timedelta(days=2), proposals=changed)
    assert find_standing(ledger, MONTH).opened_at == NOW + timedelta(days=2)


def test_a_published_month_is_open_again_if_a_revision_proposes_otherwise(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    say(ledger, "approved")
    say(ledger, "rejected", "K2")
    publish(ledger, MONTH, recorded_at=NOW)
    changed = (make_proposal("K1", "raise", proposed_grade=5, entitled_grade=5), *PROPOSALS[1:])
    save_month(ledger, make_result, revision=2, proposals=changed)
    standing = find_standing(ledger, MONTH)
    assert (standing.state, standing.open_count, standing.manual_count) == ("open", 1, 1)
