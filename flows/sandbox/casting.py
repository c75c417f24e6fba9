"""The workers of the planted stories: one at least for every kind of proposal and of hold in policy §4."""

from dataclasses import dataclass, replace
from datetime import date

from flows.sandbox.places import Places
from flows.sandbox.staff import Staff, Worker, find_appraisal_year, go_back, invent_records, invent_workers
from flows.sandbox.timeline import Calendar

PLAIN = {
    "post": "other",
    "committee_member": False,
    "employment": "hired",
    "degree": "none",
    "certificate": "none",
    "certificate_on": None,
    "prior_service_months": 0,
    "lags": False,
    "changes": {},
}
"""What a story's worker is, unless the story says otherwise: service alone decides."""


@dataclass(frozen=True)
class Part:
    """A story: its key and Chinese title, how long the worker has served on the effective date, what is expected."""

    key: str
    title: str
    served_months: int
    expected: str
    fields: dict[str, object]
    outcome: str | None = "competent"
    sanctioned: bool = False


def write_parts(calendar: Calendar) -> list[Part]:
    """The stories for the last month M; M−1 is evaluated, approved and published before it.

    `served_months` counts to `effective_on`, the first day of M+1. Grade of a worker in post *other* without degree
    and certificate: 1 + served div 36.
    """
    now = len(calendar.months) - 1
    in_month = calendar.month.first_on.replace(day=10)
    two_steps = {"certificate": "intermediate", "certificate_on": in_month}
    study = {"degree": "master"}
    return [
        Part("none", "无变化", 40, "none, 2 级", {}),
        Part("initial", "首次定级", 5, "initial, 1 级", {"joined": now, "ungraded": True}, outcome=None),
        Part(
            "initial_blocked",
            "首次定级须人工审核（上年度考核基本合格）",
            50,
            "initial, 2 级, needs_manual, appraisal_basic",
            {"joined": now, "ungraded": True},
            outcome="basic",
        ),
        Part("raise", "满 36 个月晋一级", 72, "raise, 2 → 3 级", {}),
        Part(
            "raise_two_steps",
            "一次晋两级且台账无记录",
            40,
            "raise, 2 → 4 级, needs_manual, more_than_one_step",
            {"changes": {now: two_steps}},
        ),
        Part(
            "raise_degree",
            "取得硕士学位晋两级（台账记有原学历）",
            57,
            "M−1 raise 1 → 2 级; M raise 2 → 4 级, 不须人工审核",
            {"current_grade": 1, "changes": {now: study}},
        ),
        Part(
            "promoted",
            "其他岗转副职",
            73,
            "M−1 raise 2 → 3 级; M post_change, 3 → 6 级",
            {"changes": {now: {"post": "deputy", "committee_member": True, "current_grade": 3}}},
        ),
        Part(
            "demoted",
            "副职转其他岗",
            73,
            "M−1 raise 5 → 6 级; M post_change, 6 → 3 级, needs_manual",
            {
                "post": "deputy",
                "committee_member": True,
                "changes": {now: {"post": "other", "committee_member": False, "current_grade": 6}},
            },
        ),
        Part("review", "现等级高于应得等级", 110, "review, 维持 6 级, needs_manual", {"current_grade": 6}),
        Part("hold_basic", "考核基本合格暂缓", 72, "hold, appraisal_basic", {}, outcome="basic"),
        Part(
            "hold_incompetent",
            "考核不合格暂缓",
            84,
            "hold, appraisal_incompetent",
            {"current_grade": 2},
            outcome="incompetent",
        ),
        Part("hold_missing", "缺年度考核暂缓", 72, "hold, appraisal_missing", {}, outcome=None),
        Part("hold_sanction", "处分影响期内暂缓", 72, "hold, sanction", {}, sanctioned=True),
        Part(
            "hold_twice",
            "两项原因暂缓",
            72,
            "hold, appraisal_basic;sanction",
            {},
            outcome="basic",
            sanctioned=True,
        ),
    ]


def cast_staff(places: Places, calendar: Calendar, seed: int) -> tuple[Staff, dict[str, str]]:
    """All workers with their records, and the staff id that plays each part."""
    workers = invent_workers(places, calendar, seed)
    hire_newcomers(workers, calendar)
    effective_on = calendar.month.plus(1).first_on
    played: dict[str, str] = {}
    parts = write_parts(calendar)
    taken: list[tuple[Part, str]] = []
    for number, part in enumerate(parts):
        index = find_extra(workers, number % places.count)
        start_on = go_back(effective_on, part.served_months)
        fields: dict[str, object] = {**PLAIN, "service_start_on": start_on, **part.fields}
        workers[index] = replace(workers[index], **fields)  # type: ignore[arg-type]
        played[part.key] = workers[index].staff_id
        taken.append((part, workers[index].staff_id))
    appraisals, sanctions = invent_records(workers, calendar, seed)
    for part, staff_id in taken:
        sanctions = [row for row in sanctions if row[0] != staff_id]
        settle_records(part, staff_id, effective_on, appraisals, sanctions)
    return Staff(workers, appraisals, sorted(sanctions)), played


def settle_records(
    part: Part,
    staff_id: str,
    effective_on: date,
    appraisals: dict[tuple[str, int], str],
    sanctions: list[tuple[str, str, date]],
) -> None:
    """Give a story's worker the records it needs: the part's outcome in the year that counts, else competent."""
    year = find_appraisal_year(effective_on)
    for key in [key for key in appraisals if key[0] == staff_id]:
        appraisals[key] = "competent"
    appraisals.pop((staff_id, year), None)
    if part.outcome is not None:
        appraisals[staff_id, year] = part.outcome
    if part.sanctioned:
        sanctions.append((staff_id, "demerit", go_back(effective_on, 3).replace(day=15)))


def find_extra(workers: list[Worker], community: int) -> int:
    """The position of a community's first ordinary worker of post *other* who plays no part yet."""
    for index, worker in enumerate(workers):
        plain = worker.post == "other" and worker.joined == 0 and not worker.changes
        if worker.community == community and plain:
            return index
    raise LookupError(community)


def hire_newcomers(workers: list[Worker], calendar: Calendar) -> None:
    """Let a few workers be new: they join in M−1 or M, without a grade yet."""
    now = len(calendar.months) - 1
    others = [i for i, worker in enumerate(workers) if worker.post == "other"]
    for number, index in enumerate(others[7::97]):
        joined = max(0, now - 1 + number % 2)
        start_on = calendar.months[joined].plus(-2).first_on
        workers[index] = replace(
            workers[index],
            joined=joined,
            ungraded=True,
            service_start_on=start_on,
            changes={joined + 1: {"ungraded": False}},
        )
