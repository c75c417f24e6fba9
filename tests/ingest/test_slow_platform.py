"""Platforms are pulled side by side: one that takes its time holds up no other."""

from collections.abc import Callable
from threading import Event

import pytest
from ingest_kit import MARCH, NOW, count_rows
from platform_server import Asked, PlatformServer, Reply, make_incidents, write_incident_source

from flows.house import House
from flows.ingest import ingestion
from flows.ingest.describe.source import Source
from flows.ingest.reports import PullReport

PATIENCE_SECONDS = 20.0
"""How long the slow platform waits for the others before it gives up, and the test with it."""


def test_a_slow_platform_does_not_hold_up_the_others(
    house: House, make_source: Callable[[str], Source], platform: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a_slow", "b_quick", "c_quick", "d_quick"]
    sources = [
        make_source(write_incident_source(f"request: {{path: /{name}}}").replace("test_platform", name))
        for name in names
    ]
    quick_done, finished = Event(), []
    pull_source = ingestion.pull_source

    def note_end(house_: House, source: Source, **options: object) -> PullReport:
        report = pull_source(house_, source, **options)  # type: ignore[arg-type]
        finished.append(source.platform)
        if len(finished) == len(names) - 1:
            quick_done.set()
        return report

    def answer(asked: Asked) -> Reply:
        number = next(place for place, name in enumerate(names) if asked.path == f"/{name}")
        # The slow one answers only when all others have ended: were it waited for, it would answer 500.
        if number == 0 and not quick_done.wait(PATIENCE_SECONDS):
            return Reply({}, 500)
        return Reply({"items": make_incidents(2, 10 * number)})

    monkeypatch.setattr(ingestion, "pull_source", note_end)
    platform.answer = answer
    reports = ingestion.ingest_sources(house, sources, MARCH, lambda: NOW)
    assert [report.error for report in reports] == [None] * 4
    assert finished[-1] == "a_slow"
    assert sorted(finished[:-1]) == names[1:]
    assert count_rows(house, "incidents") == 8
