"""Configuration that cannot be used: exit code 10, one message with where and what to do, nothing half-written."""

from collections.abc import Callable
from pathlib import Path

import pytest
from city_runs import DemoRun, Home, digest_tree, set_environment

pytestmark = pytest.mark.flow


def edit(file: str, old: str, new: str) -> Callable[[Home], None]:
    """A change of one configuration file."""

    def change(home: Home) -> None:
        path = home.config / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def write(file: str, content: bytes) -> Callable[[Home], None]:
    return lambda home: (home.config / file).write_bytes(content) and None


def remove(file: str) -> Callable[[Home], None]:
    return lambda home: (home.config / file).unlink()


MISTAKES: dict[str, tuple[Callable[[Home], None], list[str]]] = {
    "policy_not_yaml": (
        edit("policy/five_star.yaml", "lit_score:", "lit_score: ["),
        ["five_star.yaml", "line", "not YAML", "Mend that line."],
    ),
    "policy_key_unknown": (
        edit("policy/five_star.yaml", "lit_score:", "light_score:"),
        ["five_star.yaml", "light_score", "lit_score"],
    ),
    "policy_weights": (
        edit("policy/five_star.yaml", "weight: 50", "weight: 45"),
        ["five_star.yaml", "2020-01-01", "weights total 95", "must total 100"],
    ),
    "policy_file_missing": (remove("policy/grades.yaml"), ["grades.yaml"]),
    "platform_not_yaml": (
        write("platforms/law_enforcement.yaml", b"platform: [\n"),
        ["law_enforcement.yaml", "line 2 is not YAML", "Mend that line."],
    ),
    "platform_not_a_mapping": (
        write("platforms/law_enforcement.yaml", b"- platform\n"),
        ["law_enforcement.yaml: must be a mapping of keys"],
    ),
    "platform_not_utf8": (
        write("platforms/law_enforcement.yaml", "title: 执法".encode("gb18030")),
        ["law_enforcement.yaml: not UTF-8 text. Save the file as UTF-8."],
    ),
    "platform_key_unknown": (
        edit("platforms/law_enforcement.yaml", "records: lb", "recrods: lb"),
        ["law_enforcement.yaml, resources.events", "unknown key recrods", "Valid keys", "records"],
    ),
    "platform_kind_unknown": (
        edit("platforms/law_enforcement.yaml", "kind: rest", "kind: soap"),
        ["law_enforcement.yaml, connection.kind", "'soap'", "rest, files"],
    ),
    "platform_column_unknown": (
        edit("platforms/law_enforcement.yaml", "event_id: ajbh", "event_number: ajbh"),
        ["law_enforcement.yaml", "event_number", "event_id"],
    ),
    "messages_mode_unknown": (
        edit("notify.yaml", "mode: simulate", "mode: loud"),
        ["notify.yaml, mode", "'loud'", "'live'"],
    ),
    "messages_file_missing": (remove("notify.yaml"), ["notify.yaml: not there. Restore it"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_run_with_a_mistake_in_its_configuration_exits_10_and_writes_nothing(home: Home, mistake: str) -> None:
    change, words = MISTAKES[mistake]
    change(home)
    before = digest_tree(home.path / "outputs")
    answer = home.run("run", "--offline", "--month", "2024-03")
    assert answer.code == 10
    [message] = [line for line in answer.err.splitlines() if line.startswith("fivestar: ")]
    assert [word for word in words if word not in message] == []
    assert digest_tree(home.path / "outputs") == before
    with home.open() as house:
        assert house.ledger.results.find_latest("2024-03").revision == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("command", ["ingest", "run"])
def test_a_mistake_in_a_quality_file_is_told_before_anything_is_pulled(
    home: Home, platforms: dict[str, str], command: str
) -> None:
    write("quality/events.yaml", b"rules: [")(home)
    with home.open() as house:
        before = len(house.ledger.list_pulls())
    answer = home.run(command, "--month", "2024-03")
    assert answer.code == 10
    assert "events.yaml" in answer.err
    with home.open() as house:
        assert len(house.ledger.list_pulls()) == before


def test_a_home_that_cannot_be_made_is_told_by_name(march: DemoRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    answer = Home(tmp_path / "file" / "home", march.home.config).run("run", "--offline", "--month", "2024-03")
    assert answer.code == 10
    assert f"{tmp_path / 'file' / 'home'}: no folder that can be made or used" in answer.err


def test_a_database_that_is_none_is_told_without_its_password(home: Home) -> None:
    (home.path / "ledger.sqlite").write_bytes(b"rubbish" * 1000)
    answer = home.run("evaluate", "--month", "2024-03")
    assert answer.code == 10
    assert "the file is damaged, or is no database" in answer.err
    with set_environment({"FIVESTAR_DATABASE_URL": "nosuchdatabase://hr:open-sesame@127.0.0.1/ledger"}):
        answer = home.run("evaluate", "--month", "2024-03")
    assert answer.code == 10
    assert "FIVESTAR_DATABASE_URL" in answer.err
    assert "open-sesame" not in answer.err


def test_an_unknown_engine_is_answered_with_the_known_ones(home: Home) -> None:
    with set_environment({"FIVESTAR_ENGINE": "abacus"}):
        answer = home.run("evaluate", "--month", "2024-03")
    assert answer.code == 10
    assert "FIVESTAR_ENGINE is 'abacus'. Known engines: duckdb" in answer.err


def test_a_source_that_is_not_configured_is_answered_with_those_that_are(home: Home) -> None:
    answer = home.run("ingest", "--platform", "post_office", "--month", "2024-03")
    assert answer.code == 10
    assert "'post_office'" in answer.err
    assert "comprehensive_governance, law_enforcement, public_service, sheets, supervision" in answer.err


def test_another_policy_folder_that_is_not_there_is_told_by_name(home: Home, tmp_path: Path) -> None:
    answer = home.run("evaluate", "--month", "2024-03", "--policy", str(tmp_path / "draft"))
    assert answer.code == 10
    assert f"policy folder {tmp_path / 'draft'} is not there" in answer.err


def test_a_policy_asked_for_before_it_began_is_an_error_with_the_day_from_which_it_holds(home: Home) -> None:
    answer = home.run("evaluate", "--month", "2019-12")
    assert answer.code == 10
    assert "is not in force on 2019-12-31. It holds from 2020-01-01." in answer.err
