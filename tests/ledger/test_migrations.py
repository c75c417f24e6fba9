"""The schema up and down, on each database, with nothing in it and with what older versions left."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from ledger_processes import PATIENCE_SECONDS, PROCESSES, open_at_once
from schema_kit import (
    AT,
    DAY,
    REVISIONS,
    WHAT_RAN,
    WHAT_WAS_DECIDED,
    WHAT_WAS_JUDGED,
    connect,
    describe_schema,
    fill,
    raise_schema,
    read,
)
from sqlalchemy.exc import DBAPIError

from flows.errors import ConfigurationError
from flows.ledger import Ledger
from flows.ledger.columns import metadata
from flows.ledger.migrating import downgrade, find_head

FIRST_OPENERS = 4


def test_the_revisions_here_are_all_there_are() -> None:
    assert find_head() == REVISIONS[-1]


def test_each_step_down_leaves_what_was_before_it_and_up_again_is_the_same(ledger_url: str) -> None:
    schemas = {"base": describe_schema(ledger_url)}
    for revision in REVISIONS:
        raise_schema(ledger_url, revision)
        schemas[revision] = describe_schema(ledger_url)
    assert schemas["base"] == {}
    for revision in ("base", *REVISIONS[:-1])[::-1]:
        downgrade(ledger_url, revision)
        assert describe_schema(ledger_url) == schemas[revision], revision
    Ledger.open(ledger_url).close()
    assert describe_schema(ledger_url) == schemas[REVISIONS[-1]]


def test_the_tables_are_those_that_the_program_describes(ledger_url: str) -> None:
    Ledger.open(ledger_url).close()
    with connect(ledger_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_what_ran_comes_through_every_step_up_and_down(ledger_url: str) -> None:
    raise_schema(ledger_url, REVISIONS[0])
    fill(ledger_url, WHAT_RAN)
    ledger = Ledger.open(ledger_url)
    [pull] = ledger.list_pulls("p")
    assert (pull.reason_counts, pull.checks, pull.newest_at) == ({"unmapped": 1}, [], None)
    [message] = ledger.outbox.list_messages()
    assert (message.subject, message.sent_count, message.code) == ("三月", 0, "")
    ledger.close()
    for revision in REVISIONS[-2::-1]:
        downgrade(ledger_url, revision)
        assert read(ledger_url, WHAT_RAN) == WHAT_RAN, revision
    with pytest.raises(ConfigurationError, match=r"taken back from 0001: that would drop outcomes, which holds rows"):
        downgrade(ledger_url, "base")
    assert read(ledger_url, WHAT_RAN) == WHAT_RAN
    ledger = Ledger.open(ledger_url)
    assert len(ledger.list_landings()) == 1
    ledger.close()


def test_a_judged_month_of_before_the_archive_goes_up_and_down_again(ledger_url: str) -> None:
    raise_schema(ledger_url, "0002")
    fill(ledger_url, {**WHAT_RAN, **WHAT_WAS_JUDGED})
    ledger = Ledger.open(ledger_url)
    record = ledger.results.find_latest("2024-03")
    assert record is not None
    assert (record.code_fingerprint, record.amends, record.missing_workers) == ("", None, None)
    ledger.close()
    downgrade(ledger_url, "0002")
    assert read(ledger_url, WHAT_WAS_JUDGED) == WHAT_WAS_JUDGED


def test_decisions_from_before_the_chain_are_chained_and_then_never_dropped(ledger_url: str) -> None:
    raise_schema(ledger_url, "0003")
    fill(ledger_url, {**WHAT_WAS_JUDGED, **WHAT_WAS_DECIDED})
    ledger = Ledger.open(ledger_url)
    state = ledger.reviews.examine_chain()
    # The decision, the register record and the arrears.
    assert (state.entry_count, state.fault) == (3, "")
    ledger.close()
    downgrade(ledger_url, "0004")
    with pytest.raises(ConfigurationError, match=r"taken back from 0004: that would drop review_chain, which holds"):
        downgrade(ledger_url, "0003")
    ledger = Ledger.open(ledger_url)
    assert ledger.reviews.examine_chain() == state
    ledger.close()
    assert read(ledger_url, WHAT_WAS_DECIDED) == WHAT_WAS_DECIDED


@pytest.mark.parametrize(
    ("name", "row", "back_to"),
    [
        ("policies", {"fingerprint": "f" * 64, "files": {}, "archived_at": AT}, "0002"),
        (
            "objections",
            {
                "month": "2024-03", "revision": 1, "staff_id": "K1", "statement": "不服", "recorder": "经办人",
                "filed_on": DAY, "due_on": DAY, "recorded_at": AT,
            },
            "0003",
        ),
    ],
)  # fmt: skip
def test_whatever_proves_a_decision_is_not_dropped_either(
    ledger_url: str, name: str, row: dict[str, Any], back_to: str
) -> None:
    Ledger.open(ledger_url).close()
    fill(ledger_url, {**WHAT_WAS_JUDGED, name: [row]})
    before = describe_schema(ledger_url)
    with pytest.raises(ConfigurationError, match=f"would drop {name}, which holds rows"):
        downgrade(ledger_url, back_to)
    assert describe_schema(ledger_url) == before
    assert read(ledger_url, {name: [row]}) == {name: [row]}


def test_messages_under_way_wait_or_end_when_claims_are_taken_back(ledger_url: str) -> None:
    Ledger.open(ledger_url).close()
    [message] = WHAT_RAN["outbox"]
    at = message["queued_at"]
    claimed = {**message, "key": "claimed", "status": "sending", "claimed_by": "w", "claimed_at": at}
    fill(ledger_url, {"outbox": [{**claimed, "begun_at": None}, {**claimed, "key": "begun", "begun_at": at}]})
    downgrade(ledger_url, "0004")
    statuses = read(ledger_url, {"outbox": [{"key": "", "status": ""}]})
    # Whether the one that had begun arrived isn't known: it must not go out again by itself.
    assert {row["key"]: row["status"] for row in statuses["outbox"]} == {
        "claimed": "queued",
        "begun": "permanent_failure",
    }


def test_the_guards_come_with_the_schema(ledger_url: str) -> None:
    raise_schema(ledger_url, "0002")
    fill(ledger_url, {**WHAT_WAS_JUDGED, **WHAT_WAS_DECIDED})
    with connect(ledger_url) as connection:
        connection.execute(sa.text("DELETE FROM arrears"))
    Ledger.open(ledger_url).close()
    with pytest.raises(DBAPIError, match="append-only"), connect(ledger_url) as connection:
        connection.execute(sa.text("DELETE FROM grade_register"))


def test_a_migration_that_fails_leaves_the_older_schema_and_says_what_to_do(ledger_url: str) -> None:
    raise_schema(ledger_url, "0003")
    fill(ledger_url, WHAT_WAS_JUDGED)
    # Somebody has made a table by hand that a later version makes itself.
    with connect(ledger_url) as connection:
        connection.execute(sa.text("CREATE TABLE quotas (id INTEGER)"))
    before = describe_schema(ledger_url)
    with pytest.raises(ConfigurationError, match=r"could not be brought from 0003 to 0007 \(\w+Error\)\. Nothing"):
        Ledger.open(ledger_url)
    assert describe_schema(ledger_url) == before
    assert read(ledger_url, WHAT_WAS_JUDGED) == WHAT_WAS_JUDGED


def test_a_migration_that_dies_half_way_leaves_a_database_that_opens(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_table: Callable[..., Any] = op.create_table
    made: list[str] = []

    def die_at_the_third(name: str, *columns: Any, **options: Any) -> Any:
        made.append(name)
        if len(made) == 3:
            raise KeyboardInterrupt
        return create_table(name, *columns, **options)

    with monkeypatch.context() as patched:
        patched.setattr(op, "create_table", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            Ledger.open(ledger_url)
    assert len(made) == 3
    ledger = Ledger.open(ledger_url)
    assert ledger.list_pulls() == []
    ledger.close()


def test_processes_that_open_a_fresh_ledger_at_once_make_it_once(ledger_url: str) -> None:
    start = PROCESSES.Barrier(FIRST_OPENERS)
    processes = [PROCESSES.Process(target=open_at_once, args=(ledger_url, start)) for _ in range(FIRST_OPENERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_SECONDS)
    assert [process.exitcode for process in processes] == [0] * FIRST_OPENERS
    Ledger.open(ledger_url).close()
    assert set(describe_schema(ledger_url)) == set(metadata.tables)
