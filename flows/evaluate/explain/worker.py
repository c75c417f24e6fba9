"""A worker's proposal and pay explained: every step with its arithmetic, policy values, and the records behind it.

Nothing is judged here: the steps are those of the proposal's trace (policy §4, last paragraph).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flows.evaluate.explain.pay import PayExplanation
from flows.evaluate.pay import AnnualTitle
from flows.ledger.review_rows import ArrearsLine, RecordedDecision, RegisterLine
from flows.month import Month
from flows.policy import PolicyAt, PolicyValue
from flows.results import Proposal, ProposalKind, Step

PAY_PATHS = (
    "pay.base_fen",
    "pay.grade_increment",
    "pay.basic_share",
    "pay.performance_factors",
    "pay.uplift_share",
    "pay.title_stars_minimum",
)


@dataclass(frozen=True)
class StepExplanation:
    """One step of the trace; `policy` names the values that it uses, by path."""

    clause: str
    name: str
    inputs: Mapping[str, Any]
    arithmetic: str
    effect: str
    policy: tuple[str, ...]


@dataclass(frozen=True)
class DecisionExplanation:
    """One person's word on the month's proposal; `holds` if it is on exactly the content explained, and the last."""

    decision_no: int
    revision: int
    verdict: str
    reviewer: str
    comment: str
    in_bulk: bool
    decided_at: datetime
    holds: bool


@dataclass(frozen=True)
class RegisterExplanation:
    """A record of the worker's grade in the register, and the decision that made it."""

    register_no: int
    post: str
    grade: int
    degree: str
    certificate: str
    effective_on: date
    month: str
    revision: int
    decision_no: int
    recorded_at: datetime
    reverses_no: int | None = None
    """The record that this one takes back."""


@dataclass(frozen=True)
class LandedRecord:
    """A landed row that the result was made from: which one, and where it stands in the batch and its file."""

    table: str
    key: Mapping[str, str]
    batch_id: str
    record_no: int
    slot: str


@dataclass(frozen=True)
class WorkerExplanation:
    """Everything that a worker's month was made of; without the name, which no reckoning needs."""

    staff_id: str
    month: Month
    community_code: str
    post: str
    effective_on: date
    kind: ProposalKind
    needs_manual: bool
    reasons: tuple[str, ...]
    current_grade: int | None
    entitled_grade: int
    proposed_grade: int
    steps: tuple[StepExplanation, ...]
    pay: tuple[PayExplanation, ...]
    committee_member: bool
    title: AnnualTitle | None
    decisions: tuple[DecisionExplanation, ...]
    register: tuple[RegisterExplanation, ...]
    arrears: tuple[ArrearsLine, ...]
    records: tuple[LandedRecord, ...]
    policy: tuple[PolicyValue, ...]


def explain_worker(
    proposal: Proposal,
    month: Month,
    policy_at: PolicyAt,
    *,
    pay: Sequence[PayExplanation],
    title: AnnualTitle | None,
    digest: str,
    decisions: Sequence[RecordedDecision],
    register: Sequence[RegisterLine],
    arrears: Sequence[ArrearsLine],
    records: Sequence[LandedRecord],
) -> WorkerExplanation:
    """The worker's month from its proposal; `policy_at` is the policy of its effective date.

    `title` is the community's annual title that moves money then, `digest` that of what is decided on; `decisions`
    are those on this worker's month, the earliest first.
    """
    steps = tuple(_explain_step(step) for step in proposal.trace)
    paths = {path for step in steps for path in step.policy} | set(PAY_PATHS)
    return WorkerExplanation(
        staff_id=proposal.staff_id,
        month=month,
        community_code=proposal.community_code,
        post=proposal.post,
        effective_on=proposal.effective_on,
        kind=proposal.kind,
        needs_manual=proposal.needs_manual,
        reasons=proposal.reasons,
        current_grade=proposal.current_grade,
        entitled_grade=proposal.entitled_grade,
        proposed_grade=proposal.proposed_grade,
        steps=steps,
        pay=tuple(pay),
        committee_member=proposal.committee_member,
        title=title,
        decisions=tuple(_explain_decisions(decisions, digest)),
        register=tuple(_explain_register(line) for line in register),
        arrears=tuple(arrears),
        records=tuple(records),
        policy=tuple(value for value in policy_at.values() if value.path in paths),
    )


def _explain_step(step: Step) -> StepExplanation:
    inputs = {name: value for name, value in step.inputs.items() if name != "policy"}
    return StepExplanation(
        clause=step.clause,
        name=step.name,
        inputs=inputs,
        arithmetic=_write_arithmetic(step.clause, inputs),
        effect=step.effect,
        policy=tuple(step.inputs.get("policy", ())),
    )


def _write_arithmetic(clause: str, inputs: Mapping[str, Any]) -> str:
    """The reckoning of the two steps that reckon: months that count, and the entitled grade (policy §4)."""
    if clause == "§4.credit_months":
        service, prior, deducted = (
            inputs[name] for name in ("service_months", "prior_service_months", "deducted_months")
        )
        worked = service + prior - deducted
        text = f"{service} + {prior} − {deducted} = {worked}".replace("-", "−")
        if worked < 0:
            text += " → 0（不低于 0）"
        education = inputs["education_months"]
        return f"{text}；{max(0, worked)} + {education} = {max(0, worked) + education}"
    if clause == "§4.entitled":
        floor, ceiling, certificate = (inputs[name] for name in ("floor", "ceiling", "cert_steps"))
        reckoned = floor + inputs["service_steps"] + certificate
        months = f"{inputs['credit_months']} ÷ {inputs['step_months']} 取整 {inputs['service_steps']}"
        text = f"{months}；{floor} + {inputs['service_steps']} + {certificate} = {reckoned}"
        return text if floor <= reckoned <= ceiling else f"{text} → {min(max(reckoned, floor), ceiling)}"
    return ""


def _explain_decisions(decisions: Iterable[RecordedDecision], digest: str) -> list[DecisionExplanation]:
    listed = list(decisions)
    # An answer to an objection changes nothing of what was decided.
    newest = next((it for it in reversed(listed) if it.objection_id is None), None)
    return [
        DecisionExplanation(
            decision_no=each.id,
            revision=each.revision,
            verdict=each.verdict,
            reviewer=each.reviewer,
            comment=each.comment,
            in_bulk=each.in_bulk,
            decided_at=each.decided_at,
            holds=each.objection_id is not None or (each is newest and each.proposal_digest == digest),
        )
        for each in listed
    ]


def _explain_register(line: RegisterLine) -> RegisterExplanation:
    return RegisterExplanation(
        register_no=line.register_no,
        post=line.record.post,
        grade=line.record.grade,
        degree=line.record.degree,
        certificate=line.record.certificate,
        effective_on=line.record.effective_on,
        month=line.month,
        revision=line.revision,
        decision_no=line.decision_id,
        recorded_at=line.recorded_at,
        reverses_no=line.reverses_no,
    )
