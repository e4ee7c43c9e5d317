"""What each role may do, asked of a real Airflow: every right once as allowed, and everybody else is refused."""

from __future__ import annotations

import pytest

from include.errors import TransientError
from include.platform.state import USERS
from tests.cluster.conftest import Person
from tests.platform_fixtures import finished

DAG, ALL = "strict_rollback", tuple(USERS)
WORK, ADMIN = ("operator", "engineer", "admin"), ("admin",)
BACK_IN_TIME = {"dag_id": "strict_ingest", "from_date": "2026-11-05T00:00:00Z", "to_date": "2026-11-01T00:00:00Z"}
NOBODY_YET = {"username": "x", "email": "no address", "first_name": "", "last_name": "", "password": ""}


def deletion(entity):
    return {"actions": [{"action": "delete", "entities": [entity], "action_on_non_existence": "skip"}]}


# Who is allowed gets the status; everybody else 403. Where an allowed request would start or remove something, it is
# one that comes past the gate and is then refused for what it says: 400, 404, 422.
RIGHTS = [
    ("see DAGs", "GET", "dags", None, 200, ALL),
    ("see a run", "GET", f"dags/{DAG}/dagRuns/{{run}}", None, 200, ALL),
    ("see its tasks", "GET", f"dags/{DAG}/dagRuns/{{run}}/taskInstances", None, 200, ALL),
    ("see the events behind a run", "GET", f"dags/{DAG}/dagRuns/{{run}}/upstreamAssetEvents", None, 200, ALL),
    ("see assets", "GET", "assets", None, 200, ALL),
    ("see pools", "GET", "pools", None, 200, ALL),
    ("see versions of DAGs", "GET", f"dags/{DAG}/dagVersions", None, 200, ALL),
    ("see backfills", "GET", f"backfills?dag_id={DAG}", None, 200, ALL),
    ("see the requests for approval", "GET", "dags/~/dagRuns/~/hitlDetails", None, 200, ALL),
    ("see the list of the UI", "GET", "/ui/dags", None, 200, ALL),
    ("see the grid of the UI", "GET", f"/ui/grid/runs/{DAG}", None, 200, ALL),
    ("see the graph of the UI", "GET", f"/ui/structure/structure_data?dag_id={DAG}", None, 200, ALL),
    ("see which plugins have a part in a page", "GET", "plugins", None, 200, ALL),
    ("read a log", "GET", f"dags/{DAG}/dagRuns/{{run}}/taskInstances/rollback/logs/1", None, 200, ALL),
    ("read XComs", "GET", f"dags/{DAG}/dagRuns/{{run}}/taskInstances/rollback/xcomEntries", None, 200, ALL),
    ("read the audit log", "GET", "eventLogs", None, 200, ("reviewer", "auditor", "admin")),
    ("see DAG code", "GET", f"dagSources/{DAG}", None, 200, ("engineer", "reviewer", "admin")),
    ("see import errors", "GET", "importErrors", None, 200, ("engineer", "reviewer", "admin")),
    ("see providers", "GET", "providers", None, 200, ("engineer", "reviewer", "admin")),
    ("see Airflow's jobs", "GET", "jobs", None, 200, ("engineer", "reviewer", "admin")),
    ("see the configuration", "GET", "config", None, 200, ADMIN),
    ("trigger", "POST", f"dags/{DAG}/dagRuns", {"logical_date": None, "conf": {"why": "no"}}, 400, WORK),
    ("backfill", "POST", "backfills", BACK_IN_TIME, 422, WORK),
    ("pause", "PATCH", f"dags/{DAG}", {"is_paused": False}, 200, WORK),
    ("clear", "POST", f"dags/{DAG}/clearTaskInstances", {"dry_run": True}, 200, WORK),
    ("clear a run", "POST", f"dags/{DAG}/dagRuns/{{run}}/clear", {"dry_run": True}, 200, WORK),
    ("note on a run", "PATCH", f"dags/{DAG}/dagRuns/{{run}}", {"note": "seen"}, 200, WORK),
    ("mark a task", "PATCH", f"dags/{DAG}/dagRuns/{{run}}/taskInstances/rollback/dry_run", {"new_state": "success"},
     200, WORK),
    ("delete a run", "DELETE", f"dags/{DAG}/dagRuns/none", None, 404, ADMIN),
    ("delete runs in bulk", "PATCH", f"dags/{DAG}/dagRuns", deletion("none"), 200, ADMIN),
    ("delete a task instance", "DELETE", f"dags/{DAG}/dagRuns/none/taskInstances/rollback", None, 404, ADMIN),
    ("delete a DAG's history", "DELETE", "dags/none", None, 404, ADMIN),
    ("make an event by hand", "POST", "assets/events", {"asset_id": 999_999}, 404, ADMIN),
    ("run what makes an asset", "POST", "assets/999999/materialize", None, 404, ADMIN),
    ("write an XCom", "POST", f"dags/{DAG}/dagRuns/none/taskInstances/rollback/xcomEntries",
     {"key": "k", "value": "v", "map_index": -1}, 404, ADMIN),
    ("see variables", "GET", "variables", None, 200, ("operator", "engineer", "reviewer", "admin")),
    ("make a variable", "POST", "variables", {"key": "of_{name}", "value": "1"}, 201, WORK),
    ("change a variable", "PATCH", "variables/none", {"key": "none", "value": "2"}, 404, WORK),
    ("remove a variable", "DELETE", "variables/none", None, 404, WORK),
    ("make a pool", "POST", "pools", {"name": "of_{name}", "slots": 1}, 201, WORK),
    ("change a pool", "PATCH", "pools/none?update_mask=slots", {"slots": 2}, 404, WORK),
    ("remove a pool", "DELETE", "pools/none", None, 404, WORK),
    ("see connections", "GET", "connections", None, 200, ("engineer", "reviewer", "admin")),
    ("make a connection", "POST", "connections", {"connection_id": "a b", "conn_type": "http"}, 422, ADMIN),
    ("change a connection", "PATCH", "connections/none", {"connection_id": "none", "conn_type": "http"}, 404, ADMIN),
    ("remove a connection", "DELETE", "connections/none", None, 404, ADMIN),
    ("see accounts", "GET", "/auth/fab/v1/users", None, 200, ADMIN),
    ("make an account", "POST", "/auth/fab/v1/users", NOBODY_YET, 422, ADMIN),
    ("change an account", "PATCH", "/auth/fab/v1/users/none", {"first_name": "x"}, 404, ADMIN),
    ("remove an account", "DELETE", "/auth/fab/v1/users/none", None, 404, ADMIN),
    ("see roles", "GET", "/auth/fab/v1/roles", None, 200, ADMIN),
    ("change a role", "PATCH", "/auth/fab/v1/roles/none", {"name": "none", "actions": []}, 404, ADMIN),
]  # fmt: skip


