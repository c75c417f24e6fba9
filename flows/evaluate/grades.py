"""Grade proposals: what the rules entitle each worker to, and what they suggest; a person decides (policy §4)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from flows.evaluate.collector import pause_collector
from flows.evaluate.grade_rules import (
    BLOCK_TITLES,
    GradeRules,
    clamp_to_band,
    make_step,
    read_grade_rules,
)
from flows.evaluate.workers import Appraisals, RosterRow, Sanction
from flows.month import count_full_months
from flows.policy import PolicyAt
from flows.policy_words import WORDS
from flows.results import Proposal, ProposalKind, RegisterRecord, Step
from flows.wording import KINDS

POST_ORDER = ("other", "deputy", "principal")
"""From the lowest post to the highest."""


class _Appraised(NamedTuple):
    outcome: str | None
    required: bool


def propose_grades(
    roster: Iterable[RosterRow],
    register: Mapping[str, RegisterRecord],
    appraisals: Appraisals,
    sanctions: Iterable[Sanction],
    policy: PolicyAt,
    *,
    effective_on: date,
) -> list[Proposal]:
    """One proposal for each roster row, sorted by worker as text.

    `register` holds each worker's record in force on M's last day; `policy` is that of `effective_on`, the first day
    of M+1. Raises `ConfigurationError` if a policy value isn't in force then. Policy §4.
    """
    rules = read_grade_rules(policy, effective_on)
    outcomes: dict[str, dict[int, str]] = defaultdict(dict)
    for (staff_id, year), outcome in appraisals.items():
        outcomes[staff_id][year] = outcome
    sanctioned: dict[str, list[Sanction]] = defaultdict(list)
    # By day, so that a trace says the same in whatever order rows come.
    for sanction in sorted(sanctions, key=lambda it: (it.effective_on, it.kind)):
        sanctioned[sanction.staff_id].append(sanction)
    with pause_collector():
        return [
            propose_grade(
                row,
                register.get(row.staff_id),
                outcomes.get(row.staff_id, {}),
                sanctioned.get(row.staff_id, ()),
                rules,
            )
            for row in sorted(roster, key=lambda row: row.staff_id)
        ]


def propose_grade(
    row: RosterRow,
    record: RegisterRecord | None,
    outcomes: Mapping[int, str],
    sanctions: Sequence[Sanction],
    rules: GradeRules,
) -> Proposal:
    """What the rules suggest for one worker, with every step; `outcomes` are the worker's own, by year. Policy §4."""
    trace: list[Step] = []
    credit_months = _count_credit_months(row, outcomes, rules, trace)
    cert_steps = _count_cert_steps(row, rules, trace)
    entitled = _find_entitled(row.post, credit_months, cert_steps, rules, trace)
    current = _find_current(row, record, rules, trace)
    appraised = _read_appraisal(row, outcomes, rules, trace)
    blocks = _list_blocks(appraised, sanctions, rules, trace)
    decided = _decide(row, record, rules, entitled=entitled, current=current, blocks=blocks)
    trace.append(_describe_decision(row, record, rules, decided, blocks))
    return Proposal(
        staff_id=row.staff_id,
        community_code=row.community_code,
        post=row.post,
        current_grade=current,
        entitled_grade=entitled,
        proposed_grade=decided.grade,
        kind=decided.kind,
        needs_manual=decided.needs_manual,
        reasons=decided.reasons,
        effective_on=rules.effective_on,
        name=row.name,
        committee_member=row.committee_member,
        degree=row.degree,
        certificate=row.certificate,
        trace=tuple(trace),
    )


