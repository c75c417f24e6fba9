"""Commands of HR's side: review list, status, approve, reject, return, later, reverse."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from flows.cli.decided import tell_decided
from flows.cli.options import (
    Config,
    Home,
    MonthText,
    check_word,
    open_installation,
    open_installation_to_decide,
    read_clock,
)
from flows.errors import DecisionRefused, UsageError
from flows.month import CITY_ZONE, Month

if TYPE_CHECKING:
    from flows.ledger.review_rows import Verdict
    from flows.review.decisions import DecisionReport
    from flows.review.people import ReviewPeople
    from flows.review.rows import ReviewRow

app = typer.Typer(help="HR's side: see the proposals and decide.", no_args_is_help=True)

LIST_COLUMNS = (
    "staff_id", "kind", "current", "proposed", "needs_manual", "reasons", "decision", "published_grade",
    "district_code", "preparer", "objection",
)  # fmt: skip

Reviewer = Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who decides; recorded.")]
Staff = Annotated[list[str] | None, typer.Option("--staff", metavar="ID", help="This worker; may be repeated.")]
Everyone = Annotated[bool, typer.Option("--all", help="All that may be decided in bulk.")]
Comment = Annotated[str, typer.Option("--comment", help="Why; recorded, and told in the worker's letter.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be recorded, and record nothing.")]


@app.command("list")
def list_proposals(
    month: MonthText,
    home: Home = None,
    config: Config = None,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Only of this kind: initial, raise, post_change, review, hold or none."),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE", help="Only those open, prepared, approved, rejected, returned, later or reversed."
        ),
    ] = None,
    district: Annotated[str | None, typer.Option(metavar="CODE", help="Only workers of this district.")] = None,
    post: Annotated[
        str | None, typer.Option(metavar="POST", help="Only at this post: principal, deputy or other.")
    ] = None,
    manual: Annotated[bool, typer.Option("--manual", help="Only those that need a person's look.")] = False,
) -> None:
    """List the proposals of the newest revision, tab-separated, with the decision that holds.

    `published_grade` is what the register holds from the month: where it differs, this is an amendment.
    """
    from flows.results import ProposalKind
    from flows.review.rows import ProposalState, list_review, list_standing_lines
    from flows.schema import POSTS

    check_word("--kind", kind, get_args(ProposalKind))
    check_word("--state", state, [_name_state(it) for it in get_args(ProposalState) if it != "none"])
    check_word("--post", post, POSTS)
    with open_installation(home, config) as house:
        rows = list_review(house.ledger, Month.parse(month))
        lines = list_standing_lines(house.ledger.register.list_month(str(Month.parse(month))))
    published = {line.record.staff_id: str(line.record.grade) for line in lines}
    typer.echo("\t".join(LIST_COLUMNS))
    for row in rows:
        proposal = row.proposal
        wanted = (
            (kind, proposal.kind),
            (post, proposal.post),
            (district, row.district_code),
            (manual or None, proposal.needs_manual),
        )
        if all(want in (None, found) for want, found in wanted) and state in (None, _name_state(row.state)):
            typer.echo("\t".join(_describe_row(row, published.get(proposal.staff_id, ""))))


def _describe_row(row: "ReviewRow", published_grade: str) -> tuple[str, ...]:
    proposal = row.proposal
    return (
        proposal.staff_id,
        proposal.kind,
        "" if proposal.current_grade is None else str(proposal.current_grade),
        str(proposal.proposed_grade),
        str(proposal.needs_manual).lower(),
        ";".join(proposal.reasons),
        "" if row.state == "none" else _name_state(row.state),
        published_grade,
        row.district_code or "",
        row.preparation.preparer if row.preparation else "",
        str(row.objections[0].id) if row.objections else "",
    )


def _name_state(state: str) -> str:
    return "open" if state == "proposed" else state


@app.command()
def status(month: MonthText, home: Home = None, config: Config = None) -> None:
    """Say whether the month's review is open, decided or published, and what is left."""
    from flows.review.standing import find_standing

    with open_installation(home, config) as house:
        standing = find_standing(house.ledger, Month.parse(month))
    typer.echo(f"{standing.month} revision {standing.revision}: {standing.state}")
    for state, count in sorted(standing.counts.items()):
        typer.echo(f"{'nothing to decide' if state == 'none' else _name_state(state)}: {count}")
    if standing.opened_at is not None:
        opened_at = standing.opened_at.astimezone(CITY_ZONE).isoformat(timespec="seconds")
        typer.echo(f"open since {opened_at}; to be decided one by one: {standing.manual_count}")
    if standing.unsupported_count:
        typer.echo(f"published, and not proposed any more: {standing.unsupported_count} (fivestar review list)")
    if standing.waiting_count:
        typer.echo(f"to be published: {standing.waiting_count}")


@app.command()
def approve(
    month: MonthText,
    reviewer: Reviewer,
    home: Home = None,
    config: Config = None,
    staff: Staff = None,
    everyone: Everyone = False,
    comment: Comment = "",
    dry_run: DryRun = False,
) -> None:
    """Approve proposals, or prepare them where config/review.yaml asks for two persons.

    `--all` leaves out those that need a person's look: approve them by `--staff`, with a comment.
    """
    _decide(home, config, month, "approved", reviewer, staff, everyone, comment, dry_run)


