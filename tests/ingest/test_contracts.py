"""A platform's new, missing and retyped fields under each contract: what is told, what lands, and what is known."""

from collections.abc import Callable

import pytest
from contract_kit import CONTRACTS, PERSON, Asked, Record, drift, make_records
from platform_server import PlatformServer, Reply, write_incident_source

from flows.errors import ContractBroken
from flows.house import House
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]

DRIFTS = ("new", "missing", "retyped")
FIELDS = (
    "{incident_id: id, community_code: place.code, kind: kind, occurred_on: place.day, status: status, "
    "updated_at: updated}"
)


@pytest.fixture
def ask_platform(pull: Pull, house: House, platform: PlatformServer) -> Callable[[str], Asked]:
    def ask(contract: str) -> Asked:
        def give(records: list[Record]) -> PullReport:
            platform.answer = lambda _: Reply({"items": records})
            return pull(write_incident_source(f"contract: {contract}\nfields: {FIELDS}"))

        names = {"new": "place.reporter", "missing": "place.day", "retyped": "place.day"}
        return Asked(house, give, "test_platform, incidents", names)

    return ask


# A platform.


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_platform_that_stays_as_it_is_is_no_drift(ask_platform: Callable[[str], Asked], contract: str) -> None:
    asked = ask_platform(contract)
    for count in (9, 10):
        report = asked.pull(make_records(count))
        assert (report.error, report.warnings, asked.count()) == (None, [], count)


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_platforms_drift_is_told_and_its_rows_are_kept_where_the_contract_evolves(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("evolve")
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), kind))
    field = asked.names[kind]
    told = {
        "new": f"new fields that nothing maps: {field} (1 record, such as record_no 8: 某某某某). "
        "Map them, or list them under ignore.",
        "missing": f"mapped fields that records lack: {field} (for occurred_on; 1 record, such as record_no 8). "
        "These rows were kept, with nothing there. If that is new, ask the source.",
        "retyped": f"mapped fields whose values are of another kind than before: {field} (for occurred_on; number, "
        "was text; 1 record, such as record_no 8: 99999999). "
        "What can be read was kept. If that is wrong, correct fields or ask the source.",
    }
    assert report.error is None
    assert report.warnings == [f"{asked.name}: {told[kind]}"]
    # Without its day an incident is rejected for that alone: occurred_on may not be empty.
    assert asked.list_rejected() == ([(8, ("null:occurred_on",))] if kind == "missing" else [])
    # Record 8 of the first pull stands either way: a rejected row takes no part (data.md, preamble).
    assert asked.count() == 10
    assert PERSON not in asked.read_told(report)


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_platforms_drift_lands_nothing_where_the_contract_is_frozen(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("freeze")
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), kind))
    assert isinstance(report.error, ContractBroken)
    field = asked.names[kind]
    told = {
        "new": f"New fields that nothing maps: {field} (1 record, such as record_no 8: 某某某某).",
        "missing": f"Mapped fields that records lack: {field} (for occurred_on; 1 record, such as record_no 8).",
        "retyped": f"Mapped fields whose values are of another kind than before: {field} (for occurred_on; number, "
        "was text; 1 record, such as record_no 8: 99999999).",
    }
    assert str(report.error) == (
        f"{asked.name}: the source has changed, and the contract is freeze. {told[kind]} Nothing was landed. Ask the "
        "source; map new fields or list them under ignore; or let one pull evolve to accept the change."
    )
    assert asked.count() == 9
    assert PERSON not in asked.read_told(report)


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_platforms_drifting_rows_alone_are_rejected_where_the_contract_discards_them(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("discard_row")
    asked.pull(make_records(9))
    report = asked.pull(drift(make_records(10), kind))
    reason = {"new": "new_field", "missing": "missing:occurred_on", "retyped": "retyped:occurred_on"}[kind]
    assert report.error is None
    assert asked.list_rejected() == [(8, (reason,))]
    # Record 8 of the first pull still stands: a rejected row takes no part (data.md, preamble).
    assert asked.count() == 10
    [warning] = report.warnings
    assert asked.names[kind] in warning
    assert "These rows were rejected." in warning
    assert PERSON not in asked.read_told(report)


def test_a_page_that_drifts_in_three_ways_says_all_of_them(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("freeze")
    asked.pull(make_records(9))
    records = make_records(10)
    records[1]["reporter"] = {"name": PERSON}
    del records[2]["kind"]
    records[3]["place"] = {"code": 410202001001, "day": None, "lane": 1}
    report = asked.pull(records)
    assert str(report.error).startswith(
        f"{asked.name}: the source has changed, and the contract is freeze. "
        "New fields that nothing maps: reporter (1 record, such as record_no 1: an object of 1), "
        "place.lane (1 record, such as record_no 3: 9). "
        "Mapped fields that records lack: kind (for kind; 1 record, such as record_no 2). "
        "Mapped fields whose values are of another kind than before: place.code (for community_code; number, was "
        "text; 1 record, such as record_no 3: 999999999999). Nothing was landed."
    )


# What is known.


@pytest.mark.parametrize("kind", ["missing", "retyped"])
def test_what_a_contract_that_evolves_has_told_and_landed_it_does_not_tell_again(
    ask_platform: Callable[[str], Asked], kind: str
) -> None:
    asked = ask_platform("evolve")
    told = [len(asked.pull(records).warnings) for records in (make_records(9), *drift_thrice(kind))]
    assert told == [0, 1, 0, 0]


def drift_thrice(kind: str) -> list[list[Record]]:
    return [drift(make_records(count), kind) for count in (10, 11, 12)]


def test_a_new_field_is_told_until_it_is_mapped_or_ignored(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("evolve")
    assert [len(asked.pull(records).warnings) for records in drift_thrice("new")] == [1, 1, 1]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_first_pull_takes_whatever_kinds_it_sees(ask_platform: Callable[[str], Asked], contract: str) -> None:
    asked = ask_platform(contract)
    report = asked.pull(drift(make_records(10), "retyped"))
    assert (report.error, report.warnings, asked.count()) == (None, [], 10)
    assert read_types(asked)["occurred_on"] == ["number", "text"]
    assert asked.pull(make_records(9)).warnings == []
    assert asked.pull(drift(make_records(12), "retyped")).warnings == []


def read_types(asked: Asked) -> dict[str, list[str]]:
    """What the manifest of the latest batch says is known."""
    batch_id = [it.batch_id for it in asked.house.ledger.list_landings() if it.table == "incidents"][-1]
    types: dict[str, list[str]] = asked.house.lake.read_manifest("incidents", batch_id)["contract"]["types"]
    return types


def test_the_manifest_names_the_kinds_of_every_column_that_ever_had_a_value(
    ask_platform: Callable[[str], Asked],
) -> None:
    asked = ask_platform("evolve")
    first = make_records(9)
    first[0]["updated"], first[0]["status"] = "", None
    asked.pull(first)
    assert read_types(asked)["updated_at"] == read_types(asked)["status"] == ["text"]
    records = make_records(10)
    records[0]["kind"], records[1]["updated"] = 7, 1709683200
    del records[9]["status"]
    asked.pull(records)
    assert read_types(asked) == {
        "incident_id": ["text"],
        "community_code": ["text"],
        "kind": ["number", "text"],
        "occurred_on": ["text"],
        "status": ["absent", "text"],
        "updated_at": ["number", "text"],
    }


def test_what_a_contract_rejects_does_not_become_known(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("discard_row")
    told = [len(asked.pull(records).warnings) for records in (make_records(9), *drift_thrice("retyped"))]
    assert told == [0, 1, 1, 1]
    assert read_types(asked)["occurred_on"] == ["text"]


def test_one_pull_that_evolves_accepts_the_change_for_a_frozen_contract(
    ask_platform: Callable[[str], Asked],
) -> None:
    ask_platform("freeze").pull(make_records(9))
    assert ask_platform("freeze").pull(drift(make_records(10), "retyped")).error is not None
    assert ask_platform("evolve").pull(drift(make_records(10), "retyped")).error is None
    assert ask_platform("freeze").pull(drift(make_records(11), "retyped")).error is None
    # What was known before it still is.
    assert ask_platform("freeze").pull(make_records(12)).error is None


def test_what_comes_back_after_a_change_is_held_to_all_that_is_known(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("freeze")
    asked.pull(make_records(9))
    ask_platform("evolve").pull(drift(make_records(10), "retyped"))
    asked.pull(make_records(9))
    # The first batch has landed again, and knows text only.
    assert read_types(asked)["occurred_on"] == ["text"]
    assert asked.pull(drift(make_records(11), "retyped")).error is None


def test_a_column_that_is_mapped_otherwise_is_not_held_to_what_it_was(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    records = make_records(9)
    for record in records:
        record["on"] = 20240305
    platform.answer = lambda _: Reply({"items": records})
    for field in ("place.day", "on"):
        fields = FIELDS.replace("place.day", field)
        report = pull(write_incident_source(f"contract: freeze\nfields: {fields}\nignore: [on, place.day]"))
        assert report.error is None


def test_a_lake_that_has_lost_what_is_known_lands_nothing(ask_platform: Callable[[str], Asked]) -> None:
    asked = ask_platform("evolve")
    asked.pull(make_records(9))
    [manifest] = (asked.house.settings.home / "lake" / "incidents").glob("*/manifest.json")
    manifest.unlink()
    report = asked.pull(make_records(10))
    assert "its manifest is gone. The lake is damaged: restore" in str(report.error)
    assert report.exit_code == 13
