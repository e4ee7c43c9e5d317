"""Who approves under FAB: those whom the spec names, by name, and never who asked for the training."""

from __future__ import annotations

import pytest

from include.deployment.journal import Journal
from include.naming import DEFAULT_KEY
from include.platform.life import live
from tests.cluster.conftest import Person
from tests.cluster.use_cases.peers import SPEC as PEERS
from tests.e2e.use_cases.strict import SPEC as STRICT
from tests.platform_fixtures import finished, until

APPROVAL = {"chosen_options": ["Approve"], "params_input": {"comment": "seen", "override": None, "unattended": False}}


def asked(cluster, spec):
    """Have the operator ask for a training, and return the run of the deployment that waits for its answer."""
    cluster.airflow().wait_for_dags({f"{spec.name}_{step}" for step in ("ingest", "train", "deploy", "monitor")})
    life = live(cluster, spec, approve_as=None, ask=False)
    assert life.waiting.endswith("required_actions")
    return life.runs[f"{spec.name}_deploy"]


def champion_of(spec):
    return Journal(spec.name).state().of(DEFAULT_KEY).champion


@pytest.fixture(scope="module")
def waiting(cluster):
    """Give the strict deployment that waits for the reviewer."""
    return f"dags/strict_deploy/dagRuns/{asked(cluster, STRICT)}/taskInstances/approve"


@pytest.mark.parametrize("name", ["operator", "engineer", "auditor", "admin"])
def test_who_is_not_assigned_cannot_answer(people, waiting, name):
    assert people[name].ask("PATCH", f"{waiting}/-1/hitlDetails", APPROVAL).status_code == 403
    assert people["auditor"].ask("GET", waiting).json()["state"] == "awaiting_input"


def test_another_reviewer_is_not_the_one_who_is_named(people, waiting):
    rita = {"username": "rita", "first_name": "reviewer", "last_name": "account", "email": "rita@flightdeck.invalid",
            "password": "a-password-of-rita", "roles": [{"name": "reviewer"}]}  # fmt: skip
    assert people["admin"].ask("POST", "/auth/fab/v1/users", rita).status_code == 200
    answer = Person(people["admin"].url, "rita", rita["password"]).ask("PATCH", f"{waiting}/-1/hitlDetails", APPROVAL)
    assert answer.status_code == 403
    assert "not a respondent" in answer.text


def test_the_reviewer_can_neither_mark_nor_clear_nor_edit(people, waiting):
    run = waiting.partition("/taskInstances")[0]
    ask = people["reviewer"].ask
    assert ask("PATCH", waiting, {"new_state": "success"}).status_code == 403
    assert ask("PATCH", run, {"state": "success"}).status_code == 403
    assert ask("PATCH", "dags/strict_deploy", {"is_paused": True}).status_code == 403
    clear = {"dry_run": False, "dag_run_id": run.rpartition("/")[2], "task_ids": ["approve"]}
    assert ask("POST", "dags/strict_deploy/clearTaskInstances", clear).status_code == 403


def test_the_reviewers_answer_lands_in_the_journal_under_the_name(cluster, people, waiting):
    run = waiting.split("/")[3]
    cluster.airflow("reviewer").answer(
        "strict_deploy", run, "approve", "Approve", comment="seen", override=None, unattended=False
    )
    assert finished(cluster.airflow("auditor"), "strict_deploy", run) == "success"
    answered = people["auditor"].ask("GET", f"{waiting}/-1/hitlDetails").json()["responded_by_user"]
    assert answered["name"] == "reviewer"
    assert answered["id"].isdecimal()  # FAB's number, which nothing of ours looks at
    head = Journal(STRICT.name).head()
    assert (head.who, head.evidence["approval"]["approver"]) == ("reviewer", "reviewer")
    assert head.evidence["originator"] == "operator"
    assert champion_of(STRICT) is not None


def test_who_asked_cannot_approve_though_assigned_and_a_colleague_can(cluster, people):
    run, operator = asked(cluster, PEERS), cluster.airflow("operator")
    answer = {"comment": "mine", "override": None, "unattended": False}
    operator.answer("peers_deploy", run, "approve", "Approve", **answer)
    assert finished(operator, "peers_deploy", run) == "failed"
    said = operator.failure("peers_deploy", run)
    assert "an approver among ['engineer'], not who asked for the training (operator)" in said
    assert champion_of(PEERS) is None

    operator.clear("peers_deploy", run, "approve")
    until(lambda: operator.task("peers_deploy", run, "approve")["state"] == "awaiting_input")
    cluster.airflow("engineer").answer("peers_deploy", run, "approve", "Approve", **answer)
    assert finished(operator, "peers_deploy", run) == "success"
    assert Journal(PEERS.name).head().who == "engineer"
