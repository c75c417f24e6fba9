"""How a letter is filled: from the proposal, its trace, the decision that holds, and the policy that judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.ledger.results import RevisionRecord
from flows.ledger.review_rows import ArrearsLine
from flows.month import Month, city_day
from flows.policy import PolicyAt, PolicyValue, shorten_fingerprint
from flows.policy_words import describe_value
from flows.results import Community, PayLine, Proposal, Step
from flows.review.letters.contents import Fact, Letter, LetterDecision, LetterKind, LetterStep, PayRow
from flows.review.rows import ReviewRow
from flows.wording import (
    KINDS,
    POSTS,
    TAGS,
    describe_policy_figure,
    format_day,
    format_instant,
    format_month,
    format_yuan,
)

TITLES: Mapping[LetterKind, str] = {
    "approved": "等级调整告知书",
    "rejected": "等级不予调整告知书",
    "held": "暂缓晋级告知书",
}
REVIEW_TITLE = "等级复核结果告知书"
"""Of an approved `review`: the grade stays as it is, so nothing is adjusted (policy §4.4)."""

REASONS = {
    "appraisal_basic": "考核年度结果为基本合格",
    "appraisal_incompetent": "考核年度结果为不合格",
    "appraisal_missing": "应有年度考核结果而未见",
    "sanction": "处分期未满",
    "entitled_below_current": "按规则应得等级低于现等级，等级不自动下调",
    "more_than_one_step": "一次晋升超过一级，而学历、证书未变",
}
"""A proposal's reasons for the worker concerned: what was found, without what it asks of a reviewer."""

NOTHING, UNKNOWN = "无", "不详"
PAY_PARTS = (
    ("basic_fen", "基本工资"),
    ("performance_fen", "绩效工资"),
    ("uplift_fen", "两委上浮"),
    ("total_fen", "合计"),
)
PAY_VALUES = ("base_fen", "grade_increment", "basic_share", "performance_factors")
"""The values of `pay.yaml` behind every pay line (policy §5)."""
UPLIFT_VALUE = "uplift_share"
"""The one behind the uplift, where there is one."""

PERSONAL_TABLES = ("staff", "appraisals", "sanctions")
"""The tables from which a grade is judged."""


@dataclass(frozen=True)
class LetterMonth:
    """What all letters of a month share; `policy` is that of `effective_on`, by which the month was judged."""

    month: Month
    record: RevisionRecord
    policy: PolicyAt
    communities: Mapping[str, Community]
    pay_lines: Mapping[tuple[str, str], PayLine]
    arrears: Mapping[int, ArrearsLine]
    """By the decision that owes them."""
    published: frozenset[int]
    data_sources: tuple[str, ...]


def find_outcome(row: ReviewRow) -> LetterKind | None:
    """What the worker is to be told; nothing while a person has yet to decide, or if nothing concerns the worker.

    A raise that is held back needs no decision, yet affects the worker. What would amend a grade of the month that is
    in the register already is told by a person: this proposal starts from the grade before that one.
    """
    if row.amends_published:
        return None
    if row.proposal.kind == "hold":
        return "held"
    outcomes: Mapping[str, LetterKind] = {"approved": "approved", "rejected": "rejected"}
    return outcomes.get(row.state)


def make_letter(row: ReviewRow, outcome: LetterKind, shared: LetterMonth) -> Letter:
    """The letter for one worker of whom `find_outcome` said `outcome`."""
    proposal, record, decision = row.proposal, shared.record, row.decision
    community = shared.communities.get(proposal.community_code)
    used = _list_values_used(proposal.trace, shared.policy)
    pay = _list_pay(proposal, outcome, shared.pay_lines)
    pay_values = _list_pay_values(pay, shared.policy)
    return Letter(
        title=REVIEW_TITLE if (proposal.kind, outcome) == ("review", "approved") else TITLES[outcome],
        number=f"{shared.month}-{proposal.staff_id}-{record.revision}",
        outcome=outcome,
        kind=proposal.kind,
        kind_title=KINDS[proposal.kind],
        staff_id=proposal.staff_id,
        name=proposal.name,
        district_name="" if community is None else community.district_name,
        street_name="" if community is None else community.street_name,
        community_name=proposal.community_code if community is None else community.name,
        post=POSTS.get(proposal.post, proposal.post),
        month=format_month(shared.month),
        effective_on=format_day(proposal.effective_on),
        current_grade=proposal.current_grade,
        entitled_grade=proposal.entitled_grade,
        proposed_grade=proposal.proposed_grade,
        reasons=tuple(REASONS.get(reason, reason) for reason in proposal.reasons),
        steps=tuple(_make_step(number, step, shared.policy) for number, step in enumerate(proposal.trace, 1)),
        facts=tuple(_list_facts(proposal)),
        references=_group_references([*used, *pay_values]),
        pay=pay,
        pay_base_is_set=shared.policy.get("pay.base_fen") is not None,
        pay_policy_values=tuple(_describe_with_tag(value) for value in pay_values),
        arrears="" if decision is None else _describe_arrears(shared.arrears.get(decision.id)),
        decision=None
        if decision is None
        else LetterDecision(
            reviewer=decision.reviewer,
            decided_on=format_day(city_day(decision.decided_at)),
            comment=decision.comment.strip().rstrip("。"),
            revision=decision.revision,
        ),
        is_registered=decision is not None and decision.id in shared.published,
        revision=record.revision,
        judged_on=format_day(city_day(record.created_at)),
        cutoff=format_instant(record.cutoff_at),
        fingerprint=shorten_fingerprint(record.inputs["policy_fingerprint"]),
        data_sources=shared.data_sources,
        answer_time=_describe_answer_time(shared.policy),
    )


