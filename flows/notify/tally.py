"""What a delivery did: each message counted by how it ended, failures with what to do."""

from dataclasses import dataclass, field
from datetime import datetime

from flows.errors import DeliveryIncomplete
from flows.house import Progress
from flows.ledger.outbox import OutboxRow
from flows.notify.channels.channel import DeliveryFailure, TransientFailure

PROGRESS_EVERY = 100
FAILURES_SHOWN = 5


@dataclass(frozen=True)
class DeliveryReport:
    """How many messages went out, would have, were held back, or failed; `failures` says which and why.

    `lasting` are those of the failures that only a person can mend. `waiting` messages go out later, the first of
    them at `waiting_until` if that is known.
    """

    delivered: int
    simulated: int
    suppressed: int
    failed: int
    failures: tuple[str, ...]
    lasting: tuple[str, ...] = ()
    waiting: int = 0
    waiting_until: datetime | None = None

    def find_error(self) -> DeliveryIncomplete | None:
        """What to tell if any message failed: every lasting failure and some of the others."""
        if not self.failed:
            return None
        passing = [line for line in self.failures if line not in set(self.lasting)]
        shown = "\n".join(f"  {line}" for line in (*self.lasting, *passing[:FAILURES_SHOWN]))
        more = len(passing) - FAILURES_SHOWN
        rest = f"\n  and {more} more; see `fivestar notify list`" if more > 0 else ""
        return DeliveryIncomplete(f"{self.failed} messages were not delivered:\n{shown}{rest}")

    def refuse_incomplete(self) -> None:
        """Raise `DeliveryIncomplete` if any message failed."""
        error = self.find_error()
        if error is not None:
            raise error


@dataclass
class Tally:
    """What became of each message so far, the last attempt counting."""

    label: str
    progress: Progress
    ends: dict[str, str] = field(default_factory=dict)
    failures: dict[str, DeliveryFailure] = field(default_factory=dict)

    def count(self, end: str, row: OutboxRow, failure: DeliveryFailure | None = None) -> None:
        """Note how the message ended for now."""
        self.ends[row.key] = end
        self.failures.pop(row.key, None)
        if failure is not None:
            self.failures[row.key] = failure
        if len(self.ends) % PROGRESS_EVERY == 0:
            self.progress(self.label, len(self.ends))

    def report(self, *, waiting: int = 0, waiting_until: datetime | None = None) -> DeliveryReport:
        """The whole. A message that failed and is tried again counts as failed, not as waiting."""
        if self.ends:
            self.progress(self.label, len(self.ends))
        ends = list(self.ends.values())
        lines = {key: f"{key}: {failure}" for key, failure in self.failures.items()}
        lasting = [lines[key] for key, failure in self.failures.items() if not isinstance(failure, TransientFailure)]
        waiting -= len(lines) - len(lasting)
        return DeliveryReport(
            delivered=ends.count("delivered"),
            simulated=ends.count("simulated"),
            suppressed=ends.count("suppressed"),
            failed=len(lines),
            failures=tuple(lines.values()),
            lasting=tuple(lasting),
            waiting=max(waiting, 0),
            waiting_until=waiting_until if waiting > 0 else None,
        )
