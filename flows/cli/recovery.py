"""Commands for the day after: backup, restore."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Home, read_clock
from flows.errors import UsageError

if TYPE_CHECKING:
    from flows.recovery.record import BackupRecord


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(backup)
    app.command()(restore)


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where backups lie; with --verify, one backup.")],
    home: Home = None,
    config: Config = None,
    with_batches: Annotated[
        bool,
        typer.Option(
            "--with-batches/--without-batches",
            help="Keep the lake's batches, too; else only their digests. What the backup before holds is linked.",
        ),
    ] = True,
    verify: Annotated[bool, typer.Option("--verify", help="Make none; examine the backup in DIR.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="With --verify, read every row of the batches.")] = False,
) -> None:
    """Back up ledger, results, configuration and batches while others write, or examine a backup."""
    if deep and not verify:
        raise UsageError("--deep says how to examine a backup: give --verify, too.")
    if verify:
        _verify(folder, home, config, deep=deep)
        return
    from flows.cli.progress import show_progress
    from flows.recovery.backing_up import make_backup
    from flows.recovery.verifying import refuse_faults
    from flows.settings import load_settings

    settings = load_settings(home, config)
    with show_progress() as progress:
        made = make_backup(settings, folder, read_clock, with_batches=with_batches, progress=progress)
    _echo_record(made.record)
    typer.echo(f"backup: {made.folder}")
    refuse_faults(
        "the backup is written, but the lake has lost what the ledger names",
        made.record.lacking,
        "Restore these folders from an older backup, then back up again.",
    )


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of one backup.")],
    home: Home = None,
    config: Config = None,
) -> None:
    """Restore a backup into an empty home and an empty database, verify it, and say what to do next."""
    from flows.cli.progress import show_progress
    from flows.recovery.restoring import restore_backup
    from flows.recovery.verifying import refuse_faults
    from flows.settings import load_settings

    settings = load_settings(home, config)
    with show_progress() as progress:
        report = restore_backup(settings, folder, read_clock, progress=progress)
    _echo_record(report.record)
    typer.echo(f"restored into: {settings.home}")
    typer.echo(f"messages held: {len(report.held)}")
    for row in report.held:
        typer.echo(f"  {row.key}")
    typer.echo("next:")
    typer.echo(f"  compare the configuration with {folder / 'config'}, then: fivestar doctor")
    typer.echo("  fivestar evaluate --month YYYY-MM    of each open month: the revision stays")
    typer.echo("  once they are judged, before any other delivery, step 6 of docs/runbooks/restore.md:")
    typer.echo("  fivestar notify deliver --mode allow-list    with allow_list: [], so that nothing goes out twice")
    refuse_faults(
        "the ledger is restored, but batches that it names are not there",
        report.lacking,
        "Copy their folders into the lake from an older backup or the old disk: no month can be judged without.",
    )


def _verify(folder: Path, home: Path | None, config: Path | None, *, deep: bool) -> None:
    from flows.cli.progress import show_progress
    from flows.lake import describe_lake_url, open_lake
    from flows.recovery.verifying import refuse_faults, verify_backup
    from flows.settings import load_settings

    settings = load_settings(home, config)
    with show_progress() as progress, closing(open_lake(settings.home, settings.lake_url)) as lake:
        found = verify_backup(folder, deep=deep, lake=lake, progress=progress)
    _echo_record(found.record)
    refuse_faults(f"{folder}: not whole", found.faults, "Don't rely on it: make another one, or use an older one.")
    looked = "in it" if found.record.has_batches else f"in {describe_lake_url(settings.lake_url or str(lake.root))}"
    typer.echo(f"whole: every file, the ledger read in anew, and every batch {looked}")


def _echo_record(record: "BackupRecord") -> None:
    batches = "with" if record.has_batches else "without"
    typer.echo(f"made at: {record.made_at.isoformat()}, version {record.software_version}")
    typer.echo(
        f"ledger: schema {record.schema_revision}, {sum(record.row_counts.values())} rows, "
        f"{record.chain_entry_count} decided entries, the last {record.chain_head[:12]}"
    )
    typer.echo(f"batches: {len(record.batches)}, {batches} their files; files: {len(record.files)}")
