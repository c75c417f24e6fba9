"""However a platform cuts up what it holds, all of it is received, or it is said that it isn't."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.errors import ContractBroken, QualityGate
from flows.ingest.connect.connector import RecordsChanged
from flows.ingest.connect.paging import Pager
from flows.ingest.connect.rest import Answer, NotThere, RestClient
from flows.ingest.describe.source import RestSource

START = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = (START, START + timedelta(hours=1))
KINDS = ("none", "page", "offset", "cursor", "next_url", "link_header")
COUNTED = ("page", "offset")
BASE = "http://platform/list"

Record = dict[str, Any]
Change = tuple[int, str, int]
"""Before which request, `remove` or `insert`, and at which place."""


@dataclass
class Platform:
    """A list in an order that holds, cut into pages of at most `size_max`, silently, and queries of at most `cap`.

    It stands in for the client, so that thousands of lists can be read: paging is what is tested here.
    """

    kind: str
    records: list[Record]
    size_max: int = 1000
    cap: int | None = None
    states_total: bool = False
    changes: list[Change] = field(default_factory=list)
    past: str = "empty"
    states: list[list[Record]] = field(default_factory=list)
    """What it held at each request."""
    given: list[tuple[dict[str, Any], bool]] = field(default_factory=list)
    """What each request asked for, and whether it got records."""

    def ask(self, target: str, *, params: Mapping[str, object], **_: object) -> Answer:
        self.change()
        query = (
            dict(params) if target == "/list" else dict(part.split("=") for part in target.split("?")[1].split("&"))
        )
        found = [it for it in self.records if self.is_between(it, query)][: self.cap]
        size = min(int(query.get("size", self.size_max)), self.size_max)
        if self.kind == "none":
            page = found
        elif self.kind == "page":
            page = self.cut(found, (int(query["page"]) - 1) * size, size)
        elif self.kind == "offset":
            page = self.cut(found, int(query["offset"]), size)
        else:
            # A cursor names a record, so what comes and goes before it moves nothing.
            page = [it for it in found if it["place"] > float(query.get("after", "-inf"))][:size]
        self.given.append((query, bool(page)))
        content: dict[str, Any] = {"items": page}
        if self.states_total:
            content["total"] = len(found)
        return self.name_next(content, query, is_last=not page or page[-1] is found[-1])

    def change(self) -> None:
        number = len(self.states) + 1
        for before, what, place in self.changes:
            if before == number and what == "insert":
                at = place % (len(self.records) + 1)
                self.records.insert(at, make_record(f"new{number}", self.find_place(at)))
            elif before == number and self.records:
                self.records.pop(place % len(self.records))
        self.states.append(list(self.records))

    def find_place(self, at: int) -> float:
        """A place between its neighbours in the list's order."""
        low = self.records[at - 1]["place"] if at > 0 else self.records[0]["place"] - 2.0 if self.records else 0.0
        high = self.records[at]["place"] if at < len(self.records) else low + 2.0
        return float((low + high) / 2)

    def cut(self, found: list[Record], first: int, size: int) -> list[Record]:
        if first < len(found) or not found or self.past == "empty":
            return found[first : first + size]
        if self.past == "missing":
            raise NotThere("the platform answered 404")
        return found[(len(found) - 1) // size * size :]

    def is_between(self, record: Record, query: Mapping[str, Any]) -> bool:
        low, high = (
            datetime.fromisoformat(str(query.get(name, it.isoformat()))) for name, it in zip("ab", HOUR, strict=True)
        )
        return low <= START + timedelta(seconds=record["second"]) < high

    def name_next(self, content: dict[str, Any], query: dict[str, Any], *, is_last: bool) -> Answer:
        last = str(content["items"][-1]["place"]) if content["items"] else ""
        following = None if is_last else f"/list?{'&'.join(f'{k}={v}' for k, v in {**query, 'after': last}.items())}"
        if self.kind == "cursor":
            content["next"] = None if is_last else last
        elif self.kind == "next_url":
            content["next"] = following
        return Answer(content, BASE, following if self.kind == "link_header" else None)


def make_record(name: str, place: float, second: int = 0) -> Record:
    return {"id": name, "place": place, "second": second}


def make_records(count: int) -> list[Record]:
    return [make_record(f"I{number}", float(number)) for number in range(count)]


def read(
    platform: Platform, size: int | None, since: dict[str, Any] | None = None, *, stable: bool | None = None
) -> list[Record]:
    """The records that a pull of the hour gets from the platform."""
    pages: dict[str, Any] = {"kind": platform.kind} | ({} if stable is None else {"stable": stable})
    if platform.kind == "page":
        pages |= {"size_param": "size", "size": size} if size else {}
    elif platform.kind == "offset":
        pages |= {"limit_param": "size", "limit": size or 1000}
    elif platform.kind in ("cursor", "next_url"):
        pages |= {"next": "next"} | ({"param": "after"} if platform.kind == "cursor" else {})
    resource: dict[str, Any] = {
        "table": "incidents",
        "request": {"path": "/list"},
        "records": "items",
        "pages": pages,
        "fields": {
            name: name for name in ("incident_id", "community_code", "kind", "occurred_on", "status", "updated_at")
        },
    }
    resource |= {"total": "total"} if platform.states_total else {}
    resource |= {"since": since} if since else {}
    source = RestSource.model_validate(
        {
            "platform": "p",
            "title": "p",
            "connection": {"kind": "rest", "base_url": BASE},
            "resources": {"list": resource},
        }
    )
    pager = Pager(cast(RestClient, platform), source, source.resources["list"], "p, list")
    return [record for page in pager.fetch_pages(HOUR) for record in page]


def name_all(records: Iterable[Record]) -> set[str]:
    return {record["id"] for record in records}


sizes = st.one_of(st.none(), st.integers(1, 8))
sizes_max = st.integers(1, 8)
pasts = st.sampled_from(["empty", "missing", "last"])


@given(st.sampled_from(KINDS), st.integers(0, 20), sizes, sizes_max, st.booleans())
def test_a_list_that_holds_still_is_received_whole_and_once(
    kind: str, count: int, size: int | None, size_max: int, states_total: bool
) -> None:
    platform = Platform(kind, make_records(count), size_max=size_max, states_total=states_total)
    assert [record["id"] for record in read(platform, size)] == [f"I{number}" for number in range(count)]


@given(st.sampled_from(COUNTED), st.integers(0, 20), st.integers(1, 8), sizes_max, st.booleans(), pasts)
def test_whatever_a_platform_says_of_a_page_behind_its_last_nothing_lacks(  # noqa: PLR0917
    kind: str, count: int, size: int, size_max: int, states_total: bool, past: str
) -> None:
    platform = Platform(kind, make_records(count), size_max=size_max, states_total=states_total, past=past)
    try:
        received = read(platform, size)
    except ContractBroken:
        # Without a total, a full last page and a 404, or itself again, behind it look like a platform gone wrong.
        assert not states_total
        assert past != "empty"
        assert size <= size_max
        assert count % size == 0
    else:
        assert name_all(received) == name_all(platform.records)


@given(
    st.sampled_from(KINDS),
    st.lists(st.integers(0, 5), max_size=16),
    sizes,
    sizes_max,
    st.booleans(),
)
@example("offset", [0, 0, 1], 5, 1, False)
def test_records_listed_twice_cost_none_of_the_others(
    kind: str, numbers: list[int], size: int | None, size_max: int, states_total: bool
) -> None:
    """Anything up to twice, in any order: two pages may then be alike, which at worst is refused."""
    kept = [number for place, number in enumerate(numbers) if numbers[:place].count(number) < 2]
    records = [make_record(f"I{number}", float(place)) for place, number in enumerate(kept)]
    if kind in COUNTED:
        # Alike in everything, their place too, as one record listed twice is.
        records = [make_record(record["id"], 0.0) for record in records]
    platform = Platform(kind, records, size_max=size_max, states_total=states_total)
    try:
        received = read(platform, size)
    except ContractBroken as error:
        assert "the same page twice" in str(error)
        assert len(set(kept)) < len(kept)
    else:
        assert name_all(received) == name_all(records)


changes = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(["remove", "insert"]), st.integers(0, 30)),
    max_size=3,
    unique_by=lambda change: change[0],
)


