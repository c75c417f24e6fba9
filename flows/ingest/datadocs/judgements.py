"""What validation found in a month's records, resource by resource: counts from the ledger, never a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.house import House
from flows.ingest.coverage import choose_pulls
from flows.ledger import PullRecord
from flows.month import Month


@dataclass
class Verdict:
    """One rule as the month's pulls of one resource met it.

    A rule on rows, or across tables, counts rows; a rule on pulls counts pulls, and has the latest pull's `measure`
    and `limit`.
    """

    key: str
    rule: str
    column: str
    severity: str
    title: str
    judged_count: int = 0
    breach_count: int = 0
    measure: str = ""
    limit: str = ""
    platforms: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Across tables: rows judged and rows at fault, by the platform that they name."""

    def add(self, check: Mapping[str, Any]) -> None:
        """Count one pull's finding too; words are the latest one's."""
        self.severity, self.title = check["severity"], check["title"]
        if "measure" in check:
            self.measure, self.limit = check["measure"], check["limit"]
            self.judged_count += 1
            self.breach_count += check["broken"]
            return
        self.judged_count += check["judged_count"]
        self.breach_count += check["breach_count"]
        for platform, (judged, at_fault) in check.get("platforms", {}).items():
            earlier = self.platforms.get(platform, (0, 0))
            self.platforms[platform] = (earlier[0] + judged, earlier[1] + at_fault)


@dataclass(frozen=True)
class ResourceJudgement:
    """One resource's month: the pulls that count, in their order, and what each rule found in them."""

    platform: str
    resource: str
    table: str
    pulls: Sequence[PullRecord]
    verdicts: Mapping[str, Verdict]

    @property
    def received_count(self) -> int:
        return sum(pull.received_count for pull in self.pulls)

    @property
    def landed_count(self) -> int:
        return sum(pull.landed_count for pull in self.pulls)

    @property
    def rejected_count(self) -> int:
        return sum(pull.rejected_count for pull in self.pulls)

    @property
    def reason_counts(self) -> dict[str, int]:
        """Rejected rows by reason, the most frequent first."""
        counts: dict[str, int] = {}
        for pull in self.pulls:
            for reason, count in pull.reason_counts.items():
                counts[reason] = counts.get(reason, 0) + count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def warnings(self) -> list[str]:
        """What the pulls told and kept, each text once, the latest last."""
        return list(dict.fromkeys(text for pull in self.pulls for text in pull.warnings))


def collect_judgements(house: House, month: Month) -> list[ResourceJudgement]:
    """Each resource whose records of `month` were looked at, by platform and name.

    Of its pulls those count that `choose_pulls` takes for the calendar month; where short pulls overlap, a record
    that came twice is counted twice.
    """
    found: dict[tuple[str, str], list[PullRecord]] = {}
    for pull in house.ledger.list_pulls(window=(month.starts_at, month.ends_at), with_findings=False):
        found.setdefault((pull.platform, pull.resource), []).append(pull)
    judgements = []
    for (platform, resource), pulls in sorted(found.items()):
        counting = choose_pulls(pulls, (month.starts_at, month.ends_at))
        if counting:
            chosen = house.ledger.read_findings([pull.id for pull in counting])
            table = chosen[-1].table_name
            judgements.append(ResourceJudgement(platform, resource, table, chosen, _add_verdicts(chosen)))
    return judgements


def _add_verdicts(pulls: Sequence[PullRecord]) -> dict[str, Verdict]:
    verdicts: dict[str, Verdict] = {}
    for check in (check for pull in pulls for check in pull.checks):
        key = check["key"]
        if key not in verdicts:
            verdicts[key] = Verdict(key, check["rule"], check.get("column", ""), check["severity"], check["title"])
        verdicts[key].add(check)
    return verdicts
