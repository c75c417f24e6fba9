"""Processes that outlive the command: recorded, found again, ended; never another that has come by their pid."""

import os
import sys
from pathlib import Path

import orjson
import pytest

from flows.server.processes import (
    end_process,
    find_recorded,
    identify_process,
    list_children,
    record_process,
    start_process,
    wait_until,
)

WAIT = "import signal; print('ready', flush=True); signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT}"
PARENT = f"import subprocess, sys, signal; subprocess.Popen([sys.executable, '-c', {WAIT!r}]); signal.pause()"


def start(folder: Path, program: str) -> int:
    """The pid of a Python program, once it has said that it is ready."""
    log = folder / "program.log"
    pid = start_process([sys.executable, "-c", program], dict(os.environ), folder=folder, log=log)
    assert wait_until(lambda: "ready" in log.read_text(encoding="utf-8"), 60)
    return pid


def test_a_recorded_process_is_found_until_it_has_ended(tmp_path: Path) -> None:
    pid, record = start(tmp_path, WAIT), tmp_path / "program.json"
    record_process(record, pid, port=4200)
    found = find_recorded(record)
    assert found is not None
    assert (found["pid"], found["port"]) == (pid, 4200)
    end_process(pid, seconds=30)
    assert identify_process(pid) == ""
    assert find_recorded(record) is None


def test_another_process_that_has_come_by_the_pid_is_not_taken_for_it(tmp_path: Path) -> None:
    record = tmp_path / "program.json"
    record_process(record, os.getpid())
    told = orjson.loads(record.read_bytes())
    assert find_recorded(record) == told
    record.write_bytes(orjson.dumps(told | {"started": "another boot 1"}))
    assert find_recorded(record) is None


@pytest.mark.parametrize("content", [None, b"", b"{"], ids=["absent", "empty", "cut off"])
def test_a_record_that_cannot_be_read_names_no_process(tmp_path: Path, content: bytes | None) -> None:
    record = tmp_path / "program.json"
    if content is not None:
        record.write_bytes(content)
    assert find_recorded(record) is None


def test_a_process_that_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    pid = start(tmp_path, STUBBORN)
    end_process(pid, seconds=0.5)
    assert identify_process(pid) == ""


def test_what_a_process_has_started_ends_with_it(tmp_path: Path) -> None:
    pid = start(tmp_path, PARENT)
    [child] = list_children(pid)
    end_process(pid, seconds=30)
    assert wait_until(lambda: not identify_process(child), 30)


def test_the_log_before_the_present_one_is_kept(tmp_path: Path) -> None:
    for word in ("first", "second", "third"):
        end_process(start(tmp_path, f"print({word!r}); {WAIT}"), seconds=30)
    assert "third" in (tmp_path / "program.log").read_text(encoding="utf-8")
    assert "second" in (tmp_path / "program.log.1").read_text(encoding="utf-8")
    assert len(list(tmp_path.glob("program.log*"))) == 2