def _count_credit_months(row: RosterRow, outcomes: Mapping[int, str], rules: GradeRules, trace: list[Step]) -> int:
    """Months that count towards a grade (policy §4, `credit_months`)."""
    service_months = count_full_months(row.service_start_on, rules.effective_on)
    incompetent_years = [
        year
        for year, outcome in sorted(outcomes.items())
        if outcome == "incompetent" and row.service_start_on.year <= year < rules.effective_on.year
    ]
    deducted_months = rules.incompetent_year_months * len(incompetent_years)
    # A bad year takes service away, never education.
    worked_months = max(0, service_months + row.prior_service_months - deducted_months)
    education_months = rules.education_months[row.degree]
    credit_months = worked_months + education_months
    inputs = {
        "service_start_on": row.service_start_on.isoformat(),
        "effective_on": rules.effective_on.isoformat(),
        "service_months": service_months,
        "prior_service_months": row.prior_service_months,
        "incompetent_years": incompetent_years,
        "deducted_months": deducted_months,
        "degree": row.degree,
        "education_months": education_months,
    }
    effect = f"工龄 {worked_months} 个月，学历折算 {education_months} 个月，合计 {credit_months} 个月"
    trace.append(make_step("credit_months", "计算年限", inputs, effect, rules))
    return credit_months


def _count_cert_steps(row: RosterRow, rules: GradeRules, trace: list[Step]) -> int:
    """Grades added for the certificate, if it is dated before `effective_on` (policy §4, `cert_steps`)."""
    counts = row.certificate_on is not None and row.certificate_on < rules.effective_on
    steps = rules.certificate_steps[row.certificate] if counts else 0
    inputs = {
        "certificate": row.certificate,
        "certificate_on": row.certificate_on.isoformat() if row.certificate_on else None,
        "effective_on": rules.effective_on.isoformat(),
    }
    trace.append(make_step("cert_steps", "证书加级", inputs, f"加 {steps} 级", rules))
    return steps


def _find_entitled(post: str, credit_months: int, cert_steps: int, rules: GradeRules, trace: list[Step]) -> int:
    """The grade that the rules give, within the post's band (policy §4, `entitled`)."""
    floor, ceiling = rules.bands[post]
    service_steps = credit_months // rules.step_months
    entitled = clamp_to_band(floor + service_steps + cert_steps, post, rules)
    inputs = {
        "post": post,
        "floor": floor,
        "ceiling": ceiling,
        "credit_months": credit_months,
        "step_months": rules.step_months,
        "service_steps": service_steps,
        "cert_steps": cert_steps,
    }
    effect = (
        f"应得 {entitled} 级：起点 {floor} 级，年限加 {service_steps} 级，证书加 {cert_steps} 级，不超过 {ceiling} 级"
    )
    trace.append(make_step("entitled", "应得等级", inputs, effect, rules))
    return entitled


def _find_current(row: RosterRow, record: RegisterRecord | None, rules: GradeRules, trace: list[Step]) -> int | None:
    """The register's grade, else the roster's, else none (policy §4, `current`)."""
    current = record.grade if record is not None else row.current_grade
    inputs = {
        "register_grade": record.grade if record else None,
        "register_effective_on": record.effective_on.isoformat() if record else None,
        "roster_grade": row.current_grade,
    }
    if current is None:
        effect = "尚无等级"
    else:
        effect = f"现为 {current} 级，依据{'等级台账' if record is not None else '人员名册'}"
    trace.append(make_step("current", "现等级", inputs, effect, rules))
    return current


def _read_appraisal(row: RosterRow, outcomes: Mapping[int, str], rules: GradeRules, trace: list[Step]) -> _Appraised:
    """The outcome of the appraisal year, and whether there must be one (policy §4, `appraisal_year`)."""
    outcome = outcomes.get(rules.appraisal_year)
    required = row.service_start_on <= rules.joining_limit_on
    inputs = {
        "appraisal_year": rules.appraisal_year,
        "outcome": outcome,
        "service_start_on": row.service_start_on.isoformat(),
        "joining_limit_on": rules.joining_limit_on.isoformat(),
        "required": required,
    }
    found = f"{rules.appraisal_year} 年度考核{WORDS[outcome] if outcome else '无结果'}"
    effect = f"{found}，{'须有结果' if required else '当年到岗较晚，不要求结果'}"
    trace.append(make_step("appraisal_year", "考核年度", inputs, effect, rules))
    return _Appraised(outcome, required)


