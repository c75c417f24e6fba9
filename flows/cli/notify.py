"""Commands of the outbox: notify preview, deliver, resend, list."""

from datetime import datetime
from typing import Annotated, get_args

import typer

from flows.cli.options import Config, Home, check_word, open_installation, read_clock
from flows.month import CITY_ZONE, Month

app = typer.Typer(help="The outbox: see the messages and deliver them.", no_args_is_help=True)


@app.command()
def deliver(
    home: Home = None,
    config: Config = None,
    mode: Annotated[
        str | None, typer.Option(metavar="MODE", help="off, simulate, allow-list or live; default as configured.")
    ] = None,
    for_seconds: Annotated[
        int | None,
        typer.Option("--for", metavar="SECONDS", min=0, help="Wait for limits so long in all, else half a minute."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="In simulate, print what would be sent.")] = False,
) -> None:
    """Deliver what waits in the outbox."""
    from flows.cli.progress import show_progress
    from flows.cycle import deliver as deliver_outbox
    from flows.notify.simulation import SIMULATED

    with open_installation(home, config) as house, show_progress() as progress:
        report = deliver_outbox(
            house,
            read_clock,
            mode=mode,
            for_seconds=for_seconds,
            show=typer.echo if show else None,
            progress=progress,
        )
        simulated_folder = house.settings.home / SIMULATED
    typer.echo(
        f"delivered: {report.delivered}, simulated: {report.simulated}, "
        f"suppressed: {report.suppressed}, failed: {report.failed}"
    )
    if report.simulated:
        typer.echo(f"what would be sent: {simulated_folder}")
    if report.waiting:
        typer.echo(f"waiting: {report.waiting} until {_format_instant(report.waiting_until) or 'the next delivery'}")
    report.refuse_incomplete()


@app.command()
def resend(
    home: Home = None,
    config: Config = None,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Only this month.")] = None,
    key: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="This message, delivered or not; may be repeated.")
    ] = None,
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
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            help="Only queued, sending, delivered, temporary_failure, permanent_failure or suppressed ones.",
        ),
    ] = None,
) -> None:
    """List the messages, tab-separated."""
    from flows.ledger.outbox import WAITING, MessageStatus

    chosen = None if month is None else str(Month.parse(month))
    check_word("--status", status, get_args(MessageStatus))
    with open_installation(home, config) as house:
        rows = house.ledger.outbox.list_messages(month=chosen)
    typer.echo("key\tstatus\tcode\tchannel\tattempts\tnext attempt\tdetail")
    for row in rows:
        if status is None or row.status == status:
            next_attempt = _format_instant(row.next_attempt_at if row.status in WAITING else None)
            cells = (row.key, row.status, row.code, row.channel, row.attempt_count, next_attempt, row.detail)
            typer.echo("\t".join(map(str, cells)))


def _format_instant(instant: datetime | None) -> str:
    """The instant on the city's clock, to the second; nothing if there is none."""
    return "" if instant is None else instant.astimezone(CITY_ZONE).isoformat(timespec="seconds")
