"""What the loader refuses, each with the message that its reader sees.

A case of `bad_config/policy/` is a small change to the shipped files: in `file`, after the text `after`, the first
`replace` becomes `by`.
"""

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from policy_refusals import MODULES, list_refusals
from ruamel.yaml import YAML

from flows.errors import ConfigurationError
from flows.policy import load_policy
from flows.policy_terms import LADDERS

SHIPPED = Path(__file__).parents[1] / "config" / "policy"
CASES = sorted((Path(__file__).parent / "bad_config" / "policy").glob("*.yaml"))


NEED_NO_CASE = (
    "is not there",
    "not a policy file",
    "missing from",
    "not UTF-8 text",
    "holds no policy values",
)
"""What no small change to a file can bring about; each has a test of its own below."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policy to break."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policy"))


def refuse(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as refusal:
        load_policy(folder)
    return str(refusal.value)


def read_case(case: Path) -> dict[str, str]:
    return dict(YAML(typ="safe", pure=True).load(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_broken_file_is_refused_with_this_message(case: Path, folder: Path) -> None:
    change = read_case(case)
    broken = folder / change["file"]
    head, after, tail = broken.read_text(encoding="utf-8").partition(change.get("after", "\n"))
    assert change["replace"] in tail, "the case no longer fits the shipped file"
    changed = tail.replace(change["replace"], change["by"], 1)
    broken.write_text(f"{head}{after}{changed}", encoding="utf-8")
    assert re.sub(r"line \d+", "line N", refuse(folder)) == change["message"]


def test_every_sentence_that_refuses_a_file_has_a_case() -> None:
    messages = "\n".join(read_case(case)["message"] for case in CASES)
    unsaid = {pattern: place for pattern, place in list_refusals().items() if not re.search(pattern, messages)}
    beyond_cases = [pattern for pattern in unsaid if any(words in pattern for words in map(re.escape, NEED_NO_CASE))]
    assert {pattern: place for pattern, place in unsaid.items() if pattern not in beyond_cases} == {}
    assert len(beyond_cases) == len(NEED_NO_CASE)


def test_every_reason_why_values_belong_together_has_a_case() -> None:
    messages = "\n".join(read_case(case)["message"] for case in CASES)
    assert [rule for rule in LADDERS.values() if rule not in messages] == []


def test_the_search_for_sentences_finds_those_of_every_module() -> None:
    places = list_refusals().values()
    assert {place.partition(",")[0] for place in places} == {*MODULES, "policy"}
    assert len(places) > 60


def test_the_line_is_the_one_of_the_fault(folder: Path) -> None:
    pay = folder / "pay.yaml"
    lines = pay.read_text(encoding="utf-8").splitlines()
    fault = next(number for number, line in enumerate(lines, start=1) if '"0.05"' in line)
    pay.write_text("\n".join(lines).replace('"0.05"', "0.05"), encoding="utf-8")
    assert f"(line {fault})" in refuse(folder)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert "is not there" in refuse(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["five_star", "grades", "pay", "calendar"])
def test_every_file_must_be_there(folder: Path, name: str) -> None:
    (folder / f"{name}.yaml").unlink()
    message = refuse(folder)
    assert message.startswith(f"{name}.yaml: missing")
    assert "five_star.yaml, grades.yaml, pay.yaml, calendar.yaml" in message


@pytest.mark.parametrize("name", ["grade.yaml", "pay.yml", "notes.txt"])
def test_an_unknown_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("", encoding="utf-8")
    assert refuse(folder).startswith(f"{name}: not a policy file.")


def test_a_hidden_file_of_an_editor_is_left_alone(folder: Path) -> None:
    (folder / ".pay.yaml.swp").write_text("", encoding="utf-8")
    load_policy(folder)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n"])
def test_a_file_without_values_is_refused(folder: Path, text: str) -> None:
    (folder / "pay.yaml").write_text(text, encoding="utf-8")
    assert refuse(folder).startswith("pay.yaml: holds no policy values.")


def test_a_file_that_is_not_utf_8_is_refused(folder: Path) -> None:
    pay = folder / "pay.yaml"
    pay.write_bytes(pay.read_text(encoding="utf-8").encode("gb18030"))
    assert refuse(folder).startswith("pay.yaml: not UTF-8 text")


AT_THE_LIMIT = [
    ("grades.yaml", "step_months:", "value: 36", "value: 1200"),
    ("grades.yaml", "education_months:", "doctor: 84", "doctor: 1200"),
    ("grades.yaml", "certificate_steps:", "senior: 3", "senior: 99"),
    ("grades.yaml", "most_steps_at_once:", "value: 1", "value: 99"),
    ("grades.yaml", "bands:", "ceiling: 18", "ceiling: 99"),
    ("grades.yaml", "appraisal_cut_day:", '"04-01"', '"12-31"'),
    ("grades.yaml", "sanction_holds_raise:", "value: true", "value: FALSE"),
    ("grades.yaml", "sanction_holds_raise:", "value: true", "value: True"),
    ("five_star.yaml", "  wish_closed:", "window_months: 3", "window_months: 12"),
    ("five_star.yaml", "  wish_closed:", "minimum: 10", "minimum: 9999"),
    ("five_star.yaml", "  tier_1_hours:", "value: 24", "value: 8784"),
    ("five_star.yaml", "  district_overdue_hours:", "value: 72", "value: 8784"),
    ("five_star.yaml", "  tier_4_working_days:", "value: 15", "value: 366"),
    ("five_star.yaml", "  digest_rows:", "value: 10", "value: 9999"),
    ("five_star.yaml", "lit_score:", '"80.00"', '"79.999999999999"'),
    ("pay.yaml", "base_fen:", "value: null", "value: 1000000000000"),
    ("pay.yaml", "work_funds_maximum_fen:", "value: 10000000", "value: 1000000000000"),
    ("pay.yaml", "performance_factors:", 'absent: "1.00"', 'absent: "1.10"'),
    ("pay.yaml", "performance_factors:", 'excellent: "1.10"', 'excellent: "2.00"'),
    ("calendar.yaml", "  values:", "value: {}", "value: {2027: {holidays: [2027-02-08], workdays: []}}"),
]


@pytest.mark.parametrize(("name", "after", "old", "new"), AT_THE_LIMIT, ids=lambda text: text.strip())
def test_a_value_at_its_limit_is_taken(folder: Path, name: str, after: str, old: str, new: str) -> None:
    head, after, tail = (folder / name).read_text(encoding="utf-8").partition(after)
    assert old in tail
    (folder / name).write_text(f"{head}{after}{tail.replace(old, new, 1)}", encoding="utf-8")
    load_policy(folder)


def test_thousands_of_brackets_are_refused_like_a_few(folder: Path) -> None:
    text = (folder / "grades.yaml").read_text(encoding="utf-8")
    brackets = "[" * 3000 + "]" * 3000
    (folder / "grades.yaml").write_text(text.replace("value: 36", f"value: {brackets}", 1), encoding="utf-8")
    assert "nested more than 16 deep" in refuse(folder)


@pytest.mark.parametrize("digits", ["3" * 5000, f'"{"3" * 5000}"', f'"0.{"3" * 5000}"'])
def test_thousands_of_digits_are_refused_like_a_few(folder: Path, digits: str) -> None:
    pay = folder / "pay.yaml"
    pay.write_text(pay.read_text(encoding="utf-8").replace('value: "0.05"', f"value: {digits}", 1), encoding="utf-8")
    assert refuse(folder).startswith("pay.yaml, grade_increment, 2020-01-01 (line ")


def test_a_category_and_its_indicator_may_go_to_another_star_on_the_same_day(folder: Path) -> None:
    add_entry(folder, "five_star.yaml", "\ncategory_stars", ("hazard_major: safety", "hazard_major: wellbeing"))
    assert refuse(folder).startswith("five_star.yaml, category_stars, 2025-01-01 (line ")
    add_entry(folder, "five_star.yaml", "\n  hazard_major_closed", ("star: safety", "star: wellbeing"))
    load_policy(folder)


def test_each_file_is_read_once_so_that_the_archive_holds_what_was_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_text = Path.read_text

    def note(path: Path, *args: Any, **options: Any) -> str:
        read.append(path.name)
        return read_text(path, *args, **options)

    monkeypatch.setattr(Path, "read_text", note)
    policy = load_policy(folder)
    assert read == list(policy.files) == ["five_star.yaml", "grades.yaml", "pay.yaml", "calendar.yaml"]


def add_entry(folder: Path, name: str, key: str, change: tuple[str, str], start: str = "2025-01-01") -> None:
    """Add a later entry below the first one of `key`, in which the first text of `change` is the second."""
    file = folder / name
    head, key, tail = file.read_text(encoding="utf-8").partition(f"{key}:\n")
    entry = re.search(r" +- start: .*?confirmed_on: \S+\n", tail, re.DOTALL)
    assert entry is not None
    later = entry[0].replace("2020-01-01", start).replace(*change)
    assert later != entry[0]
    file.write_text(f"{head}{key}{tail.replace(entry[0], entry[0] + later, 1)}", encoding="utf-8")


def test_weights_are_checked_on_every_day_on_which_one_changes(folder: Path) -> None:
    # From 2025 on hazard_closed weighs 45 beside dispute_closed 50.
    add_entry(folder, "five_star.yaml", "\n  hazard_closed", ("weight: 50", "weight: 45"))
    assert refuse(folder) == (
        "five_star.yaml, stars.safety, 2025-01-01: weights total 95. They must total 100. "
        "Change one of dispute_closed (50), hazard_closed (45)."
    )


def end_indicator(folder: Path, key: str, start: str) -> None:
    text = (folder / "five_star.yaml").read_text(encoding="utf-8").partition(f"{key}:\n")[2]
    value = re.search(r"value: \{.*?\}", text)
    assert value is not None
    add_entry(folder, "five_star.yaml", key, (value[0], "value: null"), start)


def test_an_indicator_may_be_ended_if_the_others_of_its_star_make_up_its_weight(folder: Path) -> None:
    end_indicator(folder, "\n  hazard_closed", "2025-01-01")
    assert "2025-01-01: weights total 50." in refuse(folder)
    add_entry(folder, "five_star.yaml", "\n  dispute_closed", ("weight: 50", "weight: 100"))
    load_policy(folder)


def test_an_indicator_may_start_later_if_the_others_of_its_star_make_room(folder: Path) -> None:
    five_star = folder / "five_star.yaml"
    text = five_star.read_text(encoding="utf-8")
    head, key, tail = text.partition("\n  hazard_closed:\n")
    five_star.write_text(f"{head}{key}{tail.replace('2020-01-01', '2022-05-01', 1)}", encoding="utf-8")
    assert "stars.safety, 2020-01-01: weights total 50." in refuse(folder)
    # dispute_closed weighs 100 until hazard_closed starts.
    head, key, tail = five_star.read_text(encoding="utf-8").partition("\n  dispute_closed:\n")
    five_star.write_text(f"{head}{key}{tail.replace('weight: 50', 'weight: 100', 1)}", encoding="utf-8")
    add_entry(folder, "five_star.yaml", "\n  dispute_closed", ("weight: 100", "weight: 50"), "2022-05-01")
    load_policy(folder)


def test_an_indicator_may_be_ended_for_a_time_when_no_weight_hangs_on_it(folder: Path) -> None:
    end_indicator(folder, "\n  hazard_major_closed", "2024-01-01")
    text = (folder / "five_star.yaml").read_text(encoding="utf-8")
    head, key, tail = text.partition("\n  hazard_major_closed:\n")
    first, second = re.findall(r" +- start: .*?confirmed_on: \S+\n", tail, re.DOTALL)[:2]
    again = first.replace("2020-01-01", "2025-01-01")
    changed = f"{head}{key}{tail.replace(second, second + again, 1)}"
    (folder / "five_star.yaml").write_text(changed, encoding="utf-8")
    named = [
        "hazard_major_closed" in load_policy(folder).at(date(year, 6, 1)).children("five_star.indicators")
        for year in (2023, 2024, 2025)
    ]
    assert named == [True, False, True]


def test_the_base_may_be_set_unset_and_set_again(folder: Path) -> None:
    add_entry(folder, "pay.yaml", "base_fen", ("value: null", "value: 340000"))
    load_policy(folder)


def test_values_that_belong_together_are_compared_on_every_day_on_which_either_changes(folder: Path) -> None:
    # From 2025 on the street is told after 96 hours, the district after 72; the lower value's entry is named.
    add_entry(folder, "five_star.yaml", "  street_overdue_hours", ("value: 24", "value: 96"))
    assert refuse(folder).startswith("five_star.yaml, alerts.street_overdue_hours, 2025-01-01 (line ")
    # From 2024 on the district is told after 100 hours: then both days are right.
    add_entry(folder, "five_star.yaml", "  district_overdue_hours", ("value: 72", "value: 100"), "2024-01-01")
    load_policy(folder)


def test_the_entry_that_brings_the_contradiction_is_the_one_named(folder: Path) -> None:
    add_entry(folder, "five_star.yaml", "  district_overdue_hours", ("value: 72", "value: 12"))
    assert refuse(folder).startswith("five_star.yaml, alerts.district_overdue_hours, 2025-01-01 (line ")


def test_equal_values_on_a_ladder_are_right(folder: Path) -> None:
    add_entry(folder, "five_star.yaml", "  street_overdue_hours", ("value: 24", "value: 72"))
    load_policy(folder)


def test_a_policy_that_was_ended_needs_no_weights_any_more(folder: Path) -> None:
    add_entry(folder, "five_star.yaml", "cutoff_day", ("value: 3", "value: null"))
    end_indicator(folder, "\n  hazard_closed", "2025-01-01")
    assert load_policy(folder).ended_on == date(2025, 1, 1)
