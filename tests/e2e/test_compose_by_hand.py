"""compose.yaml's services, run one after the other without an engine on a real PostgreSQL, do what a city needs."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from compose_by_hand import Service, make_translate, read_service
from postgresql_server import OWNER, PROGRAMS, start_postgresql
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect_server import ROOT, find_free_port, wait_for
from ruamel.yaml import YAML

pytestmark = pytest.mark.flow

DEPLOYED = YAML(typ="safe").load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


@dataclass(frozen=True)
class Composed:
    """Database and server run, and the one-shot service has ended."""

    folder: Path
    port: int
    services: dict[str, Service]
    client: SyncPrefectClient

    def read_secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text(encoding="utf-8")

    def query(self, role: str, database: str, statement: str) -> list[tuple[Any, ...]]:
        """What the role is answered, with the password that was written for it."""
        password = self.read_secret(f"{role}_password")
        address = {"host": "127.0.0.1", "port": self.port, "user": role, "dbname": database}
        with psycopg.connect(**address, password=password) as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("compose")
    (folder / "sheets").mkdir()
    with start_postgresql() as database:
        ports = {"5432": database.port, "4200": find_free_port(), "8080": find_free_port()}
        translate = make_translate(folder, ports=ports)
        subprocess.run([ROOT / "deploy/compose/write-secrets.sh"], cwd=folder, check=True, capture_output=True)
        url = folder / "secrets" / "ledger_url"
        url.write_text(translate(url.read_text(encoding="utf-8")), encoding="utf-8")
        services = {
            name: read_service(name, folder, translate) for name in ("database", "server", "deploy", "worker")
        }
        make_databases(services["database"], database.port, folder)
        with (
            services["server"].start(),
            SyncPrefectClient(f"http://127.0.0.1:{ports['4200']}/api") as client,
        ):
            services["deploy"].run()
            yield Composed(folder, database.port, services, client)


def make_databases(service: Service, port: int, folder: Path) -> None:
    """What the image does at its first start, with the script that compose.yaml gives it; then its health check."""
    programs = max(PROGRAMS.glob("*/bin"), key=lambda it: int(it.parent.name))
    script = (ROOT / "deploy/compose/make-databases.sh").read_text(encoding="utf-8")
    environment = {
        **service.environment,
        "PATH": f"{programs}:{service.environment['PATH']}",
        "POSTGRES_USER": OWNER[0],
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGPASSWORD": OWNER[1],
    }
    script = script.replace("/run/secrets", str(folder / "secrets"))
    subprocess.run(["sh", "-c", script], env=environment, check=True)
    subprocess.run(service.health_check, env=environment, check=True)


def test_the_server_holds_every_deployment_with_its_schedules(composed: Composed) -> None:
    found = {it.name: it for it in composed.client.read_deployments()}
    assert sorted(found) == sorted(it["name"] for it in DEPLOYED)
    for written in DEPLOYED:
        schedules = found[written["name"]].schedules
        assert [it.schedule.cron for it in schedules] == [it["cron"] for it in written.get("schedules", [])]
        assert all(it.active for it in schedules)
        assert found[written["name"]].work_pool_name == "fivestar"
    assert composed.client.read_work_pool("fivestar").type == "process"


def test_ledger_and_prefect_each_have_a_database_that_the_other_cannot_enter(composed: Composed) -> None:
    [(version,)] = composed.query("fivestar", "fivestar", "SELECT count(*) FROM alembic_version")
    [(deployment_count,)] = composed.query("prefect", "prefect", "SELECT count(*) FROM deployment")
    assert (version, deployment_count) == (1, len(DEPLOYED))
    for role, other in (("fivestar", "prefect"), ("prefect", "fivestar")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            composed.query(role, other, "SELECT 1")


def test_the_worker_is_well_and_runs_a_deployment_on_the_ledger_in_postgresql(composed: Composed) -> None:
    client = composed.client
    for deployment in client.read_deployments():  # whether one falls due meanwhile depends on the hour
        for schedule in deployment.schedules:
            client.delete_deployment_schedule(deployment.id, schedule.id)
    worker = composed.services["worker"]
    assert not worker.check_health()
    with worker.start():
        chosen = client.read_deployment_by_name("platform_freshness/platform-freshness")
        run = client.create_flow_run_from_deployment(chosen.id)

        def find_end() -> str | None:
            state = client.read_flow_run(run.id).state
            return state.name if state is not None and state.is_final() else None

        assert wait_for("the run has ended", find_end, composed.folder) == "Completed"
    steps = composed.query("fivestar", "fivestar", "SELECT step, ok FROM outcomes")
    assert steps == [("platform_freshness", True)]
    assert not (composed.folder / "state" / "ledger.sqlite").exists()


def test_no_service_says_a_password(composed: Composed) -> None:
    said = "".join(file.read_text(encoding="utf-8", errors="replace") for file in composed.folder.glob("*.log"))
    assert "work pool fivestar: made" in said
    for name in ("fivestar_password", "prefect_password"):
        assert composed.read_secret(name) not in said


def test_the_server_takes_the_base_job_template_for_a_pool_on_kubernetes(composed: Composed) -> None:
    template = json.loads((ROOT / "deploy" / "kubernetes" / "base-job-template.json").read_text(encoding="utf-8"))
    wanted = WorkPoolCreate(name="cluster", type="kubernetes", base_job_template=template)
    assert composed.client.create_work_pool(wanted).base_job_template == template