@given(st.sampled_from(KINDS[1:]), st.integers(1, 16), sizes, sizes_max, st.booleans(), changes)
@example("offset", 3, 2, 8, False, [(2, "remove", 0)])
@example("page", 4, 2, 8, True, [(2, "remove", 0)])
@example("page", 5, 2, 8, False, [(2, "insert", 0), (3, "remove", 0)])
def test_records_that_come_and_go_between_pages_are_received_or_missed_aloud(  # noqa: PLR0917
    kind: str, count: int, size: int | None, size_max: int, states_total: bool, changes: list[Change]
) -> None:
    """One change between any two requests. With a total, one that comes as another goes at once cannot be seen."""
    before = make_records(count)
    platform = Platform(kind, list(before), size_max=size_max, states_total=states_total, changes=changes)
    try:
        received = read(platform, size)
    except (RecordsChanged, QualityGate, ContractBroken) as error:
        assert changes
        assert kind in COUNTED or not isinstance(error, RecordsChanged) or states_total
        return
    there_all_along = name_all(before).intersection(*map(name_all, platform.states))
    assert there_all_along <= name_all(received)
    assert name_all(received) <= set().union(*map(name_all, platform.states))
    if kind in COUNTED:
        # What came before the last record was read is there too; what goes by cursor may pass it over.
        questions = [query for query, _ in platform.given]
        end = next((at for at, query in enumerate(questions) if query in questions[:at]), len(questions))
        last = max((at for at in range(end) if platform.given[at][1]), default=0)
        assert set.intersection(*map(name_all, platform.states[last:])) <= name_all(received)


