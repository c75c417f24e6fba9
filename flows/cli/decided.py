"""What a command says, to its reader and to Prefect, once nothing of a month's review is open any more."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from flows.house import House
    from flows.month import Month


def tell_decided(house: "House", month: "Month") -> None:
    """Say that nothing of the month is open any more, also to Prefect where a server is configured.

    Whatever the server answers, the decisions stand: one that can't be reached is a warning.
    """
    # Prefect costs seconds to import, and only the last decision of a month needs it.
    from flows.review.flow import EventNotSent, emit_decided
    from flows.review.standing import find_standing

    try:
        was_sent = emit_decided(find_standing(house.ledger, month))
    except EventNotSent as error:
        typer.echo(
            f"warning: the review of {month} is decided, but Prefect could not be told ({error}). The decisions "
            "stand. The deployment review-watch tells it on the next working day; or publish now: "
            f"fivestar publish --month {month}",
            err=True,
        )
        return
    rest = "Prefect was told, and publishes it." if was_sent else f"Publish it: fivestar publish --month {month}"
    typer.echo(f"The review of {month} is decided. {rest}", err=True)
