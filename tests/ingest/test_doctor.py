"""Each platform tried: what is told of its first page, of drift and of failures; and that nothing lands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from city_runs import digest_tree
from doctor_kit import AREA, PERSON, Examine, list_errors, list_told
from platform_server import INCIDENT_FIELDS, Asked, PlatformServer, Reply, make_incidents, write_incident_source

from flows.errors import ConfigurationError, ContractBroken, SourceUnavailable
from flows.house import House
from flows.ingest.reports import PullReport

SINCE = "since: {param: since, until_param: until}"


# A platform that answers.


def test_the_first_page_is_counted_and_its_first_record_shown_masked(
    examine: Examine, platform: PlatformServer
) -> None:
    first = {**make_incidents(1)[0], "id": f"I-{PERSON}-7", "day": None}
    platform.answer = lambda _: Reply({"items": [first, *make_incidents(9, 1)]})
    findings = examine(write_incident_source())
    assert list_told(findings, "ok") == ["10 records on the first page, 9 would pass"]
    [record] = [finding.record for finding in findings if finding.record]
    assert [(it.name, it.shape, it.field) for it in record] == [
        ("incident_id", "X-某某某某-9", "id"),
        ("community_code", "999999999999", "community"),
        ("kind", "xxxxxxxx", "kind"),
        ("occurred_on", "null", "day"),
        ("status", "xxxxxxxxx", "status"),
        ("updated_at", "9999-99-99 99:99:99", "updated"),
    ]
    assert PERSON not in str(findings)
    assert list_errors(findings) == []


def test_only_the_first_page_is_asked_for(examine: Examine, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(5), "next": "c2"})
    findings = examine(write_incident_source("pages: {kind: cursor, next: next}"))
    assert list_told(findings, "ok") == ["5 records on the first page, 5 would pass"]
    assert len(platform.asked) == 1


def test_nothing_lands_and_nothing_is_written(
    examine: Examine, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    ledger = house.ledger

    def look() -> tuple[object, ...]:
        lake = digest_tree(tmp_path / "home" / "lake")
        return lake, ledger.list_pulls(), ledger.list_landings(), ledger.list_outcomes()

    before = look()
    examine(write_incident_source())
    assert look() == before


def test_what_cannot_be_read_or_must_not_pass_is_counted_with_what_to_do(
    examine: Examine, platform: PlatformServer
) -> None:
    records = make_incidents(10)
    records[0]["day"] = f"31 April, {PERSON}"
    records[1]["kind"] = records[2]["kind"] = PERSON
    records[3]["community"] = "410202009999"
    platform.answer = lambda _: Reply({"items": records})
    findings = examine(write_incident_source("codes: {kind: {petition: petition}}"))
    assert list_told(findings, "ok") == ["10 records on the first page, 6 would pass"]
    assert [(it.text, it.advice.partition(";")[0]) for it in findings if it.level == "warn"] == [
        (
            "2 of them would be rejected: unmapped:kind",
            "list the value under test_platform.yaml, resources.incidents.codes.kind",
        ),
        (
            "1 of them would be rejected: not_registered:community_code",
            "land the community's row of the register",
        ),
        ("1 of them would be rejected: unreadable:occurred_on", "ask the source to mend the value"),
    ]
    [record] = [finding.record for finding in findings if finding.record]
    assert next((it.shape, it.reasons) for it in record if it.name == "occurred_on") == ("null", ["unreadable"])
    assert PERSON not in str(findings)


def test_without_a_register_nothing_is_judged_by_it(examine: Examine, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    findings = examine(write_incident_source(), stores=None)
    assert list_told(findings, "ok") == ["3 records on the first page, 3 would pass"]
    assert list_told(findings, "warn") == []


def answer_between(start: str, count: int) -> Callable[[Asked], Reply]:
    """A platform whose incidents were all updated at `start`."""

    def answer(asked: Asked) -> Reply:
        return Reply({"items": make_incidents(count) if asked.query["since"] <= start < asked.query["until"] else []})

    return answer


@pytest.mark.parametrize(
    ("updated", "told"),
    [
        ("2024-04-04T12:00:00Z", "3 records on the first page of the last 24 hours, 3 would pass"),
        # March begins in the city at 16:00 UTC of 29 February.
        ("2024-03-31T12:00:00Z", "3 records on the first page of 2024-03, 3 would pass"),
        ("2024-02-29T16:00:00Z", "3 records on the first page of 2024-03, 3 would pass"),
        ("2024-02-29T15:59:59Z", "answers, but has nothing of the last 24 hours nor 2024-03"),
    ],
)
def test_a_windowed_resource_is_asked_for_the_last_day_then_for_the_last_closed_month(
    examine: Examine, platform: PlatformServer, updated: str, told: str
) -> None:
    platform.answer = answer_between(updated, 3)
    findings = examine(write_incident_source(SINCE))
    assert list_told(findings, "ok") == [told]
    assert list_errors(findings) == []


def test_a_windowed_resource_that_is_silent_is_asked_for_the_month_in_which_it_last_gave_something(
    examine: Examine, pull: Callable[..., PullReport], platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply(
        {"items": [{**record, "updated": "2024-01-06T08:00:00Z"} for record in make_incidents(3)]}
    )
    assert pull(write_incident_source(SINCE)).error is None
    platform.answer = answer_between("2024-01-20T00:00:00Z", 3)
    assert list_told(examine(write_incident_source(SINCE)), "ok") == [
        "3 records on the first page of 2024-01, 3 would pass"
    ]


def test_a_list_without_a_record_is_a_warning(examine: Examine, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": []})
    assert list_told(examine(write_incident_source()), "warn") == ["answers, but has no record"]


# Contracts.


def drift(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    records[1]["day"], records[2]["reporter"] = 20240305, PERSON
    return records


def test_drift_from_what_has_landed_is_told_masked(
    examine: Examine, pull: Callable[..., PullReport], platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(9)})
    pull(write_incident_source())
    platform.answer = lambda _: Reply({"items": drift(make_incidents(10))})
    findings = examine(write_incident_source())
    assert list_told(findings, "warn") == [
        (
            "new fields that nothing maps: reporter (1 record, such as record_no 2: 某某某某). "
            "Map them, or list them under ignore."
        ),
        (
            "mapped fields whose values are of another kind than before: day (for occurred_on; number, was text; "
            "1 record, such as record_no 1: 99999999). What can be read was kept. If that is wrong, correct fields "
            "or ask the source."
        ),
    ]
    assert list_errors(findings) == []


def test_drift_under_a_frozen_contract_is_a_failure_and_the_first_record_is_shown_all_the_same(
    examine: Examine, pull: Callable[..., PullReport], platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(9)})
    pull(write_incident_source("contract: freeze"))
    platform.answer = lambda _: Reply({"items": drift(make_incidents(10))})
    findings = examine(write_incident_source("contract: freeze"))
    assert list_told(findings, "ok") == ["10 records on the first page"]
    [told] = list_told(findings, "fail")
    assert told.startswith("the source has changed, and the contract is freeze.")
    assert list_errors(findings) == [ContractBroken]
    assert any(finding.record for finding in findings)
    assert PERSON not in str(findings)


def test_a_mapped_field_that_no_record_has_is_a_failure(examine: Examine, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({"items": make_incidents(3)})
    findings = examine(write_incident_source(f"fields: {INCIDENT_FIELDS.replace('on: day', 'on: date')}"))
    [told] = list_told(findings, "fail")
    assert told.startswith("not one of 3 records has date (for occurred_on).")
    assert list_errors(findings) == [ContractBroken]


# Failures.

TWO_RESOURCES = (
    write_incident_source()
    + f"""
  others:
    table: incidents
    request: {{path: /others}}
    records: items
    fields: {INCIDENT_FIELDS}
