"""A month's work killed with SIGKILL at instants spread over it: each time the same, done again, must end the same.

What goes out here goes to files, which a second delivery writes again under the same name. That nothing is sent twice
to those who would notice, a robot or a mailbox: tests/notify/test_delivery_drill.py and _processes.py.

    make drill                        # 50 instants
    make drill ARGS="--instants 200 --seed 7"
"""

import argparse
import multiprocessing
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic

import month_process
from city_runs import RUN_AT, DemoRun, Home, digest_tree, run_demo_once

from flows.outputs import RUN, name_payroll_files

AGAIN_AT = RUN_AT + timedelta(hours=2)
"""When a killed run is done again: the clock has gone on, and what it had claimed in the outbox is free again."""

PATIENCE_SECONDS = 300
SECONDS_OF_ONE = 45
"""What one instant takes at most on two busy cores; only told, to say how long a drill may last."""

COMPARED: Mapping[str, str] = {
    "landings": "batch_id, table_name, platform, resource, slot, row_count, rejected_count",
    "revisions": "month, revision, input_digest, digests, notices, alarms",
    "grade_proposals": "month, revision, staff_id, digest",
    "pay_lines": "month, revision, staff_id, basis, grade, total_fen",
    "decisions": "month, revision, staff_id, proposal_digest, verdict, reviewer, comment",
    "grade_register": "staff_id, post, grade, effective_on, month, revision",
    "arrears": "month, staff_id, effective_on, approved_on, months, monthly_fen, total_fen",
    "outbox": "key, status, channel, address, body",
}
"""What must be the same in the ledger, row by row; instants and numbers of rows may differ."""


@dataclass(frozen=True)
class Ending:
    """What a month's work left: result files, delivered files, the ledger's rows and how often each is there."""

    outputs: Mapping[str, str]
    delivered: Mapping[str, str]
    rows: Mapping[str, Counter[tuple[object, ...]]]

    @classmethod
    def read(cls, home: Home) -> "Ending":
        with closing(sqlite3.connect(home.path / "ledger.sqlite")) as database:
            rows = {
                table: Counter(database.execute(f"SELECT {columns} FROM {table}"))
                for table, columns in COMPARED.items()
            }
        outputs = digest_tree(home.path / "outputs")
        # run.json tells numbers of pulls, of which the killed run had some; its digests stand in the ledger, too.
        # Payroll's workbook tells when each was decided; the CSV file beside it holds the same lines.
        told_apart = (RUN, *(name for name in name_payroll_files("2024-03") if name.endswith(".xlsx")))
        return cls(
            {name: digest for name, digest in outputs.items() if not name.endswith(told_apart)},
            digest_tree(home.path / "outbox"),
            rows,
        )

    def differs_from(self, other: "Ending") -> list[str]:
        """What is not the same, by name; nothing if all is."""
        files = [
            name
            for ours, theirs in ((self.outputs, other.outputs), (self.delivered, other.delivered))
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name)
        ]
        return files + [f"table {name}" for name in COMPARED if self.rows[name] != other.rows[name]]


@dataclass(frozen=True)
class Killed:
    """One instant of the drill: when, what the killed process had got to, and what was wrong after doing it again."""

    after_seconds: float
    reached: str
    faults: Sequence[str]


