"""The deployment on many machines, for real: champions, pages, a worker that dies, a restore into an empty one.

Nothing is pulled: all services are built from packages. It needs a container engine, and says so where there is none.
"""

from __future__ import annotations

import datetime as dt
import secrets
import subprocess
import time

import boto3
import pytest
import requests
from playwright.sync_api import expect

from benchmarks.compose import Deployment, why_no_engine
from include.platform import cluster, container
from include.platform.state import USERS
from include.platform.stores import free_ports
from tests.cluster.conftest import pages

pytestmark = pytest.mark.timeout(3600)
MOVED_SECONDS = 60
USE_CASES = ("credit_risk", "load_forecast", "recommender")


@pytest.fixture(scope="module")
def deployment():
    """Give a healthy deployment, and take it away with all that it kept."""
    if why := why_no_engine():
        pytest.skip(why)
    name = f"fd-test-{secrets.token_hex(3)}"
    made = Deployment(name, {**container.fresh_environment(), **ports(), "FLIGHTDECK_IMAGE": "flightdeck:test"})
    try:
        made.compose("up", "--detach", "--build", "--wait")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "5", check=False)


def ports():
    """Return loopback ports that nobody uses, by their variables."""
    names = ("AIRFLOW", "MLFLOW", "S3", "SERVING")
    return {f"FLIGHTDECK_{name}_PORT": str(port) for name, port in zip(names, free_ports(4), strict=True)}


@pytest.fixture(scope="module")
def lived(deployment):
    """Give the deployment after a life of credit risk, and what was said."""
    return life(deployment, "credit_risk")


@pytest.fixture
def page_of(deployment, browser):
    """Give a function that logs somebody in and returns their page."""
    passwords = {name: deployment.variables[variable] for name, variable in cluster.PASSWORDS.items()}
    with pages(browser, deployment.airflow().url, passwords) as page:
        yield page


def workers(deployment):
    """Return the workers that run, by the host name under which their tasks are known."""
    return {each.host: each.name for each in deployment.containers("worker") if each.pid}


def life(deployment, use_case):
    """Run a use case once from raw rows to a champion, and return what was said."""
    asked = ("run", "--rm", "--no-deps", "-T", "setup", "life", use_case, "--approve-as", "reviewer")
    return deployment.compose(*asked).stdout


def eventually(ask, *, seconds, pause=0.5):
    """Return the first true answer, and the seconds it took."""
    began = time.monotonic()
    while not (found := ask()):
        assert time.monotonic() - began < seconds, f"not in {seconds} s"
        time.sleep(pause)
    return found, time.monotonic() - began


def test_all_are_healthy_and_the_preparation_has_ended_well(deployment):
    seen = {(each.service, each.health or each.exit_code) for each in deployment.containers()}
    assert seen == {("setup", 0), *((name, "healthy") for name in container.SERVICES)}
    assert len(workers(deployment)) == 2


def test_it_can_be_brought_up_again_and_leaves_what_is_there(deployment):
    before = {each.name: each.id for each in deployment.containers()}
    deployment.compose("up", "--detach", "--wait")
    assert {each.name: each.id for each in deployment.containers()} == before
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
    assert {task["hostname"] for task in tasks if task["hostname"]} == set(workers(deployment))
    assert {(task["pool"], task["queue"]) for task in tasks if task["dag_id"] == "credit_risk_train"} == {
        ("training", "training")
    }
    verified = deployment.compose("run", "--rm", "--no-deps", "-T", "setup", "verify", "credit_risk").stdout
    assert "1 entries, each signed and linked" in verified


@pytest.mark.parametrize("use_case", USE_CASES[1:])
def test_the_use_cases_of_a_recording_come_to_champions_as_well(deployment, use_case):
    assert "lived " in life(deployment, use_case)
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
        endpoint_url=deployment.page("S3"),
        aws_access_key_id=variables["FLIGHTDECK_S3_ACCESS_KEY"],
        aws_secret_access_key=variables["FLIGHTDECK_S3_SECRET_KEY"],
        region_name="us-east-1",
    )
    kept = s3.list_objects_v2(Bucket=cluster.BUCKETS[-1], Prefix="tasks/dag_id=credit_risk_train/")
    assert any("task_id=fit" in each["Key"] for each in kept["Contents"])


