"""The month as a Prefect flow: the same results as the plain run, and what Prefect shows of it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from city_runs import MARCH, DemoRun, Home, digest_tree, read_csv, set_environment
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.objects import Artifact, FlowRun, State, TaskRun
from prefect_store import log_everything, read_database

from flows import monthly
from flows.errors import ContractBroken, SourceUnavailable, UsageError
from flows.ingest.flow import PULL_RETRIES, ingest_platform, name_limit, pull_source_task, take_turn
from flows.ledger import PullRecord
from flows.locks import hold_file
from flows.month import find_last_closed_month

pytestmark = pytest.mark.flow

LOG = "everything.log"
CLOSED_PORT = "http://127.0.0.1:9"


@dataclass(frozen=True)
class FlowOutcome:
    """A flow run as Prefect remembers it."""

    home: Home
    state: State[None]
    run: FlowRun
    tasks: list[TaskRun]
    artifacts: dict[str, Artifact]
    log: Path = Path()
    """All that was logged meanwhile, at every level."""


@pytest.fixture(scope="module")
def flow_run(
    engine: None, march: DemoRun, servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> FlowOutcome:
    """March run by `monthly_assessment`, from where the demo's plain run began, and a failed run; all is logged."""
    folder = tmp_path_factory.mktemp("flow")
    home = march.before.copy(folder)
    log = folder / LOG
    with set_environment(servers), log_everything(log):
        outcome = run_monthly(home)
        broken = home.copy(folder / "broken")
        break_contract(broken)
        ingest_platform("law_enforcement", "2024-03", str(broken.path), str(broken.config), return_state=True)
    return replace(outcome, log=log)


def break_contract(home: Home) -> None:
    """Let a mapped field of a platform be in none of its records."""
    file = home.config / "platforms" / "law_enforcement.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("event_id: ajbh", "event_id: ajbhh"), encoding="utf-8")


def run_monthly(home: Home) -> FlowOutcome:
    state = monthly.monthly_assessment("2024-03", home=str(home.path), config=str(home.config), return_state=True)
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
        tasks = [task for task in client.read_task_runs() if task.flow_run_id == run.id]
        artifacts = {found.key: found for found in client.read_artifacts() if found.flow_run_id == run.id}
    return FlowOutcome(home, state, run, tasks, artifacts)


def is_of_march(pull: PullRecord) -> bool:
    return pull.window_from_at == MARCH.starts_at


def test_the_flow_completes_under_a_name_that_tells_the_month(flow_run: FlowOutcome) -> None:
    assert flow_run.state.is_completed()
    assert flow_run.run.name == "monthly_assessment 2024-03"


def test_the_flow_writes_the_very_files_of_the_plain_run(flow_run: FlowOutcome, march: DemoRun) -> None:
    plain, flow = (
        orjson.loads((home.march / "run.json").read_bytes())["digests"] for home in (march.home, flow_run.home)
    )
    assert len(flow) == 8
    assert flow == plain


def test_each_task_is_named_for_who_watches_and_asks_for_no_slot_of_a_tag(flow_run: FlowOutcome) -> None:
    assert sorted(task.name for task in flow_run.tasks) == [
        "data docs 2024-03",
        "evaluate 2024-03",
        "pull comprehensive_governance 2024-03 communities",
        "pull comprehensive_governance 2024-03 facts",
        "pull comprehensive_governance 2024-03 grids",
        "pull law_enforcement 2024-03 facts",
        "pull public_service 2024-03 facts",
        "pull sheets 2024-03 facts",
        "pull supervision 2024-03 facts",
        "queue messages 2024-03",
    ]
    assert not any(task.tags for task in flow_run.tasks)
    assert {task.state_name for task in flow_run.tasks} == {"Completed"}


