"""Commands called with something that cannot be meant: exit code 2, one message, nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest
from city_runs import CONFIG, Home, run_fivestar

FIVESTAR = Path(sys.executable).with_name("fivestar")
HEAVY = {"pandas", "prefect", "great_expectations", "sqlalchemy", "ibis", "duckdb", "pyarrow", "altair", "requests"}
MISTAKES = {
    "unknown_command": (["dance"], "No such command 'dance'"),
    "unknown_option": (["run", "--month", "2024-03", "--colour", "red"], "No such option: --colour"),
    "no_month": (["run"], "Missing option '--month'"),
    "month_13": (["run", "--month", "2024-13"], "month '2024-13' cannot be read. Write it as YYYY-MM"),
    "month_without_zero": (["evaluate", "--month", "2024-3"], "month '2024-3' cannot be read"),
    "month_with_a_day": (["publish", "--month", "2024-03-01"], "month '2024-03-01' cannot be read"),
    "month_of_no_calendar": (["evaluate", "--month", "9999-12"], "month '9999-12' cannot be read"),
    "month_before_calendars": (["ingest", "--month", "0001-01"], "month '0001-01' cannot be read"),
    "month_of_the_list": (["notify", "list", "--month", "March"], "month 'March' cannot be read"),
    "ingest_of_both": (["ingest", "--month", "2024-03", "--since", "2024-03-01"], "--month and --since can't"),
    "since_no_instant": (["ingest", "--since", "yesterday"], "--since 'yesterday' cannot be read"),
    "since_before_time": (["ingest", "--since", "0001-01-01"], "--since '0001-01-01' cannot be read"),
    "since_the_future": (["ingest", "--since", "2024-04-06"], "--since '2024-04-06' lies in the future"),
    "scale": (["demo", "--scale", "province"], "--scale is 'province'. Choose one of: small, city."),
    "no_reviewer": (["review", "approve", "--all", "--month", "2024-03"], "Missing option '--reviewer'"),
    "empty_reviewer": (["review", "approve", "--all", "--month", "2024-03", "--reviewer", " "], "is empty"),
    "nobody_to_approve": (["review", "approve", "--month", "2024-03", "--reviewer", "r"], "either --staff ID"),
    "all_and_some": (
        ["review", "reject", "--month", "2024-03", "--reviewer", "r", "--all", "--staff", "KF1"],
        "--staff ID (repeatable) or --all",
    ),
    "unknown_kind": (["review", "list", "--month", "2024-03", "--kind", "cut"], "--kind is 'cut'. Choose one of"),
    "unknown_status": (["notify", "list", "--status", "lost"], "--status is 'lost'. Choose one of: queued"),
    "unknown_mode": (["notify", "deliver", "--mode", "loud"], "mode 'loud' is not known. Modes are off, simulate"),
    "unknown_key": (["notify", "resend", "--key", "card"], "message 'card' is not in the outbox"),
    "no_day": (["policy", "show", "--at", "31.3.2024"], "--at '31.3.2024' is not a date. Write it as 2024-03-31."),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistaken_call_exits_2_with_one_message_on_stderr(mistake: str, tmp_path: Path) -> None:
    arguments, message = MISTAKES[mistake]
    answer = Home(tmp_path / "home", CONFIG).run(*arguments)
    assert answer.code == 2
    assert message in answer.err
    assert answer.out == ""
    assert not (tmp_path / "home" / "outputs").exists()


def test_without_a_command_the_program_explains_itself() -> None:
    answer = run_fivestar()
    assert "Usage: fivestar" in answer.out + answer.err


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["review", "approve", "--help"]])
def test_help_needs_none_of_the_heavy_libraries(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom flows.cli import main\n"
        f"sys.argv = {['fivestar', *arguments]!r}\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join(sys.modules))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Usage: fivestar" in ended.stdout
    assert HEAVY.isdisjoint({name.split(".")[0] for name in ended.stderr.split()})


def test_the_installed_program_prints_a_bare_message_and_sets_the_exit_code(tmp_path: Path) -> None:
    home, nowhere = tmp_path / "home", tmp_path / "nowhere"
    command = [FIVESTAR, "evaluate", "--month", "2024-03", "--home", home, "--config", nowhere]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 10
    assert ended.stdout == ""
    assert ended.stderr == (
        f"fivestar: {nowhere}: no such configuration folder. Name one with --config or FIVESTAR_CONFIG.\n"
    )
    assert not home.exists()
