"""Commands of HR's side: review list, export, approve, reject, return."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from flows.cli.options import Config, Home, MonthText, check_word, open_installation, read_clock
from flows.errors import QualityGate, UsageError
from flows.month import Month

if TYPE_CHECKING:
    from flows.ledger.reviews import Verdict

app = typer.Typer(help="HR's side: see the proposals and decide.", no_args_is_help=True)

Reviewer = Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who decides; recorded.")]
Staff = Annotated[list[str] | None, typer.Option("--staff", metavar="ID", help="This worker; may be repeated.")]
Everyone = Annotated[bool, typer.Option("--all", help="All that may be decided in bulk.")]
Comment = Annotated[str, typer.Option("--comment", help="Why; recorded, and told in the worker's letter.")]


@app.command("list")
def list_proposals(
    month: MonthText,
    home: Home = None,
    config: Config = None,
    kind: Annotated[str | None, typer.Option(help="Only proposals of this kind.")] = None,
) -> None:
    """List the proposals of the newest revision, tab-separated, with the decision that holds.

    `published_grade` is what the register holds from the month: where it differs, this is an amendment.
    """
    from flows.results import ProposalKind
    from flows.review.decisions import list_review

    check_word("--kind", kind, get_args(ProposalKind))
    with open_installation(home, config) as house:
        rows = list_review(house.ledger, Month.parse(month))
        lines = house.ledger.reviews.list_register(Month.parse(month).plus(1).first_on)
    published = {line.record.staff_id: line.record.grade for line in lines if line.month == month}
    typer.echo("staff_id\tkind\tcurrent\tproposed\tneeds_manual\treasons\tdecision\tpublished_grade")
    for row in rows:
        proposal = row.proposal
        if kind is None or proposal.kind == kind:
            current = "" if proposal.current_grade is None else proposal.current_grade
            decision = "open" if row.awaits_decision else row.decision.verdict if row.decision else ""
            typer.echo(
                f"{proposal.staff_id}\t{proposal.kind}\t{current}\t{proposal.proposed_grade}\t"
                f"{str(proposal.needs_manual).lower()}\t{';'.join(proposal.reasons)}\t{decision}\t"
                f"{published.get(proposal.staff_id, '')}"
            )


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to put the workbook.")],
    month: MonthText,
    home: Home = None,
    config: Config = None,
) -> None:
    """Copy the newest revision's workbook."""
    from flows.outputs import WORKBOOK, MonthFolder
    from flows.review.decisions import find_revision

    with open_installation(home, config) as house:
        record = find_revision(house.ledger, Month.parse(month))
        workbook = MonthFolder(house.settings.home, record.month).path / WORKBOOK
        if not workbook.is_file():
            raise QualityGate(f"{workbook} is not there. Write it again: fivestar evaluate --month {record.month}.")
        try:
            shutil.copyfile(workbook, file)
        except OSError as error:
            raise UsageError(f"{file} cannot be written ({error.strerror}). Name another file.") from error
    typer.echo(file)


@app.command()
def approve(
    month: MonthText,
    reviewer: Reviewer,
    home: Home = None,
    config: Config = None,
    staff: Staff = None,
    everyone: Everyone = False,
    comment: Comment = "",
) -> None:
    """Approve proposals."""
    _decide(home, config, month, "approved", reviewer, staff, everyone, comment)


@app.command()
def reject(
    month: MonthText,
    reviewer: Reviewer,
    home: Home = None,
    config: Config = None,
    staff: Staff = None,
    everyone: Everyone = False,
    comment: Comment = "",
) -> None:
    """Reject proposals."""
    _decide(home, config, month, "rejected", reviewer, staff, everyone, comment)


@app.command("return")
def return_to_preparer(
    month: MonthText,
    reviewer: Reviewer,
    home: Home = None,
    config: Config = None,
    staff: Staff = None,
    everyone: Everyone = False,
    comment: Comment = "",
) -> None:
    """Return proposals with a question."""
    _decide(home, config, month, "returned", reviewer, staff, everyone, comment)


def _decide(
    home: Path | None,
    config: Path | None,
    month: str,
    verdict: "Verdict",
    reviewer: str,
    staff: list[str] | None,
    everyone: bool,
    comment: str,
) -> None:
    from flows.review.decisions import decide

    if bool(staff) == everyone:
        raise UsageError("Say whom: either --staff ID (repeatable) or --all.")
    if not reviewer.strip():
        raise UsageError("--reviewer is empty. Give the name of the person who decides.")
    with open_installation(home, config) as house:
        count = decide(
            house.ledger,
            Month.parse(month),
            verdict,
            reviewer=reviewer.strip(),
            staff_ids=staff or None,
            comment=comment,
            decided_at=read_clock(),
        )
    typer.echo(f"{verdict}: {count}")
