"""A judged month before HR, kept in a ledger: so many proposals with real traces and pay, and a workbook filled in.

`python -m benchmarks.review_month FOLDER COUNT` puts an installation into `FOLDER/COUNT`. Nothing is judged from
landed data here: what is measured begins with a stored revision.
"""

import io
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.events_server import COMMUNITIES
from benchmarks.workers_benchmark import EFFECTIVE_ON, load_paid_policy, make_staff
from flows.evaluate.grades import propose_grades
from flows.evaluate.pay import compute_pay, select_outcomes
from flows.ledger import Ledger
from flows.ledger.register import digest_register
from flows.ledger.results import Making
from flows.month import Month
from flows.policy import list_policy_values
from flows.results import AWAITING_KINDS, Community, Inputs, MonthResult, RatingRow
from flows.review.intake.column_writing import ColumnWriter
from flows.review.intake.parts import find_sheet_part, survey_sheet
from flows.review.sheets.columns import find_column
from flows.review.workbook.names import TO_DECIDE
from flows.review.workbook.rows import COMMENT, DECISION_COLUMNS, VERDICT

MONTH = Month(2024, 3)
NOW = datetime(2024, 4, 5, tzinfo=UTC)
SPARE = 3
"""Of so many workers at least one awaits a decision."""


def make_month(count: int) -> MonthResult:
    """A month in which `count` proposals await a decision, and nothing else is proposed."""
    policy, staff = load_paid_policy(), make_staff(SPARE * count)
    rules = policy.at(EFFECTIVE_ON)
    # Grades as the roster has them: a register of them would make the month out of date as soon as it is stored.
    proposed = propose_grades(staff.roster, {}, staff.appraisals, staff.sanctions, rules, effective_on=EFFECTIVE_ON)
    proposals = list(islice((it for it in proposed if it.kind in AWAITING_KINDS), count))
    outcomes = select_outcomes(staff.appraisals, rules, EFFECTIVE_ON)
    communities = [
        Community(code, f"社区 {number}", code[:9], f"街道 {code[6:9]}", code[:6], f"区县 {code[:6]}")
        for number, code in enumerate(COMMUNITIES, start=1)
    ]
    return MonthResult(
        month=MONTH,
        effective_on=EFFECTIVE_ON,
        cutoff_at=MONTH.cutoff_at(3),
        inputs=Inputs((), policy.fingerprint, (), digest_register({})),
        policy_values=list_policy_values(policy, MONTH),
        communities=communities,
        indicators=[],
        stars=[],
        ratings=[
            RatingRow(it.community_code, it.district_code, 0, None, complete=False, rank=None) for it in communities
        ],
        proposals=proposals,
        pay_lines=compute_pay(proposals, outcomes, staff.titles, rules, EFFECTIVE_ON),
        awards=[],
        notices=[],
        alarms=[],
    )


def store_month(home: Path, count: int) -> None:
    """An installation whose ledger holds revision 1 of such a month."""
    home.mkdir(parents=True)
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.sqlite'}")
    making = Making("0.1.0", "c" * 64, load_paid_policy().files, NOW)
    ledger.results.save(make_month(count), 1, digests={}, making=making)
    ledger.close()


def fill_in(file: Path, filled: Path, count: int) -> None:
    """The exported workbook with 同意 and a comment on each of its `count` lines."""
    content = file.read_bytes()
    for title, text in ((VERDICT, "同意"), (COMMENT, "核对无误")):
        column = find_column(DECISION_COLUMNS, title)
        part = find_sheet_part(file.name, content, TO_DECIDE)
        places = survey_sheet(file.name, content, part)
        writer = ColumnWriter(file.name, content, part, places, header_row=1, column=column, title=title)
        buffer = io.BytesIO()
        writer.write(buffer, dict.fromkeys(range(2, count + 2), text))
        content = buffer.getvalue()
    filled.write_bytes(content)


if __name__ == "__main__":
    store_month(Path(sys.argv[1]) / sys.argv[2], int(sys.argv[2]))
