"""What people may and may not do: answered, rejected, forged, self-approved, rolled back, in a real Airflow."""

from __future__ import annotations

import pytest

from include.deployment.journal import Journal
from include.errors import PermanentError
from include.models import registry
from include.naming import DEFAULT_KEY, model_name
from include.platform.life import live
from tests.e2e.use_cases.drifting import SPEC as DRIFTING
from tests.e2e.use_cases.strict import SPEC as STRICT
from tests.e2e.use_cases.weekly import SPEC as WEEKLY
from tests.platform_fixtures import finished, newest, until
from tests.second_use_case.tumours import SPEC as TUMOURS

TRAIN, DEPLOY, RETRAINING = "strict_train", "strict_deploy", "strict_retraining"


def champion_of(spec):
    return Journal(spec.name).state().of(DEFAULT_KEY).champion


@pytest.fixture(scope="module")
def asked(platform):
    """Give the run of a deployment that waits for its answer; the operator has asked for the training."""
    life = live(platform, STRICT, approve_as=None, ask=False)
    assert life.waiting.endswith("required_actions")
    return life


def test_a_life_without_an_answer_waits_and_promotes_nothing(platform, asked):
    assert champion_of(STRICT) is None
    assert platform.airflow().task(DEPLOY, asked.runs[DEPLOY], "approve")["state"] == "awaiting_input"


def test_who_is_not_assigned_cannot_answer(platform, asked):
    with pytest.raises(PermanentError, match="403"):
        platform.airflow("operator").answer(
            DEPLOY, asked.runs[DEPLOY], "approve", "Approve", comment="", override="", unattended=False
        )


def test_a_task_marked_as_successful_promotes_nothing_and_says_why(platform, asked):
    airflow, run_id = platform.airflow("operator"), asked.runs[DEPLOY]
    airflow.patch(f"dags/{DEPLOY}/dagRuns/{run_id}/taskInstances/approve", {"new_state": "success"})
    assert finished(airflow, DEPLOY, run_id) == "failed"
    said = airflow.failure(DEPLOY, run_id)
    assert "marked as successful by hand" in said
    assert "Next: clear the approval task" in said
    assert champion_of(STRICT) is None


@pytest.mark.slow
def test_a_rejection_leaves_all_as_it_was(platform, asked):
    life = live(platform, STRICT, approve_as=None, ask=False)
    run_id = life.runs[DEPLOY]
    platform.airflow("reviewer").answer(
        DEPLOY, run_id, "approve", "Reject", comment="not yet", override="", unattended=False
    )
    assert finished(platform.airflow(), DEPLOY, run_id) == "success"
    assert platform.airflow().task(DEPLOY, run_id, "promote")["state"] == "skipped"
    assert champion_of(STRICT) is None
    assert registry.alias(model_name(STRICT.name), "champion") is None


def test_who_asked_for_the_training_cannot_approve_it(platform, asked):
    reviewer = platform.airflow("reviewer")
    key = reviewer.run(TRAIN, asked.runs[TRAIN])["partition_key"]
    known = {run["dag_run_id"] for run in reviewer.runs(DEPLOY)}
    reviewer.trigger(RETRAINING, partition_key=key, conf={"reason": "I want it"})
    run_id = newest(reviewer, DEPLOY, key=key, besides=known)
    assert finished(reviewer, DEPLOY, run_id) == "failed"
    assert "an approver who did not ask for the training (reviewer)" in reviewer.failure(DEPLOY, run_id)
    assert champion_of(STRICT) is None


