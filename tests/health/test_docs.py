"""What the documents say is so: commands, exit codes, links, layers; and no file holds anything of a machine."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import typer

from flows import errors
from flows.cli.app import app

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference" / "commands.md"
NOT_THERE_YET = "### Not there yet"
HOSTS = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("anaconda", "org"),
    ("crates", "io"),
    ("ghcr", "io"),
)
PLACES = ("work", "tmp", "root", "home", "Users")
CLOCK_READERS = {
    "cli/options.py",
    "cli/progress.py",
    "ingest/flow.py",
    "ingest/connect/rest.py",
    "sandbox/dialects.py",
    "server/processes.py",
}


@cache
def list_committed() -> list[Path]:
    """Every file that git keeps, whoever owns the checkout."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def list_documents() -> list[Path]:
    return [path for path in list_committed() if path.suffix == ".md"]


def read_text(path: Path) -> str:
    """The file's text; nothing for a binary one."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8")


@cache
def list_commands() -> dict[str, set[str]]:
    """Each command of the program with its long options."""
    commands: dict[str, set[str]] = {}

    def add(name: str, command: object) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            commands[name] = {option for it in command.params for option in (*it.opts, *it.secondary_opts)}  # type: ignore[attr-defined]
        else:
            for child, found in children.items():
                add(f"{name} {child}".strip(), found)

    add("", typer.main.get_command(app))
    return commands


def find_named_commands(text: str) -> list[tuple[str, set[str]]]:
    """The commands that inline code and fenced blocks of a document name, each with the long options given to it."""
    groups = {name.partition(" ")[0] for name in list_commands() if " " in name}
    named = []
    for block, inline in re.findall(r"```\w*\n(.*?)```|`([^`]+)`", text, flags=re.DOTALL):
        for line in (block or " ".join(inline.split())).splitlines():
            match = re.match(r"(?:\.venv/bin/)?fivestar ([a-z]+)(?: ([a-z]+))?(.*)", line.partition("  #")[0])
            if match:
                name = f"{match[1]} {match[2]}" if match[1] in groups and match[2] else match[1]
                named.append((name, set(re.findall(r"--[a-z-]+", match[3]))))
    return named


def exists(name: str, options: set[str]) -> bool:
    return name in list_commands() and options <= list_commands()[name]


def split_readme() -> tuple[str, str]:
    """The README without its list of what is missing, and that list."""
    before, _, after = (ROOT / "README.md").read_text(encoding="utf-8").partition(NOT_THERE_YET)
    missing, heading, rest = after.partition("\n### ")
    return before + heading + rest, missing


def test_the_reference_names_every_command() -> None:
    assert {name for name, _ in find_named_commands(read_text(REFERENCE))} == set(list_commands())


def test_the_reference_names_every_option_of_every_command() -> None:
    named: dict[str, set[str]] = {}
    for name, options in find_named_commands(read_text(REFERENCE)):
        named.setdefault(name, set()).update(options)
    everywhere = {"--home", "--config"}
    for name, options in list_commands().items():
        expected = {option for option in options if option.startswith("--")} - everywhere
        assert named[name] - everywhere == expected, name


def test_what_the_readme_calls_missing_is_missing() -> None:
    _, missing = split_readme()
    named = find_named_commands(missing)
    assert named
    assert [(name, options) for name, options in named if exists(name, options)] == []


@pytest.mark.parametrize("path", list_documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_names_commands_that_exist_or_that_the_readme_calls_missing(path: Path) -> None:
    missing = [name for name, _ in find_named_commands(split_readme()[1])]
    text = split_readme()[0] if path == ROOT / "README.md" else read_text(path)
    wrong = [
        (name, options)
        for name, options in find_named_commands(text)
        if not exists(name, options) and name not in missing
    ]
    assert wrong == []


def test_the_reference_explains_every_exit_code() -> None:
    classes = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FivestarError)
    ]
    codes = {0, *(kind.exit_code for kind in classes)}
    table = read_text(REFERENCE).partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)} == codes


def test_the_readme_names_what_make_does() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", read_text(ROOT / "Makefile"), flags=re.MULTILINE)
    assert phony is not None
    rows = split_readme()[0].partition("| make | does |\n")[2].partition("\n\n")[0].splitlines()
    assert {name for row in rows for name in re.findall(r"`([a-z-]+)", row.split("|")[1])} == set(phony[1].split())


def test_the_gate_ends_with_the_test_command_of_the_readme() -> None:
    fenced = re.findall(r"```sh\n(.*?)```", split_readme()[0], flags=re.DOTALL)
    set_up = next(block.splitlines() for block in fenced if "make test" in block.splitlines())
    assert set_up == ["make demo", "make test"]
    assert read_text(ROOT / ".ci" / "run").splitlines()[-1] == "make test"


@pytest.mark.parametrize("path", list_documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", read_text(path))
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in local if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", list_documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_anchors_lead_to_a_heading(path: Path) -> None:
    targets = [target.partition("#") for target in re.findall(r"\]\(([^)\s]+)\)", read_text(path))]
    local = [(file, anchor) for file, _, anchor in targets if anchor and not re.match(r"[a-z]+:", file)]
    wanted = [(path.parent / file if file else path, anchor) for file, anchor in local]
    assert [
        (file, anchor) for file, anchor in wanted if file.suffix == ".md" and anchor not in list_anchors(file)
    ] == []


def list_anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on pages that show Markdown."""
    text = re.sub(r"^```.*?^```", "", read_text(path), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.*?)\s*$", text, flags=re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = sum(name == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", name) is not None for name in found)
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    # Put together here, for this file is judged too.
    hosts = "|".join(re.escape(".".join(parts)) for parts in HOSTS)
    places = "|".join(PLACES)
    pattern = re.compile(rf"{hosts}|(?<![\w.<>}})*])/(?:{places})/\w")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in list_committed()
        for match in pattern.finditer(read_text(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    "name", [f"requirements{part}.lock" for part in ("", "-bench", "-mutate", "-pictures", "-run", "-spark")]
)
def test_a_lock_file_names_no_address(name: str) -> None:
    lock = read_text(ROOT / name)
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    assert "index-url" not in lock
    assert not (ROOT / "uv.lock").exists()


def test_the_architecture_shows_the_layers_of_the_import_contract() -> None:
    contracts = tomllib.loads(read_text(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    shown = re.search(r"```layers\n(.*?)```", read_text(ROOT / "docs" / "architecture.md"), flags=re.DOTALL)
    assert shown is not None
    assert shown[1].splitlines() == layers


def test_only_settings_read_the_environment() -> None:
    assert find_users(r"\bos\.environ|\bgetenv\b") == {"settings.py"}


def test_only_flows_the_command_line_and_connectors_read_the_clock() -> None:
    readers = find_users(r"\b(?:datetime\.now|datetime\.utcnow|date\.today|time\.time|time\.monotonic)\b")
    assert readers == CLOCK_READERS


def find_users(pattern: str) -> set[str]:
    """The files of the package in which the pattern occurs."""
    package = ROOT / "flows"
    return {
        path.relative_to(package).as_posix() for path in package.rglob("*.py") if re.search(pattern, read_text(path))
    }
