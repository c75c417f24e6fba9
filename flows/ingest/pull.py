"""One pull of one source: its resources in turn, each landed whole or not at all."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.errors import (
    ConfigurationError,
    ContractBroken,
    FivestarError,
    QualityGate,
    SourceUnavailable,
)
from flows.house import House, Progress, ignore_progress
from flows.ingest.connect.files import find_files, read_records
from flows.ingest.connect.paging import Pager
from flows.ingest.connect.rest import RestClient, Timing
from flows.ingest.describe.rules import Band, MonthCount, TableRules, load_rules
from flows.ingest.describe.source import FileResource, FilesSource, RestResource, Source, list_resources
from flows.ingest.judging.gates import MONTHS_COMPARED, judge_pull
from flows.ingest.judging.judge import Judge, Record
from flows.ingest.judging.mapping import Mapper
from flows.ingest.judging.predicates import Bands
from flows.ingest.judging.references import read_bands, read_references
from flows.ingest.places import Places
from flows.ingest.reports import PullReport, ResourcePull, Window
from flows.lake import Manifest, StagedBatch
from flows.ledger.repository import PullStatus
from flows.month import Month, city_day
from flows.schema import REFERENCE_TABLES

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""From when on a folder of files is read: all of it, always."""

_STATUSES: Mapping[type[FivestarError], PullStatus] = {
    SourceUnavailable: "unavailable",
    QualityGate: "refused",
    ContractBroken: "broken",
    ConfigurationError: "broken",
}


@dataclass(frozen=True)
class _Delivery:
    """What becomes one batch: a file, or the platform's answer for a window."""

    slot: str
    request: Mapping[str, Any]
    pages: Iterable[list[Record]]


