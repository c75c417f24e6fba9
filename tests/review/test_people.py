"""`review.yaml`: who may prepare and approve, read strictly."""

from pathlib import Path

import pytest
from city_runs import CONFIG

from flows.errors import ConfigurationError
from flows.review.people import load_review_settings

TWO = (
    "people:\n  - {name: 甲, roles: [reviewer], scope: city}\n  - {name: 乙, roles: [approver], scope: ['410202']}\n"
)


def load(folder: Path, text: str):
    (folder / "review.yaml").write_text(text, encoding="utf-8")
    return load_review_settings(folder)


def test_the_shipped_file_names_nobody_and_reminds_after_three_working_days() -> None:
    settings = load_review_settings(CONFIG)
    assert (settings.people.is_set_up, settings.remind_after_working_days) == (False, 3)


@pytest.mark.parametrize("text", ["", "# nothing\n", "remind_after_working_days: 3\n"])
def test_a_file_that_does_not_say_whether_anybody_is_named_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"review\.yaml"):
        load(tmp_path, text)


def test_without_the_file_who_may_decide_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not there, so who may decide isn't known"):
        load_review_settings(tmp_path)


def test_people_have_roles_and_a_scope(tmp_path: Path) -> None:
    first, second = load(tmp_path, TWO).people.named
    assert first.covers("410299")
    assert first.covers(None)
    assert second.covers("410202")
    assert not second.covers("410203")
    assert not second.covers(None)
    assert second.authority == "approver: 410202"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("people: [{name: 甲, roles: [boss], scope: city}]\n", "review.yaml, people.0.roles.0"),
        ("people: [{name: '', roles: [approver], scope: city}]\n", "review.yaml, people.0.name"),
        ("people: [{name: 甲, roles: [], scope: city}]\n", "review.yaml, people.0.roles"),
        ("people: [{name: 甲, roles: [approver]}]\n", "review.yaml, people.0.scope"),
        (
            "people: [{name: 甲, roles: [approver], scope: city, phone: 1}]\n",
            "people.0.phone: not a known key. Known here: name, roles, scope",
        ),
        ("person: []\n", "person: not a known key. Known here: people, remind_after_working_days"),
        ("people: []\nremind_after_working_days: 0\n", "review.yaml, remind_after_working_days"),
        ("people: [{name: '  ', roles: [approver], scope: city}]\n", "people.0.name: Value error, the name is empty"),
        ('people: [{name: "甲\\u200b", roles: [approver], scope: city}]\n', "signs that can't be seen"),
        ("people: [{name: 甲, roles: [approver], scope: []}]\n", "people.0.scope"),
        (f"{TWO}  - {{name: ' 甲 ', roles: [approver], scope: city}}\n", "'甲' stands there twice"),
        ("people: [{name: 甲, roles: [reviewer], scope: city}]\n", "nobody is an approver"),
        ("people: [{name: 甲, roles: [approver], scope: city}]\n", "nobody could prepare"),
        ("people: [{name: 甲, roles: [approver, reviewer], scope: city}]\n", "nobody could prepare"),
        ("people: [\n", "review.yaml: not YAML in UTF-8"),
        ("- 甲\n", "review.yaml, the file"),
    ],
)
def test_a_file_that_can_not_be_meant_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text)
    assert told in str(refused.value)


def test_two_who_do_both_are_enough(tmp_path: Path) -> None:
    both = "people:\n" + "".join(
        f"  - {{name: {name}, roles: [reviewer, approver], scope: city}}\n" for name in ("甲", "乙")
    )
    assert len(load(tmp_path, both).people.named) == 2
