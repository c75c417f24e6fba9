"""Values that stand in files instead of the environment: how they are read, and what is refused unseen."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from city_runs import CONFIG

from flows.errors import ConfigurationError
from flows.ingest.flow import look_up
from flows.settings import load_settings, read_environment, resolve_placeholders, set_environment

URL = "postgresql+psycopg://fivestar:geheim@database/fivestar"

WriteSecret = Callable[[bytes], Path]


@pytest.fixture
def write_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteSecret:
    """Makes a file of these bytes, which `TOKEN_FILE` then names."""
    monkeypatch.delenv("TOKEN", raising=False)

    def write(content: bytes) -> Path:
        file = tmp_path / "token"
        file.write_bytes(content)
        monkeypatch.setenv("TOKEN_FILE", str(file))
        return file

    return write


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"geheim", "geheim"),
        (b"geheim\n", "geheim"),
        (b"geheim\r\n", "geheim"),
        (b"geheim\n\n", "geheim\n"),
        (b" two words \n", " two words "),
        ("口令\n".encode(), "口令"),
    ],
)
def test_a_value_is_what_stands_in_the_file_without_one_line_break_at_its_end(
    write_secret: WriteSecret, content: bytes, value: str
) -> None:
    write_secret(content)
    assert read_environment("TOKEN") == value
    assert look_up("TOKEN") == value
    assert resolve_placeholders("Bearer ${TOKEN}", read_environment) == f"Bearer {value}"


def test_a_value_and_a_file_for_it_are_refused_together(
    write_secret: WriteSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_secret(b"geheim")
    monkeypatch.setenv("TOKEN", "anders")
    with pytest.raises(ConfigurationError) as refusal:
        read_environment("TOKEN")
    assert str(refusal.value) == "TOKEN and TOKEN_FILE are both set. Unset one of them."


def test_an_empty_variable_counts_as_not_set(write_secret: WriteSecret, monkeypatch: pytest.MonkeyPatch) -> None:
    # Compose files pass a variable on as empty where it isn't set.
    write_secret(b"geheim")
    monkeypatch.setenv("TOKEN", "")
    assert read_environment("TOKEN") == "geheim"
    monkeypatch.setenv("TOKEN", "anders")
    monkeypatch.setenv("TOKEN_FILE", "")
    assert read_environment("TOKEN") == "anders"


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "which is empty"), (b"\n", "which is empty"), (b"\xffgeheim", "which isn't UTF-8 text")],
)
def test_a_file_without_a_value_is_refused_and_not_shown(
    write_secret: WriteSecret, content: bytes, told: str
) -> None:
    file = write_secret(content)
    with pytest.raises(ConfigurationError, match=f"TOKEN_FILE is {file}, {told}") as refusal:
        read_environment("TOKEN")
    assert "geheim" not in str(refusal.value)
    # A traceback in a run's log would show the bytes that could not be read.
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize(("name", "why"), [("nowhere", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / name))
    with pytest.raises(ConfigurationError, match=rf"TOKEN_FILE is .*, which can't be read \({why}\)"):
        read_environment("TOKEN")


def test_the_ledgers_url_may_stand_in_a_file(
    write_secret: WriteSecret, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIVESTAR_DATABASE_URL", raising=False)
    monkeypatch.setenv("FIVESTAR_DATABASE_URL_FILE", str(write_secret(f"{URL}\n".encode())))
    assert load_settings(tmp_path, CONFIG).database_url == URL


def test_a_url_of_the_ledger_beside_a_file_for_it_is_refused_without_showing_either(
    write_secret: WriteSecret, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIVESTAR_DATABASE_URL", URL)
    monkeypatch.setenv("FIVESTAR_DATABASE_URL_FILE", str(write_secret(URL.encode())))
    with pytest.raises(ConfigurationError, match="FIVESTAR_DATABASE_URL_FILE are both set") as refusal:
        load_settings(tmp_path, CONFIG)
    assert "geheim" not in str(refusal.value)


def test_what_the_program_sets_itself_goes_before_a_file(
    write_secret: WriteSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The demo serves platforms of its own, also where a city's are described by files.
    write_secret(b"geheim")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    set_environment({"TOKEN": "sandbox"})
    assert read_environment("TOKEN") == "sandbox"