def _list_blocks(
    appraised: _Appraised, sanctions: Sequence[Sanction], rules: GradeRules, trace: list[Step]
) -> tuple[str, ...]:
    """Everything that holds a raise back, in policy's order (policy §4.5)."""
    in_force = [
        sanction
        for sanction in sanctions
        if sanction.effective_on <= rules.effective_on
        and count_full_months(sanction.effective_on, rules.effective_on) < rules.sanction_period_months[sanction.kind]
    ]
    blocks: list[str] = []
    if appraised.outcome == "basic":
        blocks.append("appraisal_basic")
    if appraised.outcome == "incompetent":
        blocks.append("appraisal_incompetent")
    if appraised.outcome is None and appraised.required:
        blocks.append("appraisal_missing")
    if in_force and rules.sanction_holds_raise:
        blocks.append("sanction")
    inputs = {
        "outcome": appraised.outcome,
        "required": appraised.required,
        "sanctions_in_force": [
            {"kind": sanction.kind, "effective_on": sanction.effective_on.isoformat()} for sanction in in_force
        ],
    }
    effect = "、".join(BLOCK_TITLES[block] for block in blocks) or "无暂缓事由"
    trace.append(make_step("5", "暂缓事由", inputs, effect, rules))
    return tuple(blocks)


class _Decided(NamedTuple):
    rule: str
    kind: ProposalKind
    grade: int
    needs_manual: bool
    reasons: tuple[str, ...]
    effect: str


def _decide(
    row: RosterRow,
    record: RegisterRecord | None,
    rules: GradeRules,
    *,
    entitled: int,
    current: int | None,
    blocks: tuple[str, ...],
) -> _Decided:
    """The first of policy §4's six rules that applies."""
    blocked = bool(blocks)
    check = "，有暂缓事由，须人工核查" if blocked else ""
    if current is None:
        return _Decided("1", "initial", entitled, blocked, blocks, f"首次定为 {entitled} 级{check}")
    if record is not None and record.post != row.post:
        if POST_ORDER.index(row.post) > POST_ORDER.index(record.post):
            grade = clamp_to_band(max(entitled, current), row.post, rules)
            return _Decided("2", "post_change", grade, blocked, blocks, f"岗位上调，建议 {grade} 级{check}")
        return _Decided("2", "post_change", entitled, True, (), f"岗位下调，建议 {entitled} 级，须人工核查")
    if entitled == current:
        return _Decided("3", "none", current, False, (), f"应得与现等级相同，保持 {current} 级")
    if entitled < current:
        effect = f"应得 {entitled} 级低于现等级，等级不自动下调，保持 {current} 级，须人工核查"
        return _Decided("4", "review", current, True, ("entitled_below_current",), effect)
    if blocked:
        return _Decided("5", "hold", current, False, blocks, f"有暂缓事由，保持 {current} 级")
    unexplained = record is None or (record.degree, record.certificate) == (row.degree, row.certificate)
    if entitled - current > rules.most_steps_at_once and unexplained:
        effect = f"由 {current} 级晋为 {entitled} 级，一次晋级过多而学历、证书无变化，须人工核查"
        return _Decided("6", "raise", entitled, True, ("more_than_one_step",), effect)
    effect = f"由 {current} 级晋为 {entitled} 级"
    return _Decided("6", "raise", entitled, False, (), effect)


def _describe_decision(
    row: RosterRow, record: RegisterRecord | None, rules: GradeRules, decided: _Decided, blocks: tuple[str, ...]
) -> Step:
    inputs = {
        "post": row.post,
        "degree": row.degree,
        "certificate": row.certificate,
        "register_post": record.post if record else None,
        "register_degree": record.degree if record else None,
        "register_certificate": record.certificate if record else None,
        "blocks": list(blocks),
    }
    return make_step(decided.rule, KINDS[decided.kind], inputs, decided.effect, rules)
