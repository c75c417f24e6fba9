"""What moved pay stays as it was written: the database itself refuses to change or remove it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from flows.condensed import Condensation
from flows.errors import ConfigurationError
from flows.lake import Manifest
from flows.ledger import Ledger
from flows.ledger.columns import metadata
from flows.ledger.migrating import downgrade
from flows.ledger.results import Making
from flows.ledger.review_rows import ArrearsLine, Decision, Objection, Preparation, RegisterEntry
from flows.results import Change, Lineage, MonthResult, RegisterRecord

NOW = datetime(2024, 4, 3, tzinfo=UTC)
MAY_CHANGE = {"outcomes", "pulls", "landings", "outbox", "quotas", "provider_calls", "retention_items"}
"""What ran and what was sent: a pull's end, a message's status and an announcement's are updated."""
GUARDED = sorted(set(metadata.tables) - MAY_CHANGE)


@pytest.fixture
def filled(ledger_url: str, make_result: Callable[..., MonthResult]) -> Iterator[str]:
    """A ledger with a row in every table that nobody may change."""
    ledger = Ledger.open(ledger_url)
    result = make_result(community_count=1, staff_per_community=1)
    change = Change("stars", "410202001001/safety", "state", "lit", "unlit", ("data",))
    making = Making("0.1.0", "c" * 64, {"pay.yaml": "text"}, NOW, Lineage(1, None, [change]))
    award = result.awards[0]
    assert award
    ledger.results.save(result, 1, digests={}, making=making)
    staff_id = result.proposals[0].staff_id
    ledger.reviews.add_decisions(
        [Decision("2024-03", 1, staff_id, "d" * 64, "approved", "审核人", "", in_bulk=False, decided_at=NOW)],
        preparations_made=[Preparation("2024-03", 1, staff_id, "d" * 64, "approved", "经办人", "reviewer", "", NOW)],
        after=ledger.reviews.find_head(),
    )
    day = date(2024, 4, 8)
    ledger.reviews.add_objection(
        Objection("2024-03", 1, staff_id, None, "不服", "经办人", day, day, NOW), after=ledger.reviews.find_head()
    )
    [decision] = ledger.reviews.list_decisions("2024-03")
    record = RegisterRecord(staff_id, "other", 2, "none", "none", date(2024, 4, 1))
    line = ArrearsLine("2024-03", staff_id, date(2024, 4, 1), date(2024, 6, 3), 2, 100, 200)
    ledger.register.publish(
        [RegisterEntry(record, "2024-03", 1, decision.id)], {decision.id: line}, NOW, after=ledger.reviews.find_head()
    )
    ledger.close()
    yield ledger_url


def condense(url: str) -> None:
    """Let a condensed batch stand for one that landed. No older schema can be gone back to after that."""
    ledger = Ledger.open(url)
    window = (NOW, NOW)
    pull_id = ledger.begin_pull(platform="p", resource="events", table="events", window=window, started_at=NOW)
    manifest = Manifest("b", "events", "p", "events", "s", None, None, {}, {}, 1, 1, 0, {}, "0" * 64, NOW)
    ledger.finish_pull(
        pull_id, status="complete", message="", received_count=1, landed_count=1, rejected_count=0, finished_at=NOW,
        manifests=[manifest],
    )  # fmt: skip
    [landing] = ledger.list_landings()
    ledger.retention.add_condensation(Condensation("events", "p", landing.landing_no, "c", 1, NOW))
    ledger.close()


@pytest.mark.parametrize("table", GUARDED)
def test_no_row_of_what_moved_pay_can_be_changed_or_removed(filled: str, table: str) -> None:
    if table == "condensations":
        condense(filled)
    engine = sa.create_engine(filled)
    target = metadata.tables[table]
    column = list(target.columns)[-1]
    try:
        with engine.connect() as connection:
            before = connection.execute(sa.select(target)).all()
        assert before, f"{table} holds no row, so nothing is shown"
        for statement in (sa.update(target).values({column: column}), sa.delete(target)):
            refused = pytest.raises(DBAPIError, match="is append-only: correct by a new row")
            with refused, engine.begin() as connection:
                connection.execute(statement)
        with engine.connect() as connection:
            assert connection.execute(sa.select(target)).all() == before
    finally:
        engine.dispose()


def test_a_ledger_with_condensed_batches_keeps_the_schema_that_can_read_them(filled: str) -> None:
    condense(filled)
    with pytest.raises(ConfigurationError, match=r"can't be taken back from 0007: that would drop condensations"):
        downgrade(filled, "0006")
    assert len(Ledger.open(filled).retention.list_condensations()) == 1
