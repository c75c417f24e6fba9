"""`fivestar doctor`: each kind of failure on its own, the exit code of the gravest, and a well city's good report."""

import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest
from city_runs import CONFIG, Answer, DemoRun, Home, digest_tree, set_environment

CLOSED_PORT = "http://127.0.0.1:9"
PLATFORMS = ("comprehensive_governance", "law_enforcement", "public_service", "supervision")
GIGABYTE = 1_000_000_000


class Usage(NamedTuple):
    """What `shutil.disk_usage` answers."""

    total: int
    used: int
    free: int


@pytest.fixture
def new(tmp_path: Path) -> Home:
    """A configuration of which nothing has run yet, with one source: an empty folder of sheets."""
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    for platform in PLATFORMS:
        (config / "platforms" / f"{platform}.yaml").unlink()
    (config / "sheets").mkdir()
    return Home(tmp_path / "home", config)


def examine(home: Home, *arguments: str, **environment: str) -> Answer:
    with set_environment({"SHEETS_FOLDER": "sheets", **environment}):
        return home.run("doctor", *arguments)


def list_lines(answer: Answer, level: str, area: str = "") -> list[str]:
    """What stands in the lines of a level, of those whose area begins so."""
    lines = [line for line in answer.out.splitlines() if line.startswith(level.ljust(6) + area)]
    return [re.split(r" {2,}", line, maxsplit=2)[-1] for line in lines]


def test_an_installation_that_has_not_run_yet_is_well_and_stays_unmade(new: Home) -> None:
    answer = examine(new)
    assert (answer.code, answer.err) == (0, "")
    assert list_lines(answer, "ok", "home") == [f"{new.path} is not there yet: it will be made"]
    assert list_lines(answer, "ok", "database") == [
        f"sqlite:///{new.path / 'ledger.sqlite'} is not there yet: the first command makes it"
    ]
    assert list_lines(answer, "fail") == []
    assert "no file matches 人员名册-*.xlsx — put it there, or correct files" in list_lines(answer, "warn", "sheets/")
    [unnamed, *unfilled] = list_lines(answer, "warn", "configuration")
    assert unnamed == "review: nobody is named, so anybody may decide alone — name people"
    assert len(unfilled) == len(PLATFORMS)  # stars need them, no file describes them
    assert answer.out.splitlines()[-1] == "9 ok, 11 warnings, 0 failures"
    assert not new.path.exists()


def test_names_that_are_not_set_are_told_and_their_source_is_not_tried(new: Home) -> None:
    answer = examine(new, SHEETS_FOLDER="")
    assert answer.code == 10
    assert list_lines(answer, "fail") == [
        "sheets: SHEETS_FOLDER not set — set them in the environment; until then the source is not tried"
    ]
    assert list_lines(answer, "ok", "sheets") == list_lines(answer, "warn", "sheets") == []
    assert answer.err == "fivestar: doctor: 1 check failed. The lines marked fail say what to mend.\n"


def test_a_placeholder_whose_file_is_empty_is_told_and_the_other_checks_go_on(new: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch()
    answer = examine(new, SHEETS_FOLDER="", SHEETS_FOLDER_FILE=str(secret))
    assert answer.code == 10
    assert list_lines(answer, "fail") == [
        f"sheets: SHEETS_FOLDER_FILE is {secret}, which is empty. Write the value into it."
    ]
    assert list_lines(answer, "ok", "database") != []
    assert list_lines(answer, "ok", "sheets") == list_lines(answer, "warn", "sheets") == []


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("platforms/broken.yaml", "platform: broken\ncolour: red\n", "broken.yaml"),
        ("quality/staff.yaml", "table: staff\nrules: [{kind: nonsense}]\n", "staff.yaml"),
        ("policy/pay.yaml", "nonsense", "pay.yaml"),
        ("notify.yaml", "mode: loud\n", "notify.yaml"),
        ("templates/adjustment_letter.md.j2", "{{ full_name }}", "placeholder 'full_name' is not known"),
    ],
)
def test_each_file_that_is_wrong_is_told_and_the_other_checks_go_on(
    new: Home, file: str, text: str, told: str
) -> None:
    (new.config / file).write_text(text, encoding="utf-8")
    answer = examine(new)
    assert answer.code == 10
    assert any(told in line for line in list_lines(answer, "fail"))
    assert list_lines(answer, "ok", "database")
    assert len(list_lines(answer, "ok", "configuration")) >= 3


def test_without_platform_files_that_is_said(new: Home) -> None:
    (new.config / "platforms" / "sheets.yaml").unlink()
    answer = examine(new)
    assert answer.code == 10
    [told] = list_lines(answer, "fail")
    assert "holds no platform file. Add one, see docs/connecting.md." in told


def test_a_source_that_is_not_configured_is_refused(new: Home) -> None:
    answer = examine(new, "--platform", "police")
    assert answer.code == 10
    assert "there is no source 'police' in config/platforms that can be read. Those that can: sheets." in answer.err


@pytest.mark.parametrize(
    ("free_bytes", "level", "code"),
    [
        (5 * GIGABYTE, "ok", 0),
        (5 * GIGABYTE - 1, "warn", 0),
        (1 * GIGABYTE, "warn", 0),
        (1 * GIGABYTE - 1, "fail", 10),
    ],
)
def test_a_disk_under_5_gb_is_a_warning_and_under_1_gb_a_failure(
    new: Home, monkeypatch: pytest.MonkeyPatch, free_bytes: int, level: str, code: int
) -> None:
    monkeypatch.setattr("flows.doctor.shutil.disk_usage", lambda _: Usage(0, 0, free_bytes))
    answer = examine(new)
    assert answer.code == code
    [told] = list_lines(answer, level, "disk")
    assert told.startswith(f"{free_bytes / GIGABYTE:.1f} GB free")


