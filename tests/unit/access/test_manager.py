"""People are known by their names, and who answers need not be able to edit."""

from __future__ import annotations

import pytest

# FAB's own import, on which we have no say.
pytestmark = pytest.mark.filterwarnings("ignore::starlette.exceptions.StarletteDeprecationWarning")

SEES, ANSWERS, EDITS = ("can_read", "DAGs"), ("can_edit", "HITL Detail"), ("can_edit", "DAGs")


@pytest.fixture(scope="module")
def manager(access):
    return access("manager").NamedFabAuthManager()


def person(number, name, *pairs, email=""):
    from airflow.providers.fab.auth_manager.models import User

    user = User(id=number, username=name, email=email)
    user._perms = set(pairs)
    return user


@pytest.mark.parametrize(
    ("name", "may"), [("reviewer", True), ("Reviewer", False), ("operator", False), ("4", False), ("", False)]
)
def test_an_answer_is_assigned_to_a_name(manager, name, may):
    assert manager.is_authorized_hitl_task(assigned_users={"reviewer"}, user=person(4, name)) is may


def test_a_number_is_nobodys_name(manager):
    assert not manager.is_authorized_hitl_task(assigned_users={"4"}, user=person(4, "operator"))


def test_an_address_is_nobodys_name(manager):
    nameless = person(4, "", email="reviewer")
    assert nameless.get_name() == "reviewer"
    assert not manager.is_authorized_hitl_task(assigned_users={"reviewer"}, user=nameless)


def test_who_has_not_logged_in_is_nobody(manager):
    from airflow.providers.fab.auth_manager.models.anonymous_user import AnonymousUser

    assert not manager.is_authorized_hitl_task(assigned_users={"Anonymous"}, user=AnonymousUser())


@pytest.mark.parametrize(
    ("pairs", "may"),
    [
        ((SEES, ("can_read", "HITL Detail"), ANSWERS), True),
        ((SEES, ("can_read", "HITL Detail")), False),
        ((("can_read", "HITL Detail"), ANSWERS), False),
        ((SEES, EDITS, ("can_read", "HITL Detail")), False),
    ],
)
def test_who_answers_sees_the_dag_and_may_answer(manager, pairs, may):
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

    seen = manager.is_authorized_dag(
        method="PUT",
        access_entity=DagAccessEntity.HITL_DETAIL,
        details=DagDetails(id="strict_deploy"),
        user=person(4, "reviewer", *pairs),
    )
    assert seen is may


@pytest.mark.parametrize("entity", ["RUN", "TASK_INSTANCE", None])
def test_to_answer_is_not_to_edit(manager, entity):
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

    reader = person(4, "reviewer", SEES, ANSWERS, ("can_read", "HITL Detail"), ("can_edit", "DAG Runs"))
    assert not manager.is_authorized_dag(
        method="PUT",
        access_entity=entity and DagAccessEntity[entity],
        details=DagDetails(id="strict_deploy"),
        user=reader,
    )
