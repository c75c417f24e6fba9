"""Rules across tables whose sources land at the same time: judged once all parts of an ingest are in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pyarrow as pa

from flows.exact import format_decimal
from flows.house import House
from flows.ingest.describe.masking import mask_value
from flows.ingest.describe.records import Window
from flows.ingest.describe.rules import CrossRule, load_rules
from flows.ingest.describe.source import Source
from flows.ingest.judging.quality import confirm_lookup
from flows.ingest.reports import PullReport
from flows.lake import LakeView, Landing
from flows.ledger import PullRecord
from flows.schema import TABLES, Table

LANDED = frozenset({"complete", "partial"})
KNOWN = "known"
_SOURCE_ID = re.compile("[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class CrossFinding:
    """What a rule across tables tells of one resource's latest pull."""

    platform: str
    resource: str
    warning: str


def judge_across_tables(house: House, sources: Sequence[Source]) -> list[CrossFinding]:
    """What the rules across tables tell of the latest pull of each resource that has such rules.

    Counts go into the ledger beside the pull's other checks; judged again they take the place of the earlier ones, so
    events that land later clear what was told. Rows are those landed whose `updated_at` lies in the pull's window.
    Raises `QualityGate` if Great Expectations counts otherwise.
    """
    rules = load_rules(house.settings.config / "quality")
    findings: list[CrossFinding] = []
    for source in sources:
        for name, resource in source.resources.items():
            crossing = rules[resource.table].cross_rules if resource.table in rules else ()
            pull = _find_latest(house, source, name) if crossing else None
            if pull is None:
                continue
            with house.view(_list_landings(house, pull)) as view:
                checks = [_judge_rule(view, rule, pull) for rule in crossing]
            house.ledger.note_checks(pull.id, checks)
            findings += [CrossFinding(source.platform, name, it["warning"]) for it in checks if it["warning"]]
    return findings


def add_findings(reports: Sequence[PullReport], findings: Sequence[CrossFinding]) -> list[PullReport]:
    """The same reports, each finding among the warnings of the pull that it is about, if that has landed."""
    told: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        told.setdefault((finding.platform, finding.resource), []).append(finding.warning)
    return [
        replace(
            report,
            pulls=[
                replace(pull, warnings=[*pull.warnings, *told.get((report.platform, pull.resource), [])])
                if pull.status in LANDED
                else pull
                for pull in report.pulls
            ],
        )
        for report in reports
    ]


def _find_latest(house: House, source: Source, resource: str) -> PullRecord | None:
    pulls = house.ledger.list_pulls(source.platform, resource, with_findings=False)
    return next((pull for pull in reversed(pulls) if pull.status in LANDED), None)


def _list_landings(house: House, pull: PullRecord) -> list[Landing]:
    """Those of the pull's resource, and all events."""
    origin = f"{pull.platform}-{pull.resource}"
    return [
        it
        for it in house.list_readable()
        if it.table == "events" or (it.table == pull.table_name and it.batch_id.rpartition("-")[0] == origin)
    ]


def _judge_rule(view: LakeView, rule: CrossRule, pull: PullRecord) -> dict[str, Any]:
    """How many of the pull's rows name an event that never landed, with the counts of each platform."""
    rows = look_up_events(view, rule, TABLES[pull.table_name], (pull.window_from_at, pull.window_to_at))
    grouped = rows.group_by(rule.other).aggregate([(rule.other, "count"), (KNOWN, "count")])
    counts: dict[str, tuple[int, int]] = {}
    for row in grouped.to_pylist():
        judged, known = row[f"{rule.other}_count"], row[f"{KNOWN}_count"]
        shown = _show_platform(row[rule.other])
        before = counts.get(shown, (0, 0))
        counts[shown] = before[0] + judged, before[1] + judged - known
    breach_count = sum(unknown for _, unknown in counts.values())
    name = f"{pull.platform}, {pull.resource}"
    confirm_lookup(rule, rows.select([KNOWN]), breach_count, name)
    return {
        "key": f"{rule.id}:{rule.column}",
        "rule": rule.id,
        "column": rule.column,
        "reason": f"{rule.reason}:{rule.column}",
        "severity": rule.severity,
        "title": rule.title,
        "judged_count": rows.num_rows,
        "breach_count": breach_count,
        "platforms": {platform: list(counts[platform]) for platform in sorted(counts)},
        "warning": _tell(name, rule, counts),
    }


def look_up_events(view: LakeView, rule: CrossRule, table: Table, window: Window) -> pa.Table:
    """One row for each row of `table` updated in `window`: its event's platform, and its number if it has landed.

    Columns: `rule.other`, and `known`, which is null for an event that never landed. Of the events only the two key
    columns are read, and nothing is merged but `table`.
    """
    rows = view.table(table.name)
    if table.has_updated_at:
        start_at, end_at = (instant.replace(tzinfo=None) for instant in window)
        rows = rows.filter(rows.updated_at >= start_at, rows.updated_at < end_at)
    asked = rows.select(rule.other, rule.column)
    events = view.landed("events").select("platform", "event_id")
    found = events.semi_join(asked, [("platform", rule.other), ("event_id", rule.column)]).distinct()
    found = found.select(of=found.platform, **{KNOWN: found.event_id})
    looked_up = asked.left_join(found, [(rule.other, "of"), (rule.column, KNOWN)])
    return looked_up.select(rule.other, KNOWN).to_pyarrow()


def _show_platform(platform: str) -> str:
    """A source's id as it is; what can't be one may be a person's data, wrongly mapped, and is masked."""
    return platform if _SOURCE_ID.fullmatch(platform) else mask_value(platform)


def _tell(name: str, rule: CrossRule, counts: Mapping[str, tuple[int, int]]) -> str:
    parts = [
        f"{unknown} of {judged} ({format_decimal(Fraction(100 * unknown, judged), 2)} %) of {platform}"
        for platform, (judged, unknown) in sorted(counts.items())
        if unknown
    ]
    if not parts:
        return ""
    return (
        f"{name}: {rule.column} names events that have not landed: {', '.join(parts)}. These rows were kept, and "
        "count nowhere until their events land. Pull the platforms that they are of, or ask whose numbers are wrong."
    )
