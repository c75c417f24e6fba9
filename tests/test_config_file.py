"""The small files of the configuration: whatever stands there, one message on what to mend, and no secret."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from flows.clock import load_wrong_until
from flows.config_file import pick_problem, read_config
from flows.errors import ConfigurationError
from flows.notify.config import load_notify_config
from flows.retention.config import load_retention_settings
from flows.review.people import load_review_settings

LOADERS: dict[str, Callable[[Path], Any]] = {
    "clock.yaml": load_wrong_until,
    "notify.yaml": load_notify_config,
    "retention.yaml": load_retention_settings,
    "review.yaml": load_review_settings,
}
KEYS = {
    "clock.yaml": "wrong_until",
    "notify.yaml": "mode",
    "retention.yaml": "announced_days",
    "review.yaml": "remind_after_working_days",
}
NO_SUCH_ONE = "it looks like a date or number, but there is no such one"


@pytest.mark.parametrize("name", LOADERS)
def test_a_date_that_there_is_not_is_told_with_its_file_and_place(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(f"# ours\n{KEYS[name]}: 2027-13-45\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        LOADERS[name](tmp_path)
    # The clock's file is read as text, whose instants are told from it later.
    place = (
        f"{name}, {KEYS[name]}: " if name == "clock.yaml" else f"{name}: not YAML in UTF-8: line 2, {NO_SUCH_ONE}. "
    )
    assert str(refused.value).startswith(place)


@pytest.mark.parametrize("name", LOADERS)
def test_a_folder_in_the_place_of_the_file_is_told_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigurationError) as refused:
        LOADERS[name](tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / name}: cannot be read (Is a directory). ")


@pytest.mark.parametrize("name", LOADERS)
def test_a_file_in_another_encoding_is_told_as_that(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("# 设置\n".encode("gb18030"))
    with pytest.raises(ConfigurationError, match=f"{name}: not YAML in UTF-8: it is in another encoding. Mend it."):
        LOADERS[name](tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("on: 2027-12-32\n", NO_SUCH_ONE),
        ("at: 2027-12-31T24:00:00\n", NO_SUCH_ONE),
        ("token: !!int open-sesame\n", NO_SUCH_ONE),
        ("token: !!bool open-sesame\n", NO_SUCH_ONE),
        ("token: !!timestamp open-sesame\n", "failed to construct timestamp"),
        ("token: *open-sesame\n", "found undefined alias"),
        ("token: !open-sesame\n", "could not determine a constructor for the tag"),
        ("token: !open-sesame!x 1\n", "found undefined tag handle"),
        ("token: open-sesame: 1\n", "mapping values are not allowed here"),
        ("{token: 1, token: open-sesame}\n", 'found duplicate key "token"'),
    ],
)
def test_the_line_that_is_wrong_is_told_without_what_stands_there(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(f"# one\n{text}", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_config(file)
    assert str(refused.value) == f"small.yaml: not YAML in UTF-8: line 2, {told}. Mend it."


@pytest.mark.parametrize("escape", ["00110000", "FFFFFFFF"])
def test_an_escape_beyond_the_last_character_is_refused(tmp_path: Path, escape: str) -> None:
    file = tmp_path / "small.yaml"
    file.write_text('name: "\\U0010FFFF"\n', encoding="utf-8")
    assert read_config(file) == {"name": chr(0x10FFFF)}
    file.write_text(f'name: "\\U{escape}"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="it holds a character that YAML forbids"):
        read_config(file)


def test_the_last_day_of_a_year_and_its_last_second_are_read(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("{on: 2027-12-31, at: 2027-12-31T23:59:59}\n", encoding="utf-8")
    assert {key: str(value) for key, value in read_config(tmp_path / "small.yaml").items()} == {
        "on": "2027-12-31",
        "at": "2027-12-31 23:59:59",
    }


def test_a_file_that_is_not_there_is_told_with_what_that_means(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"small\.yaml: not there, so nothing is known\."):
        read_config(tmp_path / "small.yaml", ", so nothing is known.")
    with pytest.raises(FileNotFoundError):
        read_config(tmp_path / "small.yaml")


class _Small(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: int


def test_a_misspelt_key_is_told_before_the_one_that_it_leaves_missing() -> None:
    with pytest.raises(ValidationError) as refused:
        _Small.model_validate({"dais": 1})
    assert pick_problem(refused.value)["loc"] == ("dais",)
