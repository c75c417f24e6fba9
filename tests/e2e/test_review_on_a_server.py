"""A month on a real Prefect server: schedule, run, review, event, publication, with nobody touching the server."""

import json
from pathlib import Path

import pytest
from city_runs import MARCH, DemoRun, Home
from prefect.client.schemas.objects import FlowRun
from prefect_server import Installation, start_installation

from flows.review.flow import DECIDED
from flows.review.standing import find_standing

pytestmark = pytest.mark.flow

MONTHLY, PUBLISH = "monthly_assessment/monthly", "publish_month/publish"
REVIEWER = ("--month", "2024-03", "--reviewer", "审核人")
AFTER_SECONDS = 15
"""Until the schedule falls due: the scheduler looks every few seconds, and only ahead."""


def find_ended(installation: Installation, deployment: str) -> FlowRun | None:
    """The deployment's one run, once it has ended."""
    runs = installation.list_runs(deployment)
    assert len(runs) <= 1
    return next((run for run in runs if run.state is not None and run.state.is_final()), None)


def list_review(installation: Installation) -> dict[str, dict[str, str]]:
    """What `fivestar review list` tells of each worker."""
    lines = installation.run("fivestar", "review", "list", "--month", "2024-03").stdout.splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    return {row["staff_id"]: row for row in rows}


def decide_everything(installation: Installation, home: Home) -> None:
    """HR's part: the bulk approved at once, then each of the rest; one is rejected, and last of all."""
    installation.run("fivestar", "review", "approve", "--all", *REVIEWER)
    with home.open() as house:
        assert find_standing(house.ledger, MARCH).state == "open"
        assert house.ledger.register.list_month("2024-03") == []
    assert installation.list_events(DECIDED) == [], "something is still open"
    left = [staff_id for staff_id, row in list_review(installation).items() if row["decision"] == "open"]
    assert len(left) > 1
    chosen = [argument for staff_id in left[1:] for argument in ("--staff", staff_id)]
    installation.run("fivestar", "review", "approve", *chosen, "--comment", "已核对档案", *REVIEWER)
    told = installation.run("fivestar", "review", "reject", "--staff", left[0], "--comment", "材料不全", *REVIEWER)
    assert "The review of 2024-03 is decided. Prefect was told" in told.stderr


def list_words_of_workers(home: Home) -> set[str]:
    """Every staff id and name of the city."""
    with home.open() as house, house.view() as view:
        staff = view.table("staff").select("staff_id", "name").distinct().to_pyarrow()
    return {*staff.column("staff_id").to_pylist(), *staff.column("name").to_pylist()}


def find_words(words: set[str], files: list[Path]) -> list[tuple[str, str]]:
    """Which of the words stand in which files, written as text or as JSON may escape it."""
    contents = {file.name: file.read_bytes() for file in files}
    return [
        (word, name)
        for name, content in contents.items()
        for word in words
        if word.encode() in content or json.dumps(word).strip('"').encode() in content
    ]


def test_a_month_goes_from_its_schedule_to_the_register_with_nobody_touching_the_server(
    march: DemoRun, servers: dict[str, str], tmp_path: Path
) -> None:
    home = march.before.copy(tmp_path)
    settings = {**servers, "FIVESTAR_HOME": str(home.path), "FIVESTAR_CONFIG": str(home.config)}
    with start_installation(tmp_path / "server", settings) as installation:
        installation.schedule_once(MONTHLY, {"month": "2024-03"}, in_seconds=AFTER_SECONDS)
        run = installation.wait_for("the month is judged", lambda: find_ended(installation, MONTHLY))
        assert (run.state_name, run.auto_scheduled) == ("Completed", True), run.state
        decide_everything(installation, home)
        published = installation.wait_for("the month is published", lambda: find_ended(installation, PUBLISH))
        assert published.state_name == "Completed", published.state
        [event] = installation.list_events(DECIDED)
        rows = list_review(installation)
        # Publishing by hand afterwards finds all of it in the register.
        again = installation.run("fivestar", "publish", "--month", "2024-03").stdout

    assert published.parameters == {"month": "2024-03"}
    assert event["resource"]["prefect.resource.id"] == "fivestar.review.2024-03"
    assert set(event["payload"]) == {"month", "revision", "counts"}
    assert (event["payload"]["month"], event["payload"]["revision"]) == ("2024-03", 1)
    assert (event["payload"]["counts"]["rejected"], "proposed" in event["payload"]["counts"]) == (1, False)

    approved = {staff_id: int(row["proposed"]) for staff_id, row in rows.items() if row["decision"] == "approved"}
    assert len(approved) == event["payload"]["counts"]["approved"] > 1
    with home.open() as house:
        lines = house.ledger.register.list_month("2024-03")
        published_outcome, _ = [row for row in house.ledger.list_outcomes("2024-03") if row["step"] == "publish"]
        assert find_standing(house.ledger, MARCH).state == "published"
    assert {line.record.staff_id: line.record.grade for line in lines} == approved
    assert len(lines) == len(approved), "each once"
    assert published_outcome["ok"]
    assert published_outcome["counts"]["entered"] == len(approved)
    assert f"entered in the register: 0\nin the register already: {len(approved)}\n" in again

    words = list_words_of_workers(home)
    assert len(words) > len(rows)
    kept = [file for file in (tmp_path / "server").rglob("*") if file.is_file()]
    assert "prefect.db" in {file.name for file in kept}
    assert find_words({"fivestar.review.2024-03"}, kept), "what is there is found"
    assert find_words(words, kept) == []
