"""`prefect.yaml` deploys flows that exist, with parameters that they take, after the month's cutoff."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.events import DeploymentEventTrigger
from prefect.events.schemas.automations import Posture
from ruamel.yaml import YAML

from flows.monthly import publish_approved
from flows.policy import load_policy
from flows.review.flow import DECIDED

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = YAML(typ="safe").load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS: list[dict[str, Any]] = PROJECT["deployments"]


def find_deployment(name: str) -> dict[str, Any]:
    return next(deployment for deployment in DEPLOYMENTS if deployment["name"] == name)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_an_entrypoint_is_a_flow_of_a_module_and_takes_the_parameters(deployment: dict[str, Any]) -> None:
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert isinstance(flow, Flow)
    assert set(deployment.get("parameters", {})) <= set(inspect.signature(flow.fn).parameters)
    assert deployment["work_pool"]["name"] == "fivestar"


def test_no_two_deployments_share_a_name() -> None:
    names = [deployment["name"] for deployment in DEPLOYMENTS]
    assert len(names) == len(set(names))


def test_every_source_has_a_deployment() -> None:
    deployed = [deployment["parameters"]["platform"] for deployment in DEPLOYMENTS if "ingest" in deployment["tags"]]
    assert sorted(deployed) == sorted(file.stem for file in (ROOT / "config" / "platforms").glob("*.yaml"))


def test_every_schedule_goes_by_the_citys_clock() -> None:
    schedules = [schedule for deployment in DEPLOYMENTS for schedule in deployment.get("schedules", [])]
    assert schedules
    assert {schedule["timezone"] for schedule in schedules} == {"Asia/Shanghai"}


def test_the_month_is_run_after_its_cutoff() -> None:
    # The newest policy's cutoff is day 3, 00:00, of the month after (policy §1).
    [*_, newest] = load_policy(ROOT / "config" / "policy").leaves["five_star.cutoff_day"].entries
    [schedule] = find_deployment("monthly")["schedules"]
    minute, hour, day, month, weekday = schedule["cron"].split()
    assert (int(day), int(hour), int(minute)) > (newest.value, 0, 0)
    assert (month, weekday) == ("*", "*")


def test_platforms_are_read_every_hour_and_not_two_at_the_same_minute() -> None:
    crons = [
        deployment["schedules"][0]["cron"].split()
        for deployment in DEPLOYMENTS
        if "ingest" in deployment["tags"] and deployment["name"] != "ingest-sheets"
    ]
    assert [cron[1:] for cron in crons] == [["*"] * 4] * 4
    assert len({cron[0] for cron in crons}) == 4


def test_publishing_is_started_by_a_decided_review_and_by_no_schedule() -> None:
    publish = find_deployment("publish")
    assert "schedules" not in publish
    [written] = publish["triggers"]
    trigger = DeploymentEventTrigger.model_validate(written)
    assert trigger.enabled
    assert trigger.expect == {DECIDED}
    # Every single event starts a publication.
    assert (trigger.posture, trigger.threshold, trigger.after) == (Posture.Reactive, 1, set())
    assert trigger.match.matches({"prefect.resource.id": "fivestar.review.2024-03"})
    assert not trigger.match.matches({"prefect.resource.id": "prefect.flow-run.1"})
    assert trigger.parameters == {"month": "{{ event.payload.month }}"}
    assert set(trigger.parameters) <= set(inspect.signature(publish_approved.fn).parameters)


def test_reviews_are_watched_every_morning_and_days_off_are_left_to_the_citys_calendar() -> None:
    [schedule] = find_deployment("review-watch")["schedules"]
    assert schedule["cron"] == "30 8 * * *"


def test_runs_start_in_the_checkout() -> None:
    [step] = PROJECT["pull"]
    assert step == {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $FIVESTAR_CHECKOUT }}"}}
