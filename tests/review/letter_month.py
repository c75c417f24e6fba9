"""Seven workers' March before their letters: what tests of letters share."""

from datetime import UTC, date, datetime
from pathlib import Path

from flows.evaluate.grades import propose_grades
from flows.evaluate.workers import RosterRow, Sanction
from flows.house import House
from flows.ledger.review_rows import Verdict
from flows.month import Month
from flows.policy import Policy
from flows.results import Proposal
from flows.review.decisions import decide
from flows.review.letters.writing import LetterReport, write_letters

SHIPPED = Path(__file__).parents[2] / "config"
MONTH = Month(2024, 3)
EFFECTIVE_ON = date(2024, 4, 1)
JUDGED_AT = datetime(2024, 4, 3, tzinfo=UTC)
DECIDED_AT = datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC)  # 31 March 23:59:59 in the city

RAISED, HELD, KEPT, OPEN, REJECTED, RETURNED, FIRST = "K1", "K2", "K3", "K4", "K5", "K6", "K7"
NAMES = {
    RAISED: "赵甲", HELD: "钱乙", KEPT: "孙丙", OPEN: "李丁", REJECTED: "周戊", RETURNED: "吴己", FIRST: "郑庚",
}  # fmt: skip
COMMUNITY = "410202001000"


def make_worker(staff_id: str, started_on: date, current: int | None, **changes: object) -> RosterRow:
    values: dict[str, object] = {
        "month": "2024-03", "staff_id": staff_id, "name": NAMES[staff_id], "community_code": COMMUNITY,
        "post": "other", "committee_member": False, "employment": "hired", "degree": "none", "certificate": "none",
        "certificate_on": None, "service_start_on": started_on, "prior_service_months": 0, "current_grade": current,
    }  # fmt: skip
    return RosterRow(**{**values, **changes})  # type: ignore[arg-type]


def propose(policy: Policy) -> list[Proposal]:
    """Seven workers, by the shipped rules: entitled = floor 1 + months div 36 + certificate (policy §4)."""
    roster = [
        # 2017-04-01 to 2024-04-01 is 84 months, a bachelor's degree 36: 120 div 36 = 3, assistant 1: 1 + 3 + 1 = 5.
        make_worker(
            RAISED, date(2017, 4, 1), 4, degree="bachelor", certificate="assistant", certificate_on=date(2020, 6, 1)
        ),
        # 72 months: 1 + 2 = 3, above 2, but the appraisal of 2023 was basic and a demerit runs: held at 2.
        make_worker(HELD, date(2018, 4, 1), 2),
        # 36 months: 1 + 1 = 2, as it is.
        make_worker(KEPT, date(2021, 4, 1), 2),
        *(make_worker(staff_id, date(2018, 4, 1), 2) for staff_id in (OPEN, REJECTED, RETURNED)),
        # 5 months: 1 + 0 = 1, the first grade.
        make_worker(FIRST, date(2023, 11, 1), None),
    ]
    outcomes = {(row.staff_id, 2023): "competent" for row in roster} | {(HELD, 2023): "basic"}
    sanctions = [Sanction(HELD, "demerit", date(2024, 1, 15))]
    return propose_grades(roster, {}, outcomes, sanctions, policy.at(EFFECTIVE_ON), effective_on=EFFECTIVE_ON)


def say(house: House, verdict: Verdict, *staff_ids: str, comment: str = "", at: datetime = DECIDED_AT) -> None:
    decide(
        house.ledger, MONTH, verdict, reviewer="王审核", staff_ids=staff_ids, comment=comment, decided_at=at
    )  # fmt: skip


def write(house: House, folder: Path, *staff_ids: str) -> LetterReport:
    return write_letters(house, MONTH, folder, lambda: JUDGED_AT, staff_ids=staff_ids or None)
