"""Commands of the outbox: notify preview, deliver, resend, list."""

from typing import Annotated, get_args

import typer

from flows.cli.options import Config, Home, check_word, open_installation, read_clock
from flows.month import Month

app = typer.Typer(help="The outbox: see the messages and deliver them.", no_args_is_help=True)


@app.command()
def deliver(
    home: Home = None,
    config: Config = None,
    mode: Annotated[
        str | None, typer.Option(help="off, simulate, allow-list or live; default as configured.")
    ] = None,
) -> None:
    """Deliver what waits in the outbox."""
    from flows.cli.progress import show_progress
    from flows.cycle import deliver as deliver_outbox

    with open_installation(home, config) as house, show_progress() as progress:
        report = deliver_outbox(house, read_clock, mode=mode, progress=progress)
    typer.echo(
        f"delivered: {report.delivered}, simulated: {report.simulated}, "
        f"suppressed: {report.suppressed}, failed: {report.failed}"
    )
    report.refuse_incomplete()


@app.command()
def resend(
    home: Home = None,
    config: Config = None,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only this month.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="This message, delivered or not; may be repeated.")] = None,
) -> None:
    """Let messages that failed or were suppressed go out again at the next delivery."""
    from flows.notify.config import load_notify_config
    from flows.notify.outbox import requeue_messages
    from flows.notify.recipients import load_contacts

    chosen = None if month is None else Month.parse(month)
    with open_installation(home, config) as house, house.view() as view:
        contacts = load_contacts(view, load_notify_config(house.settings.config).channels)
        report = requeue_messages(house.ledger, contacts, month=chosen, keys=key or ())
    typer.echo(f"queued: {report.queued}, as they were: {report.already}")


@app.command()
def preview(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="A message of notify.yaml, or correction.")],
    home: Home = None,
    config: Config = None,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="With this month's data; default the newest judged.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="The page of the e-mail instead of the Markdown.")] = False,
) -> None:
    """Show a message as its template makes it, with the data of its first unit or an invented example; to nobody."""
    from flows.notify.channels.letter import write_page
    from flows.previews import preview_message

    chosen = None if month is None else Month.parse(month)
    with open_installation(home, config) as house:
        shown = preview_message(house, template, chosen)
    source = "invented example data" if shown.month is None else f"data of {shown.month}"
    typer.echo(f"{template}: {source}", err=True)
    typer.echo(write_page(shown.subject, shown.body) if html else f"# {shown.subject}\n\n{shown.body}")


@app.command("list")
def list_messages(
    home: Home = None,
    config: Config = None,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only this month.")] = None,
    status: Annotated[str | None, typer.Option(help="Only messages with this status.")] = None,
) -> None:
    """List the messages, tab-separated."""
    from flows.ledger.outbox import MessageStatus

    chosen = None if month is None else str(Month.parse(month))
    check_word("--status", status, get_args(MessageStatus))
    with open_installation(home, config) as house:
        rows = house.ledger.outbox.list_messages(month=chosen)
    typer.echo("key\tstatus\tchannel\tattempts\tdetail")
    for row in rows:
        if status is None or row.status == status:
            typer.echo(f"{row.key}\t{row.status}\t{row.channel}\t{row.attempt_count}\t{row.detail}")