@pytest.fixture(scope="module")
def run(cluster):
    """Give a run that is over: a rollback, dry, of a use case that has no champion."""
    cluster.airflow().wait_for_dags({DAG})
    airflow = cluster.airflow("operator")
    run_id = airflow.trigger(DAG, conf={"why": "to have a run to look at"})
    finished(airflow, DAG, run_id)
    return run_id


def test_who_may_not_read_import_errors_can_wait_for_dags(cluster):
    with pytest.raises(TransientError, match="no of_nobody after 0 s"):
        cluster.airflow("operator").wait_for_dags({"of_nobody"}, seconds=0.5)


def filled(given, **values):
    if isinstance(given, dict):
        return {key: filled(value, **values) for key, value in given.items()}
    return given.format(**values) if isinstance(given, str) else given


@pytest.mark.parametrize(("method", "path", "body", "status", "who"), [pytest.param(*r[1:], id=r[0]) for r in RIGHTS])
def test_who_may(people, run, method, path, body, status, who):
    seen = {
        name: person.ask(method, filled(path, run=run, name=name), filled(body, run=run, name=name)).status_code
        for name, person in people.items()
    }
    assert seen == {name: status if name in who else 403 for name in people}


@pytest.mark.parametrize(("method", "path"), sorted({(row[1], row[2]) for row in RIGHTS}))
def test_who_has_not_logged_in_may_nothing(people, run, method, path):
    nobody = Person(people["admin"].url)
    assert nobody.ask(method, filled(path, run=run, name="nobody")).status_code == 401


def test_a_bulk_request_deletes_no_task_instance_for_who_may_only_edit_them(people, run):
    one = {"dag_id": DAG, "dag_run_id": run, "task_id": "rollback"}
    answer = people["operator"].ask("PATCH", f"dags/{DAG}/dagRuns/{run}/taskInstances", deletion(one)).json()
    assert [error["status_code"] for error in answer["delete"]["errors"]] == [403]
    assert people["operator"].ask("GET", f"dags/{DAG}/dagRuns/{run}/taskInstances/rollback").status_code == 200


def test_who_sees_a_connection_sees_no_secret_of_it(people):
    made = {"connection_id": "shop", "conn_type": "postgres", "host": "db", "login": "shop", "password": "s3cret-word",
            "extra": '{"token": "t0ken-word"}'}  # fmt: skip
    assert people["admin"].ask("POST", "connections", made).status_code == 201
    for name in ("engineer", "reviewer"):
        seen = people[name].ask("GET", "connections/shop")
        assert seen.json()["host"] == "db"
        assert "s3cret-word" not in seen.text
        assert "t0ken-word" not in seen.text


def test_the_configuration_is_shown_without_its_secrets(people, cluster):
    seen = people["admin"].ask("GET", "config").text
    assert "parallelism" in seen
    secrets = {**cluster.state.secrets, **cluster.state.passwords}
    assert [name for name, value in secrets.items() if value in seen] == []
    assert "postgresql" not in seen


def test_the_plugins_bring_no_page_that_would_need_a_row_here(people):
    assert people["admin"].ask("GET", "plugins/importErrors").json()["import_errors"] == []
    (ours,) = [each for each in people["admin"].ask("GET", "plugins").json()["plugins"] if each["name"] == "flightdeck"]
    pages = ("fastapi_apps", "external_views", "react_apps", "flask_blueprints", "appbuilder_views")
    assert {page: ours[page] for page in pages if ours.get(page)} == {}
