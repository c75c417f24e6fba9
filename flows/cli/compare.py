"""The command that tries another policy out: compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Home, MonthText, open_installation, read_clock
from flows.month import Month

if TYPE_CHECKING:
    from flows.comparison import ComparisonReport
    from flows.moves import Comparison, CostLine
    from flows.policy import PolicyValue


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(compare)


def compare(
    month: MonthText,
    policy: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the policy to try out.")],
    home: Home = None,
    config: Config = None,
) -> None:
    """Judge a month by another policy beside the one in use: who moves, and what it costs. No result is changed.

    The files, and a page to show, go to `<home>/compare/`; docs/policy-changes.md says how to read them.
    """
    from flows.cli.progress import show_progress
    from flows.comparison import compare_policies

    chosen = Month.parse(month)
    with open_installation(home, config) as house, show_progress() as progress:
        report = compare_policies(house, chosen, policy, read_clock, progress=progress)
    _echo_report(report, policy)


def _echo_report(report: "ComparisonReport", policy: Path) -> None:
    from flows.policy import shorten_fingerprint

    found = report.comparison
    fingerprint = shorten_fingerprint(found.fingerprint_after)
    typer.echo(f"{found.month}: the policy in {policy} ({fingerprint}) beside the one in use")
    _echo_policy(found)
    _echo_communities(found)
    _echo_workers(found)
    _echo_cost(found)
    typer.echo(f"files: {report.folder}")


def _echo_policy(found: "Comparison") -> None:
    if found.fingerprint_before == found.fingerprint_after:
        typer.echo("policy: the two are the same, so nothing differs")
    elif not found.policy_changes:
        typer.echo("policy: no value that this month is judged by differs")
    for change in found.policy_changes:
        before, after = _describe_side(change.before, change.after), _describe_side(change.after, change.before)
        typer.echo(f"policy: {change.known.path}: {before} → {after}")
    for change in found.unseen_changes:
        typer.echo(
            f"warning: {change.known.path} differs from {change.known.start_on} on, but {found.month} isn't judged "
            "by that value: these figures don't show its effect. Start it earlier in a copy of the policy to see it.",
            err=True,
        )


def _describe_side(value: "PolicyValue | None", other: "PolicyValue | None") -> str:
    """What one policy has that the other has otherwise, with its tag."""
    from flows.wording import split_policy_figure

    if value is None:
        return "none"
    parts = split_policy_figure(value, other)
    shown = [part for part, differs in parts if differs] or [part for part, _ in parts]
    return f"{'；'.join(shown)} ({value.tag})"


def _echo_communities(found: "Comparison") -> None:
    directions = [move.direction for move in found.communities]
    otherwise_count = sum(move.direction == "same" and move.is_judged_otherwise for move in found.communities)
    typer.echo(
        f"communities: {directions.count('up')} with more stars, {directions.count('down')} with fewer, "
        f"{directions.count('swapped')} with as many but others, {directions.count('same')} with the same stars, "
        f"{otherwise_count} of these with another score, state or rank"
    )


def _echo_workers(found: "Comparison") -> None:
    directions = [move.direction for move in found.workers]
    otherwise_count = sum(move.direction == "same" and move.is_treated_otherwise for move in found.workers)
    before, after = found.count_workloads()
    typer.echo(
        f"workers: {directions.count('up')} at a higher proposed grade, {directions.count('down')} at a lower one, "
        f"{otherwise_count} at the same one but judged otherwise, of {len(directions)}"
    )
    typer.echo(
        f"before HR: {before.awaiting_count} → {after.awaiting_count} awaiting a decision, "
        f"of them {before.manual_count} → {after.manual_count} one by one "
        f"and {before.review_count} → {after.review_count} under review; "
        f"{before.held_count} → {after.held_count} on hold"
    )


def _echo_cost(found: "Comparison") -> None:
    from flows.wording import format_signed_yuan

    total = found.total
    if total.monthly_change_fen is None or total.yearly_change_fen is None:
        lacking = [
            name
            for name, is_paid in (("the policy in use", found.is_paid_before), ("the other one", found.is_paid_after))
            if not is_paid
        ]
        typer.echo(f"pay: not computed, for {' and '.join(lacking)} sets no base (pay.base_fen)")
    else:
        typer.echo(
            f"pay: {format_signed_yuan(total.monthly_change_fen)} yuan a month, "
            f"{format_signed_yuan(total.yearly_change_fen)} a year; "
            f"{total.pay_up_count} workers would get more, {total.pay_down_count} less"
        )
        _echo_raises(total)
    if found.funds_before != found.funds_after:
        typer.echo(
            f"work funds: {found.funds_before.community_count} → {found.funds_after.community_count} communities"
        )


def _echo_raises(total: "CostLine") -> None:
    from flows.wording import format_signed_yuan

    if total.raise_cost_before_fen is not None and total.raise_cost_after_fen is not None:
        typer.echo(
            f"proposed raises: {format_signed_yuan(total.raise_cost_before_fen)} → "
            f"{format_signed_yuan(total.raise_cost_after_fen)} yuan a month over the current grades"
        )
