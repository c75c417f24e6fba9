"""What forbids a whole pull, or is told about it: measures of the pull against the limits of the quality file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flows.errors import QualityGate
from flows.ingest.describe.rules import ClosureRate, MonthCount, NotEmpty, PullRule, RejectedShare, TableRules
from flows.ingest.judging.quality import build_limit, count_unexpected
from flows.month import Month, city_day

MICROSECONDS_AN_HOUR = 3_600_000_000
MONTHS_COMPARED = 3
REASONS_SHOWN = 5


@dataclass
class PullFacts:
    """What a pull brought, counted while its rows go by. `empty_count` is the number of files without a row."""

    received_count: int = 0
    rejected_count: int = 0
    empty_count: int = 0
    not_void_count: int = 0
    closed_count: int = 0
    asked_until_at: datetime | None = None
    """The end of the window, in UTC without offset: what is dated after it comes from a wrong clock or a slip."""
    newest_received_at: datetime | None = None
    """The greatest `updated_at` of all rows up to there: how far the source has been read."""
    newest_known_at: datetime | None = None
    """The same of the resource's earlier pulls, so far as it does not lie after the window."""
    month_counts: dict[str, int] = field(default_factory=dict)
    earlier_counts: Sequence[int] | None = None
    """Rows of the three months before, where the pull is one of a whole month."""
    measures: list[dict[str, Any]] = field(default_factory=list)
    """For the ledger: each rule on the pull that could be measured, its measure, its limit, and whether it broke."""

    def note_received(self, rows: pa.Table, rules: TableRules) -> None:
        """Count rows before they are judged."""
        self.received_count += rows.num_rows
        if rules.canonical.has_updated_at:
            dates = rows.column("updated_at")
            if self.asked_until_at is not None:
                dates = dates.filter(pc.less_equal(dates, pa.scalar(self.asked_until_at, dates.type)))
            newest = pc.max(dates).as_py()
            self.newest_received_at = max(filter(None, (self.newest_received_at, newest)), default=None)

    def note_passed(self, rows: pa.Table, rules: TableRules) -> None:
        """Count rows that passed."""
        columns = rules.canonical.by_name
        if "open" in (columns["status"].values if "status" in columns else ()):
            status = rows.column("status")
            self.not_void_count += pc.sum(pc.not_equal(status, "void")).as_py() or 0
            self.closed_count += pc.sum(pc.equal(status, "closed")).as_py() or 0
        for rule in rules.pull_rules:
            if isinstance(rule, MonthCount) and rule.column is not None:
                for count in pc.value_counts(rows.column(rule.column)).to_pylist():
                    self.month_counts[count["values"]] = self.month_counts.get(count["values"], 0) + count["counts"]


def judge_pull(
    rules: TableRules,
    facts: PullFacts,
    window: tuple[datetime, datetime],
    reason_counts: Mapping[str, int],
    name: str,
) -> list[str]:
    """The warnings about the pull; what was measured stands in `facts` afterwards.

    Raises `QualityGate` for the first `stop` rule that it breaks.
    """
    measured = [
        (rule, value)
        for rule in rules.pull_rules
        if (value := _measure(rule, facts, window[0], window[1])) is not None
    ]
    broken = [(rule, value) for rule, value in measured if value > find_limit(rule)]
    facts.measures = [_note_measure(rule, value) for rule, value in measured]
    _confirm(measured, {rule.id for rule, _ in broken}, name)
    warnings = []
    for rule, value in broken:
        text = f"{name}: {_describe(rule, value, facts)}, and the rule {rule.id} allows {_write(find_limit(rule))}."
        if rule.severity == "stop":
            raise QualityGate(f"{text} Nothing was landed.{_list_reasons(reason_counts)} {_advise(rule)}")
        warnings.append(text)
    return warnings


def _note_measure(rule: PullRule, value: Fraction) -> dict[str, Any]:
    limit = find_limit(rule)
    return {
        "key": rule.id,
        "rule": rule.id,
        "severity": rule.severity,
        "title": rule.title,
        "measure": _write(value),
        "limit": _write(limit),
        "broken": value > limit,
    }


