"""Commands that only show: policy show, policy check."""

from datetime import date
from typing import Annotated

import typer

from flows.cli.options import Config, Home, read_clock
from flows.errors import ConfigurationError, UsageError
from flows.month import city_day

policy_app = typer.Typer(help="The policy's values.", no_args_is_help=True)

At = Annotated[str | None, typer.Option("--at", metavar="DATE", help="The day asked for (default: today).")]


@policy_app.command()
def show(home: Home = None, config: Config = None, at: At = None) -> None:
    """Show every value in force with its tag and where it stands."""
    from flows.policy import load_policy
    from flows.settings import load_settings

    day = _parse_day(at)
    policy = load_policy(load_settings(home, config).config / "policy")
    values = policy.at(day).values()
    if not values:
        raise ConfigurationError(f"no policy value is in force on {day}. Ask for a later day with --at.")
    typer.echo("path\tvalue\tunit\ttag\tstart\treference")
    for value in values:
        typer.echo(f"{value.path}\t{value.value}\t{value.unit}\t{value.tag}\t{value.start_on}\t{value.reference}")


@policy_app.command()
def check(home: Home = None, config: Config = None, at: At = None) -> None:
    """Check the policy files and print their fingerprint."""
    from flows.policy import load_policy
    from flows.settings import load_settings

    day = _parse_day(at)
    policy = load_policy(load_settings(home, config).config / "policy")
    count = len(policy.at(day).values())
    typer.echo(f"{count} values in force, fingerprint {policy.fingerprint}")


def _parse_day(text: str | None) -> date:
    if text is None:
        return city_day(read_clock())
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text!r} is not a date. Write it as 2024-03-31.") from None
