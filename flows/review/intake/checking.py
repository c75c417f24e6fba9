"""Each filled-in line held against what its revision showed: a wish of the person who filled it in, or why not.

What a line shows is nobody's to change, for the decision rests on it. Whether the wish may be granted is not asked
here.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flows.errors import DecisionRefused
from flows.ledger.review_rows import RecordedDecision, Verdict
from flows.month import Month
from flows.review.decisions import Wish
from flows.review.intake.cells import read_text, says, show
from flows.review.intake.reading import DecisionSheet, SheetLine
from flows.review.workbook.rows import (
    CHECK_CODE,
    COMMENT,
    DECIDED_AT,
    ID,
    SHOWN_COLUMNS,
    VERDICT,
    WorkerRow,
)
from flows.verdicts import ACT_TITLES, VERDICT_TITLES
from flows.wording import format_instant_to_the_second

SHOWN_CHANGES_MAX = 3

_CODE = re.compile(r"(?P<month>\d{4}-\d{2})-r(?P<revision>\d{1,6})-(?P<digest>[0-9a-f]{16})")
_VERDICTS: Mapping[str, Verdict] = {word: verdict for verdict, word in VERDICT_TITLES.items()}

Shown = Callable[[int], Mapping[str, WorkerRow]]
"""Gives the lines of a revision of the month by worker; none if there is no such revision."""


@dataclass(frozen=True)
class LineRefusal:
    """Why a line is not taken: for the command line, without what its cells hold, and for HR's workbook."""

    english: str
    chinese: str


@dataclass
class CheckedLines:
    """What the sheet asks for: wishes and refusals by row, and the rows that ask for nothing."""

    wishes: dict[int, Wish] = field(default_factory=dict)
    refusals: dict[int, LineRefusal] = field(default_factory=dict)
    empty_rows: list[int] = field(default_factory=list)
    undecided_rows: list[int] = field(default_factory=list)
    """Of the empty ones those with a comment: somebody may have forgotten the decision."""


@dataclass(frozen=True)
class MonthShown:
    """What the month's workbooks showed, and what was decided in the meantime."""

    month: Month
    lines_of: Shown
    decided: Mapping[str, RecordedDecision]
    """The newest decision on each worker's proposal."""
    reviewer: str
    """Whose workbook is checked."""


def check_lines(name: str, sheet: DecisionSheet, shown: MonthShown) -> CheckedLines:
    """The wishes for the month that the sheet's lines hold, and the lines that can't be taken as they are.

    Raises `DecisionRefused` if every line is another month's.
    """
    checked = CheckedLines()
    filled = [line for line in sheet.lines if line.verdict or line.holds_error]
    _refuse_other_month(name, filled, shown.month)
    for line in sheet.lines:
        if not (line.verdict or line.holds_error):
            checked.empty_rows.append(line.row)
            if line.comment:
                checked.undecided_rows.append(line.row)
    rows_by_id = _group_rows(filled)
    for line in filled:
        found = _check_line(line, shown, rows_by_id)
        if isinstance(found, Wish):
            checked.wishes[line.row] = found
        else:
            checked.refusals[line.row] = found
    _refuse_repeated(checked)
    return checked


def _refuse_repeated(checked: CheckedLines) -> None:
    """Refuse the lines that decide on one worker twice, however the worker's number is written in them."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, wish in checked.wishes.items():
        rows[wish.staff_id].append(row)
    for staff_id, repeated in rows.items():
        if len(repeated) > 1:
            for row in repeated:
                del checked.wishes[row]
                checked.refusals[row] = _describe_repeated(staff_id, repeated)


def _describe_repeated(staff_id: str, rows: Sequence[int]) -> LineRefusal:
    return LineRefusal(
        f"worker {staff_id} is decided on in rows {', '.join(map(str, rows))}. Keep one of them.",
        f"员工编号 {staff_id} 在第 {'、'.join(map(str, rows))} 行重复填写，请只保留一行。",
    )


def _refuse_other_month(name: str, lines: Sequence[SheetLine], month: Month) -> None:
    months = {found["month"] if (found := _match_code(line)) else "" for line in lines}
    if str(month) not in months and "" not in months:
        raise DecisionRefused(
            f"{name} is the workbook of {', '.join(sorted(months))}, not of {month}. Import it with the --month that "
            f"it belongs to, or fill in that of {month}: fivestar review export FILE.xlsx --month {month}."
        )


def _group_rows(lines: Sequence[SheetLine]) -> Mapping[str, list[int]]:
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for line in lines:
        rows[read_text(line.cells[ID])].append(line.row)
    return rows


def _check_line(line: SheetLine, shown: MonthShown, rows_by_id: Mapping[str, list[int]]) -> Wish | LineRefusal:
    """What the line asks for; the first reason that holds if it can't be taken."""
    staff_id = read_text(line.cells[ID])
    if not staff_id:
        return LineRefusal(f"{ID} is empty, so whom it decides on can't be told.", f"“{ID}”为空，不知道决定的是谁。")
    rows = rows_by_id[staff_id]
    if len(rows) > 1:
        return _describe_repeated(staff_id, rows)
    verdict = _VERDICTS.get(line.verdict)
    if line.holds_error or verdict is None:
        words = tuple(_VERDICTS)
        return LineRefusal(
            f"what stands under {VERDICT} is none of {', '.join(words)}, or it or {COMMENT} holds an error. "
            "Choose from the list.",
            f"“{VERDICT}”栏的“{line.verdict or '错误值'}”不是{'、'.join(words)}之一，请从下拉列表中选择。",
        )
    code = _match_code(line)
    if code is None:
        return LineRefusal(
            f"{CHECK_CODE} was changed or is empty, so what the line showed can't be told. Fill in a fresh export.",
            f"“{CHECK_CODE}”被改动或为空，不知道这一行出自哪一版。请重新导出工作簿，在其中填写。",
        )
    if code["month"] != str(shown.month):
        return LineRefusal(
            f"the line is from the workbook of {code['month']}, not of {shown.month}. Take it out.",
            f"这一行出自 {code['month']} 的工作簿，不是 {shown.month} 的，请移出。",
        )
    worker = _find_worker(line, staff_id, code, shown.lines_of)
    if isinstance(worker, LineRefusal):
        return worker
    wish = Wish(worker.proposal.staff_id, verdict, line.comment, code["digest"])
    return _list_changes(line, worker) or _find_later_decision(line, wish, shown) or wish


