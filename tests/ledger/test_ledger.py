"""The ledger: pulls and their landings, results, and the register over time."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from schema_kit import connect

from flows.errors import ConfigurationError
from flows.lake import Manifest
from flows.ledger import Ledger
from flows.ledger.results import Making, digest_inputs, digest_proposal
from flows.ledger.review_rows import Decision, RegisterEntry
from flows.results import MonthResult, RegisterRecord

NOW = datetime(2024, 4, 3, 1, 30, tzinfo=UTC)
WINDOW = (datetime(2024, 2, 29, 16, tzinfo=UTC), datetime(2024, 4, 2, 16, tzinfo=UTC))


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url)
    yield opened
    opened.close()


def begin(ledger: Ledger) -> int:
    return ledger.begin_pull(platform="p", resource="events", table="events", window=WINDOW, started_at=NOW)


def finish(ledger: Ledger, pull_id: int, *batch_ids: str, slot: str = "s") -> None:
    manifests = [
        Manifest(batch_id, "events", "p", "events", slot, *WINDOW, {}, {}, 2, 2, 0, {}, "0" * 64, NOW)
        for batch_id in batch_ids
    ]
    ledger.finish_pull(
        pull_id,
        status="complete",
        message="",
        received_count=2,
        landed_count=2,
        rejected_count=0,
        finished_at=NOW,
        manifests=manifests,
    )


def test_a_pull_that_never_finished_stays_running_and_lands_nothing(ledger: Ledger) -> None:
    begin(ledger)
    [pull] = ledger.list_pulls("p")
    assert (pull.status, pull.finished_at, ledger.list_landings()) == ("running", None, [])


def test_a_finished_pull_lands_its_batches_in_the_order_given(ledger: Ledger) -> None:
    finish(ledger, begin(ledger), "b", "a")
    assert [(landing.batch_id, landing.table) for landing in ledger.list_landings()] == [
        ("b", "events"),
        ("a", "events"),
    ]
    [pull] = ledger.list_pulls()
    assert (pull.status, pull.window_from_at, pull.window_to_at, pull.finished_at) == ("complete", *WINDOW, NOW)


def test_what_pulls_found_is_read_only_where_it_is_asked_for(ledger: Ledger) -> None:
    numbers = [begin(ledger), begin(ledger)]
    for number in numbers:
        finish(ledger, number, str(number))
        ledger.note_checks(number, [{"key": "k", "warning": "odd"}])
    whole = ledger.list_pulls("p")
    assert [(pull.warnings, len(pull.checks)) for pull in whole] == [(["odd"], 1)] * 2
    bare = ledger.list_pulls("p", with_findings=False)
    assert bare == [dataclasses.replace(pull, reason_counts={}, warnings=(), checks=()) for pull in whole]
    assert ledger.read_findings(numbers[1:]) == whole[1:]


def test_the_latest_batch_of_a_slot_is_the_one_that_landed_last_there(ledger: Ledger) -> None:
    finish(ledger, begin(ledger), "a")
    finish(ledger, begin(ledger), "b")
    finish(ledger, begin(ledger), "c", slot="other")
    assert ledger.latest_batch_id("p", "events", "s") == "b"
    assert ledger.latest_batch_id("p", "events", "unknown") is None


def test_a_saved_month_reads_back_exactly(ledger: Ledger, make_result: Callable[..., MonthResult]) -> None:
    result = make_result()
    ledger.results.save(result, 1, digests={"stars.csv": "0" * 64}, making=Making("0.1.0", "c" * 64, {}, NOW))
    key = (str(result.month), 1)

    def sort(rows: object) -> list[str]:
        return sorted(map(repr, rows))  # type: ignore[call-overload]

    assert sort(ledger.results.list_communities(*key)) == sort(result.communities)
    assert sort(ledger.results.list_indicators(*key)) == sort(result.indicators)
    assert sort(ledger.results.list_stars(*key)) == sort(result.stars)
    assert sort(ledger.results.list_ratings(*key)) == sort(result.ratings)
    assert sort(ledger.results.list_proposals(*key)) == sort(result.proposals)
    assert sort(ledger.results.list_pay_lines(*key)) == sort(result.pay_lines)
    assert sort(ledger.results.list_awards(*key)) == sort(result.awards)
    record = ledger.results.find_latest(str(result.month))
    assert record is not None
    assert (record.revision, record.cutoff_at) == (1, result.cutoff_at)
    assert record.digests == {"stars.csv": "0" * 64}


def test_the_input_digest_follows_what_was_judged_and_not_how_presence_was_told(
    make_result: Callable[..., MonthResult],
) -> None:
    inputs = make_result().inputs
    told = tuple(dataclasses.replace(source, evidence="told otherwise") for source in inputs.sources)
    absent = tuple(dataclasses.replace(source, status="partial") for source in inputs.sources)
    assert digest_inputs(dataclasses.replace(inputs, sources=told)) == digest_inputs(inputs)
    for changed in (
        dataclasses.replace(inputs, sources=absent),
        dataclasses.replace(inputs, batch_ids=("p-events-b2", "p-events-b1", "q-events-b3")),
        dataclasses.replace(inputs, policy_fingerprint="0" * 64),
        dataclasses.replace(inputs, register_digest="0" * 64),
    ):
        assert digest_inputs(changed) != digest_inputs(inputs)


def test_the_grade_in_force_is_the_latest_to_take_effect_then_the_latest_recorded(
    ledger: Ledger, make_result: Callable[..., MonthResult]
) -> None:
    result = make_result()
    ledger.results.save(result, 1, digests={}, making=Making("0.1.0", "c" * 64, {}, NOW))
    month = str(result.month)
    row = Decision(month, 1, "K1", digest_proposal(result.proposals[0], ()), "approved", "审核人", "", True, NOW)
    ledger.reviews.add_decisions([row] * 3, after=ledger.reviews.find_head())
    ids = [decision.id for decision in ledger.reviews.list_decisions(month)]

    def enter(decision_id: int, grade: int, effective_on: date) -> None:
        record = RegisterRecord("K1", "other", grade, "none", "none", effective_on)
        ledger.register.publish(
            [RegisterEntry(record, month, 1, decision_id)], {}, NOW, after=ledger.reviews.find_head()
        )

    enter(ids[0], 5, date(2024, 4, 1))
    enter(ids[1], 3, date(2024, 1, 1))
    enter(ids[2], 4, date(2024, 1, 1))
    assert ledger.register.list_grades_in_force(date(2023, 12, 31)) == {}
    assert ledger.register.list_grades_in_force(date(2024, 3, 31))["K1"].grade == 4
    assert ledger.register.list_grades_in_force(date(2024, 4, 1))["K1"].grade == 5


def test_opening_again_keeps_what_was_written(ledger: Ledger, ledger_url: str) -> None:
    begin(ledger)
    again = Ledger.open(ledger_url)
    assert len(again.list_pulls()) == 1
    again.close()


def test_a_schema_newer_than_the_code_is_refused_with_what_to_do(ledger: Ledger, ledger_url: str) -> None:
    with connect(ledger_url) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match=r"9999.*written by a newer one"):
        Ledger.open(ledger_url)


@pytest.mark.parametrize("url", ["no url at all", "nosuchdatabase://x"])
def test_a_database_url_that_cannot_be_meant_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="FIVESTAR_DATABASE_URL"):
        Ledger.open(url)


def test_a_database_that_cannot_be_opened_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Ledger.open(f"sqlite:///{tmp_path / 'no such folder' / 'ledger.sqlite'}")
