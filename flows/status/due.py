"""What should have happened by now and hasn't, and since when: the part of the status that no outcome row tells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flows.errors import (
    ConfigurationError,
    DecisionRefused,
    DeliveryIncomplete,
    FivestarError,
    QualityGate,
    SourceUnavailable,
)
from flows.status.board import Board, MonthBoard

DueKind = Literal[
    "month_not_judged",
    "source_incomplete",
    "judge_again",
    "review_open",
    "publication_waits",
    "messages_failed",
    "messages_wait",
    "source_silent",
    "step_late",
]

LATE_AFTER: dict[str, timedelta] = {
    "platform_freshness": timedelta(hours=3),
    "daily_alerts": timedelta(hours=27),
    "watch_reviews": timedelta(hours=27),
}
"""After what time a step that runs by the clock (prefect.yaml) is missed: its interval and some slack.

Whoever never ran one has no schedule for it, and doesn't miss it.
"""

DELIVERY_LATE_AFTER = timedelta(hours=24)
"""How long something may wait without anybody trying to deliver it; the city's own rules may hold it for longer."""

ERRORS: dict[DueKind, type[FivestarError] | None] = {
    "month_not_judged": QualityGate,
    "source_incomplete": SourceUnavailable,
    "judge_again": QualityGate,
    "review_open": None,
    "publication_waits": DecisionRefused,
    "messages_failed": DeliveryIncomplete,
    "messages_wait": DeliveryIncomplete,
    "source_silent": SourceUnavailable,
    "step_late": ConfigurationError,
}
"""The class of error that each is for a monitoring script; none for what is HR's to do in its own time."""


@dataclass(frozen=True)
class Due:
    """One thing that is overdue or stands open: on which month, sources or step, since when, how many."""

    kind: DueKind
    since_at: datetime | None
    month: str | None = None
    subjects: Sequence[str] = ()
    count: int | None = None


def list_due(board: Board) -> list[Due]:
    """What is overdue or open, of the whole first, then by month, the newest first."""
    return [*_list_between(board), *(due for month in board.months for due in _list_of_month(month, board.at))]


def _list_between(board: Board) -> Iterator[Due]:
    for source in board.sources:
        if source.silent_since_at is not None:
            yield Due("source_silent", source.silent_since_at, subjects=[source.platform])
    for step in board.between:
        late_after = LATE_AFTER.get(step.step)
        if late_after is not None and board.at - step.finished_at > late_after:
            yield Due("step_late", step.finished_at + late_after, subjects=[step.step])
    if board.waiting:
        oldest_at = min(found.oldest_at for found in board.waiting)
        tried = [step.finished_at for step in board.between if step.step == "deliver"]
        if board.at - max([oldest_at, *tried]) > DELIVERY_LATE_AFTER:
            yield Due("messages_wait", oldest_at, count=sum(found.count for found in board.waiting))


def _list_of_month(month: MonthBoard, now: datetime) -> Iterator[Due]:
    name = str(month.month)
    if now < month.cutoff_at or not month.is_expected:
        return
    judged_with = month.head.source_states if month.head else {}
    incomplete = [source.platform for source in month.sources if source.status != "complete"]
    if incomplete:
        yield Due("source_incomplete", month.cutoff_at, name, incomplete)
    for source in month.sources:
        if source.status == "complete" and judged_with.get(source.platform, "complete") != "complete":
            yield Due("judge_again", source.read_at, name, [source.platform])
    if month.head is None:
        yield Due("month_not_judged", month.cutoff_at, name)
    if month.review is not None and month.review.open_count:
        yield Due("review_open", month.review.opened_at, name, count=month.review.open_count)
    elif month.review is not None and month.review.waiting_count:
        yield Due("publication_waits", None, name, count=month.review.waiting_count)
    for found in month.messages:
        if found.status == "permanent_failure":
            yield Due("messages_failed", found.oldest_at, name, count=found.count)
