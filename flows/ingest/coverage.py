"""Which stretches of time the pulls of a resource hold, and how far it has been read: worked out from the ledger.

Nothing is remembered beside the pulls themselves, so a kill at any instant leaves a state that is true.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from flows.ingest.describe.records import Window
from flows.ledger import PullRecord
from flows.ledger.pulls import PullStatus

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""From when on a resource is read that no window narrows: all of it, always."""

LOOKED: frozenset[PullStatus] = frozenset({"complete", "partial"})
STOPPED: frozenset[PullStatus] = frozenset({"refused", "broken"})
"""How a pull ends that looked at every record, and one that was stopped while or after it did."""


class Spans:
    """Stretches of time, none touching another."""

    def __init__(self, windows: Iterable[Window] = ()) -> None:
        self._windows: list[Window] = []
        for window in windows:
            self.add(window)

    def add(self, window: Window) -> None:
        """Hold `window` too."""
        start, end = window
        if start >= end:
            return
        apart = [it for it in self._windows if it[1] < start or it[0] > end]
        joined = [it for it in self._windows if not (it[1] < start or it[0] > end)]
        start, end = min([start, *(it[0] for it in joined)]), max([end, *(it[1] for it in joined)])
        self._windows = sorted([*apart, (start, end)])

    def hold(self, window: Window) -> bool:
        """Whether every instant of `window` is held."""
        return any(start <= window[0] and window[1] <= end for start, end in self._windows)

    def touch(self, window: Window) -> bool:
        """Whether any instant of `window` is held."""
        return any(start < window[1] and window[0] < end for start, end in self._windows)

    def find_stretch(self, instant: datetime) -> Window | None:
        """The stretch without a gap that holds `instant`."""
        return next((it for it in self._windows if it[0] <= instant < it[1]), None)

    def list_gaps(self, window: Window) -> list[Window]:
        """The stretches of `window` that are not held."""
        gaps = []
        at = window[0]
        for start, end in self._windows:
            if end <= at or start >= window[1]:
                continue
            if start > at:
                gaps.append((at, start))
            at = max(at, end)
        return [*gaps, (at, window[1])] if at < window[1] else gaps


def find_spans(pulls: Sequence[PullRecord], window: Window) -> tuple[Spans, PullRecord | None]:
    """What the complete pulls of one resource hold, and the failed one, if any, that voids what came before it.

    `pulls` are in the order in which they began. A pull that holds all of `window` and did not end complete puts in
    doubt what earlier ones brought for it (policy §3.3: the latest pull whose window holds it decides). One that
    holds only a part of it, such as an hourly pull, leaves a gap until it is made good, and nothing more.
    """
    spans, failed = Spans(), None
    for pull in pulls:
        held = (pull.window_from_at, pull.window_to_at)
        if pull.status == "complete":
            spans.add(held)
            failed = None if Spans([held]).hold(window) else failed
        elif held[0] <= window[0] and window[1] <= held[1]:
            spans, failed = Spans(), pull
    return spans, failed


def find_mark(pulls: Sequence[PullRecord], *, dates_rows: bool) -> datetime | None:
    """Up to when the resource has been read without a gap; nothing before its first complete pull.

    The mark is the newest `updated_at` that the source gave, in the source's own clock, never beyond the window that
    was asked for: a platform whose clock is slow loses nothing. Without such a column (`dates_rows` is false) it is
    the window's end. A pull that begins after the mark leaves it, for what lies between was not read.
    """
    mark: datetime | None = None
    for pull in pulls:
        # A window that ends before it begins, such as that of a month yet to come, held nothing.
        if pull.status != "complete" or pull.window_from_at >= pull.window_to_at:
            continue
        if mark is not None and not pull.window_from_at <= mark < pull.window_to_at:
            continue
        read_to = pull.newest_at if dates_rows else pull.window_to_at
        if read_to is None:
            read_to = mark if mark is not None else pull.window_from_at
        mark = min(read_to, pull.window_to_at)
    return mark


def choose_pulls(pulls: Sequence[PullRecord], window: Window) -> list[PullRecord]:
    """Of one resource's pulls the newest that looked at records for `window`, each of which adds some; in order."""
    spans, chosen = Spans(), []
    for pull in reversed(pulls):
        held = max(pull.window_from_at, window[0]), min(pull.window_to_at, window[1])
        # What broke before a record was seen says nothing of the records.
        has_looked = pull.status in LOOKED or (pull.status in STOPPED and pull.received_count > 0)
        if has_looked and held[0] < held[1] and not spans.hold(held):
            spans.add(held)
            chosen.append(pull)
    return chosen[::-1]


def was_given(pulls: Sequence[PullRecord], mark: datetime) -> bool:
    """Whether the source itself gave `mark`, so that it must still hold something as new unless it went backwards.

    Else it is where a window began in which nothing came, or the latest reading no longer found anything there.
    """
    holding = [
        pull for pull in pulls if pull.status == "complete" and pull.window_from_at <= mark < pull.window_to_at
    ]
    return bool(holding) and holding[-1].newest_at == mark
