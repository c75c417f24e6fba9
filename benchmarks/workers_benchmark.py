"""Grades and pay proposed, traces included, for a roster that is made before the clock starts."""

import sys
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.events_server import COMMUNITIES
from benchmarks.measure import ROOT, measure
from flows.evaluate.grades import propose_grades
from flows.evaluate.pay import AnnualTitle, compute_pay, select_outcomes
from flows.evaluate.workers import Appraisals, RosterRow, Sanction
from flows.policy import Policy, load_policy
from flows.results import RegisterRecord
from flows.schema import CERTIFICATES, DEGREES, OUTCOMES, POSTS, SANCTIONS

EFFECTIVE_ON = date(2024, 4, 1)
BASE_FEN = 340_000
"""The shipped policy leaves the base to the city; without one no pay is computed."""


@dataclass(frozen=True)
class Staff:
    """Everything that proposals are made from."""

    roster: list[RosterRow]
    register: dict[str, RegisterRecord]
    appraisals: Appraisals
    sanctions: list[Sanction]
    titles: list[AnnualTitle]


@cache
def make_staff(count: int) -> Staff:
    """So many workers: every post, degree and certificate, half of them in the register, one in fifty sanctioned."""
    dice = Random(20240401)
    roster = [
        RosterRow(
            month="2024-03",
            staff_id=f"K{number:07d}",
            name=f"人员{number}",
            community_code=COMMUNITIES[number % len(COMMUNITIES)],
            post=dice.choice(POSTS),
            committee_member=dice.random() < 0.3,
            employment="hired",
            degree=dice.choice(DEGREES),
            certificate=dice.choice(CERTIFICATES),
            certificate_on=date(dice.randrange(2010, 2025), 5, 20),
            service_start_on=date(dice.randrange(1995, 2024), dice.randrange(1, 13), dice.randrange(1, 29)),
            prior_service_months=dice.randrange(0, 60),
            current_grade=dice.randrange(4, 13),
        )
        for number in range(count)
    ]
    return Staff(
        roster=roster,
        register={
            row.staff_id: RegisterRecord(
                row.staff_id, row.post, row.current_grade or 1, row.degree, row.certificate, date(2023, 4, 1)
            )
            for row in roster[::2]
        },
        appraisals={
            (row.staff_id, year): dice.choices(OUTCOMES, (20, 70, 8, 2))[0]
            for row in roster
            for year in range(2019, 2024)
        },
        sanctions=[Sanction(row.staff_id, dice.choice(SANCTIONS), date(2023, 10, 9)) for row in roster[::50]],
        titles=[AnnualTitle(code, 2023, 4, EFFECTIVE_ON.year) for code in COMMUNITIES[::3]],
    )


def propose_all(staff: Staff, policy: Policy) -> int:
    """How many proposals and pay lines were made."""
    rules = policy.at(EFFECTIVE_ON)
    proposals = propose_grades(
        staff.roster, staff.register, staff.appraisals, staff.sanctions, rules, effective_on=EFFECTIVE_ON
    )
    outcomes = select_outcomes(staff.appraisals, rules, EFFECTIVE_ON)
    return len(proposals) + len(compute_pay(proposals, outcomes, staff.titles, rules, EFFECTIVE_ON))


@cache
def load_paid_policy() -> Policy:
    """The shipped policy with the base set."""
    with TemporaryDirectory() as folder:
        for file in (ROOT / "config" / "policy").iterdir():
            text = file.read_text(encoding="utf-8")
            (Path(folder) / file.name).write_text(text.replace("value: null", f"value: {BASE_FEN}"), encoding="utf-8")
        return load_policy(Path(folder))


def propose_for(where: str, _: Path) -> int:
    """`propose_all` for as many workers as the last part of `where` says."""
    return propose_all(make_staff(int(where.rpartition("/")[2])), load_paid_policy())


if __name__ == "__main__":
    for counted in sys.argv[2:4]:
        make_staff(int(counted))
    measure(propose_for, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
