"""Writing a month's letters: who is owed one, a file each, and the index that lists them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.errors import DecisionRefused, UsageError
from flows.house import Clock, House, load_archived_policy, record_step
from flows.ledger.results import RevisionRecord
from flows.markdown import parse_blocks
from flows.month import Month
from flows.outputs import OUTPUTS
from flows.review.letters.contents import LetterKind
from flows.review.letters.document import LetterPress
from flows.review.letters.filling import (
    PERSONAL_TABLES,
    LetterMonth,
    find_dated_at,
    find_outcome,
    make_letter,
)
from flows.review.letters.template import load_letter_template
from flows.review.rows import ReviewRow, find_revision, list_review, list_standing_lines, refuse_outdated
from flows.whole_files import write_whole
from flows.wording import TABLES

INDEX = "index.csv"
INDEX_COLUMNS = ("staff_id", "kind", "verdict", "file")

_UNSAFE = re.compile(r"[^\w-]")

IndexRow = dict[str, str]
Owed = Sequence[tuple[ReviewRow, LetterKind]]


@dataclass(frozen=True)
class LetterReport:
    """What was written, and what HR should know about it."""

    counts: Mapping[LetterKind, int]
    waiting_count: int
    """Proposals without a letter because they await a decision, or a new one after their return."""
    unexplained_count: int
    """Letters of a rejection for which the reviewer gave no reason."""
    dropped_files: Sequence[str]
    """Letters of the month that an earlier call wrote and that no longer hold."""
    index: Path


def write_letters(
    house: House,
    month: Month,
    folder: Path,
    clock: Clock,
    *,
    staff_ids: Collection[str] | None,
) -> LetterReport:
    """Write into `folder` the letters of `staff_ids`, or of every worker who is owed one, and `index.csv`.

    Again gives the same bytes. Raises `DecisionRefused` if the month's result is out of date or one of `staff_ids` is
    owed no letter, `ConfigurationError` if the template is wrong, `QualityGate` if the archive lacks the policy that
    judged the month, and `UsageError` if `folder` cannot be written.
    """
    with record_step(house, "letters", clock, month=month) as counts:
        record = find_revision(house.ledger, month)
        refuse_outdated(house.ledger, month, record)
        rows = list_review(house.ledger, month, with_traces=True)
        owed = _list_owed(rows) if staff_ids is None else _choose_owed(rows, staff_ids, month)
        word_letter = load_letter_template(house.settings.config)
        shared = _gather(house, month, record)
        press = LetterPress()
        entries = []
        _refuse_outputs(folder, house.settings.home)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            earlier = _read_index(folder / INDEX)
            for row, outcome in owed:
                letter = make_letter(row, outcome, shared)
                blocks = parse_blocks(word_letter(letter))
                entry = _make_entry(row, month)
                content = press.print_letter(blocks, title=letter.title, dated_at=find_dated_at(row, record))
                write_whole(folder / entry["file"], content)
                entries.append(entry)
            kept, dropped = _sort_earlier(earlier, entries, month, everyone=staff_ids is None)
            write_whole(folder / INDEX, _format_index([*kept, *entries]))
        except OSError as error:
            raise UsageError(f"{folder} cannot be written ({error.strerror}). Name another folder.") from None
        by_outcome = Counter(outcome for _, outcome in owed)
        counts.update(by_outcome.items(), policy_fingerprint=record.inputs["policy_fingerprint"])
    return LetterReport(
        counts=by_outcome,
        waiting_count=sum(_waits(row) for row in rows),
        unexplained_count=sum(
            outcome == "rejected" and row.decision is not None and not row.decision.comment.strip()
            for row, outcome in owed
        ),
        dropped_files=dropped,
        index=folder / INDEX,
    )


def name_letter(month: Month, staff_id: str) -> str:
    """The letter's file name: the worker's id, never the name; signs that a file name may not hold become hex."""
    safe = _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), staff_id)
    return f"{month}-{safe}.docx"


def _refuse_outputs(folder: Path, home: Path) -> None:
    if folder.resolve().is_relative_to((home / OUTPUTS).resolve()):
        raise UsageError(
            f"{folder} lies among the results, whose folders are replaced as a whole at each evaluation: letters "
            "would be lost. Name a folder outside of them."
        )


def _list_owed(rows: Sequence[ReviewRow]) -> Owed:
    return [(row, outcome) for row in rows if (outcome := find_outcome(row)) is not None]


def _choose_owed(rows: Sequence[ReviewRow], staff_ids: Collection[str], month: Month) -> Owed:
    """Those of `staff_ids`, or all their refusals at once."""
    by_id = {row.proposal.staff_id: row for row in rows}
    owed, refusals = [], []
    for staff_id in dict.fromkeys(staff_ids):
        row = by_id.get(staff_id)
        outcome = None if row is None else find_outcome(row)
        if row is None or outcome is None:
            refusals.append(f"{month}: worker {staff_id} {_explain_refusal(row)}")
        else:
            owed.append((row, outcome))
    if refusals:
        raise DecisionRefused("\n".join(refusals))
    return owed


def _explain_refusal(row: ReviewRow | None) -> str:
    if row is None:
        return "has no proposal. Look the number up with fivestar review list."
    if row.amends_published:
        return (
            "has a grade of this month in the register, and the newest revision proposes otherwise. The letter of "
            "the published grade stands; write one on its amendment by hand."
        )
    if row.proposal.kind == "none":
        return "keeps the grade and was to be told nothing, so there is no letter."
    if row.state == "reversed":
        return "had a published grade that was taken back. Write that letter by hand."
    states = {"returned": "was returned", "later": "was put off"}
    state = states.get(row.state, "awaits a decision")
    return f"{state}, so there is nothing to tell yet. Decide first: fivestar review approve or reject."


def _waits(row: ReviewRow) -> bool:
    return row.awaits_decision or row.state == "later"


def _gather(house: House, month: Month, record: RevisionRecord) -> LetterMonth:
    results, register = house.ledger.results, house.ledger.register
    return LetterMonth(
        month=month,
        record=record,
        policy=load_archived_policy(house, record.inputs["policy_fingerprint"]).at(record.effective_on),
        communities={row.community_code: row for row in results.list_communities(str(month), record.revision)},
        pay_lines={(line.staff_id, line.basis): line for line in results.list_pay_lines(str(month), record.revision)},
        arrears=register.map_arrears(str(month)),
        published=frozenset(line.decision_id for line in list_standing_lines(register.list_month(str(month)))),
        data_sources=_describe_data(house, record),
    )


def _describe_data(house: House, record: RevisionRecord) -> tuple[str, ...]:
    """The batches behind the workers' facts: how many of each table, and the last one's id."""
    tables = {landing.batch_id: landing.table for landing in house.ledger.list_landings()}
    batches: dict[str, list[str]] = {}
    # In the order in which the revision had them; one that landed twice counts once, where it landed last.
    for batch_id in reversed(dict.fromkeys(reversed(record.inputs["batch_ids"]))):
        if batch_id in tables:
            batches.setdefault(tables[batch_id], []).append(batch_id)
    described = [
        f"{TABLES[table]} {len(batches[table])} 批（最后一批 {batches[table][-1]}）"
        for table in PERSONAL_TABLES
        if table in batches
    ]
    return (*described, f"等级台账（登记至第 {record.inputs.get('register_no', 0)} 号）")


def _make_entry(row: ReviewRow, month: Month) -> IndexRow:
    return {
        "staff_id": row.proposal.staff_id,
        "kind": row.proposal.kind,
        "verdict": "" if row.decision is None else row.decision.verdict,
        "file": name_letter(month, row.proposal.staff_id),
    }


def _read_index(file: Path) -> list[IndexRow]:
    """The rows of an index that an earlier call wrote; none if there is no index."""
    if not file.is_file():
        return []
    reader = csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig", errors="replace"), newline=""))
    rows = list(reader)
    if tuple(reader.fieldnames or ()) != INDEX_COLUMNS:
        raise UsageError(f"{file} is not an index of letters and would be overwritten. Name another folder.")
    return rows


def _sort_earlier(
    earlier: Sequence[IndexRow], entries: Sequence[IndexRow], month: Month, *, everyone: bool
) -> tuple[list[IndexRow], list[str]]:
    """The earlier rows that stay in the index, and the files of those that no longer belong there.

    When everybody's letters were written, what the month had before and has no longer was taken back.
    """
    written = {entry["file"] for entry in entries}
    others = [row for row in earlier if row["file"] not in written]
    if not everyone:
        return others, []
    ended = [row["file"] for row in others if row["file"].startswith(f"{month}-")]
    return [row for row in others if row["file"] not in ended], ended


def _format_index(rows: Sequence[IndexRow]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, INDEX_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["file"]))
    return text.getvalue().encode("utf-8-sig")
