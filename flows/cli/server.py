"""Commands for Prefect on this machine: up, down, deploy."""

from typing import Annotated

import typer

from flows.cli.options import Config, Home, read_clock


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (up, down, deploy):
        app.command()(command)


def up(
    home: Home = None,
    config: Config = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=65535, help="The server's port (default: 4200, or that of the running one)."
        ),
    ] = None,
) -> None:
    """Start a Prefect server and a worker on this machine, with everything deployed; what runs is left alone."""
    from flows.server.starting import bring_up
    from flows.settings import load_settings

    bring_up(load_settings(home, config), port, read_clock, typer.echo)


def down(
    home: Home = None,
    config: Config = None,
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="How long runs in flight may take to end by themselves.")
    ] = 60,
) -> None:
    """End the worker and the server that up started, and nothing else."""
    from flows.server.stopping import take_down
    from flows.settings import load_settings

    take_down(load_settings(home, config), wait, typer.echo)


def deploy(home: Home = None, config: Config = None) -> None:
    """Give the Prefect server that PREFECT_API_URL names its work pool, limits and deployments; start nothing."""
    from flows.server.starting import equip_server
    from flows.settings import load_settings

    equip_server(load_settings(home, config), read_clock, typer.echo)
