"""HR's filled-in workbook taken: good lines recorded at once, refused ones told, in a copy of it and on the spot."""

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, get_args

from flows.errors import UsageError
from flows.ledger import Ledger
from flows.month import Month
from flows.review.decisions import DecisionOutcome, Judgement, decide_each
from flows.review.intake.checking import CheckedLines, MonthShown, check_lines
from flows.review.intake.column_writing import ColumnWriter
from flows.review.intake.reading import read_decision_sheet
from flows.review.people import ReviewPeople
from flows.review.rows import ANSWERS
from flows.review.workbook.names import SUFFIX
from flows.review.workbook.rows import FINDING, WorkerRow, make_worker_rows
from flows.review.workbook.workers import FINDINGS
from flows.verdicts import VERDICT_TITLES

REPORT_MARK = "-核对结果"
BYTES_A_FINDING = 400
"""More than a finding takes in the copy, packed."""

_MARKED = re.compile(rf"(.*?){REPORT_MARK}(?:-\d+)?")


@dataclass(frozen=True)
class LineOutcome:
    """What became of one filled-in line, by its Excel row; `english` says why it was refused."""

    row: int
    outcome: DecisionOutcome
    english: str
    finding: str


@dataclass(frozen=True)
class ImportReport:
    """What became of a workbook, and where its copy with the findings lies."""

    lines: Sequence[LineOutcome]
    empty_count: int
    file: Path
    problem: str
    """Why the copy could not be put in place, though the decisions are recorded; empty if it was."""
    settles_review: bool
    """Whether nothing of the month is open any more, and something was."""

    @property
    def refused(self) -> Sequence[LineOutcome]:
        return [line for line in self.lines if line.outcome == "refused"]


def import_workbook(
    ledger: Ledger,
    month: Month,
    file: Path,
    *,
    reviewer: str,
    people: ReviewPeople,
    decided_at: datetime,
    report: Path | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """What became of every filled-in line of the workbook `file`; the good lines are recorded in one transaction.

    A copy with the findings is written to `report`, or beside the file under a name that is free; whether it can be
    is found out before anything is recorded. Raises `UsageError` if the file can't be read or the copy can't be
    written, `DecisionRefused` if nothing in it can be taken for the month's decisions.
    """
    people.find(reviewer)
    content = _read_file(file)
    target = _choose_report(file) if report is None else report
    if target.resolve() == file.resolve():
        raise UsageError(f"--report {target} is the workbook itself, which stays as it is. Name another file.")
    if target.suffix.lower() != SUFFIX:
        raise UsageError(f"--report {target} can't be a workbook. Name a file that ends in {SUFFIX}.")
    if target.exists():
        raise UsageError(f"--report {target} is there already, and may hold findings. Name another file.")
    sheet = read_decision_sheet(file.name, content)
    checked = check_lines(file.name, sheet, _gather_shown(ledger, month, reviewer))
    writer = ColumnWriter(
        file.name,
        content,
        sheet.part,
        sheet.places,
        header_row=sheet.header_row,
        column=sheet.finding_column,
        title=FINDING,
    )
    stream = _reserve(target, file, len(content) + BYTES_A_FINDING * len(sheet.lines))
    try:
        done = decide_each(
            ledger,
            month,
            list(checked.wishes.values()),
            reviewer=reviewer,
            people=people,
            decided_at=decided_at,
            dry_run=dry_run,
        )
        lines = _join(checked, done.judgements, dry_run=dry_run)
        problem = _put_findings(writer, stream, target, _list_findings(checked, lines))
    finally:
        stream.close()
        Path(stream.name).unlink(missing_ok=True)
    return ImportReport(lines, len(checked.empty_rows), target, problem, done.settles_review)


def _put_findings(writer: ColumnWriter, stream: IO[bytes], target: Path, findings: Mapping[int, str]) -> str:
    """Why the copy with the findings could not be put in place; empty if it was."""
    try:
        writer.write(stream, findings)
        stream.truncate()
        stream.close()
        Path(stream.name).replace(target)
    except OSError as error:
        return f"{target} cannot be written ({error.strerror}), though there was room for it before."
    return ""


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}). Name the workbook that was filled in.") from None