class KillDrill:
    """Kills March's work in copies of a home, against servers that run as long as the drill does."""

    def __init__(self, before: Home, environment: Mapping[str, str], folder: Path) -> None:
        self._before = before
        self._environment = environment
        self._folder = folder
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload([month_process.__name__])
        self._undisturbed, self.seconds = self._run_undisturbed()

    def kill_at(self, after_seconds: float) -> Killed:
        """Begin the month, kill it so long after it began, do it again, and compare with the undisturbed one."""
        home = self._copy()
        self._work(home, kill_after_seconds=after_seconds)
        reached = find_last_step(home)
        faults = [self._work(home, at_again=True)]
        faults += Ending.read(home).differs_from(self._undisturbed)
        faults += list_leftovers(home)
        shutil.rmtree(home.path.parent)
        return Killed(after_seconds, reached, [fault for fault in faults if fault])

    def _run_undisturbed(self) -> tuple[Ending, float]:
        home = self._copy()
        began = monotonic()
        said = self._work(home)
        seconds = monotonic() - began
        if said:
            raise RuntimeError(f"the undisturbed month failed: {said}")
        ending = Ending.read(home)
        shutil.rmtree(home.path.parent)
        return ending, seconds

    def _copy(self) -> Home:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        return self._before.copy(folder)

    def _work(self, home: Home, *, kill_after_seconds: float | None = None, at_again: bool = False) -> str:
        """What the process said at its end: the first command that failed, or nothing; nothing if it was killed."""
        ours, theirs = self._processes.Pipe(duplex=False)
        process = self._processes.Process(
            target=month_process.work_through,
            args=(home, dict(self._environment), AGAIN_AT if at_again else RUN_AT, theirs),
        )
        process.start()
        theirs.close()
        try:
            if not ours.poll(PATIENCE_SECONDS):
                raise TimeoutError("the process did not begin")
            ours.recv()
            if kill_after_seconds is not None:
                ours.poll(kill_after_seconds)
                process.kill()
                return ""
            if not ours.poll(PATIENCE_SECONDS):
                return f"not done after {PATIENCE_SECONDS} seconds: stuck"
            return str(ours.recv())
        except EOFError:
            return "the process died by itself"
        finally:
            process.kill()
            process.join()


def spread_instants(seconds: float, count: int, seed: int) -> list[float]:
    """So many instants: the work is cut into as many equal pieces, and each is hit once, anywhere."""
    chance = random.Random(seed)
    return [(piece + chance.random()) * seconds / count for piece in range(count)]


def find_last_step(home: Home) -> str:
    """The last step of March that left an outcome."""
    with closing(sqlite3.connect(home.path / "ledger.sqlite")) as database:
        query = "SELECT step, COALESCE(subject, '') FROM outcomes WHERE month = '2024-03' ORDER BY id DESC LIMIT 1"
        row = database.execute(query).fetchone()
    return " ".join(row).strip() if row else "nothing"


def list_leftovers(home: Home) -> list[str]:
    """What a run that ended well must not leave: staged batches, scratch, half-written folders; a broken chain."""
    folders = [home.path / "lake" / ".staging", home.path / "scratch", home.path / "outputs"]
    hidden = [path for folder in folders if folder.exists() for path in folder.iterdir()]
    left = [f"left over: {path.name}" for path in hidden if path.parent.name != "outputs" or path.name[0] == "."]
    with home.open() as house:
        state = house.ledger.reviews.examine_chain(house.ledger.list_chain_heads())
    return left + ([state.fault] if state.fault else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instants", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20240405)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fivestar-drill-") as name:
        march = run_demo_once(Path(name), None)
        with march.sandbox:
            sys.exit(run_drill(march, Path(name), options.instants, options.seed))


def run_drill(march: DemoRun, folder: Path, count: int, seed: int) -> int:
    """Whether a fault was found, as an exit code; each instant is told as it ends."""
    drill = KillDrill(march.before, march.sandbox.environment, folder)
    print(f"undisturbed: {drill.seconds:.1f} s; {count} instants, at most {count * SECONDS_OF_ONE / 60:.0f} minutes")
    found = []
    for instant in spread_instants(drill.seconds, count, seed):
        killed = drill.kill_at(instant)
        found.append(killed)
        verdict = "; ".join(killed.faults) or "the same"
        print(f"killed after {killed.after_seconds:6.2f} s, last outcome {killed.reached}: {verdict}", flush=True)
    faulty = sum(bool(killed.faults) for killed in found)
    print(f"{count - faulty} of {count} ended the same; seed {seed}")
    return int(faulty > 0)


if __name__ == "__main__":
    main()
