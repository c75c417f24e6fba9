"""The example for Kubernetes: valid by the API's own schemas, and of one mind with the image and the compose file."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from container_files import ROOT, read_compose, read_image_environment
from prefect.utilities.templating import apply_values
from ruamel.yaml import YAML

FOLDER = ROOT / "deploy" / "kubernetes"
TEMPLATE: dict[str, Any] = json.loads((FOLDER / "base-job-template.json").read_text(encoding="utf-8"))
API_VERSION = "1.34"


def load_manifests() -> dict[tuple[str, str], dict[str, Any]]:
    """Each manifest by its kind and name."""
    files = sorted(FOLDER.glob("*.yaml"))
    manifests = [it for file in files for it in YAML(typ="safe").load_all(file.read_text(encoding="utf-8"))]
    found = {(it["kind"], it["metadata"]["name"]): it for it in manifests}
    assert len(found) == len(manifests)
    return found


MANIFESTS = load_manifests()


def make_job() -> dict[str, Any]:
    """The job that a worker makes of the template's defaults and what it fills in itself."""
    variables = TEMPLATE["variables"]["properties"]
    values = {name: it["default"] for name, it in variables.items() if "default" in it}
    # A worker writes the environment into the job as a list.
    filled = {"name": "march", "command": ["prefect"], "env": [{"name": "A", "value": "b"}], "labels": {"run": "1"}}
    assert set(filled) == {name for name, it in variables.items() if "default" not in it}
    job: dict[str, Any] = apply_values(TEMPLATE["job_configuration"]["job_manifest"], {**values, **filled})
    assert "{{" not in json.dumps(job)
    return job


def list_pods() -> dict[str, dict[str, Any]]:
    """The pod of each thing that runs."""
    return {
        "run": make_job()["spec"]["template"]["spec"],
        "set-up": MANIFESTS["Job", "set-up-prefect"]["spec"]["template"]["spec"],
        "worker": MANIFESTS["Deployment", "prefect-worker"]["spec"]["template"]["spec"],
    }


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=lambda it: f"{it['kind']} {it['metadata']['name']}")
def test_a_manifest_is_valid(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, API_VERSION, strict=True)
    if manifest["kind"] != "Namespace":
        assert manifest["metadata"]["namespace"] == "fivestar"


def test_a_key_that_the_api_does_not_know_is_noticed() -> None:
    spoiled = json.loads(json.dumps(MANIFESTS["Job", "set-up-prefect"]))
    spoiled["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyFilesystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyFilesystem"):
        kubernetes_validate.validate(spoiled, API_VERSION, strict=True)


def test_the_job_of_a_run_is_valid_and_has_what_the_worker_insists_on() -> None:
    job = make_job()
    pod = job["spec"]["template"]["spec"]
    # Kubernetes knows these two only in the job and ignores them here; Prefect's worker wants them.
    assert (pod.pop("completions"), pod.pop("parallelism")) == (1, 1)
    assert pod["containers"][0]["name"] == "prefect-job"
    assert pod["restartPolicy"] == "Never"
    kubernetes_validate.validate(job, API_VERSION, strict=True)
    # Prefect reports a run that failed; Kubernetes must not start it again.
    assert job["spec"]["backoffLimit"] == 0


@pytest.mark.parametrize("name", list_pods())
def test_a_pod_can_do_no_more_than_it_must(name: str) -> None:
    pod = list_pods()[name]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert pod.get("automountServiceAccountToken", True) is (name == "worker")
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    mounted = {it["mountPath"]: it["name"] for it in container["volumeMounts"]}
    assert {"/tmp", "/var/lib/prefect"} <= set(mounted)
    assert set(mounted.values()) == {it["name"] for it in pod["volumes"]}


@pytest.mark.parametrize("name", ["run", "set-up"])
def test_state_and_secrets_lie_where_the_image_looks_for_them(name: str) -> None:
    pod = list_pods()[name]
    [container] = pod["containers"]
    mounted = {it["mountPath"]: it["name"] for it in container["volumeMounts"]}
    volumes = {it["name"]: it for it in pod["volumes"]}
    claim = volumes[mounted[read_image_environment()["FIVESTAR_HOME"]]]["persistentVolumeClaim"]["claimName"]
    secret = volumes[mounted["/run/secrets"]]["secret"]["secretName"]
    [source] = container["envFrom"]
    named = {("PersistentVolumeClaim", claim), ("Secret", secret), ("ConfigMap", source["configMapRef"]["name"])}
    assert named <= set(MANIFESTS)


def test_runs_are_told_what_they_are_told_under_compose() -> None:
    worker = read_compose()["services"]["worker"]
    told = MANIFESTS["ConfigMap", "fivestar"]["data"]
    assert set(told) == {name for name in worker["environment"] if not name.startswith("PREFECT_WORKER")}
    files = {name: path for name, path in told.items() if name.endswith("_FILE")}
    assert files == {name: path for name, path in worker["environment"].items() if name.endswith("_FILE")}
    kept = {f"/run/secrets/{name}" for name in MANIFESTS["Secret", "fivestar"]["stringData"]}
    assert kept == set(files.values())


def test_the_worker_is_of_the_prefect_that_is_locked_and_deploys() -> None:
    [container] = list_pods()["worker"]["containers"]
    version = re.search(r"prefect:([\d.]+)-", container["image"])
    locked = re.search(r"^prefect==(\S+)", (ROOT / "requirements-run.lock").read_text(), flags=re.MULTILINE)
    stated = YAML(typ="safe").load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["prefect-version"]
    assert version is not None
    assert locked is not None
    assert version[1] == locked[1] == stated


def test_setting_up_makes_the_pool_of_the_template_that_the_image_holds() -> None:
    [container] = list_pods()["set-up"]["containers"]
    *_, template = container["args"]
    assert ROOT / template == FOLDER / "base-job-template.json"
    assert Path(container["args"][1]).name == Path(read_compose()["services"]["deploy"]["command"][1]).name
