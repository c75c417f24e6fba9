"""Another policy on a month's landed data: judged beside the one in use, written to a folder of its own.

Nothing of it enters the month's results, register or outputs: only an outcome row says that it was asked.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.errors import ConfigurationError
from flows.evaluate.compare import compare_results, list_unseen_changes
from flows.house import Clock, House, Progress, ignore_progress, record_step
from flows.inputs import gather_inputs, judge_inputs, take_policy
from flows.locks import hold_file
from flows.month import Month
from flows.moves import CommunityMove, Comparison, CostLine, PolicyChange, WorkerMove
from flows.policy import load_policy, shorten_fingerprint
from flows.report.comparison_page import write_comparison_page
from flows.result_files import ResultFile, format_file
from flows.results import STARS, StarRow

PAGE = "compare.html"

COMMUNITIES = ResultFile(
    "communities",
    (
        "month", "community_code", "district_code", "direction", "stars_before", "stars_after", "total_score_before",
        "total_score_after", "complete_before", "complete_after", "rank_before", "rank_after", "gained", "lost",
        *(
            f"{star}_{name}_{side}" for star in STARS for name in ("state", "score", "reasons")
            for side in ("before", "after")
        ),
    ),
    ("community_code",),
)  # fmt: skip
WORKERS = ResultFile(
    "workers",
    (
        "month", "staff_id", "community_code", "district_code", "post", "direction", "current_grade",
        "entitled_grade_before", "entitled_grade_after", "proposed_grade_before", "proposed_grade_after",
        "kind_before", "kind_after", "needs_manual_before", "needs_manual_after", "reasons_before", "reasons_after",
        "current_pay_before_fen", "current_pay_after_fen", "proposed_pay_before_fen", "proposed_pay_after_fen",
        "monthly_change_fen",
    ),
    ("staff_id",),
)  # fmt: skip
COSTS = ResultFile(
    "costs",
    (
        "month", "level", "district_code", "post", "worker_count", "grade_up_count", "grade_down_count",
        "pay_up_count", "pay_down_count", "without_pay_count", "before_fen", "after_fen", "monthly_change_fen",
        "yearly_change_fen", "standard_change_fen", "raise_cost_before_fen", "raise_cost_after_fen",
        "initial_change_fen",
    ),
    ("level", "district_code", "post"),
)  # fmt: skip
VALUES = ResultFile(
    "policy",
    (
        "month", "path", "title", "change", "in_force", "unit_before", "unit_after", "value_before", "value_after",
        "start_before", "start_after", "tag_before", "tag_after", "reference_before", "reference_after",
    ),
    ("path", "start_before", "start_after"),
)  # fmt: skip

FILES = (COMMUNITIES, WORKERS, COSTS, VALUES)


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison and the folder in which its files lie."""

    comparison: Comparison
    folder: Path


def compare_policies(
    house: House, month: Month, policy_folder: Path, clock: Clock, *, progress: Progress = ignore_progress
) -> ComparisonReport:
    """Judge `month` by the policy in use and by that of `policy_folder`, on the same inputs, and write what moves.

    The files lie in `<home>/compare/<month>-<start of each policy's fingerprint>/`; an equal comparison gives
    equal bytes. Raises `ConfigurationError` for a policy that is wrong or not in force, and `QualityGate` for a
    month without data.
    """
    with record_step(house, "compare", clock, month=month) as counts:
        comparison = _judge_both(house, month, policy_folder, progress)
        counts.update(
            policy_fingerprint=comparison.fingerprint_before,
            other_fingerprint=comparison.fingerprint_after,
            communities_moved=sum(move.is_judged_otherwise for move in comparison.communities),
            workers_moved=sum(move.is_treated_otherwise for move in comparison.workers),
            monthly_change_fen=comparison.total.monthly_change_fen,
        )
        progress(f"writing the comparison of {month}", 0)
        folder = _write_comparison(house.settings.home, comparison)
    return ComparisonReport(comparison, folder)


def _judge_both(house: House, month: Month, policy_folder: Path, progress: Progress) -> Comparison:
    inputs = gather_inputs(house, month, house.settings.config / "policy")
    with _blame(policy_folder):
        other = take_policy(house, inputs, load_policy(policy_folder))
    with house.view(list(inputs.landings)) as view:
        progress(f"judging {month} by the policy in use", 0)
        before = judge_inputs(inputs, view)
        progress(f"judging {month} by the other policy", 0)
        with _blame(policy_folder):
            after = judge_inputs(other, view)
    unseen = list_unseen_changes(inputs.policy, other.policy, month)
    return compare_results(before, after, unseen_changes=unseen)