def _measure(rule: PullRule, facts: PullFacts, start_at: datetime, end_at: datetime) -> Fraction | None:
    """The rule's measure of the pull; nothing where there is nothing to measure."""
    if isinstance(rule, RejectedShare):
        return Fraction(100 * facts.rejected_count, facts.received_count) if facts.received_count else None
    if isinstance(rule, NotEmpty):
        return Fraction(facts.empty_count)
    if isinstance(rule, MonthCount):
        return _measure_month(rule, facts)
    if isinstance(rule, ClosureRate):
        # What an hour brings are mostly closures: only of a month's rows is the share of closed ones a rate.
        is_rate = facts.not_void_count > 0 and _holds_month(start_at, end_at)
        return Fraction(100 * facts.closed_count, facts.not_void_count) if is_rate else None
    known = [it for it in (facts.newest_received_at, facts.newest_known_at) if it is not None]
    silent = end_at.replace(tzinfo=None) - max(known, default=start_at.replace(tzinfo=None))
    return Fraction(max(0, int(silent.total_seconds() * 1_000_000)), MICROSECONDS_AN_HOUR)


def _holds_month(start_at: datetime, end_at: datetime) -> bool:
    """Whether the window holds a whole month of the city's calendar."""
    month = Month.of(city_day(start_at))
    first = month if month.starts_at == start_at else month.plus(1)
    return first.ends_at <= end_at


def _measure_month(rule: MonthCount, facts: PullFacts) -> Fraction | None:
    """By how many percent the newest month's rows differ from the mean of the three before, if all are there."""
    if rule.column is not None:
        months = sorted(facts.month_counts)
        counts = [facts.month_counts[month] for month in months]
        count, earlier = (counts[-1], counts[:-1][-MONTHS_COMPARED:]) if counts else (0, [])
    else:
        count, earlier = facts.received_count - facts.rejected_count, list(facts.earlier_counts or [])
    total = sum(earlier)
    if len(earlier) < MONTHS_COMPARED or total == 0:
        return None
    return Fraction(100 * abs(MONTHS_COMPARED * count - total), total)


def find_limit(rule: PullRule) -> Fraction:
    """What the rule's measure may not exceed."""
    if isinstance(rule, NotEmpty):
        return Fraction(0)
    if isinstance(rule, RejectedShare | MonthCount | ClosureRate):
        return Fraction(rule.maximum_pct)
    return Fraction(rule.maximum_hours)


def _confirm(measured: Sequence[tuple[PullRule, Fraction]], broken: set[str], name: str) -> None:
    """Let Great Expectations judge the same measures; a disagreement is a `QualityGate`."""
    if not measured:
        return
    frame = pa.table({rule.id: pa.array([float(value)], pa.float64()) for rule, value in measured})
    limits = [
        (rule.id, build_limit(rule.id, rule.id, rule.severity, float(find_limit(rule)))) for rule, _ in measured
    ]
    for key, count in count_unexpected(limits, frame).items():
        if count != (1 if key in broken else 0):
            raise QualityGate(
                f"{name}: our judgement of the rule {key} and that of Great Expectations differ. Nothing was landed: "
                "report this."
            )


def _describe(rule: PullRule, value: Fraction, facts: PullFacts) -> str:
    if isinstance(rule, RejectedShare):
        return f"{facts.rejected_count} of {facts.received_count} rows ({_write(value)} %) were rejected"
    if isinstance(rule, NotEmpty):
        return "there is a file without a row, or no file at all"
    if isinstance(rule, MonthCount):
        return f"the month's row count differs by {_write(value)} % from the mean of the three months before"
    if isinstance(rule, ClosureRate):
        return f"{facts.closed_count} of {facts.not_void_count} events ({_write(value)} %) are closed"
    return f"nothing was updated for {_write(value)} hours"


def _advise(rule: PullRule) -> str:
    if isinstance(rule, NotEmpty):
        return "Ask the owner for the file, then pull again."
    return "Mend the source or the mapping, then pull again."


def _list_reasons(reason_counts: Mapping[str, int]) -> str:
    most = sorted(reason_counts.items(), key=lambda item: (-item[1], item[0]))[:REASONS_SHOWN]
    return f" Most frequent: {', '.join(f'{reason} {count}' for reason, count in most)}." if most else ""


def _write(value: Fraction) -> str:
    text = f"{float(value):.3f}".rstrip("0").rstrip(".")
    return text or "0"
