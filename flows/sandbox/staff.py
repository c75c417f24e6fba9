"""The community workers of the sandbox: who they are, and the grade that a correct roster would show."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np

from flows.month import MONTHS_IN_YEAR, Month, count_full_months
from flows.sandbox.arrays import open_stream, toss
from flows.sandbox.places import Places
from flows.sandbox.timeline import Calendar

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文斌海燕春生小慧晓东雪云飞鹏宇欣怡佳琪浩然子涵"
FLOORS = {"other": (1, 12), "deputy": (4, 15), "principal": (7, 18)}
EDUCATION_MONTHS = {"none": 0, "bachelor": 36, "master": 60, "doctor": 84}
CERTIFICATE_STEPS = {"none": 0, "assistant": 1, "intermediate": 2, "senior": 3}
STEP_MONTHS = 36
REQUIRED_BY = (6, 30)
APRIL = 4
MEAN_STAFF = (10, 15)


@dataclass(frozen=True)
class Worker:
    """One worker as the roster shows them; `current_grade` None leaves the grade to `Roster.grade_on`."""

    staff_id: str
    name: str
    community: int
    post: str
    committee_member: bool
    employment: str
    degree: str
    certificate: str
    certificate_on: date | None
    service_start_on: date
    prior_service_months: int = 0
    current_grade: int | None = None
    joined: int = 0
    lags: bool = False
    ungraded: bool = False
    changes: dict[int, dict[str, object]] = field(default_factory=dict)
    """Fields that differ from a month (by index) on."""

    def show(self, month: int) -> "Worker":
        """The worker as the roster of a month shows them."""
        shown = self
        for since in sorted(self.changes):
            if month >= since:
                shown = replace(shown, **self.changes[since])  # type: ignore[arg-type]
        return shown


@dataclass(frozen=True)
class Staff:
    """Everybody, their appraisals `{(staff_id, year): outcome}` and sanctions `[(staff_id, kind, effective_on)]`."""

    workers: list[Worker]
    appraisals: dict[tuple[str, int], str]
    sanctions: list[tuple[str, str, date]]

    @cached_property
    def incompetent_years(self) -> dict[str, list[int]]:
        """Years with an *incompetent* appraisal, by staff id."""
        found: dict[str, list[int]] = {}
        for (staff_id, year), outcome in self.appraisals.items():
            if outcome == "incompetent":
                found.setdefault(staff_id, []).append(year)
        return found


def find_appraisal_year(effective_on: date) -> int:
    """The year whose appraisal counts on a date (policy §4)."""
    return effective_on.year - (1 if effective_on.month >= APRIL else 2)


def entitle(worker: Worker, incompetent_years: Iterable[int], effective_on: date) -> int:
    """The grade that the rules give on a date (policy §4); the sandbox's own, small computation."""
    floor, ceiling = FLOORS[worker.post]
    counted = [y for y in incompetent_years if worker.service_start_on.year <= y < effective_on.year]
    served = count_full_months(worker.service_start_on, effective_on) + worker.prior_service_months
    credit = max(0, served - MONTHS_IN_YEAR * len(counted)) + EDUCATION_MONTHS[worker.degree]
    certified = worker.certificate_on is not None and worker.certificate_on < effective_on
    steps = CERTIFICATE_STEPS[worker.certificate] if certified else 0
    return max(floor, min(ceiling, floor + credit // STEP_MONTHS + steps))


def go_back(day: date, months: int) -> date:
    """The first day of the month that many months before `day`'s."""
    return Month.of(day).plus(-months).first_on


def happens(stream: np.random.Generator, share: float) -> bool:
    """Whether something that happens to `share` of all happens to this one."""
    return bool(toss(stream, 1, share).item())


def invent_name(stream: np.random.Generator) -> str:
    """A name nobody bears on purpose: a common surname and one or two characters."""
    given = "".join(GIVEN[int(i)] for i in stream.integers(0, len(GIVEN), int(stream.integers(1, 3))))
    return SURNAMES[int(stream.integers(0, len(SURNAMES)))] + given


def invent_workers(places: Places, calendar: Calendar, seed: int) -> list[Worker]:
    """About twelve workers a community: a principal, two or three deputies, others."""
    stream = open_stream(seed, "workers")
    workers: list[Worker] = []
    for community in range(places.count):
        deputies = 2 + int(stream.integers(0, 2))
        for position in range(int(stream.integers(*MEAN_STAFF))):
            post = "principal" if position == 0 else "deputy" if position <= deputies else "other"
            number = len(workers) + 1
            workers.append(invent_worker(stream, calendar, community=community, post=post, number=number))
    return workers


def invent_worker(
    stream: np.random.Generator, calendar: Calendar, *, community: int, post: str, number: int
) -> Worker:
    """An ordinary worker, in service since before the first month shown."""
    effective_on = calendar.month.plus(1).first_on
    least = {"principal": 84, "deputy": 40, "other": len(calendar.months) + 2}[post]
    start_on = go_back(effective_on, int(stream.integers(least, least + 230)))
    start_on = start_on.replace(day=1 if happens(stream, 0.5) else int(stream.integers(1, 29)))
    certificate = str(stream.choice(["none", "assistant", "intermediate", "senior"], p=[0.6, 0.26, 0.12, 0.02]))
    certificate_on = None
    if certificate != "none" and happens(stream, 0.99):
        certificate_on = go_back(effective_on, int(stream.integers(len(calendar.months) + 1, 90))).replace(day=16)
    passed: dict[str, object] = {"certificate": "assistant", "certificate_on": calendar.month.first_on.replace(day=8)}
    passes = certificate == "none" and happens(stream, 0.006)
    return Worker(
        staff_id=f"KF{number:06d}",
        name=invent_name(stream),
        community=community,
        post=post,
        committee_member=post != "other" and happens(stream, 0.85),
        employment="elected" if post != "other" and happens(stream, 0.8) else "hired",
        degree=str(stream.choice(["none", "bachelor", "master", "doctor"], p=[0.46, 0.485, 0.05, 0.005])),
        certificate=certificate,
        certificate_on=certificate_on,
        service_start_on=start_on,
        prior_service_months=int(stream.integers(1, 60)) if happens(stream, 0.15) else 0,
        lags=happens(stream, 0.5),
        changes={len(calendar.months) - 1: passed} if passes else {},
    )


def invent_records(
    workers: list[Worker], calendar: Calendar, seed: int
) -> tuple[dict[tuple[str, int], str], list[tuple[str, str, date]]]:
    """Appraisals of the years that may count, and a few sanctions old and new."""
    stream = open_stream(seed, "appraisals")
    effective_on = calendar.month.plus(1).first_on
    last_year = find_appraisal_year(effective_on)
    outcomes = ["excellent", "competent", "basic", "incompetent"]
    appraisals: dict[tuple[str, int], str] = {}
    sanctions: list[tuple[str, str, date]] = []
    for worker in workers:
        for year in range(last_year - 2, last_year + 1):
            if worker.service_start_on <= date(year, *REQUIRED_BY):
                outcome = str(stream.choice(outcomes, p=[0.15, 0.834, 0.012, 0.004]))
                appraisals[worker.staff_id, year] = outcome
        if happens(stream, 0.008):
            kind = str(stream.choice(["warning", "demerit", "major_demerit"]))
            sanctions.append(
                (worker.staff_id, kind, go_back(effective_on, int(stream.integers(2, 40))).replace(day=9))
            )
    return appraisals, sanctions


def grade_on(worker: Worker, staff: Staff, calendar: Calendar, month: int) -> int | None:
    """The grade that the roster of a month shows: as entitled on its first day (some rosters are a month behind).

    A grade once held never falls. None for a worker who has none yet.
    """
    shown = worker.show(month)
    if shown.ungraded:
        return None
    if shown.current_grade is not None:
        return shown.current_grade
    incompetent = staff.incompetent_years.get(worker.staff_id, [])
    last = calendar.months[month].plus(-1 if worker.lags else 0)
    return max(entitle(shown, incompetent, last.plus(-back).first_on) for back in range(month + 2))
