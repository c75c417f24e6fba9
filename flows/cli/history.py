"""Commands on what was held true before: replay, changes, register show, register history."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import (
    Config,
    Home,
    MonthText,
    Revision,
    open_installation,
    parse_day,
    parse_instant,
    read_clock,
)
from flows.month import CITY_ZONE, Month, city_day

if TYPE_CHECKING:
    from flows.ledger.review_rows import RegisterLine

register_app = typer.Typer(
    help="The register of approved grades, as it stands and as it stood.", no_args_is_help=True
)

REGISTER_COLUMNS = (
    "staff_id", "post", "grade", "degree", "certificate", "effective_on", "recorded_at", "month", "revision",
    "decision_id",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(replay)
    app.command()(changes)
    app.add_typer(register_app, name="register")


def replay(month: MonthText, home: Home = None, config: Config = None, revision: Revision = None) -> None:
    """Judge an old revision again from its batches and its archived policy, and compare the digests."""
    from flows.policy import shorten_fingerprint
    from flows.replay import replay_revision

    with open_installation(home, config) as house:
        report = replay_revision(house, Month.parse(month), revision, read_clock)
    typer.echo("file\trecorded_sha256\treplayed_sha256\tsame")
    for file in report.files:
        same = str(file.is_same).lower()
        typer.echo(f"{file.name}\t{file.recorded_sha256}\t{file.replayed_sha256}\t{same}")
    report.refuse_unproven()
    fingerprint = shorten_fingerprint(report.record.inputs["policy_fingerprint"])
    code = "the same code" if report.has_same_code else "newer code"
    typer.echo(
        f"{report.record.month} revision {report.record.revision} is proven: {len(report.files)} files to the byte, "
        f"policy {fingerprint}, judged by {code}.",
        err=True,
    )


def changes(month: MonthText, home: Home = None, config: Config = None, revision: Revision = None) -> None:
    """List what a revision changed, cell by cell and why; the same as changes.csv beside its files."""
    from flows.house import read_lineage
    from flows.inputs import find_record

    with open_installation(home, config) as house:
        record = find_record(house, Month.parse(month), revision)
        lineage = read_lineage(house, record)
    typer.echo("subject\tsubject_id\tfield\tbefore\tafter\tcauses")
    for it in lineage.changes:
        typer.echo(f"{it.subject}\t{it.subject_id}\t{it.field}\t{it.before}\t{it.after}\t{';'.join(it.causes)}")
    if lineage.compared_with is None:
        typer.echo(f"{record.month} revision {record.revision} is the first: there is nothing to compare.", err=True)
        return
    amended = (
        f" It proposes to amend what the register holds from revision {lineage.amends}." if lineage.amends else ""
    )
    typer.echo(
        f"{record.month} revision {record.revision} compared with revision {lineage.compared_with}: "
        f"{len(lineage.changes)} cells differ.{amended}",
        err=True,
    )


@register_app.command("show")
def show_register(
    home: Home = None,
    config: Config = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="In force on this day (default: today).")
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="ISO", help="As it was held true at this instant (default: now)."),
    ] = None,
) -> None:
    """Show each worker's grade in force on a day, as held true then or now."""
    day = city_day(read_clock()) if on is None else parse_day("--on", on)
    with open_installation(home, config) as house:
        lines = house.ledger.register.list_in_force(day, recorded_by=_parse_known_at(known_at))
    _echo_lines(lines)


@register_app.command("history")
def show_history(
    staff: Annotated[str, typer.Option("--staff", metavar="ID", help="Whose.")],
    home: Home = None,
    config: Config = None,
) -> None:
    """Show every record of one worker, in the order in which they were entered."""
    with open_installation(home, config) as house:
        lines = house.ledger.register.list_history(staff)
    _echo_lines(lines)


def _echo_lines(lines: "list[RegisterLine]") -> None:
    typer.echo("\t".join(REGISTER_COLUMNS))
    for line in lines:
        record = line.record
        recorded_at = line.recorded_at.astimezone(CITY_ZONE).isoformat()
        cells = (
            record.staff_id, record.post, record.grade, record.degree, record.certificate, record.effective_on,
            recorded_at, line.month, line.revision, line.decision_id,
        )  # fmt: skip
        typer.echo("\t".join(str(cell) for cell in cells))


def _parse_known_at(text: str | None) -> datetime | None:
    """The instant, or the last one of a bare day."""
    if text is None:
        return None
    is_day = "T" not in text and ":" not in text
    return parse_instant("--known-at", f"{text}T23:59:59.999999" if is_day else text)
