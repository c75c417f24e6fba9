"""What the loader refuses, each with the message that its reader sees.

A case of `bad_config/policy/` is a small change to the shipped files: in `file`, after the text `after`, the first
`replace` becomes `by`.
"""

import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from flows.errors import ConfigurationError
from flows.policy import load_policy

SHIPPED = Path(__file__).parents[1] / "config" / "policy"
CASES = sorted((Path(__file__).parent / "bad_config" / "policy").glob("*.yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policy to break."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policy"))


def refuse(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as refusal:
        load_policy(folder)
    return str(refusal.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_broken_file_is_refused_with_this_message(case: Path, folder: Path) -> None:
    change = YAML(typ="safe", pure=True).load(case)
    broken = folder / change["file"]
    head, after, tail = broken.read_text(encoding="utf-8").partition(change.get("after", "\n"))
    assert change["replace"] in tail, "the case no longer fits the shipped file"
    changed = tail.replace(change["replace"], change["by"], 1)
    broken.write_text(f"{head}{after}{changed}", encoding="utf-8")
    assert re.sub(r"line \d+", "line N", refuse(folder)) == change["message"]


def test_there_are_cases() -> None:
    assert len(CASES) > 30


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


def test_weights_are_checked_on_every_day_on_which_one_changes(folder: Path) -> None:
    # From 2025 on hazard_closed weighs 45 beside dispute_closed 50.
    five_star = folder / "five_star.yaml"
    head, key, tail = five_star.read_text(encoding="utf-8").partition("\n  hazard_closed:\n")
    entry = re.search(r"      - start: .*?confirmed_on: \S+\n", tail, re.DOTALL)
    assert entry is not None
    later = entry[0].replace("2020-01-01", "2025-01-01").replace("weight: 50", "weight: 45")
    five_star.write_text(f"{head}{key}{tail.replace(entry[0], entry[0] + later, 1)}", encoding="utf-8")
    assert refuse(folder) == (
        "five_star.yaml, stars.safety, 2025-01-01: weights total 95. They must total 100. "
        "Change one of dispute_closed (50), hazard_closed (45)."
    )
