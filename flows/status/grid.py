"""The months' grid that screen, page and artifact show: a row for each source and step, a cell for each month."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from flows.ledger.watching import StepStanding
from flows.status.board import Board, MonthBoard

Level = Literal["ok", "warn", "fail", "none"]
Kind = Literal["source", "step", "review", "messages"]

STEPS_IN_ORDER = ("ingest", "check_contacts", "data_docs", "evaluate", "open_review", "notify", "publish")
"""A month's steps as they follow each other; any other comes after them."""

SOURCE_LEVELS: Mapping[str, Level] = {"complete": "ok", "partial": "warn", "missing": "fail"}
REVIEW_LEVELS: Mapping[str, Level] = {"open": "warn", "decided": "warn", "published": "ok"}


@dataclass(frozen=True)
class Cell:
    """How one source or step of one month stands: in a word, since or at when, and the counts that tell most."""

    level: Level
    word: str
    at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


NOTHING = Cell("none", "")


@dataclass(frozen=True)
class GridRow:
    """What the cells of all months are about."""

    kind: Kind
    name: str
    cells: Sequence[Cell]


def lay_out_grid(board: Board) -> list[GridRow]:
    """The rows in the order in which a month goes: sources, steps, review, messages."""
    names = {step.step for month in board.months for step in month.steps}
    steps = [name for name in STEPS_IN_ORDER if name in names and name != "ingest"]
    steps += sorted(names - set(STEPS_IN_ORDER))

    def fill(kind: Kind, name: str, show: Callable[[MonthBoard, str], Cell]) -> GridRow:
        return GridRow(kind, name, [show(month, name) for month in board.months])

    return [
        *(fill("source", source.platform, _show_source) for source in board.sources),
        *(fill("step", name, _show_step) for name in steps),
        fill("review", "review", _show_review),
        fill("messages", "messages", _show_messages),
    ]


def pick_counts(counts: Mapping[str, Any]) -> dict[str, int]:
    """Of an outcome's counts those that are plain numbers, money left out: it is none of a watcher's business."""
    return {
        name: value
        for name, value in counts.items()
        if isinstance(value, int) and not isinstance(value, bool) and not name.endswith("_fen")
    }


def _show_source(month: MonthBoard, platform: str) -> Cell:
    found = next((source for source in month.sources if source.platform == platform), None)
    if found is None:
        return NOTHING
    failing = [step for step in month.list_failing() if (step.subject or "").partition("/")[0] == platform]
    counts = {"received": found.received_count, "rejected": found.rejected_count}
    if failing:
        return Cell("fail", "failed", max(step.finished_at for step in failing), counts)
    return Cell(SOURCE_LEVELS[found.status], found.status, found.read_at, counts)


def _show_step(month: MonthBoard, name: str) -> Cell:
    """The newest of the step's standings, a failing one before the others."""
    steps = [step for step in month.steps if step.step == name]
    return show_standing(max(steps, key=lambda step: (not step.ok, step.finished_at))) if steps else NOTHING


def show_standing(step: StepStanding) -> Cell:
    """A step as it last ended."""
    counts = pick_counts(step.counts)
    return Cell("ok" if step.ok else "fail", "ok" if step.ok else "failed", step.finished_at, counts)


def _show_review(month: MonthBoard, _: str) -> Cell:
    if month.review is None:
        return NOTHING
    counts = {"open": month.review.open_count, "to_publish": month.review.waiting_count}
    return Cell(REVIEW_LEVELS[month.review.state], month.review.state, month.review.opened_at, counts)


def _show_messages(month: MonthBoard, _: str) -> Cell:
    counts: dict[str, int] = {found.status: found.count for found in month.messages}
    if not counts:
        return NOTHING
    if counts.get("permanent_failure"):
        return Cell("fail", "failed", None, counts)
    waits = any(status not in {"delivered", "suppressed"} for status in counts)
    return Cell("warn" if waits else "ok", "waiting" if waits else "ok", None, counts)