def test_a_home_that_is_a_file_is_a_failure(new: Home) -> None:
    new.path.write_text("x")
    answer = examine(new)
    assert answer.code == 10
    assert any("cannot be written" in line for line in list_lines(answer, "fail", "home"))


def test_a_database_that_cannot_be_used_is_a_failure_and_the_sources_are_tried_all_the_same(new: Home) -> None:
    answer = examine(new, FIVESTAR_DATABASE_URL="nosuch://fivestar:geheim@db/ledger")
    assert answer.code == 10
    [told] = list_lines(answer, "fail", "database")
    assert told.startswith("FIVESTAR_DATABASE_URL is not a database URL that this installation can use")
    assert list_lines(answer, "warn", "sheets/")
    assert "geheim" not in answer.out + answer.err


def test_a_folder_that_is_not_there_is_a_source_that_is_unavailable(new: Home) -> None:
    answer = examine(new, SHEETS_FOLDER="elsewhere")
    assert answer.code == 11
    assert list_lines(answer, "fail") == [
        (
            "the folder ${SHEETS_FOLDER} is not there. Mount it, or correct connection.path. — if it stays so, "
            "check ${SHEETS_FOLDER}"
        )
    ]


# The sandbox city, its servers running.


def read_secrets(march: DemoRun) -> set[str]:
    credentials = json.loads((march.sandbox.folder / "credentials.json").read_bytes())
    return {
        value for names in credentials.values() for name, value in names.items() if name not in {"username", "key_id"}
    }


@pytest.mark.flow
def test_a_well_city_is_told_so_and_nothing_of_it_changes(
    home: Home, platforms: dict[str, str], march: DemoRun
) -> None:
    before = digest_tree(home.path)
    answer = home.run("doctor")
    assert (answer.code, answer.err, list_lines(answer, "fail")) == (0, "", [])
    tried = {line.split()[1] for line in answer.out.splitlines() if re.match(r"(ok|warn) +\w+/\w+ ", line)}
    assert len(tried) == 13
    assert sorted(list_lines(answer, "ok", "clock")) == [f"{name}: agrees with ours to 0 s" for name in PLATFORMS]
    assert "  name           = 某某某某某" in answer.out
    after = digest_tree(home.path)
    same = {name for name in before if not name.startswith("ledger.sqlite")}
    assert {name: after.get(name) for name in same} == {name: before[name] for name in same}
    with home.open() as house, march.home.open() as untouched:
        assert house.ledger.list_pulls() == untouched.ledger.list_pulls()
        assert house.ledger.list_landings() == untouched.ledger.list_landings()
        assert house.ledger.list_outcomes() == untouched.ledger.list_outcomes()
    assert not any(secret in answer.out for secret in read_secrets(march))


@pytest.mark.flow
def test_a_report_names_no_person_and_no_community(home: Home, platforms: dict[str, str]) -> None:
    with home.open() as house, house.view() as view:
        people = view.table("staff").select("name", "staff_id").to_pyarrow().to_pylist()
        contacts = view.table("contacts").select("name", "address").to_pyarrow().to_pylist()
        names = {value for row in [*people, *contacts] for value in row.values()}
        names |= set(view.table("communities").name.to_pyarrow().to_pylist())
    answer = home.run("doctor")
    assert len(names) > 300
    assert [name for name in names if name in answer.out] == []


@pytest.mark.flow
def test_the_exit_code_is_that_of_the_gravest_failure_and_every_source_is_tried(
    home: Home, platforms: dict[str, str]
) -> None:
    file = home.config / "platforms" / "public_service.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("/v1/events", "/v9/events"), encoding="utf-8")
    with set_environment({"LAW_ENFORCEMENT_URL": CLOSED_PORT, "SUPERVISION_SECRET": "wrong"}):
        answer = home.run("doctor")
        one = home.run("doctor", "--platform", "law_enforcement")
    # 12, a broken contract, needs a person most; then 10, a refused secret; 11 may pass by itself.
    assert answer.code == 12
    assert len(list_lines(answer, "fail")) == 3
    assert list_lines(answer, "ok", "comprehensive_governance/communities")
    assert one.code == 11
    assert "supervision" not in one.out.partition("placeholders")[2]


def test_a_decision_changed_behind_the_programs_back_is_found(home: Home, subjects: dict[str, str]) -> None:
    staff = ("--staff", subjects["raise"])
    home.run("review", "approve", *staff, "--month", "2024-03", "--reviewer", "审核人")
    assert list_lines(examine(home), "fail", "decisions") == []
    with sqlite3.connect(home.path / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER guard_decisions_update")
        connection.execute("UPDATE decisions SET reviewer = '他人' WHERE id = (SELECT max(id) FROM decisions)")
    answer = examine(home)
    assert answer.code == 13
    [told] = list_lines(answer, "fail", "decisions")
    assert "of decisions is not what was written. Somebody changed it behind the program's back" in told


def test_people_who_may_decide_are_counted_and_a_wrong_file_is_told(new: Home) -> None:
    file = new.config / "review.yaml"
    file.write_text(
        "people:\n  - {name: 甲, roles: [reviewer], scope: city}\n  - {name: 乙, roles: [approver], scope: city}\n",
        encoding="utf-8",
    )
    assert "review: 2 people named, 1 approve" in list_lines(examine(new), "ok", "configuration")
    file.write_text("people: [{name: 甲, roles: [reviewer], scope: city}]\n", encoding="utf-8")
    answer = examine(new)
    assert answer.code == 10
    assert any("nobody is an approver" in line for line in list_lines(answer, "fail", "configuration"))
