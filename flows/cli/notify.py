"""Commands of the outbox: notify deliver, list."""

from typing import Annotated

import typer

from flows.cli.options import Config, Home, open_installation, read_clock
from flows.errors import DeliveryIncomplete, UsageError

app = typer.Typer(help="The outbox: see the messages and deliver them.", no_args_is_help=True)

MODES = ("off", "simulate", "allow-list", "live")


@app.command()
def deliver(
    home: Home = None,
    config: Config = None,
    mode: Annotated[str | None, typer.Option(help=f"One of {', '.join(MODES)}; default as configured.")] = None,
) -> None:
    """Deliver what waits in the outbox."""
    from flows.cli.progress import show_progress
    from flows.cycle import deliver as deliver_outbox

    if mode is not None and mode not in MODES:
        raise UsageError(f"--mode is {mode!r}. Choose one of: {', '.join(MODES)}.")
    with open_installation(home, config) as house, show_progress() as progress:
        report = deliver_outbox(house, read_clock, mode=mode, progress=progress)
    typer.echo(
        f"delivered: {report.delivered}, simulated: {report.simulated}, "
        f"suppressed: {report.suppressed}, failed: {report.failed}"
    )
    if report.failed:
        raise DeliveryIncomplete(
            f"{report.failed} messages were not delivered. "
            "See why with fivestar notify list --status permanent_failure."
        )


@app.command("list")
def list_messages(
    home: Home = None,
    config: Config = None,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only this month.")] = None,
    status: Annotated[str | None, typer.Option(help="Only messages with this status.")] = None,
) -> None:
    """List the messages, tab-separated."""
    with open_installation(home, config) as house:
        rows = house.ledger.outbox.list_messages(month=month)
    typer.echo("key\tstatus\tchannel\tattempts\tdetail")
    for row in rows:
        if status is None or row.status == status:
            typer.echo(f"{row.key}\t{row.status}\t{row.channel}\t{row.attempt_count}\t{row.detail}")
