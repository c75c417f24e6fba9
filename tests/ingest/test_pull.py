"""One pull of one source: landed whole or not at all, with every reason kept and every end recorded."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from ingest_kit import MARCH, NOW, count_rows
from platform_server import Asked, PlatformServer, Reply, make_incidents, write_incident_source

from flows.errors import ConfigurationError, ContractBroken, QualityGate, SourceUnavailable
from flows.house import House
from flows.ingest.coverage import BEGINNING
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]
SINCE = "since: {param: since}"


def list_statuses(report: PullReport) -> list[tuple[str, str]]:
    return [(pull.resource, pull.status) for pull in report.pulls]


def test_a_pull_lands_its_rows_and_records_its_window(pull: Pull, house: House, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    report = pull(write_incident_source())
    assert (report.exit_code, report.pulls[0].landed_count, count_rows(house, "incidents")) == (0, 3, 3)
    record = house.ledger.list_pulls("test_platform")[0]
    assert (record.status, record.received_count, record.landed_count) == ("complete", 3, 3)
    # Nothing narrows this resource: it gave all it has.
    assert (record.window_from_at, record.window_to_at) == (BEGINNING, NOW)


def test_a_narrowed_pull_records_the_window_that_it_was_asked_for(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source(SINCE))
    record = house.ledger.list_pulls("test_platform")[0]
    assert (record.window_from_at, record.window_to_at) == MARCH
    # 2024-03-06T08:00 in Shanghai, the newest `updated` of what came.
    assert record.newest_at == datetime(2024, 3, 6, tzinfo=UTC)


def test_a_window_that_ends_after_now_is_recorded_up_to_now(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    now = datetime(2024, 3, 10, tzinfo=UTC)
    pull(write_incident_source(), now=now)
    assert house.ledger.list_pulls("test_platform")[0].window_to_at == now


def test_rows_are_numbered_over_pages_and_parts(pull: Pull, house: House, platform: PlatformServer) -> None:
    everything = make_incidents(25_000)

    def answer(asked: Asked) -> Reply:
        start = int(asked.query["offset"])
        return Reply({"items": everything[start : start + 7000]})

    platform.answer = answer
    report = pull(write_incident_source("pages: {kind: offset, limit: 7000}"))
    assert report.pulls[0].landed_count == 25_000
    assert count_rows(house, "incidents") == 25_000


def test_the_same_answer_again_lands_nothing_new(pull: Pull, house: House, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    before = house.ledger.list_landings()
    report = pull(write_incident_source())
    assert report.pulls[0].status == "complete"
    assert house.ledger.list_landings() == before


def test_another_answer_for_the_same_window_lands_and_the_old_one_may_come_back(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    for count in (3, 2, 3):
        platform.answer = lambda _, count=count: Reply({"items": make_incidents(count)})
        pull(write_incident_source())
    landings = [it for it in house.ledger.list_landings() if it.table == "incidents"]
    assert len(landings) == 3
    assert landings[0].batch_id == landings[2].batch_id != landings[1].batch_id


def test_a_register_lands_again_only_when_it_changed_whichever_window_it_is_pulled_for(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    april = (MARCH[1], datetime(2024, 5, 2, 16, tzinfo=UTC))
    contents = [(3, MARCH), (3, april), (2, april), (3, MARCH)]
    for count, window in contents:
        platform.answer = lambda _, count=count: Reply({"items": make_incidents(count)})
        pull(write_incident_source(), window=window)
    landings = [it.batch_id for it in house.ledger.list_landings() if it.table == "incidents"]
    # Without `since` the answer doesn't depend on the window: A, A, B, A lands as A, B, A.
    assert len(landings) == 3
    assert landings[0] == landings[2] != landings[1]


def test_a_placeholder_that_is_not_set_is_no_pull_and_leaves_the_source_as_it_was(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    pull(write_incident_source())
    report = pull(write_incident_source(auth="{kind: bearer, token: '${NO_SUCH_TOKEN}'}"))
    assert isinstance(report.error, ConfigurationError)
    assert "NO_SUCH_TOKEN" in str(report.error)
    assert [record.status for record in house.ledger.list_pulls("test_platform")] == ["complete"]


def test_a_rejected_row_keeps_its_record_its_key_and_every_reason(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    bad = {**make_incidents(1, 99)[0], "community": "4102", "kind": "riot", "day": "31 April", "secret": "张三"}
    platform.answer = lambda _: Reply({"items": [*make_incidents(9), bad]})
    report = pull(write_incident_source("codes: {kind: {petition: petition}}"))
    [row] = read_quarantine(house, platform="test_platform", table="incidents")
    assert row.reasons == (
        "unmapped:kind",
        "unreadable:occurred_on",
        "malformed:community_code",
        "not_registered:community_code",
    )
    assert (row.record_no, row.row_key) == (9, "I99")
    assert '"kind":"riot"' in row.raw
    assert (report.pulls[0].landed_count, report.pulls[0].rejected_count) == (9, 1)
    assert report.pulls[0].reason_counts["unmapped:kind"] == 1
    assert "riot" not in str(house.ledger.list_pulls("test_platform"))


def test_an_older_good_row_stays_when_its_newer_one_is_rejected(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(5)})
    pull(write_incident_source())
    platform.answer = lambda _: Reply({"items": [*make_incidents(4), {**make_incidents(5)[4], "status": "lost"}]})
    pull(write_incident_source())
    assert count_rows(house, "incidents") == 5


def answer_with_rejects(platform: PlatformServer, good_count: int, bad_count: int) -> None:
    bad = [{**record, "community": "410202001999"} for record in make_incidents(bad_count, 1000)]
    platform.answer = lambda _: Reply({"items": make_incidents(good_count) + bad})


def test_one_row_in_five_rejected_is_let_through(pull: Pull, house: House, platform: PlatformServer) -> None:
    answer_with_rejects(platform, 8, 2)
    assert pull(write_incident_source()).error is None
    assert count_rows(house, "incidents") == 8


def test_more_than_one_row_in_five_rejected_lands_nothing(pull: Pull, house: House, platform: PlatformServer) -> None:
    answer_with_rejects(platform, 7, 2)
    report = pull(write_incident_source())
    assert isinstance(report.error, QualityGate)
    assert (report.exit_code, report.pulls[0].status, report.pulls[0].reason_counts) == (
        13, "refused", {"not_registered:community_code": 2},
    )  # fmt: skip
    assert count_rows(house, "incidents") == 0
    assert list(house.lake.root.glob(".staging/*")) == []
    record = house.ledger.list_pulls("test_platform")[0]
    assert (record.status, record.received_count, record.landed_count, record.rejected_count) == ("refused", 9, 0, 2)


def test_no_rows_make_a_complete_pull_without_a_batch(pull: Pull, house: House, platform: PlatformServer) -> None:
    report = pull(write_incident_source())
    assert (report.pulls[0].status, report.pulls[0].batch_ids) == ("complete", [])


@pytest.mark.parametrize(
    ("reply", "ending"),
    [
        (Reply({}, 503), ("unavailable", SourceUnavailable)),
        (Reply({}, 401), ("broken", ConfigurationError)),
        (Reply({"rows": []}), ("broken", ContractBroken)),
        (Reply({"items": [{"id": 1}]}), ("broken", ContractBroken)),
    ],
)
def test_a_failed_pull_is_recorded_and_lands_nothing(
    pull: Pull, house: House, platform: PlatformServer, reply: Reply, ending: tuple[str, type[Exception]]
) -> None:
    platform.answer = lambda _: reply
    report = pull(write_incident_source())
    assert isinstance(report.error, ending[1])
    record = house.ledger.list_pulls("test_platform")[0]
    assert (record.status, record.message) == (ending[0], str(report.error))
    assert record.finished_at is not None


def test_a_total_that_differs_refuses_the_batch(pull: Pull, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3), "total": 4})
    assert list_statuses(pull(write_incident_source("total: total"))) == [("incidents", "refused")]


def write_two_resources() -> str:
    """Checks asked for at /checks, before incidents in their own order but after them among the tables."""
    fields = (
        "{check_id: id, platform: id, event_id: id, community_code: community, finding: f, checked_at: updated, "
        "updated_at: updated}"
    )
    return (
        write_incident_source()
        + f"""  checks:
    table: checks
    request: {{path: /checks}}
    records: items
    fields: {fields}
