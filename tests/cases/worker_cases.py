"""Cases of workers: grade, pay, arrears and work funds by the real code; register and arrears through a ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from case_files import Case, read_all
from case_policy import make_policy
from case_words import (
    ARREARS_RESULT,
    FUNDS_RESULT,
    GRADE_RESULT,
    NOTHING,
    PAY_RESULT,
    RECORD,
    SANCTION,
    TITLE,
    WORKER,
    WORKER_RESULTS,
    Place,
    check_keys,
    day,
    instant,
    one_of,
    read_list,
    read_mapping,
    read_value,
    whole,
)

from flows.evaluate.grades import propose_grades
from flows.evaluate.pay import AnnualTitle, compute_pay, list_awards, select_outcomes
from flows.evaluate.workers import RosterRow, Sanction
from flows.ledger import Ledger
from flows.ledger.register import digest_register
from flows.ledger.results import Making
from flows.ledger.review_rows import ArrearsLine, Decision, RegisterEntry
from flows.month import CITY_OFFSET, Month
from flows.policy import Policy
from flows.results import AwardLine, Inputs, MonthResult, PayLine, Proposal, RegisterRecord
from flows.review.decisions import decide
from flows.review.publication import publish
from flows.schema import OUTCOMES

STAFF_ID = "S0001"
COMMUNITIES = {"own": "410202001001", "another": "410202001002"}
EFFECTIVE_ON = date(2024, 4, 1)
RECORDED_AT = datetime(2024, 4, 3, tzinfo=UTC)
BASES = ("current", "proposed")


@dataclass(frozen=True)
class WorkerCase:
    """A case ready to be judged: one worker, and the titles of the city."""

    case: Case
    effective_on: date
    policy: Policy
    worker: RosterRow
    register: tuple[RegisterRecord, ...]
    appraisals: Mapping[tuple[str, int], str]
    sanctions: tuple[Sanction, ...]
    titles: tuple[AnnualTitle, ...]
    approved_at: datetime | None
    expected: Mapping[str, Any]

    @property
    def month(self) -> Month:
        return Month.of(self.effective_on - timedelta(days=1))


@dataclass(frozen=True)
class WorkerResult:
    """What came out for the worker."""

    proposal: Proposal
    pay: Mapping[str, PayLine]
    arrears: ArrearsLine | None
    unreckoned: int
    funds: tuple[AwardLine, ...]


def read_worker_case(case: Case) -> WorkerCase:
    """The case with its facts. Raises `CaseError`."""
    place, facts = case.place, case.facts
    effective_on = read_value(facts.get("effective_on", str(EFFECTIVE_ON)), day, place.inside("effective_on"))
    given = read_mapping(facts.get("worker", {}), WORKER, place.inside("worker"))
    month = Month.of(effective_on - timedelta(days=1))
    appraised = facts.get("appraisals", {})
    here = place.inside("appraisals")
    if not isinstance(appraised, dict):
        here.refuse(f"{appraised!r} stands here. It must be a mapping of years to outcomes.")
    approved_at = facts.get("approved_at")
    return WorkerCase(
        case=case,
        effective_on=effective_on,
        policy=make_policy(facts, place),
        worker=RosterRow(
            month=str(month), staff_id=STAFF_ID, name="测试人员", community_code=COMMUNITIES["own"],
            employment="hired", **{**_new_worker(effective_on), **given},
        ),
        register=tuple(
            RegisterRecord(staff_id=STAFF_ID, **{**_RECORD, **row})
            for row in read_list(facts.get("register", []), RECORD, place.inside("register"))
        ),
        appraisals={
            (STAFF_ID, read_value(year, whole, here)): read_value(outcome, one_of(*OUTCOMES), here.inside(year))
            for year, outcome in appraised.items()
        },
        sanctions=tuple(
            Sanction(STAFF_ID, **row)
            for row in read_list(facts.get("sanctions", []), SANCTION, place.inside("sanctions"))
        ),
        titles=tuple(
            _make_title(row, effective_on)
            for row in read_list(facts.get("titles", []), TITLE, place.inside("titles"))
        ),
        approved_at=None if approved_at is None else read_value(approved_at, instant, place.inside("approved_at")),
        expected=_read_expected(case.expect, place.inside("expect")),
    )  # fmt: skip


_RECORD = {
    "post": "other", "grade": 1, "degree": "none", "certificate": "none", "effective_on": date(2021, 4, 1),
}  # fmt: skip


def _new_worker(effective_on: date) -> dict[str, Any]:
    """A worker of post `other` who starts on the effective date, with nothing that counts."""
    return {
        "post": "other",
        "committee_member": False,
        "degree": "none",
        "certificate": "none",
        "certificate_on": None,
        "service_start_on": effective_on,
        "prior_service_months": 0,
        "current_grade": None,
    }


def _make_title(row: Mapping[str, Any], effective_on: date) -> AnnualTitle:
    return AnnualTitle(
        community_code=COMMUNITIES[row.get("community", "own")],
        rating_year=row.get("rating_year", effective_on.year - 1),
        stars=row.get("stars", 4),
        pay_year=row.get("pay_year", effective_on.year),
    )


def _read_expected(value: Any, place: Place) -> dict[str, Any]:
    expected: dict[str, Any] = {}
    for key, found in check_keys(value, WORKER_RESULTS, place).items():
        here = place.inside(key)
        if key == "grade":
            expected[key] = read_mapping(found, GRADE_RESULT, here)
        elif key == "pay":
            bases = {} if found in NOTHING else check_keys(found, BASES, here)
            expected[key] = {
                basis: None if line in NOTHING else read_mapping(line, PAY_RESULT, here.inside(basis))
                for basis, line in (bases or dict.fromkeys(BASES, "")).items()
            }
        elif key == "arrears":
            expected[key] = None if found in NOTHING else read_mapping(found, ARREARS_RESULT, here)
        elif key == "unreckoned":
            expected[key] = read_value(found, whole, here)
        else:
            expected[key] = [] if found in NOTHING else read_list(found, FUNDS_RESULT, here)
    if not expected:
        place.refuse("nothing is expected. State at least one result.")
    return expected


def list_worker_cases() -> list[Case]:
    """Every case of workers."""
    return [case for case in read_all().cases if case.kind == "workers"]


def judge_worker(case: WorkerCase) -> WorkerResult:
    """What the rules, and where the case approves the proposal, its publication say."""
    if case.register or case.approved_at:
        with TemporaryDirectory() as folder:
            return _judge_with_ledger(case, Ledger.open(f"sqlite:///{Path(folder) / 'ledger.sqlite'}"))
    return _judge(case, {}, None)


def _judge_with_ledger(case: WorkerCase, ledger: Ledger) -> WorkerResult:
    for record in case.register:
        _enter(ledger, record)
    return _judge(case, ledger.register.list_grades_in_force(case.effective_on - timedelta(days=1)), ledger)


def _judge(case: WorkerCase, register: Mapping[str, RegisterRecord], ledger: Ledger | None) -> WorkerResult:
    on = case.effective_on
    policy = case.policy.at(on)
    [proposal] = propose_grades([case.worker], register, case.appraisals, case.sanctions, policy, effective_on=on)
    outcomes = select_outcomes(case.appraisals, policy, on)
    lines = compute_pay([proposal], outcomes, case.titles, policy, on)
    arrears: ArrearsLine | None = None
    unreckoned = 0
    if ledger is not None and case.approved_at is not None:
        ledger.results.save(
            _make_result(case.month, register, [proposal], lines), 1,
            digests={}, making=Making("0.1.0", "c" * 64, {}, RECORDED_AT),
        )  # fmt: skip
        arrears, unreckoned = _approve(ledger, case.month, case.approved_at)
    return WorkerResult(
        proposal=proposal,
        pay={line.basis: line for line in lines},
        arrears=arrears,
        unreckoned=unreckoned,
        funds=tuple(list_awards(case.titles, policy, on)),
    )


def _approve(ledger: Ledger, month: Month, approved_at: datetime) -> tuple[ArrearsLine | None, int]:
    decided_at = (approved_at - CITY_OFFSET).replace(tzinfo=UTC)
    decide(
        ledger, month, "approved", reviewer="审核人", staff_ids=[STAFF_ID], comment="核对无误", decided_at=decided_at
    )  # fmt: skip
    report = publish(ledger, month, recorded_at=decided_at)
    return next(iter(report.arrears), None), report.arrears_unreckoned_count


def _enter(ledger: Ledger, record: RegisterRecord) -> None:
    """A register record, as publishing the month before its effective date put it there."""
    month = Month.of(record.effective_on).plus(-1)
    if ledger.results.find_latest(str(month)) is None:
        ledger.results.save(
            _make_result(month, {}, [], []), 1, digests={}, making=Making("0.1.0", "c" * 64, {}, RECORDED_AT)
        )
    decision = Decision(
        str(month), 1, record.staff_id, "0" * 64, "approved", "审核人", "", in_bulk=False, decided_at=RECORDED_AT
    )
    ledger.reviews.add_decisions([decision], after=ledger.reviews.find_head())
    decision_id = ledger.reviews.list_decisions(str(month))[-1].id
    ledger.register.publish(
        [RegisterEntry(record, str(month), 1, decision_id)], {}, RECORDED_AT, after=ledger.reviews.find_head()
    )


def _make_result(
    month: Month, register: Mapping[str, RegisterRecord], proposals: list[Proposal], lines: list[PayLine]
) -> MonthResult:
    return MonthResult(
        month=month, effective_on=month.plus(1).first_on, cutoff_at=month.cutoff_at(3),
        inputs=Inputs((), "f" * 64, (), digest_register(register)),
        policy_values=[], communities=[], indicators=[], stars=[], ratings=[],
        proposals=proposals, pay_lines=lines, awards=[], notices=[], alarms=[],
    )  # fmt: skip
