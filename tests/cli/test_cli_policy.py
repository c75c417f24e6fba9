"""`fivestar policy show` and `policy check`: what they print, and days on which no policy is in force."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from city_runs import CONFIG, Home

from flows.policy import load_policy

COLUMNS = ["path", "value", "unit", "tag", "start", "reference", "confirmed_on"]


@pytest.fixture
def shipped(tmp_path: Path) -> Home:
    """An installation with the shipped configuration."""
    return Home(tmp_path / "home", CONFIG)


@pytest.fixture
def changed(tmp_path: Path) -> Home:
    """The same, with a copy of the configuration to change."""
    return Home(tmp_path / "home", Path(shutil.copytree(CONFIG, tmp_path / "config")))


def read_table(text: str) -> list[dict[str, str]]:
    lines = list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert lines
    assert list(lines[0]) == COLUMNS
    return lines


def test_show_prints_every_value_with_its_tag_reference_and_day_of_confirmation(shipped: Home) -> None:
    answer = shipped.run("policy", "show", "--at", "2024-03-31")
    lines = {line["path"]: line for line in read_table(answer.out)}
    assert (answer.code, answer.err) == (0, "")
    assert set(lines) == set(load_policy(CONFIG / "policy").leaves)
    assert lines["pay.grade_increment"] == {
        "path": "pay.grade_increment",
        "value": "0.05",
        "unit": "ratio",
        "tag": "derived",
        "start": "2020-01-01",
        "reference": "由公开的等级工资推得（评估规则 §5）",
        "confirmed_on": "2026-11-23",
    }


def test_show_takes_the_day_of_the_call_without_a_day(shipped: Home) -> None:
    assert shipped.run("policy", "show").out == shipped.run("policy", "show", "--at", "2024-04-05").out


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_day_before_the_policy_is_told_from_when_it_holds(shipped: Home, command: str) -> None:
    answer = shipped.run("policy", command, "--at", "2019-12-31")
    assert (answer.code, answer.out) == (10, "")
    assert "the policy is not in force on 2019-12-31. It holds from 2020-01-01." in answer.err


def test_check_needs_no_day_and_counts_the_values_by_their_tag(shipped: Home) -> None:
    answer = shipped.run("policy", "check")
    told = dict(line.split("\t") for line in answer.out.splitlines())
    policy = load_policy(CONFIG / "policy")
    tags = Counter(entry.tag for leaf in policy.leaves.values() for entry in leaf.entries)
    assert answer.code == 0
    assert told == {
        "fingerprint": policy.fingerprint,
        "first_on": "2020-01-01",
        "ended_on": "",
        "values": str(len(policy.leaves)),
        "sourced": str(tags["sourced"]),
        "secondary": str(tags["secondary"]),
        "derived": str(tags["derived"]),
        "assumed": str(tags["assumed"]),
    }


def test_check_finds_what_goes_wrong_on_any_day_to_come(changed: Home) -> None:
    file = changed.config / "policy" / "five_star.yaml"
    head, key, tail = file.read_text(encoding="utf-8").partition("\n  dispute_closed:\n")
    entry = re.search(r" +- start: .*?confirmed_on: \S+\n", tail, re.DOTALL)
    assert entry is not None
    later = entry[0].replace("2020-01-01", "2099-01-01").replace("weight: 50", "weight: 40")
    file.write_text(f"{head}{key}{tail.replace(entry[0], entry[0] + later, 1)}", encoding="utf-8")
    answer = changed.run("policy", "check")
    assert answer.code == 10
    assert "five_star.yaml, stars.safety, 2099-01-01: weights total 90. They must total 100." in answer.err


def test_check_warns_of_a_source_that_no_file_in_platforms_describes(changed: Home) -> None:
    file = changed.config / "policy" / "five_star.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[law_enforcement, public_service", "[law_enforcement, public_servce"), "utf-8")
    answer = changed.run("policy", "check")
    assert answer.code == 0
    assert answer.err == (
        "warning: five_star.sources.co_building, enterprise: public_servce is needed, but "
        "platforms/public_servce.yaml is not there, so data will always be missing. "
        "Correct the id, or add the file.\n"
    )


def test_check_warns_of_nothing_when_every_source_has_its_file(shipped: Home) -> None:
    assert shipped.run("policy", "check", "--at", "2024-03-31").err == ""


def test_a_reference_of_several_lines_stays_in_its_column(changed: Home) -> None:
    file = changed.config / "policy" / "pay.yaml"
    text = file.read_text(encoding="utf-8")
    reference = "由公开的等级工资推得（评估规则 §5）"
    file.write_text(text.replace(reference, '"第一行\\n第二行\\t末"'), encoding="utf-8")
    lines = {line["path"]: line for line in read_table(changed.run("policy", "show").out)}
    assert lines["pay.grade_increment"]["reference"] == "第一行 第二行 末"


def test_a_month_before_the_policy_is_refused_with_the_days_in_force(shipped: Home) -> None:
    answer = shipped.run("evaluate", "--month", "2019-12")
    assert answer.code == 10
    assert "is not in force on 2019-12-31. It holds from 2020-01-01." in answer.err
