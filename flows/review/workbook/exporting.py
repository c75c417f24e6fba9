"""HR's workbook written from the ledger, with what has been prepared and decided so far."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from flows.errors import UsageError
from flows.ledger import Ledger
from flows.ledger.review_rows import RecordedPreparation
from flows.month import Month
from flows.results import Lineage, MonthResult
from flows.review.rows import ReviewRow, list_review
from flows.review.workbook.book import write_workbook
from flows.review.workbook.names import SUFFIX
from flows.review.workbook.rows import ProposalProgress


def map_progress(ledger: Ledger, month: Month) -> dict[str, ProposalProgress]:
    """By worker how far the review of the month's newest revision has got, where anybody has done anything.

    Raises `QualityGate` if the month has not been evaluated.
    """
    preparations = {made.id: made for made in ledger.reviews.list_preparations(str(month))}
    return {
        row.proposal.staff_id: _describe(row, preparations)
        for row in list_review(ledger, month)
        if row.decision is not None or row.preparation is not None
    }


def write_export(
    file: Path, result: MonthResult, revision: int, lineage: Lineage, progress: Mapping[str, ProposalProgress]
) -> None:
    """Write the workbook to `file`, whole or not at all. Raises `UsageError` if it can't be written there."""
    if file.suffix.lower() != SUFFIX:
        raise UsageError(f"{file} doesn't end in {SUFFIX}, so no program would open it as a workbook. Name it so.")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".fivestar-export-") as folder:
            written = Path(folder) / file.name
            write_workbook(written, result, revision, lineage, progress=progress)
            shutil.move(written, file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}). Name another file.") from error


def _describe(row: ReviewRow, preparations: Mapping[int, RecordedPreparation]) -> ProposalProgress:
    decision, made = row.decision, row.preparation
    if decision is not None and decision.preparation_id is not None:
        made = preparations[decision.preparation_id]
    return ProposalProgress(
        state=row.state,
        prepared_verdict="" if made is None else made.verdict,
        preparer="" if made is None else made.preparer,
        prepared_comment="" if made is None else made.comment,
        comment="" if decision is None else decision.comment,
        reviewer="" if decision is None else decision.reviewer,
        decided_at=None if decision is None else decision.decided_at,
    )
