"""A month judged whole: communities and workers, from the lake's tables, the register and the policy.

Stars move money and never a grade; the two computations meet only in the result that they are written to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.errors import QualityGate
from flows.evaluate.communities import assess_communities
from flows.evaluate.grades import propose_grades
from flows.evaluate.pay import AnnualTitle, compute_pay, list_awards, select_outcomes
from flows.evaluate.workers import RosterRow, Sanction
from flows.lake import TableView
from flows.ledger.register import digest_register
from flows.month import Month
from flows.policy import Policy, PolicyAt, list_policy_values
from flows.results import (
    AwardLine,
    Inputs,
    MissingWorker,
    MonthResult,
    PayLine,
    Proposal,
    RegisterRecord,
    SourceStatus,
)

NO_BASE_NOTICE = "基本工资基数尚未设定（config/policy/pay.yaml 的 base_fen），本月不计算工资。"
NO_ROSTER_NOTICE = "本市未配置人员名册，本月不产生等级调整建议。"

MISSING_NOTICE = (
    "{count} 名已有等级的人员不在本月名册（或其名册行被拒收），本月未提出建议；"
    "编号见人事工作簿“名册缺人”，请核对名册。"
)


@dataclass(frozen=True)
class WorkerAssessment:
    """What the month says of workers: proposals, their pay lines, and the work funds of communities."""

    proposals: Sequence[Proposal]
    pay_lines: Sequence[PayLine]
    awards: Sequence[AwardLine]
    missing: Sequence[MissingWorker]
    pay_is_computed: bool


def evaluate_month(
    view: TableView,
    *,
    month: Month,
    policy: Policy,
    sources: Sequence[SourceStatus],
    register: Mapping[str, RegisterRecord],
    register_no: int,
    batch_ids: Sequence[str],
    earlier_revision: int | None,
    keeps_roster: bool,
) -> MonthResult:
    """The month's result from landed data alone.

    `register` holds each worker's approved grade in force on the month's last day, of the records up to
    `register_no`; `earlier_revision` is the newest one of the month before, with which the report compares;
    `keeps_roster` says whether any source is configured to fill `staff`. Raises `QualityGate` if no community is
    valid on the month's last day, or if a kept roster has no row for the month.
    """
    told = [*sources, *_list_undescribed_sources(policy.at(month.last_on), sources)]
    communities = assess_communities(
        view, policy.at(month.last_on), month, {source.platform: source.present for source in told}
    )
    if not communities.communities:
        raise QualityGate(
            f"{month}: no community is registered on {month.last_on}, so there is nothing to judge. "
            f"Pull the month first: fivestar ingest --month {month}."
        )
    workers = assess_workers(view, month, policy, register, keeps_roster=keeps_roster)
    missing = [source for source in told if not source.present]
    return MonthResult(
        month=month,
        effective_on=month.plus(1).first_on,
        cutoff_at=month.cutoff_at(policy.at(month.last_on).integer("five_star.cutoff_day")),
        inputs=Inputs(
            batch_ids=tuple(batch_ids),
            policy_fingerprint=policy.fingerprint,
            sources=tuple(told),
            register_digest=digest_register(register),
            earlier_revision=earlier_revision,
            register_no=register_no,
            keeps_roster=keeps_roster,
        ),
        policy_values=list_policy_values(policy, month),
        communities=communities.communities,
        indicators=communities.indicators,
        stars=communities.stars,
        ratings=communities.ratings,
        proposals=workers.proposals,
        pay_lines=workers.pay_lines,
        awards=workers.awards,
        missing_workers=workers.missing,
        notices=_list_notices(workers, keeps_roster=keeps_roster),
        alarms=[
            *(f"{month}: source {source.platform} is missing: {source.evidence}." for source in missing),
            *communities.alarms,
        ],
    )


def _list_undescribed_sources(policy: PolicyAt, sources: Sequence[SourceStatus]) -> list[SourceStatus]:
    """The sources that a star needs and no file describes: they can't be present (policy §3.3)."""
    described = {source.platform for source in sources}
    needed = dict.fromkeys(
        platform
        for star in policy.children("five_star.sources")
        for platform in policy.get(f"five_star.sources.{star}")
        if platform not in described
    )
    return [SourceStatus(platform, "missing", "no file in config/platforms describes it") for platform in needed]


def assess_workers(
    view: TableView, month: Month, policy: Policy, register: Mapping[str, RegisterRecord], *, keeps_roster: bool
) -> WorkerAssessment:
    """What the month says of the workers of its roster, and of the communities' titles (policy §4, §5).

    Raises `QualityGate` if a kept roster has no row for the month.
    """
    effective_on = month.plus(1).first_on
    rules = policy.at(effective_on)
    staff = view.table("staff")
    roster = [RosterRow(**row) for row in _read(staff.filter(staff.month == str(month)).drop("batch_id"))]
    if keeps_roster and not roster:
        raise QualityGate(
            f"{month}: the roster of the month has no row, so no grade can be proposed. "
            f"Put the month's roster where the sheets are, then: fivestar ingest --platform sheets --month {month}."
        )
    appraisals = {(row["staff_id"], row["year"]): row["outcome"] for row in _read(view.table("appraisals"))}
    sanctions = [Sanction(**row) for row in _read(view.table("sanctions").drop("batch_id"))]
    titles = read_titles(view)
    proposals = propose_grades(roster, register, appraisals, sanctions, rules, effective_on=effective_on)
    outcomes = select_outcomes(appraisals, rules, effective_on)
    return WorkerAssessment(
        proposals=proposals,
        pay_lines=compute_pay(proposals, outcomes, titles, rules, effective_on),
        awards=list_awards(titles, rules, effective_on),
        missing=_list_missing(staff, month, roster, register) if keeps_roster else [],
        pay_is_computed=rules.get("pay.base_fen") is not None,
    )


def read_titles(view: TableView) -> list[AnnualTitle]:
    """Every annual title that has landed, in no order."""
    return [AnnualTitle(**row) for row in _read(view.table("annual_titles").drop("batch_id"))]


def _list_missing(
    staff: Any, month: Month, roster: Sequence[RosterRow], register: Mapping[str, RegisterRecord]
) -> list[MissingWorker]:
    """Those with a grade in the register, or in the roster of the month before, whom the month's roster lacks."""
    earlier = staff.filter(staff.month < str(month))
    last_listed = {
        row["staff_id"]: row["last_listed_in"]
        for row in _read(earlier.group_by("staff_id").aggregate(last_listed_in=earlier.month.max()))
    }
    before = staff.filter(staff.month == str(month.plus(-1)), staff.current_grade.notnull())
    grades = {row["staff_id"]: row["current_grade"] for row in _read(before.select("staff_id", "current_grade"))}
    grades |= {staff_id: record.grade for staff_id, record in register.items()}
    listed = {row.staff_id for row in roster}
    return [
        MissingWorker(staff_id, grade, staff_id in register, last_listed.get(staff_id))
        for staff_id, grade in sorted(grades.items())
        if staff_id not in listed
    ]


def _list_notices(workers: WorkerAssessment, *, keeps_roster: bool) -> list[str]:
    notices = []
    if not keeps_roster:
        notices.append(NO_ROSTER_NOTICE)
    if not workers.pay_is_computed:
        notices.append(NO_BASE_NOTICE)
    if workers.missing:
        notices.append(MISSING_NOTICE.format(count=len(workers.missing)))
    return notices


def _read(table: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    return rows
