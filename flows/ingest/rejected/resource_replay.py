"""The rejected rows of one resource judged again, and those landed that pass and that nothing superseded."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress

import pyarrow as pa

from flows.errors import ContractBroken, FivestarError, SourceUnavailable
from flows.house import Clock, House, Progress
from flows.ingest.coverage import BEGINNING
from flows.ingest.describe.rules import TableRules
from flows.ingest.describe.source import Resource, Source
from flows.ingest.judging.predicates import Bands
from flows.ingest.judging.raw import read_raw
from flows.ingest.judging.references import read_known_types, read_references
from flows.ingest.judging.rejudge import LenientMapper, Verdict, judge_again, reject_repeated
from flows.ingest.rejected.quarantine import QuarantinedBatch, list_batches, read_batch
from flows.ingest.rejected.standing import Key, Standing, Version, list_keys, list_versions, write_replay_slot
from flows.lake import PART_ROWS_MAX, QUARANTINE_SCHEMA, Manifest
from flows.locks import share_file

ATTEMPTS_MAX = 3
"""How often rows are judged anew because something landed meanwhile."""


@dataclass(frozen=True)
class BatchReplay:
    """What became of one batch's rejected rows, by their record's number.

    `stays` holds today's reasons of those that are rejected still; `problem` is why none could be judged.
    `touches_from` is the earliest month (YYYY-MM) in which a landed row, or the one that it takes the place of,
    counts.
    """

    batch: QuarantinedBatch
    landed_nos: Sequence[int] = ()
    superseded_nos: Sequence[int] = ()
    stays: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    problem: FivestarError | None = None
    touches_from: str | None = None


class ResourceReplay:
    """Rejected rows of one resource judged again; `warnings` tell what is odd about them."""

    def __init__(
        self,
        *,
        house: House,
        source: Source,
        name: str,
        resource: Resource,
        rules: TableRules,
        bands: Bands,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self.warnings: list[str] = []
        self._house = house
        self._source = source
        self._resource_name = name
        self._resource = resource
        self._table = resource.canonical
        self._rules = rules
        self._bands = bands
        self._clock = clock
        self._progress = progress
        self._name = f"{source.platform}, {name}"

    def run(self, batch_ids: Sequence[str], *, dry_run: bool) -> list[BatchReplay]:
        """What became of the batches; all are judged anew if a batch of their table lands meanwhile."""
        for _ in range(ATTEMPTS_MAX):
            standing = Standing(self._house.list_readable())
            batches = [it for it in list_batches(self._house, standing) if it.batch_id in batch_ids]
            mapper = self._make_mapper(batches)
            try:
                verdicts = self._judge(batches, mapper, standing)
            except ContractBroken as error:
                return [BatchReplay(batch, problem=error) for batch in batches]
            chosen = self._choose_rows(batches, verdicts, standing)
            if dry_run or self._land(chosen, mapper, standing):
                return [replay for replay, _ in chosen]
        raise SourceUnavailable(
            f"{self._name}: batches of {self._table.name} keep landing while rejected rows are judged again. "
            "None of them was replayed: try again when the pulls have ended."
        )

    def _make_mapper(self, batches: Sequence[QuarantinedBatch]) -> LenientMapper:
        platform, name, resource = self._source.platform, self._resource_name, self._resource
        known = read_known_types(self._house, platform, name, resource)
        new_columns = {
            column
            for column, path in resource.fields.items()
            if any(batch.fields.get(column) != path for batch in batches)
        }
        return LenientMapper(self._source, resource, self._name, known, new_columns)

    def _judge(self, batches: Sequence[QuarantinedBatch], mapper: LenientMapper, standing: Standing) -> list[Verdict]:
        now_known = read_references(self._house, self._clock(), self._bands)
        verdicts = []
        for batch in batches:
            name = f"{self._name}, {batch.batch_id}"
            records = {
                row.record_no: read_raw(row.raw) for row in read_batch(self._house, batch) if row.state == "open"
            }
            # A report in the future of its pull stays one, however long ago that was.
            references = replace(now_known, pulled_at=batch.landed_at)
            verdict = judge_again(mapper, self._rules, references, records, name)
            read_landed = partial(standing.read_delivery, self._house.lake, batch.batch_id)
            verdicts.append(reject_repeated(verdict, self._rules, references, read_landed, name))
            self._progress(self._name, sum(it.passed.num_rows + len(it.stays) for it in verdicts))
        mapper.refuse_unseen()
        self.warnings = [warning for verdict in verdicts for warning in verdict.warnings]
        return verdicts

    def _choose_rows(
        self, batches: Sequence[QuarantinedBatch], verdicts: Sequence[Verdict], standing: Standing
    ) -> list[tuple[BatchReplay, pa.Table]]:
        """Of each batch the rows to land: those behind which no row with their key stands."""
        passed = pa.concat_tables([verdict.passed for verdict in verdicts])
        others = standing.read_versions(self._house.lake, self._table, passed)
        chosen = []
        for batch, verdict in zip(batches, verdicts, strict=True):
            versions = list_versions(self._table, verdict.passed, standing.find_place(batch.batch_id))
            rows = list(zip(list_keys(self._table, verdict.passed), versions, strict=True))
            stands = [not any(version.yields_to(other) for other in others.get(key, ())) for key, version in rows]
            landing = list(compress(rows, stands))
            landed_nos = [version.record_no for _, version in landing]
            replay = BatchReplay(
                batch=batch,
                landed_nos=landed_nos,
                superseded_nos=sorted({version.record_no for version in versions} - set(landed_nos)),
                stays=verdict.stays,
                touches_from=_find_touched(landing, others),
            )
            chosen.append((replay, verdict.passed.filter(pa.array(stands, pa.bool_()))))
        return chosen

    def _land(
        self,
        chosen: Sequence[tuple[BatchReplay, pa.Table]],
        mapper: LenientMapper,
        standing: Standing,
    ) -> bool:
        """Land the chosen rows, all or none; False if a batch of the table landed since `standing` was read."""
        with ExitStack() as stack:
            stack.enter_context(share_file(self._house.landing_lock))
            manifests = [self._commit(stack, replay, rows, mapper) for replay, rows in chosen if rows.num_rows]
            if not manifests:
                return True
            # An empty stretch of time: a replay reads nothing of the source, so no mark and no presence rests on it.
            pull_id = self._house.ledger.begin_pull(
                platform=self._source.platform,
                resource=self._resource_name,
                table=self._table.name,
                window=(BEGINNING, BEGINNING),
                started_at=self._clock(),
            )
            landed_count = sum(manifest.landed_count for manifest in manifests)
            rejected_count = sum(len(replay.stays) for replay, _ in chosen)
            has_landed = self._house.ledger.finish_pull(
                pull_id,
                status="replayed",
                message="",
                received_count=landed_count + rejected_count,
                landed_count=landed_count,
                rejected_count=rejected_count,
                finished_at=self._clock(),
                manifests=manifests,
                only_after=standing.last_no,
            )
        if not has_landed:
            self._give_up(pull_id)
        return has_landed

    def _give_up(self, pull_id: int) -> None:
        self._house.ledger.finish_pull(
            pull_id,
            status="skipped",
            message="a batch of the table landed while rejected rows were judged again",
            received_count=0,
            landed_count=0,
            rejected_count=0,
            finished_at=self._clock(),
        )

    def _commit(self, stack: ExitStack, replay: BatchReplay, rows: pa.Table, mapper: LenientMapper) -> Manifest:
        batch = replay.batch
        staged = stack.enter_context(
            self._house.lake.stage(
                self._table,
                platform=batch.platform,
                resource=batch.resource,
                slot=write_replay_slot(batch.batch_id),
                origin=f"replay of {batch.batch_id}, counts from {replay.touches_from}",
            )
        )
        for start in range(0, rows.num_rows, PART_ROWS_MAX):
            staged.add(rows.slice(start, PART_ROWS_MAX), QUARANTINE_SCHEMA.empty_table())
        return staged.commit(
            window=batch.window,
            request={
                "replay_of": batch.batch_id,
                "record_nos": list(replay.landed_nos),
                "touches_from": replay.touches_from,
            },
            contract=mapper.describe_contract(),
            landed_at=self._clock(),
        )


def _find_touched(rows: Sequence[tuple[Key, Version]], others: Mapping[Key, Sequence[Version]]) -> str | None:
    """The earliest month that landing `rows` can change: theirs, and that of the row which held before.

    A row dated before the one that holds changes nothing.
    """
    months = []
    for key, version in rows:
        holding = max(others.get(key, ()), key=Version.rank, default=None)
        if holding is None or version.rank() > holding.rank():
            months += [version.month, holding.month if holding is not None else None]
    return min((month for month in months if month is not None), default=None)
