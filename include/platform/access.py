"""Accounts and roles of a deployment on many machines: settings and the program that makes them.

One machine keeps SimpleAuthManager, whose users and roles stand in ``include.platform.components``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from include.platform.stores import Program


def fab_env() -> dict[str, str]:
    """Return the settings by which Airflow keeps accounts and roles in its database; all components need them."""
    return {
        "AIRFLOW__CORE__AUTH_MANAGER": "plugins.access.manager.NamedFabAuthManager",
        # The program below writes roles and permissions, once; API servers that start side by side would race in it.
        "AIRFLOW__FAB__UPDATE_FAB_PERMS": "False",
        # Else the administrator's own page of it is an error.
        "AIRFLOW__API__EXPOSE_CONFIG": "non-sensitive-only",
    }


def accounts(env: Mapping[str, str]) -> Program:
    """Return the program that makes or renews roles and accounts; it ends by itself.

    It comes after the migration and before the first API server.

    Args:
        env: Airflow's settings with ``fab_env``; the accounts' passwords are in there or in the caller's environment.
    """
    return Program("accounts", [sys.executable, "-m", "plugins.access.accounts"], dict(env))
