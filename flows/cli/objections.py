"""Commands of a worker's objection: review object, answer, objections."""

from datetime import date
from typing import Annotated, cast, get_args

import typer

from flows.cli.options import (
    Config,
    Home,
    MonthText,
    check_word,
    open_installation,
    open_installation_to_decide,
    parse_day,
    read_clock,
)
from flows.cli.review import Reviewer, check_reviewer, check_text, warn_of_nobody
from flows.errors import UsageError
from flows.month import Month, city_day

COLUMNS = ("objection", "month", "staff_id", "decision", "filed_on", "due_on", "answer", "answered_by")


def register(app: typer.Typer) -> None:
    """Add these commands to `fivestar review`."""
    for command in (answer, objections):
        app.command()(command)
    app.command("object")(open_objection)


def open_objection(
    month: MonthText,
    staff: Annotated[str, typer.Option("--staff", metavar="ID", help="Who objects.")],
    reviewer: Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who writes it down; recorded.")],
    comment: Annotated[str, typer.Option("--comment", help="What the worker says; recorded.")],
    home: Home = None,
    config: Config = None,
    filed_on: Annotated[
        str | None, typer.Option("--filed-on", metavar="DATE", help="When the worker objected (default: today).")
    ] = None,
) -> None:
    """Write down a worker's objection, and say by when it must be answered."""
    from flows.review import objections as desk

    if not comment.strip():
        raise UsageError("--comment is empty. Write down what the worker says.")
    now = read_clock()
    with open_installation_to_decide(home, config, now) as house:
        recorded = desk.open_objection(
            house.ledger,
            Month.parse(month),
            staff,
            statement=check_text("--comment", comment.strip()),
            recorder=check_reviewer(reviewer),
            filed_on=_parse_filed_on(filed_on, city_day(now)),
            recorded_at=now,
            policy_folder=house.settings.config / "policy",
        )
    typer.echo(f"objection {recorded.id}: to be answered by {recorded.due_on}")


def answer(
    objection: Annotated[int, typer.Argument(metavar="OBJECTION", help="Its number.", min=1)],
    outcome: Annotated[str, typer.Option(metavar="OUTCOME", help="upheld or dismissed.")],
    reviewer: Reviewer,
    comment: Annotated[str, typer.Option("--comment", help="Why; recorded.")],
    home: Home = None,
    config: Config = None,
) -> None:
    """Answer an objection. An upheld one opens the proposal again; a published grade is amended or taken back."""
    from flows.ledger.review_rows import Answer
    from flows.review.objections import answer_objection
    from flows.review.people import load_review_settings

    check_word("--outcome", outcome, get_args(Answer))
    now = read_clock()
    with open_installation_to_decide(home, config, now) as house:
        people = load_review_settings(house.settings.config).people
        answered = answer_objection(
            house.ledger,
            objection,
            cast(Answer, outcome),
            reviewer=check_reviewer(reviewer),
            comment=check_text("--comment", comment),
            decided_at=now,
            people=people,
        )
    warn_of_nobody(people)
    found = answered.objection
    typer.echo(f"objection {found.id}: {outcome}")
    if outcome == "upheld":
        typer.echo(
            f"Decide anew on worker {found.staff_id}: fivestar review approve or reject --month {found.month}; a "
            "published grade: fivestar review reverse.",
            err=True,
        )


def objections(
    home: Home = None,
    config: Config = None,
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Only of this month.")] = None,
    unanswered: Annotated[bool, typer.Option("--unanswered", help="Only those that wait for an answer.")] = False,
) -> None:
    """List objections, tab-separated, with their due days and answers."""
    from flows.review.objections import list_objections

    with open_installation(home, config) as house:
        rows = list_objections(house.ledger, None if month is None else Month.parse(month))
        today = city_day(read_clock())
    typer.echo("\t".join(COLUMNS))
    overdue = 0
    for row in rows:
        it, answered = row.objection, row.answer
        if answered is not None and unanswered:
            continue
        overdue += answered is None and it.due_on < today
        cells = (
            it.id, it.month, it.staff_id, it.decision_id or "", it.filed_on, it.due_on,
            answered.verdict if answered else "", answered.reviewer if answered else "",
        )  # fmt: skip
        typer.echo("\t".join(str(cell) for cell in cells))
    if overdue:
        typer.echo(f"warning: {overdue} objections are past their due day.", err=True)


def _parse_filed_on(text: str | None, today: date) -> date:
    day = today if text is None else parse_day("--filed-on", text)
    if day > today:
        raise UsageError(f"--filed-on {day} lies in the future. Write the day on which the worker objected.")
    return day