def pull_source(
    house: House,
    source: Source,
    *,
    window: Window,
    now: datetime,
    tables: Collection[str] | None = None,
    progress: Progress = ignore_progress,
    bands: Bands | None = None,
    timing: Timing | None = None,
) -> PullReport:
    """Pull, judge and land what `source` holds for `window`, all of it or only `tables`; registers first.

    Errors stand in the report and in the ledger, they are not raised. After an unreachable platform, refused
    credentials, a `stop` rule or a broken register the remaining resources are skipped: they would fare no better.
    A `${NAME}` that isn't set is told before anything is asked: it is no pull, and what was landed stays good.
    `bands` are the policy's unless given.
    """
    try:
        source.check_placeholders()
    except ConfigurationError as error:
        return PullReport(source.platform, window, (), refusal=error)
    rules = load_rules(house.settings.config / "quality")
    pulls: list[ResourcePull] = []
    halted = False
    for name, resource in list_resources(source):
        if tables is not None and resource.table not in tables:
            continue
        pull = _ResourcePuller(
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
    return PullReport(source.platform, window, pulls)


class _ResourcePuller:
    def __init__(
        self,
        *,
        house: House,
        source: Source,
        name: str,
        resource: RestResource | FileResource,
        rules: TableRules,
        window: Window,
        now: datetime,
        timing: Timing,
    ) -> None:
        self._house = house
        self._source = source
        self._resource_name = name
        self._resource = resource
        self._rules = rules
        self._now = now
        self._timing = timing
        self._name = f"{source.platform}, {name}"
        self._is_folder = isinstance(source, FilesSource)
        self._window = (BEGINNING, now) if self._is_folder else (window[0], min(window[1], now))
        self._started = timing.clock()
        self._file_warnings: list[str] = []

    def skip(self) -> ResourcePull:
        """Record that the resource wasn't asked for, so that the month doesn't count it as pulled."""
        pull_id = self._begin()
        outcome = ResourcePull(self._resource_name, self._resource.table, "skipped")
        self._finish(pull_id, outcome, "skipped, for an earlier resource of the source failed", [])
        return outcome

    def run(self, bands: Bands | None, progress: Progress) -> ResourcePull:
        """Pull the resource; whatever it ends with is recorded."""
        pull_id = self._begin()
        judge: Judge | None = None
        with ExitStack() as stack:
            try:
                if bands is None:
                    bands = self._read_bands()
                mapper = Mapper(self._source, self._resource, self._name)
                references = read_references(self._house, self._now, bands)
                judge = Judge(mapper, self._rules, references, self._name)
                staged = self._fill_batches(stack, judge, progress)
                warnings = [*self._file_warnings, *mapper.finish(), *judge.finish()]
                judge.facts.earlier_counts = self._find_earlier_counts()
                warnings += judge_pull(self._rules, judge.facts, self._window, judge.reason_counts, self._name)
            except FivestarError as error:
                outcome = self._describe(_find_status(error), judge, error=error)
                self._finish(pull_id, outcome, str(error), [])
                return outcome
            if self._is_folder and not staged:
                warnings.append(f"{self._name}: no file matches its pattern.")
            manifests = [self._commit(batch, delivery) for batch, delivery in staged if batch.received_count]
            fresh = self._choose_landings(manifests, warnings)
            outcome = self._describe("complete", judge, warnings=warnings, manifests=manifests)
            self._finish(pull_id, outcome, "", fresh)
            return outcome

    def _fill_batches(
        self, stack: ExitStack, judge: Judge, progress: Progress
    ) -> list[tuple[StagedBatch, _Delivery]]:
        staged = []
        for delivery in self._list_deliveries(stack):
            batch = stack.enter_context(
                self._house.lake.stage(
                    self._resource.canonical,
                    platform=self._source.platform,
                    resource=self._resource_name,
                    slot=delivery.slot,
                )
            )
            for received_count in judge.fill_batch(batch, delivery.pages, delivery.slot if self._is_folder else ""):
                progress(self._name, received_count)
            staged.append((batch, delivery))
        if not staged:
            judge.facts.empty_count += 1
        return staged

    def _list_deliveries(self, stack: ExitStack) -> Iterator[_Delivery]:
        resource = self._resource
        if isinstance(resource, FileResource):
            assert isinstance(self._source, FilesSource)  # noqa: S101 -- the model pairs them
            found = find_files(self._source, resource)
            for file in self._read_places().drop_copies(found, self._file_warnings.append):
                request = {"file": file.name, "sha256": file.content_sha256}
                yield _Delivery(
                    file.name, request, read_records(file, resource, self._name, self._file_warnings.append)
                )
            return
        assert not isinstance(self._source, FilesSource)  # noqa: S101
        client = stack.enter_context(RestClient(self._source, self._timing))
        pager = Pager(client, self._source, resource, self._name)
        # What doesn't depend on the window is one thing, whichever window it is pulled for.
        slot = "/".join(map(_write_instant, self._window)) if resource.since else "all"
        # As configured, with placeholders: a manifest holds no secret.
        request = resource.request.model_dump() | {"pages": resource.pages.kind}
        yield _Delivery(slot, request, pager.fetch_pages(self._window))

    def _commit(self, batch: StagedBatch, delivery: _Delivery) -> Manifest:
        return batch.commit(
            window=self._window,
            request=delivery.request,
            contract={"kind": self._resource.contract, "fields": dict(self._resource.fields)},
            landed_at=self._now,
        )

    def _choose_landings(self, manifests: Sequence[Manifest], warnings: list[str]) -> list[Manifest]:
        """The batches that land, in their order; what a platform's slot holds already lands nothing new."""
        if self._is_folder:
            chosen, more = self._read_places().choose_landings(manifests)
            warnings += more
            return chosen
        latest_batch_id = self._house.ledger.latest_batch_id
        return [it for it in manifests if latest_batch_id(it.platform, it.resource, it.slot) != it.batch_id]

    def _read_places(self) -> Places:
        return Places(
            self._house,
            platform=self._source.platform,
            resource=self._resource_name,
            table=self._resource.table,
            name=self._name,
        )

    def _find_earlier_counts(self) -> list[int] | None:
        """Rows landed by the latest complete pulls of the three months before, if this is the pull of a month."""
        if not any(isinstance(rule, MonthCount) and rule.column is None for rule in self._rules.pull_rules):
            return None
        month = Month.of(city_day(self._window[0]))
        if self._window[0] != month.starts_at or self._window[1] < month.ends_at:
            return None
        counts: dict[Month, int] = {}
        for pull in self._house.ledger.list_pulls(self._source.platform):
            earlier = Month.of(city_day(pull.window_from_at))
            is_whole = pull.window_from_at == earlier.starts_at and pull.window_to_at >= earlier.ends_at
            if pull.resource == self._resource_name and pull.status == "complete" and is_whole:
                counts[earlier] = pull.landed_count
        wanted = [month.plus(-back) for back in range(1, MONTHS_COMPARED + 1)]
        return [counts[earlier] for earlier in wanted if earlier in counts]

    def _read_bands(self) -> Bands:
        judges_bands = any(isinstance(rule, Band) for rule in self._rules.row_rules)
        return read_bands(self._house.settings.config, self._now) if judges_bands else {}

    def _begin(self) -> int:
        return self._house.ledger.begin_pull(
            platform=self._source.platform,
            resource=self._resource_name,
            table=self._resource.table,
            window=self._window,
            started_at=self._now,
        )

    def _finish(self, pull_id: int, outcome: ResourcePull, message: str, manifests: Sequence[Manifest]) -> None:
        self._house.ledger.finish_pull(
            pull_id,
            status=outcome.status,
            message=message,
            received_count=outcome.received_count,
            landed_count=outcome.landed_count,
            rejected_count=outcome.rejected_count,
            finished_at=self._now + timedelta(seconds=self._timing.clock() - self._started),
            manifests=manifests,
            reason_counts=outcome.reason_counts,
            warnings=outcome.warnings,
        )

    def _describe(
        self,
        status: PullStatus,
        judge: Judge | None,
        *,
        warnings: Sequence[str] = (),
        manifests: Sequence[Manifest] = (),
        error: FivestarError | None = None,
    ) -> ResourcePull:
        return ResourcePull(
            resource=self._resource_name,
            table=self._resource.table,
            status=status,
            received_count=judge.facts.received_count if judge else 0,
            landed_count=sum(manifest.landed_count for manifest in manifests),
            rejected_count=judge.facts.rejected_count if judge else 0,
            reason_counts=dict(judge.reason_counts) if judge else {},
            warnings=warnings,
            batch_ids=[manifest.batch_id for manifest in manifests],
            error=error,
        )


def _write_instant(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _find_status(error: FivestarError) -> PullStatus:
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), "broken")


def _halts(outcome: ResourcePull) -> bool:
    """Whether what happened to one resource makes asking for the next ones useless."""
    if outcome.error is None:
        return False
    return outcome.table in REFERENCE_TABLES or not isinstance(outcome.error, ContractBroken)