@app.command()
def reject(
    month: MonthText,
    reviewer: Reviewer,
    home: Home = None,
    config: Config = None,
    staff: Staff = None,
    everyone: Everyone = False,
    comment: Comment = "",
    dry_run: DryRun = False,
) -> None:
    """Reject proposals, or prepare that where config/review.yaml asks for two persons."""
    _decide(home, config, month, "rejected", reviewer, staff, everyone, comment, dry_run)


@app.command("return")
def return_to_preparer(
    month: MonthText,
    reviewer: Reviewer,
    home: Home = None,
    config: Config = None,
    staff: Staff = None,
    everyone: Everyone = False,
    comment: Comment = "",
    dry_run: DryRun = False,
) -> None:
    """Return proposals with a question, which --comment asks; they stay open."""
    _decide(home, config, month, "returned", reviewer, staff, everyone, comment, dry_run)


@app.command()
def later(
    month: MonthText,
    reviewer: Reviewer,
    home: Home = None,
    config: Config = None,
    staff: Staff = None,
    everyone: Everyone = False,
    comment: Comment = "",
    dry_run: DryRun = False,
) -> None:
    """Put proposals off: the month's review goes on without them."""
    _decide(home, config, month, "later", reviewer, staff, everyone, comment, dry_run)


@app.command()
def reverse(
    month: MonthText,
    reviewer: Reviewer,
    staff: Annotated[list[str], typer.Option("--staff", metavar="ID", help="This worker; may be repeated.")],
    comment: Annotated[str, typer.Option("--comment", help="Why; recorded.")],
    home: Home = None,
    config: Config = None,
    dry_run: DryRun = False,
) -> None:
    """Take a published grade back, from the next publication on; what was in force before holds again."""
    from flows.review.people import load_review_settings
    from flows.review.reversal import reverse as take_back

    now = read_clock()
    with open_installation_to_decide(home, config, now) as house:
        people = load_review_settings(house.settings.config).people
        report = take_back(
            house.ledger,
            Month.parse(month),
            staff,
            reviewer=check_reviewer(reviewer),
            comment=check_text("--comment", comment),
            decided_at=now,
            people=people,
            dry_run=dry_run,
        )
    warn_of_nobody(people)
    tell_dry_run(dry_run)
    typer.echo(f"reversed: {report.decided_count}")
    if report.prepared_count:
        typer.echo(f"prepared: {report.prepared_count}")
    if report.decided_count and not dry_run:
        typer.echo(f"Publish to put it into force: fivestar publish --month {month}", err=True)


def check_reviewer(reviewer: str) -> str:
    """The name without blanks around it. Raises `UsageError` for one that can't be recorded."""
    from flows.review.people import check_name

    try:
        return check_name(reviewer)
    except ValueError as error:
        raise UsageError(f"--reviewer: {error}. Give the name of the person who decides.") from None


def check_text(option: str, text: str) -> str:
    """The text as given. Raises `UsageError`, which names the option, if the terminal's coding isn't UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{option} is not UTF-8. Set the terminal to UTF-8 and write it again.") from None
    return text


def tell_dry_run(dry_run: bool) -> None:
    """Say that what follows was only tried."""
    if dry_run:
        typer.echo("dry run: nothing was recorded")


def warn_of_nobody(people: "ReviewPeople") -> None:
    """Say on stderr that one person decides alone as long as nobody is named."""
    if not people.is_set_up:
        typer.echo(
            "warning: review.yaml names nobody, so anybody may decide alone. Name reviewers and approvers before a "
            "real month.",
            err=True,
        )


def _decide(
    home: Path | None,
    config: Path | None,
    month: str,
    verdict: "Verdict",
    reviewer: str,
    staff: list[str] | None,
    everyone: bool,
    comment: str,
    dry_run: bool,
) -> None:
    from flows.review.decisions import decide
    from flows.review.people import load_review_settings

    if bool(staff) == everyone:
        raise UsageError("Say whom: either --staff ID (repeatable) or --all.")
    now = read_clock()
    with open_installation_to_decide(home, config, now) as house:
        people = load_review_settings(house.settings.config).people
        report = decide(
            house.ledger,
            Month.parse(month),
            verdict,
            reviewer=check_reviewer(reviewer),
            staff_ids=staff or None,
            comment=check_text("--comment", comment),
            decided_at=now,
            people=people,
            dry_run=dry_run,
        )
        warn_of_nobody(people)
        tell_dry_run(dry_run)
        typer.echo(f"{verdict}: {report.count('decided')}")
        _echo_rest(report)
        if report.refusals and len(report.refusals) == len(report.judgements):
            raise DecisionRefused(
                f"{month}: none of {len(report.refusals)} proposals could be taken, for the reasons above."
            )
        if report.settles_review:
            tell_decided(house, Month.parse(month))


def _echo_rest(report: "DecisionReport") -> None:
    if report.count("prepared"):
        typer.echo(f"prepared: {report.count('prepared')}")
    for code, count in sorted(Counter(refusal.code for refusal in report.refusals).items()):
        typer.echo(f"left out, {code}: {count}", err=True)