def find_dated_at(row: ReviewRow, record: RevisionRecord) -> datetime:
    """The instant that the letter's file bears: the decision's, or for a held raise the revision's."""
    return record.created_at if row.decision is None else row.decision.decided_at


def _make_step(number: int, step: Step, policy: PolicyAt) -> LetterStep:
    values = tuple(_describe_with_tag(value) for value in _list_values_used([step], policy))
    return LetterStep(number, step.name, step.effect, _describe_clause(step.clause), values)


def _list_values_used(steps: Sequence[Step], policy: PolicyAt) -> list[PolicyValue]:
    """The policy values that the steps name, each once."""
    paths = dict.fromkeys(path for step in steps for path in step.inputs.get("policy", {}))
    return [policy.describe(path) for path in paths]


def _describe_with_tag(value: PolicyValue) -> str:
    """A policy value in one text with its tag; a table without its rows, for the step tells the one that applied."""
    figure = "" if value.unit == "table" else f" {describe_policy_figure(value)}"
    return f"{value.title}{figure}〔{TAGS[value.tag]}〕"


def _group_references(values: Sequence[PolicyValue]) -> tuple[str, ...]:
    """Where the values stand, a line for each document; what is assumed stands nowhere, and its tag says so."""
    titles: dict[str, list[str]] = {}
    for value in values:
        if value.tag != "assumed":
            titles.setdefault(value.reference, []).append(value.title)
    return tuple(f"{'、'.join(names)}：{reference}" for reference, names in titles.items())


def _list_facts(proposal: Proposal) -> list[Fact]:
    """What was held true of the worker, as the trace has it."""
    inputs: dict[str, Any] = {}
    for step in proposal.trace:
        inputs.update(step.inputs)
    register_post = inputs.get("register_post")
    facts = [
        Fact("台账岗位", POSTS.get(register_post, register_post) if register_post else ""),
        Fact("到岗日期", inputs.get("service_start_on") or ""),
        Fact("以往工龄", f"{inputs['prior_service_months']} 个月" if "prior_service_months" in inputs else ""),
        Fact("学历", describe_value(proposal.degree)),
        Fact("证书", _describe_dated(proposal.certificate, inputs.get("certificate_on"))),
    ]
    if "appraisal_year" in inputs:
        facts.append(Fact(f"{inputs['appraisal_year']} 年度考核", describe_value(inputs.get("outcome") or "absent")))
    if inputs.get("incompetent_years"):
        facts.append(Fact("考核不合格年度", "、".join(map(str, inputs["incompetent_years"]))))
    sanctions = [_describe_dated(each["kind"], each["effective_on"]) for each in inputs.get("sanctions_in_force", ())]
    facts.append(Fact("期内处分", "、".join(sanctions) or NOTHING))
    return [fact for fact in facts if fact.text]


def _describe_dated(code: str, on: str | None) -> str:
    return f"{describe_value(code)}（{on}）" if on else describe_value(code)


def _list_pay(
    proposal: Proposal, outcome: LetterKind, pay_lines: Mapping[tuple[str, str], PayLine]
) -> tuple[PayRow, ...]:
    """Monthly pay before and after; where nothing was approved the pay stays that of the current grade."""
    before = pay_lines.get((proposal.staff_id, "current"))
    after = pay_lines.get((proposal.staff_id, "proposed")) if outcome == "approved" else before
    if before is None and after is None:
        return ()
    return tuple(
        PayRow(title, _format_part(before, name), _format_part(after, name))
        for name, title in PAY_PARTS
        if name != "uplift_fen" or any(line is not None and line.uplift_fen for line in (before, after))
    )


def _list_pay_values(pay: Sequence[PayRow], policy: PolicyAt) -> list[PolicyValue]:
    if not pay:
        return []
    is_uplifted = len(pay) == len(PAY_PARTS)
    names = [*PAY_VALUES, UPLIFT_VALUE] if is_uplifted else PAY_VALUES
    return [policy.describe(f"pay.{name}") for name in names]


def _format_part(line: PayLine | None, name: str) -> str:
    return UNKNOWN if line is None else format_yuan(getattr(line, name))


def _describe_arrears(line: ArrearsLine | None) -> str:
    """What is paid in addition; never a demand to pay back, which needs its own legal ground."""
    if line is None or line.total_fen <= 0:
        return ""
    return f"补发 {line.months} 个月，每月 {format_yuan(line.monthly_fen)} 元，合计 {format_yuan(line.total_fen)} 元"


def _describe_answer_time(policy: PolicyAt) -> str:
    days = policy.integer("grades.objection_answer_working_days")
    tag = policy.describe("grades.objection_answer_working_days").tag
    return f"{days} 个工作日〔{TAGS[tag]}〕"


def _describe_clause(clause: str) -> str:
    """A clause of the policy as people cite it: §4 第 5 项; of one that has a name and no number, its section."""
    section, _, item = clause.partition(".")
    return f"{section} 第 {item} 项" if item.isdigit() else section
