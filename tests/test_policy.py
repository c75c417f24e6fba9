"""Values in force on a day, what asking for others says, and the fingerprint."""

import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from flows.errors import ConfigurationError
from flows.policy import Policy, load_policy

SHIPPED = Path(__file__).parents[1] / "config" / "policy"
STEP = """      value: 36
      tag: secondary
      reference: 二手资料，待核对原文（评估规则 §4）
      confirmed_on: 2026-11-23
"""
LATER = """    - start: 2025-07-01
      value: {value}
      tag: assumed
      reference: 测试
      confirmed_on: 2026-11-23
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policy to change."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policy"))


@pytest.fixture(scope="module")
def shipped() -> Policy:
    return load_policy(SHIPPED)


def change(folder: Path, name: str, old: str, new: str) -> Policy:
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_policy(folder)


def test_a_value_holds_from_its_start_until_the_next_starts(folder: Path) -> None:
    policy = change(folder, "grades.yaml", STEP, STEP + LATER.format(value=24))
    assert policy.at(date(2020, 1, 1)).integer("grades.step_months") == 36
    assert policy.at(date(2025, 6, 30)).integer("grades.step_months") == 36
    assert policy.at(date(2025, 7, 1)).integer("grades.step_months") == 24


def test_a_value_is_not_in_force_before_its_first_start(shipped: Policy) -> None:
    with pytest.raises(ConfigurationError, match=r"grades\.step_months is not in force on 2019-12-31") as refusal:
        shipped.at(date(2019, 12, 31)).get("grades.step_months")
    assert "It holds from 2020-01-01." in str(refusal.value)


def test_a_value_ended_by_null_is_an_error_that_names_the_days_in_force(folder: Path) -> None:
    policy = change(folder, "grades.yaml", STEP, STEP + LATER.format(value="null"))
    assert policy.at(date(2025, 6, 30)).get("grades.step_months") == 36
    with pytest.raises(ConfigurationError, match="not in force on 2025-07-01") as refusal:
        policy.at(date(2025, 7, 1)).get("grades.step_months")
    assert "from 2020-01-01 until before 2025-07-01" in str(refusal.value)


def test_an_ended_value_is_neither_listed_nor_a_child(folder: Path) -> None:
    policy = change(folder, "grades.yaml", STEP, STEP + LATER.format(value="null"))
    before, after = policy.at(date(2025, 6, 30)), policy.at(date(2025, 7, 1))
    assert "step_months" in before.children("grades")
    assert "step_months" not in after.children("grades")
    assert len(before.values()) == len(after.values()) + 1


def test_the_base_may_be_unset(shipped: Policy) -> None:
    assert shipped.at(date(2024, 4, 1)).get("pay.base_fen") is None
    assert shipped.at(date(2024, 4, 1)).describe("pay.base_fen").value == "未设定"


def test_a_path_that_no_file_holds_is_an_error(shipped: Policy) -> None:
    with pytest.raises(ConfigurationError, match=r"policy value grades\.steps was asked for on 2024-04-01"):
        shipped.at(date(2024, 4, 1)).get("grades.steps")


def test_numbers_are_exact(shipped: Policy) -> None:
    assert shipped.at(date(2024, 4, 1)).exact("pay.grade_increment") == Fraction(1, 20)
    assert shipped.at(date(2024, 4, 1)).exact("grades.step_months") == 36


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("integer", "pay.grade_increment"),
        ("integer", "grades.sanction_holds_raise"),
        ("exact", "grades.bands"),
        ("text", "grades.step_months"),
        ("mapping", "grades.step_months"),
        ("integer", "pay.base_fen"),
    ],
)
def test_asking_for_another_kind_is_an_error_that_names_the_value(shipped: Policy, kind: str, path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{path}, 2024-04-01: value is"):
        getattr(shipped.at(date(2024, 4, 1)), kind)(path)


def test_children_come_in_file_order(shipped: Policy) -> None:
    children = shipped.at(date(2024, 4, 1)).children("pay")
    assert children[:3] == ["base_fen", "grade_increment", "basic_share"]


def test_a_mapping_handed_out_cannot_change_the_policy(shipped: Policy) -> None:
    day = shipped.at(date(2024, 4, 1))
    day.mapping("grades.education_months").clear()
    assert day.mapping("grades.education_months")["bachelor"] == 36


def test_every_value_in_force_is_listed_with_title_tag_and_reference(shipped: Policy) -> None:
    values = shipped.at(date(2024, 4, 1)).values()
    assert [value.path for value in values] == list(shipped.leaves)
    assert all(value.title and value.tag and value.reference and value.value for value in values)


def test_values_are_shown_in_chinese(shipped: Policy) -> None:
    day = shipped.at(date(2024, 4, 1))
    assert day.describe("grades.bands").value == (
        "正职（起点 7；上限 18）；副职（起点 4；上限 15）；其他（起点 1；上限 12）"
    )
    assert day.describe("grades.sanction_holds_raise").value == "是"


def test_comments_and_layout_leave_the_fingerprint_alone(folder: Path, shipped: Policy) -> None:
    changed = change(folder, "grades.yaml", "value: {warning: 6,", "value:   {warning: 6, # a comment\n       ")
    assert changed.fingerprint == shipped.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"0.05"', '"0.06"'),
        ("tag: derived", "tag: sourced"),
        ("title: 每高一级的增幅", "title: 每级增幅"),
        ("confirmed_on: 2026-11-23", "confirmed_on: 2026-11-24"),
    ],
    ids=["value", "tag", "title", "confirmed_on"],
)
def test_whatever_a_file_says_is_in_the_fingerprint(folder: Path, shipped: Policy, old: str, new: str) -> None:
    assert change(folder, "pay.yaml", old, new).fingerprint != shipped.fingerprint


def test_the_first_day_is_in_the_fingerprint(folder: Path, shipped: Policy) -> None:
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("start: 2020-01-01", "start: 2020-01-02"), encoding="utf-8")
    assert load_policy(folder).fingerprint != shipped.fingerprint


def test_the_policy_is_in_force_from_its_first_day(shipped: Policy) -> None:
    shipped.refuse_unless_in_force(date(2020, 1, 1))
    with pytest.raises(ConfigurationError) as refusal:
        shipped.refuse_unless_in_force(date(2019, 12, 31))
    assert str(refusal.value) == (
        "the policy is not in force on 2019-12-31. It holds from 2020-01-01. "
        "Ask for a day in force, or add values that start by that day."
    )


def test_a_policy_is_in_force_until_a_value_that_the_rules_need_is_ended(folder: Path) -> None:
    policy = change(folder, "grades.yaml", STEP, STEP + LATER.format(value="null"))
    assert (policy.first_on, policy.ended_on) == (date(2020, 1, 1), date(2025, 7, 1))
    policy.refuse_unless_in_force(date(2025, 6, 30))
    with pytest.raises(
        ConfigurationError, match=r"not in force on 2025-07-01.*from 2020-01-01 until before 2025-07-01"
    ):
        policy.refuse_unless_in_force(date(2025, 7, 1))


def test_an_unset_base_ends_nothing(shipped: Policy) -> None:
    assert shipped.ended_on is None


def test_each_value_tells_when_it_was_last_confirmed(shipped: Policy) -> None:
    assert shipped.at(date(2024, 4, 1)).describe("grades.step_months").confirmed_on == date(2026, 11, 23)


def test_tags_are_counted_of_one_day_or_of_all(folder: Path) -> None:
    policy = change(folder, "grades.yaml", STEP, STEP + LATER.format(value=24))
    everything, before = policy.list_tags(), policy.list_tags(date(2025, 6, 30))
    assert len(everything) == len(before) + 1 == len(policy.leaves) + 1
    # On 1 July 2025 an assumed value follows one of a secondary page.
    assert policy.list_tags(date(2025, 7, 1)).count("secondary") == before.count("secondary") - 1


def test_the_fingerprint_is_64_hexadecimal_digits(shipped: Policy) -> None:
    assert len(shipped.fingerprint) == 64
    assert int(shipped.fingerprint, 16) >= 0
