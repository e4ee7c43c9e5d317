"""What goes wrong in a real Airflow: a task's process is killed, on its first and on its last try; nobody answers."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import time

import pytest

from include.data.objects import ObjectStore
from include.data.tables import Table
from include.deployment.journal import Journal
from include.models import registry, tracking
from include.naming import DEFAULT_KEY, experiment_name, model_name, tenant
from tests.e2e.use_cases.hasty import SPEC
from tests.platform_fixtures import finished, newest, until

pytestmark = pytest.mark.slow

YESTERDAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
INGEST, RETRAINING, TRAIN, DEPLOY = (f"hasty_{step}" for step in ("ingest", "retraining", "train", "deploy"))


def kill(airflow, dag_id, run_id, task_id):
    """Kill the process of a task as soon as it works, as the kernel does where memory is short."""

    def working():
        task = airflow.task(dag_id, run_id, task_id)
        return task["state"] == "running" and task["pid"]

    os.kill(until(working, every=0.05), signal.SIGKILL)


def incidents(dag_id, run_id):
    """Return what the on-call was told of a run."""
    store = ObjectStore()
    paths = store.list_from(f"incidents/{tenant()}/{dag_id}/{run_id}/")
    return [json.loads(store.get(path)) for path in paths]


def champion():
    return Journal(SPEC.name).state().of(DEFAULT_KEY).champion


@pytest.fixture(scope="module")
def airflow(platform):
    found = platform.airflow("operator")
    found.wait_for_dags({INGEST, RETRAINING, TRAIN, DEPLOY})
    return found


@pytest.fixture(scope="module")
def landed(airflow):
    """Give the run of an ingestion whose process was killed on its first try."""
    first = YESTERDAY - dt.timedelta(days=SPEC.source.history_days - 1)
    run_id = airflow.trigger(INGEST, partition_key=YESTERDAY.isoformat(), conf={"first_day": first.isoformat()})
    kill(airflow, INGEST, run_id, "ingest")
    return run_id


@pytest.fixture(scope="module")
def trained(airflow, landed):
    """Give the run of a training whose process was killed on its only try."""
    assert finished(airflow, INGEST, landed) == "success"
    airflow.trigger(RETRAINING, partition_key=YESTERDAY.isoformat(), conf={"reason": "a test"})
    run_id = newest(airflow, TRAIN, key=YESTERDAY.isoformat())
    kill(airflow, TRAIN, run_id, "fit")
    return run_id


@pytest.fixture(scope="module")
def asked(airflow, trained):
    """Give the run of a deployment that nobody answers."""
    if airflow.run(TRAIN, trained)["state"] == "failed":
        airflow.clear(TRAIN, trained, "fit")
    run_id = newest(airflow, DEPLOY, key=YESTERDAY.isoformat())
    until(lambda: airflow.task(DEPLOY, run_id, "approve")["state"] == "awaiting_input")
    return run_id


def test_a_killed_ingestion_is_tried_again_and_every_row_is_there_once(airflow, landed):
    assert finished(airflow, INGEST, landed) == "success"
    assert airflow.task(INGEST, landed, "ingest")["try_number"] == 2
    rows = Table(SPEC.name, "rows").read()
    assert len(rows) == 9 * SPEC.source.history_days
    assert not rows.duplicated(["day", "biopsy"]).any()
    assert incidents(INGEST, landed) == []


def test_a_fit_killed_on_its_last_try_reaches_the_oncall_and_goes_on_when_it_is_cleared(airflow, trained):
    assert finished(airflow, TRAIN, trained) == "failed"
    (told,) = until(lambda: incidents(TRAIN, trained))
    assert (told["task_id"], told["error"], told["team"]) == ("fit", "killed", SPEC.team)
    assert "Next: read the end of the task's log" in told["message"]
    (run,) = parents()
    until(lambda: tracking.client().get_run(run.info.run_id).info.status == "FAILED")

    airflow.clear(TRAIN, trained, "fit")
    until(lambda: airflow.run(TRAIN, trained)["state"] != "failed")
    assert finished(airflow, TRAIN, trained) == "success"
    (again,) = parents()
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert len(tracking.client().search_model_versions(f"name = '{model_name(SPEC.name)}'")) == 1


def test_an_approval_that_timed_out_promotes_nothing_says_why_and_is_asked_for_again(platform, airflow, asked):
    assert finished(airflow, DEPLOY, asked) == "failed"
    said = airflow.failure(DEPLOY, asked)
    assert said.startswith(f"{DEPLOY}.approve: approval of {model_name(SPEC.name)} v1: expected an answer of reviewer")
    assert "but saw none. Next: clear the approval task" in said
    assert airflow.task(DEPLOY, asked, "approve")["try_number"] == 1
    assert airflow.task(DEPLOY, asked, "promote")["state"] == "upstream_failed"
    assert [each["error"] for each in until(lambda: incidents(DEPLOY, asked))] == ["ApprovalError"]
    assert (champion(), registry.alias(model_name(SPEC.name), "champion")) == (None, None)

    airflow.clear(DEPLOY, asked, "approve")
    until(lambda: airflow.task(DEPLOY, asked, "approve")["state"] == "awaiting_input")
    time.sleep(1)
    platform.airflow("reviewer").answer(
        DEPLOY, asked, "approve", "Approve", comment="seen now", override="", unattended=False
    )
    assert finished(airflow, DEPLOY, asked) == "success"
    assert champion().version == registry.alias(model_name(SPEC.name), "champion") == 1


def parents():
    """Return the parent runs of the trainings."""
    experiment = tracking.client().get_experiment_by_name(experiment_name(SPEC.name))
    runs = tracking.client().search_runs([experiment.experiment_id], f"tags.`{tracking.ROLE}` = 'parent'")
    return [run for run in runs if run.info.run_name.startswith("train")]
