"""March in a process of its own, from the first pull to the grades in the register, for a drill to kill.

Kept apart so that a fork server can load it beforehand: what is killed is the month's work, not Python's imports.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

import great_expectations  # noqa: F401 -- loaded beforehand
import ibis  # noqa: F401 -- loaded beforehand
from city_runs import Home, run_fivestar, set_environment

import flows.cycle
import flows.ingest.judging.quality
import flows.review.workbook.book  # noqa: F401 -- loaded beforehand

MONTH = ("--month", "2024-03")
DECIDED_AT_ONCE = 10
UNTIL_DECIDED, UNTIL_PUBLISHED = timedelta(minutes=30), timedelta(hours=1)
WORDS = (*MONTH, "--reviewer", "审核人", "--comment", "已核对")


def work_through(home: Home, environment: Mapping[str, str], at: datetime, parent: Connection) -> None:
    """Do all of March's work at the instant `at`; the parent hears when it begins and which command failed first."""
    parent.send("begins")
    with set_environment(environment):
        parent.send(run_commands(home, at))


def run_commands(home: Home, at: datetime) -> str:
    """What went wrong, or nothing: run, deliver, approve in several commands, publish, deliver."""

    def run(*arguments: str, at: datetime = at + UNTIL_DECIDED) -> str:
        answer = run_fivestar(*arguments, "--home", str(home.path), "--config", str(home.config), at=at)
        if answer.code:
            raise RuntimeError(f"{arguments[:2]}: exit code {answer.code}\n{answer.err}")
        return answer.out

    try:
        run("run", *MONTH, at=at)
        run("notify", "deliver", "--mode", "live", at=at)
        for some in batched(list_open(run("review", "list", *MONTH, "--state", "open")), DECIDED_AT_ONCE):
            chosen = [argument for staff_id in some for argument in ("--staff", staff_id)]
            run("review", "approve", *chosen, *WORDS)
        run("publish", *MONTH)
        run("notify", "deliver", "--mode", "live", at=at + UNTIL_PUBLISHED)
    except RuntimeError as error:
        return str(error)
    return ""


def list_open(listed: str) -> list[str]:
    """The workers of `review list`, as it prints them."""
    header, *lines = listed.splitlines()
    place = header.split("\t").index("staff_id")
    return [line.split("\t")[place] for line in lines]


def batched(items: list[str], size: int) -> list[list[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
