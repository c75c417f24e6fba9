"""A month on a real Prefect server: schedule, run, review, event, publication, with nobody touching the server."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from city_runs import MARCH, DemoRun, Home
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import PrefectHTTPStatusError
from prefect_server import ROOT, Installation, start_installation
from ruamel.yaml import YAML

from flows.review.flow import DECIDED
from flows.review.standing import find_standing
from flows.server.processes import identify_process

pytestmark = pytest.mark.flow

MONTHLY, PUBLISH = "monthly_assessment/monthly", "publish_month/publish"
REVIEWER = ("--month", "2024-03", "--reviewer", "审核人")
PROJECT: dict[str, Any] = YAML(typ="safe").load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
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


@dataclass(frozen=True)
class City:
    """An installation just before March's cycle that `fivestar up` has brought up, and what it was given then."""

    home: Home
    installation: Installation
    deployments: dict[str, DeploymentResponse]


@pytest.fixture(scope="module")
def city(march: DemoRun, servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    home = march.before.copy(tmp_path_factory.mktemp("city"))
    with start_installation(home, servers) as installation:
        deployments = {it.name: it for it in installation.client.read_deployments()}
        installation.stop_schedules()
        yield City(home, installation, deployments)


def read_slots(client: SyncPrefectClient) -> dict[str, tuple[int, int]]:
    """Each global limit that a source's pulls take turns by: its size, and how much of it is taken."""
    limits = client.read_global_concurrency_limits(limit=100)
    return {it.name: (it.limit, it.active_slots) for it in limits if it.name.startswith("fivestar-platform-")}


def pause(city: City, *, is_paused: bool) -> None:
    city.installation.client.update_work_pool("fivestar", WorkPoolUpdate(is_paused=is_paused))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_up_deploys_all_with_schedules_and_limits_and_a_worker_is_there(city: City) -> None:
    assert set(city.deployments) == {deployment["name"] for deployment in PROJECT["deployments"]}
    monthly = city.deployments["monthly"]
    [schedule] = [each.schedule for each in monthly.schedules]
    assert (schedule.cron, schedule.timezone) == ("30 2 3 * *", "Asia/Shanghai")
    assert monthly.global_concurrency_limit is not None
    assert monthly.global_concurrency_limit.limit == 1
    assert monthly.enforce_parameter_schema
    client = city.installation.client
    assert {name: limit for name, (limit, _) in read_slots(client).items()} == {
        f"fivestar-platform-{file.stem}": 1 for file in (city.home.config / "platforms").glob("*.yaml")
    }
    assert client.read_work_pool("fivestar").type == "process"
    assert "ONLINE" in {worker.status.value for worker in client.read_workers_for_work_pool("fivestar")}


def test_up_again_changes_nothing(city: City) -> None:
    before = {file.name: file.read_bytes() for file in city.installation.folder.glob("*.json")}
    assert set(before) == {"server.json", "worker.json"}
    # As a `down` that was killed while it waited would leave it.
    pause(city, is_paused=True)
    (city.installation.folder / "draining").touch()
    told = city.installation.run("fivestar", "up").stdout
    assert f"server: runs on port {city.installation.port}\n" in told
    assert "work pool fivestar: is there\n" in told
    assert "limits, one a source: 0 made, 5 there\n" in told
    assert "deployments of prefect.yaml: unchanged, version " in told
    assert "worker: runs\n" in told
    assert {file.name: file.read_bytes() for file in city.installation.folder.glob("*.json")} == before
    assert not city.installation.client.read_work_pool("fivestar").is_paused


def test_a_month_that_cannot_be_meant_is_refused_before_a_run_is_made(city: City) -> None:
    client = city.installation.client
    found = client.read_deployment_by_name(MONTHLY)
    with pytest.raises(PrefectHTTPStatusError) as refused:
        client.create_flow_run_from_deployment(found.id, parameters={"month": "2024-13"})
    assert refused.value.response.status_code == 409
    assert "Validation failed for field 'month'" in refused.value.response.text


def test_down_leaves_no_process_and_what_a_killed_run_held_is_free_again_some_time_after_the_next_up(
    city: City,
) -> None:
    client, folder = city.installation.client, city.installation.folder
    held = "fivestar-platform-supervision"
    # A run took its turn and is gone without a word.
    client.increment_concurrency_slots_with_lease([held], slots=1, mode="concurrency", lease_duration=3600)
    pids = [orjson.loads((folder / name).read_bytes())["pid"] for name in ("server.json", "worker.json")]

    pause(city, is_paused=True)
    told = city.installation.run("fivestar", "down").stdout
    assert told.splitlines()[-2:] == ["worker: ended", "server: ended"]
    assert [pid for pid in pids if identify_process(pid)] == []
    assert is_free(city.installation.port)
    assert list(folder.glob("*.json")) == []
    assert city.installation.run("fivestar", "down").stdout == "nothing runs\n"

    told = city.installation.run("fivestar", "up", "--port", str(city.installation.port)).stdout
    assert "server: started" in told
    assert "deployments of prefect.yaml: unchanged" in told
    assert "the work pool fivestar is paused, so nothing runs" in told, "a person had paused it"
    pause(city, is_paused=False)
    assert read_slots(client)[held] == (1, 1), "the server remembers who holds it"
    let_leases_expire(folder / "concurrency_leases")
    city.installation.wait_for("it is free", lambda: read_slots(client)[held] == (1, 0) or None)


def let_leases_expire(folder: Path) -> None:
    """As if a minute had passed since their holders last said that they live."""
    past = "2024-01-01T00:00:00+00:00"
    index = folder / "expirations.json"
    leases = orjson.loads(index.read_bytes())
    assert leases
    for lease in leases:
        file = folder / f"{lease}.json"
        file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | {"expiration": past}))
    index.write_bytes(orjson.dumps(dict.fromkeys(leases, past)))


def test_a_month_goes_from_its_schedule_to_the_register_with_nobody_touching_the_server(city: City) -> None:
    home, installation = city.home, city.installation
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
    kept = [file for file in installation.folder.rglob("*") if file.is_file()]
    assert {"prefect.db", "server.log", "worker.log"} <= {file.name for file in kept}
    assert find_words({"fivestar.review.2024-03"}, kept), "what is there is found"
    assert find_words(words, kept) == []
