"""What holds for all arrears, whoever is approved whenever (policy §5)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.ledger import Ledger
from flows.ledger.results import Making
from flows.month import CITY_OFFSET, Month
from flows.results import MonthResult, PayLine, Proposal, count_monthly_cost_fen
from flows.review.decisions import decide
from flows.review.publication import publish

MONTH = Month(2024, 3)
EFFECTIVE_ON = date(2024, 4, 1)
NOW = datetime(2024, 4, 3, tzinfo=UTC)

workers = st.lists(
    st.tuples(
        st.sampled_from(["initial", "raise", "post_change", "review"]),
        st.none() | st.integers(1, 18),
        st.integers(1, 18),
        st.datetimes(datetime(2024, 3, 1), datetime(2025, 12, 31)),
    ),
    min_size=1,
    max_size=8,
)


def make_proposal(number: int, kind: Any, current: int | None, proposed: int) -> Proposal:
    return Proposal(
        staff_id=f"K{number}",
        community_code="410202001009",
        post="other",
        current_grade=None if kind == "initial" else current or proposed,
        entitled_grade=proposed,
        proposed_grade=proposed,
        kind=kind,
        needs_manual=False,
        reasons=(),
        effective_on=EFFECTIVE_ON,
        name="某甲",
        committee_member=False,
        degree="none",
        certificate="none",
        trace=(),
    )


def list_lines(proposals: list[Proposal]) -> list[PayLine]:
    """Pay lines at 3,400.00 yuan: 340,000 fen and 17,000 for each further grade, all of it basic."""
    grades = [(each.staff_id, "current", each.current_grade) for each in proposals]
    grades += [(each.staff_id, "proposed", each.proposed_grade) for each in proposals]
    amounts = [(staff_id, basis, grade, 323_000 + 17_000 * grade) for staff_id, basis, grade in grades if grade]
    return [
        PayLine(staff_id, basis, grade, "absent", fen, 0, 0, fen)  # type: ignore[arg-type]
        for staff_id, basis, grade, fen in amounts
    ]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(workers)
def test_arrears_are_whole_months_of_the_difference_and_every_late_change_is_told_or_counted(
    make_result: Callable[..., MonthResult], drawn: list[tuple[str, int | None, int, datetime]]
) -> None:
    """The fixture only makes results; nothing of one example reaches the next."""
    proposals = [make_proposal(number, kind, old, new) for number, (kind, old, new, _) in enumerate(drawn)]
    lines = list_lines(proposals)
    result = replace(make_result(), month=MONTH, proposals=proposals, pay_lines=lines)
    totals = {(line.staff_id, line.basis): line.total_fen for line in lines}
    approved_at = {each.staff_id: at for each, (*_, at) in zip(proposals, drawn, strict=True)}
    with TemporaryDirectory() as folder:
        ledger = Ledger.open(f"sqlite:///{Path(folder) / 'ledger.sqlite'}")
        ledger.results.save(result, 1, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW))
        for staff_id, at in approved_at.items():
            decided_at = (at - CITY_OFFSET).replace(tzinfo=UTC)
            decide(
                ledger, MONTH, "approved", reviewer="审", staff_ids=[staff_id], comment="", decided_at=decided_at
            )  # fmt: skip
        report = publish(ledger, MONTH, recorded_at=NOW + timedelta(days=700))
        again = publish(ledger, MONTH, recorded_at=NOW + timedelta(days=701))
    assert list(again.arrears) == list(report.arrears)
    late = {
        each.staff_id
        for each in proposals
        if each.proposed_grade != each.current_grade and approved_at[each.staff_id].date() > EFFECTIVE_ON
    }
    by_worker = {line.staff_id: line for line in report.arrears}
    assert set(by_worker) == {each.staff_id for each in proposals if each.staff_id in late and each.current_grade}
    assert report.arrears_unreckoned_count == len(late) - len(by_worker)
    for staff_id, line in by_worker.items():
        day = approved_at[staff_id].date()
        assert line.approved_on == day
        assert line.months == 12 * (day.year - 2024) + day.month - 4
        assert line.monthly_fen == totals[staff_id, "proposed"] - totals[staff_id, "current"]
        assert line.total_fen == line.months * line.monthly_fen
    graded = [each.staff_id for each in proposals if each.current_grade]
    assert count_monthly_cost_fen(result) == sum(
        totals[staff_id, "proposed"] - totals[staff_id, "current"] for staff_id in graded
    )