@contextmanager
def _blame(policy_folder: Path) -> Iterator[None]:
    """Say of a mistake in the other policy that it stands there: two policies are read."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"the other policy, {policy_folder}: {error}") from None


def _write_comparison(home: Path, comparison: Comparison) -> Path:
    """The comparison's folder with all its files, written aside and renamed."""
    fingerprints = map(shorten_fingerprint, (comparison.fingerprint_before, comparison.fingerprint_after))
    name = "-".join([str(comparison.month), *fingerprints])
    folder = home / "compare" / name
    aside, old = folder.with_name(f".{name}.new"), folder.with_name(f".{name}.old")
    with hold_file(
        home / "locks" / f"compare-{name}.lock", f"{folder}: another run is writing this very comparison."
    ):
        for leftover in (aside, old):
            shutil.rmtree(leftover, ignore_errors=True)
        aside.mkdir(parents=True)
        for file, content in format_comparison(comparison).items():
            (aside / file).write_bytes(content)
        write_comparison_page(aside / PAGE, comparison)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    return folder


def format_comparison(comparison: Comparison) -> dict[str, bytes]:
    """The comparison's CSV files by name: every community and worker, the costs, and the values that differ."""
    rows: dict[ResultFile, list[dict[str, Any]]] = {
        COMMUNITIES: [_make_community_row(move) for move in comparison.communities],
        WORKERS: [_make_worker_row(move) for move in comparison.workers],
        COSTS: [_make_cost_row(line) for line in comparison.costs],
        VALUES: [
            *(_make_policy_row(change, in_force=True) for change in comparison.policy_changes),
            *(_make_policy_row(change, in_force=False) for change in comparison.unseen_changes),
        ],
    }
    about = {"month": str(comparison.month)}
    return {file.file_name: format_file(file, [{**about, **row} for row in rows[file]]) for file in FILES}


def _make_community_row(move: CommunityMove) -> dict[str, Any]:
    row: dict[str, Any] = {
        "community_code": move.community.community_code,
        "district_code": move.community.district_code,
        "direction": move.direction,
        "gained": move.gained,
        "lost": move.lost,
    }
    for side, rating, stars in (
        ("before", move.before, move.stars_before),
        ("after", move.after, move.stars_after),
    ):
        for name in ("stars", "total_score", "complete", "rank"):
            row[f"{name}_{side}"] = getattr(rating, name)
        for star in stars:
            row |= _make_star_cells(star, side)
    return row


def _make_star_cells(row: StarRow, side: str) -> dict[str, Any]:
    return {f"{row.star}_{name}_{side}": getattr(row, name) for name in ("state", "score", "reasons")}


def _make_worker_row(move: WorkerMove) -> dict[str, Any]:
    """A worker by number alone: whoever needs the name has the roster."""
    row: dict[str, Any] = {
        "staff_id": move.after.staff_id,
        "community_code": move.after.community_code,
        "district_code": move.district_code,
        "post": move.after.post,
        "direction": move.direction,
        "current_grade": move.before.current_grade,
        "monthly_change_fen": move.monthly_change_fen,
    }
    for side, proposal, pay in (("before", move.before, move.pay_before), ("after", move.after, move.pay_after)):
        for name in ("entitled_grade", "proposed_grade", "kind", "needs_manual", "reasons"):
            row[f"{name}_{side}"] = getattr(proposal, name)
        row[f"current_pay_{side}_fen"] = pay.current_fen
        row[f"proposed_pay_{side}_fen"] = pay.proposed_fen
    return row


def _make_cost_row(line: CostLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in COSTS.columns if name != "month"}


def _make_policy_row(change: PolicyChange, *, in_force: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": change.known.path,
        "title": _neutralise(change.known.title),
        "change": change.kind,
        "in_force": in_force,
    }
    for side, value in (("before", change.before), ("after", change.after)):
        for name in ("unit", "value", "tag", "reference"):
            row[f"{name}_{side}"] = None if value is None else _neutralise(getattr(value, name))
        row[f"start_{side}"] = None if value is None else value.start_on
    return row


def _neutralise(text: str) -> str:
    """Text that a spreadsheet would take for a formula, kept as text by an apostrophe."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
