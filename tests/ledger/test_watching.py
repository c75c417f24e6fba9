"""What the ledger tells whoever looks at an installation: since when a step fails, and what still waits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from flows.ledger import Ledger
from flows.ledger.outbox import Message
from flows.ledger.tables import outcomes, pulls, revisions
from flows.ledger.watching import Failing, RevisionHead, StepStanding

NOON = datetime(2024, 4, 3, 4, tzinfo=UTC)
SOURCE_DOWN = 11


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url)
    yield opened
    opened.close()


def at(hour: int) -> datetime:
    return NOON + timedelta(hours=hour)


def record(
    ledger: Ledger, hour: int, *, ok: bool = True, month: str | None = None, subject: str | None = "p"
) -> None:
    ledger.record_outcome(
        step="ingest",
        month=month,
        subject=subject,
        ok=ok,
        message="" if ok else "p: no answer.",
        counts={"received": hour},
        started_at=at(hour) - timedelta(minutes=1),
        finished_at=at(hour),
        exit_code=None if ok else SOURCE_DOWN,
    )


def stand(ledger: Ledger, *months: str) -> dict[tuple[str | None, str | None], StepStanding]:
    return {(it.month, it.subject): it for it in ledger.watching.list_standings(months)}


def test_a_step_fails_since_its_first_failure_after_it_last_succeeded(ledger: Ledger) -> None:
    for hour, ok in enumerate([False, True, False, False, False]):
        record(ledger, hour, ok=ok)
    found = stand(ledger)[None, "p"]
    assert found.failing == Failing(since_at=at(2), count=3, last_ok_at=at(1))
    assert (found.ok, found.message, found.exit_code, found.run_count) == (False, "p: no answer.", SOURCE_DOWN, 5)
    assert (found.counts, found.finished_at, found.last_ok_at) == ({"received": 4}, at(4), at(1))


def test_one_success_ends_a_failure_and_what_never_succeeded_fails_since_its_first_run(ledger: Ledger) -> None:
    record(ledger, 0, ok=False)
    record(ledger, 1)
    record(ledger, 2, ok=False, subject="q")
    record(ledger, 3, ok=False, subject="q")
    found = stand(ledger)
    assert (found[None, "p"].failing, found[None, "p"].last_ok_at) == (None, at(1))
    assert found[None, "q"].failing == Failing(since_at=at(2), count=2, last_ok_at=None)


def test_months_and_subjects_stand_apart_and_other_months_are_left_out(ledger: Ledger) -> None:
    record(ledger, 0, ok=False, month="2024-03")
    record(ledger, 1)
    record(ledger, 2, month="2024-02")
    record(ledger, 3, month="2024-03", subject=None)
    found = stand(ledger, "2024-03")
    assert {key: it.ok for key, it in found.items()} == {
        ("2024-03", "p"): False,
        ("2024-03", None): True,
        (None, "p"): True,
    }


def test_no_more_is_asked_however_many_steps_fail(ledger: Ledger) -> None:
    queries: list[str] = []
    event.listen(ledger.watching._engine, "before_cursor_execute", lambda *told: queries.append(told[2]))
    for subject in range(40):
        record(ledger, 0, subject=f"{subject:02d}")
        record(ledger, 1, ok=False, subject=f"{subject:02d}")
    queries.clear()
    found = ledger.watching.list_standings(["2024-03"])
    assert len(found) == 40
    assert all(it.failing == Failing(at(1), 1, at(0)) for it in found)
    assert len([query for query in queries if query.startswith("SELECT")]) == 3


def test_more_steps_can_fail_than_a_condition_can_name(ledger: Ledger) -> None:
    # SQLite refuses an expression that is more than 1,000 deep.
    row = {"step": "ingest", "message": "", "counts": {}, "started_at": NOON, "finished_at": NOON}
    rows = [{**row, "subject": f"s{n // 3}", "ok": n % 3 == 0} for n in range(3 * 1_100)]
    with ledger.watching._engine.begin() as connection:
        connection.execute(sa.insert(outcomes), rows)
    found = ledger.watching.list_standings([])
    assert len(found) == 1_100
    assert {it.failing for it in found} == {Failing(NOON, 2, NOON)}


def list_plan(ledger: Ledger, ask: object) -> list[str]:
    """How SQLite reads its tables for what `ask` asks, once the ledger holds much."""
    plans: list[str] = []

    def explain(connection: sa.Connection, _: object, statement: str, parameters: object, *__: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    event.listen(ledger.watching._engine, "before_cursor_execute", explain)
    ask()  # type: ignore[operator]
    event.remove(ledger.watching._engine, "before_cursor_execute", explain)
    return plans


@pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
def test_years_of_outcomes_and_pulls_are_read_from_indexes_alone(ledger: Ledger) -> None:
    engine = ledger.watching._engine
    with engine.begin() as connection:
        row = {"step": "ingest", "ok": True, "message": "", "counts": {}, "started_at": NOON, "finished_at": NOON}
        connection.execute(sa.insert(outcomes), [{**row, "subject": f"s{number % 5}"} for number in range(3_000)])
        pull = {
            "resource": "events", "table_name": "events", "status": "complete", "message": "", "received_count": 1,
            "landed_count": 1, "rejected_count": 0, "reason_counts": {}, "warnings": [], "checks": [],
            "started_at": NOON, "finished_at": NOON,
        }  # fmt: skip
        windows = [{"window_from_at": at(hour), "window_to_at": at(hour + 2)} for hour in range(3_000)]
        connection.execute(
            sa.insert(pulls), [{**pull, **window, "platform": f"s{n % 5}"} for n, window in enumerate(windows)]
        )
    standings, newest, deciding = (
        list_plan(ledger, ask)
        for ask in (
            lambda: ledger.watching.list_standings(["2024-03"]),
            lambda: ledger.readings.list_newest(complete_only=True),
            lambda: ledger.readings.list_deciding((at(2_800), at(2_900))),
        )
    )
    for plan in (standings, newest, deciding):
        # Whole rows are only ever found by their number.
        reading = [line for line in plan if "outcomes" in line or "pulls" in line]
        assert reading
        assert [line for line in reading if "COVERING INDEX" not in line and "PRIMARY KEY" not in line] == []
    assert any("SEARCH pulls USING COVERING INDEX ix_pulls_window" in line for line in deciding)


def test_messages_that_wait_are_counted_of_every_month_and_the_rest_of_the_months_asked(ledger: Ledger) -> None:
    def make(key: str, month: str) -> Message:
        return Message(key, "star_card", month, 1, "u", "secretary", "file", "a", "s", "b")

    ledger.outbox.queue([make("a", "2024-02"), make("b", "2024-02")], at(0))
    ledger.outbox.queue([make("c", "2024-03"), make("d", "2024-03")], at(1))
    first, _, third, _ = ledger.outbox.list_messages()
    ledger.outbox.set_status(first.id, "delivered", delivered_at=at(2))
    ledger.outbox.set_status(third.id, "permanent_failure", detail="no")
    found = ledger.watching.count_messages(["2024-03"])
    assert [(it.month, it.status, it.count, it.oldest_at) for it in found] == [
        ("2024-02", "queued", 1, at(0)),
        ("2024-03", "permanent_failure", 1, at(1)),
        ("2024-03", "queued", 1, at(1)),
    ]


def test_of_a_month_the_newest_revision_is_told_with_what_its_sources_were(ledger: Ledger) -> None:
    row = {
        "effective_on": NOON.date(), "cutoff_at": NOON, "input_digest": "", "digests": {}, "notices": [],
        "alarms": [], "software_version": "", "missing_workers": [],
    }  # fmt: skip
    with ledger.watching._engine.begin() as connection:
        for month, revision, status in (
            ("2024-02", 1, "complete"),
            ("2024-03", 1, "missing"),
            ("2024-03", 2, "partial"),
        ):
            inputs = {"batch_ids": ["b"], "sources": [{"platform": "p", "status": status, "evidence": ""}]}
            key = {"month": month, "revision": revision, "inputs": inputs, "created_at": at(revision)}
            connection.execute(sa.insert(revisions).values({**row, **key}))
    found = ledger.watching.list_heads(["2024-03", "2024-04"])
    assert found == [RevisionHead("2024-03", 2, at(2), {"p": "partial"})]


def test_only_pulls_since_the_newest_that_holds_a_window_whole_decide_it(ledger: Ledger) -> None:
    def pull(resource: str, start: int, end: int) -> int:
        window = at(start), at(end)
        return ledger.begin_pull(platform="p", resource=resource, table="t", window=window, started_at=NOON)

    pull("a", 5, 6)
    whole = pull("a", 0, 10)
    inside, beside, another = pull("a", 9, 12), pull("a", 10, 12), pull("b", 9, 10)
    pull("b", 9, 9)
    found = ledger.readings.list_deciding((at(0), at(10)))
    assert [it.id for it in found] == [whole, inside, another]
    assert beside not in {it.id for it in found}
