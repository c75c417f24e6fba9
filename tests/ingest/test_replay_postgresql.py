"""On PostgreSQL, where transactions run side by side: a replay doesn't come between a pull and its landing."""

import threading
from urllib.parse import quote

import pytest
from ingest_kit import NOW
from postgresql_server import OWNER, PostgresqlServer
from sqlalchemy import create_engine, insert

from flows.lake import Manifest
from flows.ledger import Ledger
from flows.ledger.tables import landings

WAIT_SECONDS = 20


def make_manifest(batch_id: str) -> Manifest:
    return Manifest(
        batch_id=batch_id,
        table="incidents",
        platform="p",
        resource="list",
        slot=batch_id,
        window_from_at=None,
        window_to_at=None,
        request={},
        contract={},
        received_count=1,
        landed_count=1,
        rejected_count=0,
        reason_counts={},
        content_sha256="",
        landed_at=NOW,
    )


def land(ledger: Ledger, batch_id: str, only_after: int | None = None) -> bool:
    pull_id = ledger.begin_pull(platform="p", resource="list", table="incidents", window=(NOW, NOW), started_at=NOW)
    return ledger.finish_pull(
        pull_id,
        status="complete",
        message="",
        received_count=1,
        landed_count=1,
        rejected_count=0,
        finished_at=NOW,
        manifests=[make_manifest(batch_id)],
        only_after=only_after,
    )


@pytest.mark.parametrize(("ends_well", "lands"), [(True, False), (False, True)])
def test_a_landing_waits_for_one_that_began_before_and_gives_way_to_it(
    postgresql: PostgresqlServer, *, ends_well: bool, lands: bool
) -> None:
    user, password = (quote(part, safe="") for part in OWNER)
    url = f"postgresql+psycopg://{user}:{password}@127.0.0.1:{postgresql.port}/exchange"
    ledger, pulling = Ledger.open(url), create_engine(url)
    land(ledger, "first")
    known = ledger.list_landings()[-1].landing_no
    pull_id = ledger.begin_pull(platform="p", resource="list", table="incidents", window=(NOW, NOW), started_at=NOW)
    row = {"pull_id": pull_id, "batch_id": "pulled", "platform": "p", "resource": "list", "table_name": "incidents"}
    row |= {"slot": "pulled", "row_count": 1, "rejected_count": 0, "landed_at": NOW}
    landed: list[bool] = []
    replaying = threading.Thread(target=lambda: landed.append(land(ledger, "replayed", only_after=known)))
    with pulling.connect() as connection:
        transaction = connection.begin()
        connection.execute(insert(landings).values(row))
        replaying.start()
        # It can't know yet whether the other one will count.
        replaying.join(0.2)
        assert replaying.is_alive()
        transaction.commit() if ends_well else transaction.rollback()
    replaying.join(WAIT_SECONDS)
    assert landed == [lands]
    ids = [landing.batch_id for landing in ledger.list_landings()]
    assert ids == ["first", "pulled" if ends_well else "replayed"]
    ledger.close()
    pulling.dispose()
