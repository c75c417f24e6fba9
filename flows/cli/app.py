"""The program's entry: the commands put together, and how an error leaves."""

import sys

import typer

from flows.cli import (
    alerts,
    compare,
    doctor,
    explain,
    history,
    inspection,
    letters,
    month,
    notify,
    objections,
    quality,
    quarantine,
    recovery,
    remind,
    retention,
    review,
    server,
    status,
    workbook,
)
from flows.errors import FivestarError
from flows.logs import log_failure, write_logs
from flows.settings import read_log_format

app = typer.Typer(
    name="fivestar",
    help="A city's monthly five-star results and three-post eighteen-grade proposals.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
month.register(app)
history.register(app)
doctor.register(app)
server.register(app)
status.register(app)
recovery.register(app)
retention.register(app)
compare.register(app)
letters.register(review.app)
objections.register(review.app)
workbook.register(review.app)
remind.register(review.app)
app.add_typer(review.app, name="review")
app.add_typer(notify.app, name="notify")
app.add_typer(alerts.app, name="alerts")
app.add_typer(quality.app, name="quality")
app.add_typer(inspection.policy_app, name="policy")
app.add_typer(explain.app, name="explain")
app.add_typer(quarantine.app, name="quarantine")


def main() -> None:
    """Run the command; a failure that its reader can act on prints one message and sets the exit code."""
    try:
        write_logs(read_log_format())
        app(prog_name="fivestar")
    except FivestarError as error:
        log_failure(str(error), error.exit_code)
        for line in str(error).splitlines():
            print(f"fivestar: {line}", file=sys.stderr)  # noqa: T201 -- the one place where errors are shown
        sys.exit(error.exit_code)