"""
    )


def answer_by_path(platform: PlatformServer, **replies: Reply) -> None:
    platform.answer = lambda asked: replies.get(asked.path.strip("/"), Reply({"items": []}))


def test_after_a_stop_rule_the_other_resources_are_skipped(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    bad = [{**record, "community": "x"} for record in make_incidents(1)]
    answer_by_path(platform, list=Reply({"items": bad}))
    assert list_statuses(pull(write_two_resources())) == [("incidents", "refused"), ("checks", "skipped")]
    assert [it.status for it in house.ledger.list_pulls("test_platform")] == ["refused", "skipped"]


def test_after_a_broken_contract_the_other_resources_are_still_asked(pull: Pull, platform: PlatformServer) -> None:
    answer_by_path(platform, list=Reply({"rows": []}))
    assert list_statuses(pull(write_two_resources())) == [("incidents", "broken"), ("checks", "complete")]


def test_the_gravest_error_is_the_reports(pull: Pull, platform: PlatformServer) -> None:
    answer_by_path(platform, list=Reply({"rows": []}), checks=Reply({}, 503))
    report = pull(write_two_resources())
    assert list_statuses(report) == [("incidents", "broken"), ("checks", "unavailable")]
    assert report.exit_code == 12


def test_only_the_tables_asked_for_are_pulled(pull: Pull, platform: PlatformServer) -> None:
    assert list_statuses(pull(write_two_resources(), tables=["checks"])) == [("checks", "complete")]


def test_the_month_is_compared_with_the_three_complete_pulls_before(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(10)})
    months = [datetime(2023, month, 30 if month == 11 else 31, 16, tzinfo=UTC) for month in (11, 12)]
    starts = [*months, datetime(2024, 1, 31, 16, tzinfo=UTC), MARCH[0]]
    for start, following in pairwise(starts):
        pull(write_incident_source(SINCE), window=(start, following + timedelta(days=2)))
    platform.answer = lambda _: Reply({"items": make_incidents(16)})
    report = pull(write_incident_source(SINCE))
    assert "differs by 60 % from the mean of the three months before" in report.warnings[0]
