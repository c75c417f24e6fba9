"""Grade rules of one day: the policy values behind a proposal, and the steps of its trace (policy §4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flows.policy import PolicyAt
from flows.results import Step

BLOCK_TITLES = {
    "appraisal_basic": "年度考核基本合格",
    "appraisal_incompetent": "年度考核不合格",
    "appraisal_missing": "缺少年度考核结果",
    "sanction": "处分期未满",
}

CLAUSE_VALUES = {
    "credit_months": ("education_months", "incompetent_year_months"),
    "cert_steps": ("certificate_steps",),
    "entitled": ("bands", "step_months"),
    "appraisal_year": ("appraisal_cut_day", "appraisal_joining_limit"),
    "2": ("bands",),
    "5": ("sanction_period_months", "sanction_holds_raise"),
    "6": ("most_steps_at_once",),
}
"""The values of `grades.yaml` that a clause of policy §4 uses; other clauses use none."""


@dataclass(frozen=True)
class GradeRules:
    """The grade policy of `effective_on`, read once for all workers.

    `references` holds, for each clause of policy §4, where the values that it uses stand.
    """

    bands: Mapping[str, tuple[int, int]]
    step_months: int
    education_months: Mapping[str, int]
    certificate_steps: Mapping[str, int]
    incompetent_year_months: int
    appraisal_year: int
    joining_limit_on: date
    sanction_period_months: Mapping[str, int]
    sanction_holds_raise: bool
    most_steps_at_once: int
    effective_on: date
    references: Mapping[str, Mapping[str, str]]


def read_grade_rules(policy: PolicyAt, effective_on: date) -> GradeRules:
    """The grade policy of `effective_on`, ready for many workers."""
    bands = policy.mapping("grades.bands")
    appraisal_year = find_appraisal_year(policy, effective_on)
    return GradeRules(
        bands={post: (band["floor"], band["ceiling"]) for post, band in bands.items()},
        step_months=policy.integer("grades.step_months"),
        education_months=policy.mapping("grades.education_months"),
        certificate_steps=policy.mapping("grades.certificate_steps"),
        incompetent_year_months=policy.integer("grades.incompetent_year_months"),
        appraisal_year=appraisal_year,
        joining_limit_on=date.fromisoformat(f"{appraisal_year}-{policy.text('grades.appraisal_joining_limit')}"),
        sanction_period_months=policy.mapping("grades.sanction_period_months"),
        sanction_holds_raise=policy.get("grades.sanction_holds_raise"),
        most_steps_at_once=policy.integer("grades.most_steps_at_once"),
        effective_on=effective_on,
        references={clause: _list_references(policy, names) for clause, names in CLAUSE_VALUES.items()},
    )


def find_appraisal_year(policy: PolicyAt, effective_on: date) -> int:
    """The year whose appraisal counts: the year before, from the cut day on; earlier in the year the one before that.

    Policy §4, `appraisal_year`.
    """
    cut_on = date.fromisoformat(f"{effective_on.year}-{policy.text('grades.appraisal_cut_day')}")
    return effective_on.year - (1 if effective_on >= cut_on else 2)


def clamp_to_band(grade: int, post: str, rules: GradeRules) -> int:
    """`grade`, or the nearest grade of the post's band."""
    floor, ceiling = rules.bands[post]
    return min(max(grade, floor), ceiling)


def make_step(clause: str, name: str, inputs: dict[str, Any], effect: str, rules: GradeRules) -> Step:
    """A step of the trace; where its policy values stand goes into its inputs, under `policy`."""
    references = rules.references.get(clause)
    if references is not None:
        inputs["policy"] = references
    return Step(f"§4.{clause}", name, inputs, effect)


def _list_references(policy: PolicyAt, names: tuple[str, ...]) -> dict[str, str]:
    described = [policy.describe(f"grades.{name}") for name in names]
    return {value.path: f"{value.reference} [{value.tag}]" for value in described}
