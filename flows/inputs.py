"""What a month is judged from: gathered as things stand, or rebuilt as an old revision had it; and the judging.

Everything that can move a figure is among the inputs, so judging the same inputs again gives the same result, and
judging them by another policy tells what that policy alone would change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flows.errors import QualityGate, UsageError
from flows.evaluate.assessment import evaluate_month
from flows.house import House, load_archived_policy
from flows.ingest.ingestion import read_sources
from flows.ingest.status import find_source_status
from flows.lake import Landing, TableView
from flows.ledger.register import digest_register
from flows.ledger.results import RevisionRecord
from flows.month import Month
from flows.policy import Policy, load_policy
from flows.results import MonthResult, RegisterRecord, SourceStatus
from flows.review.rows import find_revision


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


def gather_inputs(house: House, month: Month, policy_folder: Path) -> MonthInputs:
    """What `month` would be judged from now, by the policy in `policy_folder`."""
    policy = load_policy(policy_folder)
    sources = read_sources(house)
    cutoff_at = month.cutoff_at(policy.at(month.last_on).integer("five_star.cutoff_day"))
    landings = house.ledger.list_landings()
    earlier = house.ledger.results.find_latest(str(month.plus(-1)))
    register_no = house.ledger.register.find_register_no()
    return MonthInputs(
        month=month,
        landings=landings,
        policy=policy,
        sources=find_source_status(house, sources, month, cutoff_at),
        register=house.ledger.register.list_grades_in_force(month.last_on, register_no=register_no),
        register_no=register_no,
        earlier_revision=None if earlier is None else earlier.revision,
        keeps_roster=any("staff" in source.tables for source in sources),
    )


def take_policy(house: House, inputs: MonthInputs, policy: Policy) -> MonthInputs:
    """The same inputs under another policy; its own cutoff decides which sources are present (policy §3.3)."""
    month = inputs.month
    cutoff_day, before = (it.at(month.last_on).integer("five_star.cutoff_day") for it in (policy, inputs.policy))
    if cutoff_day == before:
        return replace(inputs, policy=policy)
    sources = find_source_status(house, read_sources(house), month, month.cutoff_at(cutoff_day))
    return replace(inputs, policy=policy, sources=sources)


def judge_inputs(inputs: MonthInputs, view: TableView) -> MonthResult:
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


def find_record(house: House, month: Month, revision: int | None) -> RevisionRecord:
    """That revision of the month, or the newest. Raises `QualityGate` or `UsageError` if there is none."""
    newest = find_revision(house.ledger, month)
    if revision is None:
        return newest
    found = house.ledger.results.find_revision(str(month), revision)
    if found is None:
        numbers = ", ".join(str(record.revision) for record in house.ledger.results.list_revisions(str(month)))
        raise UsageError(f"{month} has no revision {revision}. It has {numbers}; name one with --revision.")
    return found


def rebuild_inputs(house: House, record: RevisionRecord) -> MonthInputs:
    """What an old revision was judged from: its landings, its archived policy, its sources and its register.

    Raises `QualityGate` if the policy is not in the archive, a batch has no landing any more, or the register that
    the revision saw can't be had again.
    """
    month = Month.parse(record.month)
    inputs = record.inputs
    landed = {landing.batch_id: landing for landing in house.ledger.list_landings()}
    batch_ids = inputs["batch_ids"]
    lost = sorted(set(batch_ids) - landed.keys())
    if lost:
        raise QualityGate(
            f"{month} revision {record.revision}: {len(lost)} of the batches it was judged from have no landing any "
            f"more, first {lost[0]}. Restore the ledger from a backup of that time."
        )
    register_no = inputs.get("register_no")
    register = house.ledger.register.list_grades_in_force(
        month.last_on, register_no=register_no, recorded_by=record.created_at if register_no is None else None
    )
    if digest_register(register) != inputs["register_digest"]:
        raise QualityGate(
            f"{month} revision {record.revision}: the register up to record {register_no} is not the one that the "
            "revision was judged from. It is append-only, so somebody has changed it: restore the ledger from a "
            "backup."
        )
    return MonthInputs(
        month=month,
        # A batch that landed twice counts where it stood in the order, as it did then.
        landings=[replace(landed[batch_id], landing_no=place) for place, batch_id in enumerate(batch_ids, start=1)],
        policy=load_archived_policy(house, inputs["policy_fingerprint"]),
        sources=[SourceStatus(it["platform"], it["status"], it["evidence"]) for it in inputs["sources"]],
        register=register,
        register_no=register_no or 0,
        earlier_revision=inputs["earlier_revision"],
        keeps_roster=inputs.get("keeps_roster", True),
    )
