"""`prefect.yaml` deploys flows that exist, with parameters that they take, after the month's cutoff."""

import importlib
import inspect
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.events import DeploymentEventTrigger
from prefect.events.schemas.automations import Posture
from prefect.settings.models.server.services import ServerServicesDBVacuumSettings
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate
from ruamel.yaml import YAML

from flows.logs import PACKAGE
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


def list_triggers(name: str) -> dict[str, DeploymentEventTrigger]:
    return {it["name"]: DeploymentEventTrigger.model_validate(it) for it in find_deployment(name)["triggers"]}


def describe_tags(name: str) -> list[dict[str, str]]:
    """What an event of a run of the deployment says of its tags."""
    tags = find_deployment(name)["tags"]
    return [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in tags]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_engineers_hear_of_every_failed_run_but_that_of_the_report_itself(deployment: dict[str, Any]) -> None:
    for trigger in list_triggers("report-failed-run").values():
        assert trigger.match.matches({"prefect.resource.id": "prefect.flow-run.1"})
        heard = any(trigger.match_related.matches(tag) for tag in describe_tags(deployment["name"]))
        assert heard is (deployment["name"] != "report-failed-run")
        assert trigger.parameters == {"run": "{{ event.resource.id }}"}


def test_a_failed_run_is_reported_at_once_and_a_lost_one_when_it_misses_several_heartbeats() -> None:
    triggers = list_triggers("report-failed-run")
    failed, lost = triggers["fivestar-report-what-failed"], triggers["fivestar-end-what-is-lost"]
    assert (failed.posture, failed.threshold) == (Posture.Reactive, 1)
    assert failed.expect == {f"prefect.flow-run.{name}" for name in ("Failed", "Crashed", "TimedOut")}
    assert (lost.posture, lost.threshold) == (Posture.Proactive, 1)
    # Each run on its own; what begins the waiting also begins it anew, and whatever ends a run ends the waiting.
    assert lost.for_each == {"prefect.resource.id"}
    assert lost.after < lost.expect
    assert failed.expect < lost.expect
    every = int(find_deployment("monthly")["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    assert lost.within.total_seconds() >= 3 * every


@pytest.mark.parametrize(
    ("name", "cron"),
    [
        ("daily-alerts", "30 7 * * *"),
        ("deliver-messages", "*/5 * * * *"),
        ("platform-freshness", "50 * * * *"),
        ("status-page", "55 * * * *"),
    ],
)
def test_what_runs_between_two_months_is_on_time_and_never_twice_at_once(name: str, cron: str) -> None:
    deployment = find_deployment(name)
    assert [schedule["cron"] for schedule in deployment["schedules"]] == [cron]
    limit = deployment["concurrency_limit"]
    assert (limit["limit"] if isinstance(limit, dict) else limit) == 1
    assert "Owner: " in deployment["description"]
    assert "On failure: " in deployment["description"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_what_steps_say_of_themselves_reaches_the_log_of_every_run(deployment: dict[str, Any]) -> None:
    env = deployment["work_pool"]["job_variables"]["env"]
    assert env["PREFECT_LOGGING_EXTRA_LOGGERS"] == PACKAGE


def test_runs_start_in_the_checkout() -> None:
    [step] = PROJECT["pull"]
    assert step == {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $FIVESTAR_CHECKOUT }}"}}


def describe_parameters(deployment: dict[str, Any]) -> dict[str, Any]:
    """The schema of the form in which a person gives the deployment's parameters."""
    module, _, name = deployment["entrypoint"].rpartition(".")
    return parameter_schema(getattr(importlib.import_module(module), name)).model_dump()


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_a_deployment_says_who_owns_it_and_what_to_do_and_explains_its_form(deployment: dict[str, Any]) -> None:
    assert "Owner: " in deployment["description"]
    assert "On failure: " in deployment["description"]
    assert deployment["tags"]
    # By it `fivestar up` knows what is deployed.
    assert deployment["version"] == "{{ $FIVESTAR_VERSION }}"
    undescribed = [
        name for name, told in describe_parameters(deployment)["properties"].items() if not told.get("description")
    ]
    assert undescribed == []


def is_refused(deployment: str, parameters: dict[str, str]) -> bool:
    try:
        validate(parameters, describe_parameters(find_deployment(deployment)), raise_on_error=True)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    "month", ["2024-00", "2024-13", "2024-3", "24-03", "2024/03", "2024-03-01", " 2024-03", "三月"]
)
def test_a_form_refuses_what_is_no_month(month: str) -> None:
    assert is_refused("monthly", {"month": month})
    assert is_refused("publish", {"month": month})
    assert is_refused("ingest-supervision", {"platform": "supervision", "month": month})


def test_a_form_takes_a_month_and_left_empty_it_is_the_last_closed_one_but_for_publishing() -> None:
    for month in ("2024-01", "2024-12"):
        assert not is_refused("monthly", {"month": month})
        assert not is_refused("publish", {"month": month})
    assert not is_refused("monthly", {"month": ""})
    assert not is_refused("monthly", {})
    assert describe_parameters(find_deployment("monthly"))["properties"]["month"]["default"] == ""
    assert is_refused("publish", {"month": ""})
    assert is_refused("publish", {})


def test_ended_runs_are_purged_after_six_months_and_slots_outlive_a_restart_of_the_server() -> None:
    server = tomllib.loads((ROOT / "prefect.toml").read_text(encoding="utf-8"))["server"]
    purge = ServerServicesDBVacuumSettings(**server["services"]["db_vacuum"])
    assert "flow_runs" in purge.enabled_vacuum_types
    # The longest six months there are, March to August or July to December.
    assert purge.retention_period == timedelta(days=184)
    assert server["concurrency"]["lease_storage"].endswith(".filesystem")
    assert server["analytics_enabled"] is False