@given(
    st.sampled_from(KINDS),
    st.lists(st.integers(0, 90), max_size=40),
    sizes_max,
    st.integers(1, 10),
    st.one_of(st.none(), st.integers(1, 60)),
    st.booleans(),
)
def test_a_platform_that_cuts_queries_silently_is_read_whole_or_refused(  # noqa: PLR0917
    kind: str, seconds: list[int], size_max: int, cap: int, slice_seconds: int | None, states_total: bool
) -> None:
    records = [make_record(f"I{place}", float(place), second) for place, second in enumerate(sorted(seconds))]
    platform = Platform(kind, records, size_max=size_max, cap=cap, states_total=states_total)
    since = {"param": "a", "until_param": "b", "cap": cap}
    since |= {"slice": f"{slice_seconds}s"} if slice_seconds else {}
    fullest = max((seconds.count(second) for second in seconds), default=0)
    try:
        received = read(platform, 5, since)
    except ContractBroken as error:
        assert "may have cut the answer" in str(error)
        assert fullest >= cap
    else:
        assert fullest < cap
        assert sorted(record["id"] for record in received) == sorted(record["id"] for record in records)


@given(st.integers(1, 16), st.integers(1, 5), st.integers(0, 15))
def test_a_record_changed_meanwhile_moves_to_the_end_and_takes_none_with_it_unseen(
    count: int, size: int, place: int
) -> None:
    """A query without end by time of change: what changes goes to the end, and the total stays as it was."""

    class Busy(Platform):
        def change(self) -> None:
            if len(self.states) == 1 and place < len(self.records):
                moved = self.records.pop(place)
                self.records.append({**moved, "place": 1000.0})
            self.states.append(list(self.records))

    platform = Busy("offset", make_records(count), states_total=True)
    try:
        received = read(platform, size, {"param": "a"})
    except RecordsChanged:
        return
    assert name_all(received) == name_all(platform.records)


@pytest.mark.parametrize("kind", COUNTED)
def test_without_any_second_reading_a_record_would_be_lost(kind: str) -> None:
    """What the second reading is for: told that the list is stable, the pull believes it."""
    with pytest.raises(RecordsChanged):
        read(Platform(kind, make_records(5), changes=[(2, "remove", 0)]), 2)
    received = read(Platform(kind, make_records(5), changes=[(2, "remove", 0)]), 2, stable=True)
    assert "I2" not in name_all(received)
