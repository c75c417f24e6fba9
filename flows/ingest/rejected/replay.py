"""Rejected rows judged again: by today's mapping, rules and registers, as of the pull that brought them.

What passes lands as a batch of its own beside the one that it was rejected from; the rest stays where it is. A row
that was superseded meanwhile is left out, so that a replay never overrides a newer row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.errors import ConfigurationError, FivestarError, UsageError
from flows.house import Clock, House, Progress, ignore_progress, record_step
from flows.ingest.describe.rules import load_rules
from flows.ingest.ingestion import read_sources
from flows.ingest.judging.predicates import Bands
from flows.ingest.judging.references import read_bands
from flows.ingest.rejected.quarantine import QuarantinedBatch, check_platform, list_batches
from flows.ingest.rejected.resource_replay import BatchReplay, ResourceReplay
from flows.ingest.rejected.stale import list_judged_months, list_stale_months
from flows.ingest.rejected.standing import Standing
from flows.schema import TABLES


@dataclass(frozen=True)
class ReplayReport:
    """What became of each batch, and which judged months (YYYY-MM) need a new revision, in their order."""

    batches: Sequence[BatchReplay]
    warnings: Sequence[str]
    stale_months: Sequence[str]

    @property
    def problems(self) -> list[FivestarError]:
        """Why batches could not be judged, each said once."""
        return list({str(it.problem): it.problem for it in self.batches if it.problem is not None}.values())


def replay_quarantine(
    house: House,
    clock: Clock,
    *,
    platform: str | None = None,
    table: str | None = None,
    batch_id: str | None = None,
    dry_run: bool = False,
    progress: Progress = ignore_progress,
    bands: Bands | None = None,
) -> ReplayReport:
    """Judge rejected rows again, of one source, table or batch if asked, and land those that pass; registers first.

    With `dry_run` nothing lands, and what a register's rows would let pass in other tables is not reckoned with.
    `bands` are the policy's unless given. Again is safe: what has landed is not replayed twice. Raises `UsageError`
    for a batch that holds no rejected row, `ConfigurationError` for a source that never was, `QualityGate` if the two
    judges disagree or the lake is damaged, `SourceUnavailable` if pulls of the table don't stop landing.
    """
    check_platform(house, platform)
    asked = {"platform": platform, "table": table, "batch_id": batch_id}
    groups = _group_batches(house, {name: value for name, value in asked.items() if value is not None})
    if bands is None:
        bands = read_bands(house.settings.config, clock())
    replay = _Replay(house, bands, clock, progress, dry_run=dry_run)
    if dry_run:
        replay.run(groups)
        first = min((it.touches_from for it in replay.done if it.touches_from is not None), default=None)
        stale = sorted({*list_stale_months(house), *list_judged_months(house, first)})
        return ReplayReport(replay.done, replay.warnings, stale)
    with record_step(house, "replay", clock, subject=platform) as counts:
        replay.run(groups)
        counts.update(
            landed=sum(len(it.landed_nos) for it in replay.done),
            superseded=sum(len(it.superseded_nos) for it in replay.done),
            stays=sum(len(it.stays) for it in replay.done),
        )
    return ReplayReport(replay.done, replay.warnings, list_stale_months(house))


def _group_batches(house: House, asked: Mapping[str, str]) -> list[list[QuarantinedBatch]]:
    """The batches asked for with rows that wait, by resource, registers first; within one in the order of landing."""
    found = list(list_batches(house, Standing(house.list_readable())))
    chosen = [batch for batch in found if all(getattr(batch, name) == value for name, value in asked.items())]
    if "batch_id" in asked and not chosen:
        raise UsageError(
            f"batch {asked['batch_id']!r} holds no rejected row that could be replayed. "
            "List them: fivestar quarantine list."
        )
    groups: dict[tuple[str, str], list[QuarantinedBatch]] = {}
    for batch in chosen:
        if batch.waiting_count:
            groups.setdefault((batch.platform, batch.resource), []).append(batch)
    order = list(TABLES)
    return sorted(groups.values(), key=lambda group: order.index(group[0].table))


class _Replay:
    """One run over all resources: what became of each batch, and what is odd about the rows."""

    def __init__(self, house: House, bands: Bands, clock: Clock, progress: Progress, *, dry_run: bool) -> None:
        self.done: list[BatchReplay] = []
        self.warnings: list[str] = []
        self._house = house
        self._bands = bands
        self._clock = clock
        self._progress = progress
        self._dry_run = dry_run

    def run(self, groups: Sequence[Sequence[QuarantinedBatch]]) -> None:
        """Replay the batches, those of one resource together."""
        if not groups:
            return
        config = self._house.settings.config
        sources = {source.platform: source for source in read_sources(self._house)}
        rules = load_rules(config / "quality")
        for group in groups:
            first = group[0]
            source = sources.get(first.platform)
            resource = source.resources.get(first.resource) if source is not None else None
            if source is None or resource is None or resource.table != first.table:
                self.done += [BatchReplay(batch, problem=_describe_lost(batch)) for batch in group]
                continue
            replay = ResourceReplay(
                house=self._house,
                source=source,
                name=first.resource,
                resource=resource,
                rules=rules[first.table],
                bands=self._bands,
                clock=self._clock,
                progress=self._progress,
            )
            self.done += replay.run([batch.batch_id for batch in group], dry_run=self._dry_run)
            self.warnings += replay.warnings


def _describe_lost(batch: QuarantinedBatch) -> ConfigurationError:
    return ConfigurationError(
        f"{batch.platform}, {batch.resource}: no file in config/platforms describes this resource of {batch.table} "
        "any more. Put it back, then replay again."
    )
