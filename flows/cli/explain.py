"""Commands that explain a stored result: explain community, explain staff."""

from typing import Annotated

import typer

from flows.cli.options import Config, Home, MonthText, Revision, open_installation
from flows.month import Month

app = typer.Typer(help="How a stored result came about, step by step, in Chinese.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="For programs; the keys stand in docs/explain.md.")]


@app.command()
def community(
    community_code: Annotated[str, typer.Argument(metavar="CODE", help="The community's 12 digits.")],
    month: MonthText,
    home: Home = None,
    config: Config = None,
    events: Annotated[
        bool, typer.Option("--events", help="List the events and grids that counted against each indicator.")
    ] = False,
    as_json: AsJson = False,
    revision: Revision = None,
) -> None:
    """Explain a community's stars: counts, arithmetic, policy values, and the batches behind them."""
    from flows.evaluate.explain.community_text import write_community
    from flows.evaluate.explain.document import write_document
    from flows.explanation import explain_community_month

    chosen = Month.parse(month)
    with open_installation(home, config) as house:
        heading, explanation = explain_community_month(
            house, chosen, community_code, revision=revision, with_events=events
        )
    if as_json:
        typer.echo(write_document("community", heading, explanation))
    else:
        typer.echo(write_community(heading, explanation), nl=False)


@app.command()
def staff(
    staff_id: Annotated[str, typer.Argument(metavar="ID", help="The worker's number.")],
    month: MonthText,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
    revision: Revision = None,
) -> None:
    """Explain a worker's proposal: every step and clause, pay, decisions, register, and the records behind them."""
    from flows.evaluate.explain.document import write_document
    from flows.evaluate.explain.worker_text import write_worker
    from flows.explanation import explain_staff_month

    chosen = Month.parse(month)
    with open_installation(home, config) as house:
        heading, explanation, name = explain_staff_month(house, chosen, staff_id, revision=revision)
    if as_json:
        typer.echo(write_document("staff", heading, explanation))
    else:
        typer.echo(write_worker(heading, explanation, name), nl=False)
