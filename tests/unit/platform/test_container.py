"""The first process of a container: it starts what it is told, ends as a whole, and says what its environment lacks."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from include.platform import cluster, container
from include.platform.bootstrap import ROOT
from include.platform.state import FIRST_PORT, State
from include.platform.stores import LOOPBACK

SUPERVISE = """
import sys
from include.platform.container import supervise
from include.platform.stores import Program
sys.exit(supervise([Program(str(number), ["/bin/sh", "-c", script], {}) for number, script in enumerate(sys.argv[1:])]))
"""


@pytest.fixture
def supervised():
    """Give a function that runs scripts below a supervisor."""
    with contextlib.ExitStack() as stack:

        def start(*scripts):
            return stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SUPERVISE, *scripts],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )

        yield start


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_told_to_end_it_ends_all_and_well(supervised):
    process = supervised("echo $$; exec sleep 300.5", "echo $$; exec sleep 300.5")
    children = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert all(map(gone, children))


def test_one_that_ends_takes_the_others_with_it_and_is_named(supervised):
    process = supervised("echo $$; exec sleep 300.5", "sleep 0.3; exit 7")
    child = int(process.stdout.readline())
    assert process.wait(10) == 1
    assert gone(child)
    assert process.stderr.read() == "1 ended with 7; all end with it\n"


def test_where_one_ends_by_itself_the_others_are_not_waited_for():
    script = """
import sys
from include.platform.container import supervise
from include.platform.stores import Program
deaf = Program("deaf", ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"], {}, patience=300)
sys.exit(supervise([deaf, Program("clock", ["/bin/sh", "-c", "exit 1"], {})]))
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30, check=False).returncode == 1


def test_children_can_be_told_to_end_though_their_parent_waits_for_signals(supervised):
    process = supervised("trap 'echo asked; exit 0' TERM; echo $$; while :; do sleep 0.05; done")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.stdout.read() == "asked\n"


@pytest.mark.parametrize("service", [*cluster.KNOWS, "key list", "check worker", "life credit_risk"])
def test_what_the_environment_lacks_is_named(service):
    ended = subprocess.run(
        [sys.executable, "-m", "include.platform.container", *service.split()],
        cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ".env.example" in ended.stderr
    needs = {"key list": "serving", "check worker": "worker", "life credit_risk": "setup"}.get(service, service)
    for name in cluster.KNOWS[needs]:
        assert cluster.SECRETS[name] in ended.stderr


def test_an_unknown_service_is_told_the_known_ones():
    ended = subprocess.run(
        [sys.executable, "-m", "include.platform.container", "airflow"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert all(name in ended.stderr for name in (*container.SERVICES, "setup"))


def test_a_program_is_asked_to_end_in_its_own_way_and_given_its_own_time():
    script = """
import signal, sys
from include.platform.container import supervise
from include.platform.stores import Program
shell = "trap 'echo interrupted; exit 0' INT; trap 'echo terminated' TERM; echo $$; while :; do sleep 0.05; done"
sys.exit(supervise([Program("one", ["/bin/sh", "-c", shell], {}, stop=signal.SIGINT, patience=30)]))
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout.read() == "interrupted\n"


def state(*known):
    secrets = {name: "s3cret/with:signs" if name in known else "" for name in cluster.SECRETS}
    return State(first_port=FIRST_PORT, replay_start="2026-11-24", secrets=secrets, passwords={})


def test_a_component_has_no_setting_of_a_secret_that_it_does_not_know(tmp_path):
    for component in cluster.AIRFLOW:
        env = cluster.airflow(component, state(*cluster.KNOWS[component]), tmp_path).env
        assert "" not in env.values()
        assert ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in env) == ("airflow_db" in cluster.KNOWS[component])
        assert ("AIRFLOW__CELERY__BROKER_URL" in env) == ("valkey" in cluster.KNOWS[component])
        assert ("FLIGHTDECK_JOURNAL_KEY" in env) == ("journal" in cluster.KNOWS[component])
        assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS" not in env


def test_a_worker_knows_no_database_of_airflow_and_no_key_of_its_tokens():
    assert not {"airflow_db", "jwt", "fernet", "postgres"} & set(cluster.KNOWS["worker"])
    assert "journal" not in cluster.KNOWS["api-server"]


def test_a_password_may_have_any_sign():
    assert "s3cret%2Fwith%3Asigns@postgres" in cluster.database("airflow", state("airflow_db"))
    assert "s3cret%2Fwith%3Asigns@valkey" in cluster.broker(state("valkey"))


def test_airflow_differs_from_one_machine_in_what_is_said_to_differ(tmp_path):
    from include.platform import components

    everything = state(*cluster.SECRETS)
    ours = components.airflow_env(everything, tmp_path, dag_folders=[ROOT / "dags"])
    theirs = cluster.airflow_env(everything, tmp_path)
    different = {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}
    assert different == {
        "AIRFLOW__API__HOST", "AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW__CORE__PARALLELISM", "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK", "AWS_ENDPOINT_URL_S3", "MLFLOW_TRACKING_URI", "NO_PROXY", "no_proxy",
        *({"OMP_NUM_THREADS"} if ours["OMP_NUM_THREADS"] != theirs["OMP_NUM_THREADS"] else ()),
    }  # fmt: skip
    assert theirs["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith("http://api-server:")


def test_a_dead_workers_task_moves_within_a_minute(tmp_path):
    from plugins.defaults import oncall_defaults

    env = cluster.airflow_env(state(*cluster.SECRETS), tmp_path)
    silent = sum(
        float(env[f"AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT{name}"]) for name in ("", "_DETECTION_INTERVAL")
    )
    pause = oncall_defaults(owner="o", team="t")["default_args"]["retry_delay"].total_seconds()
    assert silent + pause <= 50


def test_the_stores_of_a_container_are_those_of_the_embedded_platform(tmp_path):
    from include.platform import components

    there, known = cluster.hosts({}), state("s3_access", "s3_secret")
    for ours, theirs in zip(
        components.stores(known, tmp_path), components.stores(known, tmp_path, hosts=there), strict=True
    ):
        different = [(one, other) for one, other in zip(ours.argv, theirs.argv, strict=True) if one != other]
        assert different
        assert all(LOOPBACK in one for one, _ in different)


def test_the_scoring_service_of_a_container_differs_in_hosts_alone(tmp_path):
    from include.platform import components

    there, known = cluster.hosts({}), state("s3_access", "s3_secret", "journal")
    ours, theirs = components.serving(known, tmp_path), components.serving(known, tmp_path, hosts=there)
    different = [(one, other) for one, other in zip(ours.argv, theirs.argv, strict=True) if one != other]
    assert different == [(LOOPBACK, there.bind)]
    assert str(tmp_path / "serving") in ours.argv
    assert theirs.env["AWS_ENDPOINT_URL_S3"] == f"http://{there.s3}:{known.ports['s3']}"
    assert theirs.env["MLFLOW_TRACKING_URI"] == f"http://{there.mlflow}:{known.ports['mlflow']}"
