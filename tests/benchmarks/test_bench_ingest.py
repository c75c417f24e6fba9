"""The ingest benchmark in its short form: everything but the figures, which a test must not judge."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.bare_script import pull_bare
from benchmarks.events_server import PAGE_EVENTS, start_server
from benchmarks.ingest import BARE, DLT, LARGE, OURS, list_contenders, write_table, write_verdicts
from benchmarks.ingest_benchmark import drop_judges, pull_ours
from benchmarks.measure import Figures, run_measured
from flows.ingest.judging import judge

EVENTS = 2 * PAGE_EVENTS


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with start_server() as address:
        yield f"{address}/{EVENTS}"


def test_the_bare_script_writes_every_event_once(url: str, tmp_path: Path) -> None:
    assert pull_bare(url, tmp_path) == EVENTS
    ids = pq.read_table(tmp_path / "events.parquet").column("id").to_pylist()
    assert len(set(ids)) == EVENTS


def test_our_pull_lands_all_but_the_odd_events(url: str, tmp_path: Path) -> None:
    # About two in a thousand are made to break a rule.
    assert EVENTS * 0.99 < pull_ours(url, tmp_path) < EVENTS


def test_without_the_judges_every_event_lands(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "list_checks", judge.list_checks)
    drop_judges()
    assert pull_ours(url, tmp_path) == EVENTS


def test_a_pull_is_measured_in_a_process_of_its_own(url: str) -> None:
    figures = run_measured("bare_script", url.rpartition("/")[0], (PAGE_EVENTS, EVENTS))
    assert figures.result_count == EVENTS
    assert figures.wall_seconds > 0
    assert figures.peak_bytes > 0


def test_the_table_and_the_verdicts_tell_ratios_of_one_round() -> None:
    contenders = list_contenders(300_000, 3_000_000, "python")
    seconds = {BARE: 2.0, OURS: 3.0, LARGE: 30.0, DLT: 90.0}
    # The second round ran on a busier machine: the ratios are the same.
    rounds = [
        {it.name: Figures(seconds.get(it.name, 2.5) * pace, 1.0, it.event_count, 500_000_000) for it in contenders}
        for pace in (1, 2)
    ]
    assert "| our pull | 300,000 | 4.5 (3.0–6.0) | 1.0 | 1.50 | 500 MB |" in write_table(contenders, rounds)
    verdicts = write_verdicts(rounds)
    # 3.0 / 2.0; 3.0 / 2.5 - 1; 500 / 500; 90 / 3.
    for told in ("takes 1.50 times", "cost 0.20 times", "needs 1.00 times", "dlt takes 30.00 times"):
        assert told in verdicts
