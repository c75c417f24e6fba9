"""Commands about rejected rows: quarantine list, show, replay."""

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from flows.cli.options import Config, Home, check_word, open_installation, read_clock
from flows.errors import join_failures
from flows.month import Month

if TYPE_CHECKING:
    from flows.house import House
    from flows.ingest.rejected.listing import Filter
    from flows.ingest.rejected.quarantine import QuarantinedBatch, QuarantinedRow
    from flows.ingest.rejected.reasons import ReasonNote
    from flows.ingest.rejected.replay import ReplayReport
    from flows.ingest.rejected.resource_replay import BatchReplay

app = typer.Typer(help="Rows that did not pass.", no_args_is_help=True)

Platform = Annotated[str | None, typer.Option(metavar="ID", help="Only of this source.")]
TableName = Annotated[str | None, typer.Option("--table", metavar="TABLE", help="Only of this canonical table.")]
RAW_INDENT = 2


@app.command("list")
def list_rows(
    home: Home = None,
    config: Config = None,
    platform: Platform = None,
    table: TableName = None,
    reason: Annotated[
        str | None, typer.Option(metavar="REASON", help="Only with this reason, or those that begin with this word.")
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="Only of pulls whose window begins in the month or holds it."),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE", help="open, superseded, replayed or refused (default: open and refused, which wait)."
        ),
    ] = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many there are of each reason.")] = False,
) -> None:
    """List the rejected rows, tab-separated, with every reason and without their content."""
    from flows.ingest.rejected.listing import WAITING, Filter, list_rejected
    from flows.ingest.rejected.quarantine import RowState

    _check_table(table)
    check_word("--state", state, get_args(RowState))
    states = WAITING if state is None else [known for known in get_args(RowState) if known == state]
    chosen = None if month is None else Month.parse(month)
    asked = Filter(platform=platform, table=table, reason=reason, month=chosen, states=states)
    with open_installation(home, config) as house:
        if count:
            _echo_counts(house, asked)
            return
        typer.echo("platform\ttable\tbatch_id\trecord_no\tstate\treasons")
        for _, row in list_rejected(house, asked):
            typer.echo(
                f"{row.platform}\t{row.table}\t{row.batch_id}\t{row.record_no}\t{row.state}\t{';'.join(row.reasons)}"
            )


