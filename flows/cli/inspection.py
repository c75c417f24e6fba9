"""Commands that only show: policy show, policy check."""

from collections import Counter
from typing import Annotated

import typer

from flows.cli.options import Config, Home, parse_day, read_clock
from flows.month import city_day

policy_app = typer.Typer(help="The policy's values.", no_args_is_help=True)

At = Annotated[str | None, typer.Option("--at", metavar="DATE", help="The day asked for (default: today).")]
CheckedAt = Annotated[
    str | None, typer.Option("--at", metavar="DATE", help="Count the values of this day (default: of all days).")
]


@policy_app.command()
def show(home: Home = None, config: Config = None, at: At = None) -> None:
    """Show every value in force with its tag, where it stands and when it was last confirmed."""
    from flows.policy import load_policy
    from flows.settings import load_settings

    day = city_day(read_clock()) if at is None else parse_day("--at", at)
    policy = load_policy(load_settings(home, config).config / "policy")
    policy.refuse_unless_in_force(day)
    typer.echo("path\tvalue\tunit\ttag\tstart\treference\tconfirmed_on")
    for it in policy.at(day).values():
        reference = " ".join(it.reference.split())
        typer.echo(
            f"{it.path}\t{it.value}\t{it.unit}\t{it.tag}\t{it.start_on}\t{reference}\t{it.confirmed_on}",
        )


@policy_app.command()
def check(home: Home = None, config: Config = None, at: CheckedAt = None) -> None:
    """Check every value of every day; print the fingerprint, the days in force and how many values are sourced."""
    from flows.policy import load_policy
    from flows.policy_files import TAGS
    from flows.settings import load_settings

    day = None if at is None else parse_day("--at", at)
    folder = load_settings(home, config).config
    policy = load_policy(folder / "policy")
    if day is not None:
        policy.refuse_unless_in_force(day)
    tags = Counter(policy.list_tags(day))
    typer.echo(f"fingerprint\t{policy.fingerprint}")
    typer.echo(f"first_on\t{policy.first_on}")
    typer.echo(f"ended_on\t{policy.ended_on or ''}")
    typer.echo(f"values\t{tags.total()}")
    for tag in TAGS:
        typer.echo(f"{tag}\t{tags[tag]}")
    for warning in policy.list_absent_sources(folder / "platforms", day):
        typer.echo(f"warning: {warning}", err=True)