def test_the_run_shows_what_was_pulled_rejected_lit_and_proposed(flow_run: FlowOutcome, march: DemoRun) -> None:
    facts = ("comprehensive-governance", "law-enforcement", "public-service", "sheets", "supervision")
    shown = {f"pulled-{name}-2024-03-facts" for name in facts}
    shown |= {f"pulled-comprehensive-governance-2024-03-{part}" for part in ("communities", "grids")}
    shown |= {"stars-2024-03", "proposals-2024-03"}
    rejecting = {"comprehensive-governance", "law-enforcement", "public-service"}
    shown |= {f"quality-{name}-2024-03-facts" for name in rejecting}
    assert set(flow_run.artifacts) == shown
    stars = Counter(int(row["stars"]) for row in read_csv(march.home.march / "ratings.csv"))
    assert json.loads(flow_run.artifacts["stars-2024-03"].data) == [
        {"stars": count, "communities": stars[count]} for count in sorted(stars, reverse=True)
    ]
    kinds = Counter(row["kind"] for row in read_csv(march.home.march / "grades.csv"))
    proposals = flow_run.artifacts["proposals-2024-03"].data
    assert all(f"| {kind} | {count} |" in proposals for kind, count in kinds.items())


def list_forbidden(march: DemoRun, servers: dict[str, str]) -> set[str]:
    """What nobody may find anywhere: workers' and contacts' names, numbers and addresses, and platforms' secrets."""
    with march.home.open() as house, house.view() as view:
        staff = view.table("staff").select("staff_id", "name").distinct().to_pyarrow().to_pylist()
        contacts = view.table("contacts").select("name", "address").distinct().to_pyarrow().to_pylist()
    people = {value for row in (*staff, *contacts) for value in row.values() if value}
    secrets = {value for name, value in servers.items() if name.endswith(("TOKEN", "PASSWORD", "API_KEY", "SECRET"))}
    assert len(people) > 500
    assert len(secrets) == 4
    return people | secrets


def find_leaks(texts: Mapping[str, str], forbidden: set[str]) -> set[tuple[str, str]]:
    return {(name, word) for name, text in texts.items() for word in forbidden if word in text}


def test_neither_prefects_database_nor_any_log_holds_a_worker_a_contact_or_a_secret(
    flow_run: FlowOutcome, march: DemoRun, servers: dict[str, str]
) -> None:
    database = read_database("evaluate 2024-03 ok after", "ContractBroken", "prefect.flow-run.Failed")
    texts = {**database, LOG: flow_run.log.read_text(encoding="utf-8")}
    forbidden = list_forbidden(march, servers)
    assert find_leaks(texts, forbidden) == set()
    # The search finds what is there: a month, a source, counts, and a name put in.
    assert {LOG, "log", "flow_run", "task_run", "artifact"} <= {name for name, _ in find_leaks(texts, {"2024-03"})}
    assert "ingest 2024-03 law_enforcement ok after" in database["log"]
    assert "comprehensive_governance" in database["flow_run_state"] + database["artifact"]
    name = min(forbidden)
    assert find_leaks({**texts, LOG: f"{texts[LOG]}{name}"}, forbidden) == {(LOG, name)}
    # No result lies in a storage beside the database.
    assert "storage_key" not in database["flow_run_state"] + database["task_run_state"]


def test_the_flow_run_again_keeps_the_revision_and_every_byte(flow_run: FlowOutcome, tmp_path: Path) -> None:
    home = flow_run.home.copy(tmp_path)
    before = digest_tree(home.path / "outputs")
    state = monthly.monthly_assessment(
        "2024-03", offline=True, home=str(home.path), config=str(home.config), return_state=True
    )
    assert state.is_completed()
    assert digest_tree(home.path / "outputs") == before


def test_a_month_that_another_run_works_on_fails_the_flow_and_says_who_has_it(
    flow_run: FlowOutcome, tmp_path: Path
) -> None:
    home = flow_run.home.copy(tmp_path)
    before = digest_tree(home.path / "outputs")
    with hold_file(home.path / "locks" / "2024-03.lock", "held", "evaluate 7@elsewhere"):
        state = monthly.monthly_assessment(
            "2024-03", offline=True, home=str(home.path), config=str(home.config), return_state=True
        )
    assert state.is_failed()
    with pytest.raises(SourceUnavailable, match=r"another run is working on this month.* evaluate 7@elsewhere"):
        state.result()
    assert digest_tree(home.path / "outputs") == before


