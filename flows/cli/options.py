"""Options that every command takes, and what commands share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.errors import UsageError
from flows.month import CITY_ZONE

if TYPE_CHECKING:
    from flows.house import House

Home = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the state lies (default: ./var, or FIVESTAR_HOME).", show_default=False),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="The configuration folder (default: ./config, or FIVESTAR_CONFIG).", show_default=False
    ),
]
Revision = Annotated[
    int | None, typer.Option("--revision", metavar="N", help="This revision (default: the newest).", min=1)
]
MonthText = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month, as YYYY-MM.")]


def read_clock() -> datetime:
    """The present instant, in UTC: the command line's only clock."""
    return datetime.now(UTC)


def parse_day(option: str, text: str) -> date:
    """The day written YYYY-MM-DD. Raises `UsageError`, which names the option, for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a date. Write it as 2024-03-31.") from None


def parse_instant(option: str, text: str) -> datetime:
    """The instant written in ISO 8601, in UTC; without an offset it is read on the city's clock.

    Raises `UsageError`, which names the option, for anything else.
    """
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=CITY_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text!r} cannot be read. Write it as 2024-03-01T00:00:00+08:00.") from None


def check_word(option: str, word: str | None, known: Sequence[str]) -> None:
    """Refuse a word that the option does not know. Raises `UsageError`, which names those it does."""
    if word is not None and word not in known:
        raise UsageError(f"{option} is {word!r}. Choose one of: {', '.join(known)}.")


@contextmanager
def open_installation(home: Path | None, config: Path | None) -> Iterator["House"]:
    """The installation's stores, closed at the end."""
    from flows.disk import explain_full_disk
    from flows.house import open_house
    from flows.settings import load_settings

    settings = load_settings(home, config)
    with explain_full_disk(settings.home), open_house(settings) as house:
        yield house


@contextmanager
def open_installation_to_decide(home: Path | None, config: Path | None, now: datetime) -> Iterator["House"]:
    """The installation's stores for what is written down as a person's word.

    Raises `ConfigurationError` if the clock is wrong, for the word would bear a wrong date for good.
    """
    with open_installation(home, config) as house:
        house.refuse_wrong_clock(now)
        yield house
