"""Checks on events that never landed: told once all sources are in, and by both judges alike."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pyarrow as pa
import pytest
from check_source import make_check, write_check_source
from ingest_kit import CONFIG, MARCH, NOW, land_rows
from platform_server import CARD, Asked, PlatformServer, Reply
from quality_cases import GOOD

from flows.errors import QualityGate
from flows.house import House
from flows.ingest.crosscheck import judge_across_tables
from flows.ingest.describe.rules import load_rules
from flows.ingest.describe.source import Source
from flows.ingest.ingestion import ingest_sources
from flows.ingest.judging.quality import confirm_lookup
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]
MakeSource = Callable[[str], Source]

[RULE] = load_rules(CONFIG / "quality")["checks"].cross_rules
NOON = MARCH[0] + timedelta(days=10, hours=12)


def land_events(house: House, *events: tuple[str, str]) -> None:
    rows = [{**GOOD["events"], "platform": platform, "event_id": event} for platform, event in events]
    land_rows(house, "events", rows)


def read_check(house: House) -> dict[str, object]:
    pulls = [pull for pull in house.ledger.list_pulls("supervision") if pull.status == "complete"]
    [check] = [check for check in pulls[-1].checks if check["rule"] == RULE.id]
    return dict(check)


def test_checks_on_events_that_never_landed_are_told_by_platform(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    land_events(house, ("p", "E1"), ("q", "E1"))
    named = [("p", "E1"), ("p", "E2"), ("q", "E1"), ("r", "E1")]
    rows = [make_check(number, NOON, platform=of, event=event) for number, (of, event) in enumerate(named)]
    platform.answer = lambda _: Reply({"items": rows})
    pull(write_check_source())
    [finding] = judge_across_tables(house, [make_source(write_check_source())])
    # E1 of r is another event than E1 of p and q.
    assert "1 of 2 (50.00 %) of p, 1 of 1 (100.00 %) of r." in finding.warning
    check = read_check(house)
    assert (check["severity"], check["judged_count"], check["breach_count"]) == ("warn", 4, 2)
    assert check["platforms"] == {"p": [2, 1], "q": [1, 0], "r": [1, 1]}
    assert house.ledger.list_pulls("supervision")[-1].warnings[-1] == finding.warning


def test_what_cannot_be_a_platform_is_masked_where_it_is_told(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    # A mapping that takes the inspector for the platform: their names and numbers are nobody's business.
    inspectors = ["张三", "李四", "410202199001011234"]
    rows = [make_check(number, NOON, platform=of) for number, of in enumerate(inspectors)]
    platform.answer = lambda _: Reply({"items": rows})
    pull(write_check_source())
    [finding] = judge_across_tables(house, [make_source(write_check_source())])
    assert "1 of 1 (100.00 %) of 999999999999999999, 2 of 2 (100.00 %) of 某某." in finding.warning
    told = repr(house.ledger.list_pulls("supervision"))
    assert not any(inspector in told for inspector in inspectors)


def test_events_that_land_later_clear_what_was_told(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": [make_check(1, NOON)]})
    pull(write_check_source())
    sources = [make_source(write_check_source())]
    before = house.ledger.list_pulls("supervision")[-1].warnings
    assert len(judge_across_tables(house, sources)) == 1
    land_events(house, ("p", "E1"))
    assert judge_across_tables(house, sources) == []
    assert (read_check(house)["judged_count"], read_check(house)["breach_count"]) == (1, 0)
    assert house.ledger.list_pulls("supervision")[-1].warnings == before


def test_only_the_newest_version_of_a_check_in_the_window_is_judged(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    land_events(house, ("p", "E1"))
    second = timedelta(seconds=1)
    rows = [
        make_check(1, NOON, event="mistyped"),
        make_check(1, NOON + second, event="E1"),
        make_check(2, MARCH[0] - second, event="before"),
        make_check(3, MARCH[0], event="first"),
        make_check(4, MARCH[1] - second, event="last"),
        make_check(5, MARCH[1], event="after"),
    ]
    platform.answer = lambda _: Reply({"items": rows})
    pull(write_check_source())
    judge_across_tables(house, [make_source(write_check_source())])
    assert read_check(house)["platforms"] == {"p": [3, 2]}


def test_without_any_event_every_check_is_on_an_unknown_one(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    platform.answer = lambda _: Reply({"items": [make_check(1, NOON)]})
    pull(write_check_source())
    [finding] = judge_across_tables(house, [make_source(write_check_source())])
    assert "1 of 1 (100.00 %) of p." in finding.warning


def test_a_window_without_checks_is_judged_to_hold_none(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    pull(write_check_source())
    assert judge_across_tables(house, [make_source(write_check_source())]) == []
    assert (read_check(house)["judged_count"], read_check(house)["platforms"]) == (0, {})


def test_a_refused_pull_leaves_the_one_before_it_judged(
    pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    platform.answer_in_turn(Reply({"items": [make_check(1, NOON)]}), Reply({"items": [{"id": "C2"}]}))
    pull(write_check_source())
    pull(write_check_source())
    assert [it.status for it in house.ledger.list_pulls("supervision")] == ["complete", "broken"]
    assert len(judge_across_tables(house, [make_source(write_check_source())])) == 1


def test_one_ingest_judges_checks_and_events_that_come_together(
    house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    events = f"""
platform: p
title: Test
{CARD}
connection: {{kind: rest, base_url: "${{TEST_URL}}", auth: {{kind: none}}}}
resources:
  events:
    table: events
    request: {{path: /events}}
    records: items
    fields: {{event_id: id, updated_at: updated, reported_at: updated}}
    defaults:
      {{community_code: "410202001001", category: service, tier: 1, urgent: false, status: open, forced_close: false,
        reopened: 0}}
"""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/events":
            return Reply({"items": [{"id": "E1", "updated": NOON.isoformat()}]})
        return Reply({"items": [make_check(1, NOON), make_check(2, NOON, event="E2")]})

    platform.answer = answer
    sources = [make_source(write_check_source()), make_source(events)]
    reports = ingest_sources(house, sources, MARCH, lambda: NOW)
    assert [report.error for report in reports] == [None, None]
    told = [text for report in reports for text in report.warnings if "have not landed" in text]
    assert len(told) == 1
    assert "1 of 2 (50.00 %) of p." in told[0]


@pytest.mark.parametrize("seed", range(5))
def test_both_judges_count_any_mixture_as_plain_sets_do(
    seed: int, pull: Pull, house: House, make_source: MakeSource, platform: PlatformServer
) -> None:
    draw = random.Random(seed)
    every = [(of, f"E{number}") for of in "pqr" for number in range(30)]
    landed = draw.sample(every, draw.randrange(len(every)))
    named: Sequence[tuple[str, str]] = draw.choices(every, k=200)
    if landed:
        land_events(house, *landed, *landed[:5])
    rows = [make_check(number, NOON, platform=of, event=event) for number, (of, event) in enumerate(named)]
    platform.answer = lambda _: Reply({"items": rows})
    pull(write_check_source())
    judge_across_tables(house, [make_source(write_check_source())])
    assert read_check(house)["platforms"] == {
        of: [
            sum(platform == of for platform, _ in named),
            sum(key[0] == of and key not in landed for key in named),
        ]
        for of in "pqr"
    }


def test_a_disagreement_between_the_judges_is_a_gate() -> None:
    looked_up = pa.table({"known": pa.array(["E1", None, None])})
    confirm_lookup(RULE, looked_up, 2, "p, r")
    with pytest.raises(QualityGate, match="finds 1 rows, and Great Expectations 2"):
        confirm_lookup(RULE, looked_up, 1, "p, r")
