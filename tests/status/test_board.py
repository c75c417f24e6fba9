"""The installation at a glance: what stands in the grid, what fails, and what is overdue from which instant on."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from city_runs import CONFIG, MARCH, RUN_AT, Home

from flows.house import House, open_house
from flows.settings import load_settings
from flows.status.board import Board, look_at_installation
from flows.status.due import Due, list_due
from flows.status.grid import Cell, lay_out_grid
from flows.status.text import list_lines, write_markdown

SECOND = timedelta(seconds=1)
# Day 3 of April, 00:00 in the city (policy §1).
CUTOFF = datetime(2024, 4, 2, 16, tzinfo=UTC)


@pytest.fixture
def empty(tmp_path: Path) -> House:
    """An installation in which nothing has run."""
    return open_house(load_settings(tmp_path / "home", CONFIG))


def look(home: Home, now: datetime = RUN_AT, **options: object) -> Board:
    with home.open() as house:
        return look_at_installation(house, now, **options)  # type: ignore[arg-type]


def record(
    house: House, step: str, at: datetime, *, ok: bool = True, month: str | None = None, subject: str | None = None
) -> None:
    house.ledger.record_outcome(
        step=step, month=month, subject=subject, ok=ok, message="" if ok else "x: no answer.", counts={},
        started_at=at, finished_at=at, exit_code=None if ok else 11,
    )  # fmt: skip


def list_kinds(board: Board) -> list[tuple[str, str | None]]:
    return [(due.kind, due.month) for due in list_due(board)]


def note_pull(house: House, at: datetime) -> None:
    house.ledger.begin_pull(
        platform="sheets", resource="staff", table="staff", window=(at - timedelta(days=1), at), started_at=at
    )


def test_a_month_shows_its_sources_its_steps_its_review_and_its_messages(home: Home) -> None:
    board = look(home)
    assert [str(month.month) for month in board.months] == ["2024-03", "2024-02"]
    rows = {row.name: row.cells[0] for row in lay_out_grid(board)}
    assert list(rows) == [
        "comprehensive_governance", "law_enforcement", "public_service", "sheets", "supervision",
        "check_contacts", "data_docs", "evaluate", "open_review", "notify", "publish", "review", "messages",
    ]  # fmt: skip
    sources = [rows[source.platform] for source in board.sources]
    assert [(cell.level, cell.word) for cell in sources] == [("ok", "complete")] * 5
    assert all(cell.counts["received"] > 0 for cell in sources)
    assert (rows["evaluate"].word, rows["evaluate"].at) == ("ok", RUN_AT)
    assert "monthly_cost_fen" not in rows["evaluate"].counts
    # March was never published, February was.
    assert rows["publish"] == Cell("none", "")
    assert (rows["review"].level, rows["review"].word) == ("warn", "open")
    assert rows["messages"].word == "ok"


def test_a_failure_is_told_until_it_is_made_good_by_the_step_itself_or_for_a_source_by_another_pull(
    home: Home,
) -> None:
    with home.open() as house:
        record(house, "publish", RUN_AT, ok=False, month="2024-03")
        record(house, "ingest", RUN_AT, ok=False, month="2024-03", subject="sheets")
        record(house, "compare", RUN_AT, ok=False, month="2024-03")
        record(house, "run", RUN_AT, ok=False, month="2024-03")
        record(house, "report_failure", RUN_AT, ok=False, subject="daily-ingest")
        record(house, "deliver", RUN_AT, ok=False)
    # The sheets of March were read whole; a comparison is looked at by whoever asked for it; a run that another one
    # kept out, and one whose failure could not be told, are over.
    assert [step.step for step in look(home).list_failing()] == ["deliver", "publish"]
    with home.open() as house:
        record(house, "publish", RUN_AT + SECOND, month="2024-03")
        record(house, "deliver", RUN_AT + SECOND)
    assert look(home).list_failing() == []


def test_a_register_that_was_read_does_not_hide_that_the_facts_fail(home: Home) -> None:
    with home.open() as house:
        record(house, "ingest", RUN_AT, ok=False, subject="law_enforcement")
        record(house, "ingest", RUN_AT + SECOND, subject="law_enforcement/grids")
    board = look(home)
    assert [(step.subject, step.failing is not None) for step in board.between if step.step == "ingest"] == [
        ("law_enforcement", True),
        ("law_enforcement/grids", False),
    ]


def test_a_source_that_is_configured_no_more_fails_no_more(empty: House) -> None:
    for subject in ("closed_platform", "closed_platform/grids", "sheets", "sheets/staff"):
        record(empty, "ingest", RUN_AT, ok=False, subject=subject)
    board = look_at_installation(empty, RUN_AT)
    assert [step.subject for step in board.list_failing()] == ["sheets", "sheets/staff"]
    assert [step.subject for step in board.between] == ["sheets", "sheets/staff"]


def test_nothing_is_overdue_but_the_review_right_after_the_month_was_run(home: Home) -> None:
    assert list_kinds(look(home)) == [("review_open", "2024-03"), ("review_open", "2024-02")]


@pytest.mark.parametrize(
    ("now", "told"),
    [(CUTOFF - SECOND, []), (CUTOFF, [("source_incomplete", "2024-03"), ("month_not_judged", "2024-03")])],
    ids=["a second before the cutoff", "at the cutoff"],
)
def test_a_closed_month_is_missed_from_its_cutoff_on(
    empty: House, now: datetime, told: list[tuple[str, str]]
) -> None:
    # The first pull began on 31 March, so the installation had to judge from February on.
    note_pull(empty, datetime(2024, 3, 31, 4, tzinfo=UTC))
    record(empty, "evaluate", now, month="2024-02")
    found = [kind for kind in list_kinds(look_at_installation(empty, now)) if kind[1] == "2024-03"]
    assert found == told


def test_months_from_before_the_installation_are_not_missed_unless_asked_for(empty: House) -> None:
    assert look_at_installation(empty, RUN_AT).months == []
    note_pull(empty, RUN_AT)
    assert [month.month for month in look_at_installation(empty, RUN_AT).months] == [MARCH]
    # The first pull began in April, so March is the first month that was to be judged.
    for month, kinds in ((MARCH.plus(-1), []), (MARCH, ["source_incomplete", "month_not_judged"])):
        board = look_at_installation(empty, RUN_AT, month=month)
        assert [asked.month for asked in board.months] == [month]
        assert [due.kind for due in list_due(board) if due.month == str(month)] == kinds


def test_of_many_months_only_so_many_are_shown_the_newest_first(empty: House) -> None:
    note_pull(empty, datetime(2023, 1, 10, tzinfo=UTC))
    months = [str(month.month) for month in look_at_installation(empty, RUN_AT, month_count=3).months]
    assert months == ["2024-03", "2024-02", "2024-01"]
    assert len(look_at_installation(empty, RUN_AT, month_count=40).months) == 16


@pytest.mark.parametrize(("step", "hours"), [("platform_freshness", 3), ("daily_alerts", 27), ("watch_reviews", 27)])
def test_a_step_that_runs_by_the_clock_is_missed_after_its_interval_and_some_slack(
    empty: House, step: str, hours: int
) -> None:
    record(empty, step, RUN_AT)
    limit = RUN_AT + timedelta(hours=hours)
    assert list_due(look_at_installation(empty, limit)) == []
    assert list_due(look_at_installation(empty, limit + SECOND)) == [Due("step_late", limit, subjects=[step])]


def test_a_month_that_was_judged_without_a_source_is_to_be_judged_again_once_it_is_complete(home: Home) -> None:
    board = look(home, month=MARCH)
    [month] = board.months
    assert month.head is not None
    states = {**month.head.source_states, "sheets": "missing"}
    object.__setattr__(month.head, "source_states", states)
    [again, _] = list_due(board)
    assert (again.kind, again.month, again.subjects) == ("judge_again", "2024-03", ["sheets"])


def test_messages_are_told_when_they_fail_for_good_or_nobody_tries_to_deliver_them_for_a_day(home: Home) -> None:
    with home.open() as house:
        first, second, *_ = house.ledger.outbox.list_messages(month="2024-03")
        house.ledger.outbox.set_status(first.id, "permanent_failure", detail="no")
        house.ledger.outbox.set_status(second.id, "temporary_failure", detail="later")

    def list_told(now: datetime) -> list[str]:
        return [kind for kind, _ in list_kinds(look(home, now)) if kind.startswith("messages")]

    a_day = RUN_AT + timedelta(days=1)
    assert list_told(a_day) == ["messages_failed"]
    assert list_told(a_day + SECOND) == ["messages_wait", "messages_failed"]
    with home.open() as house:
        record(house, "deliver", a_day)
    # Somebody tried: what still waits is held by the city's own rules.
    assert list_told(a_day + SECOND) == ["messages_failed"]


def test_decided_and_approved_proposals_wait_for_their_publication(home: Home) -> None:
    home.decide_open("approve")
    [due] = [due for due in list_due(look(home)) if due.month == "2024-03"]
    assert due.kind == "publication_waits"
    assert due.count is not None
    assert due.count > 0


def test_looking_changes_nothing_and_names_nobody(home: Home) -> None:
    with home.open() as house:
        record(house, "publish", RUN_AT, ok=False, month="2024-03")
        before = house.ledger.list_outcomes()
        board = look_at_installation(house, RUN_AT)
        assert house.ledger.list_outcomes() == before
        with house.view() as view:
            staff = view.table("staff").select("staff_id", "name").distinct().to_pyarrow().to_pylist()
    shown = "\n".join("\t".join(line) for line in list_lines(board)) + write_markdown(board)
    assert "publish" in shown
    assert "failing since 2024-04-05 10:00, once, last ok never" in shown
    people: Sequence[str] = [value for row in staff for value in row.values()]
    assert len(people) > 400
    assert [person for person in people if person in shown] == []
