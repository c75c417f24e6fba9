"""Commands of HR's workbook: review export, review import."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.decided import tell_decided
from flows.cli.options import Config, Home, MonthText, open_installation, open_installation_to_decide, read_clock
from flows.cli.review import check_reviewer, tell_dry_run, warn_of_nobody
from flows.errors import DecisionRefused, UsageError
from flows.month import Month

if TYPE_CHECKING:
    from flows.review.intake.importing import ImportReport

TOLD_MAX = 10


def register(app: typer.Typer) -> None:
    """Add the commands to HR's."""
    app.command("export")(export)
    app.command("import")(import_decisions)


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to put the workbook.")],
    month: MonthText,
    home: Home = None,
    config: Config = None,
) -> None:
    """Write the newest revision's workbook, with what has been decided so far, for HR to fill in."""
    from flows.house import read_lineage, read_result
    from flows.review.rows import find_revision
    from flows.review.workbook.exporting import map_progress, write_export

    this = Month.parse(month)
    with open_installation(home, config) as house:
        record, progress = find_revision(house.ledger, this), map_progress(house.ledger, this)
        write_export(file, read_result(house, record), record.revision, read_lineage(house, record), progress)
    typer.echo(file)


def import_decisions(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="The exported workbook, filled in.")],
    month: MonthText,
    reviewer: Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who filled it in; recorded.")],
    home: Home = None,
    config: Config = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE.xlsx",
            help="Where to put the copy that says what became of each line (default: beside the workbook).",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and report, record nothing.")] = False,
) -> None:
    """Take the decisions of a workbook; what can't be taken is told line by line, here and in a copy of it.

    Lines that can be taken are taken; if any can't, the command ends with 14. Any program that saves .xlsx will do.
    """
    from flows.review.intake.importing import import_workbook
    from flows.review.people import load_review_settings

    this, now = Month.parse(month), read_clock()
    with open_installation_to_decide(home, config, now) as house:
        people = load_review_settings(house.settings.config).people
        done = import_workbook(
            house.ledger,
            this,
            file,
            reviewer=check_reviewer(reviewer),
            people=people,
            decided_at=now,
            report=report,
            dry_run=dry_run,
        )
        warn_of_nobody(people)
        if done.settles_review:
            tell_decided(house, this)
    _tell(done, file, dry_run=dry_run)


def _tell(done: "ImportReport", file: Path, *, dry_run: bool) -> None:
    """Counts to stdout, each refused line to stderr. Raises `DecisionRefused` if any was."""
    from flows.review.intake.importing import count_outcomes

    tell_dry_run(dry_run)
    for outcome, count in count_outcomes(done).items():
        typer.echo(f"{outcome}: {count}")
    told = done.refused if done.problem else done.refused[:TOLD_MAX]
    for line in told:
        typer.echo(f"row {line.row}: {line.english}", err=True)
    if done.problem:
        taken = "Nothing was recorded: it was a dry run" if dry_run else "What could be taken is recorded"
        raise UsageError(
            f"{done.problem} {taken}, and every refused line is told above. Import the workbook again with another "
            "--report to have the copy: nothing is recorded twice."
        )
    typer.echo(f"report: {done.file}")
    if len(done.refused) > TOLD_MAX:
        typer.echo(f"and {len(done.refused) - TOLD_MAX} more; see {done.file}", err=True)
    if done.refused:
        others = "could be taken" if dry_run else "are recorded"
        raise DecisionRefused(
            f"{file}: {len(done.refused)} of {len(done.lines)} filled-in lines were refused; the others {others}. "
            f"Mend the refused ones in {done.file}, where 核对结果 says why in Chinese, and import that file."
        )
