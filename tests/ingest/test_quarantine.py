"""Rejected rows listed: which still wait, where they came from, what reasons mean, what refused pulls have left."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import MARCH
from platform_server import PlatformServer, Reply, make_incidents, write_incident_source
from replay_kit import MAPPED, NOON, UNMAPPED, Pull, Replay, make_odd, mend_rule, pull_in_turn, replay_mapped, serve

from flows.errors import ConfigurationError, QualityGate, UsageError
from flows.house import House
from flows.ingest.describe.rules import load_rules
from flows.ingest.landing import ResourcePuller
from flows.ingest.rejected.listing import Filter, count_rejected, find_rejected, list_rejected
from flows.ingest.rejected.quarantine import RowState, read_quarantine
from flows.ingest.rejected.reasons import ReasonNote, explain_reason
from flows.month import Month

ALL: tuple[RowState, ...] = ("open", "superseded", "replayed", "refused")


def list_states(house: House, **asked: Any) -> list[tuple[int, str]]:
    """The number and state of each row asked for, whatever its state."""
    return [(row.record_no, row.state) for _, row in list_rejected(house, Filter(**{"states": ALL, **asked}))]


def test_rows_that_landed_since_are_no_longer_listed(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd(), make_odd(98, day="31 April")])
    assert list_states(house) == [(9, "open"), (10, "open")]
    replay_mapped(replay)
    assert list_states(house) == [(9, "replayed"), (10, "open")]
    assert [row.record_no for _, row in list_rejected(house, Filter())] == [10]
    assert [row.record_no for row in read_quarantine(house)] == [10]


def test_rows_that_the_mended_source_sent_again_are_no_longer_listed(
    pull: Pull, house: House, platform: PlatformServer, make_source: Callable[[str], Any]
) -> None:
    good = make_incidents(1, 99)[0]
    pull_in_turn(pull, platform, [make_odd(updated=NOON), make_odd(98, updated=NOON)], [good | {"updated": NOON}])
    # The second key was never sent again.
    assert list_states(house) == [(9, "superseded"), (10, "open")]
    assert [row.record_no for _, row in list_rejected(house, Filter())] == [10]


def test_a_row_is_not_superseded_by_an_older_one_that_came_later(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    # The good row was written at 08:00, the rejected one at noon.
    pull_in_turn(pull, platform, [make_odd(updated=NOON)], [make_incidents(1, 99)[0]])
    assert list_states(house) == [(9, "open")]


@pytest.mark.parametrize(
    "damage",
    [
        ("manifest.json", "its manifest is gone"),
        ("quarantine-00000.parquet", "0 rejected rows are there, and there were 1"),
    ],
)
def test_rejected_rows_that_the_lake_has_lost_are_told_and_not_taken_for_none(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer, damage: tuple[str, str]
) -> None:
    lost, told = damage
    pull_in_turn(pull, platform, [make_odd()])
    [folder] = (house.lake.root / "incidents").iterdir()
    (folder / lost).unlink()
    with pytest.raises(QualityGate, match=told):
        list_states(house)
    with pytest.raises(QualityGate, match=told):
        replay_mapped(replay)


def test_a_row_whose_key_cannot_be_read_waits(pull: Pull, house: House, platform: PlatformServer) -> None:
    pull_in_turn(pull, platform, [make_odd() | {"id": None}], [make_incidents(1, 99)[0]])
    assert list_states(house) == [(9, "open")]


def test_rows_of_a_source_that_is_no_longer_described_are_listed(
    pull: Pull, house: House, platform: PlatformServer, make_source: Callable[[str], Any]
) -> None:
    pull_in_turn(pull, platform, [make_odd()], [make_incidents(1, 99)[0] | {"updated": NOON}])
    make_source(write_incident_source().replace("  incidents:\n", "  renamed:\n"))
    assert list_states(house, platform="test_platform") == [(9, "open")]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 3),
        ({"platform": "test_platform"}, 3),
        ({"platform": "register"}, 0),
        ({"table": "incidents"}, 3),
        ({"table": "events"}, 0),
        ({"reason": "unmapped:kind"}, 2),
        ({"reason": "unmapped"}, 2),
        ({"reason": "unreadable"}, 2),
        ({"reason": "unmapped:status"}, 0),
        ({"states": ("superseded",)}, 0),
    ],
)
def test_the_list_is_narrowed_as_asked(
    pull: Pull, house: House, platform: PlatformServer, asked: dict[str, Any], count: int
) -> None:
    pull_in_turn(
        pull,
        platform,
        [make_odd()],
        [make_odd(98, day="31 April"), make_incidents(1, 97)[0] | {"day": "32 March"}],
    )
    assert len(list(list_rejected(house, Filter(**asked)))) == count


def test_reasons_are_counted_by_source_table_and_state(pull: Pull, house: House, platform: PlatformServer) -> None:
    pull_in_turn(pull, platform, [make_odd(), make_odd(98, day="31 April")])
    place = ("test_platform", "incidents", "incidents", "open")
    assert count_rejected(house, Filter()) == {(*place, "unmapped:kind"): 2, (*place, "unreadable:occurred_on"): 1}
    assert count_rejected(house, Filter(reason="unreadable")) == {(*place, "unreadable:occurred_on"): 1}


@pytest.mark.parametrize(("month", "count"), [((2024, 2), 0), ((2024, 3), 1), ((2024, 4), 0)])
def test_a_months_pull_is_listed_for_its_month_not_for_the_days_after_it_that_it_holds(
    pull: Pull, house: House, platform: PlatformServer, month: tuple[int, int], count: int
) -> None:
    # From 1 March to 3 April, 00:00.
    pull_in_turn(pull, platform, [make_odd()])
    assert len(list(list_rejected(house, Filter(month=Month(*month))))) == count


@pytest.mark.parametrize(("month", "count"), [((2024, 1), 0), ((2024, 2), 1), ((2024, 3), 1), ((2024, 4), 0)])
def test_a_longer_pull_is_listed_for_every_month_that_it_holds_whole(
    pull: Pull, house: House, platform: PlatformServer, month: tuple[int, int], count: int
) -> None:
    serve(platform, *make_incidents(9), make_odd())
    window = (Month(2024, 2).starts_at + timedelta(days=3), MARCH[1])
    pull(write_incident_source(f"{UNMAPPED}\nsince: {{param: since, format: iso}}"), window=window)
    assert len(list(list_rejected(house, Filter(month=Month(*month))))) == count


def test_what_no_window_narrows_is_listed_for_every_month(pull: Pull, house: House, platform: PlatformServer) -> None:
    serve(platform, *make_incidents(9), make_odd())
    pull(write_incident_source(UNMAPPED))
    assert len(list(list_rejected(house, Filter(month=Month(2023, 1))))) == 1


def test_a_source_that_never_was_is_refused(pull: Pull, house: House, platform: PlatformServer) -> None:
    pull_in_turn(pull, platform, [make_odd()])
    with pytest.raises(ConfigurationError, match="there is no source 'test_plattform'"):
        list(list_rejected(house, Filter(platform="test_plattform")))


def test_a_batch_is_found_with_where_it_came_from(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    pull_in_turn(pull, platform, [make_odd(), make_odd(98, day="31 April")])
    replay_mapped(replay)
    batch_id = next(iter(read_quarantine(house))).batch_id
    batch, rows = find_rejected(house, batch_id)
    assert (batch.platform, batch.resource, batch.table, batch.window) == (
        "test_platform",
        "incidents",
        "incidents",
        MARCH,
    )
    assert [(row.record_no, row.state) for row in rows] == [(9, "replayed"), (10, "open")]
    assert [row.record_no for row in find_rejected(house, batch_id, 10)[1]] == [10]
    with pytest.raises(
        UsageError, match=f"no rejected row with the number 3. .* fivestar quarantine show {batch_id}"
    ):
        find_rejected(house, batch_id, 3)
    with pytest.raises(UsageError, match="batch 'x' holds no rejected row"):
        find_rejected(house, "x")


# What reasons mean.


def explain(reason: str, house: House, table: str = "events") -> ReasonNote:
    rules = load_rules(house.settings.config / "quality")[table]
    return explain_reason(reason, platform="p", resource="r", table=table, rules=rules)


@pytest.mark.parametrize(
    ("reason", "severity", "title", "rule_id", "advice"),
    [
        ("before_reported:closed_at", "reject", "早于上报时间", "after_report", "quality/events.yaml"),
        ("null:event_id", "reject", "必填项为空", "required", "quality/events.yaml"),
        ("not_registered:community_code", "reject", "社区不在名册", "community_registered", "the community's row"),
        ("unmapped:category", "reject", "代码未配置对应关系（事件类别）", "", "p.yaml, resources.r.codes.category"),
        ("unreadable:due_at", "reject", "无法读取（办结期限）", "", "p.yaml, resources.r.formats"),
        ("missing:grid_code", "reject", "缺少已配置的字段（网格代码）", "", "p.yaml, resources.r.contract"),
        ("new_field", "reject", "出现未配置的字段", "", "p.yaml, resources.r.ignore"),
        # The rule judges other columns, or is no longer there.
        ("before_reported:event_id", "", "早于上报时间（事件编号）", "", "no rule gives this reason today"),
        ("out_of_fashion:category", "", "out_of_fashion（事件类别）", "", "no rule gives this reason today"),
    ],
)  # fmt: skip
def test_a_reason_is_explained_by_its_rule_or_the_mapping(
    house: House, *, reason: str, severity: str, title: str, rule_id: str, advice: str
) -> None:
    note = explain(reason, house)
    assert (note.severity, note.title, note.rule_id) == (severity, title, rule_id)
    assert advice in note.advice


# What a refused pull leaves.


def refuse(pull: Pull, platform: PlatformServer, *odd: dict[str, Any]) -> None:
    """A pull of four good rows and the given ones, more than 20 % of which are rejected."""
    serve(platform, *make_incidents(4), *odd)
    assert pull(write_incident_source(UNMAPPED)).exit_code == 13


def test_the_rejected_rows_of_a_refused_pull_can_be_looked_at(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    refuse(pull, platform, make_odd(), make_odd(98))
    assert list_states(house) == [(4, "refused"), (5, "refused")]
    batch, [row] = find_rejected(house, "refused-test_platform-incidents-0", 4)
    assert '"id":"I99"' in row.raw
    assert row.reasons == ("unmapped:kind",)
    assert (batch.is_refused, batch.platform, batch.resource, batch.table) == (
        True,
        "test_platform",
        "incidents",
        "incidents",
    )
    assert list(read_quarantine(house)) == []
    assert house.ledger.list_landings()[-1].table == "grids"


def test_the_rejected_rows_of_a_refused_pull_are_never_replayed(
    pull: Pull, replay: Replay, house: House, platform: PlatformServer
) -> None:
    refuse(pull, platform, make_odd(), make_odd(98))
    assert replay(write_incident_source(MAPPED)).batches == []
    with pytest.raises(UsageError, match="holds no rejected row that could be replayed"):
        replay(write_incident_source(MAPPED), batch_id="refused-test_platform-incidents-0")


def test_the_next_refusal_takes_the_place_of_the_last(pull: Pull, house: House, platform: PlatformServer) -> None:
    refuse(pull, platform, make_odd(), make_odd(98), make_odd(97))
    refuse(pull, platform, make_odd(96), make_odd(95))
    assert [row.row_key for _, row in list_rejected(house, Filter())] == ["I96", "I95"]
    assert len(list((house.lake.root / "refused").rglob("*.parquet"))) == 1


def test_a_refusal_without_a_row_takes_the_place_of_the_last_too(
    pull: Pull, house: House, platform: PlatformServer, tmp_path: Path
) -> None:
    refuse(pull, platform, make_odd(), make_odd(98))
    rule = "rules:\n  - {id: not_empty, kind: not_empty, severity: stop, reason: empty, title: 没有一行}"
    mend_rule(tmp_path, "incidents", "rules:", rule)
    serve(platform)
    assert pull(write_incident_source(UNMAPPED)).exit_code == 13
    assert list_states(house) == []


def test_the_next_complete_pull_removes_what_the_refused_one_left(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    refuse(pull, platform, make_odd(), make_odd(98))
    assert pull(write_incident_source(MAPPED)).exit_code == 0
    assert list_states(house) == []
    assert list((house.lake.root / "refused").rglob("*.parquet")) == []


def test_a_complete_pull_killed_before_it_cleaned_up_leaves_nothing_to_list(
    pull: Pull, house: House, platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(pull, platform, make_odd(), make_odd(98))
    monkeypatch.setattr("flows.ingest.landing.drop_refused", lambda *_: None)
    assert pull(write_incident_source(MAPPED)).exit_code == 0
    assert list((house.lake.root / "refused").rglob("*.parquet")) != []
    assert list_states(house) == []


def test_a_refused_pull_killed_before_it_was_recorded_leaves_nothing_to_list(
    pull: Pull, house: House, platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ResourcePuller, "_fail", die)
    serve(platform, *make_incidents(4), make_odd(), make_odd(98))
    with pytest.raises(KeyboardInterrupt):
        pull(write_incident_source(UNMAPPED))
    assert list_states(house) == []


def test_an_unreachable_platform_leaves_what_the_refused_pull_left(
    pull: Pull, house: House, platform: PlatformServer
) -> None:
    refuse(pull, platform, make_odd(), make_odd(98))
    platform.answer = lambda _: Reply(status=503)
    assert pull(write_incident_source(UNMAPPED)).exit_code == 11
    assert list_states(house) == [(4, "refused"), (5, "refused")]


def test_each_file_of_a_refused_pull_is_a_batch_of_its_own(pull: Pull, house: House, tmp_path: Path) -> None:
    drop = tmp_path / "config" / "drop"
    drop.mkdir(parents=True)
    for name, community in (("a.csv", "410202001001"), ("b.csv", "4102"), ("c.csv", "4103")):
        (drop / name).write_text(
            f"id,community,kind,day,status,updated\n{name},{community},petition,2024-03-05,confirmed,2024-03-05\n",
            encoding="utf-8",
        )
    source = write_incident_source().replace(
        "kind: rest\n  base_url: ${TEST_URL}\n  auth: {kind: none}", "kind: files\n  path: drop"
    )
    source = source.replace("request: {path: /list}", 'files: "*.csv"').replace("records: items", "format: csv")
    assert pull(source).exit_code == 13
    found = [(batch.slot, row.batch_id, row.record_no) for batch, row in list_rejected(house, Filter())]
    assert found == [
        ("b.csv", "refused-test_platform-incidents-1", 0),
        ("c.csv", "refused-test_platform-incidents-2", 0),
    ]
