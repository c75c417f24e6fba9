"""How a month's review stands: open, decided or published, since when, and what is left."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flows.ledger import Ledger
from flows.month import Month
from flows.review.rows import OPEN_STATES, ProposalState, find_revision, list_review

ReviewState = Literal["open", "decided", "published"]


@dataclass(frozen=True)
class ReviewStanding:
    """A month's review: `open` while somebody has yet to decide; `published` once the register has what was approved.

    `decided` if nothing is open, while something approved waits for the register or nothing was ever approved. A
    later revision that proposes otherwise opens it again.
    """

    month: Month
    revision: int
    state: ReviewState
    counts: Mapping[ProposalState, int]
    manual_count: int
    """Open ones that can't be decided in bulk."""
    opened_at: datetime | None
    """When the first of the open proposals came to read as it does now."""
    waiting_count: int
    """Approved ones, and reversals, that the register doesn't have yet."""

    @property
    def open_count(self) -> int:
        return sum(count for state, count in self.counts.items() if state in OPEN_STATES)


def find_standing(ledger: Ledger, month: Month) -> ReviewStanding:
    """How the month's review stands. Raises `QualityGate` if the month has not been evaluated."""
    rows = list_review(ledger, month)
    open_rows = [row for row in rows if row.awaits_decision]
    counts = Counter(row.state for row in rows)
    entered = {line.decision_id for line in ledger.register.list_month(str(month))}
    decided = [row.decision for row in rows if row.decision is not None]
    waiting = [it for it in decided if it.verdict in {"approved", "reversed"} and it.id not in entered]
    decided_state: ReviewState = "decided" if waiting or not entered else "published"
    first_shown = ledger.reviews.map_first_shown(str(month)) if open_rows else {}
    return ReviewStanding(
        month=month,
        revision=find_revision(ledger, month).revision,
        state="open" if open_rows else decided_state,
        counts=dict(counts),
        manual_count=sum(not row.may_be_decided_in_bulk for row in open_rows),
        opened_at=min((first_shown[row.proposal.staff_id, row.digest] for row in open_rows), default=None),
        waiting_count=len(waiting),
    )