@pytest.mark.parametrize("name", USERS)
def test_every_page_in_the_menus_of_a_role_opens(deployment, lived, page_of, name):
    page, refused = page_of(name), []
    page.wait_for_load_state("networkidle")
    page.on("response", lambda answer: refused.append((answer.status, answer.url)) if answer.status >= 400 else None)
    addresses = ["/", "/dags", "/assets", *menu_addresses(page)]
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
    unread = [] if name in ("engineer", "reviewer", "admin") else ["importErrors"]  # the first page asks for them
    assert [each for each in refused if not any(part in each[1] for part in unread)] == []
    assert len(addresses) >= 3 + 5


def test_a_task_leads_to_its_run_its_report_and_the_service_s_page(deployment, lived, page_of):
    airflow, page = deployment.airflow(), page_of("auditor")
    run = airflow.runs("credit_risk_train")[0]["dag_run_id"]
    page.goto(f"{airflow.page('credit_risk_train', run, 'evaluate')}/details")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="MLflow run").click()
    expect(opened.value.get_by_role("link", name="search boosting").first).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Report").click()
    report = opened.value.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Consumer credit risk: candidate v1")).to_be_visible()
    page.goto(f"{deployment.page('SERVING')}/docs")
    expect(page.get_by_text("/v1/credit_risk/predict")).to_be_visible()


def menu_addresses(page):
    """Return where the entries of all menus lead."""
    found = []
    expect(page.get_by_role("button", name="Admin", exact=True)).to_be_visible()
    for menu in ("Browse", "Admin", "Security"):
        for button in page.get_by_role("button", name=menu, exact=True).all():
            button.click()
            expect(page.get_by_role("menuitem").first).to_be_visible()
            found += page.get_by_role("menuitem").evaluate_all("all => all.map(each => each.getAttribute('href'))")
            page.keyboard.press("Escape")
            expect(page.get_by_role("menuitem")).to_have_count(0)
    return found


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
    victim = workers(deployment)[task["hostname"]]
    subprocess.run(["docker", "kill", "--signal", "KILL", victim], check=True, capture_output=True)

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


def test_a_restore_into_an_empty_deployment_gives_the_same_champions(deployment, lived, tmp_path):
    kept = tmp_path / "backups"
    kept.mkdir()
    kept.chmod(0o777)  # the user of the image is another one
    at, before = ("run", "--rm", "--no-deps", "-T", "--volume", f"{kept}:/backups", "setup"), state_of(deployment)
    deployment.compose(*at, "backup", "/backups/first")
    deployment.compose("stop", "--timeout", "20")
    other = Deployment(f"{deployment.project}-restored", {**deployment.variables, **ports()})
    try:
        other.compose("up", "--detach", "--wait", "postgres", "s3")
        other.compose(*at, "restore", "/backups/first", "--dry-run")
        print(other.compose(*at, "restore", "/backups/first").stdout)
        other.compose("up", "--detach", "--wait")
        assert state_of(other) == before
        again = other.compose(*at, "restore", "/backups/first", check=False)
        assert again.returncode == 1
        assert "expected an empty deployment" in again.stderr
        assert "the candidate was not promoted" in life(other, "credit_risk")  # it is no better than the one restored
    finally:
        other.compose("down", "--volumes", "--timeout", "5", check=False)


def state_of(deployment):
    """Return what the journal says of each use case once its chain is walked, and the champions that MLflow shows."""
    said = {}
    for name in USE_CASES:
        said[name] = deployment.compose("run", "--rm", "--no-deps", "-T", "setup", "verify", name).stdout
        assert "each signed and linked" in said[name]
    url = f"{deployment.page('MLFLOW')}/api/2.0/mlflow/registered-models/search"
    shown = requests.get(url, params={"max_results": 1000}, timeout=60).json()["registered_models"]
    champions = {each["name"]: each["aliases"] for each in shown if each.get("aliases")}
    assert len(champions) >= len(USE_CASES)
    return said, champions
