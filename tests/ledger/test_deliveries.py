"""Messages on their way: one process at a time has one, and all together keep to a provider's limits."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from postgresql_server import PostgresqlServer

from flows.ledger import Ledger
from flows.ledger.deliveries import OUTCOME_UNKNOWN, ClaimLost
from flows.ledger.outbox import Message, OutboxRow

NOW = datetime(2024, 4, 3, 1, 0, tzinfo=UTC)
MESSAGE = Message("k", "star_card", "2024-03", 1, "410204001001", "secretary", "wecom", "gulou", "题", "文")
TWENTY_A_MINUTE = ((20, 60),)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.empty()
    return server.write_owner_url()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger.open(url)
    yield opened
    opened.close()


@pytest.fixture
def put(ledger: Ledger) -> Callable[..., None]:
    """Queues so many messages, keys k0, k1, …"""

    def queue(count: int, **changes: str) -> None:
        ledger.outbox.queue([replace(MESSAGE, key=f"k{number}", **changes) for number in range(count)], NOW)

    return queue


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def permit(ledger: Ledger, row: OutboxRow, at: datetime, *, limits=TWENTY_A_MINUTE, owner="a", sent=0):
    return ledger.deliveries.permit(row.id, owner, at, key="robot", limits=limits, sent_count=sent)


def read(ledger: Ledger, key: str) -> OutboxRow:
    return next(row for row in ledger.outbox.list_messages() if row.key == key)


def test_a_message_is_claimed_once_in_the_order_of_queueing(put, ledger: Ledger) -> None:
    put(3)
    first = ledger.deliveries.claim("a", NOW, count=2)
    second = ledger.deliveries.claim("b", NOW, count=2)
    assert [[row.key for row in rows] for rows in (first, second)] == [["k0", "k1"], ["k2"]]
    assert ledger.deliveries.claim("a", NOW, count=2) == []
    assert {row.status for row in ledger.outbox.list_messages()} == {"sending"}


def test_no_two_of_many_claimers_get_the_same_message(put, ledger: Ledger, url: str) -> None:
    put(60)

    def claim_all(owner: str) -> list[str]:
        own = Ledger.open(url)
        try:
            keys: list[str] = []
            while rows := own.deliveries.claim(owner, NOW, count=3):
                keys += [row.key for row in rows]
            return keys
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        found = [key for keys in pool.map(claim_all, "abcd") for key in keys]
    assert sorted(found) == sorted(f"k{number}" for number in range(60))


def test_many_callers_at_once_keep_to_the_limit_together(put, ledger: Ledger, url: str) -> None:
    put(40)
    rows = ledger.deliveries.claim("a", NOW, count=40)

    def ask(part: list[OutboxRow]) -> int:
        own = Ledger.open(url)
        try:
            return sum(permit(own, row, NOW) is None for row in part)
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, [rows[start::4] for start in range(4)])) == 20


def test_the_twenty_first_call_waits_until_the_first_is_a_minute_past(put, ledger: Ledger) -> None:
    put(22)
    rows = ledger.deliveries.claim("a", NOW, count=22)
    for number, row in enumerate(rows[:20]):
        assert permit(ledger, row, after(number)) is None
        # Each is answered half a second later: by then at the latest the provider has counted it.
        ledger.deliveries.note(row.id, "a", after(number + 0.5), "delivered", detail="")
    assert permit(ledger, rows[20], after(59)) == after(60.5)
    held = read(ledger, "k20")
    assert (held.status, held.next_attempt_at, held.attempt_count, held.claimed_by) == (
        "queued",
        after(60.5),
        0,
        None,
    )
    assert permit(ledger, rows[21], after(60.499)) == after(60.5)
    [again, _] = ledger.deliveries.claim("a", after(60.5), count=2)
    assert permit(ledger, again, after(60.5)) is None


def test_of_two_limits_the_narrower_one_holds(put, ledger: Ledger) -> None:
    put(7)
    rows = ledger.deliveries.claim("a", NOW, count=7)
    limits = ((6, 60), (5, 1))
    for row in rows[:5]:
        assert permit(ledger, row, NOW, limits=limits) is None
        ledger.deliveries.note(row.id, "a", NOW, "delivered", detail="")
    assert permit(ledger, rows[5], after(0.5), limits=limits) == after(1)
    [again] = ledger.deliveries.claim("a", after(1), count=1)
    assert permit(ledger, again, after(1), limits=limits) is None
    assert permit(ledger, rows[6], after(2), limits=limits) == after(60)


def test_a_call_without_an_answer_may_still_arrive_for_two_minutes(put, ledger: Ledger) -> None:
    put(3)
    rows = ledger.deliveries.claim("a", NOW, count=3)
    assert permit(ledger, rows[0], NOW, limits=((1, 60),)) is None
    # Its process was killed: 120 seconds it may take to arrive, and then it counts for 60.
    assert permit(ledger, rows[1], after(179), limits=((1, 60),)) == after(180)
    assert permit(ledger, rows[2], after(180), limits=((1, 60),)) is None


def test_a_refusal_as_too_fast_closes_the_key_for_all(put, ledger: Ledger) -> None:
    put(4)
    rows = ledger.deliveries.claim("a", NOW, count=3)
    assert permit(ledger, rows[0], NOW) is None
    ledger.deliveries.put_back_too_fast(
        rows[0].id, "a", NOW, key="robot", until=after(600), code="130101", detail="too fast"
    )
    refused = read(ledger, "k0")
    assert (refused.status, refused.code, refused.attempt_count) == ("queued", "130101", 0)
    [other] = ledger.deliveries.claim("b", NOW, count=1)
    assert permit(ledger, other, after(599), owner="b") == after(600)
    assert ledger.deliveries.permit(rows[1].id, "a", NOW, key="else", limits=(), sent_count=0) is None
    assert permit(ledger, rows[2], after(600)) is None


def test_who_lost_a_claim_may_not_call(put, ledger: Ledger) -> None:
    put(1)
    [row] = ledger.deliveries.claim("a", NOW, count=1)
    [abandoned] = ledger.deliveries.list_abandoned(NOW)
    ledger.deliveries.put_back([row.id], "a", claimed_at=abandoned.claimed_at)
    with pytest.raises(ClaimLost):
        permit(ledger, row, after(1))
    ledger.deliveries.claim("b", after(1), count=1)
    with pytest.raises(ClaimLost):
        permit(ledger, row, after(2))


def test_a_claim_renewed_by_a_call_is_not_taken_for_abandoned(put, ledger: Ledger) -> None:
    put(1)
    [row] = ledger.deliveries.claim("a", NOW, count=1)
    [seen] = ledger.deliveries.list_abandoned(NOW)
    permit(ledger, row, after(1))
    assert ledger.deliveries.list_abandoned(NOW) == []
    assert not ledger.deliveries.note(
        row.id, "a", after(2), "permanent_failure", detail="", code=OUTCOME_UNKNOWN, claimed_at=seen.claimed_at
    )
    assert read(ledger, "k0").status == "sending"


def test_who_comes_late_may_still_say_what_became_of_a_message(put, ledger: Ledger) -> None:
    put(1)
    [row] = ledger.deliveries.claim("a", NOW, count=1)
    permit(ledger, row, NOW)
    ledger.deliveries.note(row.id, "a", after(600), "permanent_failure", detail="?", code=OUTCOME_UNKNOWN)
    assert ledger.deliveries.note(row.id, "a", after(601), "delivered", detail="robot gulou")
    assert (read(ledger, "k0").status, read(ledger, "k0").claimed_by) == ("delivered", None)


def test_an_owner_lets_go_of_what_it_has_not_begun(put, ledger: Ledger) -> None:
    put(2)
    rows = ledger.deliveries.claim("a", NOW, count=2)
    permit(ledger, rows[0], NOW)
    ledger.deliveries.release("a")
    assert [row.status for row in ledger.outbox.list_messages()] == ["sending", "queued"]


def test_what_is_outdated_while_it_is_claimed_does_not_go_out(put, ledger: Ledger) -> None:
    put(3)
    rows = ledger.deliveries.claim("a", NOW, count=3)
    permit(ledger, rows[1], NOW)
    permit(ledger, rows[2], NOW)
    ledger.outbox.queue([], NOW, outdated_ids=[row.id for row in rows], outdated_detail="a newer one")
    with pytest.raises(ClaimLost):
        permit(ledger, rows[0], NOW)
    ledger.deliveries.note(rows[1].id, "a", NOW, "temporary_failure", detail="busy")
    ledger.deliveries.note(rows[2].id, "a", NOW, "delivered", detail="there")
    assert [(row.status, row.detail) for row in ledger.outbox.list_messages()] == [
        ("suppressed", "a newer one"),
        ("suppressed", "a newer one"),
        ("delivered", "there"),
    ]


@pytest.mark.parametrize(
    ("status", "address", "sent_count"),
    [("permanent_failure", "gulou", 2), ("permanent_failure", "new", 0), ("delivered", "gulou", 0)],
)
def test_resending_leaves_out_the_parts_that_the_same_reader_has(
    put, ledger: Ledger, status, address: str, sent_count: int
) -> None:
    put(1)
    [row] = ledger.deliveries.claim("a", NOW, count=1)
    ledger.outbox.requeue(row.id, channel="wecom", address=address)
    assert read(ledger, "k0").status == "sending"
    ledger.deliveries.note(row.id, "a", NOW, status, detail="", code="93000", sent_count=2)
    ledger.outbox.requeue(row.id, channel="wecom", address=address)
    again = read(ledger, "k0")
    assert (again.status, again.sent_count, again.attempt_count, again.code) == ("queued", sent_count, 0, "")


def test_calls_that_no_limit_looks_at_are_forgotten(put, ledger: Ledger) -> None:
    put(3)
    rows = ledger.deliveries.claim("a", NOW, count=3)
    permit(ledger, rows[0], NOW)
    ledger.deliveries.note(rows[0].id, "a", NOW, "delivered", detail="")
    # 60 seconds of the limit and 120 of patience later it is of no use to anybody.
    for row, seconds, count in ((rows[1], 180, 2), (rows[2], 180.001, 2)):
        permit(ledger, row, after(seconds))
        with ledger._engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM provider_calls").scalar() == count
