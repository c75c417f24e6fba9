"""Each value of `config/policy/` is asked for when a month is judged, and what was read is used by a rule."""

import ast
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
import star_city
from memory_view import MemoryView

from flows.evaluate import scheme
from flows.evaluate.assessment import evaluate_month
from flows.evaluate.grade_rules import GradeRules
from flows.evaluate.overdue import LadderRule
from flows.evaluate.pay import PayRules
from flows.month import Month
from flows.policy import Policy, PolicyAt
from flows.results import RegisterRecord, SourceStatus

FLOWS = Path(__file__).parents[2] / "flows"
READ_ELSEWHERE = {
    "grades.objection_answer_working_days": "flows/review/letters/filling.py",
    "five_star.alerts.community_overdue_hours": "flows/evaluate/overdue.py",
    "five_star.alerts.street_overdue_hours": "flows/evaluate/overdue.py",
    "five_star.alerts.district_overdue_hours": "flows/evaluate/overdue.py",
    "five_star.alerts.due_soon_hours": "flows/evaluate/overdue.py",
    "five_star.alerts.digest_rows": "flows/evaluate/overdue.py",
}
"""Values that judging a month has no need of, and the file that asks for each."""


class RecordingPolicyAt(PolicyAt):
    """The policy of a day, which remembers what was asked of it."""

    asked: set[str] = set()  # noqa: RUF012 -- shared on purpose: the policy is asked about several days

    def get(self, path: str) -> object:
        self.asked.add(path)
        return super().get(path)


class RecordingPolicy(Policy):
    """The shipped policy, whose days remember."""

    def at(self, on: date) -> PolicyAt:
        return RecordingPolicyAt(self.leaves, on)


def judge_a_month(policy: Policy) -> None:
    """A month with an event, a worker, an annual title and everything else that asks for a value."""
    staff = {
        "month": "2024-03", "staff_id": "K1", "name": "某人", "community_code": star_city.HOME, "post": "deputy",
        "committee_member": True, "employment": "elected", "degree": "bachelor", "certificate": "assistant",
        "certificate_on": date(2020, 1, 1), "service_start_on": date(2017, 4, 1), "prior_service_months": 0,
        "current_grade": 5,
    }  # fmt: skip
    evaluate_month(
        MemoryView(
            communities=[star_city.community_row()],
            events=[star_city.event(due_at=None)],
            staff=[staff],
            annual_titles=[
                {"community_code": star_city.HOME, "rating_year": 2023, "stars": 5, "pay_year": 2024},
            ],
        ),
        month=Month(2024, 3),
        policy=policy,
        sources=[SourceStatus(name, "complete", "pull 1") for name in star_city.SOURCES],
        register={"K1": RegisterRecord("K1", "deputy", 5, "bachelor", "assistant", date(2023, 1, 1))},
        register_no=1,
        batch_ids=["b1"],
        earlier_revision=None,
        keeps_roster=True,
    )


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """The values that judging a month asked for, in a city whose pay base is set."""
    RecordingPolicyAt.asked = set()
    leaves = star_city.change_leaf(star_city.shipped_policy().leaves, "pay.base_fen", 340_000)
    judge_a_month(RecordingPolicy(leaves))
    return RecordingPolicyAt.asked


def test_judging_a_month_asks_for_every_value_but_those_read_elsewhere(asked: set[str]) -> None:
    assert set(star_city.shipped_policy().leaves) - asked == set(READ_ELSEWHERE)
    assert asked <= set(star_city.shipped_policy().leaves)


@pytest.mark.parametrize(("path", "file"), READ_ELSEWHERE.items())
def test_a_value_that_no_month_asks_for_is_read_where_it_is_said_to_be(path: str, file: str) -> None:
    tree = ast.parse((FLOWS.parent / file).read_text(encoding="utf-8"))
    read = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert f"policy.integer('{path}')" in read


@pytest.mark.parametrize(
    "rules", [scheme.Scheme, scheme.Limits, scheme.AlarmRule, scheme.IndicatorRule, LadderRule, GradeRules, PayRules]
)
def test_whatever_is_read_from_the_policy_is_used_by_a_rule(rules: type) -> None:
    used = {
        node.attr
        for path in (FLOWS / "evaluate").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert {field.name for field in fields(rules)} - used == set()
