"""The auth manager of a deployment on many machines: FAB's own, in which people are known by their names.

On one machine a user's id is the name. FAB's id is a number, which no spec can know before the account is made, and
which no reader of the journal could tell apart from another. So an approval is assigned to a name, and answered under
one; names are unique in FAB, whatever their case.
"""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
from airflow.providers.fab.www.security.permissions import RESOURCE_HITL_DETAIL


class NamedFabAuthManager(FabAuthManager):
    """FAB's auth manager with two decisions of its own, both about answers of people."""

    def is_authorized_hitl_task(self, *, assigned_users: set[str], user: Any) -> bool:
        """Return whether a request is assigned to this user's name; the number counts for nothing."""
        return not user.is_anonymous and user.username in assigned_users

    def is_authorized_dag(
        self, *, method: Any, user: Any, access_entity: DagAccessEntity | None = None, details: Any = None
    ) -> bool:
        """Return whether a user may do something with a DAG or a part of it.

        To answer, FAB would ask for the right to edit the DAG, which also pauses it. Here who answers needs to see the
        DAG and to hold the right to answer, no more.
        """
        if access_entity is DagAccessEntity.HITL_DETAIL and method == "PUT":
            may = self.is_authorized_custom_view(method="PUT", resource_name=RESOURCE_HITL_DETAIL, user=user)
            method = "GET"
        else:
            may = True
        return may and super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
