"""The chain over what persons decided: what is changed behind its back is found; no two writers follow one."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from flows.ledger import Ledger
from flows.ledger.chain import CHAINED, FIRST_HASH, ChainMoved
from flows.ledger.results import Making
from flows.ledger.review_rows import ArrearsLine, Decision, Objection, Preparation, RegisterEntry
from flows.results import MonthResult, RegisterRecord

NOW = datetime(2024, 4, 3, 1, 2, 3, 456789, tzinfo=UTC)
FURTHER_ARREARS = """
    INSERT INTO arrears (
        id, month, staff_id, effective_on, approved_on, months, monthly_fen, total_fen, decision_id
    )
    SELECT 2, '2024-02', staff_id, effective_on, approved_on, months, monthly_fen, total_fen, decision_id + 1
    FROM arrears
"""
GUARDED = sorted(table.name for table in CHAINED)


@pytest.fixture
def ledger(ledger_url: str, make_result: Callable[..., MonthResult]) -> Iterator[Ledger]:
    """A ledger with one row of every kind that the chain covers."""
    opened = Ledger.open(ledger_url)
    result = make_result(community_count=1, staff_per_community=1)
    opened.results.save(result, 1, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW))
    staff_id = result.proposals[0].staff_id
    opened.reviews.add_decisions(
        [make_decision(staff_id)],
        preparations_made=[Preparation("2024-03", 1, staff_id, "d" * 64, "approved", "经办人", "reviewer", "", NOW)],
        after=opened.reviews.find_head(),
    )
    day = date(2024, 4, 8)
    opened.reviews.add_objection(
        Objection("2024-03", 1, staff_id, None, "不服", "经办人", day, day, NOW), after=opened.reviews.find_head()
    )
    [decision] = opened.reviews.list_decisions("2024-03")
    record = RegisterRecord(staff_id, "other", 2, "none", "none", date(2024, 4, 1))
    line = ArrearsLine("2024-03", staff_id, date(2024, 4, 1), date(2024, 6, 3), 2, 100, 200)
    opened.register.publish(
        [RegisterEntry(record, "2024-03", 1, decision.id)], {decision.id: line}, NOW, after=opened.reviews.find_head()
    )
    yield opened
    opened.close()


def make_decision(staff_id: str, **changes: object) -> Decision:
    values: dict[str, object] = {
        "month": "2024-03", "revision": 1, "staff_id": staff_id, "proposal_digest": "d" * 64, "verdict": "approved",
        "reviewer": "审核人", "comment": "材料齐全", "in_bulk": False, "decided_at": NOW,
    }  # fmt: skip
    return Decision(**{**values, **changes})  # type: ignore[arg-type]


def tamper(url: str, *statements: str) -> None:
    """Run statements past the guards, as somebody could who may change the database's schema."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SET session_replication_role = replica"))
            else:
                for table in (*GUARDED, "review_chain"):
                    for act in ("update", "delete"):
                        connection.execute(sa.text(f"DROP TRIGGER guard_{table}_{act}"))
            for statement in statements:
                connection.execute(sa.text(statement))
    finally:
        engine.dispose()


def test_what_was_written_is_what_is_there(ledger: Ledger) -> None:
    state = ledger.reviews.examine_chain()
    # A preparation, a decision, an objection, a register record and its arrears.
    assert (state.entry_count, state.fault) == (5, "")
    assert state.head == ledger.reviews.find_head() != FIRST_HASH


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE decisions SET reviewer = '他人'", "row 1 of decisions is not what was written"),
        ("UPDATE decisions SET comment = ''", "row 1 of decisions is not what was written"),
        ("UPDATE decisions SET decided_at = '2024-04-03 01:02:03.456788'", "row 1 of decisions is not"),
        ("UPDATE preparations SET verdict = 'rejected'", "row 1 of preparations is not what was written"),
        ("UPDATE objections SET due_on = '2025-01-01'", "row 1 of objections is not what was written"),
        ("UPDATE grade_register SET grade = 12", "row 1 of grade_register is not what was written"),
        ("UPDATE arrears SET total_fen = 20000", "row 1 of arrears is not what was written"),
        ("DELETE FROM arrears", "row 1 of arrears is gone"),
        ("UPDATE review_chain SET row_digest = 'x' WHERE id = 2", "does not have the hash of its content"),
        ("DELETE FROM review_chain WHERE id = 2", "does not follow the entry before it"),
        ("UPDATE review_chain SET table_name = 'x' WHERE id = 2", "does not have the hash of its content"),
        ("DELETE FROM review_chain WHERE id = 5", "row 1 of arrears was written past the chain"),
        (
            FURTHER_ARREARS,
            "row 2 of arrears was written past the chain",
        ),
    ],
)
def test_whatever_is_changed_behind_its_back_is_found(
    ledger: Ledger, ledger_url: str, statement: str, told: str
) -> None:
    tamper(ledger_url, statement)
    assert told in ledger.reviews.examine_chain().fault


def test_an_end_cut_off_with_its_rows_is_found_by_a_head_noted_elsewhere(ledger: Ledger, ledger_url: str) -> None:
    head = ledger.reviews.find_head()
    tamper(ledger_url, "DELETE FROM review_chain WHERE id = 5", "DELETE FROM arrears")
    assert ledger.reviews.examine_chain().fault == ""
    assert f"entry {head[:12]}, which the outcome of a publication names, is gone" in (
        ledger.reviews.examine_chain([head]).fault
    )


def test_who_decides_on_a_state_that_has_moved_on_records_nothing(ledger: Ledger) -> None:
    seen = ledger.reviews.find_head()
    ledger.reviews.add_decisions([make_decision("K2")], after=seen)
    with pytest.raises(ChainMoved):
        ledger.reviews.add_decisions([make_decision("K3")], after=seen)
    assert [it.staff_id for it in ledger.reviews.list_decisions("2024-03")][1:] == ["K2"]
    assert ledger.reviews.examine_chain().fault == ""


def test_a_writer_who_was_overtaken_looks_again(ledger: Ledger) -> None:
    looks: list[str] = []

    def act(head: str) -> int:
        looks.append(head)
        if len(looks) == 1:
            ledger.reviews.add_decisions([make_decision("K2")], after=head)
        ledger.reviews.add_decisions([make_decision("K3")], after=head)
        return len(looks)

    assert ledger.reviews.write(act) == 2
    assert [it.staff_id for it in ledger.reviews.list_decisions("2024-03")][1:] == ["K2", "K3"]
