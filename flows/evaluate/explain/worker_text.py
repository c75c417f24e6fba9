"""A worker's explanation as text in simplified Chinese, for HR about one worker."""

from collections.abc import Iterator, Mapping
from typing import Any

from flows.evaluate.explain.heading import Heading, write_heading, write_policy
from flows.evaluate.explain.pay import PayExplanation
from flows.evaluate.explain.worker import StepExplanation, WorkerExplanation
from flows.evaluate.grade_rules import BLOCK_TITLES
from flows.policy_words import WORDS, describe_value
from flows.verdicts import ACT_TITLES
from flows.wording import (
    BASES,
    KINDS,
    POSTS,
    TABLES,
    TAGS,
    describe_column,
    describe_proposal_reasons,
    format_instant,
    format_yuan,
)

_INPUTS = {
    "service_months": "工龄月数",
    "prior_service_months": "以往工龄月数",
    "incompetent_years": "考核不合格年度",
    "deducted_months": "扣减月数",
    "education_months": "学历折算月数",
    "floor": "起点等级",
    "ceiling": "上限等级",
    "credit_months": "合计月数",
    "step_months": "每级月数",
    "service_steps": "年限加级",
    "cert_steps": "证书加级",
    "register_grade": "台账等级",
    "register_effective_on": "台账生效日",
    "roster_grade": "名册等级",
    "appraisal_year": "考核年度",
    "joining_limit_on": "须考核的最晚到岗日",
    "required": "须有结果",
    "sanctions_in_force": "处分期内的处分",
    "register_post": "台账岗位",
    "register_degree": "台账学历",
    "register_certificate": "台账证书",
    "blocks": "暂缓事由",
}
_COLUMN_WORDS = {"kind": "种类", "year": "年度"}


def write_worker(heading: Heading, explanation: WorkerExplanation, name: str) -> str:
    """The whole explanation, lines ended by newlines; `name` is for HR's eyes, beside the number."""
    tags = {value.path: TAGS.get(value.tag, value.tag) for value in explanation.policy}
    lines = [
        *write_heading(heading, "等级调整建议说明（建议由人审定，星级不影响等级）"),
        f"员工：{explanation.staff_id} {name}，{POSTS[explanation.post]}，社区 {explanation.community_code}",
        f"生效日期：{explanation.effective_on}（次月首日，评估规则 §4）",
        f"建议：{_write_proposal(explanation)}",
    ]
    if explanation.reasons:
        lines.append(f"理由：{describe_proposal_reasons(explanation.reasons)}")
    lines += ["", "一、等级如何得出"]
    for step in explanation.steps:
        lines += _write_step(step, tags)
    lines += ["", "二、月工资测算（评估规则 §5，单位：元）", *_write_pay(explanation, tags)]
    lines += ["", "三、审定、台账与补发", *_write_decisions(explanation)]
    lines += ["", "四、所依据的记录（批次与记录号）", *_write_records(explanation)]
    lines += ["", "五、所用政策参数、依据类别和出处", *write_policy(explanation.policy)]
    return "\n".join(lines) + "\n"


def _write_proposal(explanation: WorkerExplanation) -> str:
    current = "无" if explanation.current_grade is None else f"{explanation.current_grade} 级"
    manual = "，须人工核查" if explanation.needs_manual else ""
    return (
        f"{KINDS[explanation.kind]}；现等级 {current}，应得 {explanation.entitled_grade} 级，"
        f"建议 {explanation.proposed_grade} 级{manual}"
    )


def _write_step(step: StepExplanation, tags: Mapping[str, str]) -> Iterator[str]:
    yield f"  · {step.name}（评估规则 {step.clause}）：{step.effect}"
    inputs = (f"{_name_input(name)} {_write_value(value)}" for name, value in step.inputs.items())
    yield f"      依据：{'，'.join(inputs)}"
    if step.arithmetic:
        yield f"      计算：{step.arithmetic}"
    if step.policy:
        yield f"      政策：{'，'.join(_name_policy(path, tags) for path in step.policy)}"


def _write_pay(explanation: WorkerExplanation, tags: Mapping[str, str]) -> Iterator[str]:
    if not explanation.pay:
        yield f"  本市月工资基数未设定，不测算（{_name_policy('pay.base_fen', tags)}）"
        return
    for line in explanation.pay:
        yield from _write_pay_line(line)
    policy = "，".join(_name_policy(path, tags) for path in tags if path.startswith("pay."))
    yield f"      政策：{policy}"


def _write_pay_line(line: PayExplanation) -> Iterator[str]:
    yield f"  · 按{BASES[line.basis]} {line.grade} 级"
    for part in line.parts:
        yield f"      {part.title}：{part.arithmetic}"


def _write_decisions(explanation: WorkerExplanation) -> Iterator[str]:
    if not explanation.decisions:
        yield "  尚无审定决定"
    for decision in explanation.decisions:
        bulk = "，成批" if decision.in_bulk else ""
        held = "有效" if decision.holds else "已被后来的决定或不同的内容取代"
        comment = f"：{decision.comment}" if decision.comment else ""
        yield (
            f"  决定 {decision.decision_no}（第 {decision.revision} 版{bulk}）：{ACT_TITLES[decision.verdict]}，"
            f"{decision.reviewer}，{format_instant(decision.decided_at)}{comment}（{held}）"
        )
    if not explanation.register:
        yield "  等级台账中没有记录"
    for record in explanation.register:
        if record.reverses_no is not None:
            yield (
                f"  台账 {record.register_no}：撤销台账 {record.reverses_no} 的登记，决定 {record.decision_no}，"
                f"{format_instant(record.recorded_at)} 登记"
            )
            continue
        facts = f"学历 {WORDS[record.degree]}，证书 {WORDS[record.certificate]}"
        yield (
            f"  台账 {record.register_no}：{record.effective_on} 起 {POSTS[record.post]} "
            f"{record.grade} 级，{facts}；{record.month} 第 {record.revision} 版，决定 {record.decision_no}，"
            f"{format_instant(record.recorded_at)} 登记"
        )
    for line in explanation.arrears:
        yield (
            f"  补发（§5）：{line.approved_on} 批准，{line.months} 个月 × {format_yuan(line.monthly_fen)} = "
            f"{format_yuan(line.total_fen)}"
        )


def _write_records(explanation: WorkerExplanation) -> Iterator[str]:
    for record in explanation.records:
        key = "，".join(f"{_name_input(name)} {_write_value(value)}" for name, value in record.key.items())
        place = f"批次 {record.batch_id}，记录号 {record.record_no}（从 0 起），来自 {record.slot}"
        yield f"  {TABLES[record.table]}（{key}）：{place}"


def _name_input(name: str) -> str:
    return _INPUTS.get(name) or _COLUMN_WORDS.get(name) or describe_column(name)


def _write_value(value: Any) -> str:
    """A fact in words: codes, sanctions as 警告（2024-01-10 起）, the causes of a hold; nothing as 无."""
    if value is None:
        return "无"
    if isinstance(value, list | tuple):
        return "、".join(map(_write_value, value)) or "无"
    if isinstance(value, Mapping):
        return f"{describe_value(value['kind'])}（{value['effective_on']} 起）"
    return BLOCK_TITLES.get(value) or describe_value(value)


def _name_policy(path: str, tags: Mapping[str, str]) -> str:
    return f"{path}〔{tags[path]}〕"
