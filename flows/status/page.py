"""The status as a page in Chinese, for engineers and supervisors, and the files that others pick up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.ledger.watching import StepStanding
from flows.report.page import render_page
from flows.status.board import Board
from flows.status.due import list_due
from flows.status.grid import Cell, lay_out_grid, show_standing
from flows.status.metrics import write_metrics
from flows.status.words import (
    COUNT_TITLES,
    STEP_TITLES,
    WORD_TITLES,
    describe_age,
    describe_due_in_chinese,
    write_instant,
)
from flows.whole_files import write_whole

STATUS = "status"
PAGE, METRICS = "index.html", "metrics.prom"

MARKS = {"ok": "✓", "warn": "!", "fail": "✗", "none": "—"}
"""A sign beside each colour, so that the page is read without colours, too."""

GIGABYTE = 1_000_000_000


def write_status_files(home: Path, board: Board) -> Path:
    """Where the page now lies, with the metrics beside it: `<home>/status/`."""
    folder = home / STATUS
    write_file(folder / METRICS, write_metrics(board))
    write_file(folder / PAGE, write_page(board))
    return folder / PAGE


def write_file(path: Path, text: str) -> None:
    """Put the text in the file's place, in a folder that is made if need be: others read it at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())


def write_page(board: Board) -> str:
    """The page, which needs no network and no script."""
    failing, due = board.list_failing(), list_due(board)
    titles = {**STEP_TITLES, **{source.platform: source.title for source in board.sources}}
    return render_page(
        "status.html.j2",
        {
            "at": write_instant(board.at),
            "is_well": not failing and not due,
            "failing": [_describe_failing(step, board, titles) for step in failing],
            "due": [
                (describe_due_in_chinese(it, titles), write_instant(it.since_at) if it.since_at else "") for it in due
            ],
            "months": [
                {"name": str(month.month), "revision": month.head.revision if month.head else None}
                for month in board.months
            ],
            "rows": [
                {
                    "name": row.name,
                    "title": titles.get(row.name, row.name),
                    "cells": [_describe_cell(cell, board) for cell in row.cells],
                }
                for row in lay_out_grid(board)
                if any(cell.word for cell in row.cells)
            ],
            "sources": [
                {
                    "name": source.platform,
                    "title": source.title,
                    "read_at": write_instant(source.read_at) if source.read_at else "从未完整读到",
                    "age": describe_age(source.read_at, board.at, chinese=True) if source.read_at else "",
                    "is_silent": source.silent_since_at is not None,
                }
                for source in board.sources
            ],
            "between": [
                {**_name_step(step, titles), "cell": _describe_cell(show_standing(step), board)}
                for step in board.between
            ],
            "waiting_count": sum(found.count for found in board.waiting),
            "disk_free": f"{board.disk_free_bytes / GIGABYTE:,.1f}",
        },
    )


def _describe_failing(step: StepStanding, board: Board, titles: Mapping[str, str]) -> dict[str, Any]:
    assert step.failing is not None  # noqa: S101 -- it is listed because it fails
    return {
        **_name_step(step, titles),
        "month": step.month or "",
        "since": write_instant(step.failing.since_at),
        "age": describe_age(step.failing.since_at, board.at, chinese=True),
        "count": step.failing.count,
        "last_ok": write_instant(step.failing.last_ok_at) if step.failing.last_ok_at else "从未",
        "message": step.message,
    }


def _describe_cell(cell: Cell, board: Board) -> dict[str, Any]:
    return {
        "level": cell.level,
        "mark": MARKS[cell.level],
        "word": WORD_TITLES[cell.word],
        "age": describe_age(cell.at, board.at, chinese=True) if cell.at else "",
        "at": write_instant(cell.at) if cell.at else "",
        "counts": [
            (COUNT_TITLES[name], f"{count:,}")
            for name, count in cell.counts.items()
            if count and name in COUNT_TITLES
        ],
    }


def _name_step(step: StepStanding, titles: Mapping[str, str]) -> dict[str, str]:
    source, slash, part = (step.subject or "").partition("/")
    return {
        "title": titles.get(step.step, step.step),
        "name": " ".join(filter(None, (step.step, step.subject))),
        "subject": f"{titles.get(source, source)}{slash}{part}",
    }
