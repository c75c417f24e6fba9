"""`fivestar status`: what people, scripts and monitoring read of it."""

import json
from pathlib import Path

import pytest
from city_runs import CONFIG, RUN_AT, Home


def fail(home: Home, step: str, exit_code: int, month: str | None = None, subject: str | None = None) -> None:
    with home.open() as house:
        house.ledger.record_outcome(
            step=step, month=month, subject=subject, ok=False, message="x: no answer.\nTry again later.", counts={},
            started_at=RUN_AT, finished_at=RUN_AT, exit_code=exit_code,
        )  # fmt: skip


def test_a_script_reads_a_line_for_each_cell_failure_and_thing_overdue(home: Home) -> None:
    fail(home, "publish", 13, month="2024-03")
    answer = home.run("status", "--month", "2024-03")
    assert (answer.code, answer.err) == (0, "")
    header, *lines = [line.split("\t") for line in answer.out.splitlines()]
    assert header == ["section", "month", "name", "state", "at", "age", "counts", "told"]
    assert {len(line) for line in lines} == {8}
    rows = {(line[0], line[2]): line for line in lines}
    assert rows["step", "evaluate"][3:6] == ["ok", "2024-04-05T10:00:00+08:00", "0 min"]
    assert rows["source", "sheets"][3] == "complete"
    assert rows["failing", "publish"][7] == (
        "failing since 2024-04-05 10:00, once, last ok never | x: no answer. Try again later."
    )
    assert rows["due", ""][3] == "review_open"


def test_programs_read_json_with_the_keys_that_the_page_lists(home: Home) -> None:
    fail(home, "ingest", 11, subject="sheets")
    answer = home.run("status", "--json", "--months", "1")
    status = json.loads(answer.out)
    assert (status["format"], status["at"]) == (1, "2024-04-05T02:00:00+00:00")
    [month] = status["months"]
    assert (month["month"], month["revision"], month["review"]["state"]) == ("2024-03", 1, "open")
    [failing] = status["failing"]
    assert (failing["step"], failing["subject"], failing["failures"], failing["exit_code"]) == (
        "ingest",
        "sheets",
        1,
        11,
    )
    assert (failing["failing_since_at"], failing["last_ok_at"]) == ("2024-04-05T02:00:00+00:00", None)
    page = (Path(__file__).parents[2] / "docs" / "watching.md").read_text(encoding="utf-8")
    unlisted = {key for key in list_keys(status) if f"`{key}`" not in page}
    assert unlisted == set()


def list_keys(value: object) -> set[str]:
    """Every key of the document, but for the names of counts and of statuses, which are data."""
    if isinstance(value, list):
        return set().union(*(list_keys(each) for each in value))
    if isinstance(value, dict):
        below = [list_keys(each) for key, each in value.items() if key not in {"counts", "messages"}]
        return set(value).union(*below)
    return set()


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([], 0),
        ([("ingest", 11, None, "law_enforcement")], 11),
        ([("deliver", 15, None, None)], 15),
        # What needs a person comes before what may pass by itself.
        ([("ingest", 11, None, "law_enforcement"), ("publish", 13, "2024-03", None)], 13),
        ([("evaluate", 1, "2024-03", None), ("publish", 13, "2024-03", None)], 1),
    ],
)
def test_a_check_ends_with_the_code_of_the_gravest_and_open_reviews_are_none(
    home: Home, failures: list[tuple[str, int, str | None, str | None]], code: int
) -> None:
    for failure in failures:
        fail(home, *failure)
    assert home.run("status").code == 0
    answer = home.run("status", "--check")
    assert (answer.code, answer.err) == (code, "")
    # A plugin of Nagios tells by its first line of stdout.
    assert answer.out.count("\n") == 1
    assert answer.out.count("failing since") == len(failures)
    assert (answer.out == "ok\n") is (failures == [])


def test_a_check_that_is_asked_for_json_writes_json_and_says_its_verdict_on_stderr(home: Home) -> None:
    fail(home, "publish", 15)
    answer = home.run("status", "--check", "--json")
    assert (answer.code, json.loads(answer.out)["failing"][0]["step"]) == (15, "publish")
    assert answer.err == (
        "fivestar: publish: failing since 2024-04-05 10:00, once, last ok never. fivestar status says more.\n"
    )


def test_where_there_is_no_ledger_nothing_is_said_to_be_well_and_nothing_is_made(
    ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIVESTAR_DATABASE_URL", ledger_url)
    wrong = Home(tmp_path / "wrong", CONFIG)
    for options in ([], ["--check"], ["--html", str(tmp_path / "index.html")]):
        answer = wrong.run("status", *options)
        assert (answer.code, answer.out) == (10, "")
        assert "there is no ledger in it, so nothing ever ran here. Name the installation's home" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_page_and_metrics_are_written_where_asked_and_a_place_that_cannot_be_is_refused(
    home: Home, tmp_path: Path
) -> None:
    page, metrics = tmp_path / "web" / "index.html", tmp_path / "fivestar.prom"
    assert home.run("status", "--html", str(page), "--metrics", str(metrics)).code == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert metrics.read_text(encoding="utf-8").startswith("# HELP fivestar_")
    answer = home.run("status", "--html", str(metrics / "index.html"))
    assert answer.code == 2
    assert f"--html {metrics / 'index.html'}: cannot be written" in answer.err
    (folder := tmp_path / "folder").mkdir()
    assert home.run("status", "--html", str(folder)).code == 2
    assert list(tmp_path.glob(".*.new")) == []


def test_one_month_and_several_cannot_be_meant_together(home: Home) -> None:
    answer = home.run("status", "--month", "2024-03", "--months", "3")
    assert (answer.code, answer.err) == (
        2,
        "fivestar: --month and --months can't be meant together. Give one of them.\n",
    )


def test_a_terminal_gets_tables(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(home, "publish", 13, month="2024-03")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    answer = home.run("status")
    assert "between months" in answer.out
    assert "failing since 2024-04-05 10:00" in answer.out
    assert "\t" not in answer.out
