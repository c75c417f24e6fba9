"""The status as a page and as metrics: nothing breaks out of either, and the page needs nothing but itself."""

import re
from datetime import timedelta
from pathlib import Path

from city_runs import RUN_AT, Home

import flows
from flows.status.board import Board, look_at_installation
from flows.status.metrics import write_metrics
from flows.status.page import write_page, write_status_files
from flows.status.words import STEP_TITLES

HOSTILE = '<script>alert("x")</script>\nmonth\\"}'
SAMPLE = re.compile(r'(fivestar_[a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?\d+(?:\.\d+)?)')


def look(home: Home) -> Board:
    """March's installation, in which one step fails with a message and on a subject that mean harm."""
    with home.open() as house:
        house.ledger.record_outcome(
            step="ingest", month=None, subject=f"sheets/{HOSTILE}", ok=False, message=HOSTILE, counts={},
            started_at=RUN_AT, finished_at=RUN_AT, exit_code=11,
        )  # fmt: skip
        return look_at_installation(house, RUN_AT + timedelta(hours=2))


def test_the_page_says_since_when_what_fails_and_needs_no_network_and_no_script(home: Home) -> None:
    page = write_page(look(home))
    assert "1 个步骤失败" in page
    assert "自 2024-04-05 10:00 起失败（2 小时），共 1 次；上次正常：从未" in page
    assert "2024-03：" in page
    assert "综合治理平台" in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#34;x&#34;)" in page
    assert not re.search(r"https?://|<link|<img|url\(", page)
    assert "prefers-color-scheme: dark" in page


def test_every_step_that_the_program_notes_has_a_title_for_its_readers() -> None:
    sources = [file.read_text(encoding="utf-8") for file in Path(flows.__path__[0]).rglob("*.py")]
    noted = {step for text in sources for step in re.findall(r'(?:record_step|hold_month)\([^"()]*"(\w+)"', text)}
    assert {"ingest", "run", "retention", "restore"} <= noted
    assert noted - set(STEP_TITLES) == set()


def test_the_page_of_an_installation_in_which_nothing_ran_says_so(home: Home) -> None:
    with Home(home.path.parent / "fresh", home.config).open() as house:
        page = write_page(look_at_installation(house, RUN_AT))
    assert "各步骤正常，没有逾期事项" in page
    assert "还没有读取过数据" in page


def test_every_metric_is_explained_and_every_line_is_a_sample(home: Home) -> None:
    text = write_metrics(look(home))
    assert text.endswith("\n")
    explained: set[str] = set()
    values: dict[tuple[str, str], str] = {}
    for line in text.splitlines():
        comment = re.fullmatch(r"# (HELP|TYPE) (\w+) (.+)", line)
        if comment:
            explained |= {comment[2]} if comment[1] == "TYPE" and comment[3] == "gauge" else set()
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] in explained
        assert (sample[1], sample[2] or "") not in values
        values[sample[1], sample[2] or ""] = sample[3]
    assert values["fivestar_failing_steps", ""] == "1"
    assert values["fivestar_month_judged", 'month="2024-03"'] == "1"
    assert values["fivestar_source_complete", 'month="2024-03",source="sheets"'] == "1"
    evaluated = values["fivestar_step_last_success_timestamp_seconds", 'step="evaluate",month="2024-03",subject=""']
    assert float(evaluated) == RUN_AT.timestamp()
    assert values["fivestar_outbox_waiting_messages", ""] == "0"
    assert int(values["fivestar_disk_free_bytes", ""]) > 0
    assert int(values["fivestar_review_open_proposals", 'month="2024-03"']) > 0


def test_both_files_are_put_in_place_whole_and_written_over(home: Home) -> None:
    board = look(home)
    page = write_status_files(home.path, board)
    assert page == home.path / "status" / "index.html"
    before = page.read_bytes()
    assert write_status_files(home.path, board).read_bytes() == before
    assert sorted(file.name for file in Path(page.parent).iterdir()) == ["index.html", "metrics.prom"]
