"""The status as JSON for programs; its keys are listed in docs/watching.md."""

from datetime import UTC, datetime
from typing import Any

from flows.ledger.watching import StepStanding
from flows.status.board import Board, MonthBoard
from flows.status.due import ERRORS, Due, list_due
from flows.status.grid import pick_counts
from flows.status.words import describe_due

FORMAT = 1
"""Raised whenever a key goes or changes its meaning."""


def describe_board(board: Board) -> dict[str, Any]:
    """The whole board in plain values; instants are in UTC, ages in seconds."""
    return {
        "format": FORMAT,
        "at": _write(board.at),
        "months": [_describe_month(month, board.at) for month in board.months],
        "sources": [
            {
                "platform": source.platform,
                "title": source.title,
                "read_at": _write(source.read_at),
                "age_seconds": _count_seconds(source.read_at, board.at),
                "silent_since_at": _write(source.silent_since_at),
            }
            for source in board.sources
        ],
        "steps": [_describe_step(step, board.at) for step in board.between],
        "failing": [_describe_step(step, board.at) for step in board.list_failing()],
        "due": [_describe_due(due) for due in list_due(board)],
        "outbox": {
            "waiting": sum(found.count for found in board.waiting),
            "oldest_at": _write(min((found.oldest_at for found in board.waiting), default=None)),
        },
        "disk_free_bytes": board.disk_free_bytes,
    }


def _describe_month(month: MonthBoard, now: datetime) -> dict[str, Any]:
    head, review = month.head, month.review
    return {
        "month": str(month.month),
        "cutoff_at": _write(month.cutoff_at),
        "revision": head.revision if head else None,
        "judged_at": _write(head.created_at if head else None),
        "sources": [
            {
                "platform": source.platform,
                "status": source.status,
                "status_when_judged": head.source_states.get(source.platform) if head else None,
                "received": source.received_count,
                "landed": source.landed_count,
                "rejected": source.rejected_count,
                "read_at": _write(source.read_at),
                "age_seconds": _count_seconds(source.read_at, now),
            }
            for source in month.sources
        ],
        "steps": [
            _describe_step(step, now) | {"made_good": not step.ok and month.is_made_good(step)}
            for step in month.steps
        ],
        "review": review
        and {
            "state": review.state,
            "opened_at": _write(review.opened_at),
            "open": review.open_count,
            "to_publish": review.waiting_count,
        },
        "messages": {found.status: found.count for found in month.messages},
    }


def _describe_step(step: StepStanding, now: datetime) -> dict[str, Any]:
    return {
        "step": step.step,
        "month": step.month,
        "subject": step.subject,
        "ok": step.ok,
        "message": step.message,
        "exit_code": step.exit_code,
        "runs": step.run_count,
        "started_at": _write(step.started_at),
        "finished_at": _write(step.finished_at),
        "age_seconds": _count_seconds(step.finished_at, now),
        "last_ok_at": _write(step.last_ok_at),
        "failing_since_at": _write(step.failing.since_at if step.failing else None),
        "failures": step.failing.count if step.failing else 0,
        "counts": pick_counts(step.counts),
    }


def _describe_due(due: Due) -> dict[str, Any]:
    error = ERRORS[due.kind]
    return {
        "kind": due.kind,
        "month": due.month,
        "subjects": list(due.subjects),
        "since_at": _write(due.since_at),
        "count": due.count,
        "exit_code": error.exit_code if error else 0,
        "text": describe_due(due),
    }


def _write(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds")


def _count_seconds(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else int((now - at).total_seconds())
