"""The status as Prometheus reads it, in the text format 0.0.4, for the textfile collector of a node exporter."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flows.ledger.watching import StepStanding
from flows.status.board import Board

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """One metric with a sample for each set of labels."""

    name: str
    help: str
    samples: Iterable[tuple[Labels, float]]


def write_metrics(board: Board) -> str:
    """Every metric of the board; a month, step or source that has nothing to tell has no sample."""
    return "".join(_write_metric(metric) for metric in _list_metrics(board))


def _list_metrics(board: Board) -> Iterator[Metric]:
    steps = [*board.between, *(step for month in board.months for step in month.steps)]
    yield Metric(
        "fivestar_step_last_success_timestamp_seconds",
        "When a step last succeeded.",
        [(_label(step), step.last_ok_at.timestamp()) for step in steps if step.last_ok_at is not None],
    )
    yield Metric(
        "fivestar_step_failures",
        "How often a step has failed since it last succeeded.",
        [(_label(step), step.failing.count if step.failing else 0) for step in steps],
    )
    yield Metric(
        "fivestar_failing_steps", "How many steps fail that nothing has made good.", [({}, len(board.list_failing()))]
    )
    yield Metric(
        "fivestar_source_last_read_timestamp_seconds",
        "When the whole of a source was last read completely.",
        [({"source": it.platform}, it.read_at.timestamp()) for it in board.sources if it.read_at is not None],
    )
    yield Metric(
        "fivestar_source_silent",
        "Whether a source was not read for longer than its card allows.",
        [({"source": it.platform}, int(it.silent_since_at is not None)) for it in board.sources],
    )
    yield Metric(
        "fivestar_source_complete",
        "Whether a source holds a month.",
        [
            ({"month": str(month.month), "source": source.platform}, int(source.status == "complete"))
            for month in board.months
            for source in month.sources
        ],
    )
    yield Metric(
        "fivestar_month_judged",
        "Whether a month has a revision.",
        [({"month": str(month.month)}, int(month.head is not None)) for month in board.months],
    )
    yield Metric(
        "fivestar_review_open_proposals",
        "How many proposals await a decision.",
        [({"month": str(it.month)}, it.review.open_count) for it in board.months if it.review is not None],
    )
    yield Metric(
        "fivestar_outbox_waiting_messages",
        "How many messages are still to go out.",
        [({}, sum(found.count for found in board.waiting))],
    )
    yield Metric(
        "fivestar_outbox_oldest_waiting_timestamp_seconds",
        "When the message was queued that has waited longest.",
        [({}, min(found.oldest_at for found in board.waiting).timestamp())] if board.waiting else [],
    )
    yield Metric("fivestar_disk_free_bytes", "Free on the home's disk.", [({}, board.disk_free_bytes)])
    yield Metric("fivestar_status_timestamp_seconds", "When this was written.", [({}, board.at.timestamp())])


def _label(step: StepStanding) -> Labels:
    return {"step": step.step, "month": step.month or "", "subject": step.subject or ""}


def _write_metric(metric: Metric) -> str:
    lines = [f"{metric.name}{_write_labels(labels)} {_write_number(value)}\n" for labels, value in metric.samples]
    if not lines:
        return ""
    return "".join([f"# HELP {metric.name} {metric.help}\n", f"# TYPE {metric.name} gauge\n", *lines])


def _write_labels(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _write_number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
