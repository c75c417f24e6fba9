"""What tests of replays share: a mapping to be mended, records that it did not know, what came of them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from ingest_kit import CONFIG, MARCH
from platform_server import CARD, PlatformServer, Reply, make_incidents, write_incident_source

from flows.house import House
from flows.ingest.rejected.replay import ReplayReport
from flows.ingest.reports import PullReport

Pull = Callable[..., PullReport]
Replay = Callable[..., ReplayReport]

UNMAPPED = "codes: {kind: {petition: petition}}"
MAPPED = "codes: {kind: {petition: petition, 群体访: petition}}"
REST = "kind: rest, base_url: '${TEST_URL}', auth: {kind: none}"
MORNING, NOON, EVENING = (f"2024-03-06T{hour}:00:00+08:00" for hour in ("08", "12", "20"))


def serve(platform: PlatformServer, *records: dict[str, Any]) -> None:
    platform.answer = lambda _: Reply({"items": list(records)})


def make_odd(number: int = 99, **values: Any) -> dict[str, Any]:
    """An incident whose kind the mapping does not know at first."""
    return {**make_incidents(1, number)[0], "kind": "群体访", **values}


def read_incidents(house: House) -> dict[str, dict[str, Any]]:
    """The canonical incidents by their id, without the batch that they came from."""
    with house.view() as view:
        rows = view.table("incidents").drop("batch_id").to_pyarrow().to_pylist()
    return {row["incident_id"]: row for row in rows}


def list_outcome(report: ReplayReport) -> list[tuple[list[int], list[int], list[int]]]:
    """Of each batch the numbers of the rows that landed, were superseded, and stay."""
    return [(list(it.landed_nos), list(it.superseded_nos), list(it.stays)) for it in report.batches]


def mend_rule(tmp_path: Path, table: str, old: str, new: str) -> None:
    """Put quality files of the test's own in place of the shipped ones, with one of them changed."""
    quality = tmp_path / "config" / "quality"
    if quality.is_symlink():
        quality.unlink()
        quality.mkdir()
        for file in (CONFIG / "quality").glob("*.yaml"):
            (quality / file.name).write_bytes(file.read_bytes())
    text = (quality / f"{table}.yaml").read_text(encoding="utf-8")
    assert old in text
    (quality / f"{table}.yaml").write_text(text.replace(old, new), encoding="utf-8")


def pull_in_turn(pull: Pull, platform: PlatformServer, *batches: list[dict[str, Any]]) -> None:
    """Pull each list for a window of its own, beside four good rows that keep the share of rejected ones low."""
    for place, records in enumerate(batches):
        serve(platform, *make_incidents(9, 100 * place), *records)
        window = (MARCH[0] + timedelta(days=place), MARCH[1])
        report = pull(write_incident_source(f"{UNMAPPED}\nsince: {{param: since, format: iso}}"), window=window)
        assert report.exit_code == 0


def replay_mapped(replay: Replay, **options: Any) -> ReplayReport:
    return replay(write_incident_source(f"{MAPPED}\nsince: {{param: since, format: iso}}"), **options)


def write_event_source(resource: str = "request: {path: /list}\nrecords: items", *, connection: str = REST) -> str:
    """A platform file with one resource of events; `resource` holds the lines that say where they are."""
    lines = "".join(f"\n    {line}" for line in resource.strip().splitlines())
    return f"""
platform: test_platform
title: Test
{CARD}
connection: {{{connection}}}
resources:
  events:
    table: events{lines}
    fields:
      {{event_id: id, community_code: community, category: category, reported_at: reported, due_at: due,
        status: status, updated_at: updated}}
    codes: {{category: {{矛盾: dispute}}}}
    defaults: {{tier: 1, urgent: false, forced_close: false, reopened: 0}}
"""


def make_event(number: int, **values: Any) -> dict[str, Any]:
    """A good event of the one registered community."""
    return {
        "id": f"E{number}",
        "community": "410202001001",
        "category": "矛盾",
        "reported": "2024-03-05 08:00:00",
        "due": "2024-03-08",
        "status": "open",
        "updated": "2024-03-06 08:00:00",
        **values,
    }
