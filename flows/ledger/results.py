"""Results in the ledger: a month's revisions and their rows, written once and never changed."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
from sqlalchemy import Engine, String, Table, insert, select
from sqlalchemy.engine import Connection

from flows.ledger.archive import insert_changes, insert_policy
from flows.ledger.columns import ByCodePoint
from flows.ledger.tables import (
    award_lines,
    grade_proposals,
    indicator_results,
    pay_lines,
    rating_results,
    revisions,
    star_results,
)
from flows.ledger.traces import ROWS_AT_ONCE, TraceReader
from flows.results import (
    FIRST_REVISION,
    AwardLine,
    Community,
    Figures,
    IndicatorRow,
    Inputs,
    Lineage,
    MonthResult,
    PayLine,
    Proposal,
    RatingRow,
    StarRow,
)

_DECIDED_FIELDS = [name for name in Proposal.__dataclass_fields__ if name != "trace"]


@dataclass(frozen=True)
class RevisionRecord:
    """One revision of a month: what it was judged from, and the digest of each of its files."""

    month: str
    revision: int
    effective_on: date
    cutoff_at: datetime
    inputs: Mapping[str, Any]
    input_digest: str
    digests: Mapping[str, str]
    notices: Sequence[str]
    alarms: Sequence[str]
    software_version: str
    created_at: datetime
    code_fingerprint: str
    compared_with: int | None
    """The revision with which `changes.csv` compares, if there is an earlier one."""
    amends: int | None
    """The published revision that this one proposes to amend; nothing while the month is not locked."""
    missing_workers: Sequence[Mapping[str, Any]] | None = None
    """Workers whom the roster lacked, as `MissingWorker` has them; empty where an older version kept none."""


def digest_inputs(inputs: Inputs) -> str:
    """The SHA-256 of what a month was judged from.

    Batches count in the order in which each resource landed; sources land side by side, so the order between them is
    chance. The evidence behind a source's presence is told, not hashed.
    """
    content = {
        **_list_data(describe_inputs(inputs)),
        "policy_fingerprint": inputs.policy_fingerprint,
        "earlier_revision": inputs.earlier_revision,
    }
    return _digest(content)


def digest_data(described: Mapping[str, Any]) -> str:
    """The SHA-256 of the data among a revision's inputs, as `describe_inputs` gives them: no policy."""
    return _digest(_list_data(described))


def describe_inputs(inputs: Inputs) -> dict[str, Any]:
    """What a month was judged from, as plain values for the ledger and `run.json`."""
    sources = [{**asdict(source), "present": source.present} for source in inputs.sources]
    return {**asdict(inputs), "sources": sources}


def digest_proposal(proposal: Proposal, pay_lines: Iterable[PayLine]) -> str:
    """The SHA-256 of what a reviewer decides on, the worker's pay included: a decision holds for exactly this."""
    content = {name: getattr(proposal, name) for name in _DECIDED_FIELDS}
    content["pay"] = {line.basis: line.total_fen for line in pay_lines}
    return _digest(content)


def group_pay_lines(pay_lines: Iterable[PayLine]) -> Mapping[str, list[PayLine]]:
    """The pay lines of each worker; none for one who has no line."""
    lines: defaultdict[str, list[PayLine]] = defaultdict(list)
    for line in pay_lines:
        lines[line.staff_id].append(line)
    return lines


@dataclass(frozen=True)
class Making:
    """How a revision came to be: by which program, under which policy files, when, and from which earlier one."""

    software_version: str
    code_fingerprint: str
    policy_files: Mapping[str, str]
    created_at: datetime
    lineage: Lineage = FIRST_REVISION


def _list_data(described: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "batch_ids": sorted(described["batch_ids"], key=lambda batch_id: batch_id.rpartition("-")[0]),
        "sources": {source["platform"]: source["present"] for source in described["sources"]},
        "register_digest": described["register_digest"],
    }


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


