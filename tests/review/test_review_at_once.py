"""Several people deciding and publishing at the same moment: each word is recorded once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from postgresql_server import PostgresqlServer
from review_month import MONTH, NOW, make_pay, make_proposal, save_month, say

from flows.ledger import Ledger
from flows.results import MonthResult
from flows.review.publication import publish

WORKERS = [f"K{number}" for number in range(40)]
PEOPLE_AT_ONCE = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.empty()
    return server.write_owner_url()


def do_at_once(url: str, act: Callable[[Ledger], int]) -> list[int]:
    """What each of several people got, each with a connection of their own, all beginning together."""
    start = Barrier(PEOPLE_AT_ONCE)

    def do_one(_: int) -> int:
        ledger = Ledger.open(url)
        try:
            start.wait()
            return act(ledger)
        finally:
            ledger.close()

    with ThreadPoolExecutor(PEOPLE_AT_ONCE) as pool:
        return list(pool.map(do_one, range(PEOPLE_AT_ONCE)))


def test_each_proposal_is_decided_once_and_entered_once(url: str, make_result: Callable[..., MonthResult]) -> None:
    ledger = Ledger.open(url)
    proposals = tuple(make_proposal(staff_id, "raise") for staff_id in WORKERS)
    save_month(ledger, make_result, proposals=proposals, pay_lines=(make_pay("K0", "current", 1),))
    decided = do_at_once(url, lambda own: say(own, "approved").count("decided"))
    assert sum(decided) == len(WORKERS)
    assert sorted(it.staff_id for it in ledger.reviews.list_decisions(str(MONTH))) == sorted(WORKERS)
    entered = do_at_once(url, lambda own: publish(own, MONTH, recorded_at=NOW).entered_count)
    assert sum(entered) == len(WORKERS)
    assert len(ledger.register.list_month(str(MONTH))) == len(WORKERS)
    assert ledger.reviews.examine_chain().fault == ""
    ledger.close()


def test_exactly_one_of_them_settles_the_review(url: str, make_result: Callable[..., MonthResult]) -> None:
    ledger = Ledger.open(url)
    save_month(ledger, make_result, proposals=(make_proposal("K1", "raise"),))
    assert sum(do_at_once(url, lambda own: say(own, "approved").settles_review)) == 1
    ledger.close()