def test_an_unreachable_platform_is_tried_again_and_fails_the_run_once_everything_is_written(
    engine: None, home_before: Home, platforms: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.ingest.connect.rest.BACKOFF_SECONDS", 0.0)
    hurried = pull_source_task.with_options(retry_delay_seconds=0, retry_jitter_factor=0)
    monkeypatch.setattr(monthly, "pull_source_task", hurried)
    with set_environment({"LAW_ENFORCEMENT_URL": CLOSED_PORT}):
        outcome = run_monthly(home_before)
    assert outcome.state.is_failed()
    assert str(outcome.state.result(raise_on_failure=False)) == (
        "law_enforcement: /api/aj/list cannot be reached, 5 times in a row. Try again later."
    )
    with home_before.open() as house:
        pulls = [pull.status for pull in house.ledger.list_pulls("law_enforcement") if is_of_march(pull)]
    assert pulls == ["unavailable"] * (1 + PULL_RETRIES)
    stars = read_csv(home_before.march / "stars.csv")
    needing = {row["star"] for row in stars if "source_missing:law_enforcement" in row["reasons"]}
    assert needing == {"co_building", "enterprise"}


def test_where_nothing_can_be_judged_the_run_tells_the_failed_sources_first(
    engine: None, home_before: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [SourceUnavailable("supervision: cannot be reached."), SourceUnavailable("sheets: not there.")]
    monkeypatch.setattr(monthly, "ingest_month", lambda *_: failures)
    outcome = run_monthly(Home(tmp_path / "empty", home_before.config))
    error = outcome.state.result(raise_on_failure=False)
    assert isinstance(error, SourceUnavailable)
    lines = str(error).splitlines()
    assert lines[:2] == ["supervision: cannot be reached.", "sheets: not there."]
    assert lines[2].startswith("2024-03: no community is registered on 2024-03-31")
    assert not (tmp_path / "empty" / "outputs").exists()


def test_a_broken_contract_is_not_tried_again(engine: None, home_before: Home, platforms: dict[str, str]) -> None:
    break_contract(home_before)
    state = ingest_platform(
        "law_enforcement", "2024-03", str(home_before.path), str(home_before.config), return_state=True
    )
    assert isinstance(state.result(raise_on_failure=False), ContractBroken)
    with home_before.open() as house:
        pulls = [pull.status for pull in house.ledger.list_pulls("law_enforcement") if is_of_march(pull)]
    assert pulls == ["broken"]


def test_the_last_closed_month_is_that_of_the_city(engine: None) -> None:
    # 2024-03-31 15:59 UTC is 23:59 in the city; a minute later it is April there.
    assert str(find_last_closed_month(datetime(2024, 3, 31, 15, 59, tzinfo=UTC))) == "2024-02"
    assert str(find_last_closed_month(datetime(2024, 3, 31, 16, 0, tzinfo=UTC))) == "2024-03"


def test_a_source_pulled_by_flow_without_a_month_goes_on_from_where_it_was_read_to(
    engine: None, home: Home, platforms: dict[str, str]
) -> None:
    state = ingest_platform("supervision", home=str(home.path), config=str(home.config), return_state=True)
    assert state.is_completed()
    with home.open() as house:
        before, latest = house.ledger.list_pulls("supervision", "checks")[-2:]
    assert latest.status == "complete"
    assert latest.window_from_at == before.newest_at
    assert latest.window_to_at > before.window_to_at


def test_a_month_that_cannot_be_meant_ends_the_run_with_our_message(engine: None, home_before: Home) -> None:
    state = monthly.monthly_assessment(
        "2024-13", home=str(home_before.path), config=str(home_before.config), return_state=True
    )
    error = state.result(raise_on_failure=False)
    assert isinstance(error, UsageError)
    assert str(error) == "month '2024-13' cannot be read. Write it as YYYY-MM, for example 2024-03."


def test_two_runs_pull_a_source_one_after_the_other(engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.ingest.flow.TURN_SECONDS", 1)
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name_limit("supervision"), limit=1))
    with take_turn("supervision"):
        with (
            pytest.raises(SourceUnavailable, match="supervision: another run has been pulling it"),
            take_turn("supervision"),
        ):
            pass
        # Another source, and one that the server has no limit for, don't wait.
        with take_turn("law_enforcement"):
            pass
    with take_turn("supervision"):
        pass
