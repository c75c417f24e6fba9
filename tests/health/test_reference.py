"""The generated reference says what the program says, and documents name only what the program takes."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import city_runs
import pytest
import write_commands
import write_configuration
from configuration_models import list_sections
from pydantic import BaseModel
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PAGES = {"commands.md": write_commands, "configuration.md": write_configuration}
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
KEY_TABLES = [ROOT / "docs" / name for name in ("connecting.md", "messages.md")]

CHOICES = {
    ("demo", "--scale"),
    ("review list", "--kind"),
    ("review list", "--state"),
    ("review list", "--post"),
    ("review answer", "--outcome"),
    ("notify list", "--status"),
    ("notify deliver", "--mode"),
    ("quarantine list", "--state"),
}
"""Options that take one of a few words."""


@pytest.mark.parametrize("page", PAGES)
def test_a_committed_page_is_the_one_that_make_docs_writes(page: str) -> None:
    committed = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert PAGES[page].write_page() == committed, f"Run `make docs` and commit docs/reference/{page}."


def test_make_docs_writes_every_generated_page() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    scripts = {path.name for path in (ROOT / "docs").glob("write_*.py")}
    assert set(re.findall(r"\$\(BIN\)/python docs/(write_\w+\.py)", makefile)) == scripts


def find_option(command: str, option: str) -> Any:
    found = dict(write_commands.list_commands())[f"fivestar {command}"]
    return next(parameter for parameter in found.params if option in parameter.opts)


@pytest.mark.parametrize(("command", "option"), sorted(CHOICES))
def test_an_option_that_takes_a_few_words_names_them_all(command: str, option: str, tmp_path: Path) -> None:
    required = {"review list": ["--month", "2024-03"], "review answer": ["1", "--reviewer", "A", "--comment", "b"]}
    folders = ["--home", str(tmp_path), "--config", str(city_runs.CONFIG)]
    answer = city_runs.run_fivestar(*command.split(), option, "nonsense", *required.get(command, []), *folders)
    assert answer.code == 2
    told = re.split(r"Choose one of: |Modes are ", answer.err.strip())[1]
    words = re.split(r", | or | and ", told.partition(".")[0])
    assert len(words) > 1
    assert [word for word in words if word not in find_option(command, option).help] == []


def test_every_option_whose_words_are_checked_is_among_them() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "flows" / "cli").glob("*.py"))
    checked = set(re.findall(r"check_word\(\s*\"(--[a-z-]+)\"", code)) - {"--table"}
    assert checked <= {option for _, option in CHOICES}


def test_an_option_without_help_stops_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = list(write_commands.list_commands())
    monkeypatch.setattr(commands[0][1].params[2], "help", None)
    monkeypatch.setattr(write_commands, "list_commands", lambda: iter(commands))
    with pytest.raises(ValueError, match="has no help"):
        write_commands.write_page()


def test_a_command_without_home_and_config_stops_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    name, command = next(write_commands.list_commands())
    monkeypatch.setattr(command, "params", command.params[1:])
    monkeypatch.setattr(write_commands, "list_commands", lambda: iter([(name, command)]))
    with pytest.raises(ValueError, match="takes no --home"):
        write_commands.write_page()


def test_an_exit_code_of_which_nobody_is_told_stops_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_commands, "WHO_ACTS", {2: "caller"})
    with pytest.raises(ValueError, match="Make them agree"):
        write_commands.write_page()


def test_a_key_without_a_meaning_stops_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    class _NotifyFile(write_configuration.notify._NotifyFile):
        brightness: int = 1

    models = {**write_configuration.MODELS, "notify.yaml": (_NotifyFile,)}
    monkeypatch.setattr(write_configuration, "MODELS", models)
    with pytest.raises(ValueError, match=r"brightness: has no meaning"):
        write_configuration.write_page()


def test_a_variable_without_a_meaning_stops_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_configuration, "list_variables", lambda: ["FIVESTAR_BRIGHTNESS"])
    with pytest.raises(ValueError, match="FIVESTAR_BRIGHTNESS: has no meaning"):
        write_configuration.write_page()


def test_a_meaning_of_no_key_stops_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {file: models for file, models in write_configuration.MODELS.items() if file != "review.yaml"}
    monkeypatch.setattr(write_configuration, "MODELS", without)
    with pytest.raises(ValueError, match=r"Person\.name.* means nothing that exists"):
        write_configuration.write_page()


def test_every_file_of_the_shipped_configuration_is_described() -> None:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    config = ROOT / "config"
    undescribed = [
        path.name for path in config.iterdir() if f"`{path.name}{'/' if path.is_dir() else '`'}" not in page
    ]
    assert undescribed == []


def list_keys() -> set[str]:
    """Every key that some configuration file takes."""
    sections = (section for models in write_configuration.MODELS.values() for section in list_sections(models))
    found = {
        field.alias or name
        for section in sections
        for model in section.models
        for name, field in model.model_fields.items()
    }
    return found | {*write_configuration.LEAF_KEYS, *write_configuration.ENTRY_KEYS}


@pytest.mark.parametrize("path", KEY_TABLES, ids=lambda path: path.name)
def test_the_keys_that_a_page_explains_exist(path: Path) -> None:
    named: set[str] = set()
    for table in re.findall(
        r"^\| (?:key|setting) \|.*\n\|[ -|]+\n((?:\|.*\n)+)", path.read_text("utf-8"), re.MULTILINE
    ):
        for row in table.splitlines():
            quoted = re.findall(r"`([a-z_.]+)(?::[^`]*)?`", row.split("|")[1])
            named |= {part for key in quoted for part in key.split(".")}
    assert named
    assert named - list_keys() == set()


def list_examples() -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every part of a configuration file that a document shows; worked cases have a form of their own."""
    for path in DOCUMENTS:
        blocks = re.findall(r"```ya?ml\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for block in blocks if path.name != "cases.zh-CN.md" else []:
            shown = YAML(typ="safe", pure=True).load(re.sub(r"\$\{(\w+)\}", r"\1", block))
            if isinstance(shown, dict):
                yield path, shown


def list_readings(shown: Mapping[str, Any]) -> Iterator[list[str]]:
    """The keys that would be strange, for each place of each file at which the part may stand."""
    for models in write_configuration.MODELS.values():
        for section in list_sections(models):
            parts = shown.values() if section.path.endswith("<name>") else [shown]
            yield [key for part in parts for key in find_strange_keys(part, section.models)]
    yield list(find_strange_policy_keys(shown))


def find_strange_keys(shown: Any, models: tuple[type[BaseModel], ...]) -> Iterator[str]:
    """Keys, at any depth, that none of the models takes there; what isn't a mapping of keys is strange itself."""
    if not isinstance(shown, dict):
        yield str(shown)
        return
    fields = [
        (field.alias or name, field.annotation) for model in models for name, field in model.model_fields.items()
    ]
    for key, value in shown.items():
        taken = [annotation for name, annotation in fields if name == key]
        if not taken:
            yield str(key)
        inner = tuple({kind for annotation in taken for kind in find_models(annotation)})
        by_name = any(str(annotation).startswith(("dict", "collections.abc.Mapping")) for annotation in taken)
        parts = value if isinstance(value, list) else value.values() if by_name else [value]
        for part in parts if inner else []:
            yield from find_strange_keys(part, inner)


def find_strange_policy_keys(shown: Mapping[str, Any]) -> Iterator[str]:
    """Keys that no policy value takes, if the part is a tree of policy values."""
    for name, value in shown.items():
        if not isinstance(value, dict):
            yield name
        elif "values" in value:
            entries = {key for entry in value["values"] for key in entry}
            yield from (value.keys() - set(write_configuration.LEAF_KEYS)) | (
                entries - set(write_configuration.ENTRY_KEYS)
            )
        else:
            yield from find_strange_policy_keys(value)


def find_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from find_models(argument)


def test_the_keys_of_the_examples_exist() -> None:
    found = [(path.name, min(list_readings(shown), key=len)) for path, shown in list_examples()]
    assert found
    assert [(name, strange) for name, strange in found if strange] == []


def test_documents_name_only_variables_that_exist() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    named = {name for text in texts for name in write_configuration.VARIABLE.findall(text)}
    assert {name.removesuffix("_FILE") for name in named} == set(write_configuration.list_variables())
