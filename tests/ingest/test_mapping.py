"""Records become rows: paths, codes, defaults, overrides, and what each contract says of fields nobody expected."""

from collections.abc import Callable
from typing import Any

import pytest
from platform_server import INCIDENT_FIELDS, make_incidents, write_incident_source

from flows.errors import ContractBroken
from flows.ingest.describe.source import Source
from flows.ingest.judging.mapping import Mapped, Mapper

MakeMapper = Callable[..., Mapper]


@pytest.fixture
def make_mapper(make_source: Callable[[str], Source]) -> MakeMapper:
    """A mapper of incidents (or of `table`) whose resource has the given lines."""

    def make(resource: str = "", table: str = "incidents") -> Mapper:
        text = write_incident_source(resource).replace("table: incidents", f"table: {table}")
        source = make_source(text)
        return Mapper(source, source.resources["incidents"], "test_platform, incidents")

    return make


def make_incident(**changes: Any) -> dict[str, Any]:
    return {**make_incidents(1)[0], **changes}


def list_reasons(mapped: Mapped) -> list[list[str]]:
    """The reasons of each row."""
    return [
        [reason for reason, mask in mapped.reasons.items() if mask[place]] for place in range(mapped.rows.num_rows)
    ]


def test_rows_have_the_tables_columns_and_their_place_in_the_pull(make_mapper: MakeMapper) -> None:
    mapped = make_mapper().map_records(make_incidents(2), 7)
    assert mapped.rows.column_names == [
        "incident_id", "community_code", "kind", "occurred_on", "status", "updated_at", "record_no",
    ]  # fmt: skip
    assert mapped.rows.column("record_no").to_pylist() == [7, 8]
    assert mapped.reasons == {}


def test_a_path_leads_into_objects_and_ends_where_they_end(make_mapper: MakeMapper) -> None:
    mapper = make_mapper(
        f"fields: {INCIDENT_FIELDS.replace('community_code: community', 'community_code: place.code')}"
    )
    records = [make_incident(place={"code": "1"}), make_incident(place=None), make_incident(place="x")]
    assert mapper.map_records(records, 0).rows.column("community_code").to_pylist() == ["1", None, None]


def test_what_cannot_be_read_gives_its_column_as_the_reason(make_mapper: MakeMapper) -> None:
    records = [
        make_incident(),
        make_incident(day="31 April", updated="yesterday"),
        make_incident(community={"code": 1}),
    ]
    mapped = make_mapper().map_records(records, 0)
    assert list_reasons(mapped) == [
        [],
        ["unreadable:occurred_on", "unreadable:updated_at"],
        ["unreadable:community_code"],
    ]


CODES = 'codes: {kind: {矛盾: petition, "1": accident, true: crime}, status: {有效: confirmed, default: withdrawn}}'


def test_codes_are_translated_whatever_type_the_source_gives_them(make_mapper: MakeMapper) -> None:
    records = [make_incident(kind=kind, status="有效") for kind in (" 矛盾 ", 1, "1", 1.0, True)]
    kinds = make_mapper(CODES).map_records(records, 0).rows.column("kind").to_pylist()
    assert kinds == ["petition", "accident", "accident", "accident", "crime"]


def test_a_code_that_is_not_listed_is_a_reason_but_nothing_is_none(make_mapper: MakeMapper) -> None:
    records = [make_incident(kind=kind, status="有效") for kind in ("别的", None, "")]
    mapped = make_mapper(CODES).map_records(records, 0)
    assert list_reasons(mapped) == [["unmapped:kind"], [], []]
    assert mapped.rows.column("kind").to_pylist() == [None, None, None]


def test_a_default_code_answers_whatever_is_not_listed(make_mapper: MakeMapper) -> None:
    records = [make_incident(kind="1", status=status) for status in ("有效", "别的", None)]
    mapped = make_mapper(CODES).map_records(records, 0)
    assert mapped.rows.column("status").to_pylist() == ["confirmed", "withdrawn", None]
    assert list_reasons(mapped) == [[], [], []]


def test_a_default_fills_what_is_not_mapped_and_what_is_empty(make_mapper: MakeMapper) -> None:
    fields = INCIDENT_FIELDS.replace("status: status, ", "")
    mapper = make_mapper(
        f"fields: {fields}\ndefaults: {{status: confirmed, occurred_on: 2024-03-31}}\nignore: [status]"
    )
    rows = mapper.map_records([make_incident(day=""), make_incident()], 0).rows
    assert rows.column("status").to_pylist() == ["confirmed", "confirmed"]
    assert [str(day) for day in rows.column("occurred_on").to_pylist()] == ["2024-03-31", "2024-03-05"]


def test_an_override_replaces_a_value_where_another_column_has_a_listed_one(make_mapper: MakeMapper) -> None:
    mapper = make_mapper("overrides: {status: {by: community_code, values: {410202001001: withdrawn}}}")
    rows = mapper.map_records([make_incident(), make_incident(community="x"), make_incident(community=None)], 0).rows
    assert rows.column("status").to_pylist() == ["withdrawn", "confirmed", "confirmed"]


def test_a_field_that_no_record_of_the_batch_has_breaks_the_contract(make_mapper: MakeMapper) -> None:
    mapper = make_mapper("defaults: {status: confirmed}")
    records = [{name: value for name, value in record.items() if name != "status"} for record in make_incidents(3)]
    mapper.map_records(records, 0)
    with pytest.raises(ContractBroken, match=r"not one of 3 records has status \(for status\)"):
        mapper.finish_batch()


