"""How a month's review stands: open, decided or published, since when, and what is left."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flows.ledger import Ledger
from flows.month import Month
from flows.review.rows import (
    OPEN_STATES,
    ProposalState,
    ReviewRow,
    find_revision,
    list_review,
    list_standing_lines,
    list_waiting_reversals,
)

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
    """When the first of the open proposals came to read as it does now, or was opened again."""
    waiting_count: int
    """Approved ones, and reversals, that the register doesn't have yet."""
    unsupported_count: int
    """Published grades that the newest revision no longer proposes: to be looked at, and taken back if wrong."""

    @property
    def open_count(self) -> int:
        return sum(count for state, count in self.counts.items() if state in OPEN_STATES)


def find_standing(ledger: Ledger, month: Month) -> ReviewStanding:
    """How the month's review stands. Raises `QualityGate` if the month has not been evaluated."""
    rows = list_review(ledger, month)
    open_rows = [row for row in rows if row.awaits_decision]
    lines = ledger.register.list_month(str(month))
    entered = {line.decision_id for line in lines}
    approved = [row for row in rows if row.decision is not None and row.decision.verdict == "approved"]
    waiting_count = sum(row.decision is not None and row.decision.id not in entered for row in approved) + len(
        list_waiting_reversals(ledger.reviews.list_decisions(str(month)), lines)
    )
    supported = {row.proposal.staff_id for row in rows if row.published is not None and row.state != "none"}
    granted = {line.record.staff_id for line in list_standing_lines(lines)}
    decided_state: ReviewState = "decided" if waiting_count or not entered else "published"
    return ReviewStanding(
        month=month,
        revision=find_revision(ledger, month).revision,
        state="open" if open_rows else decided_state,
        counts=dict(Counter(row.state for row in rows)),
        manual_count=sum(not row.may_be_decided_in_bulk for row in open_rows),
        opened_at=_find_opening(ledger, month, open_rows),
        waiting_count=waiting_count,
        unsupported_count=len(granted - supported),
    )


def _find_opening(ledger: Ledger, month: Month, open_rows: Sequence[ReviewRow]) -> datetime | None:
    """When the first of the open proposals was shown as it reads now, or opened again."""
    if not open_rows:
        return None
    first_shown = ledger.reviews.map_first_shown(str(month))
    return min(row.reopened_at or first_shown[row.proposal.staff_id, row.digest] for row in open_rows)
