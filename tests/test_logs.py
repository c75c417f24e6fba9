"""What steps say while they run: lines for people, objects for programs, and nothing of what no one vouches for."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from city_runs import CONFIG, Home, run_fivestar

from flows.errors import SourceUnavailable
from flows.house import UNEXPECTED, House, open_house, record_step
from flows.logs import write_logs
from flows.month import Month
from flows.settings import load_settings

START = datetime(2024, 4, 3, 1, 30, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return open_house(load_settings(tmp_path / "home", CONFIG))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No test's handler stays for the next."""
    yield
    write_logs(None)


def tick() -> Any:
    """A clock that goes two seconds further each time it is read."""
    instants = iter(START + timedelta(seconds=2 * count) for count in range(9))
    return lambda: next(instants)


def run_step(house: House, form: str | None, error: Exception | None = None) -> str:
    """What stands on stderr after a step with a warning that ends well or with `error`."""
    told = io.StringIO()
    with redirect_stderr(told):
        write_logs(form)  # type: ignore[arg-type]
        try:
            with record_step(house, "ingest", tick(), month=Month(2024, 3), subject="sheets") as counts:
                counts.update(received=3, warnings=["sheets, staff: odd"])
                if error is not None:
                    raise error
        except type(error or KeyError()):
            pass
    return told.getvalue()


def test_a_program_reads_one_object_a_line(house: House) -> None:
    begins, warns, ends = [json.loads(line) for line in run_step(house, "json").splitlines()]
    about = {"step": "ingest", "month": "2024-03", "subject": "sheets"}
    for line in (begins, warns, ends):
        assert datetime.fromisoformat(line.pop("at")).tzinfo is not None
    assert begins == {"level": "info", "event": "step_begins", **about}
    assert warns == {"level": "warning", "event": "step_warns", **about, "message": "sheets, staff: odd"}
    assert ends == {
        "level": "info", "event": "step_ends", **about, "outcome": "ok", "seconds": 2.0, "counts": {"received": 3}
    }  # fmt: skip
    assert house.ledger.list_outcomes()[-1]["counts"] == {"received": 3}


def test_a_failed_step_says_its_class_and_why(house: House) -> None:
    *_, ends = run_step(house, "json", SourceUnavailable("sheets: not there.\nTry again.")).splitlines()
    found = json.loads(ends)
    assert (found["level"], found["outcome"], found["exit_code"]) == ("error", "failed", 11)
    assert found["message"] == "sheets: not there.\nTry again."
    outcome = house.ledger.list_outcomes()[-1]
    assert (outcome["ok"], outcome["exit_code"], outcome["message"]) == (False, 11, "sheets: not there.\nTry again.")


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_text_of_an_error_that_is_not_the_programs_own_is_left_out(house: House, form: str) -> None:
    told = run_step(house, form, KeyError("张三"))
    assert UNEXPECTED in told
    assert "张三" not in told
    outcome = house.ledger.list_outcomes()[-1]
    assert (outcome["ok"], outcome["exit_code"], outcome["message"]) == (False, 1, UNEXPECTED)


def test_people_read_one_line_each_whatever_an_error_says(house: House) -> None:
    lines = run_step(house, "text", SourceUnavailable("sheets: not there.\nTry again.")).splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "info: ingest 2024-03 sheets begins",
        "warning: ingest 2024-03 sheets: sheets, staff: odd",
        "error: ingest 2024-03 sheets failed after 2.0 s: sheets: not there. / Try again.",
    ]


def test_unless_asked_nothing_is_said(house: House) -> None:
    assert run_step(house, None, SourceUnavailable("sheets: not there.")) == ""


def test_a_command_asked_by_the_environment_writes_only_objects(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIVESTAR_LOG", "json")
    answer = home.run("alerts", "daily")
    assert answer.code == 0
    events = [json.loads(line)["event"] for line in answer.err.splitlines() if line.startswith("{")]
    assert events == ["step_begins", "step_ends"]
    refused = home.run("publish", "--month", "2019-01")
    ends = [json.loads(line) for line in refused.err.splitlines() if line.startswith("{")][-1]
    assert (ends["event"], ends["exit_code"]) == ("program_ends", refused.code)


def test_a_form_that_is_not_known_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIVESTAR_LOG", "xml")
    answer = run_fivestar("policy", "check", "--config", str(CONFIG))
    assert answer.code == 10
    assert answer.err == ("fivestar: FIVESTAR_LOG is 'xml'. Known forms: json, text; leave it unset for no logs.\n")