@pytest.fixture(scope="module")
def refreshed(platform):
    """Give the champion before and after a drift that asked for a training, and then for a person, by itself."""
    life = live(platform, DRIFTING, approve_as="reviewer", ask=False)
    airflow = platform.airflow()
    first, key = champion_of(DRIFTING), airflow.run("drifting_train", life.runs["drifting_train"])["partition_key"]
    links = airflow.get(
        f"dags/drifting_monitor/dagRuns/{life.runs['drifting_monitor']}/taskInstances/detect_drift/links"
    )["extra_links"]
    assert "monitor.html" in links["Report"]
    train = newest(airflow, "drifting_train", key=key, besides={life.runs["drifting_train"]})
    assert finished(airflow, "drifting_train", train) == "success"
    assert airflow.run("drifting_train", train)["run_type"] != "manual"
    deploy = newest(airflow, "drifting_deploy", key=key, besides={life.runs["drifting_deploy"]})
    until(lambda: airflow.task("drifting_deploy", deploy, "approve")["state"] == "awaiting_input")
    assert champion_of(DRIFTING) == first

    platform.airflow("reviewer").answer(
        "drifting_deploy", deploy, "approve", "Approve", comment="seen", override="", unattended=False
    )
    assert finished(airflow, "drifting_deploy", deploy) == "success"
    return first, champion_of(DRIFTING)


@pytest.mark.slow
def test_confirmed_drift_asks_for_a_training_and_a_person_by_itself(refreshed):
    first, second = refreshed
    evaluation = registry.evaluation_of(second)
    assert evaluation.route == "refresh"
    assert "mean_radius" in evaluation.refresh_due
    assert Journal(DRIFTING.name).state().of(DEFAULT_KEY).previous == first


@pytest.mark.slow
def test_an_operator_rolls_back_first_dry_and_then_for_good(platform, refreshed):
    first, second = refreshed
    operator, name = platform.airflow("operator"), model_name(DRIFTING.name)
    with pytest.raises(PermanentError, match="why"):
        operator.trigger("drifting_rollback", conf={"why": "no"})
    dry = operator.trigger("drifting_rollback", conf={"why": "it declined everybody"})
    assert finished(operator, "drifting_rollback", dry) == "success"
    assert champion_of(DRIFTING) == second
    real = operator.trigger("drifting_rollback", conf={"why": "it declined everybody", "dry_run": False})
    assert finished(operator, "drifting_rollback", real) == "success"
    head = Journal(DRIFTING.name).head()
    assert (head.action, head.who, head.why) == ("rollback", "operator", "it declined everybody")
    assert champion_of(DRIFTING) == first
    assert registry.alias(name, "champion") == first.version
    assert Journal(DRIFTING.name).verify().ok


@pytest.mark.slow
def test_the_scheduled_retraining_trains_on_behalf_of_the_owner(platform):
    admin = platform.airflow("admin")
    yesterday = live_ingest(platform, admin)
    admin.patch("dags/weekly_retraining", {"is_paused": False})
    run = until(lambda: next(iter(admin.runs("weekly_train")), None), seconds=150)
    admin.patch("dags/weekly_retraining", {"is_paused": True})
    assert finished(admin, "weekly_train", run["dag_run_id"]) == "success"
    deploy = until(lambda: next(iter(admin.runs("weekly_deploy")), None))
    until(lambda: admin.task("weekly_deploy", deploy["dag_run_id"], "approve")["state"] == "awaiting_input")
    evaluation = registry.evaluation_of(registry.candidate(WEEKLY, yesterday))
    assert (evaluation.originator, evaluation.originator_source) == (WEEKLY.owner, "schedule")


@pytest.mark.slow
def test_the_second_use_case_comes_to_a_champion_without_anybody(platform):
    live(platform, TUMOURS, approve_as=None, ask=False)
    champion = champion_of(TUMOURS)
    assert registry.evaluation_of(champion).passed
    assert Journal(TUMOURS.name).head().evidence["approval"] is None


def live_ingest(platform, airflow):
    """Land the history of the weekly use case, and return its last day."""
    import datetime as dt

    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    first = yesterday - dt.timedelta(days=WEEKLY.source.history_days - 1)
    run_id = airflow.trigger(
        "weekly_ingest", partition_key=yesterday.isoformat(), conf={"first_day": first.isoformat()}
    )
    assert finished(airflow, "weekly_ingest", run_id) == "success", airflow.failure("weekly_ingest", run_id)
    return yesterday
