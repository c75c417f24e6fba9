"""Processes that go on when the command that started them has ended, told apart by pid and the instant they started.

A pid alone would not do: after a reboot, or in a year, it may be somebody else's.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import orjson

from flows.whole_files import write_whole

POLL_SECONDS = 0.25
END_SECONDS = 20
"""For how long a process that is asked to end may go on."""
_PROC = Path("/proc")
_PARENT_FIELD, _START_FIELD = 1, 19
"""Where, behind a process's name in /proc/<pid>/stat, stand its parent and the tick at which it started."""

Tell = Callable[[str], None]
"""Takes a line for whoever started the command."""


def start_process(command: Sequence[str], environment: Mapping[str, str], *, folder: Path, log: Path) -> int:
    """The pid of the command, started in `folder` in a session of its own; the log before it is kept as `<log>.1`."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As under `nohup` or cron; inherited, a worker would not hear that it shall stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with log.open("ab") as written:
        return subprocess.Popen(  # noqa: S603 -- our own command
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        ).pid


def record_process(record: Path, pid: int, **told: Any) -> None:
    """Write down which process it is, and what else is to be known of it."""
    write_whole(record, orjson.dumps({"pid": pid, "started": identify_process(pid), **told}))


def find_recorded(record: Path) -> dict[str, Any] | None:
    """What was written down of the process, if that very process still runs."""
    try:
        told = orjson.loads(record.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return told if told["started"] and told["started"] == identify_process(told["pid"]) else None


def identify_process(pid: int) -> str:
    """What no other process of that pid has; empty if it doesn't run."""
    if not _PROC.is_dir():
        return _ask_ps("-o", "lstart=", "-p", str(pid)).strip()
    fields = _read_stat(pid)
    if not fields or fields[0] == "Z":
        return ""
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {fields[_START_FIELD]}"


def list_children(pid: int) -> list[int]:
    """The pids of the processes that the process has started and that still run."""
    if not _PROC.is_dir():
        pairs = [line.split() for line in _ask_ps("-axo", "pid=,ppid=").splitlines()]
        return [int(child) for child, parent in pairs if int(parent) == pid]
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _read_stat(int(entry.name))
            if fields and fields[0] != "Z" and int(fields[_PARENT_FIELD]) == pid:
                found.append(int(entry.name))
    return sorted(found)


def end_process(pid: int, *, seconds: float) -> None:
    """Ask the process to end, by force once so many seconds have passed; its group ends with it."""
    running = identify_process(pid)
    if not running:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not wait_until(lambda: _has_ended(pid, running), seconds):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: _has_ended(pid, running), seconds)
    # Whatever it left behind in the group that it led.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Whether it came about before so many seconds had passed."""
    pause, ends_at = Event(), time.monotonic() + seconds
    while not is_so():
        if time.monotonic() >= ends_at:
            return False
        pause.wait(POLL_SECONDS)
    return True


def _has_ended(pid: int, running: str) -> bool:
    with suppress(ChildProcessError):
        # One that this process started stays in the table until it is asked for.
        os.waitpid(pid, os.WNOHANG)
    return identify_process(pid) != running


def _read_stat(pid: int) -> list[str]:
    """The fields behind the process's name, which may hold anything; none if it doesn't run."""
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _ask_ps(*options: str) -> str:
    command = ["ps", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
