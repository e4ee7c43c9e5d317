"""The deployment on many machines, for real: it comes up, a life ends with a champion, and a dead worker's task moves.

Nothing is pulled: all services are built from packages. It needs a container engine, and says so where there is none.
"""

from __future__ import annotations

import datetime as dt
import secrets

import boto3
import pytest

from include.platform import cluster, container
from include.platform.stores import free_ports
from tests.compose import Deployment, eventually, kill, why_no_engine

pytestmark = pytest.mark.timeout(3600)
MOVED_SECONDS = 60


@pytest.fixture(scope="module")
def deployment():
    """Give a healthy deployment, and take it away with all that it kept."""
    if why := why_no_engine():
        pytest.skip(why)
    ports = dict(zip(("AIRFLOW", "MLFLOW", "S3", "SERVING"), map(str, free_ports(4)), strict=True))
    chosen = {f"FLIGHTDECK_{name}_PORT": port for name, port in ports.items()}
    name = f"fd-test-{secrets.token_hex(3)}"
    made = Deployment(name, {**container.fresh_environment(), **chosen, "FLIGHTDECK_IMAGE": "flightdeck:test"})
    try:
        made.compose("up", "--detach", "--build", "--wait")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "5", check=False)


@pytest.fixture(scope="module")
def lived(deployment):
    """Give the deployment after a life of credit risk, and what was said."""
    return deployment.life("credit_risk")


def test_all_are_healthy_and_the_preparation_has_ended_well(deployment):
    seen = {(each["Service"], each["Health"] or each["ExitCode"]) for each in deployment.containers()}
    assert seen == {("setup", 0), *((name, "healthy") for name in container.SERVICES)}
    assert len(deployment.workers()) == 2


def test_it_can_be_brought_up_again_and_leaves_what_is_there(deployment):
    before = {each["Name"]: each["ID"] for each in deployment.containers()}
    deployment.compose("up", "--detach", "--wait")
    assert {each["Name"]: each["ID"] for each in deployment.containers()} == before
    said = deployment.compose("logs", "--no-log-prefix", "setup").stdout
    assert said.count("account operator: ") == 2
    assert "account operator: as it was" in said


def test_a_life_ends_with_a_champion_and_both_workers_had_part_in_it(deployment, lived):
    assert "life took" in lived
    airflow = deployment.airflow()
    tasks = [
        task
        for dag in ("ingest", "train", "deploy", "score", "monitor")
        for run in airflow.runs(f"credit_risk_{dag}")
        for task in airflow.tasks(run["dag_id"], run["dag_run_id"])
    ]
    assert {task["hostname"] for task in tasks if task["hostname"]} == set(deployment.workers())
    assert {(task["pool"], task["queue"]) for task in tasks if task["dag_id"] == "credit_risk_train"} == {
        ("training", "training")
    }
    verified = deployment.compose("run", "--rm", "--no-deps", "-T", "setup", "verify", "credit_risk").stdout
    assert "1 entries, each signed and linked" in verified


@pytest.mark.parametrize("use_case", ["load_forecast", "recommender"])
def test_the_use_cases_of_a_recording_come_to_champions_as_well(deployment, use_case):
    assert "lived " in deployment.life(use_case)
    verified = deployment.compose("run", "--rm", "--no-deps", "-T", "setup", "verify", use_case).stdout
    assert "each signed and linked" in verified


def test_logs_of_tasks_are_on_s3_and_shown_from_there(deployment, lived):
    airflow, variables = deployment.airflow("auditor"), deployment.variables
    run = airflow.runs("credit_risk_train")[0]["dag_run_id"]
    content = airflow.get(f"dags/credit_risk_train/dagRuns/{run}/taskInstances/fit/logs/1")["content"]
    assert any("fitted" in str(each.get("event")) for each in content)
    assert any(f"s3://{cluster.BUCKETS[-1]}/" in str(each) for each in content)
    s3 = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{variables['FLIGHTDECK_S3_PORT']}",
        aws_access_key_id=variables["FLIGHTDECK_S3_ACCESS_KEY"],
        aws_secret_access_key=variables["FLIGHTDECK_S3_SECRET_KEY"],
        region_name="us-east-1",
    )
    kept = s3.list_objects_v2(Bucket=cluster.BUCKETS[-1], Prefix="tasks/dag_id=credit_risk_train/")
    assert any("task_id=fit" in each["Key"] for each in kept["Contents"])


def test_the_task_of_a_worker_that_dies_moves_within_a_minute_and_the_run_ends_well(deployment, lived):
    airflow, dag = deployment.airflow(), "credit_risk_train"
    known = {run["dag_run_id"] for run in airflow.runs(dag)}
    day = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)).isoformat()
    airflow.trigger("credit_risk_retraining", partition_key=day, conf={"reason": "to see a worker die"})

    def in_training():
        for run in airflow.runs(dag):
            if run["dag_run_id"] not in known:
                for task in airflow.tasks(dag, run["dag_run_id"]):
                    if task["state"] == "running" and task["task_id"] in ("search", "fit"):
                        return task
        return None

    task, _ = eventually(in_training, seconds=300, pause=0.2)
    kill(deployment.workers()[task["hostname"]])

    def again():
        return next(
            (
                each
                for each in airflow.tasks(dag, task["dag_run_id"])
                if (each["task_id"], each["map_index"]) == (task["task_id"], task["map_index"])
                and each["try_number"] > task["try_number"]
                and each["state"] in ("running", "success")
            ),
            None,
        )

    moved, seconds = eventually(again, seconds=MOVED_SECONDS)
    print(f"{task['task_id']} moved in {seconds:.0f} s")
    assert moved["hostname"] != task["hostname"]
    eventually(lambda: airflow.run(dag, task["dag_run_id"])["state"] in ("success", "failed"), seconds=900)
    assert airflow.run(dag, task["dag_run_id"])["state"] == "success"
    deployment.compose("up", "--detach", "--wait", "worker")