class ResultLedger:
    """Revisions of months and their rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(
        self,
        result: MonthResult,
        revision: int,
        *,
        digests: Mapping[str, str],
        making: Making,
        seal: Callable[[RevisionRecord], None] = lambda _: None,
    ) -> RevisionRecord:
        """The revision as written, with all its rows, its policy and what it changed, in one transaction.

        `seal` puts the revision's files in place as the last act before the commit: what the ledger has, has files.
        """
        key: dict[str, Any] = {"month": str(result.month), "revision": revision}
        names = {community.community_code: asdict(community) for community in result.communities}
        head = {
            **key,
            "effective_on": result.effective_on,
            "cutoff_at": result.cutoff_at,
            "inputs": describe_inputs(result.inputs),
            "input_digest": digest_inputs(result.inputs),
            "digests": dict(digests),
            "notices": list(result.notices),
            "alarms": list(result.alarms),
            "software_version": making.software_version,
            "created_at": making.created_at,
            "code_fingerprint": making.code_fingerprint,
            "compared_with": making.lineage.compared_with,
            "amends": making.lineage.amends,
            "missing_workers": [asdict(worker) for worker in result.missing_workers],
        }
        with self._engine.begin() as connection:
            insert_policy(
                connection, result.inputs.policy_fingerprint, making.policy_files, archived_at=making.created_at
            )
            connection.execute(insert(revisions).values(head))
            insert_changes(connection, key["month"], revision, making.lineage.changes)
            _insert_rows(connection, indicator_results, key, [_plain(asdict(row)) for row in result.indicators])
            _insert_rows(connection, star_results, key, [_plain(asdict(row)) for row in result.stars])
            ratings = [{**names[row.community_code], **_plain(asdict(row))} for row in result.ratings]
            _insert_rows(connection, rating_results, key, ratings)
            pay = group_pay_lines(result.pay_lines)
            proposals = [
                {**_plain(asdict(row)), "digest": digest_proposal(row, pay[row.staff_id])} for row in result.proposals
            ]
            _insert_rows(connection, grade_proposals, key, proposals)
            _insert_rows(connection, pay_lines, key, [asdict(row) for row in result.pay_lines])
            _insert_rows(connection, award_lines, key, [asdict(row) for row in result.awards])
            query = select(revisions).where(revisions.c.month == str(result.month), revisions.c.revision == revision)
            record = RevisionRecord(**connection.execute(query).mappings().one())
            seal(record)
            return record

    def find_latest(self, month: str) -> RevisionRecord | None:
        """The month's newest revision, if it has been judged."""
        query = select(revisions).where(revisions.c.month == month).order_by(revisions.c.revision.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else RevisionRecord(**row)

    def find_revision(self, month: str, revision: int) -> RevisionRecord | None:
        """That revision of the month, if there is one."""
        query = select(revisions).where(revisions.c.month == month, revisions.c.revision == revision)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else RevisionRecord(**row)

    def list_revisions(self, month: str) -> list[RevisionRecord]:
        """The month's revisions, the oldest first."""
        query = select(revisions).where(revisions.c.month == month).order_by(revisions.c.revision)
        with self._engine.connect() as connection:
            return [RevisionRecord(**row) for row in connection.execute(query).mappings()]

    def read_figures(self, month: str, revision: int) -> Figures:
        """The rows of the revision's figure files."""
        return Figures(
            indicators=self.list_indicators(month, revision),
            stars=self.list_stars(month, revision),
            ratings=self.list_ratings(month, revision),
            proposals=self.list_proposals(month, revision),
            pay_lines=self.list_pay_lines(month, revision),
            awards=self.list_awards(month, revision),
        )

    def list_months(self) -> list[str]:
        """The months that have been judged, in their order."""
        query = select(revisions.c.month).distinct().order_by(revisions.c.month)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def list_communities(self, month: str, revision: int) -> list[Community]:
        """The communities judged, with their names as they were then."""
        names = Community.__dataclass_fields__
        rows = self._select(rating_results, month, revision)
        return [Community(*(getattr(row, name) for name in names)) for row in rows]

    def list_indicators(self, month: str, revision: int) -> list[IndicatorRow]:
        """The revision's indicators, their values exact."""
        return [
            IndicatorRow(
                row.community_code,
                row.star,
                row.indicator,
                row.numerator,
                row.denominator,
                None if row.value is None else Fraction(row.value),
                None if row.score is None else Fraction(row.score),
                row.state,
                row.window_months,
            )
            for row in self._select(indicator_results, month, revision)
        ]

    def list_stars(self, month: str, revision: int) -> list[StarRow]:
        """The revision's stars."""
        return [
            StarRow(row.community_code, row.star, _decimal(row.score), row.state, tuple(row.reasons))
            for row in self._select(star_results, month, revision)
        ]

    def list_ratings(self, month: str, revision: int) -> list[RatingRow]:
        """The revision's ratings."""
        return [
            RatingRow(
                row.community_code, row.district_code, row.stars, _decimal(row.total_score), row.complete, row.rank
            )
            for row in self._select(rating_results, month, revision)
        ]

    def list_proposals(self, month: str, revision: int, *, with_traces: bool = True) -> list[Proposal]:
        """The revision's proposals, each with its trace or, which is much faster, without."""
        return list(self.iterate_proposals(month, revision, with_traces=with_traces))

    def iterate_proposals(self, month: str, revision: int, *, with_traces: bool = True) -> Iterator[Proposal]:
        """The revision's proposals, one after the other: a city's traces are the largest part of a month."""
        names = Proposal.__dataclass_fields__ if with_traces else _DECIDED_FIELDS
        query = select(*(grade_proposals.c[name] for name in names)).where(
            grade_proposals.c.month == month, grade_proposals.c.revision == revision
        )
        traces = TraceReader()
        with self._engine.connect().execution_options(yield_per=ROWS_AT_ONCE) as connection:
            for row in connection.execute(query.order_by(ByCodePoint(grade_proposals.c.staff_id))).mappings():
                read = {"reasons": tuple(row["reasons"]), "trace": traces.read(row.get("trace", ()))}
                yield Proposal(**{**row, **read})

    def list_pay_lines(self, month: str, revision: int) -> list[PayLine]:
        """The revision's pay lines; none if the base is not set."""
        names = PayLine.__dataclass_fields__
        return [PayLine(*(getattr(row, name) for name in names)) for row in self._select(pay_lines, month, revision)]

    def list_awards(self, month: str, revision: int) -> list[AwardLine]:
        """The revision's lines of work funds."""
        return [
            AwardLine(row.pay_year, row.community_code, row.stars, row.minimum_fen, row.maximum_fen, row.amount_fen)
            for row in self._select(award_lines, month, revision)
        ]

    def _select(self, table: Table, month: str, revision: int) -> list[Any]:
        query = select(table).where(table.c.month == month, table.c.revision == revision)
        key = [ByCodePoint(it) if isinstance(it.type, String) else it for it in table.primary_key.columns]
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(*key)))


def _insert_rows(connection: Connection, table: Table, key: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), [{**key, **row} for row in rows])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value)
        if isinstance(value, Fraction | Decimal)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in row.items()
    }


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
