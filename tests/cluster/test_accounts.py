"""Accounts and roles in FAB's database are what the environment and the repository say, however often one renews."""

from __future__ import annotations

import pytest
import requests

from include.platform import access
from include.platform.state import USERS
from plugins.access.roles import ADMIN, ROLES
from tests.cluster.conftest import Person, environment, ran


def renewed(cluster, **changed):
    said = ran(access.accounts(environment(cluster, **changed))).splitlines()
    return [line for line in said if line.startswith(("role ", "account ")) and not line.endswith(": as it was")]


def granted(people, role):
    actions = people["admin"].ask("GET", f"/auth/fab/v1/roles/{role}").json()["actions"]
    return {(each["action"]["name"], each["resource"]["name"]) for each in actions}


def opens(people, name, password):
    try:
        return Person(people["admin"].url, name, password)
    except requests.HTTPError as refused:
        assert refused.response.status_code == 401  # noqa: PT017
        return None


def test_the_same_five_people_are_there_each_in_their_role(people):
    known = people["admin"].ask("GET", "/auth/fab/v1/users").json()["users"]
    seen = {each["username"]: [role["name"] for role in each["roles"]] for each in known if each["username"] in USERS}
    assert seen == {name: [ADMIN if name == "admin" else name] for name in USERS}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_has_what_is_written_and_nothing_else(people, role):
    assert granted(people, role.name) == role.pairs


def test_a_second_time_changes_nothing(cluster):
    assert renewed(cluster) == []


def test_another_variable_is_another_password(cluster, people):
    before = cluster.state.passwords["auditor"]
    assert renewed(cluster, FLIGHTDECK_AUDITOR_PASSWORD="another-one-now") == [
        "account auditor: password changed, its sessions ended"
    ]
    assert opens(people, "auditor", before) is None
    assert opens(people, "auditor", "another-one-now")
    assert renewed(cluster) == ["account auditor: password changed, its sessions ended"]
    assert opens(people, "auditor", before)


def test_what_somebody_has_changed_by_hand_is_put_back(cluster, people):
    admin, (auditor,) = people["admin"], [role for role in ROLES if role.name == "auditor"]
    more = {*auditor.pairs, ("can_create", "DAG Runs")} - {("can_read", "Audit Logs")}
    actions = [{"action": {"name": action}, "resource": {"name": resource}} for action, resource in more]
    wider = admin.ask("PATCH", "/auth/fab/v1/roles/auditor", {"name": "auditor", "actions": actions})
    assert wider.status_code == 200, wider.text
    both = {"roles": [{"name": "auditor"}, {"name": "operator"}]}
    assert admin.ask("PATCH", "/auth/fab/v1/users/auditor?update_mask=roles", both).status_code == 200
    assert renewed(cluster) == ["role auditor: 2 permissions changed", "account auditor: role renewed"]
    assert granted(people, "auditor") == auditor.pairs


def test_who_is_switched_off_stays_off(cluster, people, database):
    from sqlalchemy import create_engine, text

    def switch(on):
        with create_engine(database).begin() as connection:
            connection.execute(text("UPDATE ab_user SET active = :on WHERE username = 'auditor'"), {"on": on})

    switch(False)
    try:
        assert renewed(cluster) == ["account auditor: stays switched off"]
        assert opens(people, "auditor", cluster.state.passwords["auditor"]) is None
    finally:
        switch(True)


def test_no_two_people_can_have_the_same_name(people):
    twin = {"username": "Reviewer", "first_name": "x", "last_name": "y", "email": "x@flightdeck.invalid",
            "password": "a-password-of-a-twin", "roles": [{"name": "reviewer"}]}  # fmt: skip
    admin = people["admin"]
    assert admin.ask("POST", "/auth/fab/v1/users", twin).status_code == 409
    for name in ("reviewer", "Reviewer"):
        body = {"username": name}
        assert admin.ask("PATCH", "/auth/fab/v1/users/engineer?update_mask=username", body).status_code >= 400
    names = [each["username"].lower() for each in admin.ask("GET", "/auth/fab/v1/users").json()["users"]]
    assert names.count("reviewer") == 1
    assert "engineer" in names
