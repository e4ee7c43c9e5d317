"""The credit life in a real Airflow, once: what an operator sees, and what is recorded."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from include.data.tables import Table
from include.deployment.journal import Journal
from include.errors import TransientError
from include.models import registry, tracking
from include.naming import model_name
from include.platform import airflow_api
from include.platform.life import live
from include.use_cases.credit_risk import SPEC


def test_every_task_of_the_ring_succeeded_for_one_partition(platform, life):
    airflow, yesterday = platform.airflow(), dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    for dag_id, run_id in life.runs.items():
        run = airflow.run(dag_id, run_id)
        assert run["state"] == "success", airflow.failure(dag_id, run_id)
        assert run["partition_key"] == yesterday.isoformat(), dag_id
    states = {
        task["task_id"]: task["state"] for task in airflow.tasks("credit_risk_deploy", life.runs["credit_risk_deploy"])
    }
    assert states == {"test_artifact": "success", "approve": "success", "promote": "success"}
    searches = [
        task
        for task in airflow.tasks("credit_risk_train", life.runs["credit_risk_train"])
        if task["task_id"] == "search"
    ]
    assert {task["rendered_map_index"] for task in searches} == {"logistic", "scorecard", "boosting"}


def test_a_list_of_many_pages_is_read_to_its_end(platform, life, monkeypatch):
    airflow, train = platform.airflow(), ("credit_risk_train", life.runs["credit_risk_train"])
    whole = {(each["task_id"], each["map_index"]) for each in airflow.tasks(*train)}
    monkeypatch.setattr(airflow_api, "_PAGE", 2)
    pages = [(each["task_id"], each["map_index"]) for each in airflow.tasks(*train)]
    assert len(pages) > 4
    assert sorted(pages) == sorted(whole)
    airflow.wait_for_dags(set(life.runs), seconds=5)
    for absent in (1, 200):  # more than there are at all, and yet those that are there are not called missing
        names = {f"no_such_dag_{number:03d}" for number in range(absent)}
        with pytest.raises(TransientError) as told:
            airflow.wait_for_dags({*life.runs, *names}, seconds=0.1)
        assert told.value.seen == f"no {', '.join(sorted(names))} after 0 s"


def test_only_the_ingestion_and_the_request_were_triggered_by_hand(platform, life):
    airflow = platform.airflow()
    kinds = {dag_id: airflow.run(dag_id, run_id)["run_type"] for dag_id, run_id in life.runs.items()}
    by_hand = {dag_id for dag_id, kind in kinds.items() if kind == "manual"}
    assert by_hand == {"credit_risk_ingest", "credit_risk_retraining"}


def test_the_journal_says_who_approved_and_that_nobody_sat_there(platform, life, champion):
    head = Journal(SPEC.name).head()
    assert (head.sequence, head.action, head.who) == (1, "promote", "reviewer")
    assert json.loads(json.dumps(head.evidence))["approval"]["unattended"] is True
    assert registry.alias(model_name(SPEC.name), "champion") == champion.version
    assert registry.head_tag(SPEC.name) == (head.sequence, head.hash)
    assert Journal(SPEC.name).verify().ok


def test_the_originator_is_who_asked_and_not_who_approved(life, champion):
    evaluation = registry.evaluation_of(champion)
    assert (evaluation.originator, evaluation.originator_source) == ("operator", "manual")


def test_one_parent_run_holds_what_followed_from_it(life, champion):
    run = tracking.client().get_run(champion.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["dag_id"] == "credit_risk_train"
    children = tracking.client().search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{champion.run_id}'"
    )
    names = {child.info.run_name.split()[0] for child in children}
    assert {"search", "score", "monitor"} <= names
    version = tracking.client().get_model_version(champion.name, str(champion.version))
    logged = tracking.client().get_logged_model(version.source.rpartition("/")[2])
    assert logged.source_run_id == champion.run_id


def test_every_fresh_application_has_a_decision_with_reasons(life, champion):
    log = Table(SPEC.name, "predictions").read()
    assert len(log) == 5000
    assert not log.duplicated(["ID", "day"]).any()
    assert set(log["decision"]) == {"accept", "review", "decline"}
    declined = log.loc[log["decision"] == "decline", "reasons"].map(json.loads)
    assert declined.map(len).min() >= 1
    assert (log["sequence"] == 1).all()


def test_tasks_link_to_the_run_and_the_report(platform, life, champion):
    airflow = platform.airflow()
    path = f"dags/credit_risk_train/dagRuns/{life.runs['credit_risk_train']}/taskInstances/evaluate/links"
    links = airflow.get(path)["extra_links"]
    assert champion.run_id in links["MLflow run"]
    assert "report.html" in links["Report"]


@pytest.mark.slow
def test_a_second_life_lands_nothing_twice_and_promotes_no_equal_model(platform, life, champion):
    rows = len(Table(SPEC.name, "rows").read())
    again = live(platform, SPEC, approve_as="reviewer", ask=False)
    assert len(Table(SPEC.name, "rows").read()) == rows
    assert again.skipped
    assert Journal(SPEC.name).sequence() == 1
    evaluation = registry.evaluation_of(registry.candidate(SPEC, registry.evaluation_of(champion).as_of))
    assert evaluation.comparisons[0].against == f"champion v{champion.version}"
    assert evaluation.comparisons[0].verdict == "not significantly better"
    assert evaluation.route is None
