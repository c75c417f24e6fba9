"""A month's revisions: each is written once, with its files, its policy, and what it has other than an earlier one.

A month that is published is locked: the register holds what was approved, and a later revision is a proposal to amend
it, which a person must approve (policy §3.6; domain.md, "correct by a new record").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from flows.changes import list_changes
from flows.code import fingerprint_code
from flows.errors import FivestarError
from flows.house import Clock, House, read_lineage
from flows.ingest.datadocs.judgements import ResourceJudgement, collect_judgements
from flows.inputs import MonthInputs, judge_inputs, rebuild_inputs, take_policy
from flows.lake import TableView
from flows.ledger.results import Making, RevisionRecord, describe_inputs, digest_data, digest_inputs
from flows.month import Month
from flows.outputs import (
    ARREARS,
    REPORT,
    WORKBOOK,
    MonthFolder,
    digest_files,
    format_arrears,
    format_run,
    write_result_csvs,
)
from flows.report.page import write_report
from flows.result_files import CHANGES, format_changes
from flows.results import (
    FIRST_REVISION,
    Change,
    ChangeCause,
    Figures,
    Lineage,
    MonthResult,
    TableQuality,
    count_result,
)
from flows.review.payroll.files import format_payroll_files
from flows.review.workbook.book import write_workbook


@dataclass(frozen=True)
class Assessment:
    """A month judged and written: its revision, whether it is new, and where its files lie."""

    result: MonthResult
    record: RevisionRecord
    is_new: bool
    folder: Path


def write_revision(
    house: House, inputs: MonthInputs, result: MonthResult, view: TableView, clock: Clock
) -> Assessment:
    """The month's files in place; only if inputs or contents are new does the month get a new revision (policy §3.6).

    `result` was judged from `inputs`, and `view` is that of their landings.
    """
    month = str(result.month)
    folder = MonthFolder(house.settings.home, month)
    with house.hold_month(result.month, "evaluate", clock):
        latest = house.ledger.results.find_latest(month)
        if (
            latest is not None
            and latest.input_digest == digest_inputs(result.inputs)
            and _keep_revision(house, folder, result, latest)
        ):
            return Assessment(result, latest, is_new=False, folder=folder.path)
        lineage = FIRST_REVISION if latest is None else _trace_lineage(house, latest, inputs, result, view)
        revision = 1 if latest is None else latest.revision + 1
        with folder.stage() as staged:
            _write_files(house, staged.path, result, revision, lineage)
            record = house.ledger.results.save(
                result,
                revision,
                digests=digest_files(staged.path),
                making=Making(
                    software_version=version("fivestar"),
                    code_fingerprint=fingerprint_code(),
                    policy_files=inputs.policy.files,
                    created_at=clock(),
                    lineage=lineage,
                ),
                seal=lambda record: staged.seal(revision, format_run(record, count_result(result))),
            )
        return Assessment(result, record, is_new=True, folder=folder.path)


def collect_quality(house: House, month: Month) -> list[TableQuality]:
    """What validation found in the month's records, by source and table."""
    found: dict[tuple[str, str], list[ResourceJudgement]] = {}
    for judgement in collect_judgements(house, month):
        found.setdefault((judgement.platform, judgement.table), []).append(judgement)
    return [
        TableQuality(
            platform=platform,
            table=table,
            received_count=sum(it.received_count for it in judgements),
            landed_count=sum(it.landed_count for it in judgements),
            rejected_count=sum(it.rejected_count for it in judgements),
            reason_counts=_add_counts([it.reason_counts for it in judgements]),
        )
        for (platform, table), judgements in sorted(found.items())
    ]


def _trace_lineage(
    house: House, latest: RevisionRecord, inputs: MonthInputs, result: MonthResult, view: TableView
) -> Lineage:
    """What the new revision changes since the one before, and the published one that it proposes to amend."""
    published = house.ledger.register.find_published_revision(latest.month)
    return Lineage(latest.revision, published, _find_changes(house, latest, inputs, result, view))


def _find_changes(
    house: House, before: RevisionRecord, inputs: MonthInputs, result: MonthResult, view: TableView
) -> list[Change]:
    """Every cell that differs from the revision `before`, and why: by code, data or policy, in that order.

    Where several of them are new, the month is judged with one after the other, so that each cell's cause is found
    and not guessed.
    """
    stored = house.ledger.results.read_figures(before.month, before.revision)
    try:
        stages, causes = _judge_between(house, before, stored, inputs=inputs, result=result, view=view)
    except FivestarError:
        # What the old revision was judged from can't be had any more: the difference stands, its cause does not.
        stages, causes = [stored, result], ["undetermined"]
    return list_changes(stages, causes)


def _judge_between(
    house: House,
    before: RevisionRecord,
    stored: Figures,
    *,
    inputs: MonthInputs,
    result: MonthResult,
    view: TableView,
) -> tuple[list[Figures], list[ChangeCause]]:
    """The month's figures from the stored ones to the new ones, with the cause of each step between them."""
    old = rebuild_inputs(house, before)
    causes: list[ChangeCause] = []
    if before.code_fingerprint != fingerprint_code():
        causes.append("code")
    if digest_data(before.inputs) != digest_data(describe_inputs(result.inputs)):
        causes.append("data")
    if old.policy.fingerprint != inputs.policy.fingerprint:
        causes.append("policy")
    stages: list[Figures] = [stored]
    for cause in causes[:-1]:
        if cause == "code":
            with house.view(list(old.landings)) as old_view:
                stages.append(judge_inputs(old, old_view))
        else:
            stages.append(judge_inputs(take_policy(house, inputs, old.policy), view))
    return [*stages, result], causes or ["undetermined"]


def _keep_revision(house: House, folder: MonthFolder, result: MonthResult, latest: RevisionRecord) -> bool:
    """Whether the latest revision still says the same; files that were lost or changed are put back."""
    with folder.stage() as staged:
        write_result_csvs(staged.path, result, latest.revision)
        if not digest_files(staged.path).items() <= latest.digests.items():
            return False
        if not folder.holds(latest.digests):
            _write_files(house, staged.path, result, latest.revision, read_lineage(house, latest))
            if digest_files(staged.path) != latest.digests:
                return False
            staged.seal(latest.revision, format_run(latest, count_result(result)))
    return True


def _write_files(house: House, folder: Path, result: MonthResult, revision: int, lineage: Lineage) -> None:
    """The figures, what they changed, the workbook, the report, and what earlier publications wrote."""
    month, before = str(result.month), str(result.month.plus(-1))
    write_result_csvs(folder, result, revision)
    if lineage.compared_with is not None:
        changes = format_changes(lineage.changes, month, revision, lineage.compared_with)
        (folder / CHANGES).write_bytes(changes)
    arrears = house.ledger.register.list_arrears(month)
    if arrears:
        (folder / ARREARS).write_bytes(format_arrears(arrears))
    for name, content in format_payroll_files(house, result.month).items():
        (folder / name).write_bytes(content)
    earlier = house.ledger.results.find_latest(before)
    previous_stars = None if earlier is None else house.ledger.results.list_stars(before, earlier.revision)
    write_workbook(folder / WORKBOOK, result, revision, lineage)
    quality = collect_quality(house, result.month)
    write_report(folder / REPORT, result, revision, lineage=lineage, previous_stars=previous_stars, quality=quality)


def _add_counts(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for reason, count in part.items():
            total[reason] = total.get(reason, 0) + count
    return dict(sorted(total.items()))