def _choose_report(file: Path) -> Path:
    """A free name beside the file, so that no earlier findings, which HR may be correcting, are lost."""
    marked = _MARKED.fullmatch(file.stem)
    stem = marked[1] if marked else file.stem
    number = 1
    while True:
        name = f"{stem}{REPORT_MARK}{SUFFIX}" if number == 1 else f"{stem}{REPORT_MARK}-{number}{SUFFIX}"
        if not (file.parent / name).exists():
            return file.parent / name
        number += 1


def _gather_shown(ledger: Ledger, month: Month, reviewer: str) -> MonthShown:
    """What the month's workbooks showed, each revision read once, and what has been decided."""

    @cache
    def map_shown(revision: int) -> Mapping[str, WorkerRow]:
        key = (str(month), revision)
        rows = make_worker_rows(
            month,
            revision,
            {},
            proposals=ledger.results.iterate_proposals(*key),
            communities=ledger.results.list_communities(*key),
            pay_lines=ledger.results.list_pay_lines(*key),
        )
        return {row.proposal.staff_id: row for row in rows}

    words = (it for it in ledger.reviews.list_decisions(str(month)) if it.verdict not in ANSWERS)
    return MonthShown(month, map_shown, {decision.staff_id: decision for decision in words}, reviewer)


def _reserve(target: Path, file: Path, size: int) -> IO[bytes]:
    """A file beside `target`, readable by whom the workbook `file` is, with room for so many bytes.

    Raises `UsageError` if it can't be made.
    """
    stream = None
    try:
        stream = tempfile.NamedTemporaryFile(  # noqa: SIM115 -- the import closes it
            "w+b", dir=target.parent, prefix=f".{target.stem}-", suffix=".tmp", delete=False
        )
        os.posix_fallocate(stream.fileno(), 0, size)
        with suppress(OSError):  # a share without rights of its own
            shutil.copymode(file, stream.name)
    except OSError as error:
        if stream is not None:
            stream.close()
            Path(stream.name).unlink(missing_ok=True)
        raise UsageError(
            f"{target} cannot be written ({error.strerror}), so nothing was recorded. Name another file: --report."
        ) from None
    return stream


def _join(checked: CheckedLines, judgements: Sequence[Judgement], *, dry_run: bool) -> list[LineOutcome]:
    """What became of each filled-in line, in the order of the rows."""
    lines = [
        LineOutcome(row, "refused", refusal.english, f"{FINDINGS['refused']}：{refusal.chinese}")
        for row, refusal in checked.refusals.items()
    ]
    for row, judgement in zip(checked.wishes, judgements, strict=True):
        english = "" if judgement.refusal is None else judgement.refusal.english
        lines.append(LineOutcome(row, judgement.outcome, english, _describe(judgement, dry_run=dry_run)))
    return sorted(lines, key=lambda line: line.row)


def _describe(judgement: Judgement, *, dry_run: bool) -> str:
    """The judgement as HR reads it in 核对结果."""
    word = VERDICT_TITLES[judgement.wish.verdict]
    taken = "可采纳（只核对，未采纳）" if dry_run else FINDINGS["taken"]
    if judgement.refusal is not None:
        return f"{FINDINGS['refused']}：{judgement.refusal.chinese}"
    if judgement.outcome == "unchanged":
        return f"{FINDINGS['unchanged']}：已有相同的决定或经办意见"
    if judgement.outcome == "prepared":
        return f"{taken}：经办意见为{word}，待审批人决定"
    return f"{taken}：{word}"


def _list_findings(checked: CheckedLines, lines: Sequence[LineOutcome]) -> dict[int, str]:
    told = dict.fromkeys(checked.undecided_rows, "未处理：填了“意见”，没有填“决定”")
    return told | {line.row: line.finding for line in lines}


def count_outcomes(report: ImportReport) -> Mapping[str, int]:
    """How many lines ended how, those left empty included."""
    counted = Counter(line.outcome for line in report.lines)
    return {**{outcome: counted[outcome] for outcome in get_args(DecisionOutcome)}, "left empty": report.empty_count}
