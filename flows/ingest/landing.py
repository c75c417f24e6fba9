"""One resource pulled: read, mapped, judged, and landed whole or not at all."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.disk import describe_full_disk, is_disk_full
from flows.errors import (
    ConfigurationError,
    ContractBroken,
    FivestarError,
    QualityGate,
    SourceUnavailable,
)
from flows.house import House, Progress
from flows.ingest.connect.connector import Connector, Delivery, RecordsChanged
from flows.ingest.connect.connectors import open_connector
from flows.ingest.connect.rest import Timing
from flows.ingest.coverage import BEGINNING, find_mark, was_given
from flows.ingest.describe.records import Window
from flows.ingest.describe.row_rules import Band
from flows.ingest.describe.rules import MonthCount, TableRules
from flows.ingest.describe.source import FilesSource, Resource, Source
from flows.ingest.judging.gates import MONTHS_COMPARED, judge_pull
from flows.ingest.judging.judge import Judge
from flows.ingest.judging.mapping import Mapper
from flows.ingest.judging.predicates import Bands
from flows.ingest.judging.references import read_bands, read_known_types, read_references
from flows.ingest.places import Places
from flows.ingest.rejected.refused import KeptIfRefused, drop_refused
from flows.ingest.reports import ResourcePull
from flows.lake import Manifest, StagedBatch
from flows.ledger.pulls import PullStatus
from flows.locks import share_file
from flows.month import Month, city_day, find_last_closed_month

READINGS_MAX = 3
"""How often a list is read from its start that changes while it is read."""

_STATUSES: Mapping[type[FivestarError], PullStatus] = {
    SourceUnavailable: "unavailable",
    QualityGate: "refused",
    ContractBroken: "broken",
    ConfigurationError: "broken",
}


class ResourcePuller:
    """One pull of one resource; without a `window` it goes on from the resource's mark until `now`."""

    def __init__(
        self,
        *,
        house: House,
        source: Source,
        name: str,
        resource: Resource,
        rules: TableRules,
        window: Window | None,
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
        self._mark: datetime | None = None
        self._window = self._choose_window(window)
        self._started = timing.clock()
        self._judge: Judge | None = None
        self._changing: set[str] = set()

    def skip(self) -> ResourcePull:
        """Record that the resource wasn't asked for, so that the month doesn't count it as pulled."""
        pull_id = self._begin()
        outcome = ResourcePull(self._resource_name, self._resource.table, "skipped", self._window)
        self._finish(pull_id, outcome, "skipped, for an earlier resource of the source failed", [])
        return outcome

    def run(self, bands: Bands | None, progress: Progress) -> ResourcePull:
        """Pull the resource; whatever it ends with is recorded."""
        pull_id = self._begin()
        for reading in range(1, READINGS_MAX + 1):
            try:
                return self._read_and_land(pull_id, bands, progress)
            except RecordsChanged as error:
                if reading == READINGS_MAX:
                    return self._fail(pull_id, error)
                if error.slot is not None:
                    self._changing.add(error.slot)
            except FivestarError as error:
                return self._fail(pull_id, error)
            except OSError as error:
                return self._fail(pull_id, self._explain(error))
        raise AssertionError("the last reading returns")

    def _read_and_land(self, pull_id: int, bands: Bands | None, progress: Progress) -> ResourcePull:
        with ExitStack() as stack:
            if bands is None:
                bands = self._read_bands()
            connector = stack.enter_context(
                open_connector(self._source, self._resource_name, self._resource, self._timing)
            )
            connector.mark = self._mark
            known_types = read_known_types(self._house, self._source.platform, self._resource_name, self._resource)
            mapper = Mapper(self._source, self._resource, self._name, known_types)
            judge = Judge(mapper, self._rules, read_references(self._house, self._now, bands), self._name)
            judge.facts.asked_until_at = self._window[1].replace(tzinfo=None)
            self._judge = judge
            staged = self._fill_batches(stack, connector, judge, progress)
            batches = [batch for batch, _ in staged]
            stack.enter_context(KeptIfRefused(self._house, batches, pull_id, self._window, self._now))
            if connector.left and not staged:
                raise self._describe_left(connector)
            warnings = [*connector.warnings, *mapper.finish(), *judge.finish()]
            judge.facts.earlier_counts = self._find_earlier_counts()
            judge.facts.newest_known_at = self._find_newest_known()
            warnings += judge_pull(self._rules, judge.facts, self._window, judge.reason_counts, self._name)
            if self._is_folder and not staged:
                warnings.append(f"{self._name}: no file matches its pattern.")
            contract = mapper.describe_contract()
            stack.enter_context(share_file(self._house.landing_lock))
            manifests = [self._commit(batch, it, contract) for batch, it in staged if batch.received_count]
            fresh = self._choose_landings(manifests, warnings)
            error = self._describe_left(connector) if connector.left else None
            outcome = self._describe(
                "complete" if error is None else "partial", warnings=warnings, manifests=manifests, error=error
            )
            self._finish(pull_id, outcome, str(error or ""), fresh)
            if error is None:
                drop_refused(self._house, self._source.platform, self._resource_name)
            return outcome

    def _fail(self, pull_id: int, error: FivestarError) -> ResourcePull:
        outcome = self._describe(_find_status(error), error=error)
        self._finish(pull_id, outcome, str(error), [])
        return outcome

    def _explain(self, error: OSError) -> ConfigurationError:
        if is_disk_full(error):
            return describe_full_disk(error, self._house.lake.root)
        return ConfigurationError(
            f"{self._name}: the lake cannot be written ({error.strerror or type(error).__name__}). Mend rights, "
            "then pull again."
        )

    def _choose_window(self, window: Window | None) -> Window:
        if not self._resource.narrows:
            return BEGINNING, self._now
        if window is not None:
            return window[0], min(window[1], self._now)
        pulls = self._house.ledger.list_pulls(self._source.platform, self._resource_name, with_findings=False)
        mark = find_mark(pulls, dates_rows=self._resource.canonical.has_updated_at)
        self._mark = mark if mark is not None and was_given(pulls, mark) else None
        return mark or find_last_closed_month(self._now).starts_at, self._now

    def _fill_batches(
        self, stack: ExitStack, connector: Connector, judge: Judge, progress: Progress
    ) -> list[tuple[StagedBatch, Delivery]]:
        staged = []
        deliveries = connector.list_deliveries(self._window)
        if self._is_folder:
            deliveries = iter(self._read_places().drop_copies(list(deliveries), connector.warnings.append))
        for delivery in deliveries:
            if delivery.slot in self._changing:
                connector.left.append(f"{delivery.slot} is still growing")
                continue
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

    def _describe_left(self, connector: Connector) -> SourceUnavailable:
        return SourceUnavailable(f"{self._name}: left for the next pull: {'; '.join(connector.left)}. Pull again.")

    def _commit(self, batch: StagedBatch, delivery: Delivery, contract: Mapping[str, Any]) -> Manifest:
        return batch.commit(
            window=self._window,
            request=delivery.request,
            contract=contract,
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
        for pull in self._house.ledger.list_pulls(self._source.platform, self._resource_name, with_findings=False):
            earlier = Month.of(city_day(pull.window_from_at))
            # One that goes on for months, as `--since` does, counts more than its first.
            ends = earlier.ends_at <= pull.window_to_at < earlier.plus(1).ends_at
            is_whole = pull.window_from_at == earlier.starts_at and ends
            if pull.status == "complete" and is_whole:
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
            checks=self._judge.describe_checks() if self._judge else (),
            newest_at=self._find_newest(),
        )

    def _find_newest_known(self) -> datetime | None:
        newest_at = self._house.ledger.find_newest_at(self._source.platform, self._resource_name, self._window[1])
        return None if newest_at is None else newest_at.replace(tzinfo=None)

    def _find_newest(self) -> datetime | None:
        newest = self._judge.facts.newest_received_at if self._judge else None
        return None if newest is None else newest.replace(tzinfo=UTC)

    def _describe(
        self,
        status: PullStatus,
        *,
        warnings: Sequence[str] = (),
        manifests: Sequence[Manifest] = (),
        error: FivestarError | None = None,
    ) -> ResourcePull:
        judge = self._judge
        return ResourcePull(
            resource=self._resource_name,
            table=self._resource.table,
            status=status,
            window=self._window,
            received_count=judge.facts.received_count if judge else 0,
            landed_count=sum(manifest.landed_count for manifest in manifests),
            rejected_count=judge.facts.rejected_count if judge else 0,
            reason_counts=dict(judge.reason_counts) if judge else {},
            warnings=warnings,
            batch_ids=[manifest.batch_id for manifest in manifests],
            error=error,
        )


def _find_status(error: FivestarError) -> PullStatus:
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), "broken")
