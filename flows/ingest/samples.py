"""The first page of a resource: asked for, mapped and judged as a pull would, and then let go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pyarrow as pa

from flows.errors import FivestarError
from flows.ingest.connect.connector import Connector
from flows.ingest.connect.connectors import open_connector
from flows.ingest.connect.rest import Timing
from flows.ingest.coverage import BEGINNING
from flows.ingest.describe.masking import mask_value
from flows.ingest.describe.records import Record, Window
from flows.ingest.describe.row_rules import KnownCommunity, KnownGrid, OwnGrid
from flows.ingest.describe.rules import TableRules
from flows.ingest.describe.source import FilesSource, Resource, Source
from flows.ingest.judging.drift import KnownTypes
from flows.ingest.judging.judge import Judge
from flows.ingest.judging.mapping import Mapper
from flows.ingest.judging.predicates import References
from flows.month import Month, city_day, find_last_closed_month

DAY = timedelta(days=1)


@dataclass(frozen=True)
class MaskedColumn:
    """A column of the first record: the value's shape, the field that it comes from, and why it has none, if so."""

    name: str
    shape: str
    field: str
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class Sample:
    """What the first page holds.

    `asked` is the stretch of time in words, `files` are all that match, `left` those that are not ready; `error` is
    why a pull would refuse the page.
    """

    asked: str
    files: Sequence[str]
    left: Sequence[str]
    warnings: Sequence[str]
    record_count: int = 0
    rejected_count: int = 0
    first: Sequence[MaskedColumn] = ()
    reason_counts: Mapping[str, int] = field(default_factory=dict)
    warned_counts: Mapping[str, int] = field(default_factory=dict)
    error: FivestarError | None = None
    clock_ahead: timedelta | None = None


@dataclass(frozen=True)
class Standard:
    """What the page is judged by; without a register nothing is judged by it.

    `newest_at` is the newest instant that the resource ever gave.
    """

    rules: TableRules
    references: References
    known_types: KnownTypes
    newest_at: datetime | None = None


def take_sample(
    source: Source, name: str, resource: Resource, standard: Standard, *, now: datetime, timing: Timing
) -> Sample:
    """The first page that the resource gives for the last day, else the last closed month, else its newest one.

    Of files it is the beginning of the last by name. Raises what the connector does.
    """
    with open_connector(source, name, resource, timing) as connector:
        asked = ""
        for words, window in _list_windows(resource, now, standard.newest_at):
            asked = f"{asked} nor {words}" if asked else words
            files, page = _read_first(connector, window, is_folder=isinstance(source, FilesSource))
            told = Sample(
                words if page is not None else asked,
                files,
                list(connector.left),
                connector.warnings,
                clock_ahead=connector.clock_ahead,
            )
            if page is not None:
                return _judge(source, name, resource, standard, page=page, told=told)
            connector.left.clear()
        return told


def _list_windows(resource: Resource, now: datetime, newest_at: datetime | None) -> list[tuple[str, Window]]:
    if not resource.narrows:
        return [("", (BEGINNING, now))]
    months = [find_last_closed_month(now)]
    if newest_at is not None and Month.of(city_day(newest_at)) < months[0]:
        months.append(Month.of(city_day(newest_at)))
    return [("the last 24 hours", (now - DAY, now)), *((str(it), (it.starts_at, it.ends_at)) for it in months)]


def _read_first(connector: Connector, window: Window, *, is_folder: bool) -> tuple[list[str], list[Record] | None]:
    """The names of the files, if it is a folder, and the first page that holds a record."""
    deliveries = list(connector.list_deliveries(window))
    for delivery in deliveries[-1:]:
        for page in delivery.pages:
            if page:
                return [it.slot for it in deliveries if is_folder], page
    return [it.slot for it in deliveries if is_folder], None


class _LetGo:
    """Takes judged rows and keeps none."""

    def add(self, rows: pa.Table, rejected: pa.Table) -> None: ...


def _judge(
    source: Source, name: str, resource: Resource, standard: Standard, *, page: Sequence[Record], told: Sample
) -> Sample:
    """What was `told` so far, and what would become of the page."""
    label = f"{source.platform}, {name}"
    rules = standard.rules
    if not standard.references.communities:
        judging = [it for it in rules.rules if not isinstance(it, KnownCommunity | KnownGrid | OwnGrid)]
        rules = rules.model_copy(update={"rules": judging})
    mapper = Mapper(source, resource, label, standard.known_types)
    judge = Judge(mapper, rules, standard.references, label)
    error: FivestarError | None = None
    try:
        for _ in judge.fill_batch(_LetGo(), [page]):
            pass
    except FivestarError as refusal:
        error = refusal
    warned: dict[str, int] = {}
    for check in judge.describe_checks():
        if check["severity"] != "reject" and check["breach_count"]:
            warned[check["reason"]] = warned.get(check["reason"], 0) + check["breach_count"]
    return replace(
        told,
        warnings=[*told.warnings, *([] if error is not None else mapper.finish())],
        record_count=len(page),
        rejected_count=judge.facts.rejected_count,
        first=_mask_first(source, name, resource, page[0]),
        reason_counts=judge.reason_counts,
        warned_counts=warned,
        error=error,
    )


def _mask_first(source: Source, name: str, resource: Resource, record: Record) -> list[MaskedColumn]:
    """The first record's columns as a pull would map it, whatever the contract."""
    lenient = resource.model_copy(update={"contract": "evolve"})
    mapped = Mapper(source, lenient, f"{source.platform}, {name}").map_records([record], 0)
    [row] = mapped.rows.to_pylist()
    causes: dict[str, list[str]] = {}
    for reason in mapped.reasons:
        cause, _, column = reason.partition(":")
        causes.setdefault(column, []).append(cause)
    return [
        MaskedColumn(
            column.name,
            mask_value(row[column.name]),
            resource.fields.get(column.name, ""),
            causes.get(column.name, ()),
        )
        for column in resource.canonical.columns
    ]