@app.command()
def show(
    batch_id: Annotated[str, typer.Argument(metavar="BATCH_ID", help="The batch, as listed.")],
    record_no: Annotated[
        int | None, typer.Argument(metavar="[RECORD_NO]", help="The record's number; without it all of the batch.")
    ] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Show rejected rows whole: the source's record, each reason, and what to do. It may hold a person's data."""
    from flows.ingest.describe.rules import load_rules
    from flows.ingest.rejected.listing import find_rejected
    from flows.ingest.rejected.reasons import explain_reason

    with open_installation(home, config) as house:
        rules = load_rules(house.settings.config / "quality")
        batch, rows = find_rejected(house, batch_id, record_no)
    for place, row in enumerate(rows):
        notes = [
            explain_reason(
                reason,
                platform=batch.platform,
                resource=batch.resource,
                table=batch.table,
                rules=rules.get(batch.table),
            )
            for reason in row.reasons
        ]
        if place:
            typer.echo()
        _echo_row(batch, row, notes)


@app.command()
def replay(
    home: Home = None,
    config: Config = None,
    platform: Platform = None,
    table: TableName = None,
    batch: Annotated[str | None, typer.Option(metavar="BATCH_ID", help="Only of this batch.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would land.")] = False,
) -> None:
    """Judge rejected rows again, by today's mapping and rules, and land those that pass."""
    from flows.cli.progress import show_progress
    from flows.ingest.rejected.replay import replay_quarantine

    _check_table(table)
    with open_installation(home, config) as house, show_progress() as progress:
        report = replay_quarantine(
            house,
            read_clock,
            platform=platform,
            table=table,
            batch_id=batch,
            dry_run=dry_run,
            progress=progress,
        )
    _echo_replay(report, dry_run=dry_run)
    if report.problems:
        raise join_failures(report.problems)


def _check_table(table: str | None) -> None:
    from flows.schema import TABLES

    check_word("--table", table, list(TABLES))


def _echo_counts(house: "House", asked: "Filter") -> None:
    from flows.ingest.describe.rules import load_rules
    from flows.ingest.rejected.listing import count_rejected
    from flows.ingest.rejected.reasons import explain_reason

    rules = load_rules(house.settings.config / "quality")
    typer.echo("platform\ttable\tstate\treason\trows\ttitle")
    for (platform, resource, table, state, reason), rows in sorted(count_rejected(house, asked).items()):
        note = explain_reason(reason, platform=platform, resource=resource, table=table, rules=rules.get(table))
        typer.echo(f"{platform}\t{table}\t{state}\t{reason}\t{rows}\t{note.title}")


def _echo_row(batch: "QuarantinedBatch", row: "QuarantinedRow", notes: list["ReasonNote"]) -> None:
    import orjson

    typer.echo(f"batch:   {batch.batch_id}")
    typer.echo(f"record:  {row.record_no}")
    typer.echo(f"state:   {row.state}")
    typer.echo(f"from:    {batch.platform}, {batch.resource} ({batch.table}), {_describe_origin(batch)}")
    typer.echo("reasons:")
    for note in notes:
        rule = f", rule {note.rule_id}" if note.rule_id else ""
        typer.echo(f"  {note.reason}: {note.title} ({note.severity or 'no rule'}{rule})")
    typer.echo("record as the source gave it:")
    typer.echo(orjson.dumps(orjson.loads(row.raw), option=orjson.OPT_INDENT_2).decode())
    typer.echo(f"next:    {_advise(batch, row)}")
    if row.state in ("open", "refused"):
        for note in notes:
            typer.echo(f"  {note.reason}: {note.advice}")


def _describe_origin(batch: "QuarantinedBatch") -> str:
    from flows.ingest.coverage import BEGINNING
    from flows.wording import format_instant

    pulled = f"pulled {format_instant(batch.landed_at)}"
    if batch.window is None or batch.window[0] == BEGINNING:
        return f"{batch.slot}, {pulled}"
    return f"window {format_instant(batch.window[0])} to {format_instant(batch.window[1])}, {pulled}"


def _advise(batch: "QuarantinedBatch", row: "QuarantinedRow") -> str:
    if row.state == "replayed":
        return "nothing: the row landed since, by a replay."
    if row.state == "superseded":
        return "nothing: a row with its key landed later."
    if row.state == "refused":
        return (
            f"the whole pull was refused. Mend what follows, then: fivestar ingest --platform {batch.platform} "
            "for the same month."
        )
    return f"mend what follows, then: fivestar quarantine replay --batch {batch.batch_id}"


def _echo_replay(report: "ReplayReport", *, dry_run: bool) -> None:
    for replay in report.batches:
        typer.echo(_describe_replay(replay, dry_run=dry_run))
        for reason, rows in sorted(_count_reasons(replay).items()):
            typer.echo(f"  stays: {reason} in {rows} rows")
    for warning in report.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if not report.batches:
        typer.echo("No rejected row waits.")
    if report.stale_months:
        typer.echo(f"These months {'would need' if dry_run else 'need'} a new revision, in this order:")
    for month in report.stale_months:
        typer.echo(f"fivestar evaluate --month {month}")


def _describe_replay(replay: "BatchReplay", *, dry_run: bool) -> str:
    name = f"{replay.batch.platform}/{replay.batch.resource}, {replay.batch.batch_id}"
    if replay.problem is not None:
        return f"{name}: not judged, all its rows stay"
    landed = f"{len(replay.landed_nos)} {'would land' if dry_run else 'landed'}"
    return f"{name}: {landed}, {len(replay.superseded_nos)} superseded, {len(replay.stays)} stay"


def _count_reasons(replay: "BatchReplay") -> dict[str, int]:
    counts: dict[str, int] = {}
    for reasons in replay.stays.values():
        for reason in reasons:
            counts[reason] = counts.get(reason, 0) + 1
    return counts