def test_each_batch_must_have_the_field_by_itself(make_mapper: MakeMapper) -> None:
    mapper = make_mapper()
    mapper.map_records(make_incidents(3), 0)
    mapper.finish_batch("a.jsonl")
    record = make_incident()
    del record["day"]
    mapper.map_records([record], 0)
    with pytest.raises(ContractBroken, match=r"not one of 1 records of b\.jsonl has day \(for occurred_on\)"):
        mapper.finish_batch("b.jsonl")


def test_a_field_that_one_record_has_empty_is_there(make_mapper: MakeMapper) -> None:
    mapper = make_mapper()
    record = make_incident()
    del record["status"]
    mapper.map_records([record], 0)
    mapped = mapper.map_records([make_incident(status=None)], 1)
    mapper.finish_batch()
    assert mapped.reasons == {}


def test_an_object_that_is_null_may_hold_the_field(make_mapper: MakeMapper) -> None:
    mapper = make_mapper(
        f"fields: {INCIDENT_FIELDS.replace('status: status', 'status: state.now')}\nignore: [status]"
    )
    mapper.map_records([make_incident(state=None)], 0)
    mapper.finish_batch()


def test_a_pull_without_records_lacks_no_field(make_mapper: MakeMapper) -> None:
    mapper = make_mapper()
    mapper.finish_batch()
    assert mapper.finish() == []


def test_new_fields_are_told_once_unless_they_are_ignored(make_mapper: MakeMapper) -> None:
    mapper = make_mapper(
        f"fields: {INCIDENT_FIELDS.replace('community_code: community', 'community_code: place.code')}\n"
        "ignore: [community, known, place.known]"
    )
    for place in ({"code": "1", "known": 1, "lane": 2}, {"code": "1"}):
        mapper.map_records([make_incident(place=place, extra=1, known=2)], 0)
    assert mapper.finish() == [
        (
            "test_platform, incidents: new fields that nothing maps: extra (2 records, such as record_no 0: 9), "
            "place.lane (1 record, such as record_no 0: 9). Map them, or list them under ignore."
        )
    ]


def test_a_frozen_contract_refuses_a_new_field(make_mapper: MakeMapper) -> None:
    with pytest.raises(ContractBroken, match=r"contract is freeze\. New fields that nothing maps: extra \("):
        make_mapper("contract: freeze").map_records([make_incident(extra=1)], 0)


def test_a_contract_that_discards_rows_rejects_those_with_a_new_field(make_mapper: MakeMapper) -> None:
    mapper = make_mapper("contract: discard_row")
    assert list_reasons(mapper.map_records([make_incident(extra=None), make_incident()], 0)) == [["new_field"], []]


def lack(name: str) -> dict[str, Any]:
    return {key: value for key, value in make_incident().items() if key != name}


def test_a_frozen_contract_refuses_a_record_without_a_mapped_field(make_mapper: MakeMapper) -> None:
    with pytest.raises(
        ContractBroken, match=r"contract is freeze\. Mapped fields that records lack: status \(for status; 1 record,"
    ):
        make_mapper("contract: freeze\ndefaults: {status: confirmed}").map_records(
            [make_incident(), lack("status")], 0
        )
    assert make_mapper("contract: freeze").map_records([make_incident(status=None)], 0).reasons == {}


def test_a_contract_that_discards_rows_rejects_those_without_a_mapped_field(make_mapper: MakeMapper) -> None:
    mapper = make_mapper("contract: discard_row\ndefaults: {status: confirmed}")
    mapped = mapper.map_records([lack("status"), make_incident(status=None), make_incident()], 0)
    assert list_reasons(mapped) == [["missing:status"], [], []]


def test_a_contract_that_evolves_takes_a_missing_field_for_nothing(make_mapper: MakeMapper) -> None:
    mapped = make_mapper().map_records([lack("status"), make_incident()], 0)
    assert list_reasons(mapped) == [[], []]
    assert mapped.rows.column("status").to_pylist() == [None, "confirmed"]


EVENT = {"id": "E1", "sys": "a", "text": "x", "at": "2024-03-01", "flag": False, "number": 1}
EVENT_FIELDS = (
    "{event_id: id%s, community_code: text, category: text, tier: number, urgent: flag, reported_at: at, due_at: at, "
    "status: text, forced_close: flag, reopened: number, updated_at: at}"
)


def test_events_carry_their_sources_id(make_mapper: MakeMapper) -> None:
    mapped = make_mapper(f"fields: {EVENT_FIELDS % ''}", "events").map_records([EVENT], 0)
    assert mapped.rows.column("platform").to_pylist() == ["test_platform"]


def test_an_event_that_names_another_platform_is_rejected(make_mapper: MakeMapper) -> None:
    mapper = make_mapper(f"fields: {EVENT_FIELDS % ', platform: sys'}", "events")
    records = [EVENT, {**EVENT, "sys": "test_platform"}]
    assert list_reasons(mapper.map_records(records, 0)) == [["other_platform"], []]


def test_a_deadline_given_as_a_date_ends_with_its_day(make_mapper: MakeMapper) -> None:
    rows = make_mapper(f"fields: {EVENT_FIELDS % ''}", "events").map_records([EVENT], 0).rows
    # 1 March in Shanghai begins at 16:00 UTC of 29 February and ends at 16:00 of 1 March.
    assert str(rows.column("reported_at")[0]) == "2024-02-29 16:00:00"
    assert str(rows.column("due_at")[0]) == "2024-03-01 15:59:59"
