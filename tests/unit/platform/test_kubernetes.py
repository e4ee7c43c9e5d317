"""deploy/kubernetes, without a cluster: valid by Kubernetes' own schemas, with the settings that the platform makes.

The chart's own schema is not here. `helm template` checks the values against it, and so does this file where
FLIGHTDECK_AIRFLOW_CHART names the folder of an unpacked chart.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from include.platform import cluster, components
from include.platform.bootstrap import ROOT
from include.platform.state import State
from include.work import KINDS

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.32", "1.37")
COMPONENTS = {
    "apiServer": "api-server", "scheduler": "scheduler", "dagProcessor": "dag-processor", "triggerer": "triggerer",
    "workers": "worker",
}  # fmt: skip
IMAGE_ROOT, SECRET = "/opt/flightdeck", "flightdeck"
# What a cluster must say differently from Compose, and may say as it is here.
ELSEWHERE = {
    "AWS_ENDPOINT_URL_S3": r"https://[\w.]+", "MLFLOW_S3_ENDPOINT_URL": r"https://[\w.]+",
    "FLIGHTDECK_MLFLOW_URL": r"https://[\w.]+", "FLIGHTDECK_AIRFLOW_URL": r"https://[\w.]+",
    "AIRFLOW__API__BASE_URL": r"https://[\w.]+",
    # The Service that the chart makes for a release of that name.
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": r"http://airflow-api-server:28080/execution/",
    # A pod is found by its address, not by its name.
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": r"airflow\.utils\.net\.get_host_ip_address",
    "NO_PROXY": r"127.0.0.1,localhost,mlflow,airflow-api-server",
    "no_proxy": r"127.0.0.1,localhost,mlflow,airflow-api-server",
    "FLIGHTDECK_REPLAY_START": r"\d{4}-\d\d-\d\d",
    "OMP_NUM_THREADS": "1",
}  # fmt: skip
# What the chart itself sets, and what is a container's own.
NOT_GIVEN = {"AIRFLOW_HOME", "PATH", "FLIGHTDECK_USE_CASES"}


def documents(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


@pytest.fixture(autouse=True)
def no_cache_of_the_tests(monkeypatch):
    """Let the platform's settings be made as on a machine without ours: services keep their recordings elsewhere."""
    monkeypatch.delenv("FLIGHTDECK_CACHE_DIR", raising=False)


@pytest.fixture(scope="module")
def values():
    return yaml.safe_load((FOLDER / "values.yaml").read_text())


def state_of(service):
    """Return the state of a service that knows its own secrets alone, each told by its value."""
    known = cluster.KNOWS[service]
    return State(
        replay_start=dt.date(2026, 1, 1), passwords={},
        secrets={name: f"secret-{name}" if name in known else "" for name in cluster.SECRETS},
    )  # fmt: skip


def compare(given, made):
    """Compare the variables of a pod with those that the platform makes: the same names, values, and secrets hidden."""
    names = [each["name"] for each in given]
    assert len(names) == len(set(names))
    assert set(names) == {name for name, value in made.items() if value} - NOT_GIVEN
    for each in given:
        name, value = each["name"], made[each["name"]].replace(str(ROOT), IMAGE_ROOT)
        if "secret-" in value:
            assert each["valueFrom"]["secretKeyRef"]["name"] == SECRET, name
        elif name in ELSEWHERE:
            assert re.fullmatch(ELSEWHERE[name], each["value"]), name
        else:
            assert each["value"] == value, name


@pytest.mark.parametrize(("key", "component"), COMPONENTS.items())
def test_each_component_has_the_settings_that_the_platform_makes_and_no_secret_more(values, key, component):
    made = cluster.airflow_env(state_of(component), Path("/data"))
    compare([*values["env"], *values[key]["env"]], made)
    assert values["airflowHome"] == made["AIRFLOW_HOME"]
    program = cluster.airflow(component, state_of(component), Path("/data"))
    assert [*values[key]["command"], *values[key]["args"]] == ["python", *program.argv[1:]]


def test_the_workers_queues_and_patience_are_those_of_the_platform(values):
    workers = values["workers"]
    assert set(workers["args"][3].split(",")) == {"default", *KINDS}
    program = cluster.airflow("worker", state_of("worker"), Path("/data"))
    assert workers["terminationGracePeriodSeconds"] > program.patience


def test_the_ports_are_those_of_the_platform(values):
    ports = State.model_construct(first_port=28080).ports
    assert values["ports"] == {
        "apiServer": ports["airflow"], "workerLogs": ports["worker_logs"], "triggererLogs": ports["trigger_logs"],
    }  # fmt: skip


def test_setup_has_what_it_needs_to_make_tables_pools_and_accounts(values):
    job = values["migrateDatabaseJob"]
    assert job["command"] == ["python", "-m", "include.platform.prepare"]
    assert job["applyCustomEnv"]
    assert {each["name"] for each in job["env"]} == {
        *cluster.PASSWORDS.values(),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__API_AUTH__JWT_SECRET",
    }
    assert all(each["valueFrom"]["secretKeyRef"]["name"] == SECRET for each in job["env"])


