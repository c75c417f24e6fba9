"""What a month is judged from: gathered as things stand, or rebuilt as an old revision had it; and the judging.

Everything that can move a figure is among the inputs, so judging the same inputs again gives the same result, and
judging them by another policy tells what that policy alone would change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flows.evaluate.assessment import evaluate_month
from flows.house import House
from flows.ingest.ingestion import read_sources
from flows.ingest.status import find_source_status
from flows.lake import LakeView, Landing
from flows.month import Month
from flows.policy import Policy, load_policy
from flows.results import MonthResult, RegisterRecord, SourceStatus


@dataclass(frozen=True)
class MonthInputs:
    """Everything that a month's result depends on.

    `register` holds each worker's record in force on the month's last day; `register_no` is the newest register
    record known then. `earlier_revision` is the newest one of the month before; `keeps_roster` says whether any
    source is configured to fill `staff`.
    """

    month: Month
    landings: Sequence[Landing]
    policy: Policy
    sources: Sequence[SourceStatus]
    register: Mapping[str, RegisterRecord]
    register_no: int
    earlier_revision: int | None
    keeps_roster: bool

    def under(self, policy: Policy) -> "MonthInputs":
        """The same inputs, to be judged by another policy."""
        return replace(self, policy=policy)


def gather_inputs(house: House, month: Month, policy_folder: Path) -> MonthInputs:
    """What `month` would be judged from now, by the policy in `policy_folder`."""
    policy = load_policy(policy_folder)
    sources = read_sources(house)
    cutoff_at = month.cutoff_at(policy.at(month.last_on).integer("five_star.cutoff_day"))
    landings = house.ledger.list_landings()
    earlier = house.ledger.results.find_latest(str(month.plus(-1)))
    register_no = house.ledger.reviews.find_register_no()
    return MonthInputs(
        month=month,
        landings=landings,
        policy=policy,
        sources=find_source_status(house, sources, month, cutoff_at),
        register=house.ledger.reviews.list_grades_in_force(month.last_on, register_no=register_no),
        register_no=register_no,
        earlier_revision=None if earlier is None else earlier.revision,
        keeps_roster=any("staff" in source.tables for source in sources),
    )


def judge_inputs(inputs: MonthInputs, view: LakeView) -> MonthResult:
    """The month's result from its inputs; `view` is that of their landings."""
    return evaluate_month(
        view,
        month=inputs.month,
        policy=inputs.policy,
        sources=inputs.sources,
        register=inputs.register,
        register_no=inputs.register_no,
        batch_ids=[landing.batch_id for landing in inputs.landings],
        earlier_revision=inputs.earlier_revision,
        keeps_roster=inputs.keeps_roster,
    )
