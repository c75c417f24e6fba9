"""Engineers hear of a run that failed on a real Prefect server, whatever became of its process."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from city_runs import Home
from prefect.client.schemas.objects import FlowRun
from prefect_server import Installation, start_server

from flows.ledger.outbox import OutboxRow

pytestmark = pytest.mark.flow

LOST_AFTER_SECONDS = 20
"""In place of the minutes of prefect.yaml, so that the test is short."""


@contextmanager
def listen_and_never_answer() -> Iterator[str]:
    """The address of a platform that takes connections and says nothing: whoever pulls it waits."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def start(installation: Installation, name: str, platform: str) -> FlowRun:
    found = installation.client.read_deployment_by_name(f"ingest_platform/{name}")
    return installation.client.create_flow_run_from_deployment(found.id, parameters={"platform": platform})


def find_state(installation: Installation, run: FlowRun, name: str) -> FlowRun | None:
    now = installation.client.read_flow_run(run.id)
    return now if now.state_name == name else None


def find_alarm(home: Home, deployment: str) -> OutboxRow | None:
    with home.open() as house:
        rows = house.ledger.outbox.list_messages()
    found = [row for row in rows if row.message == "run_failure" and row.key.endswith(f":{deployment}")]
    assert len(found) <= 1, "once a deployment and day"
    return found[0] if found else None


def wait_until_it_runs(installation: Installation, run: FlowRun) -> list[int]:
    """The run's processes, once it waits for the platform that never answers."""
    installation.wait_for("the run runs", lambda: find_state(installation, run, "Running"))
    return installation.wait_for("its process", lambda: installation.find_processes(run) or None)


def hasten_the_end_of_what_is_lost(installation: Installation) -> None:
    answer = installation.client.request("POST", "/automations/filter", json={})
    answer.raise_for_status()
    [found] = [each for each in answer.json() if each["name"] == "fivestar-end-what-is-lost"]
    found["trigger"]["within"] = LOST_AFTER_SECONDS
    kept = {name: found[name] for name in ("name", "description", "enabled", "trigger", "actions")}
    installation.client.request("PUT", f"/automations/{found['id']}", json=kept).raise_for_status()


def test_a_run_that_fails_or_is_killed_with_or_without_its_worker_is_told_of_once(home: Home) -> None:
    with listen_and_never_answer() as url:
        settings = {
            "LAW_ENFORCEMENT_URL": url,
            "LAW_ENFORCEMENT_USERNAME": "somebody",
            "LAW_ENFORCEMENT_PASSWORD": "something",
        }
        with start_server(home, settings) as installation:
            with installation.start_worker() as worker:
                # Failed by an error of its own, and again: told of once.
                for _ in range(2):
                    run = start(installation, "ingest-supervision", "nowhere")
                    installation.wait_for("it fails", lambda run=run: find_state(installation, run, "Failed"))
                failed = installation.wait_for("the alarm", lambda: find_alarm(home, "ingest-supervision"))
                # Its process killed, as a machine short of memory does: the worker sees it.
                run = start(installation, "ingest-law-enforcement", "law_enforcement")
                for process in wait_until_it_runs(installation, run):
                    os.kill(process, signal.SIGKILL)
                killed = installation.wait_for("the alarm", lambda: find_alarm(home, "ingest-law-enforcement"))
                # The worker killed, too: nobody is left to see it but the server.
                hasten_the_end_of_what_is_lost(installation)
                run = start(installation, "ingest-sheets", "law_enforcement")
                processes = wait_until_it_runs(installation, run)
                worker.kill()
                for process in processes:
                    os.kill(process, signal.SIGKILL)
            with installation.start_worker():
                lost = installation.wait_for("the alarm", lambda: find_alarm(home, "ingest-sheets"))
                assert find_state(installation, run, "Crashed"), "so that it doesn't hold up the next one"
                reports = installation.wait_for("both reports", lambda: list_reports(installation, run))

    assert "结果：失败" in failed.body
    assert "there is no source 'nowhere' in config/platforms" in failed.body
    assert "结果：进程意外中止" in killed.body
    assert "结果：进程意外中止" in lost.body
    assert "No sign of life" in lost.body
    assert {(row.unit_code, row.role, row.status) for row in (failed, killed, lost)} == {
        ("city", "engineer", "queued")
    }
    assert {report.state_name for report in reports} == {"Completed"}


def list_reports(installation: Installation, run: FlowRun) -> list[FlowRun] | None:
    """The reports of the lost run once both have ended: the one that ended it, and the one that this started."""
    reports = installation.list_runs("report_failed_run/report-failed-run")
    of_run = [report for report in reports if report.parameters["run"] == f"prefect.flow-run.{run.id}"]
    ended = all(report.state is not None and report.state.is_final() for report in of_run)
    return of_run if len(of_run) > 1 and ended else None
