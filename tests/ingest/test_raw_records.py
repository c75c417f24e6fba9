"""A raw record read back maps to what the record itself maps to, whatever kind of source it came from."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from platform_server import CARD

from flows.ingest.connect.cells import CELL_ERROR
from flows.ingest.describe.source import Source
from flows.ingest.judging.mapping import Mapped, Mapper
from flows.ingest.judging.raw import Unreadable, read_raw, write_raw

FIELDS = """
    fields:
      {event_id: id, community_code: community, grid_code: grid, category: category, tier: tier, urgent: urgent,
        reported_at: reported, due_at: due, updated_at: updated, reopened: reopened, status: more.status}
    codes: {category: {矛盾: dispute, 1: wish}, status: {开: open, default: closed}}
    defaults: {forced_close: false}
"""
KINDS = {
    "rest": "request: {path: /}",
    "csv": 'files: "*", format: csv',
    "xlsx": 'files: "*", format: xlsx',
    "jsonl": 'files: "*", format: jsonl',
    "parquet": 'files: "*", format: parquet',
}

_texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        [
            "矛盾",
            "开",
            "1",
            "1.0",
            "是",
            "no",
            "2024-03-05",
            "2024/3/5 8:00",
            "2024-03-05T08:00:00+08:00",
            "#ERROR",
            "  ",
        ]
    ),
)
_numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, 1, 2, 45356, 20240305, 202403, 1_709_600_000, 1_709_600_000_000]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, 45356.0, 45356.5]),
)
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, _texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.one_of(_texts, st.sampled_from(["status", "$date", "$object"])), inner, max_size=2),
    ),
    max_leaves=4,
)
_moments = st.one_of(
    st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)),
    st.dates(date(1990, 1, 1), date(2099, 1, 1)).map(lambda day: datetime.combine(day, time.min)),
    st.dates(date(1990, 1, 1), date(2099, 1, 1)),
    st.times(),
    st.timedeltas(),
)
_zoned = st.datetimes(
    datetime(1990, 1, 1), datetime(2099, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))])
)
_odd = st.one_of(
    st.decimals(allow_nan=False), st.sampled_from([math.nan, math.inf, -math.inf]), st.binary(max_size=6), st.uuids()
)
_cells = {
    "rest": _json,
    "jsonl": _json,
    "csv": st.one_of(st.none(), _texts, st.just(CELL_ERROR)),
    "xlsx": st.one_of(st.none(), st.booleans(), _numbers, _texts, _moments, st.just(CELL_ERROR)),
    "parquet": st.one_of(_json, _moments, _zoned, _odd),
}
_NAMES = ("id", "community", "grid", "category", "tier", "urgent", "reported", "due", "updated", "reopened", "more")


def map_one(source: Source, record: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, list[bool]]]:
    """The record's row and its reasons."""
    mapped: Mapped = Mapper(source, source.resources["events"], "test").map_records([record], 0)
    return mapped.rows.to_pylist(), {reason: mask.tolist() for reason, mask in mapped.reasons.items()}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_record_read_back_maps_as_the_record_does(
    make_source: Callable[[str], Source], kind: str, data: st.DataObject
) -> None:
    source = _load(make_source, kind)
    record = data.draw(st.dictionaries(st.sampled_from(_NAMES), _cells[kind], max_size=len(_NAMES)))
    assert map_one(source, read_raw(write_raw(record))) == map_one(source, record)


_SOURCES: dict[str, Source] = {}


def _load(make_source: Callable[[str], Source], kind: str) -> Source:
    """The source of a kind, read once."""
    if kind not in _SOURCES:
        connection = (
            "{kind: rest, base_url: 'http://p', auth: {kind: none}}" if kind == "rest" else "{kind: files, path: x}"
        )
        where = "".join(f"\n    {part}" for part in KINDS[kind].split(", "))
        head = f"platform: p\ntitle: P\n{CARD}\nconnection: {connection}\n"
        _SOURCES[kind] = make_source(f"{head}resources:\n  events:\n    table: events{where}{FIELDS}")
    return _SOURCES[kind]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        12,
        2**70,
        1.0,
        math.inf,
        "张三",
        [1, "a"],
        (1, ("a",)),
        {"a": {"b": 1}},
        {"$date": "2024-03-05"},
        {"$object": {"$date": 1}},
        {"$unknown": 1},
        datetime(2024, 3, 5),
        datetime(2024, 3, 5, 8, 0, 1, 5, timezone(timedelta(hours=8))),
        date(2024, 3, 5),
        time(8, 0),
        timedelta(days=-1, microseconds=3),
        Decimal("12.50"),
        b"\x00\xff",
        UUID(int=7),
    ],
    ids=repr,
)
def test_every_value_comes_back_as_it_was(value: object) -> None:
    record = {"field": value, "beside": [value]}
    found = read_raw(write_raw(record))
    assert found == record
    assert type(found["field"]) is type(value)


def test_what_json_can_hold_is_written_plainly() -> None:
    record = {"id": "I1", "kind": None, "feedback": {"stars": 4.5}, "tags": ["a"]}
    assert write_raw(record) == '{"id":"I1","kind":null,"feedback":{"stars":4.5},"tags":["a"]}'


def test_a_day_is_written_so_that_a_person_reads_it() -> None:
    assert orjson.loads(write_raw({"due": datetime(2024, 3, 5)})) == {"due": {"$datetime": "2024-03-05T00:00:00"}}


def test_a_record_of_one_odd_field_is_no_mark() -> None:
    assert read_raw(write_raw({"$date": "2024-03-05"})) == {"$date": "2024-03-05"}


def test_an_error_cell_comes_back_as_something_that_no_column_can_read() -> None:
    found = read_raw(write_raw({"grade": CELL_ERROR}))["grade"]
    assert isinstance(found, Unreadable)
    assert str(found) == "#ERROR"


def test_a_value_of_an_unknown_kind_is_written_alike_in_each_run() -> None:
    assert write_raw({"photo": memoryview(b"")}) == '{"photo":{"$unreadable":"memoryview"}}'


def test_nothing_that_is_a_number_stays_nothing() -> None:
    found = read_raw(write_raw({"grade": math.nan}))["grade"]
    assert isinstance(found, float)
    assert math.isnan(found)


def test_numbers_of_arrays_are_numbers() -> None:
    assert read_raw(write_raw({"grade": np.float64(1.5)})) == {"grade": 1.5}


def test_a_midnight_in_a_workbook_stays_a_day_without_a_time(make_source: Callable[[str], Source]) -> None:
    source = _load(make_source, "xlsx")
    [row], _ = map_one(source, read_raw(write_raw({"due": datetime(2024, 3, 5), "reported": datetime(2024, 3, 5)})))
    # 23:59:59 and 00:00 of 5 March in Asia/Shanghai, eight hours ahead of UTC (data.md, preamble).
    assert row["due_at"] == datetime(2024, 3, 5, 15, 59, 59)
    assert row["reported_at"] == datetime(2024, 3, 4, 16)