"""
)


def test_a_platform_that_stays_away_is_asked_no_more(examine: Examine, values: dict[str, str]) -> None:
    values["TEST_URL"] = "http://127.0.0.1:9"
    findings = examine(TWO_RESOURCES)
    assert [(it.level, it.area, it.text, it.advice) for it in findings] == [
        (
            "fail",
            AREA,
            "/list cannot be reached, 5 times in a row. Try again later.",
            "if it stays so, check ${TEST_URL}",
        ),
        ("warn", "test_platform", "others not tried", "mend that first"),
    ]
    assert list_errors(findings) == [SourceUnavailable]


def test_refused_credentials_are_told_without_them(examine: Examine, platform: PlatformServer) -> None:
    platform.answer = lambda _: Reply({}, status=401)
    findings = examine(write_incident_source(auth="{kind: bearer, token: '${TEST_TOKEN}'}"))
    assert list_told(findings, "fail") == ["/list refused the credentials (401). Check ${TEST_TOKEN}."]
    assert list_errors(findings) == [ConfigurationError]
    assert "s3cret" not in str(findings)
    assert platform.asked[0].headers["authorization"] == "Bearer s3cret-token"


def test_after_an_answer_that_is_not_as_described_the_next_resource_is_tried(
    examine: Examine, platform: PlatformServer
) -> None:
    page = Reply(b"<html>login</html>", headers={"content-type": "text/html"})
    platform.answer = lambda asked: page if asked.path == "/list" else Reply({"items": make_incidents(2)})
    findings = examine(TWO_RESOURCES)
    [told] = list_told(findings, "fail")
    assert "text/html (perhaps a login page) where JSON was expected" in told
    assert list_errors(findings) == [ContractBroken]
    assert list_told(findings, "ok", "test_platform/others") == ["2 records on the first page, 2 would pass"]


def test_a_table_without_rules_is_a_failure(
    examine: Examine, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    (tmp_path / "config" / "quality").unlink()
    (tmp_path / "config" / "quality").mkdir()
    findings = examine(write_incident_source())
    assert "incidents.yaml: is missing, so nothing judges incidents" in list_told(findings, "fail")[0]
    assert platform.asked == []
