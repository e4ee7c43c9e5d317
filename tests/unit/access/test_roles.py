"""The roles as data: of things that FAB knows, each with its reason, and as the page for reviewers shows them."""

from __future__ import annotations

import pytest

from include.platform.bootstrap import ROOT
from include.platform.state import USERS

READING = {"can_read", "menu_access"}
ADMINISTRATION = {
    "Users", "Roles", "Permissions", "View Menus", "Permission Views", "Passwords", "My Password", "My Profile",
    "Configurations",
}  # fmt: skip


@pytest.fixture(scope="module")
def roles(access):
    return access("roles")


@pytest.fixture(scope="module")
def writing(roles):
    """Give what each role may do beyond looking, as pairs."""
    return {role.name: {pair for pair in role.pairs if pair[0] not in READING} for role in roles.ROLES}


def test_both_platforms_know_the_same_people(roles):
    assert set(roles.ROLE_OF) == set(USERS)
    assert set(roles.ROLE_OF.values()) == {"Admin", *(role.name for role in roles.ROLES)}


def test_rights_are_of_actions_and_resources_that_fab_has(roles):
    from airflow.providers.fab.www.security import permissions

    known = {name: value for name, value in vars(permissions).items() if isinstance(value, str)}
    actions = {value for name, value in known.items() if name.startswith("ACTION_")}
    resources = {value for name, value in known.items() if name.startswith("RESOURCE_")}
    for right in roles.RIGHTS:
        assert {action for action, _ in right.pairs} <= actions, right.name
        assert {resource for _, resource in right.pairs} <= resources, right.name


def test_every_right_is_somebodys_and_has_its_reason(roles):
    assert {right for role in roles.ROLES for right in role.rights} == set(roles.RIGHTS)
    for each in roles.RIGHTS:
        assert each.why.endswith("."), each.name
    for each in roles.ROLES:
        assert each.purpose.endswith("."), each.name


def test_an_auditor_changes_nothing_and_a_reviewer_only_answers(writing):
    assert writing["auditor"] == set()
    assert writing["reviewer"] == {("can_edit", "HITL Detail")}


def test_an_engineer_does_what_an_operator_does_and_sees_more(roles, writing):
    assert writing["engineer"] == writing["operator"]
    assert roles.OPERATOR.pairs < roles.ENGINEER.pairs


def test_nobody_but_an_administrator_removes_evidence_or_administers(roles):
    for role in roles.ROLES:
        for action, resource in role.pairs:
            assert resource not in ADMINISTRATION, role.name
            assert action != "can_delete" or resource in ("Pools", "Variables"), role.name
            assert resource not in ("XComs", "Connections", "Assets") or action in READING, role.name


def test_an_operator_sees_no_connection(roles):
    assert not [pair for pair in roles.OPERATOR.pairs if pair[1] == "Connections"]


def test_what_fab_gives_every_role_is_written(roles):
    """Else the API server would add it, and the program that renews roles take it away again."""
    for role in roles.ROLES:
        assert ("can_read", "Website") in role.pairs


def test_the_page_for_reviewers_shows_these_rights(roles):
    page = (ROOT / "docs/access.md").read_text()
    head = "| right | " + " | ".join(role.name for role in roles.ROLES) + " | admin | why |"
    rows = [
        f"| {right.name} | "
        + " | ".join("yes" if right in role.rights else "–" for role in roles.ROLES)
        + f" | yes | {right.why} |"
        for right in roles.RIGHTS
    ]
    assert "\n".join([head, "|---|" + "---|" * (len(roles.ROLES) + 2), *rows]) in page
    for role in roles.ROLES:
        assert f"| `{role.name}` | {role.purpose} |" in page