def test_the_chart_makes_no_account_database_or_secret_of_its_own(values):
    assert not values["webserver"]["defaultUser"]["enabled"]
    assert not any(values[name]["enabled"] for name in ("postgresql", "redis", "pgbouncer", "flower", "statsd"))
    assert not any(values["enableBuiltInSecretEnvVars"].values())
    assert not any(re.search("pass", key, re.I) for key in keys_of(values))


def keys_of(node):
    if isinstance(node, dict):
        return [*node, *(key for each in node.values() for key in keys_of(each))]
    return [key for each in node for key in keys_of(each)] if isinstance(node, list) else []


def test_serving_has_the_settings_that_the_platform_makes_and_a_volume_for_its_log():
    (made,) = (each for each in documents("serving.yaml") if each["kind"] == "StatefulSet")
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    program = components.serving(state_of("serving"), Path("/data"), hosts=cluster.hosts())
    compare(container["env"], program.env)
    assert [*container["command"], *container["args"]] == ["python", *program.argv[1:]]
    home = program.argv[program.argv.index("--home") + 1]
    (log,) = (each["name"] for each in container["volumeMounts"] if each["mountPath"] == home)
    assert log in {each["metadata"]["name"] for each in made["spec"]["volumeClaimTemplates"]}
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert {each["kind"] for each in documents("serving.yaml")} == {
        "StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy",
    }  # fmt: skip


def test_mlflow_has_the_settings_that_the_platform_makes(tmp_path):
    (made,) = (each for each in documents("mlflow.yaml") if each["kind"] == "Deployment")
    (container,) = made["spec"]["template"]["spec"]["containers"]
    state = state_of("mlflow")
    stores = components.stores(state, tmp_path, hosts=cluster.hosts(), database=cluster.database("mlflow", state))
    program = next(each for each in stores if each.name == "mlflow")
    compare(container["env"], program.env)
    args, wanted = list(container["args"]), program.argv[3:]
    hosts = wanted.index("--allowed-hosts") + 1
    assert args[hosts].startswith(f"{wanted[hosts]},")
    args[hosts] = wanted[hosts]
    assert [*container["command"], *args] == ["python", "-m", "mlflow", *wanted]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["serving.yaml", "mlflow.yaml"])
def test_manifests_are_what_kubernetes_takes(name, version):
    for document in documents(name):
        kubernetes_validate.validate(document, version, strict=True)


def test_a_manifest_that_is_wrong_is_seen_to_be():
    document = documents("serving.yaml")[0]
    document["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


def test_what_the_chart_copies_into_pods_is_what_kubernetes_takes(values):
    """Put each component's part of the values into a pod, as the chart's templates do."""
    for key in (*COMPONENTS, "migrateDatabaseJob"):
        part = values[key]
        env = [*values["env"], *part["env"]]
        pod = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "any"},
            "spec": {
                "securityContext": values["securityContexts"]["pod"],
                "terminationGracePeriodSeconds": part.get("terminationGracePeriodSeconds", 30),
                "containers": [
                    {
                        "name": "any", "image": "any", "command": part["command"], "args": part["args"], "env": env,
                        "resources": part["resources"], "securityContext": values["securityContexts"]["containers"],
                        **probes(part),
                    }
                ],
            },
        }  # fmt: skip
        kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)


def probes(part):
    """Return a component's probes as the chart makes them: the command in an exec, the rest as it is."""
    made = {}
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        if found := part.get(name):
            how = {"exec": {"command": found["command"]}} if "command" in found else {"httpGet": {"port": "any"}}
            made[name] = {**how, **{key: value for key, value in found.items() if key not in ("command", "scheme")}}
    return made


def test_every_pod_is_held_to_little(values):
    contexts = [(values["securityContexts"]["pod"], values["securityContexts"]["containers"])]
    for name in ("serving.yaml", "mlflow.yaml"):
        for each in documents(name):
            if pod := each["spec"].get("template", {}).get("spec"):
                contexts += [(pod["securityContext"], container["securityContext"]) for container in pod["containers"]]
                assert pod["automountServiceAccountToken"] is False
                assert all(set(container["resources"]) == {"requests", "limits"} for container in pod["containers"])
    for pod, container in contexts:
        assert pod["runAsNonRoot"]
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["allowPrivilegeEscalation"] is False
        assert container["capabilities"] == {"drop": ["ALL"]}


def test_every_key_of_the_secret_is_named_in_the_docs(values):
    text = "".join((FOLDER / name).read_text() for name in ("values.yaml", "serving.yaml", "mlflow.yaml"))
    asked = set(re.findall(r"secretKeyRef: \{name: flightdeck, key: ([\w-]+)\}", text))
    told = set(re.findall(r"^  --from-literal=([\w-]+)=", (ROOT / "docs/kubernetes.md").read_text(), re.M))
    assert asked == told


def test_the_values_are_what_the_chart_takes(values):
    if not (chart := os.environ.get("FLIGHTDECK_AIRFLOW_CHART")):
        pytest.skip("FLIGHTDECK_AIRFLOW_CHART names no unpacked chart")
    jsonschema.validate(values, json.loads((Path(chart) / "values.schema.json").read_text()))