def _match_code(line: SheetLine) -> re.Match[str] | None:
    return _CODE.fullmatch(read_text(line.cells[CHECK_CODE]))


def _find_worker(line: SheetLine, staff_id: str, code: re.Match[str], lines_of: Shown) -> WorkerRow | LineRefusal:
    """The line as its revision showed it, of the worker that both number and code name."""
    revision = code["revision"]
    workers = lines_of(int(revision))
    if not workers:
        return LineRefusal(
            f"{CHECK_CODE} names revision {revision}, which {code['month']} doesn't have. Fill in a fresh export.",
            f"“{CHECK_CODE}”写的第 {revision} 版不存在。请重新导出工作簿，在其中填写。",
        )
    worker = workers.get(staff_id)
    if worker is not None and worker.check_code == code[0]:
        return worker
    owner = next((it for it in workers.values() if it.check_code == code[0]), None)
    if owner is not None and says(line.cells[ID], owner.proposal.staff_id, "text"):
        return owner
    if owner is not None:
        return _describe_changes([(ID, staff_id, owner.proposal.staff_id)])
    if worker is None:
        return LineRefusal(
            f"worker {staff_id} is not in revision {revision}. Look the number up with fivestar review list.",
            f"第 {revision} 版没有员工编号 {staff_id}，请核对编号。",
        )
    return LineRefusal(
        f"{CHECK_CODE} is not that of worker {staff_id}. Fill in a fresh export.",
        f"“{CHECK_CODE}”不是员工编号 {staff_id} 的。请重新导出工作簿，在其中填写。",
    )


def _list_changes(line: SheetLine, worker: WorkerRow) -> LineRefusal | None:
    """The protected cells that were changed, if any; a column that isn't there any more shows nothing wrong."""
    changes = []
    for column in SHOWN_COLUMNS:
        if column.title in line.cells:
            cell, wanted = line.cells[column.title], column.read(worker)
            if not says(cell, wanted, column.look):
                changes.append((column.title, show(cell), show(wanted)))
    return _describe_changes(changes) if changes else None


def _find_later_decision(line: SheetLine, wish: Wish, shown: MonthShown) -> LineRefusal | None:
    """Why the line is overtaken: somebody else has decided otherwise on what it shows since it was exported."""
    latest = shown.decided.get(wish.staff_id)
    if latest is None or latest.reviewer == shown.reviewer:
        return None
    is_other = latest.verdict != wish.verdict and latest.proposal_digest.startswith(wish.seen_digest or "")
    decided_at = format_instant_to_the_second(latest.decided_at)
    if not is_other or says(line.cells[DECIDED_AT], decided_at, "code"):
        return None
    word = ACT_TITLES[latest.verdict]
    return LineRefusal(
        f"the proposal of worker {wish.staff_id} was decided on ({latest.verdict}) after the workbook was exported. "
        "Look at it anew: fivestar review export.",
        f"导出以后，{latest.reviewer} 已于 {decided_at} 决定“{word}”。请重新导出工作簿后再作决定。",
    )


def _describe_changes(changes: Sequence[tuple[str, str, str]]) -> LineRefusal:
    titles = ", ".join(title for title, _, _ in changes)
    shown = changes[:SHOWN_CHANGES_MAX]
    told = "；".join(f"“{title}”被改动，现为“{cell}”，应为“{wanted}”" for title, cell, wanted in shown)
    more = f"；另有 {len(changes) - SHOWN_CHANGES_MAX} 格" if len(changes) > SHOWN_CHANGES_MAX else ""
    return LineRefusal(
        f"protected cells were changed: {titles}. Put back what stood there, or fill in a fresh export.",
        f"{told}{more}。请改回原值，或重新导出后填写。",
    )
