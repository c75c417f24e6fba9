"""Workers and policy to build grade and pay cases from: a case names only what it is about."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from flows.evaluate.grades import propose_grades
from flows.evaluate.workers import RosterRow, Sanction
from flows.policy import Policy, load_policy
from flows.results import Proposal, RegisterRecord

POLICY_FOLDER = Path(__file__).parents[2] / "config" / "policy"
EFFECTIVE_ON = date(2024, 4, 1)
WORKER = "S0001"
NEW_TODAY = EFFECTIVE_ON
"""A start of service that gives 0 months, and needs no appraisal of 2023."""


@cache
def shipped_policy() -> Policy:
    return load_policy(POLICY_FOLDER)


def policy_with_base(base_fen: int) -> Policy:
    """The shipped policy, but with a base pay."""
    leaves = dict(shipped_policy().leaves)
    leaf = leaves["pay.base_fen"]
    leaves["pay.base_fen"] = replace(leaf, entries=(replace(leaf.entries[0], value=base_fen),))
    return Policy(leaves)


def make_worker(**changed: Any) -> RosterRow:
    """A worker of post `other` who started today, with nothing that counts."""
    worker = RosterRow(
        month="2024-03",
        staff_id=WORKER,
        name="测试人员",
        community_code="410202001001",
        post="other",
        committee_member=False,
        employment="hired",
        degree="none",
        certificate="none",
        certificate_on=None,
        service_start_on=NEW_TODAY,
        prior_service_months=0,
        current_grade=None,
    )
    return replace(worker, **changed)


def make_record(**changed: Any) -> RegisterRecord:
    """A register record of post `other`, grade 1, without degree or certificate."""
    record = RegisterRecord(
        staff_id=WORKER, post="other", grade=1, degree="none", certificate="none", effective_on=date(2021, 4, 1)
    )
    return replace(record, **changed)


def propose(
    worker: RosterRow,
    record: RegisterRecord | None = None,
    outcomes: dict[int, str] | None = None,
    sanctions: tuple[tuple[str, date], ...] = (),
    effective_on: date = EFFECTIVE_ON,
) -> Proposal:
    """The proposal for one worker by the shipped policy; `outcomes` by year, `sanctions` as kind and day."""
    [proposal] = propose_grades(
        [worker],
        {record.staff_id: record} if record else {},
        {(worker.staff_id, year): outcome for year, outcome in (outcomes or {}).items()},
        [Sanction(worker.staff_id, kind, day) for kind, day in sanctions],
        shipped_policy().at(effective_on),
        effective_on=effective_on,
    )
    return proposal
