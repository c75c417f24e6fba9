"""The shipped figures of grades and pay against policy.md §4 and §5, with their tags."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.policy import Policy, load_policy


@pytest.fixture(scope="module")
def shipped() -> Policy:
    return load_policy(Path(__file__).parents[1] / "config" / "policy")


@pytest.mark.parametrize(
    ("path", "value", "tag"),
    [
        (
            "grades.bands",
            {
                "principal": {"floor": 7, "ceiling": 18},
                "deputy": {"floor": 4, "ceiling": 15},
                "other": {"floor": 1, "ceiling": 12},
            },
            "sourced",
        ),
        ("grades.step_months", 36, "secondary"),
        ("grades.education_months", {"none": 0, "bachelor": 36, "master": 60, "doctor": 84}, "secondary"),
        ("grades.certificate_steps", {"none": 0, "assistant": 1, "intermediate": 2, "senior": 3}, "secondary"),
        ("grades.incompetent_year_months", 12, "assumed"),
        ("grades.appraisal_cut_day", "04-01", "assumed"),
        ("grades.appraisal_joining_limit", "06-30", "assumed"),
        ("grades.sanction_period_months", {"warning": 6, "demerit": 12, "major_demerit": 18}, "sourced"),
        ("grades.sanction_holds_raise", True, "assumed"),
        ("grades.most_steps_at_once", 1, "assumed"),
        ("grades.objection_answer_working_days", 5, "assumed"),
        ("pay.base_fen", None, "assumed"),
        ("pay.grade_increment", "0.05", "derived"),
        ("pay.basic_share", "0.70", "secondary"),
        (
            "pay.performance_factors",
            {"excellent": "1.10", "competent": "1.00", "basic": "0.80", "incompetent": "0", "absent": "1.00"},
            "assumed",
        ),
        ("pay.uplift_share", "0.15", "sourced"),
        ("pay.title_stars_minimum", 4, "sourced"),
        ("pay.work_funds_minimum_fen", 2_000_000, "sourced"),  # 20,000 yuan
        ("pay.work_funds_maximum_fen", 10_000_000, "sourced"),  # 100,000 yuan
    ],
)
def test_each_figure_and_its_tag_are_those_of_the_policy(shipped: Policy, path: str, value: Any, tag: str) -> None:
    on = date(2024, 4, 1)
    assert shipped.at(on).get(path) == value
    assert shipped.at(on).describe(path).tag == tag


def test_every_figure_of_grades_and_pay_is_listed_above(shipped: Policy) -> None:
    on = shipped.at(date(2024, 4, 1))
    assert len(on.children("grades")) + len(on.children("pay")) == 19


def test_the_policy_of_2020_is_in_force_from_its_first_day(shipped: Policy) -> None:
    assert {leaf.entries[0].start_on for leaf in shipped.leaves.values()} == {date(2020, 1, 1)}
