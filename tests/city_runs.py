"""The sandbox city's March 2024 for tests: run once by `fivestar demo`, then copied by those who change it."""

import csv
import fcntl
import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from flows import demo
from flows.cli import main
from flows.house import House, open_house
from flows.month import Month
from flows.sandbox.city import Sandbox, build_sandbox
from flows.settings import load_settings

CONFIG = Path(__file__).parents[1] / "config"
MARCH = Month(2024, 3)
RUN_AT = datetime(2024, 4, 5, 2, tzinfo=UTC)
"""5 April, 10:00 in the city: after March's cutoff."""

CLOCKED = (
    "alerts",
    "compare",
    "doctor",
    "history",
    "inspection",
    "month",
    "notify",
    "objections",
    "quarantine",
    "recovery",
    "remind",
    "retention",
    "review",
    "server",
    "status",
    "workbook",
)
"""The command line's modules that read the clock."""

Row = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Home:
    """An installation of the sandbox city: its state and its configuration."""

    path: Path
    config: Path

    @property
    def march(self) -> Path:
        return self.path / "outputs" / "2024-03"

    def copy(self, target: Path) -> "Home":
        """The same installation elsewhere, configuration included, for a test to change."""
        shutil.copytree(self.path, target / "home", ignore=shutil.ignore_patterns("sandbox"))
        shutil.copytree(self.config, target / "config")
        return Home(target / "home", target / "config")

    def run(self, *arguments: str, at: datetime | None = None) -> Answer:
        """What `fivestar` answers for this installation, on 5 April 2024 if no other instant is given."""
        return run_fivestar(*arguments, "--home", str(self.path), "--config", str(self.config), at=at or RUN_AT)

    def decide_open(self, verdict: str, *options: str, at: datetime | None = None) -> Answer:
        """Decide whatever of March is open, one way; what the command answers that decides the last ones by name."""
        month = ("--month", str(MARCH))
        words = (*month, "--reviewer", "审核人", "--comment", "已核对")
        bulk = self.run("review", verdict, "--all", *words, at=at)
        assert bulk.code == 0, bulk.err
        assert "is decided" not in bulk.err
        header, *lines = self.run("review", "list", *month, "--state", "open").out.splitlines()
        place = header.split("\t").index("staff_id")
        chosen = [argument for line in lines for argument in ("--staff", line.split("\t")[place])]
        last = self.run("review", verdict, *chosen, *words, *options, at=at)
        assert last.code == 0, last.err
        return last

    @contextmanager
    def open(self) -> Iterator[House]:
        """The installation's stores."""
        house = open_house(load_settings(self.path, self.config))
        try:
            yield house
        finally:
            house.ledger.close()


@dataclass(frozen=True)
class DemoRun:
    """`fivestar demo` as it ended, and the home as it was just before March's cycle."""

    home: Home
    before: Home
    sandbox: Sandbox
    answer: Answer


def run_fivestar(*arguments: str, at: datetime = RUN_AT) -> Answer:
    """What the command line answers, run in this process on 5 April 2024; an unexpected error is raised."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for module in CLOCKED:
            patch.setattr(f"flows.cli.{module}.read_clock", lambda: at)
        patch.setattr("flows.ingest.connect.rest.BACKOFF_SECONDS", 0.0)
        patch.setattr(sys, "argv", ["fivestar", *arguments])
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    return Answer(code, out.getvalue(), err.getvalue())


def run_demo_once(folder: Path, shared: Path | None) -> DemoRun:
    """The small city's March by `fivestar demo`, in `folder`.

    With `shared`, a place that the processes of one session have in common, the first that asks runs it there, and
    each copies what it left.
    """
    if shared is None:
        return describe_demo(folder, run_demo(folder))
    shared.mkdir(exist_ok=True)
    kept = shared / "answer.json"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(orjson.dumps(run_demo(shared)))
    for name in ("home", "before"):
        shutil.copytree(shared / name, folder / name)
    found = orjson.loads(kept.read_bytes())
    out, err = (found[name].replace(str(shared), str(folder)) for name in ("out", "err"))
    return describe_demo(folder, Answer(found["code"], out, err))


def describe_demo(folder: Path, answer: Answer) -> DemoRun:
    """What the demo left in `folder`."""
    home, config = folder / "home", folder / "home" / "sandbox" / "config"
    sandbox = build_sandbox(home / "sandbox", scale="small", month=MARCH)
    return DemoRun(Home(home, config), Home(folder / "before", config), sandbox, answer)


def run_demo(folder: Path) -> Answer:
    """What `fivestar demo` answers; its home as it was just before March's cycle is kept beside it."""
    home = folder / "home"
    with pytest.MonkeyPatch.context() as patch:
        run_month = demo.run_month

        def keep_and_run(house: House, *arguments: object, **options: object) -> object:
            shutil.copytree(home, folder / "before", ignore=shutil.ignore_patterns("sandbox"))
            return run_month(house, *arguments, **options)  # type: ignore[arg-type]

        patch.setattr(demo, "run_month", keep_and_run)
        answer = run_fivestar("demo", "--home", str(home), "--config", str(CONFIG))
    assert answer.code == 0, answer.err
    return answer


@contextmanager
def set_environment(values: Mapping[str, str]) -> Iterator[None]:
    """`values` answer `${NAME}` inside the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setitem(os.environ, name, value)
        yield


def read_csv(file: Path) -> list[Row]:
    """The rows of a result file."""
    return list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))


def digest_tree(folder: Path) -> dict[str, str]:
    """The digest of every file below `folder`, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
