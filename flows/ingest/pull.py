"""One pull of one source: its resources in turn, each landed whole or not at all."""

from collections.abc import Collection
from datetime import datetime

from flows.errors import ConfigurationError, ContractBroken
from flows.house import House, Progress, ignore_progress
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.records import Window
from flows.ingest.describe.rules import load_rules
from flows.ingest.describe.source import Source, list_resources
from flows.ingest.judging.predicates import Bands
from flows.ingest.landing import ResourcePuller
from flows.ingest.reports import PullReport, ResourcePull
from flows.schema import REFERENCE_TABLES


def pull_source(
    house: House,
    source: Source,
    *,
    window: Window | None,
    now: datetime,
    tables: Collection[str] | None = None,
    narrowed_only: bool = False,
    progress: Progress = ignore_progress,
    bands: Bands | None = None,
    timing: Timing | None = None,
) -> PullReport:
    """Pull, judge and land what `source` holds for `window`, all of it or only `tables`; registers first.

    Without a window each resource goes on from its mark until `now`. `narrowed_only` leaves out the resources that
    give all they have whatever the window.

    Errors stand in the report and in the ledger, they are not raised. After an unreachable platform, refused
    credentials, a `stop` rule or a broken register the remaining resources are skipped: they would fare no better.
    A `${NAME}` that isn't set, or a table without rules, is told before anything is asked: it is no pull, and what
    was landed stays good.
    `bands` are the policy's unless given.
    """
    try:
        source.check_placeholders()
        rules = load_rules(house.settings.config / "quality", source.tables)
    except ConfigurationError as error:
        return PullReport(source.platform, (), refusal=error)
    pulls: list[ResourcePull] = []
    halted = False
    for name, resource in list_resources(source):
        if (tables is not None and resource.table not in tables) or (narrowed_only and not resource.narrows):
            continue
        pull = ResourcePuller(
            house=house,
            source=source,
            name=name,
            resource=resource,
            rules=rules[resource.table],
            window=window,
            now=now,
            timing=timing or Timing(),
        )
        outcome = pull.skip() if halted else pull.run(bands, progress)
        pulls.append(outcome)
        halted = halted or _halts(outcome)
    return PullReport(source.platform, pulls)


def _halts(outcome: ResourcePull) -> bool:
    """Whether what happened to one resource makes asking for the next ones useless."""
    if outcome.error is None or outcome.status == "partial":
        return False
    return outcome.table in REFERENCE_TABLES or not isinstance(outcome.error, ContractBroken)
