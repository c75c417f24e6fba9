"""What a Prefect server must hold for an installation: work pool, limits, deployments. Made once, then left alone."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker
from ruamel.yaml import YAML

from flows.errors import ConfigurationError
from flows.ingest.flow import name_limit
from flows.server.asking import PAGE_SIZE, POOL, mask_credentials
from flows.server.place import PROGRAM, PROJECT_FILE, find_checkout, find_project

TAG = "fivestar"
VERSION_DIGITS = 12


def list_deployments() -> list[dict[str, Any]]:
    """The deployments of prefect.yaml. Raises `ConfigurationError` where the program runs without its checkout."""
    project: dict[str, Any] = YAML(typ="safe").load(_read_project())
    return list(project["deployments"])


def _read_project() -> bytes:
    file = find_project() / PROJECT_FILE
    if not file.is_file():
        raise ConfigurationError(
            f"{file} is not there: Prefect runs the program from its checkout. Install it there in place, as make "
            "does, and use that fivestar, or name the checkout in FIVESTAR_CHECKOUT."
        )
    return file.read_bytes()


def compare_sources(platforms: Sequence[str]) -> list[str]:
    """Where the sources of config/platforms and those that prefect.yaml deploys are not the same."""
    deployed = {it["parameters"]["platform"] for it in list_deployments() if "platform" in it.get("parameters", {})}
    undeployed = [it for it in platforms if it not in deployed]
    return [
        *(f"{it} has no deployment in prefect.yaml, so only the monthly run pulls it" for it in undeployed),
        *(
            f"prefect.yaml deploys {it}, which config/platforms does not describe: its runs will fail"
            for it in sorted(deployed - set(platforms))
        ),
    ]


def fingerprint_program() -> str:
    """The version under which deployments are made: of prefect.yaml, the program, and the folder where runs start."""
    digest = hashlib.sha256(f"{find_checkout()}\n".encode())
    digest.update(_read_project())
    for file in sorted((PROGRAM / "flows").rglob("*.py")):
        digest.update(f"{file.relative_to(PROGRAM).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:VERSION_DIGITS]


def make_pool(client: SyncPrefectClient) -> bool:
    """Whether the work pool had to be made."""
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
        return True
    return False


def make_limits(client: SyncPrefectClient, platforms: Sequence[str]) -> int:
    """How many limits had to be made: one a source, so that no two runs pull it at once. What is there stays."""
    made_count = 0
    for platform in platforms:
        try:
            client.read_global_concurrency_limit_by_name(name_limit(platform))
        except ObjectNotFound:
            client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(name=name_limit(platform), limit=1, active=True)
            )
            made_count += 1
    return made_count


def deploy_all(client: SyncPrefectClient, environment: Mapping[str, str], version: str) -> bool:
    """Whether anything had to be deployed: what the server holds in this version is left alone.

    `environment` is that of `prefect deploy`. Raises `ConfigurationError` if it fails.
    """
    wanted = {deployment["name"] for deployment in list_deployments()}
    if wanted <= _list_deployed(client, version):
        return False
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(  # noqa: S603 -- our own command
        command, cwd=find_project(), env=dict(environment), capture_output=True, text=True, check=False
    )
    missing = sorted(wanted - _list_deployed(client, version))
    if done.returncode or missing:
        told = describe_end(done.stdout + done.stderr)
        raise ConfigurationError(
            f"prefect.yaml: {', '.join(missing) or 'a deployment'} could not be deployed. Prefect says: {told} "
            "Mend it, then run this again."
        )
    return True


def list_forgotten(client: SyncPrefectClient) -> list[str]:
    """The deployments on the server that prefect.yaml doesn't know any more; they go on being scheduled."""
    known = {deployment["name"] for deployment in list_deployments()}
    return sorted(
        it.name for it in client.read_deployments(limit=PAGE_SIZE) if TAG in it.tags and it.name not in known
    )


def describe_end(output: str) -> str:
    """The last error that a program told, else the last it said, without user and password of any address in it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)] or lines
    return mask_credentials(told[-1]) if told else "nothing."


def _list_deployed(client: SyncPrefectClient, version: str) -> set[str]:
    return {
        it.name
        for it in client.read_deployments(limit=PAGE_SIZE)
        if it.version == version and it.work_pool_name == POOL
    }
